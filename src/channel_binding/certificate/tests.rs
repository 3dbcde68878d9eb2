use super::*;
use crate::channel_binding::{PREFIX, ServerEndPoint};

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).expect("short");
    [&[tag, length], contents].concat()
}

#[test]
fn a_certificate_has_a_body_an_algorithm_and_a_signature() {
    let body = element(SEQUENCE, &[]);
    let algorithm = element(SEQUENCE, &element(OID, ECDSA_WITH_SHA256));
    let signature = element(BIT_STRING, &[0]);
    let read = |parts: &[&Vec<u8>]| {
        let parts: Vec<u8> = parts.iter().copied().flatten().copied().collect();
        ServerEndPoint::from_der(&element(SEQUENCE, &parts))
    };
    assert!(read(&[&body, &algorithm, &signature]).is_ok());
    for parts in [
        &[&body, &algorithm][..],
        &[&algorithm, &signature],
        &[&body, &body, &signature],
        &[&signature, &algorithm, &signature],
        &[&body, &algorithm, &body],
        &[&body, &algorithm, &signature, &signature],
    ] {
        let error = read(parts).expect_err("a part is missing, or one too many");
        assert!(matches!(error, ConfigError::NotACertificate), "{error}");
    }
}

#[test]
fn pss_without_a_hash_means_sha1_and_without_parameters_is_broken() {
    let certificate = |parameters: &[u8]| {
        let algorithm = [element(OID, RSASSA_PSS), parameters.to_vec()].concat();
        let parts = [
            element(SEQUENCE, &[]),
            element(SEQUENCE, &algorithm),
            element(BIT_STRING, &[0]),
        ];
        ServerEndPoint::from_der(&element(SEQUENCE, &parts.concat()))
    };
    let salt_alone = element(context(2), &[2, 1, 20]);
    for fields in [&[][..], &salt_alone] {
        let end_point = certificate(&element(SEQUENCE, fields)).expect("SHA-1");
        assert_eq!(end_point.application_data().len(), PREFIX.len() + 32);
    }
    for broken in [&[][..], &[5, 0], &element(SEQUENCE, &[0xa0, 0])] {
        let error = certificate(broken).expect_err("broken");
        assert!(matches!(error, ConfigError::NotACertificate), "{error}");
    }
}

#[test]
fn an_object_identifier_is_written_as_people_do() {
    assert_eq!(dotted(ED25519).as_deref(), Some("1.3.101.112"));
    assert_eq!(dotted(SHA512).as_deref(), Some("2.16.840.1.101.3.4.2.3"));
    assert_eq!(dotted(&[0x88, 0x37, 0x03]).as_deref(), Some("2.999.3"));
    for broken in [&[][..], &[0x2a, 0x86], &[0xff; 33], &[0x7f; 33]] {
        assert_eq!(dotted(broken), None, "{broken:02x?}");
    }
    assert_eq!(dotted(&[&[0xff; 12][..], &[0]].concat()), None, "too large");
}

//! Tokens that no client makes, in DER (X.690).

pub const SPNEGO: &[u8] = b"\x2b\x06\x01\x05\x05\x02";
pub const KRB5: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
pub const NTLM: &[u8] = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const GENERAL_STRING: u8 = 0x1b;
const SEQUENCE: u8 = 0x30;

fn application(number: u8, contents: &[u8]) -> Vec<u8> {
    element(0x60 | number, contents)
}

fn context(number: u8, contents: &[u8]) -> Vec<u8> {
    element(0xa0 | number, contents)
}

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &elements.concat())
}

/// An element with the shortest form of its length.
fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).expect("a length");
    let bytes = length.to_be_bytes();
    let zeros = length.leading_zeros() as usize / 8;
    let header = match length {
        0..0x80 => vec![tag, bytes[3]],
        _ => [&[tag, 0x84 - zeros as u8], &bytes[zeros..]].concat(),
    };
    [&header, contents].concat()
}

/// GSS-API's frame (RFC 2743 section 3.1).
fn frame(mechanism: &[u8], inner: &[u8]) -> Vec<u8> {
    application(0, &[&element(OID, mechanism), inner].concat())
}

/// A NegTokenInit that offers these mechanisms (RFC 4178 section 4.2.1), with a token of the first.
pub fn offer(mechanisms: &[&[u8]], token: Option<&[u8]>) -> Vec<u8> {
    let list: Vec<_> = mechanisms.iter().map(|oid| element(OID, oid)).collect();
    let mut fields = vec![context(0, &sequence(&list))];
    fields.extend(token.map(|token| context(2, &element(OCTET_STRING, token))));
    frame(SPNEGO, &context(0, &sequence(&fields)))
}

/// A NegTokenResp with this negState and this mechListMIC (RFC 4178 section 4.2.2).
pub fn later(state: Option<u8>, mic: Option<&[u8]>) -> Vec<u8> {
    const ENUMERATED: u8 = 0x0a;
    let mut fields = Vec::new();
    fields.extend(state.map(|state| context(0, &element(ENUMERATED, &[state]))));
    fields.extend(mic.map(|mic| context(3, &element(OCTET_STRING, mic))));
    context(1, &sequence(&fields))
}

/// A MIC token whose checksum is made with no key (RFC 4121 section 4.2.6.1).
pub fn mic_of_nobody() -> Vec<u8> {
    let mut mic = vec![4, 4, 0, 0xff, 0xff, 0xff, 0xff, 0xff];
    mic.extend([0; 8 + 12]);
    mic
}

/// A Kerberos token for `HTTP/localhost` whose encrypted parts are these bytes (RFC 4120
/// section 5.5.1, RFC 4121 section 4.1).
pub fn ap_req(realm: &str, ticket: &[u8], authenticator: &[u8]) -> Vec<u8> {
    const AES256_SHA1: u8 = 18;
    // Without it, MIT Kerberos does not say why it refuses.
    const MUTUAL_REQUIRED: u8 = 0x20;
    let integer = |value| element(INTEGER, &[value]);
    let string = |text: &str| element(GENERAL_STRING, text.as_bytes());
    let encrypted = |cipher| {
        sequence(&[
            context(0, &integer(AES256_SHA1)),
            context(2, &element(OCTET_STRING, cipher)),
        ])
    };
    let service = sequence(&[
        context(0, &integer(3)),
        context(1, &sequence(&[string("HTTP"), string("localhost")])),
    ]);
    let ticket = sequence(&[
        context(0, &integer(5)),
        context(1, &string(realm)),
        context(2, &service),
        context(3, &encrypted(ticket)),
    ]);
    let message = sequence(&[
        context(0, &integer(5)),
        context(1, &integer(14)),
        context(2, &element(BIT_STRING, &[0, MUTUAL_REQUIRED, 0, 0, 0])),
        context(3, &application(1, &ticket)),
        context(4, &encrypted(authenticator)),
    ]);
    frame(KRB5, &[&[1, 0], &application(14, &message)[..]].concat())
}

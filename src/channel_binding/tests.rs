use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use super::*;

/// Makes certificates, and hashes them by other code than ours.
struct OpenSsl {
    folder: tempfile::TempDir,
}

impl OpenSsl {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Vec<u8> {
        let output = Command::new("openssl")
            .current_dir(self.folder.path())
            .args(arguments)
            .output()
            .expect("openssl runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        output.stdout
    }

    /// A private key of this kind; its file.
    fn key(&self, kind: &str) -> String {
        let file = kind.replace([' ', ':'], "-");
        self.run(format!("genpkey {kind} -out {file}").split(' '));
        file
    }

    /// A certificate with this key, signed by it with these options; in DER.
    fn certificate(&self, key: &str, options: &str) -> Vec<u8> {
        let request = format!("req -x509 -key {key} -subj /CN=localhost -out c.pem {options}");
        self.run(request.split_whitespace());
        self.run("x509 -in c.pem -outform DER".split(' '))
    }

    fn pem(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("c.pem")).expect("PEM")
    }

    /// The last certificate's hash.
    fn fingerprint(&self, hash: &str) -> String {
        let command = format!("x509 -in c.pem -noout -fingerprint -{hash}");
        let printed = String::from_utf8(self.run(command.split(' '))).expect("text");
        let (_, fingerprint) = printed.split_once('=').expect("a fingerprint");
        fingerprint.trim().replace(':', "").to_lowercase()
    }
}

const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
const P384: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-384";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash in an end point.
fn hash_of(end_point: &ServerEndPoint) -> String {
    let data = end_point.application_data();
    hex(data
        .strip_prefix(b"tls-server-end-point:")
        .expect("the type's name"))
}

/// A certificate of a P-256 key and SHA-256, in DER and PEM.
fn usual() -> (Vec<u8>, Vec<u8>) {
    let openssl = OpenSsl::new();
    let key = openssl.key(P256);
    (openssl.certificate(&key, "-sha256"), openssl.pem())
}

#[test]
fn the_hash_is_that_of_the_certificates_signature_and_at_least_sha256() {
    let openssl = OpenSsl::new();
    let [rsa, p256, p384] = [RSA, P256, P384].map(|kind| openssl.key(kind));
    let pss = "-sigopt rsa_padding_mode:pss";
    for (key, options, hash) in [
        (&rsa, "-md5", "sha256"),
        (&rsa, "-sha1", "sha256"),
        (&rsa, "-sha224", "sha224"),
        (&rsa, "-sha256", "sha256"),
        (&rsa, "-sha384", "sha384"),
        (&rsa, "-sha512", "sha512"),
        (&p256, "-sha1", "sha256"),
        (&p256, "-sha224", "sha224"),
        (&p256, "-sha256", "sha256"),
        (&p256, "-sha384", "sha384"),
        (&p384, "-sha384", "sha384"),
        (&p384, "-sha512", "sha512"),
        (&rsa, &format!("-sha1 {pss}"), "sha256"),
        (&rsa, &format!("-sha224 {pss}"), "sha224"),
        (&rsa, &format!("-sha256 {pss}"), "sha256"),
        (&rsa, &format!("-sha384 {pss}"), "sha384"),
        (&rsa, &format!("-sha512 {pss}"), "sha512"),
        (
            &rsa,
            &format!("-sha512 {pss} -sigopt rsa_mgf1_md:sha256"),
            "sha512",
        ),
    ] {
        let certificate = openssl.certificate(key, options);
        let end_point = ServerEndPoint::from_der(&certificate).expect(options);
        assert_eq!(
            hash_of(&end_point),
            openssl.fingerprint(hash),
            "{key} {options}"
        );
    }
}

#[test]
fn a_signature_without_a_hash_is_named() {
    let openssl = OpenSsl::new();
    let [ed25519, ed448, rsa] =
        ["-algorithm ED25519", "-algorithm ED448", RSA].map(|kind| openssl.key(kind));
    for (key, options, name) in [
        (&ed25519, "", "by Ed25519,"),
        (&ed448, "", "by Ed448,"),
        // RSA with SHA3-256.
        (&rsa, "-sha3-256", "by 2.16.840.1.101.3.4.3.14,"),
    ] {
        let certificate = openssl.certificate(key, options);
        let error = ServerEndPoint::from_der(&certificate).expect_err(name);
        assert!(
            matches!(error, ConfigError::NoCertificateHash(_)),
            "{error}"
        );
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn the_first_certificate_of_a_chain_counts_also_behind_its_key() {
    let openssl = OpenSsl::new();
    let [own, authority] = [P256, P384].map(|kind| openssl.key(kind));
    openssl.certificate(&authority, "-sha384");
    let authority = openssl.pem();
    let der = openssl.certificate(&own, "-sha256");
    let path = Path::new(&own);
    let key = std::fs::read(openssl.folder.path().join(path)).expect("a key");
    let chain = [key, openssl.pem(), authority].concat();
    let end_point = ServerEndPoint::from_pem(&chain).expect("a certificate");
    assert_eq!(hash_of(&end_point), openssl.fingerprint("sha256"));
    assert_eq!(end_point, ServerEndPoint::from_der(&der).expect("the same"));
}

#[test]
fn what_is_no_certificate_is_an_error_that_says_what_to_give() {
    let (der, pem) = usual();
    let openssl = OpenSsl::new();
    let key = openssl.key(P256);
    let key = std::fs::read(openssl.folder.path().join(key)).expect("a key");
    let trailing = [&der[..], &[0]].concat();
    for result in [
        ServerEndPoint::from_der(b""),
        ServerEndPoint::from_der(&pem),
        ServerEndPoint::from_der(&trailing),
        ServerEndPoint::from_pem(b""),
        ServerEndPoint::from_pem(&der),
        ServerEndPoint::from_pem(&key),
        ServerEndPoint::from_pem(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
        ServerEndPoint::from_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        let error = result.expect_err("no certificate");
        assert!(matches!(error, ConfigError::NotACertificate), "{error}");
        assert!(error.to_string().contains("BEGIN CERTIFICATE"), "{error}");
    }
}

#[test]
fn a_certificate_cut_off_anywhere_is_an_error() {
    let (der, pem) = usual();
    for length in 0..der.len() {
        let result = ServerEndPoint::from_der(&der[..length]);
        assert!(result.is_err(), "{length}");
    }
    let whole = ServerEndPoint::from_pem(&pem).expect("a certificate");
    let end = pem.trim_ascii_end().len();
    for length in 0..end {
        let result = ServerEndPoint::from_pem(&pem[..length]);
        assert!(result.is_err(), "{length}");
    }
    assert_eq!(
        ServerEndPoint::from_pem(&pem[..end]).expect("no line end"),
        whole
    );
}

#[test]
fn no_bytes_make_the_reader_panic_and_each_bit_counts() {
    let openssl = OpenSsl::new();
    let rsa = openssl.key(RSA);
    let pss = openssl.certificate(&rsa, "-sha384 -sigopt rsa_padding_mode:pss");
    for der in [usual().0, pss] {
        let whole = ServerEndPoint::from_der(&der).expect("a certificate");
        for bit in 0..der.len() * 8 {
            let mut flipped = der.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = ServerEndPoint::from_der(&flipped) {
                assert_ne!(other, whole, "bit {bit}");
            }
        }
    }
}

#[test]
fn a_hash_given_as_bytes_has_the_length_of_one() {
    let (der, _) = usual();
    let hash = Sha256::digest(&der);
    let given = ServerEndPoint::from_hash(hash).expect("a hash");
    assert_eq!(given, ServerEndPoint::from_der(&der).expect("the same"));
    for length in 0..=200 {
        let result = ServerEndPoint::from_hash(vec![7; length]);
        let is_one = [28, 32, 48, 64].contains(&length);
        assert_eq!(result.is_ok(), is_one, "{length}");
    }
    let text = ServerEndPoint::from_hash(hex(&hash)).expect_err("64 characters, not SHA-512");
    assert!(text.to_string().contains("not their text in hex"), "{text}");
}

#[test]
fn debug_shows_the_hash() {
    let end_point = ServerEndPoint::from_hash([0xab; 32]).expect("a hash");
    let shown = format!("ServerEndPoint({})", "ab".repeat(32));
    assert_eq!(format!("{end_point:?}"), shown);
}

#[test]
fn a_shared_end_point_is_replaced_for_every_clone() {
    let [old, new] = [[1; 32], [2; 32]].map(|hash| ServerEndPoint::from_hash(hash).expect("one"));
    let shared = SharedEndPoint::new(old.clone());
    let given_away = shared.clone();
    assert_eq!(given_away.get(), old);
    shared.replace(new.clone());
    assert_eq!(given_away.get(), new);
}

#[test]
fn a_thread_that_panicked_does_not_hinder_a_replacement() {
    let [old, new] = [[1; 32], [2; 32]].map(|hash| ServerEndPoint::from_hash(hash).expect("one"));
    let shared = SharedEndPoint::new(old);
    let poisoner = shared.clone();
    let poisoned = std::thread::spawn(move || {
        let _held = poisoner.current.write().expect("not poisoned yet");
        panic!("on purpose");
    });
    poisoned.join().expect_err("panics");
    shared.replace(new.clone());
    assert_eq!(shared.get(), new);
}

#[test]
fn channel_binding_is_off_unless_asked_for() {
    assert_eq!(ChannelBinding::default(), ChannelBinding::Off);
}

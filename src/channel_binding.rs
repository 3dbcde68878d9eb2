//! Channel binding: whether the client's TLS connection is the one that the server has.
//!
//! Without it, a machine in the middle that holds a certificate the client trusts can pass the
//! client's token on. A client that binds puts a hash of the certificate it saw into its token
//! (`tls-server-end-point`, RFC 5929 section 4), and a token bound to another one is refused.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use http::Extensions;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::der::{Element, OID, SEQUENCE, context, element, only, take};
use crate::error::ConfigError;

/// What channel binding asks of clients.
///
/// | the client's token | [`Off`](Self::Off) | [`WhenSent`](Self::WhenSent) | [`Required`](Self::Required) |
/// |---|---|---|---|
/// | is bound to our certificate | accepted | accepted | accepted |
/// | is bound to another one | accepted | refused | refused |
/// | is bound to none | accepted | accepted | refused |
///
/// A client that sends none is an older curl, Chromium or Firefox on Linux, or a library where
/// binding is not switched on ([`guide::clients`](crate::guide::clients) has a table), as well as
/// one that a machine in the middle made believe it speaks plain HTTP: only `Required` keeps that
/// machine out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ChannelBinding {
    /// Whatever a client sends is ignored.
    #[default]
    Off,
    /// A client bound to another certificate is refused. One that sends no binding is not.
    WhenSent,
    /// A client bound to another certificate is refused, and so is one that sends no binding.
    Required,
}

impl ChannelBinding {
    /// For a layer's fingerprint. No realm has a space.
    pub(crate) fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::WhenSent => Some("bound when sent"),
            Self::Required => Some("always bound"),
        }
    }
}

/// The TLS server that a client should be bound to: the `tls-server-end-point` channel binding
/// ([RFC 5929 section 4]) of its certificate.
///
/// ```no_run
/// use tower_spnego::ServerEndPoint;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let chain = std::fs::read("/etc/intranet/chain.pem")?;
/// let end_point = ServerEndPoint::from_pem(&chain)?;
/// # Ok(())
/// # }
/// ```
///
/// It is a hash of the certificate that clients see, by the hash function of the certificate's
/// signature (the one its authority made, whatever the key in it), or SHA-256 instead of MD5 and
/// SHA-1. RSASSA-PSS has that function in its parameters; Java takes SHA-256 whatever they say, and
/// is refused where they say another. requests-gssapi 1.4 takes SHA-1 where the signature has it,
/// and is refused.
///
/// Ed25519, Ed448 and the post-quantum signatures have no such function, the RFC leaves them
/// undefined, and clients don't agree: Java takes SHA-256, curl sends no binding, others fail. They
/// are a [`ConfigError::NoCertificateHash`] here.
///
/// A server that does TLS itself puts it into the extensions of each request, by the certificate
/// that the connection was made with; else the layer has one for all
/// ([`server_end_point`](crate::SpnegoLayerBuilder::server_end_point)).
///
/// A clone costs next to nothing. There is nothing secret in it.
///
/// [RFC 5929 section 4]: https://www.rfc-editor.org/rfc/rfc5929#section-4
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ServerEndPoint {
    application_data: Arc<[u8]>,
}

/// What the channel binding begins with, before the hash (RFC 5929 section 4, RFC 5056 section 2.1).
const PREFIX: &[u8] = b"tls-server-end-point:";

impl ServerEndPoint {
    /// That of a server with this X.509 certificate, in DER.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NotACertificate`], or [`ConfigError::NoCertificateHash`] where its signature
    /// has no hash function, or an unknown one.
    pub fn from_der(certificate: &[u8]) -> Result<Self, ConfigError> {
        let hash = CertificateHash::of(certificate)?;
        Ok(Self::new(&hash.digest(certificate)))
    }

    /// That of a server with the first certificate of a PEM file, which is the server's own in a
    /// file with its chain. Keys in the file are passed over.
    ///
    /// # Errors
    ///
    /// As [`from_der`](Self::from_der).
    pub fn from_pem(chain: &[u8]) -> Result<Self, ConfigError> {
        // The cause is left out: it may quote the file, which often holds the key as well.
        let certificate =
            CertificateDer::from_pem_slice(chain).map_err(|_| ConfigError::NotACertificate)?;
        Self::from_der(&certificate)
    }

    /// That of a TLS terminator in front of this server, by the hash of its certificate: the raw
    /// bytes, as from
    ///
    /// ```sh
    /// openssl x509 -in certificate.pem -outform DER | openssl dgst -sha256 -binary
    /// ```
    ///
    /// with the hash function that clients take, which is that of the certificate's signature
    /// (`openssl x509 -noout -text` names it), or SHA-256 instead of MD5 and SHA-1. Nothing here can
    /// check it: with another one, every client that binds is refused.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadCertificateHash`] unless it is as long as SHA-256 (32 bytes), SHA-384 (48),
    /// SHA-512 (64) or SHA-224 (28: rare, but a signature may have it), or if it is a hash's text.
    pub fn from_hash(hash: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let hash = hash.as_ref();
        // SHA-256 in hex is as long as SHA-512.
        let is_text = hash.iter().all(u8::is_ascii_hexdigit);
        if !matches!(hash.len(), 28 | 32 | 48 | 64) || is_text {
            return Err(ConfigError::BadCertificateHash(hash.len()));
        }
        Ok(Self::new(hash))
    }

    fn new(hash: &[u8]) -> Self {
        Self {
            application_data: [PREFIX, hash].concat().into(),
        }
    }

    /// The `application_data` of GSSAPI's channel bindings (RFC 2744 section 3.11).
    pub(crate) fn application_data(&self) -> &[u8] {
        &self.application_data
    }
}

impl fmt::Debug for ServerEndPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerEndPoint(")?;
        for byte in self.application_data.iter().skip(PREFIX.len()) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// A [`ServerEndPoint`] that can be replaced while the server runs, when its certificate is renewed.
///
/// Clones share it: keep one, and give the other away.
///
/// The server has to change its certificate at the same moment. A token that was made for the old
/// one, just before, is refused, and the client has to make another.
#[derive(Debug, Clone)]
pub struct SharedEndPoint {
    current: Arc<RwLock<ServerEndPoint>>,
}

impl SharedEndPoint {
    /// Begins with this one.
    pub fn new(end_point: ServerEndPoint) -> Self {
        Self {
            current: Arc::new(RwLock::new(end_point)),
        }
    }

    /// Replaces it for every clone. Requests count by the one that is there when they arrive.
    pub fn replace(&self, end_point: ServerEndPoint) {
        // It is replaced whole, so a thread that panicked has left nothing half done.
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = end_point;
    }

    pub(crate) fn get(&self) -> ServerEndPoint {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<ServerEndPoint> for SharedEndPoint {
    fn from(end_point: ServerEndPoint) -> Self {
        Self::new(end_point)
    }
}

/// The policy of a layer, and the server that its clients see unless a connection says otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bindings {
    pub(crate) policy: ChannelBinding,
    pub(crate) end_point: Option<SharedEndPoint>,
}

impl Bindings {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match self.policy {
            ChannelBinding::Off if self.end_point.is_some() => Err(ConfigError::EndPointUnused),
            _ => Ok(()),
        }
    }

    /// What GSSAPI is to compare with the client's binding; `None` lets everything pass.
    pub(crate) fn of(&self, request: &Extensions) -> Option<Vec<u8>> {
        if self.policy == ChannelBinding::Off {
            return None;
        }
        let end_point = match (request.get::<ServerEndPoint>(), &self.end_point) {
            (Some(end_point), _) => end_point.clone(),
            (None, Some(shared)) => shared.get(),
            // As over plain HTTP. No client is bound to it, so that each binding differs.
            (None, None) => ServerEndPoint::new(&[]),
        };
        Some(end_point.application_data().to_vec())
    }

    /// Whether a request's server is known at all.
    pub(crate) fn knows_end_point(&self, request: &Extensions) -> bool {
        self.end_point.is_some() || request.get::<ServerEndPoint>().is_some()
    }
}

/// The hash function of a certificate's end point.
#[derive(Clone, Copy)]
enum CertificateHash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

// Contents of the object identifiers of signatures (RFC 3279, 4055, 5758, 8410), and of the hashes
// that RSASSA-PSS names.
/// 1.2.840.113549.1.1.4
const MD5_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04];
/// 1.2.840.113549.1.1.5
const SHA1_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
/// 1.2.840.113549.1.1.10
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// 1.2.840.113549.1.1.11
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
/// 1.2.840.113549.1.1.12
const SHA384_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c];
/// 1.2.840.113549.1.1.13
const SHA512_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d];
/// 1.2.840.113549.1.1.14
const SHA224_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0e];
/// 1.2.840.10045.4.1
const ECDSA_WITH_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
/// 1.2.840.10045.4.3.1
const ECDSA_WITH_SHA224: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01];
/// 1.2.840.10045.4.3.2
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// 1.2.840.10045.4.3.3
const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
/// 1.2.840.10045.4.3.4
const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
/// 1.3.101.112
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.3.101.113
const ED448: &[u8] = &[0x2b, 0x65, 0x71];
/// 1.2.840.113549.2.5
const MD5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05];
/// 1.3.14.3.2.26
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 2.16.840.1.101.3.4.2.2
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
/// 2.16.840.1.101.3.4.2.3
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
/// 2.16.840.1.101.3.4.2.4
const SHA224: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04];

impl CertificateHash {
    fn of(certificate: &[u8]) -> Result<Self, ConfigError> {
        let (algorithm, parameters) =
            signature_algorithm(certificate).ok_or(ConfigError::NotACertificate)?;
        let named = match algorithm {
            RSASSA_PSS => pss_hash(parameters).ok_or(ConfigError::NotACertificate)?,
            _ => algorithm,
        };
        match named {
            MD5_WITH_RSA | SHA1_WITH_RSA | ECDSA_WITH_SHA1 | MD5 | SHA1 => Ok(Self::Sha256),
            SHA224_WITH_RSA | ECDSA_WITH_SHA224 | SHA224 => Ok(Self::Sha224),
            SHA256_WITH_RSA | ECDSA_WITH_SHA256 | SHA256 => Ok(Self::Sha256),
            SHA384_WITH_RSA | ECDSA_WITH_SHA384 | SHA384 => Ok(Self::Sha384),
            SHA512_WITH_RSA | ECDSA_WITH_SHA512 | SHA512 => Ok(Self::Sha512),
            ED25519 => Err(ConfigError::NoCertificateHash("Ed25519".to_owned())),
            ED448 => Err(ConfigError::NoCertificateHash("Ed448".to_owned())),
            _ => Err(match dotted(named) {
                Some(named) => ConfigError::NoCertificateHash(named),
                None => ConfigError::NotACertificate,
            }),
        }
    }

    fn digest(self, certificate: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha224 => Sha224::digest(certificate).to_vec(),
            Self::Sha256 => Sha256::digest(certificate).to_vec(),
            Self::Sha384 => Sha384::digest(certificate).to_vec(),
            Self::Sha512 => Sha512::digest(certificate).to_vec(),
        }
    }
}

/// The algorithm of the signature on a certificate, and the algorithm's parameters (RFC 5280
/// section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = take(only(certificate, SEQUENCE)?, SEQUENCE)?;
    let (algorithm, signature) = take(rest, SEQUENCE)?;
    only(signature, BIT_STRING)?;
    take(algorithm, OID)
}

const BIT_STRING: u8 = 0x03;

/// The hash in the parameters of RSASSA-PSS, SHA-1 where they name none (RFC 4055 section 3.1).
/// There is a second one in them, of the mask; clients go by the first.
fn pss_hash(parameters: &[u8]) -> Option<&[u8]> {
    let fields = only(parameters, SEQUENCE)?;
    if fields.is_empty() {
        return Some(SHA1);
    }
    let Element { tag, contents, .. } = element(fields)?;
    if tag != context(0) {
        return Some(SHA1);
    }
    let (hash, _) = take(only(contents, SEQUENCE)?, OID)?;
    Some(hash)
}

/// An object identifier as people write it (X.690 section 8.19).
fn dotted(contents: &[u8]) -> Option<String> {
    // The longest that is in use for a signature has 12 bytes.
    if contents.len() > 32 || contents.last()? & 0x80 != 0 {
        return None;
    }
    let mut numbers = Vec::new();
    let mut number = 0_u64;
    for byte in contents {
        number = number.checked_mul(0x80)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(std::mem::take(&mut number));
        }
    }
    let (&first, rest) = numbers.split_first()?;
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - 40 * root);
    for number in rest {
        text.push_str(&format!(".{number}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests;

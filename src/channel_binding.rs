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

use self::certificate::CertificateHash;
use crate::error::ConfigError;

mod certificate;

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

#[cfg(test)]
mod tests;

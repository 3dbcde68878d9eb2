//! What is answered in place of the handler.

use tracing::{debug, error, info, warn};

use crate::error::{Error, ErrorKind, Fault};
use crate::kerberos::Refused;
use crate::principal::printable;

/// An answer in place of the handler's.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(super) error: Error,
    /// GSSAPI's word to the client: the final token, or the reject token.
    pub(super) token: Vec<u8>,
    /// It is a password that is refused, and so nothing to say of tokens.
    pub(super) of_password: bool,
    pub(super) is_logged: bool,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            token: Vec::new(),
            of_password: false,
            is_logged: false,
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::from(refused.error).with_token(refused.reject_token)
    }
}

impl Refusal {
    pub(crate) fn with_token(mut self, token: Vec<u8>) -> Self {
        self.token = token;
        self
    }

    /// Logged where it is known, in the span of its sign-in; not again where it is answered.
    pub(crate) fn logged(mut self) -> Self {
        log(&self.error);
        self.is_logged = true;
        self
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    pub(crate) fn of_password(mut self) -> Self {
        self.of_password = true;
        self
    }
}

pub(crate) fn log(error: &Error) {
    let kind = error.kind();
    let mut causes = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push_str(": ");
        causes.push_str(&printable(&cause.to_string()));
        source = cause.source();
    }
    // Anybody can send what is refused with 4xx; that must not look like an outage.
    match (error.fault(), kind.status().is_server_error()) {
        _ if kind == ErrorKind::NoCredentials => debug!(?kind, "challenged"),
        _ if kind == ErrorKind::HandshakeGoesOn => debug!(?kind, "answered"),
        (_, true) => error!(?kind, "failed: {error}{causes}"),
        (Fault::Client, false) => info!(?kind, "refused: {error}{causes}"),
        (_, false) => warn!(?kind, "refused: {error}{causes}"),
    }
}

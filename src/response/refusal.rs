//! What is answered in place of the handler.

use std::net::SocketAddr;

use super::log::Log;
use crate::error::{Error, ErrorKind};
use crate::kerberos::Refused;

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
    pub(crate) fn logged(mut self, log: &Log, peer: Option<SocketAddr>) -> Self {
        log.write(&self.error, peer);
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

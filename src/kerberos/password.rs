//! Asks the KDC about passwords, on threads of its own: a KDC may take its time.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::ffi::{Credential, KRB5_ERRORS, Refusal};
use super::worker::{Pool, Size};
use crate::error::{ConfigError, Error, ErrorKind};
use crate::principal::Principal;

/// What the token of a password is bound to. An acceptor that demands a channel binding gets one,
/// and nobody else's token passes for ours.
pub(crate) const BINDING: &[u8] = b"tower-spnego password";

/// The threads.
pub(crate) struct PasswordChecks(Pool<()>);

/// A password to be checked, and for which service.
pub(crate) struct Question {
    pub(crate) client: Principal,
    pub(crate) password: SecretString,
    /// Our own principal, whose key we have.
    pub(crate) service: String,
}

impl PasswordChecks {
    /// As many threads as checks run at once. How long one waits is on the caller.
    pub(crate) fn start(threads: usize, queue: usize) -> Result<Self, ConfigError> {
        let size = Size {
            name: "spnego-password",
            threads,
            queue,
            patience: Duration::MAX,
        };
        Pool::start(size, || Ok(())).map(Self)
    }

    /// A token that the KDC gives out for the password. It proves nothing yet: anybody can be a
    /// KDC, and only who knows our key makes a token that our acceptor takes.
    ///
    /// `answered` hears what came of it also when nobody waits for it any more. It is dropped
    /// where the KDC was not asked.
    pub(crate) async fn token(
        &self,
        question: Question,
        answered: impl FnOnce(&Result<Vec<u8>, Error>) + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let ask = move |_: &mut ()| {
            let token = question.ask();
            answered(&token);
            token
        };
        self.0.run(ask).await?
    }
}

impl Question {
    fn ask(self) -> Result<Vec<u8>, Error> {
        let client = self.client.to_string();
        let password = self.password.expose_secret().as_bytes();
        let credential = Credential::of_password(&client, password)
            .map_err(|refusal| error(password_refused(code(&refusal)), refusal))?;
        credential
            .token_for(&self.service, BINDING)
            .map_err(|refusal| error(ticket_refused(code(&refusal)), refusal))
    }
}

fn error(kind: ErrorKind, refusal: Refusal) -> Error {
    Error::new(kind).with_detail(refusal.text)
}

fn code(refusal: &Refusal) -> i32 {
    refusal.minor.cast_signed().wrapping_sub(KRB5_ERRORS)
}

/// Why the KDC gives no ticket for the password, by RFC 4120 section 7.5.9. Who is unknown gets the
/// same as who is known: what exists is no stranger's business.
fn password_refused(code: i32) -> ErrorKind {
    match code {
        6 | 24 | 31 => ErrorKind::WrongPassword,
        // The account's end or beginning, a lock, or the KDC's rules (on AD: the hours).
        1 | 12 | 18 | 21 => ErrorKind::AccountLocked,
        23 => ErrorKind::PasswordExpired,
        _ => ErrorKind::KdcUnavailable,
    }
}

/// Why it gives no ticket for our own service to whom it has just given one for itself.
fn ticket_refused(code: i32) -> ErrorKind {
    match code {
        NO_KDC | NO_ADDRESS | UNKNOWN_REALM => ErrorKind::KdcUnavailable,
        _ => ErrorKind::KdcNotTrusted,
    }
}

/// libkrb5's own codes, counted as those of KRB-ERROR are: `KRB5_KDC_UNREACH`,
/// `KRB5_REALM_CANT_RESOLVE` and `KRB5_REALM_UNKNOWN` of krb5.h.
const NO_KDC: i32 = 156;
const NO_ADDRESS: i32 = 220;
const UNKNOWN_REALM: i32 = 154;

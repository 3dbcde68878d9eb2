//! Why a server gives no answer, and what to do about it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ldap3::LdapError;

use super::bind::Method;
use super::connection::addresses::UnknownHost;
#[cfg(feature = "doctor")]
use super::diagnosis::{Blamed, StepKind};
use super::outcome::{Refused, is_unavailable};
use crate::directory::DirectoryError;
#[cfg(feature = "ldap-gssapi")]
use crate::kerberos::AccountRefused;

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// No connection came about.
    Connect(Broken),
    /// The connection was lost while it was in use.
    Lost(Broken),
    /// What the server sent as the answer to the bind is no LDAP.
    Garbled,
    Bind {
        /// In quotes, where it is a name.
        name: String,
        method: Method,
        refused: Refused,
    },
    /// Who we are was refused a short while ago, and is not tried again for so long.
    Paused(Box<Failure>, Duration),
    /// The server does not start TLS.
    StartTls(Refused),
    /// Nothing could prove to the server who we are.
    #[cfg(feature = "ldap-gssapi")]
    Account(AccountRefused),
    /// The server says that we are bound before it has proved who it is.
    #[cfg(feature = "ldap-gssapi")]
    Unproved,
    /// The server insists on a security layer of SASL.
    #[cfg(feature = "ldap-gssapi")]
    WantsLayer,
    /// The server says that it can't answer now.
    Unavailable(Refused),
    /// After so long.
    TimedOut(Duration),
}

#[cfg(feature = "ldap-gssapi")]
impl From<AccountRefused> for Failure {
    fn from(refused: AccountRefused) -> Self {
        Self::Account(refused)
    }
}

impl Failure {
    /// On which step it came.
    #[cfg(feature = "doctor")]
    pub(super) fn step(&self) -> StepKind {
        match self {
            Self::Connect(broken) if broken.is_about_certificate => StepKind::Tls,
            Self::StartTls(_) => StepKind::Tls,
            Self::Bind { .. } | Self::Paused(..) | Self::Garbled => StepKind::Bind,
            #[cfg(feature = "ldap-gssapi")]
            Self::Account(_) | Self::Unproved | Self::WantsLayer => StepKind::Bind,
            Self::Connect(_) | Self::Lost(_) | Self::Unavailable(_) | Self::TimedOut(_) => {
                StepKind::Connection
            }
        }
    }

    pub(super) fn io(error: io::Error) -> Self {
        Self::Connect(error.into())
    }

    /// Whether it is this server's alone, so that another one may know better. A refused bind is
    /// not: a wrong password would be tried on each server, until the account is locked.
    pub(super) fn is_the_servers(&self) -> bool {
        match self {
            Self::Bind { refused, .. } => is_unavailable(refused.code),
            Self::Paused(..) => false,
            #[cfg(feature = "ldap-gssapi")]
            Self::Account(_) | Self::WantsLayer => false,
            _ => true,
        }
    }

    /// Whether a directory or a KDC counts it as a wrong password for the account.
    pub(super) fn counts_against_the_account(&self) -> bool {
        match self {
            Self::Bind {
                method, refused, ..
            } => *method == Method::Simple && refused.code == 49,
            #[cfg(feature = "ldap-gssapi")]
            Self::Account(refused) => refused.is_wrong_key,
            _ => false,
        }
    }

    /// What it says of who we are.
    #[cfg(feature = "doctor")]
    pub(super) fn blames(&self) -> Blamed {
        match self {
            Self::Paused(before, _) => before.blames(),
            Self::Bind { .. } if self.counts_against_the_account() => Blamed::Password,
            #[cfg(feature = "ldap-gssapi")]
            Self::Account(_) if self.counts_against_the_account() => Blamed::Key,
            _ => Blamed::Neither,
        }
    }

    pub(super) fn explain(&self, server: &str) -> DirectoryError {
        match self {
            Self::Paused(before, pause) => before.explain_with(server, Some(*pause)),
            other => other.explain_with(server, None),
        }
    }

    fn explain_with(&self, server: &str, pause: Option<Duration>) -> DirectoryError {
        let misconfigured = || DirectoryError::misconfigured();
        let (error, source) = match self {
            Self::Bind {
                name,
                method,
                refused,
            } => {
                let what = format!("the bind as {name} failed{}", Pause(pause));
                return refused.explain(&what, method.mend(refused.code));
            }
            #[cfg(feature = "ldap-gssapi")]
            Self::Account(AccountRefused {
                is_outage, detail, ..
            }) => {
                let error = match is_outage {
                    true => DirectoryError::unavailable(),
                    false => misconfigured(),
                };
                let pause = Pause(pause);
                let what = format!("no bind by GSSAPI to {server}{pause}: {detail}");
                return error.with_detail(what);
            }
            #[cfg(feature = "ldap-gssapi")]
            Self::WantsLayer => (misconfigured(), None),
            Self::StartTls(refused) if !is_unavailable(refused.code) => (misconfigured(), None),
            Self::Connect(broken) | Self::Lost(broken) => {
                (DirectoryError::unavailable(), broken.source.clone())
            }
            _ => (DirectoryError::unavailable(), None),
        };
        let error = error.with_detail(Reason(server, self).to_string());
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

/// That something is not done again for a while.
struct Pause(Option<Duration>);

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(pause) = self.0 else {
            return Ok(());
        };
        let seconds = pause.as_secs() + 1;
        write!(
            f,
            ", and is not tried again for {seconds} s, lest the account be locked"
        )
    }
}

/// That no server answers, and why each of them doesn't.
pub(super) fn none_answers(failures: Vec<(String, Failure)>) -> DirectoryError {
    match <[_; 1]>::try_from(failures) {
        Ok([(server, failure)]) => failure.explain(&server),
        Err(failures) => {
            let reasons: Vec<_> = failures
                .iter()
                .map(|(server, failure)| Reason(server, failure).to_string())
                .collect();
            DirectoryError::unavailable().with_detail(format!(
                "none of the {} servers answers: {}",
                reasons.len(),
                reasons.join("; ")
            ))
        }
    }
}

/// A server's failure in words.
pub(super) struct Reason<'a>(pub(super) &'a str, pub(super) &'a Failure);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(server, failure) = self;
        match failure {
            Failure::Connect(broken) => {
                let cause = &broken.cause;
                let mend = if broken.is_about_certificate {
                    "its certificate is not trusted for this host name: name the certificate of \
                     the authority that signed it with .ca_file(..), and write the URL with a name \
                     that is in the certificate"
                } else if broken.is_about_name {
                    "the host of the URL is not found: look whether it is spelled right, and whether \
                     this machine's DNS or /etc/hosts knows it (getent hosts HOST)"
                } else {
                    "is it running, does a firewall let us through, and does the URL name the right \
                     port (636 for ldaps:// unless set up otherwise)?"
                };
                write!(f, "no connection to {server} ({cause}): {mend}")
            }
            Failure::Lost(Broken { cause, .. }) => write!(
                f,
                "{server} closed the connection twice ({cause}); its log should say why, unless \
                 the URL names a port that wants TLS (ldaps://)"
            ),
            Failure::Garbled => write!(
                f,
                "{server} answers what is no LDAP; does the URL name the right port?"
            ),
            Failure::Unavailable(refused) | Failure::Bind { refused, .. } => write!(
                f,
                "{server} can't answer now ({refused}); its log may say why"
            ),
            Failure::Paused(before, _) => write!(f, "{}", Reason(server, before)),
            Failure::StartTls(refused) => write!(
                f,
                "{server} does not start TLS ({refused}): nothing was sent in clear text; give it \
                 a certificate, or write ldaps:// if it serves that"
            ),
            #[cfg(feature = "ldap-gssapi")]
            Failure::Account(AccountRefused { detail, .. }) => {
                write!(f, "no bind by GSSAPI to {server}: {detail}")
            }
            #[cfg(feature = "ldap-gssapi")]
            Failure::Unproved => write!(
                f,
                "{server} says that the bind by GSSAPI is done, and has not proved who it is; look \
                 whether it is the right one"
            ),
            #[cfg(feature = "ldap-gssapi")]
            Failure::WantsLayer => write!(
                f,
                "{server} insists on a security layer of SASL, which is not done here: use \
                 ldaps:// or .start_tls(), which protect more, and let it count TLS (OpenLDAP: \
                 sasl-secprops without minssf)"
            ),
            Failure::TimedOut(waited) => write!(
                f,
                "no answer from {server} within {waited:?}; look whether it hangs, or give it \
                 longer with .timeout(..)"
            ),
        }
    }
}

/// An error of the connection, without what the library's may carry: the request, and with it the
/// password.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    cause: String,
    is_about_certificate: bool,
    /// Nobody knows the host's address.
    is_about_name: bool,
    source: Option<Arc<io::Error>>,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref();
        let about_tls = inner.and_then(|inner| inner.downcast_ref());
        Self {
            cause: error.to_string(),
            is_about_certificate: matches!(about_tls, Some(rustls::Error::InvalidCertificate(_))),
            is_about_name: inner.is_some_and(|inner| inner.is::<UnknownHost>()),
            source: Some(Arc::new(error)),
        }
    }
}

impl From<LdapError> for Broken {
    fn from(error: LdapError) -> Self {
        let cause = match error {
            LdapError::Io { source } => return source.into(),
            // The library's words for a loss tell of its channels, which help nobody.
            LdapError::OpSend { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
                "the connection ended".to_owned()
            }
            other => other.to_string(),
        };
        Self {
            cause,
            is_about_certificate: false,
            is_about_name: false,
            source: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "doctor")]
    #[test]
    fn a_password_is_blamed_where_the_server_blames_it_alone() {
        let bind = |method, code| Failure::Bind {
            name: "\"cn=web\"".to_owned(),
            method,
            refused: Refused {
                code,
                text: String::new(),
            },
        };
        let account = |is_outage, is_wrong_key| {
            Failure::Account(AccountRefused {
                is_outage,
                is_wrong_key,
                detail: String::new(),
            })
        };
        for (failure, blamed) in [
            (bind(Method::Simple, 49), Blamed::Password),
            // Busy, and a bind that the server wants in another way.
            (bind(Method::Simple, 51), Blamed::Neither),
            (bind(Method::Simple, 8), Blamed::Neither),
            (bind(Method::External, 49), Blamed::Neither),
            (account(true, false), Blamed::Neither),
            (account(false, true), Blamed::Key),
            (Failure::Unproved, Blamed::Neither),
            (Failure::WantsLayer, Blamed::Neither),
            (Failure::Garbled, Blamed::Neither),
        ] {
            assert_eq!(failure.blames(), blamed, "{failure:?}");
            let paused = Failure::Paused(Box::new(failure), Duration::from_secs(1));
            assert_eq!(paused.blames(), blamed);
        }
    }

    #[test]
    fn a_refused_bind_says_what_to_mend() {
        let refused = Failure::Bind {
            name: "\"cn=web\"".to_owned(),
            method: Method::Simple,
            refused: Refused {
                code: 49,
                text: "data 52e, v4563\0".to_owned(),
            },
        };
        let error = refused.explain("ldaps://ldap.example.com/").to_string();
        for part in [
            "the bind as \"cn=web\" failed (LDAP result 49, \"data 52e, v4563\")",
            "the name and the password of .bind_simple(..)",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}

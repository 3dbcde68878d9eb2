//! What a server answered, and what that means for the person and for whoever set us up.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ldap3::LdapError;
use ldap3::asn1::StructureTag;

use super::bind::Method;
#[cfg(feature = "doctor")]
use super::diagnosis::StepKind;
use crate::directory::DirectoryError;
#[cfg(feature = "ldap-gssapi")]
use crate::kerberos::AccountRefused;

/// The result of an operation (RFC 4511 section 4.1.9).
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) code: u32,
    pub(super) text: String,
}

/// What a search came to.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// As many as were asked for at most.
    pub(super) entries: Vec<StructureTag>,
    /// Whether the server gave more than that.
    pub(super) is_cut: bool,
    pub(super) refers_elsewhere: bool,
    pub(super) code: u32,
    pub(super) text: String,
}

/// What a search for one entry found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) entries: Vec<StructureTag>,
    /// Whether there is no other; if not, there are several.
    pub(super) is_all: bool,
    refers_elsewhere: bool,
    /// Where and by what, for the log.
    pub(super) searched: String,
}

impl Found {
    pub(super) fn nothing(searched: String) -> Self {
        Self {
            entries: Vec::new(),
            is_all: true,
            refers_elsewhere: false,
            searched,
        }
    }

    /// Where nothing was found.
    pub(super) fn described(&self) -> String {
        match self.refers_elsewhere {
            false => self.searched.clone(),
            true => format!(
                "{}; the server refers to others for parts of it, which are never asked",
                self.searched
            ),
        }
    }
}

const SUCCESS: u32 = 0;
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const REFERRAL: u32 = 10;
pub(super) const NO_SUCH_OBJECT: u32 = 32;

impl Answer {
    /// Whether the server could not look into it, and in what words it says so.
    pub(super) fn unavailable(&self) -> Option<Refused> {
        is_unavailable(self.code).then(|| Refused {
            code: self.code,
            text: self.text.clone(),
        })
    }

    /// As many as were asked for, or fewer.
    pub(super) fn found(self, searched: String) -> Result<Found, DirectoryError> {
        let is_all = self.check(&searched)? && self.entries.len() < 2;
        Ok(Found {
            entries: self.entries,
            is_all,
            refers_elsewhere: self.refers_elsewhere,
            searched,
        })
    }

    /// All entries, of which there are no more than were asked for.
    pub(super) fn all_entries(self, searched: &str) -> Result<Vec<StructureTag>, DirectoryError> {
        if self.check(searched)? {
            return Ok(self.entries);
        }
        Err(DirectoryError::misconfigured().with_detail(format!(
            "the search {searched} found more entries than there can be, or than the server gives"
        )))
    }

    /// Whether the search's base does not exist, is hidden from us, or is another server's.
    pub(super) fn has_no_base(&self) -> bool {
        matches!(self.code, NO_SUCH_OBJECT | REFERRAL)
    }

    /// Whether the server has no more to give.
    fn check(&self, searched: &str) -> Result<bool, DirectoryError> {
        match self.code {
            SUCCESS => Ok(!self.is_cut),
            SIZE_LIMIT_EXCEEDED => Ok(false),
            code => {
                let text = self.text.clone();
                Err(Refused { code, text }.by_search(searched))
            }
        }
    }
}

/// busy, unavailable, other
fn is_unavailable(code: u32) -> bool {
    matches!(code, 51 | 52 | 80)
}

impl Refused {
    fn by_bind(&self, name: &str, method: Method, pause: Option<Duration>) -> DirectoryError {
        let what = format!("the bind as {name} failed{}", Pause(pause));
        self.explain(&what, method.mend(self.code))
    }

    fn by_search(self, searched: &str) -> DirectoryError {
        let mend = match self.code {
            32 => "the base of .search(..) does not exist, or the bind account may not see it",
            10 => "the base of .search(..), or an entry, is another server's: ask that one",
            34 => "the base of .search(..) is no DN; write it as in ou=people,dc=example,dc=com",
            // OpenLDAP says unwillingToPerform (53) where it wants a bind.
            1 | 8 | 13 | 48 | 49 | 50 | 53 => {
                "the account may not search there: give it the right to, or name one that has it \
                 with .bind_simple(..), and use ldaps://"
            }
            2 | 16 | 17 | 18 | 21 => {
                "the server does not take the filter, which for people is that of .search(..)"
            }
            11 => {
                "the search costs more than the server allows: have it index the filter's \
                 attributes, or narrow the base"
            }
            _ => "the server's log may say more",
        };
        self.explain(&format!("the search {searched} failed"), mend)
    }

    fn explain(&self, what: &str, mend: &str) -> DirectoryError {
        // timeLimitExceeded
        let error = match is_unavailable(self.code) || self.code == 3 {
            true => DirectoryError::unavailable(),
            false => DirectoryError::misconfigured(),
        };
        error.with_detail(format!("{what} ({self}): {mend}"))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LDAP result {}", self.code)?;
        match self.text.trim_end_matches('\0').trim() {
            "" => Ok(()),
            text => write!(f, ", {text:?}"),
        }
    }
}

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
            } => return refused.by_bind(name, *method, pause),
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
    source: Option<Arc<io::Error>>,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        Self {
            cause: error.to_string(),
            is_about_certificate: matches!(inner, Some(rustls::Error::InvalidCertificate(_))),
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
            source: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::{PL, TagClass};

    use super::*;
    use crate::error::ErrorKind;

    /// How many entries there are; two stand for more.
    fn answer(entries: usize, code: u32) -> Result<usize, DirectoryError> {
        let entry = StructureTag {
            class: TagClass::Application,
            id: 4,
            payload: PL::C(vec![]),
        };
        Answer {
            entries: vec![entry; entries],
            code,
            ..Answer::default()
        }
        .found("below \"dc=example\" with (uid=alice)".to_owned())
        .map(|found| if found.is_all { found.entries.len() } else { 2 })
    }

    #[test]
    fn only_the_entries_of_a_search_that_succeeded_are_found() {
        use ErrorKind::*;
        for (entries, code, found) in [
            (1, 0, 1),
            (0, 0, 0),
            (2, 0, 2),
            // Beyond the limit there are several, whether or not the server gave them.
            (0, 4, 2),
            (1, 4, 2),
            (2, 4, 2),
        ] {
            let outcome = answer(entries, code).unwrap();
            assert_eq!(outcome, found, "{entries} entries, result {code}");
        }
        for (entries, code, kind) in [
            (1, 3, Some(DirectoryUnavailable)),
            (1, 51, Some(DirectoryUnavailable)),
            (1, 52, Some(DirectoryUnavailable)),
            (1, 53, Some(DirectoryMisconfigured)),
            (1, 80, Some(DirectoryUnavailable)),
            (1, 1, Some(DirectoryMisconfigured)),
            (1, 8, Some(DirectoryMisconfigured)),
            (1, 10, Some(DirectoryMisconfigured)),
            (1, 11, Some(DirectoryMisconfigured)),
            (0, 32, Some(DirectoryMisconfigured)),
            (0, 48, Some(DirectoryMisconfigured)),
            (0, 49, Some(DirectoryMisconfigured)),
            (0, 50, Some(DirectoryMisconfigured)),
            (0, 4711, Some(DirectoryMisconfigured)),
        ] {
            let outcome = answer(entries, code).map_err(|error| error.kind());
            assert_eq!(outcome.err(), kind, "{entries} entries, result {code}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_mend() {
        let refused = |code| Refused {
            code,
            text: "data 52e, v4563\0".to_owned(),
        };
        let error = refused(49)
            .by_bind("cn=web", Method::Simple, None)
            .to_string();
        assert!(
            error.contains("(LDAP result 49, \"data 52e, v4563\")"),
            "{error}"
        );
        assert!(
            error.contains("the name and the password of .bind_simple(..)"),
            "{error}"
        );
        let error = answer(0, 32).unwrap_err().to_string();
        assert!(
            error.contains("below \"dc=example\" with (uid=alice)"),
            "{error}"
        );
        assert!(
            error.contains("the base of .search(..) does not exist"),
            "{error}"
        );
    }
}

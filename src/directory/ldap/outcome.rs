//! What a server answered, and what that means for the person and for whoever set us up.

use std::time::Duration;

use ldap3::LdapError;
use ldap3::asn1::StructureTag;

use super::bind::Method;
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
const NO_SUCH_OBJECT: u32 = 32;

impl Answer {
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

impl Refused {
    pub(super) fn by_bind(self, name: &str, method: Method) -> DirectoryError {
        let mend = method.mend(self.code);
        self.explain(&format!("the bind as {name} failed"), mend)
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

    fn explain(self, what: &str, mend: &str) -> DirectoryError {
        let error = match self.code {
            // timeLimitExceeded, busy, unavailable, other
            3 | 51 | 52 | 80 => DirectoryError::unavailable(),
            _ => DirectoryError::misconfigured(),
        };
        let text = self.text.trim_end_matches('\0').trim();
        let quoted = if text.is_empty() {
            String::new()
        } else {
            format!(", {text:?}")
        };
        error.with_detail(format!(
            "{what} (LDAP result {}{quoted}): {mend}",
            self.code
        ))
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection came about.
    Connect(LdapError),
    /// The connection was lost while it was in use.
    Lost(LdapError),
    /// What the server sent as the answer to the bind is no LDAP.
    Garbled,
    Bind {
        /// In quotes, where it is a name.
        name: String,
        method: Method,
        refused: Refused,
    },
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
    TimedOut,
}

#[cfg(feature = "ldap-gssapi")]
impl From<AccountRefused> for Failure {
    fn from(refused: AccountRefused) -> Self {
        Self::Account(refused)
    }
}

impl Failure {
    #[cfg(feature = "ldap-gssapi")]
    pub(super) fn io(source: std::io::Error) -> Self {
        Self::Connect(LdapError::Io { source })
    }

    pub(super) fn explain(self, server: &str, timeout: Duration) -> DirectoryError {
        let unavailable = |detail: String| DirectoryError::unavailable().with_detail(detail);
        match self {
            Self::Connect(error) => {
                let mend = if is_about_certificate(&error) {
                    "its certificate is not trusted for this host name: name the certificate of \
                     the authority that signed it with .ca_file(..), and write the URL with a name \
                     that is in the certificate"
                } else {
                    "is it running, does a firewall let us through, and does the URL name the right \
                     port (636 for ldaps:// unless set up otherwise)?"
                };
                let cause = cause(&error);
                with_source(
                    unavailable(format!("no connection to {server} ({cause}): {mend}")),
                    error,
                )
            }
            Self::Lost(error) => {
                let cause = cause(&error);
                with_source(
                    unavailable(format!(
                        "{server} closed the connection twice ({cause}); its log should say \
                         why, unless the URL names a port that wants TLS (ldaps://)"
                    )),
                    error,
                )
            }
            Self::Garbled => unavailable(format!(
                "{server} answers what is no LDAP; does the URL name the right port?"
            )),
            Self::Bind {
                name,
                method,
                refused,
            } => refused.by_bind(&name, method),
            Self::StartTls(refused) => refused.explain(
                &format!("{server} does not start TLS"),
                "nothing was sent in clear text: give it a certificate, or write ldaps:// if it \
                 serves that",
            ),
            #[cfg(feature = "ldap-gssapi")]
            Self::Account(AccountRefused { is_outage, detail }) => {
                let error = match is_outage {
                    true => DirectoryError::unavailable(),
                    false => DirectoryError::misconfigured(),
                };
                error.with_detail(format!("no bind by GSSAPI to {server}: {detail}"))
            }
            #[cfg(feature = "ldap-gssapi")]
            Self::Unproved => unavailable(format!(
                "{server} says that the bind by GSSAPI is done, and has not proved who it is; \
                 look whether it is the right one"
            )),
            #[cfg(feature = "ldap-gssapi")]
            Self::WantsLayer => DirectoryError::misconfigured().with_detail(format!(
                "{server} insists on a security layer of SASL, which is not done here: use \
                 ldaps:// or .start_tls(), which protect more, and let it count TLS (OpenLDAP: \
                 sasl-secprops without minssf)"
            )),
            Self::TimedOut => unavailable(format!(
                "no answer from {server} within {timeout:?}; look whether it hangs, or give it \
                 longer with .timeout(..)"
            )),
        }
    }
}

/// The library's words for a loss tell of its channels, which help nobody.
fn cause(error: &LdapError) -> String {
    match error {
        LdapError::Io { source } => source.to_string(),
        LdapError::OpSend { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
            "the connection ended".to_owned()
        }
        other => other.to_string(),
    }
}

/// Other errors than those of the socket may carry the request, and with it the password.
fn with_source(detailed: DirectoryError, error: LdapError) -> DirectoryError {
    match error {
        LdapError::Io { source } => detailed.with_source(source),
        _ => detailed,
    }
}

fn is_about_certificate(error: &LdapError) -> bool {
    let LdapError::Io { source } = error else {
        return false;
    };
    let inner = source.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
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
        let error = refused(49).by_bind("cn=web", Method::Simple).to_string();
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

//! What a server answered, and what that means for the person and for whoever set us up.

use std::fmt;

use ldap3::asn1::StructureTag;

use crate::directory::DirectoryError;

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
pub(super) fn is_unavailable(code: u32) -> bool {
    matches!(code, 51 | 52 | 80)
}

impl Refused {
    fn by_search(self, searched: &str) -> DirectoryError {
        let mend = match self.code {
            32 => {
                "the base of .search(..) does not exist, or the bind account may not see it; where \
                 a preset made it of a domain's name, look whether that is spelled right"
            }
            10 => {
                "the base of .search(..), or an entry, is another server's: ask that one; where a \
                 preset made the base of a domain's name, look whether that is spelled right"
            }
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

    /// What failed, by this result, and how to mend it.
    pub(super) fn explain(&self, what: &str, mend: &str) -> DirectoryError {
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
    fn a_refused_search_says_what_to_mend() {
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

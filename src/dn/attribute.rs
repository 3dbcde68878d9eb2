//! The attribute types of distinguished names.

use super::DnError;
use crate::truth::Truth;

/// Attributes whose values are compared without regard to the case of letters, with their other
/// names (RFC 4519, RFC 4524 section 2.16, RFC 2798), in lower case.
const CASE_IGNORING: [(&str, &[&str]); 11] = [
    ("cn", &["commonname", "2.5.4.3"]),
    ("sn", &["surname", "2.5.4.4"]),
    ("c", &["countryname", "2.5.4.6"]),
    ("l", &["localityname", "2.5.4.7"]),
    ("st", &["stateorprovincename", "2.5.4.8"]),
    ("o", &["organizationname", "2.5.4.10"]),
    ("ou", &["organizationalunitname", "2.5.4.11"]),
    ("givenname", &["gn", "2.5.4.42"]),
    ("uid", &["userid", "0.9.2342.19200300.100.1.1"]),
    ("mail", &["rfc822mailbox", "0.9.2342.19200300.100.1.3"]),
    ("dc", &["domaincomponent", "0.9.2342.19200300.100.1.25"]),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttributeType {
    CaseIgnoring(&'static str),
    /// In lower case; the schema may give it other names, and any comparison.
    Other(String),
}

impl AttributeType {
    pub(super) fn parse(name: &str) -> Result<Self, DnError> {
        if !is_attribute_name(name) {
            return Err(DnError::BadAttribute);
        }
        let is_called = |other: &str| other.eq_ignore_ascii_case(name);
        let known = CASE_IGNORING
            .iter()
            .find(|(own, others)| is_called(own) || others.iter().any(|other| is_called(other)));
        Ok(match known {
            Some((own, _)) => Self::CaseIgnoring(own),
            None => Self::Other(name.to_ascii_lowercase()),
        })
    }

    pub(super) fn ignores_case(&self) -> bool {
        matches!(self, Self::CaseIgnoring(_))
    }

    pub(super) fn is(&self, other: &Self) -> Truth {
        match (self, other) {
            _ if self == other => Truth::Yes,
            (Self::CaseIgnoring(_), Self::CaseIgnoring(_)) => Truth::No,
            _ => Truth::Maybe,
        }
    }
}

/// Whether this is an attribute's name or OID, without options (RFC 4512 section 2.5: `descr`,
/// `numericoid`).
pub(crate) fn is_attribute_name(name: &str) -> bool {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return name
            .split('.')
            .all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()));
    }
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_names_have_neither_options_nor_wildcards() {
        for name in ["uid", "sAMAccountName", "x-own-2", "2.5.4.3"] {
            assert!(is_attribute_name(name), "{name}");
        }
        for name in [
            "",
            "*",
            "+",
            "1.",
            "1..2",
            "2a",
            "-a",
            "a b",
            "cn;lang-de",
            "ü",
        ] {
            assert!(!is_attribute_name(name), "{name}");
        }
    }
}

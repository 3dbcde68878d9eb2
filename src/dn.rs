//! Distinguished names, compared as such (RFC 4514, RFC 4517 section 4.2.15).

use std::fmt;
use std::str::FromStr;

use crate::spelling::alike;
use crate::truth::Truth;

mod attribute;
mod parse;

use self::attribute::AttributeType;
#[cfg(feature = "ldap")]
pub(crate) use self::attribute::is_attribute_name;

/// A distinguished name, such as `CN=Admins,OU=Groups,DC=corp,DC=example`.
///
/// Of many spellings of one DN some are surely the same, whatever the server: those that differ in
/// the case of attribute types, in escapes, in spaces around separators, in the order of a
/// relative name's parts, and, of attributes that are compared so (RFC 4519), in the case of ASCII
/// letters. Others only may be: those that differ in the case or the form of further letters, or in
/// the number of spaces inside of a value, which RFC 4518 joins and Active Directory does not.
#[derive(Clone)]
pub(crate) struct Dn {
    text: String,
    /// The entry's own name first.
    rdns: Vec<Rdn>,
}

/// A relative distinguished name: at least one part, and no attribute type twice.
#[derive(Debug, Clone)]
struct Rdn(Vec<Part>);

/// An AttributeTypeAndValue.
#[derive(Debug, Clone)]
struct Part {
    attribute: AttributeType,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    /// What is no UTF-8.
    Octets(Vec<u8>),
    /// `#04024869`: in BER. Which text that is, the attribute's syntax tells, which is not known.
    Ber(Vec<u8>),
}

/// Why a text is no distinguished name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DnError {
    #[error("a part of it has no attribute=value")]
    NoValue,
    #[error("what is before an = is no attribute's name and no OID")]
    BadAttribute,
    #[error(
        "a value has one of \" ; < > or NUL, which must be escaped: \\22, \\3B, \\3C, \\3E, \\00"
    )]
    Unescaped,
    #[error("after a \\ there is neither a character that needs one nor two hex digits")]
    BadEscape,
    #[error(
        "after a # that begins a value there are no pairs of hex digits; write \\# for the character"
    )]
    BadHex,
    #[error("a relative name has one attribute twice, or more than 16 of them")]
    BadRdn,
    #[error("it is longer than 32 KiB")]
    TooLong,
}

impl Dn {
    /// Whether this is the other's entry.
    pub(crate) fn is(&self, other: &Self) -> Truth {
        match self.rdns.len() == other.rdns.len() {
            true => same(&self.rdns, &other.rdns),
            false => Truth::No,
        }
    }

    /// Whether this is the base, or an entry below it.
    #[cfg_attr(not(feature = "ldap"), allow(dead_code))]
    pub(crate) fn is_below(&self, base: &Self) -> Truth {
        let depth = self.rdns.len().checked_sub(base.rdns.len());
        match depth.and_then(|depth| self.rdns.get(depth..)) {
            Some(above) => same(above, &base.rdns),
            None => Truth::No,
        }
    }

    /// Whether it is that of the tree's root, which is no entry's.
    pub(crate) fn is_root(&self) -> bool {
        self.rdns.is_empty()
    }

    /// The value of the first attribute of the first RDN, unescaped: `Engineers` of
    /// `cn=Engineers,ou=groups,dc=example`. `None` where that is no text.
    #[cfg(feature = "ldap")]
    pub(crate) fn first_value(&self) -> Option<&str> {
        match &self.rdns.first()?.0.first()?.value {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

fn same(some: &[Rdn], others: &[Rdn]) -> Truth {
    Truth::all(some.iter().zip(others).map(|(one, other)| one.is(other)))
}

impl Rdn {
    fn is(&self, other: &Self) -> Truth {
        if self.0.len() != other.0.len() {
            return Truth::No;
        }
        // No attribute comes twice, so that no part of one is surely two of the other.
        self.has_parts_of(other).min(other.has_parts_of(self))
    }

    fn has_parts_of(&self, other: &Self) -> Truth {
        let has = |part: &Part| Truth::any(self.0.iter().map(|own| own.is(part)));
        Truth::all(other.0.iter().map(has))
    }
}

impl Part {
    fn is(&self, other: &Self) -> Truth {
        let attribute = self.attribute.is(&other.attribute);
        if attribute == Truth::No {
            return Truth::No;
        }
        attribute.min(self.value.is(&other.value, self.attribute.ignores_case()))
    }
}

impl Value {
    fn is(&self, other: &Self, ignores_case: bool) -> Truth {
        match (self, other) {
            _ if self == other => Truth::Yes,
            (Self::Ber(_), _) | (_, Self::Ber(_)) => Truth::Maybe,
            (Self::Text(one), Self::Text(other)) => {
                if ignores_case && one.eq_ignore_ascii_case(other) {
                    Truth::Yes
                } else if alike(one, other) {
                    Truth::Maybe
                } else {
                    Truth::No
                }
            }
            _ => Truth::No,
        }
    }
}

impl FromStr for Dn {
    type Err = DnError;

    fn from_str(text: &str) -> Result<Self, DnError> {
        Ok(Self {
            text: text.to_owned(),
            rdns: parse::rdns(text)?,
        })
    }
}

impl fmt::Debug for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dn({:?})", self.text)
    }
}

#[cfg(test)]
mod tests;

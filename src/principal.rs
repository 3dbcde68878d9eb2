//! Kerberos principals, and the realms whose principals may sign in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{ConfigError, Error, ErrorKind};
use crate::explain::{Cause, Explanation};

/// A Kerberos principal: one or more components and a realm, as in `alice@CORP.EXAMPLE.COM`
/// or `HTTP/intranet.corp.example.com@CORP.EXAMPLE.COM`.
///
/// Parsing undoes the escapes of MIT Kerberos (`\/`, `\@`, `\\`) and [`Display`](fmt::Display)
/// puts them back, so that two principals that differ never print alike. A name with a control or
/// invisible character (a line break, U+202E) is no principal here: nothing that reads logs or
/// pages should have to cope with one.
///
/// ```
/// use tower_spnego::Principal;
///
/// let alice: Principal = "alice@CORP.EXAMPLE.COM".parse()?;
/// assert_eq!(alice.realm(), "CORP.EXAMPLE.COM");
/// assert_eq!(alice.components(), ["alice"]);
/// # Ok::<_, tower_spnego::PrincipalError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal {
    components: Vec<String>,
    realm: String,
}

/// Why a text is no [`Principal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrincipalError {
    /// There is no `@REALM`.
    #[error("the principal has no realm; write it as name@REALM")]
    NoRealm,
    /// A component or the realm is empty.
    #[error("the principal has an empty component or an empty realm")]
    Empty,
    /// A second `@`, a `/` in the realm, or a `\` at the end: the escapes are broken.
    #[error("the principal has a separator or an escape where none can be")]
    Malformed,
    /// A control, invisible or bidirectional character.
    #[error("the principal has a control, invisible or bidirectional character")]
    ForbiddenCharacter,
}

impl Principal {
    /// A principal of parts that carry no escapes, as keytabs store them.
    pub(crate) fn from_parts(
        components: Vec<String>,
        realm: String,
    ) -> Result<Self, PrincipalError> {
        let parts = || components.iter().chain([&realm]);
        if components.is_empty() || parts().any(String::is_empty) {
            return Err(PrincipalError::Empty);
        }
        if parts().any(|part| part.contains(is_deceptive)) {
            return Err(PrincipalError::ForbiddenCharacter);
        }
        Ok(Self { components, realm })
    }

    /// The components of the name, unescaped; always at least one.
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The name without its realm where it is a person's, else the whole principal.
    pub(crate) fn short_name(&self) -> String {
        match self.person() {
            Some(name) => name.to_owned(),
            None => self.to_string(),
        }
    }

    /// The name without its realm, where it is a person's: a single component that does not end in
    /// `$`, as the names of machines do on Active Directory.
    pub(crate) fn person(&self) -> Option<&str> {
        match self.components.as_slice() {
            [name] if !name.ends_with('$') => Some(name),
            _ => None,
        }
    }
}

impl FromStr for Principal {
    type Err = PrincipalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut components = Vec::new();
        let mut part = String::new();
        let mut in_realm = false;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    // MIT writes backspace, tab, newline and NUL so.
                    Some('b' | 't' | 'n' | '0') => return Err(PrincipalError::ForbiddenCharacter),
                    Some(escaped) => part.push(escaped),
                    None => return Err(PrincipalError::Malformed),
                },
                '/' | '@' if in_realm => return Err(PrincipalError::Malformed),
                '/' => components.push(std::mem::take(&mut part)),
                '@' => {
                    components.push(std::mem::take(&mut part));
                    in_realm = true;
                }
                c => part.push(c),
            }
        }
        if !in_realm {
            return Err(PrincipalError::NoRealm);
        }
        Self::from_parts(components, part)
    }
}

impl TryFrom<String> for Principal {
    type Error = PrincipalError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.to_string()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, component) in self.components.iter().enumerate() {
            if place > 0 {
                f.write_str("/")?;
            }
            write_escaped(f, component)?;
        }
        f.write_str("@")?;
        write_escaped(f, &self.realm)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({self})")
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, part: &str) -> fmt::Result {
    for c in part.chars() {
        if matches!(c, '/' | '@' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    Ok(())
}

/// Characters that are not seen, or change how the text around them is read: controls, line
/// separators, those of no width, and those that turn the direction of writing (Unicode UAX #9).
pub(crate) fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// Text from a stranger as it may stand in a log line: deceptive characters as `\u{…}`.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_deceptive(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Whether a text that somebody gave for a realm can be one.
pub(crate) fn check_realm(realm: &str) -> Result<(), ConfigError> {
    if realm.is_empty() || realm.contains(['@', '/', '\\', ' ']) || realm.contains(is_deceptive) {
        return Err(ConfigError::BadRealm(realm.to_owned()));
    }
    Ok(())
}

/// The realms whose principals may sign in: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AllowedRealms(Vec<String>);

impl AllowedRealms {
    pub(crate) fn new(mut realms: Vec<String>) -> Result<Self, ConfigError> {
        if realms.is_empty() {
            return Err(ConfigError::NoRealm);
        }
        realms.iter().try_for_each(|realm| check_realm(realm))?;
        realms.sort();
        realms.dedup();
        Ok(Self(realms))
    }

    /// Whether a name without its realm still names one person.
    pub(crate) fn is_single(&self) -> bool {
        self.0.len() == 1
    }

    /// The realm, where it is the only one.
    pub(crate) fn sole(&self) -> Option<String> {
        match self.0.as_slice() {
            [realm] => Some(realm.clone()),
            _ => None,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// One that differs from `own` in upper and lower case alone.
    pub(crate) fn in_other_case(&self, own: &str) -> Option<&str> {
        self.iter()
            .find(|realm| *realm != own && realm.eq_ignore_ascii_case(own))
    }

    pub(crate) fn contains(&self, principal: &Principal) -> bool {
        self.0.iter().any(|realm| realm == principal.realm())
    }

    /// The principal that a person means by the user name that they type: `name@REALM`, or a name
    /// of the sole realm, or else of `own`, the service's.
    ///
    /// Nothing in it is an escape, for people know none: the last `@` begins the realm, and what is
    /// before it is one component, whatever it holds.
    pub(crate) fn named(&self, user: &str, own: &str) -> Result<Principal, Error> {
        let (name, realm) = match (user.rsplit_once('@'), self.0.as_slice()) {
            (Some(split), _) => split,
            (None, [sole]) => (user, sole.as_str()),
            (None, _) => (user, own),
        };
        let principal = Principal::from_parts(vec![name.to_owned()], realm.to_owned());
        let admitted = match &principal {
            Ok(principal) => self.admit(&principal.to_string()),
            Err(error) => {
                Err(Error::new(ErrorKind::NameNotAllowed).with_detail(format!("{user}: {error}")))
            }
        };
        admitted.map_err(|error| {
            Error::new(ErrorKind::BasicNameNotAllowed).with_detail(error.to_string())
        })
    }

    /// Admits the name that a ticket carries: its realm is judged first, then whether it is a
    /// person's.
    pub(crate) fn admit(&self, name: &str) -> Result<Principal, Error> {
        let principal: Principal = name.parse().map_err(|error: PrincipalError| {
            Error::new(ErrorKind::NameNotAllowed)
                .with_detail(name)
                .with_source(error)
        })?;
        if !self.contains(&principal) {
            let explanation = Explanation::new(Cause::RealmNotAllowed)
                .of_client(&principal)
                .with_realms(&self.0);
            return Err(Error::new(ErrorKind::RealmNotAllowed).explained(explanation));
        }
        if principal.person().is_none() {
            return Err(Error::new(ErrorKind::NameNotAllowed).with_detail(principal.to_string()));
        }
        Ok(principal)
    }
}

#[cfg(test)]
mod tests;

//! The search filter: a template that a name can't break out of, and the check that the entry found
//! is the one asked for.

mod tree;

use ldap3::ldap_escape;

use super::entry::Entry;
use crate::directory::DirectoryError;
use crate::error::ConfigError;
use crate::initiator::Initiator;

/// A filter (RFC 4515) with `{user}`, `{principal}` and `{realm}` in it.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    template: String,
    parts: Vec<Part>,
    naming: Vec<Naming>,
    tells_realms_apart: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    User,
    Principal,
    Realm,
}

/// An assertion `(attribute=value)` that names the person.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Naming {
    attribute: String,
    value: Vec<Part>,
}

impl Filter {
    pub(super) fn parse(template: &str) -> Result<Self, ConfigError> {
        if template.contains(|c: char| c.is_control()) || template.contains(r"\00") {
            return Err(wrong("it has a control character"));
        }
        let parts = split(template)?;
        let names_a_person = |part: &Part| {
            matches!(
                part,
                Part::Placeholder(Placeholder::User | Placeholder::Principal)
            )
        };
        if !parts.iter().any(names_a_person) {
            return Err(wrong(format!(
                "{template:?} finds the same entry for everybody; put {{user}} or {{principal}} \
                 into it, as in (uid={{user}})"
            )));
        }
        let tree = tree::Node::parse(&parts).ok_or_else(|| {
            wrong(format!(
                "{template:?} is no filter of RFC 4515, or has a placeholder elsewhere than in a \
                 value; write it as in (&(objectClass=person)(uid={{user}})), with every \
                 parenthesis closed"
            ))
        })?;
        let mut naming = tree.equalities();
        naming.retain(|naming| naming.value.iter().any(names_a_person));
        if naming.is_empty() {
            return Err(wrong(format!(
                "{template:?} compares neither {{user}} nor {{principal}} by plain equality, so \
                 that nothing tells the person from somebody similar; write it as in (uid={{user}})"
            )));
        }
        if let Some(naming) = naming.iter().find(|naming| naming.is_by_oid()) {
            return Err(wrong(format!(
                "{:?} in {template:?} is an OID, and servers answer with the attribute's name; \
                 write that",
                naming.attribute
            )));
        }
        Ok(Self {
            template: template.to_owned(),
            parts,
            naming,
            tells_realms_apart: tree.tells_realms_apart(),
        })
    }

    /// The filter as it was written.
    pub(super) fn template(&self) -> &str {
        &self.template
    }

    /// The attributes whose values name the person.
    pub(super) fn naming_attributes(&self) -> impl Iterator<Item = &str> {
        self.naming.iter().map(|naming| naming.attribute.as_str())
    }

    /// Whether no entry can match for two persons who differ in their realms alone.
    pub(super) fn tells_realms_apart(&self) -> bool {
        self.tells_realms_apart
    }

    /// The filter for one person, every value escaped by RFC 4515 section 3.
    pub(super) fn render(&self, who: &Initiator) -> String {
        render(&self.parts, who, |value| ldap_escape(value).into_owned())
    }

    /// Servers compare names loosely: ` Alice`, `ａlice` and `ⓐlice` all find `alice` (RFC 4518),
    /// and a realm can hold each of them as another person. So the entry must have the very name.
    pub(super) fn check_name(&self, entry: &Entry, who: &Initiator) -> Result<(), DirectoryError> {
        let mut seen = Vec::new();
        for naming in &self.naming {
            let wanted = render(&naming.value, who, str::to_owned);
            for value in entry.values(&naming.attribute) {
                if value == wanted.as_bytes() {
                    return Ok(());
                }
                seen.push(format!(
                    "{}={}",
                    naming.attribute,
                    String::from_utf8_lossy(value)
                ));
            }
        }
        let (dn, principal) = (entry.dn(), who.principal());
        if seen.is_empty() {
            let names: Vec<_> = self.naming_attributes().collect();
            return Err(DirectoryError::misconfigured().with_detail(format!(
                "the entry {dn} was found, and the server shows no value of {}: give the bind \
                 account the right to read it, and name it in the filter as the server does, not \
                 by an alias",
                names.join(" or ")
            )));
        }
        Err(DirectoryError::differs().with_detail(format!(
            "{principal} finds {dn}, which has {}; if they are the same person, spell the name in \
             the directory as the KDC does, to the letter",
            seen.join(", ")
        )))
    }
}

impl Naming {
    fn is_by_oid(&self) -> bool {
        self.attribute.starts_with(|c: char| c.is_ascii_digit())
    }
}

fn render(parts: &[Part], who: &Initiator, escape: impl Fn(&str) -> String) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Placeholder(Placeholder::User) => escape(who.name()),
            Part::Placeholder(Placeholder::Principal) => escape(&who.principal().to_string()),
            Part::Placeholder(Placeholder::Realm) => escape(who.realm()),
        })
        .collect()
}

fn split(template: &str) -> Result<Vec<Part>, ConfigError> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        parts.push(Part::Placeholder(match name {
            "user" => Placeholder::User,
            "principal" => Placeholder::Principal,
            "realm" => Placeholder::Realm,
            _ => {
                return Err(wrong(format!(
                    "{{{name}}} in {template:?} is no placeholder; there are {{user}}, \
                     {{principal}} and {{realm}}, and a brace itself is written \\7b"
                )));
            }
        }));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn wrong(reason: impl Into<String>) -> ConfigError {
    ConfigError::Ldap {
        setting: "filter",
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests;

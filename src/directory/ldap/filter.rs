//! The search filter: a template that a name can't break out of, and the check that the entry found
//! is the one asked for.

mod equality;
mod tree;

use ldap3::ldap_escape;

use self::tree::{Node, Verdict};
use super::active_directory::ACCOUNT;
use super::entry::Entry;
use crate::directory::DirectoryError;
use crate::error::ConfigError;
use crate::initiator::Initiator;
use crate::sid::Sid;

/// A filter (RFC 4515) with `{user}`, `{principal}`, `{realm}` and `{sid}` in it.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    template: String,
    parts: Vec<Part>,
    tree: Node,
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
    Sid,
}

impl Placeholder {
    const ALL: [Self; 4] = [Self::User, Self::Principal, Self::Realm, Self::Sid];

    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Principal => "principal",
            Self::Realm => "realm",
            Self::Sid => "sid",
        }
    }

    /// As the realm alone does not.
    fn names_a_person(self) -> bool {
        matches!(self, Self::User | Self::Principal | Self::Sid)
    }

    /// What the entry must have; `None` where the ticket does not say.
    fn value(self, who: &Initiator) -> Option<Vec<u8>> {
        match self {
            Self::User => Some(who.name().into()),
            Self::Principal => Some(who.principal().to_string().into()),
            Self::Realm => Some(who.realm().into()),
            Self::Sid => who.sid().map(Sid::to_bytes),
        }
    }

    /// The same, escaped by RFC 4515 section 3.
    fn escaped(self, who: &Initiator) -> Option<String> {
        match self {
            Self::User => Some(ldap_escape(who.name()).into_owned()),
            Self::Principal => Some(ldap_escape(who.principal().to_string()).into_owned()),
            Self::Realm => Some(ldap_escape(who.realm()).into_owned()),
            Self::Sid => who.sid().map(escaped_sid),
        }
    }
}

/// The value of `objectSid` in a filter: binary, and so every byte escaped.
pub(super) fn escaped_sid(sid: Sid) -> String {
    let bytes = sid.to_bytes();
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

impl Filter {
    pub(super) fn parse(template: &str) -> Result<Self, ConfigError> {
        if template.contains(|c: char| c.is_control()) || template.contains(r"\00") {
            return Err(wrong("it has a control character"));
        }
        let parts = split(template)?;
        let names_a_person = |part: &Part| match part {
            Part::Placeholder(placeholder) => placeholder.names_a_person(),
            Part::Text(_) => false,
        };
        if !parts.iter().any(names_a_person) {
            return Err(wrong(format!(
                "{template:?} finds the same entry for everybody; put {{user}} or {{principal}} \
                 into it, as in (uid={{user}}), or (objectSid={{sid}}) on Active Directory"
            )));
        }
        check_sids(template, &parts)?;
        let tree = Node::parse(&parts).ok_or_else(|| {
            wrong(format!(
                "{template:?} is no filter of RFC 4515, or has a placeholder elsewhere than in a \
                 value; write it as in (&(objectClass=person)(uid={{user}})), with every \
                 parenthesis closed"
            ))
        })?;
        check_equalities(template, &tree)?;
        if tree.has_a_condition_in_an_alternative() {
            return Err(wrong(format!(
                "{template:?} has an alternative with a condition that the server alone can judge, \
                 and it does not say by which alternative it found an entry; put the condition in \
                 front, as in (&(objectClass=person)(|(uid={{user}})(mail={{principal}})))"
            )));
        }
        Ok(Self {
            template: template.to_owned(),
            parts,
            tree,
        })
    }

    /// The filter as it was written.
    pub(super) fn template(&self) -> &str {
        &self.template
    }

    /// Whether it asks for the person's SID, which a ticket without a PAC does not tell.
    pub(super) fn has_sid(&self) -> bool {
        self.parts.contains(&Part::Placeholder(Placeholder::Sid))
    }

    /// The same filter with the account's name wherever this one has a SID.
    pub(super) fn by_account_name(&self) -> Result<Self, ConfigError> {
        let mut template = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => template.push_str(text),
                Part::Placeholder(Placeholder::Sid) => {
                    // It is a whole value, and a parenthesis within a value is escaped.
                    let start = template.rfind('(').map_or(0, |place| place + 1);
                    template.truncate(start);
                    template.push_str(ACCOUNT);
                    template.push_str("={user}");
                }
                Part::Placeholder(other) => template.push_str(&format!("{{{}}}", other.name())),
            }
        }
        Self::parse(&template)
    }

    /// The attributes that are compared with the person, each once.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        let mut attributes: Vec<&str> = Vec::new();
        for equality in self.tree.equalities() {
            let name = equality.attribute.as_str();
            if !attributes.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                attributes.push(name);
            }
        }
        attributes.into_iter()
    }

    /// The value of the only attribute that is compared with the person. `None` where the ticket does
    /// not say, or it is no text.
    pub(super) fn sole_value(&self, who: &Initiator) -> Option<String> {
        match self.tree.equalities().as_slice() {
            [equality] => String::from_utf8(equality.wanted(who)?).ok(),
            _ => None,
        }
    }

    /// An attribute of which one value can be one person's by this filter, and another's by the
    /// other.
    pub(super) fn meets(&self, other: &Self) -> Option<&str> {
        let others = other.tree.equalities();
        let mut own = self.tree.equalities().into_iter();
        own.find(|own| others.iter().any(|other| own.meets(other)))
            .map(|equality| equality.attribute.as_str())
    }

    /// Whether no entry can match for two persons who differ in their realms alone.
    pub(super) fn tells_realms_apart(&self) -> bool {
        self.tree.tells_realms_apart()
    }

    /// The filter for one person, every value escaped by RFC 4515 section 3. `None` where it asks
    /// for what the ticket does not tell.
    pub(super) fn render(&self, who: &Initiator) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.clone()),
                Part::Placeholder(placeholder) => placeholder.escaped(who),
            })
            .collect()
    }

    /// Servers compare names loosely: ` Alice`, `ａlice` and `ⓐlice` all find `alice` (RFC 4518),
    /// and a realm can hold each of them as another person. So the entry must have the very name,
    /// and pass the whole filter with it.
    pub(super) fn check_name(&self, entry: &Entry, who: &Initiator) -> Result<(), DirectoryError> {
        let verdict = self.tree.evaluate(entry, who);
        if verdict == Verdict::Named {
            return Ok(());
        }
        let (mut seen, mut hidden) = (Vec::new(), Vec::new());
        for attribute in self.attributes() {
            let before = seen.len();
            seen.extend(
                entry
                    .values(attribute)
                    .map(|value| format!("{attribute}={}", shown(value))),
            );
            if seen.len() == before {
                hidden.push(attribute);
            }
        }
        let (dn, principal) = (entry.dn(), who.principal());
        if verdict == Verdict::Hidden || seen.is_empty() {
            return Err(DirectoryError::misconfigured().with_detail(format!(
                "the entry {dn} was found, and the server shows no value of {}: give the bind \
                 account the right to read it, and name it in the filter as the server does, not \
                 by an alias",
                hidden.join(" or ")
            )));
        }
        let mut found = seen.join(", ");
        if !hidden.is_empty() {
            found.push_str(&format!(" and shows no value of {}", hidden.join(" or ")));
        }
        Err(DirectoryError::differs().with_detail(format!(
            "{principal} finds {dn}, which has {found}; if they are the same person, spell name \
             and realm in the directory as the KDC does, to the letter",
        )))
    }
}

/// Refuses what could not tell the person from somebody else.
fn check_equalities(template: &str, tree: &Node) -> Result<(), ConfigError> {
    let equalities = tree.equalities();
    if !equalities.iter().any(|equality| equality.names_a_person()) {
        return Err(wrong(format!(
            "{template:?} compares none of {{user}}, {{principal}} and {{sid}} by plain equality, so \
             that nothing tells the person from somebody similar; write it as in (uid={{user}})"
        )));
    }
    for (place, equality) in equalities.iter().enumerate() {
        let attribute = &equality.attribute;
        if equality.is_by_oid() {
            return Err(wrong(format!(
                "{attribute:?} in {template:?} is an OID, and servers answer with the attribute's \
                 name; write that"
            )));
        }
        if equality.is_ambiguous() {
            return Err(wrong(format!(
                "the value of {attribute:?} in {template:?} can be two people's, as alice.b@C and \
                 alice@b.C are one in {{user}}.{{realm}}; write {{principal}}, or \
                 {{user}}@{{realm}}, or give the realm an attribute of its own, as in \
                 (&(uid={{user}})(o={{realm}}))"
            )));
        }
        if equalities.iter().skip(place).any(|own| own.meets(equality)) {
            return Err(wrong(format!(
                "{attribute:?} in {template:?} is compared in two ways, and one value can be one \
                 person's by the first and another's by the second; leave one of them out, or \
                 give it an attribute of its own, as in (|(uid={{user}})(mail={{principal}}))"
            )));
        }
    }
    Ok(())
}

/// `{sid}` is binary, and so it can't be a part of a text.
fn check_sids(template: &str, parts: &[Part]) -> Result<(), ConfigError> {
    let mut before = "";
    for (place, part) in parts.iter().enumerate() {
        let after = match parts.get(place + 1) {
            Some(Part::Text(text)) => text,
            _ => "",
        };
        match part {
            Part::Text(text) => before = text,
            Part::Placeholder(Placeholder::Sid)
                if !before.ends_with('=') || !after.starts_with(')') =>
            {
                return Err(wrong(format!(
                    "{{sid}} in {template:?} is no value of its own, and a SID is binary; write it \
                     as in (objectSid={{sid}})"
                )));
            }
            Part::Placeholder(_) => before = "",
        }
    }
    Ok(())
}

/// A value for the log. No text is a SID in its binary form, which begins with a control character.
fn shown(value: &[u8]) -> String {
    match Sid::from_bytes(value) {
        Ok(sid) => sid.to_string(),
        Err(_) => String::from_utf8_lossy(value).into_owned(),
    }
}

fn split(template: &str) -> Result<Vec<Part>, ConfigError> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let placeholder = Placeholder::ALL
            .into_iter()
            .find(|known| known.name() == name);
        parts.push(Part::Placeholder(placeholder.ok_or_else(|| {
            wrong(format!(
                "{{{name}}} in {template:?} is no placeholder; there are {{user}}, {{principal}}, \
                 {{realm}} and {{sid}}, and a brace itself is written \\7b"
            ))
        })?));
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

//! A person's DN, made from the name with no search.

use ldap3::{Scope, dn_escape};

use super::super::dn;
use super::super::filter::Filter;
use super::super::lookup::{ANY, Lookup, Query};
use super::super::outcome::{Found, NO_SUCH_OBJECT};
use crate::directory::DirectoryError;
use crate::error::ConfigError;
use crate::initiator::Initiator;

/// A DN (RFC 4514) in whose first value the person's name stands.
#[derive(Debug, Clone)]
pub(in super::super) struct DnTemplate {
    text: String,
    /// Of the first attribute's value.
    value: Filter,
    attribute: String,
    parent: String,
}

impl DnTemplate {
    /// And the filter that the entry must pass: its first attribute has the name, to the letter.
    pub(in super::super) fn parse(text: &str) -> Result<(Self, Filter), ConfigError> {
        let split = || {
            let (attribute, rest) = text.split_once('=')?;
            let (value, parent) = rest.split_once(',')?;
            Some((attribute, value, parent.trim_start_matches(' ')))
        };
        let (attribute, value, parent) = split().ok_or_else(|| {
            wrong(format!(
                "{text:?} is no DN of a person; write it as in \
                 uid={{user}},ou=people,dc=example,dc=com"
            ))
        })?;
        if !dn::is_attribute_name(attribute) {
            return Err(wrong(format!(
                "{attribute:?} in {text:?} is no attribute's name; write it as in uid={{user}}"
            )));
        }
        let is_special = |c: char| r#"\"+;<>#=*()"#.contains(c) || c.is_control();
        if value.contains(is_special) || value.trim() != value || value.contains("{sid}") {
            return Err(wrong(format!(
                "the value {value:?} in {text:?} has more than text and {{user}}, {{principal}} or \
                 {{realm}}; write it as in uid={{user}}, or use .search(..)"
            )));
        }
        // The server compares DNs loosely, and what it found can be held against the name in the
        // entry's own attribute alone.
        if parent.contains(['{', '}']) {
            return Err(wrong(format!(
                "{text:?} has a placeholder in its parent, where servers take CORP and corp for one; \
                 put it into the first value, or use .search(..)"
            )));
        }
        if !dn::is_base(parent) {
            return Err(wrong(format!(
                "{parent:?} in {text:?} is no DN; write it as in ou=people,dc=example,dc=com"
            )));
        }
        let filter = Filter::parse(&format!("({attribute}={value})")).map_err(of_template)?;
        let template = Self {
            text: text.to_owned(),
            value: filter.clone(),
            attribute: attribute.to_owned(),
            parent: parent.to_owned(),
        };
        Ok((template, filter))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The DN of one person, the name escaped by RFC 4514 section 2.4.
    fn render(&self, who: &Initiator) -> Option<String> {
        let value = self.value.sole_value(who)?;
        Some(format!(
            "{}={},{}",
            self.attribute,
            dn_escape(value),
            self.parent
        ))
    }

    pub(super) async fn read(
        &self,
        lookup: &Lookup<'_>,
        who: &Initiator,
        attributes: &[String],
    ) -> Result<Found, DirectoryError> {
        let dn = self.render(who).ok_or_else(DirectoryError::pac_missing)?;
        let searched = format!("at {dn:?}");
        let query = |base, attributes| Query {
            base,
            scope: Scope::Base,
            // Whatever is at the DN is found, and then compared with the name.
            filter: ANY,
            attributes,
            limit: 2,
        };
        let answer = lookup.search(query(&dn, attributes)).await?;
        if answer.code != NO_SUCH_OBJECT {
            return answer.found(searched);
        }
        // Nobody has this name, or nobody any: the server's matchedDN would tell which, but for those
        // servers that leave it out.
        let nothing = ["1.1".to_owned()];
        let parent = lookup.search(query(&self.parent, &nothing)).await?;
        if parent.code == NO_SUCH_OBJECT {
            return Err(DirectoryError::misconfigured().with_detail(format!(
                "{:?}, the parent in .dn_template(..), does not exist, or the bind account may not \
                 see it",
                self.parent
            )));
        }
        parent.found(format!("at {:?}", self.parent))?;
        Ok(Found::nothing(searched))
    }
}

fn of_template(error: ConfigError) -> ConfigError {
    match error {
        ConfigError::Ldap { reason, .. } => wrong(reason),
        other => other,
    }
}

fn wrong(reason: impl Into<String>) -> ConfigError {
    ConfigError::Ldap {
        setting: "dn_template",
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str, principal: &str) -> String {
        let (template, _) = DnTemplate::parse(template).unwrap();
        let who = Initiator::new(principal.parse().unwrap());
        template.render(&who).unwrap()
    }

    #[test]
    fn a_name_can_not_break_out_of_its_value() {
        for (name, value) in [
            ("alice", "alice"),
            (" alice ", r"\20alice\20"),
            ("  ", r"\20\20"),
            ("#1", r"\231"),
            ("a#1", "a#1"),
            ("a,ou=x", r"a\2cou\3dx"),
            ("a+b", r"a\2bb"),
            ("a\"b", r"a\22b"),
            ("a;<b>", r"a\3b\3cb\3e"),
            (r"a\\,b", r"a\5c\2cb"),
            ("Lučić", "Lučić"),
            ("a*()", "a*()"),
        ] {
            let dn = rendered("uid={user},ou=p,dc=a", &format!("{name}@CORP"));
            assert_eq!(dn, format!("uid={value},ou=p,dc=a"), "{name:?}");
        }
        assert_eq!(
            rendered("cn={user}@{realm}, dc=a", "alice@CORP"),
            "cn=alice@CORP,dc=a"
        );
        assert_eq!(
            rendered("cn={principal},dc=a", r"a\@b@CORP"),
            r"cn=a\5c@b@CORP,dc=a"
        );
    }

    #[test]
    fn what_is_no_template_of_a_person_says_what_to_write() {
        for (template, reason) in [
            ("", "no DN of a person"),
            ("{user}", "no DN of a person"),
            ("uid={user}", "no DN of a person"),
            ("uid=alice,dc=a", "the same entry for everybody"),
            ("o={realm},dc=a", "the same entry for everybody"),
            ("uid={user},ou={realm},dc=a", "a placeholder in its parent"),
            ("uid={user},people", "is no DN"),
            ("uid={user},", "is no DN"),
            ("u id={user},dc=a", "no attribute's name"),
            ("{user}=a,dc=a", "no attribute's name"),
            ("objectSid={sid},dc=a", "has more than text"),
            ("uid={user}+o={realm},dc=a", "has more than text"),
            (r"uid=a\,{user},dc=a", "has more than text"),
            ("uid= {user},dc=a", "has more than text"),
            ("uid=*{user},dc=a", "has more than text"),
            ("uid={user}.{realm},dc=a", "two people's"),
            ("uid={name},dc=a", "no placeholder"),
            ("2.5.4.3={user},dc=a", "is an OID"),
        ] {
            let error = DnTemplate::parse(template).unwrap_err().to_string();
            assert!(error.contains(reason), "{template:?}: {error}");
            assert!(error.contains("dn_template is wrong"), "{error}");
        }
    }
}

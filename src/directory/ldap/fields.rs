//! Which attributes of an entry become which part of a [`User`].

use super::active_directory;
use super::entry::Entry;
use crate::initiator::Initiator;
use crate::user::{Group, User};

#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// Without one, the username is the name that was searched.
    pub(super) username: Option<String>,
    /// The first of these that has a value.
    pub(super) display_name: Vec<String>,
    pub(super) email: String,
    pub(super) id: String,
    pub(super) attributes: Vec<String>,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            username: None,
            display_name: vec!["displayName".to_owned(), "cn".to_owned()],
            email: "mail".to_owned(),
            id: "entryUUID".to_owned(),
            attributes: Vec::new(),
        }
    }
}

impl Fields {
    /// Those of Active Directory.
    pub(super) fn of_active_directory() -> Self {
        Self {
            username: Some(active_directory::ACCOUNT.to_owned()),
            id: active_directory::SID.to_owned(),
            ..Self::default()
        }
    }

    /// What the server is asked for.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.username
            .iter()
            .chain(&self.display_name)
            .chain([&self.email, &self.id])
            .chain(&self.attributes)
            .map(String::as_str)
    }

    /// With all the groups that the person is in.
    pub(super) fn user(&self, who: &Initiator, entry: &Entry, groups: Vec<Group>) -> User {
        let mut user = User::builder(who.principal().clone())
            .username(self.username(who, entry))
            .dn(entry.dn());
        if let Some(id) = self.id(entry) {
            user = user.id(id);
        }
        if let Some(name) = self.display_name.iter().find_map(|name| first(entry, name)) {
            user = user.display_name(name);
        }
        if let Some(email) = first(entry, &self.email) {
            user = user.email(email);
        }
        for group in groups {
            user = user.group(group);
        }
        for name in &self.attributes {
            user = user.binary_attribute(name, entry.values(name));
        }
        user.build()
    }

    /// The directory's spelling of the name. Where the layer makes another name of the person, for
    /// it allows several realms, say, that one counts.
    fn username<'a>(&'a self, who: &'a Initiator, entry: &'a Entry) -> &'a str {
        let name = who.unique_name();
        self.username
            .as_ref()
            .and_then(|attribute| first(entry, attribute))
            .filter(|own| own.eq_ignore_ascii_case(name))
            .unwrap_or(name)
    }

    fn id(&self, entry: &Entry) -> Option<String> {
        if self.id.eq_ignore_ascii_case(active_directory::SID) {
            return active_directory::sid(entry).map(|sid| sid.to_string());
        }
        sole(entry, &self.id).map(str::to_owned)
    }
}

fn first<'a>(entry: &'a Entry, name: &'a str) -> Option<&'a str> {
    entry.texts(name).find(|value| !value.trim().is_empty())
}

/// LDAP has no order among values, so that one of several would not stay the same.
fn sole<'a>(entry: &'a Entry, name: &'a str) -> Option<&'a str> {
    let mut values = entry.values(name);
    match (values.next(), values.next()) {
        (Some(value), None) => str::from_utf8(value)
            .ok()
            .filter(|value| !value.trim().is_empty()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    fn alice() -> Initiator {
        Initiator::new("alice@CORP".parse().unwrap())
    }

    #[test]
    fn attributes_become_the_parts_of_a_user() {
        let fields = Fields {
            attributes: vec!["employeeType".into(), "Mail".into(), "jpegPhoto".into()],
            ..Fields::default()
        };
        let entry = entry(
            "uid=alice,dc=example",
            &[
                ("uid", &[b"alice"]),
                ("displayName", &[b" ", b"Alice Liddell"]),
                ("cn", &[b"Alice"]),
                ("mail", &[b"alice@example.com"]),
                ("entryUUID", &[b"4711"]),
                ("employeetype", &[b"staff", b"\xff"]),
                ("jpegPhoto", &[b"\xff\xd8"]),
            ],
        );
        let user = fields.user(&alice(), &entry, vec![Group::new("Engineers")]);
        assert_eq!(user.username(), "alice");
        assert_eq!(user.id(), "4711");
        assert_eq!(user.display_name(), "Alice Liddell");
        assert_eq!(user.email(), Some("alice@example.com"));
        assert_eq!(user.dn(), Some("uid=alice,dc=example"));
        let groups: Vec<_> = user.groups().map(Group::name).collect();
        assert_eq!(groups, ["Engineers"]);
        let attributes: Vec<_> = user.attributes().collect();
        assert_eq!(
            attributes,
            [
                ("Mail", &["alice@example.com".to_owned()][..]),
                ("employeeType", &["staff".to_owned()][..]),
            ]
        );
        let binary = |name| user.binary_attribute(name).collect::<Vec<_>>();
        assert_eq!(binary("employeeType"), [b"staff".as_slice(), b"\xff"]);
        assert_eq!(binary("jpegPhoto"), [b"\xff\xd8"]);
    }

    #[test]
    fn a_bare_entry_makes_a_user_named_by_the_principal() {
        let entry = entry("uid=alice,dc=example", &[]);
        let user = Fields::default().user(&alice(), &entry, Vec::new());
        assert_eq!(user.id(), "alice@CORP");
        assert_eq!(user.display_name(), "alice");
        assert_eq!(user.email(), None);
        assert_eq!(user.groups().len(), 0);
        assert_eq!(user.attributes().count(), 0);
    }

    #[test]
    fn on_active_directory_the_id_is_the_sid_and_the_username_the_account_as_the_entry_spells_it() {
        let sid: crate::sid::Sid = "S-1-5-21-1-2-3-1103".parse().unwrap();
        let entry = entry(
            "CN=Alice Liddell,DC=corp",
            &[
                ("sAMAccountName", &[b"Alice"]),
                ("objectSid", &[&sid.to_bytes()]),
                ("cn", &[b"Alice Liddell"]),
            ],
        );
        let fields = Fields::of_active_directory();
        let user = fields.user(&alice(), &entry, Vec::new());
        assert_eq!(user.username(), "Alice");
        assert_eq!(user.id(), "S-1-5-21-1-2-3-1103");
        assert_eq!(user.display_name(), "Alice Liddell");
        // Whatever else the layer calls her.
        let bob = Initiator::new("bob@CORP".parse().unwrap());
        assert_eq!(fields.user(&bob, &entry, Vec::new()).username(), "bob");
    }

    #[test]
    fn an_id_that_is_empty_or_not_the_only_one_is_none() {
        for values in [&[b"".as_slice()][..], &[b"1", b"2"], &[b"\xff"]] {
            let entry = entry("uid=alice", &[("entryUUID", values)]);
            let user = Fields::default().user(&alice(), &entry, Vec::new());
            assert_eq!(user.id(), "alice@CORP", "{values:?}");
        }
    }
}

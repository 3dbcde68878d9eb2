//! Which attributes of an entry become which part of a [`User`].

use super::active_directory;
use super::entry::Entry;
use crate::directory::DirectoryError;
use crate::initiator::Initiator;
use crate::user::{Group, User};

mod secrets;

pub(super) use self::secrets::is_secret;

#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// Without one, the username is the name that was searched.
    pub(super) username: Option<String>,
    /// The first of these that has a value.
    pub(super) display_name: Vec<String>,
    pub(super) email: String,
    pub(super) id: String,
    pub(super) attributes: Vec<String>,
    /// Of `*` (RFC 4511 section 4.5.1.8) and `+` (RFC 3673), those asked for: all that the server
    /// then shows is loaded, too.
    pub(super) wildcards: Vec<String>,
}

/// All user attributes, and all operational ones.
pub(super) const WILDCARDS: [&str; 2] = ["*", "+"];

impl Default for Fields {
    fn default() -> Self {
        Self {
            username: None,
            display_name: vec!["displayName".to_owned(), "cn".to_owned()],
            email: "mail".to_owned(),
            id: "entryUUID".to_owned(),
            attributes: Vec::new(),
            wildcards: Vec::new(),
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

    /// What the server is asked for by name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.username
            .iter()
            .chain(&self.display_name)
            .chain([&self.email, &self.id])
            .chain(&self.attributes)
            .map(String::as_str)
    }

    /// What tells these from others.
    pub(super) fn fingerprint(&self) -> impl Iterator<Item = &str> {
        let username = if self.username.is_some() {
            "username"
        } else {
            ""
        };
        let wildcards = self.wildcards.iter().map(String::as_str);
        [username].into_iter().chain(self.names()).chain(wildcards)
    }

    /// With all the groups that the person is in.
    pub(super) fn user(
        &self,
        who: &Initiator,
        entry: &Entry,
        groups: Vec<Group>,
    ) -> Result<User, DirectoryError> {
        let mut user = User::builder(who.principal().clone())
            .username(self.username(who, entry)?)
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
        if let Some(name) = self.attributes.iter().find(|name| entry.is_partial(name)) {
            return Err(DirectoryError::misconfigured().with_detail(format!(
                "the server gives only a part of {name} of {}, which has too many values: leave it out \
                 of .attributes(..); a user's groups are read to the end by .groups(..)",
                entry.dn()
            )));
        }
        for name in self.loaded(entry) {
            user = user.binary_attribute(name, entry.values(name));
        }
        Ok(user.build())
    }

    /// Those that were named, and with a wildcard all others that hold no secret, and are whole and
    /// text.
    fn loaded<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a str> {
        let others = entry.descriptions().filter(|name| {
            let is_named = self
                .attributes
                .iter()
                .any(|own| own.eq_ignore_ascii_case(name));
            let is_whole = !entry.is_partial(name.split(';').next().unwrap_or_default());
            let mut values = entry.values(name);
            !is_named
                && !is_secret(name)
                && is_whole
                && values.all(|value| str::from_utf8(value).is_ok())
        });
        let others = others.filter(|_| !self.wildcards.is_empty());
        self.attributes.iter().map(String::as_str).chain(others)
    }

    /// The directory's spelling of the name, or the name there of whom it has found by another, an
    /// alias say. Where the layer makes a name of its own of the person, for it allows several realms,
    /// say, that one counts.
    fn username<'a>(
        &'a self,
        who: &'a Initiator,
        entry: &'a Entry,
    ) -> Result<&'a str, DirectoryError> {
        let name = who.unique_name();
        let Some(attribute) = &self.username else {
            return Ok(name);
        };
        let spelled = || entry.texts(attribute);
        let own = spelled().find(|own| *own == name);
        if let Some(own) = own.or_else(|| spelled().find(|own| own.eq_ignore_ascii_case(name))) {
            return Ok(own);
        }
        if !who.has_plain_name() {
            return Ok(name);
        }
        sole(entry, attribute).ok_or_else(|| {
            DirectoryError::misconfigured().with_detail(format!(
                "the server does not show exactly one value of {attribute} of {}, which is to be the \
                 username: give the bind account the right to read it, or name another with \
                 .username_attribute(..)",
                entry.dn()
            ))
        })
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

fn sole<'a>(entry: &'a Entry, name: &'a str) -> Option<&'a str> {
    let text = str::from_utf8(entry.sole(name)?).ok()?;
    (!text.trim().is_empty()).then_some(text)
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
        let groups = vec![Group::new("Engineers")];
        let user = fields.user(&alice(), &entry, groups).unwrap();
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
        let user = Fields::default()
            .user(&alice(), &entry, Vec::new())
            .unwrap();
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
        let user = fields.user(&alice(), &entry, Vec::new()).unwrap();
        assert_eq!(user.username(), "Alice");
        assert_eq!(user.id(), "S-1-5-21-1-2-3-1103");
        assert_eq!(user.display_name(), "Alice Liddell");
    }

    #[test]
    fn who_is_found_by_an_alias_has_the_name_of_the_entry_unless_the_layer_makes_its_own() {
        let fields = Fields {
            username: Some("uid".to_owned()),
            ..Fields::default()
        };
        let username = |who: &Initiator, values: &[&[u8]]| {
            let entry = entry("uid=alice", &[("uid", values)]);
            let user = fields.user(who, &entry, Vec::new());
            user.map(|user| user.username().to_owned())
                .map_err(|error| error.kind())
        };
        let alias = Initiator::new("alice.liddell@CORP".parse().unwrap());
        assert_eq!(username(&alias, &[b"Alice"]).unwrap(), "Alice");
        assert_eq!(
            username(&alice(), &[b"bob", b"ALICE", b"alice"]).unwrap(),
            "alice"
        );
        assert_eq!(username(&alice(), &[b"bob", b"ALICE"]).unwrap(), "ALICE");
        for values in [&[][..], &[b"".as_slice()], &[b"\xff"], &[b"a", b"b"]] {
            let outcome = username(&alias, values);
            assert_eq!(
                outcome,
                Err(crate::error::ErrorKind::DirectoryMisconfigured)
            );
        }
        let whole = alias.called("alice.liddell@CORP");
        assert_eq!(username(&whole, &[b"Alice"]).unwrap(), "alice.liddell@CORP");
        assert_eq!(username(&whole, &[]).unwrap(), "alice.liddell@CORP");
    }

    #[test]
    fn a_wildcard_loads_everything_but_secrets_and_what_is_no_text_or_a_part() {
        let entry = entry(
            "uid=alice",
            &[
                ("uid", &[b"alice"]),
                ("CN", &[b"Alice"]),
                ("cn;lang-de", &[b"Alix"]),
                ("userPassword", &[b"{SSHA}x"]),
                ("USERPASSWORD;x-old", &[b"s3cret"]),
                ("krbPrincipalKey", &[b"key"]),
                ("jpegPhoto", &[b"\xff\xd8"]),
                ("memberOf;range=0-1499", &[b"cn=one of many"]),
            ],
        );
        let fields = Fields {
            attributes: vec!["cn".to_owned()],
            wildcards: vec!["*".to_owned()],
            ..Fields::default()
        };
        let user = fields.user(&alice(), &entry, Vec::new()).unwrap();
        let loaded: Vec<_> = user.attributes().map(|(name, _)| name).collect();
        assert_eq!(loaded, ["cn", "cn;lang-de", "uid"]);
    }

    #[test]
    fn an_id_that_is_empty_or_not_the_only_one_is_none() {
        for values in [&[b"".as_slice()][..], &[b"1", b"2"], &[b"\xff"]] {
            let entry = entry("uid=alice", &[("entryUUID", values)]);
            let user = Fields::default()
                .user(&alice(), &entry, Vec::new())
                .unwrap();
            assert_eq!(user.id(), "alice@CORP", "{values:?}");
        }
    }
}

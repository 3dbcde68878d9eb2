//! What a group is called.

use super::super::active_directory::{self, SID};
use super::super::dn;
use super::super::entry::Entry;
use super::Groups;
use crate::directory::DirectoryError;
use crate::sid::Sid;
use crate::user::Group;

/// The name, by OID too (RFC 4519 section 2.3).
const CN: [&str; 2] = ["cn", "2.5.4.3"];

impl Groups {
    /// What a group's entry is asked for.
    pub(super) fn attributes_of_group(&self) -> Vec<String> {
        let sid = self.of_windows.then_some(SID);
        let names = [self.name.as_str()].into_iter().chain(sid);
        names.map(str::to_owned).collect()
    }

    /// The group of an entry.
    pub(super) fn group(&self, entry: &Entry) -> Result<Group, DirectoryError> {
        let name = match self.name_in_dn(entry.dn()) {
            Some(name) => name,
            None => active_directory::sole_text(entry, &self.name)?.to_owned(),
        };
        let sid = match self.of_windows {
            true => Some(
                active_directory::sid(entry)
                    .ok_or_else(|| active_directory::unreadable(entry, SID))?,
            ),
            false => None,
        };
        Ok(self.named(name, Some(entry.dn()), sid))
    }

    /// A group that has no entry, or none that is asked for.
    pub(super) fn named(&self, name: String, dn: Option<&str>, sid: Option<Sid>) -> Group {
        // Groups that no domain has are the same in all of them (`Administrators` of S-1-5-32-544),
        // and a name there is another language's elsewhere. The text of a SID is no other group's
        // name.
        let name = match sid {
            Some(sid) if !sid.is_of_a_domain() || name.parse::<Sid>().is_ok() => sid.to_string(),
            None if name.parse::<Sid>().is_ok() => dn.unwrap_or_default().to_owned(),
            _ => name,
        };
        let mut group = Group::new(name);
        if let Some(dn) = dn {
            group = group.with_dn(dn);
        }
        if let Some(sid) = sid {
            group = group.with_sid(sid);
        }
        group.with_name_counted_below(&self.names_count_below)
    }

    /// The name, where the DN has it. An entry can have several values of `cn`; the one in its DN is
    /// its own.
    pub(super) fn name_in_dn(&self, dn: &str) -> Option<String> {
        let is_cn = |name: &str| CN.iter().any(|own| own.eq_ignore_ascii_case(name));
        let (attribute, _) = dn.split_once('=')?;
        let attribute = attribute.trim();
        let is_named_so =
            attribute.eq_ignore_ascii_case(&self.name) || is_cn(attribute) && is_cn(&self.name);
        is_named_so.then(|| dn::first_value(dn))?
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::entry::tests::entry;
    use super::super::super::scope::Scope;
    use super::super::{GroupLimits, GroupSearch};
    use super::*;

    /// The generic builder's.
    pub(in super::super) fn groups(search: GroupSearch) -> Groups {
        Groups {
            search,
            member_of: "memberOf".to_owned(),
            is_nested: false,
            of_windows: false,
            bases: vec!["dc=example".to_owned()],
            names_count_below: Vec::new(),
            scope: Scope::Subtree,
            name: "cn".to_owned(),
            limits: GroupLimits::default(),
        }
    }

    #[test]
    fn the_value_in_the_dn_is_the_name_and_no_other_value() {
        let groups = groups(GroupSearch::GroupOfNames);
        let own = entry(
            r"cn=Sales\2C North,dc=example",
            &[("cn", &[b"Admins", b"Sales, North"])],
        );
        assert_eq!(groups.group(&own).unwrap().name(), "Sales, North");
        let by_oid = entry("2.5.4.3=Staff,dc=example", &[]);
        assert_eq!(groups.group(&by_oid).unwrap().name(), "Staff");
        let other = entry("ou=1,dc=example", &[("cn", &[b"Staff"])]);
        assert_eq!(groups.group(&other).unwrap().name(), "Staff");
        for unclear in [&[][..], &[&b"Staff"[..], b"Admins"], &[b"\xff"]] {
            let other = entry("ou=1,dc=example", &[("cn", unclear)]);
            assert!(groups.group(&other).is_err(), "{unclear:?}");
        }
    }

    #[test]
    fn what_looks_like_a_sid_is_the_name_of_that_sids_group_alone() {
        let groups = groups(GroupSearch::GroupOfNames);
        let text = "S-1-5-21-1-2-3-512";
        let sid: Sid = text.parse().unwrap();
        let other: Sid = "S-1-5-21-1-2-3-513".parse().unwrap();
        let name = |dn: Option<&str>, sid| groups.named(text.to_owned(), dn, sid).name().to_owned();
        assert_eq!(name(None, Some(sid)), text);
        assert_eq!(name(Some("cn=a"), Some(other)), other.to_string());
        assert_eq!(name(Some("cn=a"), None), "cn=a");
        assert_eq!(name(None, None), "");
        let own = groups.named(
            "Administrators".to_owned(),
            Some("CN=a"),
            "S-1-5-32-544".parse().ok(),
        );
        assert_eq!(own.name(), "S-1-5-32-544");
    }
}

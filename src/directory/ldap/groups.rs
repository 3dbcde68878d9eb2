//! The groups that a person is in.

use super::dn;
use super::entry::Entry;
use super::lookup::Lookup;
use crate::directory::DirectoryError;
use crate::initiator::Initiator;
use crate::user::Group;

mod by_sid;

/// Where they are read.
#[derive(Debug, Clone)]
pub(super) enum Groups {
    /// The DNs in an attribute of the person's entry: `memberOf`.
    MemberOf { attribute: String },
}

impl Default for Groups {
    fn default() -> Self {
        Self::MemberOf {
            attribute: "memberOf".to_owned(),
        }
    }
}

impl Groups {
    /// What the person's entry is asked for.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::MemberOf { attribute } => [attribute.as_str()].into_iter(),
        }
    }

    /// All of them, or an error.
    pub(super) async fn of(
        &self,
        _lookup: &Lookup<'_>,
        _who: &Initiator,
        entry: &Entry,
    ) -> Result<Vec<Group>, DirectoryError> {
        match self {
            Self::MemberOf { attribute } => member_of(entry, attribute),
        }
    }

    pub(super) fn fingerprint(&self) -> String {
        match self {
            Self::MemberOf { attribute } => attribute.clone(),
        }
    }
}

fn member_of(entry: &Entry, attribute: &str) -> Result<Vec<Group>, DirectoryError> {
    if entry.is_partial(attribute) {
        return Err(DirectoryError::misconfigured().with_detail(format!(
            "the server gives only a part of {attribute} of {}: this person is in too many groups \
             to know them all, and is not let in with some of them; raise the server's limit of \
             values (MaxValRange on Active Directory)",
            entry.dn()
        )));
    }
    Ok(entry.texts(attribute).map(group).collect())
}

fn group(dn: &str) -> Group {
    Group::new(dn::first_value(dn).unwrap_or_else(|| dn.to_owned())).with_dn(dn)
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_group_is_named_by_its_dns_first_value_or_by_all_of_it() {
        let entry = entry(
            "uid=alice,dc=example",
            &[(
                "memberOf",
                &[
                    b"cn=Engineers,dc=example",
                    br"cn=Sales\, North,dc=example",
                    b"cn=#0403,dc=example",
                    b"\xff",
                ],
            )],
        );
        let groups = member_of(&entry, "memberOf").unwrap();
        let groups: Vec<_> = groups.iter().map(|g| (g.name(), g.dn().unwrap())).collect();
        assert_eq!(
            groups,
            [
                ("Engineers", "cn=Engineers,dc=example"),
                ("Sales, North", r"cn=Sales\, North,dc=example"),
                ("cn=#0403,dc=example", "cn=#0403,dc=example"),
            ]
        );
    }

    #[test]
    fn nobody_gets_in_with_a_part_of_their_groups() {
        let entry = entry("uid=alice", &[("memberOf;range=0-1499", &[b"cn=g"])]);
        let error = member_of(&entry, "memberOf").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryMisconfigured);
    }
}

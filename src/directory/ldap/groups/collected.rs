//! The groups that were found so far.

use std::collections::HashSet;

use crate::directory::DirectoryError;
use crate::user::Group;

/// Beyond these nobody gets in: some of the groups are not the groups.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct GroupLimits {
    /// How many levels of groups in groups there may be.
    pub(in super::super) depth: usize,
    /// How many groups a person may be in.
    pub(in super::super) size: u16,
}

impl Default for GroupLimits {
    fn default() -> Self {
        Self {
            depth: 32,
            size: 5_000,
        }
    }
}

impl GroupLimits {
    /// How many entries a search for groups asks for: one more tells that there are too many.
    pub(super) fn entries(self) -> u16 {
        self.size.saturating_add(1)
    }

    pub(super) fn too_many(self) -> DirectoryError {
        DirectoryError::misconfigured().with_detail(format!(
            "this person is in more than {} groups, and is not let in with some of them; if that \
             is as it should be, allow more with .group_size_limit(..)",
            self.size
        ))
    }
}

/// Each group once, so that a cycle of them ends.
pub(super) struct Collected {
    limits: GroupLimits,
    level: usize,
    known: HashSet<String>,
    groups: Vec<Group>,
}

impl Collected {
    pub(super) fn new(limits: GroupLimits) -> Self {
        Self {
            limits,
            level: 1,
            known: HashSet::new(),
            groups: Vec::new(),
        }
    }

    /// Adds a group; whether it is new. By its DN to the letter, as the server spells it: another
    /// spelling may be another group, and one too many is better than one too few.
    pub(super) fn add(&mut self, group: Group) -> Result<bool, DirectoryError> {
        let key = match group.dn() {
            Some(dn) => dn,
            None => group.name(),
        };
        if !self.known.insert(key.to_owned()) {
            return Ok(false);
        }
        if self.level > self.limits.depth {
            return Err(DirectoryError::misconfigured().with_detail(format!(
                "this person is in a group over more than {} others in a row, the last of which is \
                 {}, and is not let in with some of the groups; if that is as it should be, allow \
                 more with .group_depth_limit(..)",
                self.limits.depth,
                group.dn().unwrap_or_else(|| group.name())
            )));
        }
        if self.groups.len() >= self.limits.size.into() {
            return Err(self.limits.too_many());
        }
        self.groups.push(group);
        Ok(true)
    }

    pub(super) fn has(&self, dn: &str) -> bool {
        self.known.contains(dn)
    }

    /// What is added from now on was found through groups that were added before.
    pub(super) fn next_level(&mut self) {
        self.level += 1;
    }

    pub(super) fn into_groups(self) -> Vec<Group> {
        self.groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn group(number: usize) -> Group {
        Group::new(number.to_string()).with_dn(format!("CN={number}"))
    }

    #[test]
    fn one_group_too_many_refuses_and_says_what_to_do() {
        let mut found = Collected::new(GroupLimits { depth: 1, size: 2 });
        assert!(found.add(group(1)).unwrap());
        assert!(found.add(group(2)).unwrap());
        assert!(!found.add(group(1)).unwrap(), "the same group");
        let error = found.add(group(3)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryMisconfigured);
        assert!(
            error.to_string().contains(".group_size_limit(..)"),
            "{error}"
        );
    }

    #[test]
    fn another_spelling_may_be_another_group() {
        let mut found = Collected::new(GroupLimits::default());
        for dn in ["CN=a", "cn=a", "x-name=A", "x-name=a"] {
            assert!(found.add(Group::new("a").with_dn(dn)).unwrap(), "{dn}");
            assert!(found.has(dn));
        }
        assert!(!found.has("CN=A"));
    }

    #[test]
    fn one_level_too_many_refuses_unless_it_has_no_new_group() {
        let mut found = Collected::new(GroupLimits { depth: 1, size: 9 });
        found.add(group(1)).unwrap();
        found.next_level();
        assert!(!found.add(group(1)).unwrap());
        let error = found.add(group(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryMisconfigured);
        assert!(
            error.to_string().contains(".group_depth_limit(..)"),
            "{error}"
        );
    }
}

//! Which groups a person is in.

use super::super::groups::Groups;
use super::LdapDirectoryBuilder;

/// # Groups
impl LdapDirectoryBuilder {
    /// The attribute with the DNs of the groups, instead of `memberOf`.
    pub fn group_attribute(mut self, name: impl Into<String>) -> Self {
        self.groups = Groups::MemberOf {
            attribute: name.into(),
        };
        self
    }
}

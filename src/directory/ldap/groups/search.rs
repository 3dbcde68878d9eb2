//! The ways to a person's groups.

/// How an [`LdapDirectory`](crate::ldap::LdapDirectory) finds a person's groups; for
/// [`groups`](crate::ldap::LdapDirectoryBuilder::groups).
///
/// What each costs, and what it finds, is told [in the module](crate::ldap#groups).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupSearch {
    /// The DNs in an attribute of the person's entry, which the server keeps: `memberOf`, unless
    /// [`group_attribute`](crate::ldap::LdapDirectoryBuilder::group_attribute) names another. The default
    /// of [`LdapDirectory::builder`](crate::ldap::LdapDirectory::builder).
    MemberOf,
    /// The groups of class `groupOfNames` with the person's DN as a `member` (RFC 4519 section
    /// 3.5).
    GroupOfNames,
    /// The groups of class `groupOfUniqueNames` with the person's DN as a `uniqueMember` (RFC 4519
    /// section 3.6). Who is named with a unique identifier behind the DN (`…#'0101'B`) is not
    /// found: that may be somebody who had the DN before.
    GroupOfUniqueNames,
    /// The roles of class `organizationalRole` with the person's DN as a `roleOccupant` (RFC 4519
    /// section 3.9).
    OrganizationalRole,
    /// The groups of class `posixGroup` (RFC 2307) with the person's `uid` as a `memberUid`, and the
    /// one whose `gidNumber` is the person's. They hold no groups. Servers compare names loosely, so
    /// that what they find is compared once more, byte for byte.
    PosixGroup,
    /// The entries of whatever class with the person's DN in this attribute; on Active Directory
    /// `member`.
    Member(String),
    /// Active Directory follows the groups itself, by its matching rule
    /// `LDAP_MATCHING_RULE_IN_CHAIN` (1.2.840.113556.1.4.1941) for `member`; the primary group and
    /// those that it is in are there, too. Servers that don't know the rule find nothing and call it
    /// success, and so one that does not say it is Active Directory is an error.
    InChain,
    /// The security groups that Active Directory itself computes for the person
    /// (`tokenGroups`, MS-ADTS section 3.1.1.4.5.19), whatever their nesting, the primary group
    /// included. The default of
    /// [`LdapDirectory::active_directory`](crate::ldap::LdapDirectory::active_directory).
    TokenGroups,
    /// Those in the ticket's [`Pac`](crate::Pac), nested, the primary group included: as they were
    /// when the domain controller issued the ticket, up to ten hours ago. Whoever has no PAC is
    /// refused.
    Ticket,
}

impl GroupSearch {
    /// Whether only Windows has such groups, nested without our doing.
    pub(in super::super) fn is_of_windows(&self) -> bool {
        matches!(self, Self::InChain | Self::TokenGroups | Self::Ticket)
    }

    /// Whether groups are searched below bases, and not named by the person's entry or ticket.
    pub(in super::super) fn is_below_bases(&self) -> bool {
        match self {
            Self::MemberOf | Self::TokenGroups | Self::Ticket => false,
            Self::GroupOfNames
            | Self::GroupOfUniqueNames
            | Self::OrganizationalRole
            | Self::PosixGroup
            | Self::Member(_)
            | Self::InChain => true,
        }
    }

    /// The class of groups, and the attribute with their members' DNs.
    pub(in super::super) fn member(&self) -> Option<(Option<&str>, &str)> {
        Some(match self {
            Self::GroupOfNames => (Some("groupOfNames"), "member"),
            Self::GroupOfUniqueNames => (Some("groupOfUniqueNames"), "uniqueMember"),
            Self::OrganizationalRole => (Some("organizationalRole"), "roleOccupant"),
            Self::Member(attribute) => (None, attribute),
            Self::MemberOf
            | Self::PosixGroup
            | Self::InChain
            | Self::TokenGroups
            | Self::Ticket => {
                return None;
            }
        })
    }
}

//! Which groups a person is in.

use super::super::active_directory::ACCOUNT;
use super::super::groups::{GroupLimits, GroupSearch, Groups};
use super::super::scope::Scope;
use super::{LdapDirectoryBuilder, wrong};
use crate::dn::Dn;
use crate::error::ConfigError;

#[derive(Debug, Default)]
pub(super) struct GroupSettings {
    search: Option<GroupSearch>,
    member_of: Option<String>,
    is_nested: bool,
    bases: Vec<String>,
    scope: Option<Scope>,
    name: Option<String>,
    limits: GroupLimits,
}

/// What holds where no setting says otherwise.
pub(super) struct GroupDefaults {
    search: GroupSearch,
    is_nested: bool,
    /// The root of an Active Directory domain.
    domain: Option<String>,
    /// Below which groups are.
    base: Option<String>,
    /// Below which people are.
    people: Vec<String>,
}

impl GroupDefaults {
    /// What a person's entry says.
    pub(super) fn of_entry(people: Vec<String>) -> Self {
        Self {
            search: GroupSearch::MemberOf,
            is_nested: false,
            domain: None,
            base: None,
            people,
        }
    }

    /// What Active Directory itself says.
    pub(super) fn of_domain(domain: String, people: Vec<String>) -> Self {
        Self {
            search: GroupSearch::TokenGroups,
            domain: Some(domain),
            ..Self::of_entry(people)
        }
    }

    /// Groups of names below this base, and the groups that they are in.
    pub(super) fn by_members(base: String, people: Vec<String>) -> Self {
        Self {
            search: GroupSearch::GroupOfNames,
            is_nested: true,
            base: Some(base),
            ..Self::of_entry(people)
        }
    }
}

/// # Groups
impl LdapDirectoryBuilder {
    /// How a person's groups are found; [the module](crate::ldap#groups) compares the ways.
    /// [`GroupSearch::MemberOf`] unless this or a [preset](crate::ldap#presets) says otherwise.
    pub fn groups(mut self, search: GroupSearch) -> Self {
        self.groups.search = Some(search);
        self
    }

    /// Counts the groups that a group is in, too, however deep: a person of `Engineers` is also in
    /// `Staff`, if `Engineers` is. Each level costs a round of searches; cycles end.
    ///
    /// The searches of Active Directory's own ([`InChain`](GroupSearch::InChain),
    /// [`TokenGroups`](GroupSearch::TokenGroups), [`Ticket`](GroupSearch::Ticket)) do so anyway.
    pub fn nested_groups(mut self) -> Self {
        self.groups.is_nested = true;
        self
    }

    /// Where groups are whose names count ([`Group::name_counts`](crate::Group::name_counts)); call it
    /// again for further bases, of which one may lie in another. Without any, each name counts.
    ///
    /// A search by members needs one, and finds no other groups. On Active Directory the whole domain
    /// is searched all the same, and with [`GroupSearch::MemberOf`] a person is in groups outside as
    /// well: a name is nothing to go by there, since whoever owns one organizational unit can give
    /// the groups in it any name.
    pub fn group_base(mut self, base: impl Into<String>) -> Self {
        self.groups.bases.push(base.into());
        self
    }

    /// How far below their bases groups are searched by members; the whole subtree unless said
    /// otherwise. Beside a [search](Self::groups) that looks for none below a base it is a mistake:
    /// [`GroupSearch::MemberOf`], [`GroupSearch::TokenGroups`], [`GroupSearch::Ticket`].
    pub fn group_scope(mut self, scope: Scope) -> Self {
        self.groups.scope = Some(scope);
        self
    }

    /// The attribute with a group's name ([`Group::name`](crate::Group::name)), instead of `cn`; on
    /// Active Directory instead of `sAMAccountName`, which is unique in a domain, while whoever owns
    /// one organizational unit can make a second `CN=Admins` in it.
    ///
    /// Where a group's DN begins with this attribute, the name is the value there; else the
    /// attribute must have one value. A name that reads as a SID names no group but that SID's: the
    /// others are named by their own SID, or by their DN.
    pub fn group_name_attribute(mut self, name: impl Into<String>) -> Self {
        self.groups.name = Some(name.into());
        self
    }

    /// The attribute of a person's entry with the DNs of the groups, instead of `memberOf`: for
    /// [`GroupSearch::MemberOf`].
    pub fn group_attribute(mut self, name: impl Into<String>) -> Self {
        self.groups.member_of = Some(name.into());
        self
    }

    /// How many levels of groups in groups there may be, 32 unless said otherwise. Who is in a group
    /// beyond gets an error (503), not some of the groups. Active Directory's own searches have no
    /// levels.
    pub fn group_depth_limit(mut self, levels: usize) -> Self {
        self.groups.limits.depth = levels;
        self
    }

    /// How many groups a person may be in, 5,000 unless said otherwise, and 60,000 at most. Who is
    /// in more gets an error (503), not some of the groups.
    pub fn group_size_limit(mut self, groups: u16) -> Self {
        self.groups.limits.size = groups;
        self
    }
}

impl GroupSettings {
    pub(super) fn build(self, defaults: GroupDefaults) -> Result<Groups, ConfigError> {
        let is_nested = self.is_nested
            || (defaults.is_nested && self.search.is_none() && self.member_of.is_none());
        let search = self.search.unwrap_or(match self.member_of {
            Some(_) => GroupSearch::MemberOf,
            None => defaults.search,
        });
        let domain = defaults.domain;
        if self.member_of.is_some() && search != GroupSearch::MemberOf {
            return Err(wrong(
                "group_attribute",
                format!(
                    "it stands beside GroupSearch::{search:?}, which does not read it; leave it \
                     out, or say .groups(GroupSearch::MemberOf)"
                ),
            ));
        }
        if self.scope.is_some() && !search.is_below_bases() {
            return Err(wrong(
                "group_scope",
                format!(
                    "it stands beside GroupSearch::{search:?}, which searches no groups below a \
                     base; leave it out, or search them by their members, as with \
                     .groups(GroupSearch::Member(\"member\".into()))"
                ),
            ));
        }
        check_search(&search, is_nested, domain.is_some())?;
        check_limits(self.limits)?;
        let own_bases = self.bases.iter().map(|base| group_base(base));
        let own_bases: Vec<Dn> = own_bases.collect::<Result<_, _>>()?;
        let of_windows = domain.is_some() || search.is_of_windows();
        let is_below_them = domain.is_none() && search.member().is_some();
        let bases = match (domain, defaults.base) {
            (Some(domain), _) => vec![domain],
            _ if !self.bases.is_empty() => self.bases,
            (None, Some(base)) => vec![base],
            (None, None) if search == GroupSearch::MemberOf => defaults.people,
            // None, where people's DNs are made from a template.
            (None, None) if of_windows && !defaults.people.is_empty() => defaults.people,
            (None, None) => {
                return Err(wrong(
                    "group_base",
                    "there is none, and groups are searched below it; write it as in .group_base(\"ou=groups,dc=example,dc=com\")",
                ));
            }
        };
        let default_name = if of_windows { ACCOUNT } else { "cn" };
        Ok(Groups {
            search,
            member_of: self.member_of.unwrap_or_else(|| "memberOf".to_owned()),
            is_nested,
            of_windows,
            bases,
            // What the server has found below them is below them, however they are spelled.
            names_count_below: if is_below_them { Vec::new() } else { own_bases },
            scope: self.scope.unwrap_or_default(),
            name: self.name.unwrap_or_else(|| default_name.to_owned()),
            limits: self.limits,
        })
    }
}

fn check_search(
    search: &GroupSearch,
    is_nested: bool,
    is_active_directory: bool,
) -> Result<(), ConfigError> {
    match search {
        GroupSearch::PosixGroup if is_nested => Err(wrong(
            "nested_groups",
            "groups of POSIX hold names of people, and no groups; leave it out, or, where they \
             have DNs as well (RFC 2307bis), say .groups(GroupSearch::Member(\"member\".into()))",
        )),
        GroupSearch::GroupOfNames
        | GroupSearch::GroupOfUniqueNames
        | GroupSearch::OrganizationalRole
        | GroupSearch::PosixGroup
            if is_active_directory =>
        {
            Err(wrong(
                "groups",
                format!(
                    "GroupSearch::{search:?} finds nothing on Active Directory, whose groups are \
                     of another class; leave it out, or say \
                     .groups(GroupSearch::Member(\"member\".into()))"
                ),
            ))
        }
        _ => Ok(()),
    }
}

fn group_base(base: &str) -> Result<Dn, ConfigError> {
    let dn: Option<Dn> = base.parse().ok();
    dn.filter(|dn| !dn.is_root()).ok_or_else(|| {
        wrong(
            "group_base",
            format!("{base:?} is no DN; write it as in ou=groups,dc=example,dc=com"),
        )
    })
}

fn check_limits(limits: GroupLimits) -> Result<(), ConfigError> {
    if limits.depth == 0 {
        return Err(wrong(
            "group_depth_limit",
            "a person's own groups are a level, too; leave it at 32, or name another",
        ));
    }
    if limits.size == 0 || limits.size > 60_000 {
        return Err(wrong(
            "group_size_limit",
            "it must be between 1 and 60000 groups; leave it at 5000, or name another",
        ));
    }
    Ok(())
}

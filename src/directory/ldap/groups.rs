//! The groups that a person is in.

use self::collected::Collected;
use super::active_directory::SID;
use super::entry::Entry;
use super::lookup::Lookup;
use super::scope::Scope;
use crate::directory::DirectoryError;
use crate::dn::Dn;
use crate::initiator::Initiator;
use crate::sid::Sid;
use crate::user::Group;

mod by_member;
mod by_sid;
mod collected;
mod in_chain;
mod member_of;
mod named;
mod posix;
mod primary;
mod search;
mod token_groups;

pub(super) use self::collected::GroupLimits;
pub use self::search::GroupSearch;

/// How they are found.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    pub(super) search: GroupSearch,
    /// That of a person's, and a group's, entry with the DNs of groups: `memberOf`.
    pub(super) member_of: String,
    pub(super) is_nested: bool,
    /// Whether they are those of Windows, which have SIDs, and one of which is a person's primary
    /// group and has no member for it.
    pub(super) of_windows: bool,
    /// Below which they are searched.
    pub(super) bases: Vec<String>,
    /// Below which a name tells a group from all others; everywhere, where there are none.
    pub(super) names_count_below: Vec<Dn>,
    pub(super) scope: Scope,
    /// The attribute with a group's name.
    pub(super) name: String,
    pub(super) limits: GroupLimits,
}

impl Groups {
    /// What the person's entry is asked for.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        let own: &[&str] = match self.search {
            GroupSearch::PosixGroup => &posix::OF_PERSON,
            GroupSearch::TokenGroups => &[SID],
            GroupSearch::Ticket => &[],
            _ if self.of_windows => &primary::OF_PERSON,
            _ => &[],
        };
        let member_of = matches!(self.search, GroupSearch::MemberOf);
        let member_of = member_of.then_some(self.member_of.as_str());
        own.iter().copied().chain(member_of)
    }

    /// Those of groups' entries that were named by us.
    pub(super) fn own_attributes(&self) -> impl Iterator<Item = &str> {
        let member = self.search.member().map(|(_, attribute)| attribute);
        [self.name.as_str()].into_iter().chain(member)
    }

    /// All of them, or an error. `of_ticket` are those that the ticket has, or had at the sign-in.
    pub(super) async fn of(
        &self,
        lookup: &Lookup<'_>,
        who: &Initiator,
        of_ticket: Option<&[Sid]>,
        entry: &Entry,
    ) -> Result<Vec<Group>, DirectoryError> {
        let mut found = Collected::new(self.limits);
        match &self.search {
            GroupSearch::MemberOf => self.by_member_of(lookup, entry, &mut found).await?,
            GroupSearch::PosixGroup => self.posix(lookup, who, entry, &mut found).await?,
            GroupSearch::InChain => self.in_chain(lookup, entry, &mut found).await?,
            GroupSearch::TokenGroups => self.by_token_groups(lookup, entry, &mut found).await?,
            GroupSearch::Ticket => self.by_ticket(lookup, of_ticket, &mut found).await?,
            GroupSearch::GroupOfNames
            | GroupSearch::GroupOfUniqueNames
            | GroupSearch::OrganizationalRole
            | GroupSearch::Member(_) => self.by_member(lookup, entry, &mut found).await?,
        }
        Ok(found.into_groups())
    }

    /// Each setting is a part of it.
    pub(super) fn fingerprint(&self) -> String {
        format!("{self:?}")
    }
}

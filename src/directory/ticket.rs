//! Users and groups out of the ticket's PAC.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::{Directory, DirectoryError};
use crate::group_rule::GroupKey;
use crate::initiator::Initiator;
use crate::sid::Sid;
use crate::user::{Group, User};

#[cfg(feature = "ldap")]
mod names;
#[cfg(feature = "ldap")]
use self::names::Names;
#[cfg(feature = "ldap")]
use super::ldap::LdapDirectory;

/// A directory for Active Directory or Samba that asks nobody: what the domain controller has
/// written into the ticket's [`Pac`](crate::Pac) is the user.
///
/// | [`User`] | of the PAC |
/// |---|---|
/// | [`id`](User::id) | the user's SID, which no renaming changes |
/// | [`username`](User::username) | the account, `sAMAccountName`; where the layer allows several realms, the whole principal |
/// | [`display_name`](User::display_name) | the account |
/// | [`groups`](User::groups) | every SID of [`Initiator::groups`]: groups of groups, the primary group, and such as `S-1-18-1` that no domain has; not those that may only deny |
///
/// A ticket without a PAC is refused ([`PacMissing`](crate::ErrorKind::PacMissing)), for clients can
/// leave it out. The groups are those of the moment when the domain controller issued the ticket, up
/// to ten hours ago; an account that was disabled or expired since signs in until the ticket ends, where
#[cfg_attr(
    feature = "ldap",
    doc = "[`LdapDirectory::active_directory`](crate::ldap::LdapDirectory::active_directory) refuses"
)]
#[cfg_attr(
    not(feature = "ldap"),
    doc = "`LdapDirectory::active_directory` refuses"
)]
/// it.
///
/// A [recheck](crate::SpnegoLayerBuilder::recheck_every) learns nothing new here: there is no ticket
/// but that of the sign-in, and its groups count until the login ends.
///
/// # The names of groups
///
/// A PAC has SIDs and no names. [`Group::sid`] is there always, and the safest to go by.
/// [`Group::name`] is what [`group`](Self::group) says, else what
#[cfg_attr(feature = "ldap", doc = "[`names_from`](Self::names_from)")]
#[cfg_attr(not(feature = "ldap"), doc = "`names_from` (feature `ldap`)")]
/// finds, else the SID's text.
///
/// ```
/// use tower_spnego::TicketDirectory;
///
/// let directory = TicketDirectory::new()
///     .group("S-1-5-21-1004336348-1177238915-682003330-1104".parse()?, "Engineers");
/// # Ok::<_, tower_spnego::SidError>(())
/// ```
#[derive(Clone, Default)]
pub struct TicketDirectory {
    table: BTreeMap<Sid, String>,
    /// The names of the table.
    named: HashSet<String>,
    #[cfg(feature = "ldap")]
    names: Option<Names<LdapDirectory>>,
}

impl TicketDirectory {
    /// A directory in which every group is named by its SID.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the group of this SID. No other group has this name then: one that is called so in the
    /// domain, which somebody may have made for that end, is named by its SID.
    #[must_use]
    pub fn group(mut self, sid: Sid, name: impl Into<String>) -> Self {
        let name = name.into();
        self.named.insert(name.clone());
        self.table.insert(sid, name);
        self
    }

    /// Asks for the names of all other groups in LDAP, by the server, the account, the time and the
    /// base of `directory`; its filter and attributes don't matter. The base must hold the groups,
    /// too, as [`LdapDirectory::active_directory`] has it. A group's name is then its
    /// `sAMAccountName`, and it has its [`dn`](Group::dn). That is unique in one domain: a global
    /// catalog (port 3268) would give the groups of several one name.
    ///
    /// A sign-in asks when it brings a SID for the first time, in batches of a hundred; many at once
    /// ask once. A name is remembered for an hour. That there is none is remembered for five
    /// minutes, and logged: **a group outside the base is named by its SID**, so that a rule that
    /// denies somebody should go by the SID. SIDs that are no domain's (`S-1-5-32-544`, `S-1-18-1`)
    /// are not asked about.
    ///
    /// Where LDAP does not answer, names that are known count for a day, and who brings another SID
    /// gets 503: nobody signs in without the name of a group that has one.
    #[cfg(feature = "ldap")]
    #[cfg_attr(docsrs, doc(cfg(feature = "ldap")))]
    #[must_use]
    pub fn names_from(mut self, directory: LdapDirectory) -> Self {
        self.names = Some(Names::new(directory));
        self
    }

    fn asks_for_names(&self) -> bool {
        #[cfg(feature = "ldap")]
        return self.names.is_some();
        #[cfg(not(feature = "ldap"))]
        false
    }

    /// What LDAP has of the groups that the table has not.
    #[cfg(feature = "ldap")]
    async fn found(&self, sids: &[Sid]) -> Result<HashMap<Sid, Group>, DirectoryError> {
        let Some(names) = &self.names else {
            return Ok(HashMap::new());
        };
        let asked = sids
            .iter()
            .filter(|sid| sid.is_of_a_domain() && !self.table.contains_key(sid));
        names.of(asked.copied()).await
    }

    #[cfg(not(feature = "ldap"))]
    async fn found(&self, _: &[Sid]) -> Result<HashMap<Sid, Group>, DirectoryError> {
        Ok(HashMap::new())
    }

    async fn user(&self, who: &Initiator, groups: &[Sid]) -> Result<User, DirectoryError> {
        let (Some(sid), Some(account)) = (who.sid(), who.account()) else {
            return Err(DirectoryError::pac_missing());
        };
        let mut found = self.found(groups).await?;
        let mut user = User::builder(who.principal().clone())
            .id(sid.to_string())
            .username(who.unique_name())
            .display_name(account);
        for sid in groups {
            user = user.group(self.named(*sid, found.remove(sid)));
        }
        Ok(user.build())
    }

    fn named(&self, sid: Sid, found: Option<Group>) -> Group {
        if let Some(name) = self.table.get(&sid) {
            return Group::new(name).with_sid(sid);
        }
        let by_sid = Group::new(sid.to_string()).with_sid(sid);
        match found {
            None => by_sid,
            Some(found) if !self.is_reserved(found.name()) => found.with_sid(sid),
            Some(found) => match found.dn() {
                Some(dn) => by_sid.with_dn(dn),
                None => by_sid,
            },
        }
    }

    /// Whether a group that is called so would pass for another.
    fn is_reserved(&self, name: &str) -> bool {
        self.named.contains(name) || name.parse::<Sid>().is_ok()
    }
}

impl Directory for TicketDirectory {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        let groups = who.groups().ok_or_else(DirectoryError::pac_missing)?;
        self.user(who, groups).await
    }

    /// The groups are those that the ticket had at the sign-in, by the names that they have now.
    async fn recheck(&self, who: &Initiator, user: &User) -> Result<User, DirectoryError> {
        let groups: Vec<_> = user.groups().filter_map(Group::sid).collect();
        self.user(who, &groups).await
    }

    fn fingerprint(&self) -> Option<String> {
        let mut parts = vec!["ticket".to_owned()];
        parts.extend(
            self.table
                .iter()
                .map(|(sid, name)| format!("{sid} {name:?}")),
        );
        #[cfg(feature = "ldap")]
        if let Some(names) = &self.names {
            parts.extend(names.source().fingerprint());
        }
        Some(parts.join("\n"))
    }

    fn knows_group(&self, group: GroupKey<'_>) -> bool {
        match group {
            GroupKey::Sid(_) => true,
            GroupKey::Name(name) => self.asks_for_names() || self.is_reserved(name),
            GroupKey::Dn(_) => self.asks_for_names(),
        }
    }
}

impl fmt::Debug for TicketDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TicketDirectory");
        debug.field("groups", &self.table);
        #[cfg(feature = "ldap")]
        debug.field("names_from", &self.names.as_ref().map(Names::source));
        debug.finish()
    }
}

#[cfg(test)]
mod tests;

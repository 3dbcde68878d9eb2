//! Whose principals may sign in, and where their users are found.

use super::SpnegoLayerBuilder;
use crate::directory::{Directory, SharedDirectory};
use crate::group_rule::GroupRule;
use crate::initiator::NameMapping;

/// # Who may sign in
impl SpnegoLayerBuilder {
    /// Lets the principals of this realm sign in; those of every other are refused. Realms are
    /// compared to the letter, and are written in upper case nearly everywhere.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realms.push(realm.into());
        self
    }

    /// Lets the principals of several realms sign in. A name is then unique only with its realm:
    /// the directory must tell `alice@A` from `alice@B`.
    pub fn realms<R: Into<String>>(mut self, realms: impl IntoIterator<Item = R>) -> Self {
        self.realms.extend(realms.into_iter().map(Into::into));
        self
    }

    /// Where the user behind a principal is found: an `LdapDirectory`,
    /// [`PrincipalOnly`](crate::PrincipalOnly), or one of your own; with several realms, a directory
    /// for each by [`RealmDirectories`](crate::RealmDirectories).
    pub fn directory(mut self, directory: impl Directory) -> Self {
        self.directory = Some(SharedDirectory::new(directory));
        self
    }

    /// Lets in only people for whom this [rule](GroupRule) on their groups surely holds, by the groups
    /// that the directory gives at each sign-in and each [recheck](Self::recheck_every). Said several times, all rules must hold. Others are
    /// refused (403, [`UserDenied`](crate::ErrorKind::UserDenied)), and nothing is stored of them.
    ///
    /// ```no_run
    /// use tower_spnego::{GroupRule, SpnegoLayer};
    ///
    /// # fn layer(directory: impl tower_spnego::Directory) -> Result<(), tower_spnego::ConfigError> {
    /// let spnego = SpnegoLayer::builder()
    ///     .realm("CORP.EXAMPLE.COM")
    ///     .hostname("intranet.corp.example.com")
    ///     .directory(directory)
    ///     .require_group(GroupRule::any([
    ///         "CN=Staff,OU=Groups,DC=corp,DC=example,DC=com",
    ///         "CN=Partners,OU=Groups,DC=corp,DC=example,DC=com",
    ///     ]))
    ///     .deny_group("CN=Suspended,OU=Groups,DC=corp,DC=example,DC=com")
    ///     .role("admin", "S-1-5-21-1004336348-1177238915-682003330-1104")
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Where the directory does not tell what a rule asks for, of a group that the person is in, they
    /// are refused (503, [`DirectoryMisconfigured`](crate::ErrorKind::DirectoryMisconfigured)), and
    /// the log says why.
    ///
    /// The rules are part of what a layer's logins are known by: where they change, people are signed
    /// in anew. A login that is live is not judged again before it ends,
    /// unless by [`recheck_every`](Self::recheck_every).
    pub fn require_group(mut self, rule: impl Into<GroupRule>) -> Self {
        self.rules.required.push(rule.into());
        self
    }

    /// Refuses people unless this rule surely does not hold for them; of several, none may hold. For
    /// the rest it is as [`require_group`](Self::require_group).
    ///
    /// That nobody has seen a group so named is no mistake that can be told: a DN or a SID has to be
    /// right to deny anybody.
    pub fn deny_group(mut self, rule: impl Into<GroupRule>) -> Self {
        self.rules.denied.push(rule.into());
        self
    }

    /// Gives people a role for whom the rule surely holds:
    /// [`User::has_role`](crate::User::has_role). Of several rules for one role, one is enough. Roles
    /// are kept with the login, so that to ask for one costs a handler nothing.
    pub fn role(mut self, role: impl Into<String>, rule: impl Into<GroupRule>) -> Self {
        self.rules.roles.push((role.into(), rule.into()));
        self
    }

    /// What a principal's name becomes before the directory is asked. Unless said otherwise, it
    /// loses its realm where one realm is allowed, and keeps it where several are.
    pub fn name_mapping(mut self, mapping: NameMapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// Refuses tickets without a [`Pac`](crate::Pac). On Active Directory and Samba the name in a
    /// ticket is the client's choice, and the PAC tells who the client is; but a client can have it
    /// left out. Say this wherever such a KDC vouches for people, unless the directory says it: an
    /// `LdapDirectory` that finds people by their SID, or a `TicketDirectory`.
    ///
    /// A PAC whose server signature is wrong, or that is another ticket's, counts as none: MIT
    /// Kerberos shows nothing of it, and lets the ticket count. Only who has this service's key can
    /// make such a ticket, and they could put any name into it just as well.
    ///
    /// MIT Kerberos's own KDC issues none that names anybody.
    pub fn require_pac(mut self) -> Self {
        self.requires_pac = true;
        self
    }
}

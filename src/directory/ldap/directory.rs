//! [`LdapDirectory`].

use std::fmt;
use std::sync::Arc;

use super::LdapDirectoryBuilder;
use super::fields::Fields;
use super::groups::Groups;
use super::lookup::Lookup;
use super::people::People;
use super::servers::Servers;
use crate::directory::{Directory, DirectoryError};
use crate::group_rule::GroupKey;
use crate::initiator::Initiator;
use crate::sid::Sid;
use crate::user::{Group, User};

/// Finds users in an LDAP directory; see [the module](crate::ldap).
///
/// Clones share the connections.
#[derive(Clone)]
pub struct LdapDirectory {
    pub(super) servers: Arc<Servers>,
    pub(super) people: People,
    pub(super) groups: Groups,
    pub(super) fields: Fields,
}

impl LdapDirectory {
    /// A directory on the server of an `ldaps://`, `ldap://` or `ldapi://` URL, as
    /// [`server`](LdapDirectoryBuilder::server) has it, which adds others.
    pub fn builder(url: impl Into<String>) -> LdapDirectoryBuilder {
        LdapDirectoryBuilder::new().server(url)
    }

    /// A directory on the servers that DNS names for a domain, by
    /// [`servers_from_dns`](LdapDirectoryBuilder::servers_from_dns).
    #[cfg(feature = "srv")]
    #[cfg_attr(docsrs, doc(cfg(feature = "srv")))]
    pub fn from_dns(domain: impl Into<String>) -> LdapDirectoryBuilder {
        LdapDirectoryBuilder::new().servers_from_dns(domain)
    }

    /// A directory for a domain of Active Directory or Samba, by the domain's DNS name; it still
    /// needs an account to bind as. Its servers are those that DNS names (feature `srv`), unless
    /// there is a [`server`](LdapDirectoryBuilder::server). What is set so, and how people are
    /// found, is told [in the module](crate::ldap#active-directory); every setting can still be
    /// changed.
    ///
    /// ```no_run
    /// use tower_spnego::ldap::LdapDirectory;
    ///
    /// # fn password() -> String { String::new() }
    /// let directory = LdapDirectory::active_directory("corp.example.com")
    ///     .server("ldaps://dc1.corp.example.com")
    ///     .bind_simple("svc-web@corp.example.com", password())
    ///     .build()?;
    /// # Ok::<_, tower_spnego::ConfigError>(())
    /// ```
    pub fn active_directory(domain: impl Into<String>) -> LdapDirectoryBuilder {
        LdapDirectoryBuilder::active_directory(domain.into())
    }

    /// A directory for OpenLDAP, or another server with its schema, by the tree's root or the base
    /// of its people; it still needs a [`server`](LdapDirectoryBuilder::server). People are persons
    /// whose `uid` is the ticket's name; what is set so is told
    /// [in the module](crate::ldap#presets), and every setting can still be changed.
    ///
    /// ```no_run
    /// use tower_spnego::ldap::LdapDirectory;
    ///
    /// # fn password() -> String { String::new() }
    /// let directory = LdapDirectory::openldap("dc=example,dc=com")
    ///     .server("ldaps://ldap.example.com")
    ///     .bind_simple("cn=web,ou=services,dc=example,dc=com", password())
    ///     .build()?;
    /// # Ok::<_, tower_spnego::ConfigError>(())
    /// ```
    pub fn openldap(base: impl Into<String>) -> LdapDirectoryBuilder {
        LdapDirectoryBuilder::openldap(base.into())
    }

    /// A directory for a domain of FreeIPA, or of Red Hat's Identity Management, by the domain's DNS
    /// name; it still needs any account to bind as, for FreeIPA shows principals to nobody else. Its
    /// servers are those that DNS names (feature `srv`), unless there is a
    /// [`server`](LdapDirectoryBuilder::server). People are found by every principal of theirs; what
    /// is set so is told [in the module](crate::ldap#presets), and every setting can still be
    /// changed.
    ///
    /// ```no_run
    /// use tower_spnego::ldap::LdapDirectory;
    ///
    /// # fn password() -> String { String::new() }
    /// let directory = LdapDirectory::free_ipa("ipa.example.com")
    ///     .server("ldaps://ipa1.ipa.example.com")
    ///     .bind_simple("uid=web,cn=sysaccounts,cn=etc,dc=ipa,dc=example,dc=com", password())
    ///     .build()?;
    /// # Ok::<_, tower_spnego::ConfigError>(())
    /// ```
    pub fn free_ipa(domain: impl Into<String>) -> LdapDirectoryBuilder {
        LdapDirectoryBuilder::free_ipa(domain.into())
    }

    async fn look_up(
        &self,
        who: &Initiator,
        of_ticket: Option<&[Sid]>,
    ) -> Result<User, DirectoryError> {
        let lookup = Lookup::new(&self.servers);
        let entry = self.people.find(&lookup, who).await?;
        let groups = self.groups.of(&lookup, who, of_ticket, &entry).await?;
        self.fields.user(who, &entry, groups)
    }
}

impl Directory for LdapDirectory {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        self.look_up(who, who.groups()).await
    }

    async fn recheck(&self, who: &Initiator, user: &User) -> Result<User, DirectoryError> {
        let of_ticket: Vec<_> = user.groups().filter_map(Group::sid).collect();
        self.look_up(who, Some(&of_ticket)).await
    }

    fn fingerprint(&self) -> Option<String> {
        let servers = self.servers.fingerprint();
        let fields: Vec<_> = self.fields.fingerprint().collect();
        Some(format!(
            "ldap\n{servers}\n{}\n{}\n{}",
            self.people.fingerprint(),
            self.groups.fingerprint(),
            fields.join("\n")
        ))
    }

    fn tells_realms_apart(&self) -> bool {
        self.people.tells_realms_apart()
    }

    fn knows_group(&self, group: GroupKey<'_>) -> bool {
        match group {
            GroupKey::Sid(_) => self.groups.of_windows,
            GroupKey::Name(_) | GroupKey::Dn(_) => true,
        }
    }
}

impl fmt::Debug for LdapDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapDirectory")
            .field("servers", &self.servers.fingerprint())
            .field("bind", &self.servers.bind())
            .field("people", &self.people.fingerprint())
            .finish_non_exhaustive()
    }
}

//! A directory for each realm.

use std::collections::BTreeMap;
use std::fmt;

use super::{Directory, DirectoryError, SharedDirectory};
use crate::group_rule::GroupKey;
use crate::initiator::Initiator;
use crate::user::User;

/// A directory for each of several realms: people are found in their own realm's, by the name that
/// they have there, and in no other.
///
/// ```no_run
/// # fn main() -> Result<(), tower_spnego::ConfigError> {
/// # #[cfg(feature = "ldap")] {
/// use tower_spnego::ldap::LdapDirectory;
/// use tower_spnego::{RealmDirectories, SpnegoLayer};
///
/// # fn password() -> String { String::new() }
/// let of_domain = |domain: &str| {
///     LdapDirectory::active_directory(domain)
///         .server(format!("ldaps://dc1.{domain}"))
///         .bind_simple(format!("svc-web@{domain}"), password())
///         .build()
/// };
/// let spnego = SpnegoLayer::builder()
///     .realms(["CORP.EXAMPLE.COM", "LAB.EXAMPLE.COM"])
///     .hostname("intranet.corp.example.com")
///     .directory(
///         RealmDirectories::new()
///             .realm("CORP.EXAMPLE.COM", of_domain("corp.example.com")?)
///             .realm("LAB.EXAMPLE.COM", of_domain("lab.example.com")?),
///     )
///     .build()?;
/// # }
/// # Ok(())
/// # }
/// ```
///
/// A layer that allows a realm for which there is no directory refuses to start. One directory that
/// serves two of the realms must tell them apart, as it would have to alone. That it is one is seen
/// by its [`fingerprint`](Directory::fingerprint): two that read the same people under different
/// settings are two, and would take `alice@A` for `alice@B`.
///
/// [`User::username`] is the whole principal, unless the layer has a
/// [`name_mapping`](crate::SpnegoLayerBuilder::name_mapping). [`User::id`] is what the realm's
/// directory says, and two directories may give two people one id (numbers of their own, say):
/// what an application keeps by user goes by [`User::principal`] and the id together, as the session
/// does, unless both directories have ids that are unique everywhere, as SIDs and `entryUUID`s are.
///
/// # Domains of Active Directory
///
/// A realm that is trusted says in its tickets' PACs who its people are. That it speaks of its own
/// domain alone is for the trust to ensure (SID filtering). A directory of
#[cfg_attr(
    feature = "ldap",
    doc = "[`LdapDirectory::active_directory`](crate::ldap::LdapDirectory::active_directory)"
)]
#[cfg_attr(not(feature = "ldap"), doc = "`LdapDirectory::active_directory`")]
/// for each realm holds besides: a SID of another domain is nobody's below the domain's own base. A
/// [`TicketDirectory`](crate::TicketDirectory) takes what the ticket says.
///
/// Each directory is trusted for every group it gives its people, by whatever name and SID: who
/// administers one domain can give its people the SIDs of another's groups (`sIDHistory`). Where that is
/// not wanted, give rules DNs.
#[derive(Clone, Default)]
pub struct RealmDirectories {
    directories: BTreeMap<String, SharedDirectory>,
}

impl RealmDirectories {
    /// A directory of nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds the people of this realm in this directory. Of a realm that is named twice, the later
    /// directory counts.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>, directory: impl Directory) -> Self {
        let directory = SharedDirectory::new(directory);
        self.directories.insert(realm.into(), directory);
        self
    }

    fn of(&self, who: &Initiator) -> Result<&SharedDirectory, DirectoryError> {
        self.directories.get(who.realm()).ok_or_else(|| {
            DirectoryError::not_found().with_detail(format!(
                "{}, whose realm has no directory: add it with RealmDirectories::realm({:?}, ..)",
                who.principal(),
                who.realm()
            ))
        })
    }

    /// Whether another realm has this very directory.
    fn serves_several(&self, directory: &SharedDirectory) -> bool {
        let is_same = |other: &&SharedDirectory| other.fingerprint == directory.fingerprint;
        self.directories.values().filter(is_same).count() > 1
    }
}

impl Directory for RealmDirectories {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        self.of(who)?.find(who).await
    }

    async fn recheck(&self, who: &Initiator, user: &User) -> Result<User, DirectoryError> {
        self.of(who)?.recheck(who, user).await
    }

    fn fingerprint(&self) -> Option<String> {
        let mut parts = vec!["realms".to_owned()];
        let one = |(realm, directory): (&String, &SharedDirectory)| {
            format!("{realm} {:?}", directory.fingerprint)
        };
        parts.extend(self.directories.iter().map(one));
        Some(parts.join("\n"))
    }

    fn tells_realms_apart(&self) -> bool {
        self.directories
            .values()
            .all(|directory| directory.tells_realms_apart() || !self.serves_several(directory))
    }

    fn serves(&self, realm: &str) -> bool {
        let directory = self.directories.get(realm);
        directory.is_some_and(|directory| directory.serves(realm))
    }

    /// Where one realm's groups are known, the people of another are in none of them.
    fn knows_group(&self, group: GroupKey<'_>) -> bool {
        let mut directories = self.directories.values();
        directories.any(|directory| directory.knows_group(group))
    }
}

impl fmt::Debug for RealmDirectories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.directories).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::PrincipalOnly;
    use super::*;
    use crate::error::ErrorKind;

    /// Finds everybody, by the name alone.
    #[derive(Clone)]
    struct ByName;

    impl Directory for ByName {
        async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
            Ok(User::builder(who.principal().clone())
                .id(who.name())
                .build())
        }

        fn tells_realms_apart(&self) -> bool {
            false
        }
    }

    async fn find(directory: &impl Directory, who: &str) -> Result<String, ErrorKind> {
        let who = Initiator::new(who.parse().unwrap());
        let found = directory.find(&who).await;
        found
            .map(|user| user.id().to_owned())
            .map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn each_realm_has_its_own_directory_and_others_have_nobody() {
        let both = RealmDirectories::new()
            .realm("A", PrincipalOnly)
            .realm("B", ByName);
        assert_eq!(find(&both, "alice@A").await.unwrap(), "alice@A");
        assert_eq!(find(&both, "alice@B").await.unwrap(), "alice");
        assert_eq!(find(&both, "alice@a").await, Err(ErrorKind::UserNotFound));
        assert_eq!([both.serves("A"), both.serves("C")], [true, false]);
    }

    #[test]
    fn one_directory_of_two_realms_must_tell_them_apart() {
        let shared = SharedDirectory::new(ByName);
        let new = RealmDirectories::new;
        for (directories, expected) in [
            (new(), true),
            (new().realm("A", ByName), true),
            (new().realm("A", ByName).realm("B", PrincipalOnly), true),
            (
                new().realm("A", PrincipalOnly).realm("B", PrincipalOnly),
                true,
            ),
            (
                new().realm("A", shared.clone()).realm("B", shared.clone()),
                false,
            ),
            // The last one counts.
            (
                new()
                    .realm("A", shared.clone())
                    .realm("B", shared)
                    .realm("A", PrincipalOnly),
                true,
            ),
        ] {
            assert_eq!(
                directories.tells_realms_apart(),
                expected,
                "{directories:?}"
            );
        }
    }

    #[test]
    fn the_fingerprint_is_that_of_all_of_them() {
        let shared = SharedDirectory::new(ByName);
        let of = |one: &SharedDirectory, realm| {
            let both = RealmDirectories::new().realm("A", one.clone());
            both.realm(realm, PrincipalOnly).fingerprint()
        };
        assert_eq!(of(&shared, "B"), of(&shared, "B"));
        assert_ne!(of(&shared, "B"), of(&shared, "C"));
        assert_ne!(of(&shared, "B"), of(&SharedDirectory::new(ByName), "B"));
    }
}

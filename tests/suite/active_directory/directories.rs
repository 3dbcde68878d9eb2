//! The directories that a layer can have in a domain.

use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::TestActiveDirectory;
use tower_spnego::{Directory, DirectoryError, Initiator, NameMapping, SpnegoLayerBuilder, User};

use super::layer;
use super::people::{Domain, Person, identity};
use crate::site::Site;

/// A site whose layer has this directory, and what a handler must hear of people.
pub struct Seat {
    pub name: &'static str,
    pub site: Site,
    username: fn(Person) -> String,
    id: Id,
}

/// What the id is: the SID, or what else names one person.
#[derive(Clone, Copy)]
enum Id {
    Sid,
    Principal,
}

impl Seat {
    /// What the handler of [`identity`] says of a person, but for the visits.
    pub fn expected(&self, domain: &Domain, person: Person) -> String {
        let principal = principal(person);
        let id = match self.id {
            Id::Sid => domain.sid(person),
            Id::Principal => &principal,
        };
        format!("{} {id} {principal} {principal}", (self.username)(person))
    }
}

/// Every directory, with every mapping of names that needs no krb5.conf.
pub fn all(domain: &Domain) -> Vec<Seat> {
    with(domain, |layer| layer)
}

/// The same, with a last change to each layer.
pub fn with(
    domain: &Domain,
    change: impl Fn(SpnegoLayerBuilder) -> SpnegoLayerBuilder,
) -> Vec<Seat> {
    use Id::{Principal, Sid};
    use NameMapping::{FullPrincipal, StripRealm};
    let ad = &domain.ad;
    let plain = || layer(ad);
    let by_name = || layer(ad).directory(ByName);
    let seats: [(_, _, fn(Person) -> String, _); 6] = [
        ("PrincipalOnly", plain(), account, Sid),
        (
            "PrincipalOnly, realm stripped",
            plain().name_mapping(StripRealm),
            account,
            Sid,
        ),
        (
            "PrincipalOnly, whole principal",
            plain().name_mapping(FullPrincipal),
            principal,
            Sid,
        ),
        ("an own one, by name", by_name(), account, Principal),
        (
            "an own one, by whole principal",
            by_name().name_mapping(FullPrincipal),
            principal,
            Principal,
        ),
        (
            "LDAP by sAMAccountName",
            plain().directory(ldap(ad)),
            account,
            Principal,
        ),
    ];
    let seats = seats.into_iter().map(|(name, layer, username, id)| Seat {
        name,
        site: Site::of(identity(), change(layer)),
        username,
        id,
    });
    seats.collect()
}

/// Each directory with `auth_to_local`, whose rules make accounts of accounts.
pub fn by_auth_to_local(domain: &Domain) -> Vec<Seat> {
    let seats = with(domain, |layer| layer.name_mapping(NameMapping::AuthToLocal));
    let username = account;
    let seats = seats.into_iter().map(|seat| Seat { username, ..seat });
    seats.collect()
}

fn account(person: Person) -> String {
    person.account.to_owned()
}

fn principal(person: Person) -> String {
    format!("{}@AD.EXAMPLE.TEST", person.account)
}

/// Knows everybody, and by nothing but the name.
struct ByName;

impl Directory for ByName {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        let user = User::builder(who.principal().clone()).username(who.name());
        Ok(user.build())
    }
}

fn ldap(ad: &TestActiveDirectory) -> LdapDirectory {
    LdapDirectory::builder(ad.ldaps_url())
        .ca_file(ad.ca_file())
        .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
        .search(ad.base_dn(), "(sAMAccountName={user})")
        .build()
        .expect("a directory")
}

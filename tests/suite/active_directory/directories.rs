//! The directories that a layer can have in a domain.

use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::TestActiveDirectory;
use tower_spnego::{
    Directory, DirectoryError, Initiator, NameMapping, SpnegoLayerBuilder, TicketDirectory, User,
};

use super::people::{Domain, Person, identity};
use super::{layer, ldap};
use crate::site::Site;

/// A site whose layer has this directory, and what a handler must hear of people.
pub struct Seat {
    pub name: &'static str,
    pub site: Site,
    /// Whether the directory itself refuses a ticket without a PAC.
    pub requires_pac: bool,
    username: Username,
    id: Id,
}

type Username = fn(Person) -> String;

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
    let by_sid = || ldap::people(ad).build().expect("a directory");
    let of_ticket = TicketDirectory::new;
    let named = || of_ticket().names_from(by_sid());
    let seats: [(_, _, _, Username, _); 10] = [
        ("PrincipalOnly", plain(), false, account, Sid),
        (
            "PrincipalOnly, realm stripped",
            plain().name_mapping(StripRealm),
            false,
            account,
            Sid,
        ),
        (
            "PrincipalOnly, whole principal",
            plain().name_mapping(FullPrincipal),
            false,
            principal,
            Sid,
        ),
        ("an own one, by name", by_name(), false, account, Principal),
        (
            "an own one, by whole principal",
            by_name().name_mapping(FullPrincipal),
            false,
            principal,
            Principal,
        ),
        (
            "LDAP by sAMAccountName",
            plain().directory(by_account(ad)),
            false,
            account,
            Principal,
        ),
        (
            "LDAP by SID",
            plain().directory(by_sid()),
            true,
            account,
            Sid,
        ),
        (
            "LDAP by SID, whole principal",
            plain().directory(by_sid()).name_mapping(FullPrincipal),
            true,
            principal,
            Sid,
        ),
        (
            "the ticket",
            plain().directory(of_ticket()),
            true,
            account,
            Sid,
        ),
        (
            "the ticket, with names from LDAP",
            plain().directory(named()),
            true,
            account,
            Sid,
        ),
    ];
    let seats = seats
        .into_iter()
        .map(|(name, layer, requires_pac, username, id)| Seat {
            name,
            site: Site::of(identity(), change(layer)),
            requires_pac,
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

fn by_account(ad: &TestActiveDirectory) -> LdapDirectory {
    LdapDirectory::builder(ad.ldaps_url())
        .ca_file(ad.ca_file())
        .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
        .search(ad.base_dn(), "(sAMAccountName={user})")
        .build()
        .expect("a directory")
}

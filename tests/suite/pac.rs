//! The PAC in realms that are no domain's.

use tower_spnego::{Directory, DirectoryError, ErrorKind, Initiator, User};

use crate::forge::service_key;
use crate::opened_ticket::{LOGON_INFO, OpenedTicket};
use crate::site::{Site, layer, realm, token};

/// Lets in whom the ticket alone speaks for.
struct WithoutPac;

impl Directory for WithoutPac {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        let says_nothing = who.pac().is_none()
            && who.sid().is_none()
            && who.account().is_none()
            && who.domain().is_none()
            && who.groups().is_none();
        match says_nothing {
            true => Ok(User::builder(who.principal().clone()).build()),
            false => Err(DirectoryError::denied()),
        }
    }
}

/// MIT's KDC puts PACs into tickets that have nothing but signatures and the client's name in them.
#[tokio::test]
async fn a_realm_of_mits_has_people_without_a_pac() {
    let realm = realm();
    let (_, key) = service_key(realm.command("klist"), realm.keytab());
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let pac = OpenedTicket::new(&alice, &key).pac.expect("a PAC");
    assert!(!pac.kinds().contains(&LOGON_INFO), "{:?}", pac.kinds());
    let site = Site::new(layer(&realm).directory(WithoutPac));
    for user in ["alice", "bob"] {
        let answer = site.browser().get_with("/", &token(&realm, user)).await;
        answer.is_hello(user);
    }
    let required = Site::new(layer(&realm).require_pac());
    let answer = required
        .browser()
        .get_with("/", &token(&realm, "alice"))
        .await;
    answer.is_forbidden(ErrorKind::PacMissing);
    assert_eq!(required.calls(), 0);
}

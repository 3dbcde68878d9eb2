//! Users of an Active Directory domain.

mod accounts;
mod attributes;
mod cached;
mod directories;
mod group_rules;
mod groups;
#[cfg(feature = "doctor")]
mod guides;
mod names;
mod nested;
pub mod people;
mod recheck;
mod servers;
mod spoiled;

use axum::Router;
use axum::routing::get;
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{GroupScope, TestActiveDirectory, active_directory_or_skip};
use tower_spnego::{ErrorKind, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder, User};

use crate::curl::{curl_negotiate, has_proof};
use crate::served::{Served, outcomes};
use crate::site::{SPN, Site};

mod ldap;
mod ticket_directory;

/// A domain, or none where none can start.
pub fn domain(test: &str) -> Option<TestActiveDirectory> {
    let can_run = active_directory_or_skip(test);
    can_run.then(|| TestActiveDirectory::start().expect("a domain"))
}

fn layer(ad: &TestActiveDirectory) -> SpnegoLayerBuilder {
    SpnegoLayer::builder()
        .realm(ad.realm())
        .hostname("localhost")
        .keytab(ad.keytab())
        .directory(PrincipalOnly)
}

#[tokio::test]
async fn a_user_of_the_domain_signs_in() {
    let Some(ad) = domain("active_directory::a_user_of_the_domain_signs_in") else {
        return;
    };
    let site = Site::new(layer(&ad));
    for user in ["alice", "bob"] {
        let token = ad.ticket_cache(user).expect("a ticket").token(SPN);
        let answer = site.browser().get_with("/", &token.expect("a token")).await;
        answer.is_hello(user);
    }
}

#[test]
fn curl_signs_in_with_a_ticket_of_the_domain() {
    let Some(ad) = domain("active_directory::curl_signs_in_with_a_ticket_of_the_domain") else {
        return;
    };
    let routes = Router::new().route("/", get(async |user: User| user.username().to_owned()));
    let served = Served::start(Site::of(routes, layer(&ad)).router);
    let alice = ad.ticket_cache("alice").expect("a ticket");
    let printed = curl_negotiate(alice.command("curl"), &[&served.url("/")]);
    assert!(printed.text.ends_with("\r\n\r\nalice"), "{}", printed.text);
    assert!(has_proof(&printed.text), "{}", printed.text);
    assert_eq!(outcomes(&served.trips("/")), [(200, true)]);
}

#[tokio::test]
async fn a_user_in_1200_groups_signs_in() {
    let Some(ad) = domain("active_directory::a_user_in_1200_groups_signs_in") else {
        return;
    };
    let names = (0..1200).map(|number| format!("group-{number}"));
    let added = ad.add_groups_of("alice", GroupScope::Universal, names);
    added.expect("added");
    let alice = ad.ticket_cache("alice").expect("a ticket");
    let token = alice.token(SPN).expect("a token");
    let site = Site::new(layer(&ad));
    site.browser().get_with("/", &token).await.is_hello("alice");
}

#[tokio::test]
async fn the_domain_is_a_directory_too() {
    let Some(ad) = domain("active_directory::the_domain_is_a_directory_too") else {
        return;
    };
    ad.add_group("Engineers", GroupScope::Global)
        .expect("added");
    ad.add_members("Engineers", ["alice"]).expect("added");
    let dn = ad.dn("alice").expect("found");
    ad.ldif(&format!(
        "dn: {dn}\nchangetype: modify\nreplace: mail\nmail: alice@example.test\n\
         -\nreplace: displayName\ndisplayName: Alice Liddell\n"
    ))
    .expect("changed");
    let directory = LdapDirectory::builder(ad.ldaps_url())
        .ca_file(ad.ca_file())
        .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
        .search(ad.base_dn(), "(sAMAccountName={user})")
        .build()
        .expect("a directory");
    let site = Site::new(layer(&ad).directory(directory));
    let token = ad.ticket_cache("alice").expect("a ticket").token(SPN);
    let answer = site
        .browser()
        .get_with("/who", &token.expect("a token"))
        .await;
    assert_eq!(
        answer.body, "Alice Liddell <alice@example.test> in Engineers",
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_computer_under_its_own_name_is_refused() {
    let Some(ad) = domain("active_directory::a_computer_under_its_own_name_is_refused") else {
        return;
    };
    ad.add_computer("carol", "its own").expect("added");
    let site = Site::new(layer(&ad));
    let carol = |name| ad.ticket(name).password("its own");
    for request in [carol("carol$"), carol("carol").canonicalize()] {
        let token = request.get().expect("a ticket").token(SPN);
        let answer = site.browser().get_with("/", &token.expect("a token")).await;
        answer.is_forbidden(ErrorKind::NameNotAllowed);
    }
    assert_eq!(site.calls(), 0);
}

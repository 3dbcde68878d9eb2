//! People found by the SID in their ticket.

use axum::Router;
use axum::routing::get;
use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::{GroupScope, TestActiveDirectory};
use tower_spnego::{ErrorKind, User};

use super::{domain, layer};
use crate::site::{SPN, Site};

/// The domain as a directory.
pub(super) fn people(ad: &TestActiveDirectory) -> LdapDirectoryBuilder {
    LdapDirectory::active_directory("ad.example.test")
        .server(ad.ldaps_url())
        .ca_file(ad.ca_file())
        .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
}

pub(super) fn site(ad: &TestActiveDirectory, directory: LdapDirectoryBuilder) -> Site {
    let routes = Router::new().route(
        "/",
        get(async |user: User| {
            // Without the domain controller's own.
            let mut groups: Vec<_> = user.groups().map(|group| group.name()).collect();
            groups.retain(|name| !name.starts_with("S-1-5-32-"));
            groups.sort_unstable();
            format!(
                "{} is {}, {} <{}> in {groups:?}",
                user.id(),
                user.username(),
                user.display_name(),
                user.email().unwrap_or_default()
            )
        }),
    );
    Site::of(
        routes,
        layer(ad).directory(directory.build().expect("a directory")),
    )
}

#[tokio::test]
async fn a_user_is_found_by_the_sid_whatever_name_the_ticket_has() {
    let Some(ad) =
        domain("active_directory::ldap::a_user_is_found_by_the_sid_whatever_name_the_ticket_has")
    else {
        return;
    };
    ad.add_group("Engineers", GroupScope::Global)
        .expect("added");
    ad.add_members("Engineers", ["alice"]).expect("added");
    ad.set_upn("alice", "root@AD.EXAMPLE.TEST").expect("set");
    let dn = ad.dn("alice").expect("found");
    ad.ldif(&format!(
        "dn: {dn}\nchangetype: modify\nreplace: mail\nmail: alice@example.test\n\
         -\nreplace: displayName\ndisplayName: Alice Liddell\n"
    ))
    .expect("changed");
    let site = site(&ad, people(&ad));
    let alice = format!(
        "{} is alice, Alice Liddell <alice@example.test> in [\"Domain Users\", \"Engineers\"]",
        ad.sid("alice").expect("found")
    );
    for name in ["alice", "root", "ALICE"] {
        let token = ad.ticket_cache(name).expect("a ticket").token(SPN);
        let answer = site.browser().get_with("/", &token.expect("a token")).await;
        assert_eq!(answer.body, alice, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn a_filter_of_ones_own_finds_by_the_sid_too() {
    let Some(ad) = domain("active_directory::ldap::a_filter_of_ones_own_finds_by_the_sid_too")
    else {
        return;
    };
    ad.add_group("Staff", GroupScope::Global).expect("added");
    ad.add_members("Staff", ["alice"]).expect("added");
    let staff = ad.dn("Staff").expect("found");
    let directory = LdapDirectory::builder(ad.ldaps_url())
        .ca_file(ad.ca_file())
        .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
        .search(
            ad.base_dn(),
            format!("(&(memberOf={staff})(objectSid={{sid}}))"),
        );
    let site = Site::new(layer(&ad).directory(directory.build().expect("a directory")));
    let token = |user| {
        ad.ticket_cache(user)
            .expect("a ticket")
            .token(SPN)
            .expect("a token")
    };
    let answer = site.browser().get_with("/", &token("alice")).await;
    answer.is_hello("alice");
    let answer = site.browser().get_with("/", &token("bob")).await;
    answer.is_forbidden(ErrorKind::UserNotFound);
}

#[tokio::test]
async fn a_ticket_without_a_pac_finds_somebody_only_where_its_name_is_trusted() {
    let Some(ad) = domain(
        "active_directory::ldap::a_ticket_without_a_pac_finds_somebody_only_where_its_name_is_trusted",
    ) else {
        return;
    };
    let token = || {
        let alice = ad.ticket("alice").without_pac().get().expect("a ticket");
        alice.token(SPN).expect("a token")
    };
    let cautious = site(&ad, people(&ad));
    let answer = cautious.browser().get_with("/", &token()).await;
    answer.is_forbidden(ErrorKind::PacMissing);
    assert_eq!(cautious.calls(), 0);
    let trusting = site(&ad, people(&ad).trust_ticket_names());
    let answer = trusting.browser().get_with("/", &token()).await;
    let sid = ad.sid("alice").expect("found");
    assert_eq!(
        answer.body,
        format!("{sid} is alice, alice <> in [\"Domain Users\"]"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_ticket_does_not_outlive_its_account() {
    let Some(ad) = domain("active_directory::ldap::a_ticket_does_not_outlive_its_account") else {
        return;
    };
    let site = site(&ad, people(&ad));
    let expire = |user| {
        let dn = ad.dn(user).expect("found");
        let end = "replace: accountExpires\naccountExpires: 134000000000000000\n";
        let ldif = format!("dn: {dn}\nchangetype: modify\n{end}");
        ad.ldif(&ldif).expect("expired");
    };
    for user in ["alice", "bob"] {
        let cache = ad.ticket_cache(user).expect("a ticket");
        let token = || cache.token(SPN).expect("a token");
        let answer = site.browser().get_with("/", &token()).await;
        assert!(answer.body.contains(&format!(" is {user}")), "{answer:?}");
        match user {
            "alice" => ad.disable(user).expect("disabled"),
            _ => expire(user),
        }
        let answer = site.browser().get_with("/", &token()).await;
        answer.is_forbidden(ErrorKind::UserDenied);
    }
}

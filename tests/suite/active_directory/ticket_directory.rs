//! Users and groups out of the ticket.

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use tower_spnego::testing::{GroupScope, TestActiveDirectory};
use tower_spnego::{ErrorKind, Group, TicketDirectory, User};

use super::ldap::people;
use super::{domain, layer};
use crate::site::{Answer, SPN, Site};

fn site(ad: &TestActiveDirectory, directory: TicketDirectory) -> Site {
    let routes = Router::new().route("/", get(async |user: User| describe(&user)));
    Site::of(routes, layer(ad).directory(directory))
}

/// Id, username and groups, of which each has a SID.
fn describe(user: &User) -> String {
    let sids = user.groups().filter_map(Group::sid);
    assert_eq!(sids.count(), user.groups().len());
    let mut groups: Vec<_> = user.groups().map(Group::name).collect();
    groups.sort_unstable();
    format!("{} {} in {}", user.id(), user.username(), groups.join(", "))
}

fn names_from(ad: &TestActiveDirectory) -> TicketDirectory {
    TicketDirectory::new().names_from(people(ad).build().expect("a directory"))
}

fn token(ad: &TestActiveDirectory, user: &str) -> Vec<u8> {
    let cache = ad.ticket_cache(user).expect("a ticket");
    cache.token(SPN).expect("a token")
}

async fn sign_in(site: &Site, token: &[u8]) -> Answer {
    site.browser().get_with("/", token).await
}

/// Alice is in Engineers, and they are in Staff.
fn nest(ad: &TestActiveDirectory) {
    ad.add_group("Staff", GroupScope::Universal).expect("added");
    ad.add_group("Engineers", GroupScope::Global)
        .expect("added");
    ad.add_members("Staff", ["Engineers"]).expect("added");
    ad.add_members("Engineers", ["alice"]).expect("added");
}

#[tokio::test]
async fn the_ticket_is_enough_while_the_domain_is_down() {
    let Some(mut ad) =
        domain("active_directory::ticket_directory::the_ticket_is_enough_while_the_domain_is_down")
    else {
        return;
    };
    nest(&ad);
    let sid = |account| ad.sid(account).expect("found");
    let directory = TicketDirectory::new()
        .group(sid("Engineers").parse().expect("a SID"), "Engineers")
        .group(sid("Staff").parse().expect("a SID"), "Everybody");
    let expected = format!(
        "{} alice in Engineers, Everybody, S-1-18-1, {}",
        sid("alice"),
        sid("Domain Users")
    );
    let site = site(&ad, directory);
    let alice = token(&ad, "alice");
    ad.stop();
    let answer = sign_in(&site, &alice).await;
    assert_eq!(answer.body, expected, "{answer:?}");
}

#[tokio::test]
async fn groups_through_groups_have_their_names_from_the_domain() {
    let Some(ad) = domain(
        "active_directory::ticket_directory::groups_through_groups_have_their_names_from_the_domain",
    ) else {
        return;
    };
    nest(&ad);
    let expected = format!(
        "{} alice in Domain Users, Engineers, S-1-18-1, Staff",
        ad.sid("alice").expect("found")
    );
    let answer = sign_in(&site(&ad, names_from(&ad)), &token(&ad, "alice")).await;
    assert_eq!(answer.body, expected, "{answer:?}");
}

#[tokio::test]
async fn a_user_in_1200_groups_has_the_names_of_all() {
    let Some(ad) =
        domain("active_directory::ticket_directory::a_user_in_1200_groups_has_the_names_of_all")
    else {
        return;
    };
    let names = (0..1200).map(|number| format!("group-{number}"));
    let added = ad.add_groups_of("alice", GroupScope::Universal, names);
    added.expect("added");
    let routes = Router::new().route(
        "/",
        get(async |user: User| {
            let all = (0..1200).all(|number| user.is_in(&format!("group-{number}")));
            format!("{all} {}", user.groups().len())
        }),
    );
    let site = Site::of(routes, layer(&ad).directory(names_from(&ad)));
    let answers = (0..8).map(|_| token(&ad, "alice"));
    let answers = join_all(answers.map(async |token| sign_in(&site, &token).await)).await;
    for answer in answers {
        // Domain Users and S-1-18-1.
        assert_eq!(answer.body, "true 1202", "{answer:?}");
    }
}

#[tokio::test]
async fn a_group_seen_for_the_first_time_lets_nobody_in_while_the_domain_is_down() {
    let Some(mut ad) = domain(
        "active_directory::ticket_directory::a_group_seen_for_the_first_time_lets_nobody_in_while_the_domain_is_down",
    ) else {
        return;
    };
    nest(&ad);
    let site = site(&ad, names_from(&ad));
    // Bob brings Domain Users, and nothing else.
    let answer = sign_in(&site, &token(&ad, "bob")).await;
    assert!(
        answer.body.ends_with("bob in Domain Users, S-1-18-1"),
        "{answer:?}"
    );
    let bob = token(&ad, "bob");
    let alice = ad.ticket_cache("alice").expect("a ticket");
    alice.service_ticket(SPN).expect("a ticket for the site");
    let alice = || alice.token(SPN).expect("a token");
    ad.stop();
    let answer = sign_in(&site, &alice()).await;
    assert_eq!(
        answer.kind(),
        Some(ErrorKind::DirectoryUnavailable),
        "{answer:?}"
    );
    assert_eq!(answer.status.as_u16(), 503);
    assert_eq!(site.calls(), 1);
    let answer = sign_in(&site, &bob).await;
    assert!(
        answer.body.ends_with("bob in Domain Users, S-1-18-1"),
        "{answer:?}"
    );
    ad.restart().expect("started");
    let answer = sign_in(&site, &alice()).await;
    assert!(
        answer.body.contains("Engineers, S-1-18-1, Staff"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_ticket_without_a_pac_is_refused() {
    let Some(ad) = domain("active_directory::ticket_directory::a_ticket_without_a_pac_is_refused")
    else {
        return;
    };
    let alice = ad.ticket("alice").without_pac().get().expect("a ticket");
    let site = site(&ad, TicketDirectory::new());
    let answer = sign_in(&site, &alice.token(SPN).expect("a token")).await;
    answer.is_forbidden(ErrorKind::PacMissing);
    assert_eq!(site.calls(), 0);
}

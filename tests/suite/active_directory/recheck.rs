//! A domain is asked again in the middle of a login.

use tower_spnego::ldap::GroupSearch;
use tower_spnego::testing::{GroupScope, TestActiveDirectory};
use tower_spnego::{Directory, ErrorKind, TicketDirectory};

use super::ldap::people;
use super::{domain, layer};
use crate::recheck::{INTERVAL, is_out};
use crate::site::{Browser, SPN, Site, TestClock};

fn site(ad: &TestActiveDirectory, directory: impl Directory, clock: &TestClock) -> Site {
    let layer = layer(ad).directory(directory).clock(clock.reader());
    Site::new(layer.recheck_every(INTERVAL))
}

async fn sign_in(site: &Site, token: &[u8]) -> Browser {
    let mut browser = site.browser();
    browser.get_with("/", token).await.is_hello("alice");
    browser
}

async fn groups(browser: &mut Browser) -> Vec<String> {
    let body = browser.get("/who").await.body;
    let (_, groups) = body.split_once(" in ").expect(&body);
    // Without the domain controller's own.
    let groups = groups.split(", ").filter(|name| !name.starts_with("S-1-"));
    groups.map(str::to_owned).collect()
}

#[tokio::test]
async fn who_is_disabled_in_the_domain_is_out_in_the_middle_of_a_long_session() {
    const TEST: &str = "active_directory::recheck::\
                        who_is_disabled_in_the_domain_is_out_in_the_middle_of_a_long_session";
    let Some(ad) = domain(TEST) else {
        return;
    };
    let cache = ad.ticket_cache("alice").expect("a ticket");
    cache.service_ticket(SPN).expect("a ticket for the site");
    let token = || cache.token(SPN).expect("a token");
    let clock = TestClock::default();
    let site = site(&ad, people(&ad).build().expect("a directory"), &clock);
    let mut alice = sign_in(&site, &token()).await;
    assert_eq!(groups(&mut alice).await, ["Domain Users"]);
    // Whatever happens to her in the domain meanwhile.
    ad.add_group("Engineers", GroupScope::Global)
        .expect("added");
    ad.add_members("Engineers", ["alice"]).expect("added");
    for _ in 0..3 {
        clock.advance(INTERVAL);
        assert_eq!(groups(&mut alice).await, ["Domain Users", "Engineers"]);
    }
    ad.disable("alice").expect("disabled");
    alice.get("/").await.is_hello("alice");
    clock.advance(INTERVAL);
    let calls = site.calls();
    is_out(&alice.get("/").await, ErrorKind::UserDenied);
    alice.get("/").await.is_challenge();
    // Her ticket is as good as ever.
    let answer = alice.get_with("/", &token()).await;
    answer.is_forbidden(ErrorKind::UserDenied);
    assert_eq!(site.calls(), calls, "no handler");
}

#[tokio::test]
async fn what_a_ticket_says_of_groups_is_kept_and_no_group_is_lost() {
    const TEST: &str =
        "active_directory::recheck::what_a_ticket_says_of_groups_is_kept_and_no_group_is_lost";
    let Some(ad) = domain(TEST) else {
        return;
    };
    for group in ["Engineers", "Staff"] {
        ad.add_group(group, GroupScope::Global).expect("added");
    }
    ad.add_members("Engineers", ["alice"]).expect("added");
    let token = || {
        let cache = ad.ticket_cache("alice").expect("a ticket");
        cache.token(SPN).expect("a token")
    };
    let clock = TestClock::default();
    let named = TicketDirectory::new().names_from(people(&ad).build().expect("a directory"));
    let by_ticket = people(&ad).groups(GroupSearch::Ticket);
    let sites = [
        site(&ad, named, &clock),
        site(&ad, by_ticket.build().expect("a directory"), &clock),
    ];
    let mut signed_in = Vec::new();
    for site in &sites {
        signed_in.push(sign_in(site, &token()).await);
    }
    ad.add_members("Staff", ["alice"]).expect("added");
    clock.advance(INTERVAL);
    for alice in &mut signed_in {
        assert_eq!(groups(alice).await, ["Domain Users", "Engineers"]);
    }
    ad.disable("alice").expect("disabled");
    clock.advance(INTERVAL);
    let [by_ticket_alone, by_domain] = signed_in.as_mut_slice() else {
        panic!("two");
    };
    by_ticket_alone.get("/").await.is_hello("alice");
    is_out(&by_domain.get("/").await, ErrorKind::UserDenied);
}

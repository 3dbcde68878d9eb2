//! Firefox against a real server.

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tower_spnego::User;
use tower_spnego::testing::{Firefox, firefox_or_skip};

use crate::browsers::{self, RealBrowser};
use crate::served::outcomes;
use crate::site::{Site, layer, realm};
use crate::website::Website;

#[test]
fn a_person_with_a_ticket_is_signed_in_once_and_the_cookie_does_the_rest() {
    if !firefox_or_skip("a_person_with_a_ticket_is_signed_in_once_and_the_cookie_does_the_rest") {
        return;
    }
    let realm = realm();
    let website = Website::start(
        layer(&realm),
        "await report({
            page: heading(document),
            fetched: await text('/who'),
            next_page: (await visit('/who')).body.textContent,
        })",
    );
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let firefox = Firefox::at(&website, Some(&alice));
    let expected = json!({
        "page": "Hello, alice",
        "fetched": "alice <> in ",
        "next_page": "alice <> in ",
    });
    assert_eq!(website.report(), expected, "{}", firefox.log());
    let trips = outcomes(&website.served.trips("/"));
    assert_eq!(trips, [(401, false), (200, true)]);
    let trips = outcomes(&website.served.trips("/who"));
    assert_eq!(trips, [(200, false), (200, false)]);
}

#[test]
fn without_a_ticket_there_is_a_page_that_says_so() {
    if !firefox_or_skip("without_a_ticket_there_is_a_page_that_says_so") {
        return;
    }
    let inside = Router::new().route("/inside", get(async |_: User| ()));
    let website = Website::public(
        Site::of(inside, layer(&realm())).router,
        "await report({
            heading: heading(await visit('/inside')),
            fetched: (await fetch('/inside')).status,
        })",
    );
    let firefox = Firefox::at(&website, None);
    let expected = json!({ "heading": "You are not signed in", "fetched": 401 });
    assert_eq!(website.report(), expected, "{}", firefox.log());
    let trips = outcomes(&website.served.trips("/inside"));
    assert!(trips.iter().all(|trip| *trip == (401, false)), "{trips:?}");
    assert!(trips.len() <= 4, "two each: {trips:?}");
}

#[test]
fn every_refusal_ends_with_its_page() {
    if firefox_or_skip("every_refusal_ends_with_its_page") {
        browsers::every_refusal_ends_with_its_page::<Firefox>();
    }
}

#[test]
fn a_form_that_is_sent_after_the_login_has_expired_arrives_whole() {
    if firefox_or_skip("a_form_that_is_sent_after_the_login_has_expired_arrives_whole") {
        browsers::a_form_that_is_sent_after_the_login_has_expired_arrives_whole::<Firefox>();
    }
}

#[test]
fn eight_requests_at_once_on_an_expired_login_sign_in_and_lose_nothing() {
    if firefox_or_skip("eight_requests_at_once_on_an_expired_login_sign_in_and_lose_nothing") {
        browsers::eight_requests_at_once_on_an_expired_login_sign_in_and_lose_nothing::<Firefox>();
    }
}

#[test]
fn a_form_of_another_site_changes_nothing() {
    if firefox_or_skip("a_form_of_another_site_changes_nothing") {
        browsers::a_form_of_another_site_changes_nothing::<Firefox>();
    }
}

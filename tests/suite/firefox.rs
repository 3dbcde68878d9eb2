//! Firefox against a real server.

use serde_json::json;
use tower_spnego::testing::{Firefox, firefox_or_skip};

use crate::browsers::{self, RealBrowser};
use crate::served::outcomes;
use crate::site::{layer, realm};
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
fn every_refusal_ends_with_its_page() {
    if firefox_or_skip("every_refusal_ends_with_its_page") {
        browsers::every_refusal_ends_with_its_page::<Firefox>();
    }
}

#[test]
fn its_tokens_are_not_bound_and_only_refused_where_they_must() {
    if firefox_or_skip("its_tokens_are_not_bound_and_only_refused_where_they_must") {
        browsers::its_tokens_are_not_bound_and_only_refused_where_they_must::<Firefox>();
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
fn who_signs_out_stays_signed_out_until_they_ask() {
    if firefox_or_skip("who_signs_out_stays_signed_out_until_they_ask") {
        browsers::who_signs_out_stays_signed_out_until_they_ask::<Firefox>();
    }
}

#[test]
fn eight_first_requests_at_once_keep_an_anonymous_cart() {
    if firefox_or_skip("eight_first_requests_at_once_keep_an_anonymous_cart") {
        browsers::eight_first_requests_at_once_keep_an_anonymous_cart::<Firefox>();
    }
}

#[test]
fn a_form_of_another_site_changes_nothing() {
    if firefox_or_skip("a_form_of_another_site_changes_nothing") {
        browsers::a_form_of_another_site_changes_nothing::<Firefox>();
    }
}

//! Chromium against a real server.

use serde_json::json;
use tower_spnego::testing::{Chromium, TestLdap, chromium_or_skip};

use crate::browsers::{self, RealBrowser};
use crate::ldap;
use crate::served::outcomes;
use crate::site::{layer, realm};
use crate::website::{Website, lure};

#[test]
fn a_person_with_a_ticket_is_greeted_and_the_next_request_rides_on_the_session() {
    if !chromium_or_skip("a_person_with_a_ticket_is_greeted") {
        return;
    }
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let directory = ldap::people(&ldap).build().expect("a directory");
    let website = Website::start(
        layer(&realm).directory(directory),
        "await report({
            greeting: document.querySelector('h1').textContent,
            groups: [...document.querySelectorAll('li')].map((li) => li.textContent).sort(),
            next: await text('/who'),
        })",
    );
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let mut chromium = Chromium::at(&website, Some(&alice));
    let report = website.report();
    let expected = json!({
        "greeting": "Hello, Alice Liddell",
        "groups": ["Engineers", "Staff"],
        "next": "Alice Liddell <alice@example.test> in Engineers, Staff",
    });
    assert_eq!(report, expected, "{}", chromium.log());
    let trips = outcomes(&website.served.trips("/"));
    assert_eq!(trips, [(401, false), (200, true)]);
    let trips = outcomes(&website.served.trips("/who"));
    assert_eq!(trips, [(200, false)]);

    // Another run of the browser has the cookie, as long as the login lasts.
    chromium.open(&website.served.url("/")).expect("a browser");
    assert_eq!(website.report(), expected);
    let trips = outcomes(&website.served.trips("/"));
    assert_eq!(trips, [(401, false), (200, true), (200, false)]);
}

#[test]
fn every_refusal_ends_with_its_page() {
    if chromium_or_skip("every_refusal_ends_with_its_page") {
        browsers::every_refusal_ends_with_its_page::<Chromium>();
    }
}

#[test]
fn its_tokens_are_not_bound_and_only_refused_where_they_must() {
    if chromium_or_skip("its_tokens_are_not_bound_and_only_refused_where_they_must") {
        browsers::its_tokens_are_not_bound_and_only_refused_where_they_must::<Chromium>();
    }
}

#[test]
fn a_form_that_is_sent_after_the_login_has_expired_arrives_whole() {
    if chromium_or_skip("a_form_that_is_sent_after_the_login_has_expired_arrives_whole") {
        browsers::a_form_that_is_sent_after_the_login_has_expired_arrives_whole::<Chromium>();
    }
}

#[test]
fn eight_requests_at_once_on_an_expired_login_sign_in_and_lose_nothing() {
    if chromium_or_skip("eight_requests_at_once_on_an_expired_login_sign_in_and_lose_nothing") {
        browsers::eight_requests_at_once_on_an_expired_login_sign_in_and_lose_nothing::<Chromium>();
    }
}

#[test]
fn who_signs_out_stays_signed_out_until_they_ask() {
    if chromium_or_skip("who_signs_out_stays_signed_out_until_they_ask") {
        browsers::who_signs_out_stays_signed_out_until_they_ask::<Chromium>();
    }
}

#[test]
fn eight_first_requests_at_once_keep_an_anonymous_cart() {
    if chromium_or_skip("eight_first_requests_at_once_keep_an_anonymous_cart") {
        browsers::eight_first_requests_at_once_keep_an_anonymous_cart::<Chromium>();
    }
}

#[test]
fn a_form_of_another_site_changes_nothing() {
    if chromium_or_skip("a_form_of_another_site_changes_nothing") {
        browsers::a_form_of_another_site_changes_nothing::<Chromium>();
    }
}

#[test]
fn a_websocket_of_another_site_does_not_connect() {
    if !chromium_or_skip("a_websocket_of_another_site_does_not_connect") {
        return;
    }
    let realm = realm();
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let visit = |layer, host: &str| {
        let (website, evil) = lure(
            layer,
            "await report(await socket(location.origin + '/ws/ours'))",
            host,
            "await report(await socket(victim + '/ws/evil'))",
        );
        let chromium = Chromium::at(&website, Some(&alice));
        assert_eq!(website.report(), "alice connected by the page of ours");
        assert_eq!(website.report(), "Hello, alice");
        let heard = evil.report();
        drop((chromium, evil));
        (website, heard)
    };
    // Another port of our host is another origin that gets our cookies.
    for host in ["127.0.0.1", "localhost"] {
        let (website, heard) = visit(layer(&realm), host);
        assert_eq!(heard, "refused");
        let trips = outcomes(&website.served.trips("/ws/evil"));
        assert_eq!(trips, [(403, false)], "{host}");
        assert!(website.reports.try_recv().is_err(), "the handler ran");
    }
    // Without the guard it connects as the person.
    let without = layer(&realm).dangerously_allow_cross_site();
    let (website, heard) = visit(without, "localhost");
    assert_eq!(heard, "Hello, alice");
    assert_eq!(website.report(), "alice connected by the page of evil");
}

//! Clients that choose between Negotiate and Basic by themselves.

use axum::Router;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use tower_spnego::User;
use tower_spnego::testing::{Chromium, TicketCache, chromium_or_skip};

use super::*;
use crate::curl::curl;
use crate::served::{Served, outcomes};
use crate::tls::Tls;

fn routes() -> Router {
    let hello = async |user: User| format!("Hello, {}", user.username());
    Router::new().route("/", get(hello))
}

fn serve(layer: SpnegoLayerBuilder, tls: &Tls) -> Served {
    Served::start_tls(Site::of(routes(), layer).router, tls)
}

fn alice() -> String {
    format!("alice:{PASSWORD}")
}

#[test]
fn curl_signs_in_over_tls_by_the_scheme_that_it_has_credentials_for() {
    if elsewhere("clients::curl_signs_in_over_tls_by_the_scheme_that_it_has_credentials_for") {
        return;
    }
    let (realm, tls) = (realm(), Tls::new());
    let served = serve(basic(&realm), &tls);
    let (ca, url, alice) = (tls.ca_file(), served.url("/"), alice());
    let ca = ca.to_str().expect("text");
    let ask = |arguments: &[&str]| {
        let arguments = [&["--cacert", ca, &url][..], arguments].concat();
        curl(realm.command("curl"), &arguments).text
    };
    let printed = ask(&["--basic", "--user", &alice]);
    assert!(printed.contains("Hello, alice"), "{printed}");
    let printed = ask(&["--basic", "--user", "alice:wrong"]);
    assert!(printed.contains("not signed in"), "{printed}");
    // It has no ticket, tries the strongest scheme all the same, and must end.
    let printed = ask(&["--anyauth", "--user", &alice]);
    assert!(printed.starts_with("HTTP/2 401"), "{printed}");
    let trips = outcomes(&served.trips("/"));
    assert_eq!(trips.get(..2), Some(&[(200, true), (401, true)][..]));
    assert!(trips.len() <= 5, "{trips:?}");
}

#[test]
fn curl_with_a_broken_ticket_ends_after_two_tokens_at_most() {
    if elsewhere("clients::curl_with_a_broken_ticket_ends_after_two_tokens_at_most") {
        return;
    }
    let (realm, tls) = (realm(), Tls::new());
    let twin = TestRealm::start().expect("a KDC");
    let ca = tls.ca_file();
    let ca = ca.to_str().expect("text");
    let bob = realm.ticket_cache("bob").expect("a ticket");
    for scheme in ["--negotiate", "--anyauth"] {
        for user in [":", &alice()] {
            let of_another_key = basic(&realm).keytab(twin.keytab());
            let served = serve(of_another_key, &tls);
            let url = served.url("/");
            let arguments = ["--cacert", ca, scheme, "--user", user, &url];
            let printed = curl(bob.command("curl"), &arguments).text;
            let trips = outcomes(&served.trips("/"));
            let tokens = trips.iter().filter(|(_, has_token)| *has_token).count();
            assert!(tokens <= 2, "{scheme} {user}: {trips:?} {printed}");
            assert!(trips.len() <= 3, "{scheme} {user}: {trips:?} {printed}");
            assert!(printed.contains("not signed in"), "{printed}");
        }
    }
}

#[test]
fn curl_behind_a_proxy_needs_the_proxys_word() {
    if elsewhere("clients::curl_behind_a_proxy_needs_the_proxys_word") {
        return;
    }
    let (realm, tls) = (realm(), Tls::new());
    let (ca, alice) = (tls.ca_file(), alice());
    let ca = ca.to_str().expect("text");
    // curl is the proxy.
    for (proxy, header, greeted) in [
        ("127.0.0.1", "X-Forwarded-Proto: https", true),
        ("127.0.0.1", "X-Forwarded-Proto: http", false),
        ("127.0.0.1", "X-Other: https", false),
        ("127.0.0.2", "X-Forwarded-Proto: https", false),
    ] {
        let served = serve(
            layer(&realm).basic(BasicOver::forwarded_from([proxy])),
            &tls,
        );
        let url = served.url("/");
        let arguments = [
            "--cacert", ca, "--basic", "--user", &alice, "--header", header, &url,
        ];
        let printed = curl(realm.command("curl"), &arguments).text;
        assert_eq!(printed.contains("Hello, alice"), greeted, "{printed}");
        assert!(!printed.contains("Basic realm"), "{printed}");
        assert_eq!(outcomes(&served.trips("/")).len(), 1);
    }
}

/// Chromium knows the password as if its person had typed it: of another page of the site, to which
/// it is given in the URL. (With Negotiate offered it would spend the URL's on that.)
fn opens(
    layer: SpnegoLayerBuilder,
    cache: Option<&TicketCache>,
    who: &str,
) -> (String, Vec<(u16, bool)>) {
    let door = async |headers: HeaderMap| match headers.contains_key(AUTHORIZATION) {
        true => Redirect::to("/").into_response(),
        false => (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, CHALLENGE)]).into_response(),
    };
    let outside = Router::new().route("/far/door", get(door));
    let served = Served::start(Site::of(routes(), layer).router.merge(outside));
    let path = if who.is_empty() { "/" } else { "/far/door" };
    let url = served.url(path).replace("//", &format!("//{who}"));
    let mut chromium = Chromium::new(cache).expect("a browser");
    let page = chromium.dump_dom(&url).expect("a page");
    (page, outcomes(&served.trips("/")))
}

#[test]
fn chromium_without_a_ticket_signs_in_by_a_password_and_ends_where_it_is_wrong() {
    if !chromium_or_skip("chromium_without_a_ticket_signs_in_by_a_password") {
        return;
    }
    if elsewhere(
        "clients::chromium_without_a_ticket_signs_in_by_a_password_and_ends_where_it_is_wrong",
    ) {
        return;
    }
    let realm = realm();
    realm.set_password("alice", "secret").expect("a password");
    let (page, trips) = opens(basic(&realm), None, "alice:secret@");
    assert!(page.contains("Hello, alice"), "{page} {trips:?}");
    // It tries Negotiate first, and has nothing to send.
    assert_eq!(trips.last(), Some(&(200, true)));
    assert!(trips.len() <= 5, "{trips:?}");
    for who in ["alice:wrong@", ""] {
        let (page, trips) = opens(basic(&realm), None, who);
        assert!(!page.contains("Hello"), "{page}");
        assert!(trips.iter().all(|(status, _)| *status == 401), "{trips:?}");
        assert!(trips.len() <= 5, "{who}: {trips:?}");
    }
}

#[test]
fn chromium_prefers_its_ticket_and_falls_back_where_that_is_refused() {
    if !chromium_or_skip("chromium_prefers_its_ticket_and_falls_back_where_that_is_refused") {
        return;
    }
    if elsewhere("clients::chromium_prefers_its_ticket_and_falls_back_where_that_is_refused") {
        return;
    }
    let realm = realm();
    realm.set_password("alice", "secret").expect("a password");
    let bob = realm.ticket_cache("bob").expect("a ticket");
    let (page, trips) = opens(basic(&realm), Some(&bob), "alice:secret@");
    assert!(page.contains("Hello, bob"), "{page} {trips:?}");

    // The ticket is of the old key, and the KDC's for alice of the new one.
    bob.service_ticket("HTTP/localhost").expect("a ticket");
    realm.change_key("HTTP/localhost").expect("a key");
    let keytab = realm.folder().join("new.keytab");
    realm
        .export_keytab("HTTP/localhost", &keytab)
        .expect("exports");
    let broken = || basic(&realm).keytab(&keytab);
    let (page, trips) = opens(broken(), Some(&bob), "alice:secret@");
    assert!(page.contains("Hello, alice"), "{page} {trips:?}");
    assert!(trips.len() <= 4, "{trips:?}");
    let (page, trips) = opens(broken(), Some(&bob), "");
    assert!(!page.contains("Hello"), "{page} {trips:?}");
    assert!(trips.iter().all(|(status, _)| *status == 401), "{trips:?}");
    assert!(trips.len() <= 4, "{trips:?}");
}

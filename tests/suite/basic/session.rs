//! A browser sends the password with every request, and forgets it only when it is closed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use http::StatusCode;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::ErrorKind;
use tower_spnego::testing::TestLdap;

use super::*;
use crate::ldap::people;
use crate::site::{Browser, TestClock, routes};

#[tokio::test]
async fn ten_requests_with_the_password_ask_the_kdc_once() {
    if elsewhere("session::ten_requests_with_the_password_ask_the_kdc_once") {
        return;
    }
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(basic(&realm).clock(clock.reader()));
    let mut browser = site.browser();
    for _ in 0..10 {
        let answer = browser.send(typed("alice", PASSWORD)).await;
        answer.is_hello("alice");
    }
    // By either of her names.
    let whole = typed("alice@EXAMPLE.TEST", PASSWORD);
    browser.send(whole).await.is_hello("alice");
    assert_eq!(checks(&realm, "alice"), 1);

    clock.advance(Duration::from_secs(700 * 60));
    let answer = browser.send(typed("alice", PASSWORD)).await;
    answer.is_hello("alice");
    assert_eq!(checks(&realm, "alice"), 2, "the login had ended");
}

#[tokio::test]
async fn another_password_is_checked_anew() {
    if elsewhere("session::another_password_is_checked_anew") {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm));
    let mut browser = site.browser();
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    let answer = browser.send(typed("alice", "wrong")).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
    assert_eq!(checks(&realm, "alice"), 2);
    // The login is as it was.
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    assert_eq!(checks(&realm, "alice"), 2);
    give_password(&realm, "alice", "new");
    browser.send(typed("alice", "new")).await.is_hello("alice");
    assert_eq!(checks(&realm, "alice"), 3);
    browser.send(typed("alice", "new")).await.is_hello("alice");
    let answer = browser.send(typed("alice", PASSWORD)).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
}

#[tokio::test]
async fn another_user_with_the_same_password_is_checked_and_gets_an_empty_session() {
    if elsewhere(
        "session::another_user_with_the_same_password_is_checked_and_gets_an_empty_session",
    ) {
        return;
    }
    let realm = realm();
    give_password(&realm, "bob", PASSWORD);
    let site = Site::new(basic(&realm));
    let mut browser = site.browser();
    let add = with_password(request("/cart/add/pear"), "alice", PASSWORD);
    assert_eq!(browser.send(add).await.body, "pear");
    let before = browser.cookie.clone();
    let cart = with_password(request("/cart"), "bob", PASSWORD);
    assert_eq!(browser.send(cart).await.body, "");
    assert_ne!(browser.cookie, before);
    browser.get("/").await.is_hello("bob");
    assert_eq!(checks(&realm, "bob"), 1);
}

#[tokio::test]
async fn a_login_made_by_a_ticket_takes_no_password_on_trust() {
    if elsewhere("session::a_login_made_by_a_ticket_takes_no_password_on_trust") {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm));
    let mut browser = site.signed_in(&realm, "bob").await;
    let answer = browser.send(typed("bob", "wrong")).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
    browser.get("/").await.is_hello("bob");
}

/// Side by side on one session, and one inside of the other.
#[tokio::test]
async fn in_a_layer_without_basic_a_login_made_by_a_password_is_none() {
    if elsewhere("session::in_a_layer_without_basic_a_login_made_by_a_password_is_none") {
        return;
    }
    let realm = realm();
    let strict = || {
        let strict = layer(&realm).build().expect("starts");
        routes(&Arc::default()).layer(strict)
    };
    let inside = Router::new()
        .nest("/inside", strict())
        .merge(routes(&Arc::default()))
        .layer(basic(&realm).build().expect("starts"));
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let mut site = Site::new(basic(&realm));
    site.router = Router::new()
        .nest("/beside", strict())
        .merge(inside)
        .layer(sessions);
    let mut browser = site.browser();
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    let send = async |path| {
        let request = with_password(request(path), "alice", PASSWORD);
        browser.clone().send(request).await
    };
    // The outer layer has read the password, and lets nobody ask for another.
    let answer = send("/inside/maybe").await;
    assert_eq!(answer.kind(), Some(ErrorKind::NotChallenged), "{answer:?}");
    send("/beside/maybe").await.is_challenge();
    browser.clone().get("/beside/maybe").await.is_challenge();
    browser.clone().get("/inside/maybe").await.offers_both();
    browser.get("/").await.is_hello("alice");
    // Nor in the very request that makes it.
    let request = with_password(request("/inside/maybe"), "alice", PASSWORD);
    let answer = site.browser().send(request).await;
    assert_eq!(answer.kind(), Some(ErrorKind::NotChallenged), "{answer:?}");
    // A ticket's counts in all of them.
    let mut browser = site.browser();
    browser
        .get_with("/", &token(&realm, "bob"))
        .await
        .is_hello("bob");
    for path in ["/inside/maybe", "/beside/maybe"] {
        browser.get(path).await.is_hello("bob");
    }
}

/// A browser that was signed in by a password, has one in its cart, and signs out.
async fn signed_out(site: &Site) -> Browser {
    let mut browser = site.browser();
    let add = with_password(request("/cart/add/pear"), "alice", PASSWORD);
    assert_eq!(browser.send(add).await.body, "pear");
    let answer = browser.send(with_password(request("/logout"), "alice", PASSWORD));
    assert_eq!(answer.await.body, "Goodbye");
    browser
}

fn in_html(request: Request) -> Request {
    with_header(request, "accept", "text/html")
}

#[tokio::test]
async fn a_session_that_was_signed_out_ignores_the_password_until_it_signs_in() {
    if elsewhere("session::a_session_that_was_signed_out_ignores_the_password_until_it_signs_in") {
        return;
    }
    let realm = realm();
    let layer = || basic(&realm).sign_in_path("/who");
    let site = Site::new(layer());
    let mut browser = signed_out(&site).await;
    let before = checks(&realm, "alice");
    for request in [
        typed("alice", PASSWORD),
        typed("alice", "wrong"),
        typed("alice@OTHER.TEST", PASSWORD),
        request("/"),
    ] {
        browser.send(request).await.is_signed_out();
    }
    let page = browser.send(in_html(typed("alice", PASSWORD))).await;
    assert!(
        page.body.contains("<h1>You are signed out</h1>"),
        "{page:?}"
    );
    assert!(
        page.body.contains(r#"<a href="/who">Sign in</a>"#),
        "{page:?}"
    );
    assert_eq!(checks(&realm, "alice"), before, "nobody asked the KDC");

    // To sign in is to ask for it.
    browser.get("/who").await.offers_both();
    browser.get("/").await.is_signed_out();
    let wrong = with_password(request("/who"), "alice", "wrong");
    let answer = browser.send(wrong).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
    browser.send(typed("alice", PASSWORD)).await.is_signed_out();
    let again = with_password(request("/who"), "alice", PASSWORD);
    let answer = browser.send(again).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    assert_eq!(browser.get("/cart").await.body, "", "the logout emptied it");
}

#[tokio::test]
async fn without_a_path_to_sign_in_at_the_page_says_to_close_the_browser() {
    if elsewhere("session::without_a_path_to_sign_in_at_the_page_says_to_close_the_browser") {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm));
    let mut browser = signed_out(&site).await;
    let page = browser.send(in_html(typed("alice", PASSWORD))).await;
    assert_eq!(page.kind(), Some(ErrorKind::SignedOut));
    assert!(page.body.contains("close all windows"), "{page:?}");
    assert!(!page.body.contains("href"), "{page:?}");
    // A new session is another browser.
    let answer = site.browser().send(typed("alice", PASSWORD)).await;
    answer.is_hello("alice");
}

#[tokio::test]
async fn a_ticket_signs_in_again_and_ends_the_signed_out_state() {
    if elsewhere("session::a_ticket_signs_in_again_and_ends_the_signed_out_state") {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm));
    let mut browser = signed_out(&site).await;
    let bob = token(&realm, "bob");
    browser.get_with("/", &bob).await.is_hello("bob");
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
}

#[tokio::test]
async fn in_optional_mode_a_signed_out_session_is_nobodys() {
    if elsewhere("session::in_optional_mode_a_signed_out_session_is_nobodys") {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm).optional().sign_in_path("/who"));
    let mut browser = signed_out(&site).await;
    let maybe = with_password(request("/maybe"), "alice", PASSWORD);
    browser.send(maybe).await.is_hello("stranger");
    // A handler that needs somebody does not ask either.
    browser.send(typed("alice", PASSWORD)).await.is_signed_out();
    browser.get("/who").await.offers_both();
    let again = with_password(request("/who"), "alice", PASSWORD);
    assert_eq!(browser.send(again).await.status, StatusCode::OK);
    let maybe = with_password(request("/maybe"), "alice", PASSWORD);
    browser.send(maybe).await.is_hello("alice");
}

#[tokio::test]
async fn a_logout_in_the_very_request_that_signs_in_holds() {
    if elsewhere("session::a_logout_in_the_very_request_that_signs_in_holds") {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm));
    let mut browser = site.browser();
    let logout = with_password(request("/logout"), "alice", PASSWORD);
    assert_eq!(browser.send(logout).await.body, "Goodbye");
    browser.send(typed("alice", PASSWORD)).await.is_signed_out();
}

#[tokio::test]
async fn after_the_logout_of_a_login_made_by_a_ticket_a_password_is_ignored_too() {
    if elsewhere("session::after_the_logout_of_a_login_made_by_a_ticket_a_password_is_ignored_too")
    {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm));
    let mut browser = site.signed_in(&realm, "bob").await;
    assert_eq!(browser.get("/logout").await.body, "Goodbye");
    browser.get("/").await.is_signed_out();
    browser.send(typed("alice", PASSWORD)).await.is_signed_out();
    assert_eq!(checks(&realm, "alice"), 0);
}

/// Each process has its own key; here the other one is of another version, or a thief's guess.
#[tokio::test]
async fn a_login_whose_hash_is_anothers_is_checked_anew() {
    if elsewhere("session::a_login_whose_hash_is_anothers_is_checked_anew") {
        return;
    }
    use tower_sessions::SessionStore;
    let realm = realm();
    let store = MemoryStore::default();
    let site = Site::with_store(basic(&realm), store.clone());
    let mut browser = site.browser();
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    let cookie = browser.cookie.clone().expect("a cookie");
    let (_, id) = cookie.split_once('=').expect("a value");
    let mut record = store
        .load(&id.parse().expect("an id"))
        .await
        .expect("reads")
        .expect("a session");
    let head = record.data.get_mut("tower-spnego.login").expect("a login");
    let text = head.as_str().expect("text");
    let (before, hash) = text.split_once(r#""hash":""#).expect("a hash");
    let (hash, after) = hash.split_once('"').expect("an end");
    assert_eq!(hash.len(), 43, "HMAC-SHA256 in base64");
    let other = "A".repeat(43);
    *head = format!(r#"{before}"hash":"{other}"{after}"#).into();
    store.save(&record).await.expect("saves");
    browser.get("/").await.is_hello("alice");
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    assert_eq!(checks(&realm, "alice"), 2);
}

#[tokio::test]
async fn where_no_login_is_kept_each_request_has_its_password_checked() {
    if elsewhere("session::where_no_login_is_kept_each_request_has_its_password_checked") {
        return;
    }
    let realm = realm();
    let layer = basic(&realm).stateless().build().expect("starts");
    let mut client = Browser::of(routes(&Default::default()).layer(layer));
    client.get("/").await.offers_both();
    for count in 1..=3 {
        let answer = client.send(typed("alice", PASSWORD)).await;
        answer.is_hello("alice");
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(checks(&realm, "alice"), count);
    }
    let answer = client.send(typed("alice", "wrong")).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
    client.get("/").await.offers_both();
}

#[tokio::test]
async fn who_is_disabled_is_out_though_their_password_rides_on_the_login() {
    if elsewhere("session::who_is_disabled_is_out_though_their_password_rides_on_the_login") {
        return;
    }
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let (clock, interval) = (TestClock::default(), Duration::from_secs(300));
    let directory = people(&ldap).build().expect("a directory");
    let layer = basic(&realm).directory(directory).clock(clock.reader());
    let site = Site::new(layer.recheck_every(interval));
    let mut browser = site.browser();
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    clock.advance(interval);
    // The password still rides on the login, now that the directory was asked again.
    for _ in 0..2 {
        browser
            .send(typed("alice", PASSWORD))
            .await
            .is_hello("alice");
    }
    assert_eq!(checks(&realm, "alice"), 1);
    let dn = format!("uid=alice,{}", ldap.people());
    let lock = format!(
        "dn: {dn}\nchangetype: modify\nadd: objectClass\nobjectClass: testAccount\n-\n\
         add: nsAccountLock\nnsAccountLock: TRUE\n"
    );
    ldap.ldif(&lock).expect("locked");
    clock.advance(interval);
    let calls = site.calls();
    let answer = browser.send(typed("alice", PASSWORD)).await;
    assert_eq!(answer.kind(), Some(ErrorKind::UserDenied), "{answer:?}");
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(checks(&realm, "alice"), 1);
    assert_eq!(site.calls(), calls, "no handler");
}

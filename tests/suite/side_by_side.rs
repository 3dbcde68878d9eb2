//! A browser's requests come side by side: when the first has signed in, others still have the old
//! id.

use std::time::Duration;

use axum::routing::get;
use http::StatusCode;
use tower_sessions::Session;
use tower_spnego::ErrorKind;

use crate::site::{Browser, Site, TestClock, layer, own_routes, realm, request, token};
use crate::site::{with_header, with_token};

/// A browser with a cart of nobody's.
async fn with_a_cart(site: &Site) -> Browser {
    let mut browser = site.browser();
    assert_eq!(browser.get("/cart/add/pear").await.body, "pear");
    browser
}

#[tokio::test]
async fn who_comes_with_the_old_id_of_a_session_signs_in_into_it() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let mut browser = with_a_cart(&site).await;
    let mut late = browser.clone();
    browser
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    let old = late.cookie.clone();
    for _ in 0..3 {
        // Unless it signs in, too, it leaves the cookie alone that the browser may have by now.
        for path in ["/", "/maybe", "/cart", "/cart/add/plum"] {
            let answer = late.get(path).await;
            assert_eq!(answer.header("set-cookie"), None, "{answer:?}");
            match path {
                "/" => answer.is_challenge(),
                "/maybe" => answer.is_hello("stranger"),
                _ => assert!(!answer.body.contains("pear"), "{answer:?}"),
            }
        }
        let answer = late.get_with("/cart", &token(&realm, "alice")).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (StatusCode::OK, "pear")
        );
        assert_eq!(answer.header("set-cookie"), None, "{answer:?}");
    }
    assert_eq!(late.cookie, old);
    // What it does is done in the one session.
    let apple = late
        .get_with("/cart/add/apple", &token(&realm, "alice"))
        .await;
    assert_eq!(apple.body, "pear,apple");
    assert_eq!(browser.get("/cart").await.body, "pear,apple");
    browser.get("/").await.is_hello("alice");
}

#[tokio::test]
async fn a_request_that_fails_saves_nothing_into_the_session_of_another() {
    let realm = realm();
    let fail = async |session: Session| {
        session.insert("cart", ["plum"]).await.expect("inserts");
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let routes = own_routes().route("/fail", get(fail));
    let site = Site::of(routes, layer(&realm).optional());
    let mut browser = with_a_cart(&site).await;
    let mut late = browser.clone();
    browser.get_with("/", &token(&realm, "alice")).await;
    let answer = late.get_with("/fail", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    browser.get("/").await.is_hello("alice");
    assert_eq!(browser.get("/cart").await.body, "pear");
}

#[tokio::test]
async fn another_user_with_the_old_id_gets_nothing_of_the_session() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let mut browser = with_a_cart(&site).await;
    // Whoever planted the id, say.
    let mut other = browser.clone();
    browser.get_with("/", &token(&realm, "alice")).await;
    let answer = other.get_with("/cart", &token(&realm, "bob")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    assert_ne!(other.cookie, browser.cookie);
    other.get("/").await.is_hello("bob");
    browser.get("/").await.is_hello("alice");
    assert_eq!(browser.get("/cart").await.body, "pear");
}

#[tokio::test]
async fn ten_seconds_later_the_old_id_is_nobodys() {
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).optional().clock(clock.reader()));
    let mut browser = with_a_cart(&site).await;
    let mut late = browser.clone();
    browser.get_with("/", &token(&realm, "alice")).await;
    clock.advance(Duration::from_secs(11));
    let answer = late.clone().get("/cart").await;
    assert!(answer.header("set-cookie").is_some(), "{answer:?}");
    let answer = late.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "");
    assert_ne!(late.cookie, browser.cookie);
}

#[tokio::test]
async fn a_logout_holds_for_the_old_id_too() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let mut browser = with_a_cart(&site).await;
    let mut late = browser.clone();
    browser.get_with("/", &token(&realm, "alice")).await;
    browser.get("/logout").await;
    late.get("/").await.is_signed_out();
    let ticket = with_token(request("/"), &token(&realm, "alice"));
    let ticket = with_header(ticket, "user-agent", "Mozilla/5.0");
    late.send(ticket).await.is_signed_out();
}

#[tokio::test]
async fn who_may_not_be_challenged_is_not_with_the_old_id_either() {
    use tower_spnego::NoLogin;
    let realm = realm();
    let rule = |request: &http::request::Parts| match request.uri.path() {
        "/" => NoLogin::Forbid,
        _ => NoLogin::PassAsNobody,
    };
    let site = Site::new(layer(&realm).without_login(rule));
    let mut browser = with_a_cart(&site).await;
    let mut late = browser.clone();
    browser.get_with("/", &token(&realm, "alice")).await;
    let answer = late.get("/").await;
    answer.is_forbidden(ErrorKind::NotChallenged);
    // Another way in than ours.
    let bearer = with_header(request("/maybe"), "authorization", "Bearer 1");
    let answer = late.send(bearer).await;
    answer.is_hello("stranger");
    assert_eq!(answer.header("set-cookie"), None, "{answer:?}");
}

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use crate::site::{Site, layer, realm, token};

#[tokio::test]
async fn an_answer_that_carries_a_token_or_a_cookie_is_not_stored() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut browser = site.browser();
    let answer = browser.get_with("/", &token(&realm, "alice")).await;
    assert!(answer.header("set-cookie").is_some());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = browser.get("/cart/add/pear").await;
    assert!(answer.header("set-cookie").is_some());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn an_answer_on_a_live_login_is_private_where_the_handler_says_nothing() {
    let realm = realm();
    let mut site = Site::new(layer(&realm));
    let mut browser = site.signed_in(&realm, "alice").await;
    let answer = browser.get("/").await;
    assert_eq!(answer.header("cache-control"), Some("private"));
    assert_eq!(answer.header("vary"), Some("Cookie, Authorization"));

    let handler = async || ([("cache-control", "max-age=60")], "fresh");
    let sessions = tower_sessions::SessionManagerLayer::new(tower_sessions::MemoryStore::default());
    site.router = Router::new()
        .route("/", get(handler))
        .layer(layer(&realm).build().expect("starts"))
        .layer(sessions.with_secure(false));
    let mut browser = site.signed_in(&realm, "alice").await;
    let answer = browser.get("/").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), Some("max-age=60"));
}

#[tokio::test]
async fn an_anonymous_answer_is_the_handlers_own_but_for_vary() {
    let site = Site::new(layer(&realm()).optional());
    let answer = site.browser().get("/maybe").await;
    assert_eq!(answer.header("cache-control"), None);
    assert_eq!(answer.header("vary"), Some("Cookie, Authorization"));
}

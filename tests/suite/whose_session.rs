//! Whose login a session holds, and whose data, where several layers or a handler meddle.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use tower_sessions::{MemoryStore, Session};
use tower_spnego::{Directory, DirectoryError, Initiator, SharedDirectory, User};

use crate::site::{Browser, Site, TestClock, layer, realm, token};

/// Knows these people, and nothing of fingerprints.
struct Staff(&'static [&'static str]);

impl Directory for Staff {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        if !self.0.contains(&who.name()) {
            return Err(DirectoryError::denied());
        }
        Ok(User::builder(who.principal().clone()).id("1000").build())
    }
}

/// The same session at another site.
fn at(site: &Site, browser: &Browser) -> Browser {
    let mut there = site.browser();
    there.cookie.clone_from(&browser.cookie);
    there
}

#[tokio::test]
async fn a_login_counts_for_no_other_directory_of_the_same_type() {
    let realm = realm();
    let store = MemoryStore::default();
    let site = |directory| Site::with_store(layer(&realm).directory(directory), store.clone());
    let everybody = SharedDirectory::new(Staff(&["alice", "bob"]));
    let all = site(everybody.clone());
    let browser = all.signed_in(&realm, "bob").await;
    let admins = site(SharedDirectory::new(Staff(&["alice"])));
    at(&admins, &browser).get("/").await.is_challenge();
    let twin = site(everybody);
    at(&twin, &browser).get("/").await.is_hello("bob");
}

#[tokio::test]
async fn an_id_that_is_another_persons_in_another_directory_inherits_nothing() {
    let realm = realm();
    let store = MemoryStore::default();
    let site = |people| {
        let directory = SharedDirectory::new(Staff(people));
        Site::with_store(layer(&realm).directory(directory), store.clone())
    };
    let (here, there) = (site(&["alice"]), site(&["bob"]));
    let alice = here.with_a_pear(&realm, "alice").await;
    let mut bob = at(&there, &alice);
    let answer = bob.get_with("/cart", &token(&realm, "bob")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    assert_ne!(
        bob.cookie, alice.cookie,
        "a planted id does not become bob's"
    );
}

#[tokio::test]
async fn a_layer_lets_a_login_live_no_longer_than_its_own_limit() {
    let realm = realm();
    let (clock, store) = (TestClock::default(), MemoryStore::default());
    let lenient = layer(&realm).never_expire_login().clock(clock.reader());
    let strict = layer(&realm)
        .expire_login(Duration::from_secs(300))
        .clock(clock.reader());
    let lenient = Site::with_store(lenient, store.clone());
    let strict = Site::with_store(strict, store);
    let mut browser = lenient.signed_in(&realm, "alice").await;
    at(&strict, &browser).get("/").await.is_hello("alice");
    clock.advance(Duration::from_secs(301));
    at(&strict, &browser).get("/").await.is_challenge();
    browser.get("/").await.is_hello("alice");
}

/// A site whose handlers save and load the session themselves, in the request that signs in.
fn meddling(store: MemoryStore) -> Site {
    let routes = Router::new()
        .route(
            "/save-and-fail",
            get(async |session: Session| {
                session.insert("cart", ["bobs"]).await.expect("inserts");
                session.save().await.expect("saves");
                StatusCode::INTERNAL_SERVER_ERROR
            }),
        )
        .route(
            "/load",
            get(async |session: Session| session.load().await.expect("loads")),
        );
    let mut site = Site::with_store(layer(&realm()), store.clone());
    site.router = routes
        .layer(layer(&realm()).build().expect("starts"))
        .layer(tower_sessions::SessionManagerLayer::new(store).with_secure(false));
    site
}

#[tokio::test]
async fn a_handler_that_saves_and_fails_leaves_nothing_of_the_next_person_to_the_last() {
    let realm = realm();
    let store = MemoryStore::default();
    let site = Site::with_store(layer(&realm), store.clone());
    let mut alice = site.with_a_pear(&realm, "alice").await;
    let mut bob = at(&meddling(store), &alice);
    bob.get_with("/save-and-fail", &token(&realm, "bob")).await;
    let answer = alice.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_ne!(answer.body, "bobs");
}

async fn sorry(request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    match answer.status().is_server_error() {
        true => "sorry".into_response(),
        false => answer,
    }
}

/// An answer in place of the handler's comes from between the layers, so that the session is saved
/// and the sign-in is not.
#[tokio::test]
async fn a_sign_in_that_came_to_nothing_leaves_no_id_that_counts_for_the_next() {
    let realm = realm();
    let store = MemoryStore::default();
    let site = Site::with_store(layer(&realm), store.clone());
    let mut failing = meddling(store.clone());
    let saving = failing.clone();
    failing.router = Router::new()
        .route("/", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .layer(layer(&realm).build().expect("starts"))
        .layer(from_fn(sorry))
        .layer(tower_sessions::SessionManagerLayer::new(store).with_secure(false));
    for (broken, path) in [(failing, "/"), (saving, "/save-and-fail")] {
        let mut alice = site.signed_in(&realm, "alice").await;
        // Her id, planted in bob's browser.
        let mut bob = at(&broken, &alice);
        bob.get_with(path, &token(&realm, "bob")).await;
        let mut bob = at(&site, &bob);
        bob.get_with("/", &token(&realm, "bob"))
            .await
            .is_hello("bob");
        assert_ne!(bob.cookie, alice.cookie, "{path}");
        alice.get("/").await.is_challenge();
    }
}

#[tokio::test]
async fn a_handler_that_loads_the_session_anew_brings_nothing_of_the_last_person_to_the_next() {
    let realm = realm();
    let store = MemoryStore::default();
    let site = Site::with_store(layer(&realm), store.clone());
    let alice = site.with_a_pear(&realm, "alice").await;
    let mut bob = at(&meddling(store), &alice);
    bob.get_with("/load", &token(&realm, "bob")).await;
    let mut bob = at(&site, &bob);
    bob.get("/").await.is_hello("bob");
    assert_eq!(bob.get("/cart").await.body, "");
}

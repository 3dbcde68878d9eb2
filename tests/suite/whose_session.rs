//! Whose login a session holds, and whose data, where several layers or a handler meddle.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use serde_json::Value;
use tower_sessions::session::Id;
use tower_sessions::{MemoryStore, Session, SessionStore};
use tower_spnego::{
    Directory, DirectoryError, Initiator, SharedDirectory, SpnegoLayerBuilder, User,
};

use crate::site::{Browser, Site, TestClock, layer, realm, token};
use crate::stores::{Store, on};

on! {
    on_memory Memory, on_sqlite Sqlite, on_redis Redis, on_postgres Postgres: {
        a_first_sign_in_never_takes_a_cookie_that_there_was_before,
    }
}

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
    // Nor any longer than where it was made.
    let browser = strict.signed_in(&realm, "alice").await;
    at(&lenient, &browser).get("/").await.is_hello("alice");
    clock.advance(Duration::from_secs(301));
    at(&lenient, &browser).get("/").await.is_challenge();
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

/// Whatever was in it, and whoever knew it.
async fn a_first_sign_in_never_takes_a_cookie_that_there_was_before(store: Store) {
    let (realm, clock) = (realm(), TestClock::default());
    let records = store.open().await;
    let build = |layer: SpnegoLayerBuilder| {
        let layer = layer.clock(clock.reader()).session_store(records.clone());
        Site::with_store(layer.sign_in_path("/who"), records.clone())
    };
    let site = build(layer(&realm));
    let open = build(layer(&realm).optional());
    let others = build(layer(&realm).directory(SharedDirectory::new(Staff(&["alice", "bob"]))));

    let mut planted = Vec::new();
    let mut anonymous = open.browser();
    anonymous.get("/cart/add/pear").await;
    planted.push(("nobody's with a cart", anonymous));
    let bobs = site.with_a_pear(&realm, "bob").await;
    planted.push(("bob's", bobs));
    let mut left = site.with_a_pear(&realm, "bob").await;
    left.get("/logout").await;
    planted.push(("one that bob has signed out of", left));
    let mut left = site.with_a_pear(&realm, "alice").await;
    let hers = left.clone();
    left.get("/logout").await;
    planted.push(("one that alice has signed out of", left));
    planted.push(("one that alice had before that", hers));
    let mut between = site.with_a_pear(&realm, "bob").await;
    let before = between.clone();
    between.get_with("/", &token(&realm, "alice")).await;
    planted.push(("one that was bob's before alice", before));
    planted.push((
        "another directory's bob's",
        others.signed_in(&realm, "bob").await,
    ));
    planted.push((
        "another directory's alice's",
        others.signed_in(&realm, "alice").await,
    ));
    let mut failed = site.with_a_pear(&realm, "bob").await;
    failed
        .get_with("/status/500", &token(&realm, "alice"))
        .await;
    planted.push(("bob's after a failure of alice's", failed));
    let mut made_up = site.browser();
    made_up.cookie = Some(format!("id={}", Id::default()));
    planted.push(("one that was never stored", made_up));
    let mut no_id = site.browser();
    no_id.cookie = Some("id=alice".to_owned());
    planted.push(("none at all", no_id));
    let expired = site.with_a_pear(&realm, "bob").await;
    clock.advance(Duration::from_secs(11 * 60 * 60));
    planted.push(("one in which bob's login has expired", expired));

    let known: Vec<_> = planted
        .iter()
        .map(|(_, browser)| browser.cookie.clone())
        .collect();
    for (whose, old) in planted {
        let mut browser = at(&site, &old);
        let answer = browser.get_with("/who", &token(&realm, "alice")).await;
        assert_eq!(answer.status, StatusCode::OK, "{whose}: {answer:?}");
        assert!(!known.contains(&browser.cookie), "{whose}");
        browser.get("/").await.is_hello("alice");
        // Who has planted it is nobody there, and at most bob.
        let answer = at(&open, &old).get("/maybe").await;
        assert_ne!(answer.body, "Hello, alice", "{whose}");
    }
}

/// When they are read for the first time, and once they are remembered.
#[tokio::test]
async fn ten_thousand_logins_are_live_at_once() {
    const LOGINS: usize = 10_000;
    let (realm, records) = (realm(), MemoryStore::default());
    let site = Site::with_store(layer(&realm), records.clone());
    let browser = site.signed_in(&realm, "alice").await;
    let cookie = browser.cookie.clone().expect("a cookie");
    let (_, id) = cookie.split_once('=').expect("name and value");
    let id: Id = id.parse().expect("an id");
    let hers = records.load(&id).await.expect("loads").expect("a record");
    // A sign-in takes milliseconds; what it leaves in the store is the same but for the names.
    let copy = async |number: usize| {
        let mut record = hers.clone();
        record.id = Id::default();
        for value in record.data.values_mut() {
            let text = value
                .to_string()
                .replace("alice", &format!("alice{number}"));
            *value = text.parse().expect("JSON");
        }
        let head = record.data.get_mut("tower-spnego.login").expect("a head");
        let mut parsed: Value = head.as_str().expect("a text").parse().expect("JSON");
        parsed["id"] = Id::default().to_string().into();
        *head = parsed.to_string().into();
        records.create(&mut record).await.expect("creates");
        (number, format!("id={}", record.id))
    };
    let copies: Vec<_> = stream::iter(0..LOGINS)
        .map(copy)
        .buffer_unordered(16)
        .collect()
        .await;
    for _ in 0..2 {
        let greeted = stream::iter(&copies).map(async |(number, cookie)| {
            let mut browser = site.browser();
            browser.cookie = Some(cookie.clone());
            browser.get("/").await.is_hello(&format!("alice{number}"));
        });
        greeted.buffer_unordered(16).for_each(async |()| {}).await;
    }
}

//! A layer that keeps no login.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{
    ConfigError, ErrorKind, Login, RequireGroup, SignedOut, SpnegoConnection, SpnegoLayerBuilder,
};

use crate::group_rules::with;
use crate::login::Failing;
use crate::several_requests::ntlm_first;
use crate::site::{
    Browser, Site, layer, post, realm, request, routes, token, with_header, with_token,
};

fn stateless(realm: &TestRealm) -> SpnegoLayerBuilder {
    layer(realm).stateless()
}

/// A client of `routes` behind this layer alone, with no session layer at all.
fn client(routes: Router, layer: SpnegoLayerBuilder) -> Browser {
    let router = routes.layer(layer.build().expect("starts"));
    Browser::of(router)
}

#[tokio::test]
async fn each_request_brings_a_token_and_no_session_layer_is_needed() {
    let realm = realm();
    let calls = Arc::default();
    let mut client = client(routes(&calls), stateless(&realm));
    client.get("/").await.is_challenge();
    let first = token(&realm, "alice");
    let answer = client.get_with("/", &first).await;
    answer.is_hello("alice");
    assert!(answer.token().is_some(), "the final token");
    assert_eq!(answer.header("set-cookie"), None);
    client.get("/").await.is_challenge();
    let again = client.get_with("/", &first).await;
    again.is_rejected(ErrorKind::Replay);
    let bob = client.get_with("/", &token(&realm, "bob")).await;
    bob.is_hello("bob");
}

#[tokio::test]
async fn a_session_that_is_there_is_the_applications_alone() {
    let realm = realm();
    // It fails whoever asks it.
    let site = Site::with_store(stateless(&realm), Failing::always());
    let mut alice = site.browser();
    alice.cookie = Some("id=AAAAAAAAAAAAAAAAAAAAAA".to_owned());
    for _ in 0..2 {
        let answer = alice.get_with("/", &token(&realm, "alice")).await;
        answer.is_hello("alice");
        assert_eq!(answer.header("set-cookie"), None);
    }
    // It is in nobody's name: whoever has the cookie has the cart.
    let keys = async |session: Session| {
        session.insert("cart", "pear").await.expect("inserts");
        session.remove::<String>("left").await.expect("removes");
        "kept"
    };
    let store = MemoryStore::default();
    let routes = Router::new()
        .route("/", get(async || "Hello, alice"))
        .route("/keep", get(keys));
    let site = Site::build(routes, stateless(&realm), store.clone());
    let mut browser = site.browser();
    let answer = browser.get_with("/keep", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "kept", "{answer:?}");
    let cookie = browser.cookie.clone().expect("a cookie");
    let answer = browser.get_with("/keep", &token(&realm, "bob")).await;
    assert_eq!(answer.body, "kept", "{answer:?}");
    assert_eq!(browser.cookie, Some(cookie.clone()), "the same id");
    browser.get("/").await.is_challenge();
}

#[tokio::test]
async fn a_login_in_the_session_is_none_here_and_stays_one_there() {
    let realm = realm();
    let store = MemoryStore::default();
    let there = Site::with_store(layer(&realm), store.clone());
    let here = Site::with_store(stateless(&realm), store);
    let mut alice = there.signed_in(&realm, "alice").await;
    let mut visitor = here.browser();
    visitor.cookie.clone_from(&alice.cookie);
    visitor.get("/").await.is_challenge();
    let bob = visitor.get_with("/", &token(&realm, "bob")).await;
    bob.is_hello("bob");
    alice.get("/").await.is_hello("alice");
}

#[tokio::test]
async fn while_the_directory_is_down_nobody_goes_on() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let routes = routes(&Arc::default());
    let mut client = client(routes, with(&realm, &ldap).stateless());
    let answer = client.get_with("/", &token(&realm, "alice")).await;
    answer.is_hello("alice");
    drop(ldap);
    let answer = client.get_with("/", &token(&realm, "alice")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::DirectoryUnavailable));
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn other_sites_are_kept_out_as_ever() {
    let realm = realm();
    let calls = Arc::default();
    let mut client = client(routes(&calls), stateless(&realm));
    let foreign = with_header(post("/"), "sec-fetch-site", "cross-site");
    let answer = client
        .send(with_token(foreign, &token(&realm, "alice")))
        .await;
    answer.is_forbidden(ErrorKind::CrossSite);
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 0);
    let own = with_token(post("/"), &token(&realm, "alice"));
    client.send(own).await.is_hello("alice");
}

#[tokio::test]
async fn a_handshake_of_several_requests_goes_on_over_its_connection() {
    let realm = realm();
    let cache = realm.ticket_cache("alice").expect("a ticket");
    for requests in [2, 3] {
        let mut client = client(routes(&Arc::default()), stateless(&realm));
        let connection = SpnegoConnection::new(None);
        let mut handshake = ntlm_first(&cache, requests);
        let mut token = handshake.token().to_vec();
        for count in 1.. {
            let mut request = with_token(request("/"), &token);
            request.extensions_mut().insert(connection.clone());
            let answer = client.send(request).await;
            let reply = answer.token();
            let next = reply.and_then(|reply| handshake.reply(&reply).expect("a good reply"));
            if let Some(next) = next {
                answer.is_rejected(ErrorKind::HandshakeGoesOn);
                token = next;
                continue;
            }
            answer.is_hello("alice");
            assert_eq!(count, requests);
            break;
        }
        let mut without = request("/");
        without.extensions_mut().insert(connection);
        client.send(without).await.is_challenge();
    }
}

#[tokio::test]
async fn the_login_lasts_as_long_as_the_ticket_and_there_is_no_logout() {
    let realm = realm();
    let describe = async |login: Login| {
        let left = login.expires().expect("an end");
        let left = left.duration_since(login.signed_in()).expect("a time");
        format!("{} {}", login.principal(), left.as_secs() / 3600)
    };
    let routes = routes(&Arc::default()).route("/describe", get(describe));
    let mut client = client(routes, stateless(&realm));
    let ticket = realm.ticket_cache("alice").expect("a ticket");
    let hours = ticket.token("HTTP/localhost").expect("a token");
    let answer = client.get_with("/describe", &hours).await;
    assert_eq!(answer.body, "alice@EXAMPLE.TEST 23", "{answer:?}");
    let answer = client.get_with("/logout", &token(&realm, "alice")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::NoLogout), "{answer:?}");
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn extractors_and_required_groups_are_as_ever() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let out = async |out: Option<SignedOut>| format!("{}", out.is_some());
    let engineers = RequireGroup::new("Engineers").expect("a rule");
    let routes = routes(&Arc::default())
        .route("/out", get(out))
        .route("/inside", get(async || "Welcome").layer(engineers));
    let mut client = client(routes, with(&realm, &ldap).stateless().optional());
    client.get("/maybe").await.is_hello("stranger");
    assert_eq!(client.get("/out").await.body, "false");
    client.get("/").await.is_challenge();
    client.get("/inside").await.is_challenge();
    let answer = client.get_with("/inside", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "Welcome", "{answer:?}");
    let answer = client.get_with("/inside", &token(&realm, "bob")).await;
    answer.is_forbidden(ErrorKind::RouteDenied);
}

#[tokio::test]
async fn inside_of_a_layer_it_counts_the_token_once_if_both_are_stateless() {
    let realm = realm();
    let strict = || routes(&Arc::default()).layer(stateless(&realm).build().expect("starts"));
    let nested = || Router::new().nest("/api", strict());
    let mut both = client(nested(), stateless(&realm).optional());
    let answer = both.get_with("/api/maybe", &token(&realm, "alice")).await;
    answer.is_hello("alice");
    both.get("/api/maybe").await.is_challenge();

    let outer = layer(&realm).optional().build().expect("starts");
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let mut one = Browser::of(nested().layer(outer).layer(sessions));
    let answer = one.get_with("/api/maybe", &token(&realm, "alice")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::TokenUsed), "{answer:?}");
}

#[test]
fn settings_about_logins_that_are_kept_are_a_mistake_beside_it() {
    let realm = realm();
    let time = std::time::Duration::from_secs(60);
    for (layer, name) in [
        (layer(&realm).expire_login(time), "expire_login"),
        (layer(&realm).never_expire_login(), "never_expire_login"),
        (layer(&realm).outlive_ticket(), "outlive_ticket"),
        (layer(&realm).idle_timeout(time), "idle_timeout"),
        (layer(&realm).flush_on_expiry(), "flush_on_expiry"),
        (
            layer(&realm).session_store(MemoryStore::default()),
            "session_store",
        ),
        (layer(&realm).sign_in_path("/sign-in"), "sign_in_path"),
    ] {
        let error = layer.stateless().build().map(drop).expect_err("a mistake");
        assert!(
            matches!(error, ConfigError::Stateless { setting, .. } if setting == name),
            "{error}"
        );
        assert!(error.to_string().contains(name), "{error}");
    }
}

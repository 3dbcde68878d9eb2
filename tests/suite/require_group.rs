//! Routes that are not for everybody who is signed in.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Html;
use axum::routing::{MethodRouter, any, get};
use http::{Method, Request, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{ConfigError, ErrorKind, Group, GroupRule, RequireGroup, SpnegoLayerBuilder};

use crate::group_rules::{Told, with};
use crate::site::{Answer, Site, layer, realm, request, token, with_header, with_token};

const STAFF: &str = "cn=Staff,ou=groups,dc=example,dc=test";
const ENGINEERS: &str = "cn=Engineers,ou=groups,dc=example,dc=test";
const NOBODYS: &str = "cn=Nobody,ou=groups,dc=example,dc=test";

/// A page for everybody, and one at `/inside` for whom `required` lets pass.
fn routes(required: RequireGroup) -> Router {
    Router::new()
        .route("/inside", any(async || "Welcome"))
        .route_layer(required)
        .route("/", get(async || "Hello"))
}

fn engineers() -> RequireGroup {
    RequireGroup::new(ENGINEERS).expect("a rule")
}

#[track_caller]
fn is_denied(answer: &Answer) {
    assert_eq!(answer.kind(), Some(ErrorKind::RouteDenied), "{answer:?}");
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!answer.challenges().contains(&"Negotiate"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(!answer.body.contains("ngineers"), "{}", answer.body);
}

#[tokio::test]
async fn a_route_is_for_its_group_alone_whatever_the_method() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = Site::of(routes(engineers()), with(&realm, &ldap));
    let mut alice = site.browser();
    let answer = alice.get_with("/inside", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "Welcome", "{answer:?}");
    let mut bob = site.browser();
    let answer = bob.get_with("/inside", &token(&realm, "bob")).await;
    is_denied(&answer);
    assert!(answer.token().is_some(), "the final token");
    let error = answer.error.expect("an error").to_string();
    assert!(
        error.contains("bob@EXAMPLE.TEST") && error.contains(ENGINEERS),
        "{error}"
    );
    // He is signed in all the same.
    assert_eq!(bob.get("/").await.body, "Hello");
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let method: Method = method.parse().expect("a method");
        let ask = || {
            let mut request = request("/inside");
            *request.method_mut() = method.clone();
            request
        };
        let answer = alice.send(ask()).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}: {answer:?}");
        is_denied(&bob.send(ask()).await);
    }
    assert_eq!(bob.get("/nowhere").await.status, StatusCode::NOT_FOUND);
}

/// Who of alice, of Engineers and Staff, and bob, of Staff, passes.
async fn passing(realm: &TestRealm, layer: SpnegoLayerBuilder, required: RequireGroup) -> String {
    let site = Site::of(routes(required), layer);
    let mut passing = Vec::new();
    for user in ["alice", "bob"] {
        let mut browser = site.browser();
        let answer = browser.get_with("/inside", &token(realm, user)).await;
        match answer.status {
            StatusCode::OK => passing.push(user),
            _ => is_denied(&answer),
        }
    }
    passing.join(" ")
}

#[tokio::test]
async fn any_all_a_rule_and_a_predicate_say_who_passes() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let by_role = RequireGroup::when(|user| user.has_role("clerk"));
    for (required, expected) in [
        (RequireGroup::new("Engineers"), "alice"),
        (RequireGroup::new(STAFF), "alice bob"),
        (RequireGroup::new(NOBODYS), ""),
        (RequireGroup::any([NOBODYS, ENGINEERS]), "alice"),
        (RequireGroup::all([STAFF, ENGINEERS]), "alice"),
        (RequireGroup::all([STAFF, NOBODYS]), ""),
        (RequireGroup::new(!GroupRule::dn(ENGINEERS)), "bob"),
        // What only the server can compare lets nobody pass.
        (RequireGroup::new("ENGINEERS"), ""),
        (Ok(by_role), "bob"),
    ] {
        let required = required.expect("a rule");
        let clerk = GroupRule::dn(STAFF) & !GroupRule::dn(ENGINEERS);
        let layer = with(&realm, &ldap).role("clerk", clerk);
        let description = format!("{required:?}");
        assert_eq!(
            passing(&realm, layer, required).await,
            expected,
            "{description}"
        );
    }
}

#[tokio::test]
async fn several_around_a_route_must_all_let_pass() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let staff = RequireGroup::new(STAFF).expect("a rule");
    let inside: MethodRouter = get(async || "Welcome").layer(engineers());
    let inside = inside.layer(staff);
    let routes = Router::new().route("/inside", inside);
    let site = Site::of(routes, with(&realm, &ldap));
    let (mut alice, mut bob) = (site.browser(), site.browser());
    let answer = alice.get_with("/inside", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "Welcome", "{answer:?}");
    is_denied(&bob.get_with("/inside", &token(&realm, "bob")).await);
}

#[tokio::test]
async fn what_the_directory_does_not_tell_lets_nobody_pass_nor_does_its_contrary() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    // It could tell, and does not of this group.
    let told = || layer(&realm).directory(Told(vec![Group::new("Staff")]));
    let by_sid = || GroupRule::from("S-1-5-32-544");
    let name = || GroupRule::name("Suspended");
    for (layer, rule, words) in [
        (told(), by_sid(), "has no SID"),
        (told(), !by_sid(), "GroupRule::dn(..)"),
        (with(&realm, &ldap), !by_sid(), "An LdapDirectory knows"),
        (layer(&realm), name(), "PrincipalOnly knows no groups"),
        (layer(&realm), !name(), "PrincipalOnly knows no groups"),
    ] {
        let site = Site::of(routes(RequireGroup::new(rule).expect("a rule")), layer);
        let mut alice = site.browser();
        let answer = alice.get_with("/inside", &token(&realm, "alice")).await;
        assert_eq!(answer.kind(), Some(ErrorKind::DirectoryMisconfigured));
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        let error = answer.error.expect("an error").to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn nobody_is_challenged_where_the_layer_lets_nobody_pass() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = Site::of(routes(engineers()), with(&realm, &ldap).optional());
    let mut browser = site.browser();
    assert_eq!(browser.get("/").await.body, "Hello");
    browser.get("/inside").await.is_challenge();
    let answer = browser.get_with("/inside", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "Welcome", "{answer:?}");
    assert_eq!(browser.get("/inside").await.body, "Welcome");
}

#[tokio::test]
async fn without_a_layer_around_it_the_answer_is_500_with_a_hint() {
    let realm = realm();
    let everybody = || RequireGroup::when(|_| true);
    let spnego = || layer(&realm).optional().build().expect("starts");
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    for app in [
        routes(everybody()),
        // In the wrong order: what is added later is outside.
        Router::new()
            .route("/inside", get(async || "Welcome"))
            .layer(spnego())
            .layer(everybody())
            .layer(sessions),
    ] {
        let answer = app.oneshot(request("/inside")).await.expect("infallible");
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = to_bytes(answer.into_body(), 1024).await.expect("a body");
        let body = String::from_utf8_lossy(&body);
        assert!(
            body.contains("Perhaps you forgot") && body.contains("RequireGroup"),
            "{body}"
        );
    }
}

/// All of the application is optional, a part of it is strict, and of that a part is for few.
#[tokio::test]
async fn inside_of_two_layers_it_judges_whom_they_let_pass() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let directory = tower_spnego::SharedDirectory::new(
        crate::ldap::people(&ldap).build().expect("a directory"),
    );
    let page =
        |_: &_, error: &tower_spnego::Error| Html(format!("inner {}", error.kind().status()));
    let strict = layer(&realm)
        .directory(directory.clone())
        .refusal_page(page);
    let inner = routes(engineers()).layer(strict.build().expect("starts"));
    let outer = layer(&realm)
        .directory(directory)
        .optional()
        .refusal_page(|_, _| "outer");
    let site = Site::of(Router::new().nest("/admin", inner), outer);
    let (mut alice, mut bob) = (site.browser(), site.browser());
    let path = "/admin/inside";
    let answer = alice.get_with(path, &token(&realm, "alice")).await;
    assert_eq!(answer.body, "Welcome", "{answer:?}");
    assert_eq!(alice.get(path).await.body, "Welcome");
    let first = bob.get_with(path, &token(&realm, "bob")).await;
    assert!(first.token().is_some(), "the final token");
    for answer in [first, bob.get(path).await] {
        is_denied(&answer);
        assert_eq!(answer.body, "inner 403 Forbidden");
    }
}

#[tokio::test]
async fn its_refusal_looks_like_the_layers_own() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = Site::of(routes(engineers()), with(&realm, &ldap));
    let mut bob = site.signed_in(&realm, "bob").await;
    let answer = bob
        .send(with_header(request("/inside"), "accept", "text/html"))
        .await;
    is_denied(&answer);
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(answer.body.contains("You may not open this page"));
    let answer = bob.get("/inside").await;
    is_denied(&answer);
    assert!(answer.body.starts_with("You may not open this page."));
}

#[tokio::test]
async fn it_goes_around_any_service_whose_answer_is_a_response() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let inner = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(StatusCode::ACCEPTED));
    let spnego = with(&realm, &ldap).build().expect("starts");
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let app = sessions.layer(spnego.layer(engineers().layer(inner)));
    for (user, status) in [
        ("alice", StatusCode::ACCEPTED),
        ("bob", StatusCode::FORBIDDEN),
    ] {
        let request = with_token(request("/"), &token(&realm, user));
        let answer = app.clone().oneshot(request).await.expect("infallible");
        assert_eq!(answer.status(), status);
    }
}

#[test]
fn a_rule_that_can_not_be_one_makes_no_layer() {
    for (required, words) in [
        (RequireGroup::new("CN=Staff;OU=Groups"), "it is no DN"),
        (RequireGroup::new("S-1-5-x"), r#""S-1-5-x" is wrong"#),
        (RequireGroup::new(" "), "no group has an empty name"),
        (RequireGroup::any([] as [&str; 0]), "no rules at all"),
        (RequireGroup::all([] as [&str; 0]), "no rules at all"),
    ] {
        let error = required.expect_err("a mistake");
        assert!(matches!(error, ConfigError::GroupRule { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

//! Who is challenged, and what a refusal looks like.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{Method, StatusCode};
use tower::{Layer, ServiceExt};
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::{
    Challenge, Directory, DirectoryError, ErrorKind, Initiator, Login, NoLogin, Principal,
    SpnegoConnection, User,
};

use crate::process;
use crate::site::{
    Answer, SPN, Site, layer, post, realm, request, routes, token, with_header, with_token,
};

#[tokio::test]
async fn a_rule_decides_who_is_challenged_who_passes_as_nobody_and_who_gets_403() {
    let rule = |request: &http::request::Parts| {
        let agent = request.headers.get("user-agent");
        let peer = SpnegoConnection::of(&request.extensions).and_then(SpnegoConnection::peer);
        if request.method == Method::OPTIONS || request.uri.path() == "/maybe" {
            NoLogin::PassAsNobody
        } else if agent.is_some_and(|agent| agent == "robot")
            || peer.is_some_and(|peer| peer.ip().is_loopback())
        {
            NoLogin::Forbid
        } else {
            NoLogin::Challenge
        }
    };
    let realm = realm();
    let site = Site::new(layer(&realm).without_login(rule));
    site.browser().get("/").await.is_challenge();
    assert_eq!(site.browser().get("/maybe").await.body, "Hello, stranger");
    let mut preflight = request("/status/204");
    *preflight.method_mut() = Method::OPTIONS;
    let answer = site.browser().send(preflight).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let robot = || with_header(request("/"), "user-agent", "robot");
    let answer = site.browser().send(robot()).await;
    answer.is_forbidden(ErrorKind::NotChallenged);
    assert!(answer.challenges().is_empty());
    let mut local = request("/");
    let connection = SpnegoConnection::new(Some(([127, 0, 0, 1], 80).into()));
    local.extensions_mut().insert(connection);
    let answer = site.browser().send(local).await;
    answer.is_forbidden(ErrorKind::NotChallenged);

    // Whoever brings a ticket or a login is not asked about.
    let with_ticket = with_token(robot(), &token(&realm, "alice"));
    let mut alice = site.browser();
    alice.send(with_ticket).await.is_hello("alice");
    alice.send(robot()).await.is_hello("alice");
    let bad = with_token(request("/maybe"), b"hello");
    let answer = site.browser().send(bad).await;
    answer.is_rejected(ErrorKind::NotKerberos);
}

/// A second way in, and a door that asks for more than a login of some time ago.
fn asking() -> Router {
    let second_way = async |user: Option<User>, request: Request| match user {
        Some(user) => user.username().to_owned().into_response(),
        None if request.headers().contains_key("x-api-key") => "a program".into_response(),
        None => Challenge.into_response(),
    };
    let fresh = async |login: Option<Login>| match login {
        Some(login) if login.expires().is_none() => "never".into_response(),
        _ => Challenge.into_response(),
    };
    Router::new()
        .route("/second-way", get(second_way))
        .route("/fresh", get(fresh))
}

#[tokio::test]
async fn a_handler_asks_for_a_challenge_itself() {
    let realm = realm();
    let site = Site::of(asking(), layer(&realm).optional());
    let program = with_header(request("/second-way"), "x-api-key", "1");
    assert_eq!(site.browser().send(program).await.body, "a program");
    let mut alice = site.browser();
    let html = with_header(request("/second-way"), "accept", "text/html");
    let answer = alice.send(html).await;
    answer.is_challenge();
    assert!(answer.body.contains("<html"), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = alice.get_with("/second-way", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "alice");
    // Asked with a login, and again with a fresh token: then it ends.
    alice.get("/fresh").await.is_challenge();
    let answer = alice.get_with("/fresh", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(!answer.challenges().contains(&"Negotiate"));
}

/// As an outer layer that knows the holders of API keys.
async fn api_keys(mut request: Request, next: Next) -> Response {
    if request.headers().contains_key("x-api-key") {
        let principal: Principal = "robot@KEYS".parse().expect("a principal");
        let user = User::builder(principal).build();
        request.extensions_mut().insert(user);
    }
    next.run(request).await
}

fn with_key(request: Request) -> Request {
    with_header(request, "x-api-key", "1")
}

#[tokio::test]
async fn another_layers_user_is_respected_when_asked() {
    let realm = realm();
    let mut site = Site::new(layer(&realm).respect_user());
    site.router = site.router.layer(from_fn(api_keys));
    let mut robot = site.browser();
    robot.send(with_key(request("/"))).await.is_hello("robot");
    assert_eq!(robot.cookie, None, "nothing is stored");
    // It has no login, and whatever else the request brings is not looked at.
    let answer = robot.send(with_key(request("/login"))).await;
    answer.is_challenge();
    let both = |path| with_token(with_key(request(path)), &token(&realm, "alice"));
    robot.send(both("/")).await.is_hello("robot");
    let answer = robot.send(both("/login")).await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "asked again, it would never end"
    );
    let bearer = with_header(with_key(request("/")), "authorization", "Bearer x");
    robot.send(bearer).await.is_hello("robot");
    // The guard stands before it.
    let foreign = with_header(with_key(post("/")), "origin", "https://evil.test");
    let answer = robot.send(foreign).await;
    answer.is_forbidden(ErrorKind::CrossSite);
    robot.get("/").await.is_challenge();
}

#[tokio::test]
async fn another_layers_user_counts_for_nothing_unless_asked() {
    let realm = realm();
    let mut site = Site::new(layer(&realm).optional());
    site.router = site.router.layer(from_fn(api_keys));
    let answer = site.browser().send(with_key(request("/maybe"))).await;
    assert_eq!(answer.body, "Hello, stranger");
}

/// The outer layer of two has looked at nothing but the user.
#[tokio::test]
async fn another_layers_user_is_respected_in_a_layer_inside_too() {
    let realm = realm();
    let mut site = Site::new(layer(&realm));
    let respecting = || layer(&realm).respect_user();
    let inner = respecting().build().expect("starts");
    let part = |inner| {
        let outer = respecting().optional().build().expect("starts");
        Router::new()
            .nest("/part", routes(&Default::default()).layer(inner))
            .layer(outer)
            .layer(from_fn(api_keys))
            .layer(SessionManagerLayer::new(MemoryStore::default()).with_secure(false))
    };
    site.router = part(inner);
    let mut alice = site.browser();
    let alices = token(&realm, "alice");
    let answer = alice.get_with("/part/maybe", &alices).await;
    answer.is_hello("alice");
    let answer = alice.send(with_key(request("/part/maybe"))).await;
    answer.is_hello("robot");
    let mut robot = site.browser();
    let answer = robot.send(with_key(request("/part/maybe"))).await;
    answer.is_hello("robot");

    // One that respects nobody reads the token, or clients would be asked for it for ever.
    site.router = part(layer(&realm).build().expect("starts"));
    let both = with_token(with_key(request("/part/maybe")), &token(&realm, "alice"));
    let mut browser = site.browser();
    browser.send(both).await.is_hello("alice");
}

/// A site that refuses in every way there is.
struct Down;

impl Directory for Down {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        match who.name() {
            "bob" => Err(DirectoryError::denied()),
            _ => Err(DirectoryError::unavailable()),
        }
    }
}

#[tokio::test]
async fn after_a_refused_token_negotiate_is_not_offered_again_if_so_told() {
    let realm = realm();
    let site = Site::new(layer(&realm).negotiate_once());
    site.browser().get("/").await.is_challenge();
    let answer = site.browser().get_with("/", b"hello").await;
    answer.is_forbidden(ErrorKind::NotKerberos);
    assert!(answer.challenges().is_empty());
    let token = token(&realm, "alice");
    site.browser().get_with("/", &token).await.is_hello("alice");
    let answer = site.browser().get_with("/", &token).await;
    answer.is_forbidden(ErrorKind::Replay);
    assert!(answer.challenges().is_empty());
}

#[tokio::test]
async fn negotiate_once_leaves_a_handshake_of_several_requests_alone() {
    let realm = realm();
    let site = Site::new(layer(&realm).negotiate_once());
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let handshake = alice.handshake(SPN).ntlm_first().start().expect("a token");
    let mut first = with_token(request("/"), handshake.token());
    first.extensions_mut().insert(SpnegoConnection::new(None));
    let answer = site.browser().send(first).await;
    answer.is_rejected(ErrorKind::HandshakeGoesOn);
}

#[tokio::test]
async fn every_refusal_shows_the_applications_page_and_keeps_what_it_needs() {
    let page = |request: &http::request::Parts, error: &tower_spnego::Error| {
        let kind = error.kind();
        let mut response =
            Html(format!("{} {}", request.uri.path(), kind.status())).into_response();
        let headers = response.headers_mut();
        // None of these can be the page's to say.
        headers.insert("www-authenticate", "Digest".parse().expect("a header"));
        headers.insert("cache-control", "public".parse().expect("a header"));
        headers.insert("x-page", "own".parse().expect("a header"));
        *response.status_mut() = StatusCode::OK;
        response
    };
    let realm = realm();
    let site = Site::new(layer(&realm).directory(Down).refusal_page(page));
    let mut browser = site.browser();
    let is_own = |answer: &Answer, status: &str| {
        assert_eq!(answer.status.to_string(), status);
        assert_eq!(answer.body, format!("/ {status}"));
        assert_eq!(answer.header("x-page"), Some("own"));
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("vary"), Some("Cookie, Authorization"));
        assert!(answer.error.is_some());
        assert!(!answer.challenges().contains(&"Digest"));
    };
    let answer = browser.get("/").await;
    is_own(&answer, "401 Unauthorized");
    answer.is_challenge();
    let answer = browser.get_with("/", b"hello").await;
    is_own(&answer, "401 Unauthorized");
    assert_eq!(answer.challenges(), ["Negotiate oQcwBaADCgEC"]);
    let answer = browser.get_with("/", &token(&realm, "bob")).await;
    is_own(&answer, "403 Forbidden");
    assert_eq!(answer.challenges().len(), 1, "the final token");
    let foreign = with_header(post("/"), "origin", "https://evil.test");
    let answer = browser.send(foreign).await;
    is_own(&answer, "403 Forbidden");
    assert!(answer.challenges().is_empty());
    let answer = browser.get_with("/", &token(&realm, "alice")).await;
    is_own(&answer, "503 Service Unavailable");
    assert_eq!(answer.header("retry-after"), Some("5"));
}

#[tokio::test]
async fn a_handlers_challenge_shows_the_applications_page_too() {
    let realm = realm();
    let layer = layer(&realm).optional();
    let layer = layer.refusal_page(|request, _| format!("own of {}", request.uri.path()));
    let site = Site::new(layer);
    let answer = site.browser().get("/who").await;
    answer.is_challenge();
    assert_eq!(answer.body, "own of /who");
    // A handler's own 401 is its own.
    let answer = site.browser().get("/status/401").await;
    assert_eq!((answer.body.as_str(), answer.challenges().len()), ("", 0));
}

/// A router that the layer goes around as a whole sends a length, and a layer may compress.
#[tokio::test]
async fn a_challenge_keeps_no_word_on_the_body_that_it_replaces() {
    let realm = realm();
    let packed = async || ([("content-encoding", "gzip"), ("x-own", "kept")], Challenge);
    let routes = Router::new().route("/", get(packed));
    let spnego = layer(&realm).optional().build().expect("starts");
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let app = sessions.layer(spnego.layer(routes));
    let asked = with_header(request("/"), "accept", "text/html");
    let answer = app.oneshot(asked).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("a body");
    assert!(body.starts_with(b"<!"), "{body:?}");
    let length = parts.headers.get("content-length");
    let length = length.map(|length| length.to_str().expect("text").to_owned());
    assert!(
        length.is_none_or(|length| length == body.len().to_string()),
        "not of this body"
    );
    assert_eq!(parts.headers.get("content-encoding"), None);
    assert_eq!(parts.headers["x-own"], "kept");
}

#[tokio::test]
async fn a_handlers_challenge_is_logged_as_what_the_client_gets() {
    if !process::is_own() {
        let none: [(&str, &str); 0] = [];
        let test = "refusals::a_handlers_challenge_is_logged_as_what_the_client_gets";
        return process::run(test, none);
    }
    let log = crate::log::record();
    let realm = realm();
    let site = Site::of(
        asking().merge(routes(&Arc::default())),
        layer(&realm).optional(),
    );
    let mut alice = site.signed_in(&realm, "alice").await;
    alice.get("/logout").await;
    alice.get("/second-way").await.is_signed_out();
    let lines = log.text();
    assert_eq!(lines.matches("kind=SignedOut").count(), 1, "{lines}");
    assert_eq!(lines.matches("kind=NoCredentials").count(), 0, "{lines}");

    site.browser().get("/second-way").await.is_challenge();
    let lines = log.text();
    assert_eq!(lines.matches("kind=NoCredentials").count(), 1, "{lines}");
}

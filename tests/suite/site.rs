//! An application behind the layer, and a client that keeps cookies.

use std::fs::File;
use std::path::Path as FilePath;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{any, get};
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, SET_COOKIE, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use rustix::fs::{FlockOperation, fcntl_lock};
use tower::ServiceExt;
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore};
use tower_spnego::testing::{TestRealm, authorization};
use tower_spnego::{Error, ErrorKind, Login, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder, User};

pub const SPN: &str = "HTTP/localhost";

/// The realm that tests share which need nothing special of theirs; it ends with the last of them.
pub fn realm() -> Arc<TestRealm> {
    static SHARED: Mutex<Weak<TestRealm>> = Mutex::new(Weak::new());
    let mut shared = SHARED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    shared.upgrade().unwrap_or_else(|| {
        let realm = Arc::new(TestRealm::start().expect("a KDC starts"));
        *shared = Arc::downgrade(&realm);
        realm
    })
}

/// A fresh token of this user's for the site.
pub fn token(realm: &TestRealm, user: &str) -> Vec<u8> {
    let cache = realm.ticket_cache(user).expect("a ticket");
    cache.token(SPN).expect("a token")
}

/// A layer for `realm` and no directory.
pub fn layer(realm: &TestRealm) -> SpnegoLayerBuilder {
    SpnegoLayer::builder()
        .realm(realm.realm())
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly)
}

/// Holds off every accept that writes the replay cache in this folder, until the file is dropped.
/// A record lock does so also within one process (fcntl(2), "open file description locks").
pub fn lock_replay_cache(folder: &FilePath) -> File {
    let uid = rustix::process::geteuid().as_raw();
    let path = folder.join(format!("krb5_{uid}.rcache2"));
    let file = File::options().write(true).open(path);
    let file = file.expect("the replay cache");
    fcntl_lock(&file, FlockOperation::LockExclusive).expect("locks");
    file
}

/// A clock that tests move.
#[derive(Clone, Default)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    pub fn reader(&self) -> impl Fn() -> SystemTime + Send + Sync + use<> {
        let ahead = Arc::clone(&self.0);
        move || SystemTime::now() + Duration::from_secs(ahead.load(Ordering::SeqCst))
    }
}

/// The application.
#[derive(Clone)]
pub struct Site {
    pub router: Router,
    calls: Arc<AtomicUsize>,
}

impl Site {
    pub fn new(layer: SpnegoLayerBuilder) -> Self {
        Self::with_store(layer, MemoryStore::default())
    }

    pub fn with_store(layer: SpnegoLayerBuilder, store: impl SessionStore + Clone) -> Self {
        Self::build(own_routes(), layer, store)
    }

    /// Another application than the usual one.
    pub fn of(routes: Router, layer: SpnegoLayerBuilder) -> Self {
        Self::build(routes, layer, MemoryStore::default())
    }

    /// Another application on a store of its own.
    pub fn build(
        routes: Router,
        layer: SpnegoLayerBuilder,
        store: impl SessionStore + Clone,
    ) -> Self {
        let layer = layer.build().expect("the layer starts");
        let sessions = SessionManagerLayer::new(store)
            .with_secure(false)
            .with_same_site(SameSite::Lax);
        let calls = Arc::new(AtomicUsize::new(0));
        Self {
            router: counted(routes, &calls).layer(layer).layer(sessions),
            calls,
        }
    }

    /// How often a handler was called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// A browser in whose session this user is signed in.
    pub async fn signed_in(&self, realm: &TestRealm, user: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.get_with("/", &token(realm, user)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        browser
    }

    /// The same, with a pear in the cart.
    pub async fn with_a_pear(&self, realm: &TestRealm, user: &str) -> Browser {
        let mut browser = self.signed_in(realm, user).await;
        assert_eq!(browser.get("/cart/add/pear").await.body, "pear");
        browser
    }

    pub fn browser(&self) -> Browser {
        Browser::of(self.router.clone())
    }
}

/// The application's routes, with no layer of ours.
pub fn routes(calls: &Arc<AtomicUsize>) -> Router {
    counted(own_routes(), calls)
}

fn counted(routes: Router, calls: &Arc<AtomicUsize>) -> Router {
    let calls = Arc::clone(calls);
    routes.layer(from_fn(move |request: Request, next: Next| {
        calls.fetch_add(1, Ordering::SeqCst);
        next.run(request)
    }))
}

pub fn own_routes() -> Router {
    Router::new()
        .route(
            "/",
            any(async |user: User| format!("Hello, {}", user.username())),
        )
        .route(
            "/maybe",
            get(async |user: Option<User>| match user {
                Some(user) => format!("Hello, {}", user.username()),
                None => "Hello, stranger".to_owned(),
            }),
        )
        .route("/who", get(async |user: User| who(&user)))
        .route("/login", get(async |login: Login| describe(&login)))
        .route("/logout", get(logout))
        .route("/cart/add/{item}", get(add_to_cart))
        .route(
            "/cart",
            get(async |session: Session| cart(&session).await.join(",")),
        )
        .route(
            "/status/{code}",
            any(async |Path(code): Path<u16>| StatusCode::from_u16(code).expect("a status")),
        )
}

/// What the directory says of a person.
pub fn who(user: &User) -> String {
    let mut groups: Vec<_> = user.groups().map(|group| group.name()).collect();
    groups.sort_unstable();
    format!(
        "{} <{}> in {}",
        user.display_name(),
        user.email().unwrap_or_default(),
        groups.join(", ")
    )
}

fn describe(login: &Login) -> String {
    let seconds = login.expires().map(|end| {
        let left = end.duration_since(login.signed_in());
        left.map_or(0, |left| left.as_secs())
    });
    format!("{} {seconds:?}", login.principal())
}

async fn logout(login: Login) -> Result<&'static str, Error> {
    login.logout().await?;
    Ok("Goodbye")
}

async fn add_to_cart(session: Session, Path(item): Path<String>) -> String {
    let mut items = cart(&session).await;
    items.push(item);
    session.insert("cart", &items).await.expect("inserts");
    items.join(",")
}

async fn cart(session: &Session) -> Vec<String> {
    let cart = session.get("cart").await.expect("reads");
    cart.unwrap_or_default()
}

/// A client that keeps its session cookie.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookie: Option<String>,
}

impl Browser {
    /// One that has no cookie yet.
    pub fn of(router: Router) -> Self {
        Self {
            router,
            cookie: None,
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(request(path)).await
    }

    pub async fn get_with(&mut self, path: &str, token: &[u8]) -> Answer {
        self.send(with_token(request(path), token)).await
    }

    pub async fn send(&mut self, mut request: Request) -> Answer {
        if let Some(cookie) = &self.cookie {
            let cookie = cookie.parse().expect("a cookie");
            request.headers_mut().insert(COOKIE, cookie);
        }
        let router = self.router.clone();
        let response = router.oneshot(request).await.expect("infallible");
        if let Some(cookie) = response.headers().get(SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let removed = attributes.contains("Max-Age=0");
            self.cookie = (!removed).then(|| pair.to_owned());
        }
        Answer::of(response).await
    }
}

pub fn request(path: &str) -> Request {
    Request::get(path).body(Body::empty()).expect("a request")
}

pub fn post(path: &str) -> Request {
    let mut request = request(path);
    *request.method_mut() = Method::POST;
    request
}

pub fn with_token(mut request: Request, token: &[u8]) -> Request {
    let value = authorization(token).parse().expect("a header");
    request.headers_mut().insert(AUTHORIZATION, value);
    request
}

pub fn with_header(mut request: Request, name: &'static str, value: &str) -> Request {
    let value = value.parse().expect("a header");
    request.headers_mut().append(name, value);
    request
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    pub error: Option<Error>,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.into()).expect("text"),
            error: parts.extensions.get::<Error>().cloned(),
        }
    }

    pub fn kind(&self) -> Option<ErrorKind> {
        self.error.as_ref().map(Error::kind)
    }

    pub fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("text"))
    }

    /// The values of `WWW-Authenticate`.
    pub fn challenges(&self) -> Vec<&str> {
        let values = self.headers.get_all(WWW_AUTHENTICATE).iter();
        values.map(|value| value.to_str().expect("text")).collect()
    }

    /// The token beside `Negotiate`, where there is one.
    pub fn token(&self) -> Option<Vec<u8>> {
        use base64::Engine;
        let encoded = self.header(WWW_AUTHENTICATE)?.strip_prefix("Negotiate ")?;
        let token = base64::engine::general_purpose::STANDARD.decode(encoded);
        Some(token.expect("base64"))
    }

    #[track_caller]
    pub fn is_hello(&self, name: &str) {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        assert_eq!(self.body, format!("Hello, {name}"));
    }

    #[track_caller]
    pub fn is_challenge(&self) {
        assert_eq!(self.status, StatusCode::UNAUTHORIZED, "{self:?}");
        assert_eq!(self.challenges(), ["Negotiate"]);
        assert_eq!(self.kind(), Some(ErrorKind::NoCredentials));
    }

    /// What the person gets who has signed out.
    #[track_caller]
    pub fn is_signed_out(&self) {
        assert_eq!(self.status, StatusCode::FORBIDDEN, "{self:?}");
        assert_eq!(self.kind(), Some(ErrorKind::SignedOut));
        assert!(self.challenges().is_empty(), "{self:?}");
        assert!(self.body.starts_with("You are signed out."), "{self:?}");
    }

    /// A 401 with a reject token and no challenge.
    #[track_caller]
    pub fn is_rejected(&self, kind: ErrorKind) {
        assert_eq!(self.kind(), Some(kind), "{self:?}");
        assert_eq!(self.status, StatusCode::UNAUTHORIZED);
        assert_eq!(self.challenges().len(), 1, "{:?}", self.challenges());
        assert!(self.token().is_some(), "{:?}", self.challenges());
        self.says_nothing(kind);
    }

    #[track_caller]
    pub fn is_forbidden(&self, kind: ErrorKind) {
        assert_eq!(self.kind(), Some(kind), "{self:?}");
        assert_eq!(self.status, StatusCode::FORBIDDEN);
        assert!(!self.challenges().contains(&"Negotiate"), "{self:?}");
        assert_eq!(self.headers.get(SET_COOKIE), None, "nothing stored");
        self.says_nothing(kind);
    }

    #[track_caller]
    fn says_nothing(&self, kind: ErrorKind) {
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let error = self.error.as_ref().expect("an error").to_string();
        assert!(!self.body.contains(&error), "the cause stays in the log");
        assert!(!self.body.contains(&format!("{kind:?}")));
    }
}

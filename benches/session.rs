//! What a request on a live login costs, beside a handler that reads one key of its session:
//! `cargo bench --features testing --bench session`.
//!
//! Everything runs in process, one request after another, in alternating rounds; the store is in
//! memory, so that no network hides our part. The rounds are short, and what counts is a fast one,
//! which nothing else on the machine has interrupted.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use tower::ServiceExt;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};
use tower_spnego::testing::{TestRealm, authorization};
use tower_spnego::{Directory, DirectoryError, Group, Initiator, SpnegoLayer, User};

const ROUNDS: usize = 2_000;
const REQUESTS: u32 = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let realm = TestRealm::start().expect("a KDC");
    let mut apps = vec![
        App::plain(),
        App::reading_one_key("one key of the session", 0).await,
        App::reading_one_key("one key, 20 KB beside it", 20_000).await,
        App::signed_in(&realm, 5, Asks::Process).await,
        App::signed_in(&realm, 5, Asks::Store).await,
        App::signed_in(&realm, 200, Asks::Process).await,
        App::signed_in(&realm, 200, Asks::Store).await,
    ];
    for _ in 0..ROUNDS {
        for app in &mut apps {
            app.run().await;
        }
    }
    let base = apps[1].undisturbed();
    for app in &mut apps {
        let time = app.undisturbed();
        let ratio = time.as_secs_f64() / base.as_secs_f64();
        println!("{:<42} {time:>8.2?}  {ratio:.2}x", app.name);
    }
    println!("target: a live login within 1.15x of one key for 5 groups, 1.4x for 200");
}

/// What is asked whether a login has been ended.
#[derive(Debug, Clone, Copy)]
enum Asks {
    Process,
    /// As where the layer was told of it.
    Store,
}

struct App {
    name: String,
    router: Router,
    cookie: String,
    rounds: Vec<Duration>,
}

impl App {
    fn new(name: impl Into<String>, router: Router) -> Self {
        Self {
            name: name.into(),
            router,
            cookie: "other=1".to_owned(),
            rounds: Vec::new(),
        }
    }

    fn plain() -> Self {
        Self::new(
            "no session",
            Router::new().route("/", get(async || "Hello")),
        )
    }

    /// The store copies the whole session for each request, whoever put what into it.
    async fn reading_one_key(name: &str, beside: usize) -> Self {
        let start = async move |session: Session| {
            session.insert("name", "alice").await.expect("inserts");
            if beside > 0 {
                let other = "x".repeat(beside);
                session.insert("other", other).await.expect("inserts");
            }
        };
        async fn hello(session: Session) -> String {
            let name: Option<String> = session.get("name").await.expect("reads");
            format!("Hello, {}", name.expect("a name"))
        }
        let router = Router::new()
            .route("/", get(hello))
            .route("/start", get(start));
        let mut app = Self::new(name, router.layer(sessions(MemoryStore::default())));
        app.keep_cookie(request("/start")).await;
        app
    }

    async fn signed_in(realm: &TestRealm, groups: usize, asks: Asks) -> Self {
        let store = MemoryStore::default();
        let builder = SpnegoLayer::builder()
            .realm(realm.realm())
            .hostname("localhost")
            .keytab(realm.keytab())
            .directory(InGroups(groups));
        let builder = match asks {
            Asks::Process => builder,
            Asks::Store => builder.session_store(store.clone()),
        };
        let spnego = builder.build().expect("starts");
        let router = Router::new().route(
            "/",
            get(async |user: User| format!("Hello, {}", user.username())),
        );
        let router = router.layer(spnego).layer(sessions(store));
        let mut app = Self::new(
            format!("a live login, {groups} groups, asks {asks:?}"),
            router,
        );
        let cache = realm.ticket_cache("alice").expect("a ticket");
        let token = cache.token("HTTP/localhost").expect("a token");
        let mut request = request("/");
        let value = authorization(&token).parse().expect("a header");
        request.headers_mut().insert(AUTHORIZATION, value);
        app.keep_cookie(request).await;
        app
    }

    async fn keep_cookie(&mut self, request: Request) {
        let answer = self.router.clone().oneshot(request).await;
        let answer = answer.expect("infallible");
        assert!(answer.status().is_success(), "{answer:?}");
        let cookie = answer.headers()[SET_COOKIE].to_str().expect("text");
        let (cookie, _) = cookie.split_once(';').expect("attributes");
        self.cookie = cookie.to_owned();
    }

    async fn run(&mut self) {
        let mut service = self.router.clone().into_service::<Body>();
        let start = Instant::now();
        for _ in 0..REQUESTS {
            let mut request = request("/");
            let cookie = self.cookie.parse().expect("a header");
            request.headers_mut().insert(COOKIE, cookie);
            let answer: Response = (&mut service).oneshot(request).await.expect("infallible");
            assert!(answer.status().is_success());
        }
        self.rounds.push(start.elapsed() / REQUESTS);
    }

    /// The fastest fifth of the rounds took no longer.
    fn undisturbed(&mut self) -> Duration {
        self.rounds.sort_unstable();
        self.rounds[ROUNDS / 5]
    }
}

fn sessions(store: MemoryStore) -> SessionManagerLayer<MemoryStore> {
    SessionManagerLayer::new(store).with_secure(false)
}

fn request(path: &str) -> Request {
    Request::get(path).body(Body::empty()).expect("a request")
}

/// A directory in which everybody is in as many groups.
struct InGroups(usize);

impl Directory for InGroups {
    async fn find(&self, initiator: &Initiator) -> Result<User, DirectoryError> {
        let mut user = User::builder(initiator.principal().clone())
            .display_name("Alice Liddell")
            .email("alice@example.test");
        for number in 0..self.0 {
            let name = format!("Department {number}");
            let dn = format!("CN={name},OU=Groups,DC=example,DC=test");
            user = user.group(Group::new(name).with_dn(dn));
        }
        Ok(user.build())
    }
}

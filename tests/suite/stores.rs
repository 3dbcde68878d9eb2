//! What holds of a login holds on every store, and on every server that shares it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;
use tower_sessions::session::{Id, Record};
use tower_sessions::{MemoryStore, SessionStore, session_store};
use tower_sessions_sqlx_store::SqliteStore;
use tower_spnego::ErrorKind;
use tower_spnego::testing::TestRealm;

use self::postgres::Postgres;
use self::redis::Redis;
use crate::not_run;
use crate::site::{Browser, Site, TestClock, layer, realm, token};

mod postgres;
pub mod redis;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Any store behind one type.
#[derive(Clone)]
pub struct AnyStore(Arc<dyn SessionStore>);

impl AnyStore {
    pub fn new(store: impl SessionStore) -> Self {
        Self(Arc::new(store))
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyStore")
    }
}

#[async_trait]
impl SessionStore for AnyStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        self.0.create(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.0.save(record).await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        self.0.load(id).await
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0.delete(id).await
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Memory,
    Sqlite,
    Redis,
    Postgres,
}

/// What holds the sessions.
pub enum Store {
    Memory(MemoryStore),
    Sqlite(TempDir),
    Redis(Redis),
    Postgres(Postgres),
}

impl Store {
    /// None where its program is missing, which is told.
    pub async fn start(kind: Kind, test: &str) -> Option<Self> {
        let store = match kind {
            Kind::Memory => Some(Self::Memory(MemoryStore::default())),
            Kind::Sqlite => Some(Self::Sqlite(tempfile::tempdir().expect("a folder"))),
            Kind::Redis => Redis::start().await.map(Self::Redis),
            Kind::Postgres => Postgres::start().await.map(Self::Postgres),
        };
        if store.is_none() {
            not_run(test, &format!("{kind:?} is missing"));
        }
        store
    }

    /// As another server opens it.
    pub async fn open(&self) -> AnyStore {
        match self {
            Self::Memory(store) => AnyStore::new(store.clone()),
            Self::Sqlite(folder) => AnyStore::new(sqlite(folder).await),
            Self::Redis(redis) => redis.open().await,
            Self::Postgres(postgres) => postgres.open().await,
        }
    }

    async fn site(&self, realm: &TestRealm, clock: &TestClock) -> Site {
        Site::with_store(layer(realm).clock(clock.reader()), self.open().await)
    }

    fn stop(&mut self) {
        match self {
            Self::Redis(redis) => redis.stop(),
            Self::Postgres(postgres) => postgres.stop(),
            Self::Memory(_) | Self::Sqlite(_) => panic!("there is no server"),
        }
    }

    async fn restart(&mut self) {
        match self {
            Self::Redis(redis) => redis.restart().await,
            Self::Postgres(postgres) => postgres.restart().await,
            Self::Memory(_) | Self::Sqlite(_) => panic!("there is no server"),
        }
    }
}

async fn sqlite(folder: &TempDir) -> SqliteStore {
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("sessions"))
        .create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.expect("opens");
    let store = SqliteStore::new(pool);
    store.migrate().await.expect("makes its table");
    store
}

/// Runs each test on each of these stores.
macro_rules! on {
    ($($module:ident $kind:ident),+ $(,)? : $tests:tt) => {
        $($crate::stores::on!(@store $module $kind $tests);)+
    };
    (@store $module:ident $kind:ident { $($test:ident),+ $(,)? }) => {
        mod $module {
            use $crate::stores::{Kind, Store};

            $(
                #[tokio::test]
                async fn $test() {
                    let name = concat!(module_path!(), "::", stringify!($test));
                    if let Some(store) = Store::start(Kind::$kind, name).await {
                        super::$test(store).await;
                    }
                }
            )+
        }
    };
}
pub(crate) use on;

on! {
    on_memory Memory, on_sqlite Sqlite, on_redis Redis, on_postgres Postgres: {
        a_login_made_on_one_server_counts_on_another,
        the_cart_outlives_the_login,
        another_user_gets_a_new_id_and_an_empty_session,
        a_logout_ends_the_session_on_every_server,
        renewals_at_once_lose_nothing,
        a_record_that_is_no_login_of_ours_is_none,
    }
}

on! {
    without_redis Redis, without_postgres Postgres: {
        nobody_gets_in_or_goes_on_while_the_store_is_down,
    }
}

async fn a_login_made_on_one_server_counts_on_another(store: Store) {
    let (realm, clock) = (realm(), TestClock::default());
    let one = store.site(&realm, &clock).await;
    let other = store.site(&realm, &clock).await;
    let mut browser = one.with_a_pear(&realm, "alice").await;
    let mut there = other.browser();
    there.cookie = browser.cookie.clone();
    there.get("/").await.is_hello("alice");
    assert_eq!(there.get("/cart/add/plum").await.body, "pear,plum");
    assert_eq!(browser.get("/cart").await.body, "pear,plum");
}

async fn the_cart_outlives_the_login(store: Store) {
    let (realm, clock) = (realm(), TestClock::default());
    let site = store.site(&realm, &clock).await;
    let mut browser = site.with_a_pear(&realm, "alice").await;
    clock.advance(11 * HOUR);
    browser.get("/").await.is_challenge();
    let before = browser.cookie.clone();
    let answer = browser.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "pear");
    assert_eq!(browser.cookie, before);
}

async fn another_user_gets_a_new_id_and_an_empty_session(store: Store) {
    let (realm, clock) = (realm(), TestClock::default());
    let site = store.site(&realm, &clock).await;
    let mut browser = site.with_a_pear(&realm, "alice").await;
    let alices = browser.clone();
    let answer = browser.get_with("/cart", &token(&realm, "bob")).await;
    assert_eq!(answer.body, "");
    assert_ne!(browser.cookie, alices.cookie);
    browser.get("/").await.is_hello("bob");
    is_gone(alices).await;
}

async fn a_logout_ends_the_session_on_every_server(store: Store) {
    let (realm, clock) = (realm(), TestClock::default());
    let one = store.site(&realm, &clock).await;
    let other = store.site(&realm, &clock).await;
    let mut browser = one.with_a_pear(&realm, "alice").await;
    let mut before = other.browser();
    before.cookie = browser.cookie.clone();
    before.get("/").await.is_hello("alice");
    assert_eq!(browser.get("/logout").await.body, "Goodbye");
    for mut browser in [before, browser] {
        browser.get("/").await.is_signed_out();
    }
}

async fn is_gone(mut session: Browser) {
    session.get("/").await.is_challenge();
    assert_eq!(session.get("/maybe").await.status, StatusCode::UNAUTHORIZED);
}

async fn renewals_at_once_lose_nothing(store: Store) {
    let (realm, clock) = (realm(), TestClock::default());
    let site = store.site(&realm, &clock).await;
    let mut browser = site.with_a_pear(&realm, "alice").await;
    clock.advance(11 * HOUR);
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let renewals = (0..8).map(|_| {
        let (mut browser, token) = (browser.clone(), cache.token("HTTP/localhost"));
        async move { browser.get_with("/", &token.expect("a token")).await }
    });
    for answer in join_all(renewals).await {
        answer.is_hello("alice");
    }
    assert_eq!(browser.get("/cart").await.body, "pear");
}

/// Such as an older version's.
async fn a_record_that_is_no_login_of_ours_is_none(store: Store) {
    let (realm, clock) = (realm(), TestClock::default());
    let site = store.site(&realm, &clock).await;
    let mut browser = site.with_a_pear(&realm, "alice").await;
    let records = store.open().await;
    let cookie = browser.cookie.clone().expect("a cookie");
    let (_, id) = cookie.split_once('=').expect("name and value");
    let id: Id = id.parse().expect("an id");
    let sound = records.load(&id).await.expect("loads").expect("a record");
    for (key, value) in [
        ("tower-spnego.login", Value::Null),
        ("tower-spnego.login", json!("")),
        ("tower-spnego.login", json!({ "version": 0 })),
        ("tower-spnego.login", json!("{\"version\":0}")),
        ("tower-spnego.user", Value::Null),
        ("tower-spnego.user", json!("{}")),
        ("tower-spnego.user", json!({ "id": "alice" })),
    ] {
        let mut record = sound.clone();
        let before = record.data.insert(key.to_owned(), value.clone());
        assert!(before.is_some(), "{key} is one of ours");
        // What is parsed is remembered by the head.
        if key == "tower-spnego.user" {
            let head = record.data.get_mut("tower-spnego.login").expect("the head");
            let text = head.as_str().expect("a text");
            *head = json!(format!("{text} "));
        }
        records.save(&record).await.expect("saves");
        browser.get("/").await.is_challenge();
        let answer = browser.get_with("/cart", &token(&realm, "alice")).await;
        assert_eq!(answer.body, "pear", "{key} {value}");
        browser.get("/").await.is_hello("alice");
    }
}

async fn nobody_gets_in_or_goes_on_while_the_store_is_down(mut store: Store) {
    let (realm, clock) = (realm(), TestClock::default());
    let site = store.site(&realm, &clock).await;
    let browser = site.with_a_pear(&realm, "alice").await;
    let handled = site.calls();
    store.stop();
    let live = ["/", "/maybe", "/cart"].map(|path| {
        let mut browser = browser.clone();
        async move { browser.get(path).await }
    });
    for answer in join_all(live).await {
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.kind(), Some(ErrorKind::SessionStore));
        assert_eq!(answer.challenges().len(), 0);
    }
    let new = [browser.clone(), site.browser()].map(|mut browser| {
        let (before, token) = (browser.cookie.clone(), token(&realm, "bob"));
        async move {
            let answer = browser.get_with("/", &token).await;
            assert_eq!(browser.cookie, before, "no cookie of what is not stored");
            answer.status
        }
    });
    for status in join_all(new).await {
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    store.restart().await;
    let mut browser = browser;
    browser.get("/").await.is_hello("alice");
    assert_eq!(browser.get("/cart").await.body, "pear");
    assert!(site.calls() > handled);
}

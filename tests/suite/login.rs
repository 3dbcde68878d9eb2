//! The login's life in the session.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::get;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use tower::ServiceExt;
use tower_sessions::session::{Id, Record};
use tower_sessions::{Expiry, MemoryStore, SessionManagerLayer, SessionStore, session_store};
use tower_spnego::{Challenge, Error, ErrorKind, SignedOut, User};

use crate::site::{Answer, Browser, Site, TestClock, layer, realm, routes, token};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn after_600_minutes_the_login_ends_and_the_rest_of_the_session_stays() {
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).clock(clock.reader()));
    let mut browser = site.with_a_pear(&realm, "alice").await;
    clock.advance(599 * MINUTE);
    browser.get("/").await.is_hello("alice");
    clock.advance(2 * MINUTE);
    let cookie = browser.cookie.clone();
    browser.get("/").await.is_challenge();
    let answer = browser.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "pear");
    assert_eq!(browser.cookie, cookie, "the same user keeps the id");
    browser.get("/").await.is_hello("alice");
}

#[tokio::test]
async fn the_expiry_is_set_in_code() {
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).expire_login(5 * MINUTE).clock(clock.reader()));
    let mut browser = site.signed_in(&realm, "alice").await;
    clock.advance(6 * MINUTE);
    browser.get("/").await.is_challenge();
}

#[tokio::test]
async fn a_login_ends_with_the_ticket_unless_it_is_told_to_outlive_it() {
    let realm = realm();
    let short = || {
        let ticket = realm
            .ticket("alice")
            .lifetime(10 * MINUTE)
            .get()
            .expect("a ticket");
        ticket.token("HTTP/localhost").expect("a token")
    };
    let seconds = |body: &str| -> Option<u64> {
        let number = body.split_once("Some(")?.1.strip_suffix(')')?;
        number.parse().ok()
    };
    let lasts = async |site: Site| {
        let answer = site.browser().get_with("/login", &short()).await;
        assert_eq!(answer.status, StatusCode::OK);
        seconds(&answer.body)
    };
    let until_the_end = lasts(Site::new(layer(&realm))).await.expect("an end");
    assert!(
        (570..=600).contains(&until_the_end),
        "less the clock skew: {until_the_end}"
    );
    assert_eq!(
        lasts(Site::new(layer(&realm).outlive_ticket())).await,
        Some(36_000)
    );
    assert_eq!(
        lasts(Site::new(layer(&realm).never_expire_login())).await,
        None
    );
}

#[tokio::test]
async fn a_login_that_never_expires_outlives_years() {
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).never_expire_login().clock(clock.reader()));
    let mut browser = site.signed_in(&realm, "alice").await;
    clock.advance(10 * 365 * 24 * 60 * MINUTE);
    browser.get("/").await.is_hello("alice");
}

#[tokio::test]
async fn a_login_ends_when_it_is_idle_and_each_use_puts_that_off() {
    let realm = realm();
    let clock = TestClock::default();
    let layer = layer(&realm).never_expire_login().clock(clock.reader());
    let site = Site::new(layer.idle_timeout(30 * MINUTE));
    let mut browser = site.with_a_pear(&realm, "alice").await;
    for _ in 0..5 {
        clock.advance(29 * MINUTE);
        browser.get("/").await.is_hello("alice");
    }
    clock.advance(31 * MINUTE);
    let cookie = browser.cookie.clone();
    browser.get("/").await.is_challenge();
    let answer = browser.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "pear");
    assert_eq!(browser.cookie, cookie);
    clock.advance(29 * MINUTE);
    browser.get("/").await.is_hello("alice");
}

#[tokio::test]
async fn a_use_is_written_at_most_once_in_a_tenth_of_the_idle_time() {
    let realm = realm();
    let clock = TestClock::default();
    let layer = layer(&realm).clock(clock.reader());
    let site = Site::new(layer.idle_timeout(30 * MINUTE));
    let mut browser = site.signed_in(&realm, "alice").await;
    // What is written sends the cookie anew.
    let mut writes = async || {
        let answer = browser.get("/").await;
        answer.is_hello("alice");
        answer.header("set-cookie").is_some()
    };
    for (minutes, written) in [(0, false), (2, false), (1, true), (2, false), (1, true)] {
        clock.advance(minutes * MINUTE);
        assert_eq!(writes().await, written);
    }
}

#[tokio::test]
async fn the_absolute_limit_holds_however_busy_a_login_is() {
    let realm = realm();
    let clock = TestClock::default();
    let layer = layer(&realm).clock(clock.reader());
    let site = Site::new(layer.idle_timeout(120 * MINUTE));
    let mut browser = site.signed_in(&realm, "alice").await;
    for _ in 0..6 {
        clock.advance(99 * MINUTE);
        browser.get("/").await.is_hello("alice");
    }
    clock.advance(10 * MINUTE);
    browser.get("/").await.is_challenge();
}

#[tokio::test]
async fn where_the_session_is_to_end_with_the_login_nothing_is_left_of_it() {
    let realm = realm();
    for idle in [false, true] {
        let clock = TestClock::default();
        let layer = layer(&realm).clock(clock.reader()).flush_on_expiry();
        let site = Site::new(match idle {
            true => layer.never_expire_login().idle_timeout(600 * MINUTE),
            false => layer,
        });
        let mut browser = site.with_a_pear(&realm, "alice").await;
        let mut same = browser.clone();
        clock.advance(601 * MINUTE);
        browser.get("/").await.is_challenge();
        assert_eq!(browser.cookie, None);
        let answer = browser.get_with("/cart", &token(&realm, "alice")).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));

        // Also in the request that signs in.
        let mut browser = site.with_a_pear(&realm, "alice").await;
        clock.advance(601 * MINUTE);
        let before = browser.cookie.clone();
        let answer = browser.get_with("/cart", &token(&realm, "alice")).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
        assert_ne!(browser.cookie, before);
        browser.get("/").await.is_hello("alice");
        same.get("/").await.is_challenge();
    }
}

#[tokio::test]
async fn a_token_of_the_same_user_renews_the_login_and_keeps_id_and_data() {
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).clock(clock.reader()));
    let mut browser = site.with_a_pear(&realm, "alice").await;
    let cookie = browser.cookie.clone();
    clock.advance(500 * MINUTE);
    browser
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    assert_eq!(browser.cookie, cookie);
    clock.advance(500 * MINUTE);
    browser.get("/").await.is_hello("alice");
    assert_eq!(browser.get("/cart").await.body, "pear");
}

#[tokio::test]
async fn another_user_gets_an_empty_session_with_another_id() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut browser = site.with_a_pear(&realm, "alice").await;
    let mut alice = browser.clone();
    // Already the request that signs in sees nothing of the other's.
    let answer = browser.get_with("/cart", &token(&realm, "bob")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    assert_ne!(browser.cookie, alice.cookie);
    browser.get("/").await.is_hello("bob");
    assert_eq!(browser.get("/cart").await.body, "");
    alice.get("/").await.is_challenge();
}

#[tokio::test]
async fn another_user_gets_an_empty_session_also_after_the_login_has_expired() {
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).clock(clock.reader()));
    let mut browser = site.with_a_pear(&realm, "alice").await;
    clock.advance(700 * MINUTE);
    let answer = browser.get_with("/cart", &token(&realm, "bob")).await;
    assert_eq!(answer.body, "");
}

#[tokio::test]
async fn another_user_who_is_refused_ends_the_login_and_leaves_the_data_to_its_owner() {
    let realm = realm();
    realm.add_principals(["bob/admin"]).expect("adds");
    let site = Site::new(layer(&realm));
    let mut browser = site.with_a_pear(&realm, "alice").await;
    let refused = browser.get_with("/cart", &token(&realm, "bob/admin")).await;
    assert_eq!(refused.kind(), Some(ErrorKind::NameNotAllowed));
    browser.get("/").await.is_challenge();
    let answer = browser.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "pear");
}

#[tokio::test]
async fn a_bad_token_leaves_the_login_as_it_was() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut browser = site.browser();
    let used = token(&realm, "alice");
    browser.get_with("/", &used).await.is_hello("alice");
    browser
        .get_with("/", &used)
        .await
        .is_rejected(ErrorKind::Replay);
    browser.get("/").await.is_hello("alice");
}

#[tokio::test]
async fn a_sign_in_changes_the_id_of_an_anonymous_session_and_keeps_its_data() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let mut browser = site.browser();
    browser.get("/cart/add/pear").await;
    let mut planted = browser.clone();
    browser
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    assert_ne!(browser.cookie, planted.cookie);
    assert_eq!(browser.get("/cart").await.body, "pear");
    planted.get("/maybe").await.is_hello("stranger");
}

#[tokio::test]
async fn a_handler_that_fails_leaves_the_session_as_it_came() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let mut browser = site.browser();
    browser.get("/cart/add/pear").await;
    let cookie = browser.cookie.clone();
    let answer = browser
        .get_with("/status/503", &token(&realm, "alice"))
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.cookie, cookie);
    browser.get("/maybe").await.is_hello("stranger");
    assert_eq!(browser.get("/cart").await.body, "pear");

    browser
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    browser.get_with("/status/500", &token(&realm, "bob")).await;
    browser.get("/").await.is_hello("alice");
    assert_eq!(browser.get("/cart").await.body, "pear");
}

#[tokio::test]
async fn logout_ends_the_login_empties_the_session_and_changes_its_id() {
    let realm = realm();
    let site = Site::new(layer(&realm).sign_in_path("/who"));
    let mut browser = site.with_a_pear(&realm, "alice").await;
    let mut copy = browser.clone();
    assert_eq!(browser.get("/logout").await.body, "Goodbye");
    let out = browser.cookie.clone();
    assert!(out.is_some(), "it holds the mark");
    assert_ne!(out, copy.cookie);
    let answer = browser.get("/").await;
    answer.is_signed_out();
    assert_eq!(
        answer.body,
        "You are signed out. Sign in again when you want to go on.\nSign in: /who\n"
    );
    copy.get("/").await.is_signed_out();

    browser.get("/who").await.is_challenge();
    browser.get("/").await.is_signed_out();
    let answer = browser.get_with("/who", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_ne!(browser.cookie, out);
    browser.get("/").await.is_hello("alice");
    assert_eq!(browser.get("/cart").await.body, "");
}

#[tokio::test]
async fn logout_holds_in_the_very_request_that_signed_in() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut browser = site.browser();
    let answer = browser.get_with("/logout", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "Goodbye");
    browser.get("/").await.is_signed_out();
    browser
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    browser.get_with("/logout", &token(&realm, "alice")).await;
    browser.get("/").await.is_signed_out();
}

#[tokio::test]
async fn who_has_signed_out_is_nobody_to_handlers_and_signs_in_again_where_one_lets_them() {
    let realm = realm();
    let sign_in = async |user: Option<User>, out: Option<SignedOut>| match (user, out) {
        (Some(user), _) => Ok::<_, Error>(format!("Hello, {}", user.username()).into_response()),
        (None, Some(out)) => Ok(out.sign_in_again().await?.into_response()),
        (None, None) => Ok(Challenge.into_response()),
    };
    let routes = routes(&Arc::default()).route("/sign-in", get(sign_in));
    let site = Site::of(routes, layer(&realm).optional());
    let mut browser = site.signed_in(&realm, "alice").await;
    browser.get("/logout").await;
    browser.get("/maybe").await.is_hello("stranger");
    browser.get("/").await.is_signed_out();

    browser.get("/sign-in").await.is_challenge();
    browser.get("/").await.is_challenge();
    let answer = browser.get_with("/sign-in", &token(&realm, "alice")).await;
    answer.is_hello("alice");
    browser.get("/maybe").await.is_hello("alice");
    // Who has not signed out is asked as ever.
    site.browser().get("/sign-in").await.is_challenge();
}

#[tokio::test]
async fn who_has_signed_out_stays_so_when_the_cookie_s_record_is_years_old() {
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).clock(clock.reader()));
    let mut browser = site.signed_in(&realm, "alice").await;
    browser.get("/logout").await;
    clock.advance(365 * 24 * 60 * MINUTE);
    browser.get("/").await.is_signed_out();
}

#[tokio::test]
async fn who_has_signed_in_again_is_asked_as_ever_when_that_login_has_expired() {
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).sign_in_path("/who").clock(clock.reader()));
    let mut browser = site.signed_in(&realm, "alice").await;
    browser.get("/logout").await;
    browser.get_with("/who", &token(&realm, "alice")).await;
    browser.get("/").await.is_hello("alice");
    clock.advance(700 * MINUTE);
    browser.get("/").await.is_challenge();
}

#[tokio::test]
async fn another_layers_login_is_no_login() {
    let realm = realm();
    let store = MemoryStore::default();
    let here = Site::with_store(layer(&realm), store.clone());
    let stricter = Site::with_store(layer(&realm).realm("OTHER.TEST"), store.clone());
    let twin = Site::with_store(layer(&realm), store);
    let mut browser = here.signed_in(&realm, "alice").await;
    let mut elsewhere = stricter.browser();
    elsewhere.cookie.clone_from(&browser.cookie);
    elsewhere.get("/").await.is_challenge();
    let mut same = twin.browser();
    same.cookie.clone_from(&browser.cookie);
    same.get("/").await.is_hello("alice");
    browser.get("/").await.is_hello("alice");
}

#[tokio::test]
async fn a_session_that_holds_only_the_login_lasts_no_longer_than_it() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    let age = max_age(&answer).expect("an end");
    assert!((35_000..=36_000).contains(&age), "{age}");
    let mut with_cart = site.browser();
    with_cart.get("/cart/add/pear").await;
    let answer = with_cart.get_with("/", &token(&realm, "alice")).await;
    assert_eq!(max_age(&answer), None, "the cart is not ours to end");
}

fn max_age(answer: &Answer) -> Option<i64> {
    let cookie = answer.header("set-cookie").expect("a cookie");
    let (_, rest) = cookie.split_once("Max-Age=")?;
    rest.split(';').next()?.parse().ok()
}

#[tokio::test]
async fn a_login_lets_no_session_last_longer_than_the_session_layer_says() {
    let realm = realm();
    let hour = Expiry::OnInactivity(tower_sessions::cookie::time::Duration::hours(1));
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_secure(false)
        .with_expiry(hour);
    let spnego = layer(&realm).build().expect("starts");
    let mut browser = Browser::of(routes(&Arc::default()).layer(spnego).layer(sessions));
    let answer = browser.get_with("/", &token(&realm, "alice")).await;
    answer.is_hello("alice");
    assert_eq!(max_age(&answer), Some(3_600));
}

#[tokio::test]
async fn eight_sign_ins_at_once_on_an_expired_login_lose_nothing() {
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).clock(clock.reader()));
    let mut browser = site.with_a_pear(&realm, "alice").await;
    clock.advance(700 * MINUTE);
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let challenged = (0..8).map(|_| {
        let mut browser = browser.clone();
        async move { browser.get("/cart").await.is_challenge() }
    });
    join_all(challenged).await;
    let signed_in = (0..8).map(|_| {
        let (mut browser, token) = (browser.clone(), cache.token("HTTP/localhost"));
        async move {
            let answer = browser.get_with("/cart", &token.expect("a token")).await;
            (answer.body, browser.cookie)
        }
    });
    for (body, cookie) in join_all(signed_in).await {
        assert_eq!(body, "pear");
        assert_eq!(cookie, browser.cookie, "the id stays");
    }
    browser.get("/").await.is_hello("alice");
    assert_eq!(browser.get("/cart").await.body, "pear");
}

/// A store that fails when told to: a real one can't be made to fail between two calls.
#[derive(Clone, Default)]
pub struct Failing {
    store: MemoryStore,
    down: Arc<AtomicBool>,
}

impl fmt::Debug for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failing")
    }
}

impl Failing {
    /// That has been told.
    pub fn always() -> Self {
        let failing = Self::default();
        failing.down.store(true, Ordering::SeqCst);
        failing
    }

    fn check(&self) -> session_store::Result<()> {
        match self.down.load(Ordering::SeqCst) {
            true => Err(session_store::Error::Backend("down".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl SessionStore for Failing {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        self.check()?;
        self.store.create(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.check()?;
        self.store.save(record).await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        self.check()?;
        self.store.load(id).await
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.check()?;
        self.store.delete(id).await
    }
}

#[tokio::test]
async fn while_the_session_store_is_down_everybody_gets_500_and_nobody_is_anonymous() {
    let realm = realm();
    let store = Failing::default();
    let site = Site::with_store(layer(&realm).optional(), store.clone());
    let mut browser = site.signed_in(&realm, "alice").await;
    store.down.store(true, Ordering::SeqCst);
    let calls = site.calls();
    let answer = browser.get("/maybe").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.kind(), Some(ErrorKind::SessionStore));
    assert_eq!(site.calls(), calls);
    for mut browser in [browser.clone(), site.browser()] {
        let answer = browser.get_with("/", &token(&realm, "alice")).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    store.down.store(false, Ordering::SeqCst);
    browser.get("/").await.is_hello("alice");
}

#[tokio::test]
async fn a_record_that_is_none_of_ours_is_no_login() {
    use tower_sessions::Session;
    let realm = realm();
    let spnego = layer(&realm).build().expect("starts");
    for head in [
        serde_json::json!("nonsense"),
        serde_json::json!({"version": 1}),
        serde_json::json!(r#"{"version": 0}"#),
        serde_json::json!(
            r#"{"version": 1, "id": "1", "signed_in": 0, "expires": null, "layer": ""}"#
        ),
        serde_json::json!(
            r#"{"version": 2, "id": "1", "root": "AAAAAAAAAAAAAAAAAAAAAQ", "signed_in": 0, "layer": ""}"#
        ),
        serde_json::json!(
            r#"{"version": 3, "id": "1", "root": "no id", "signed_in": 0, "checked": 0, "layer": ""}"#
        ),
        serde_json::json!(null),
    ] {
        let planted = axum::middleware::from_fn(
            move |session: Session,
                  request: axum::extract::Request,
                  next: axum::middleware::Next| {
                let head = head.clone();
                async move {
                    session
                        .insert("tower-spnego.login", head)
                        .await
                        .expect("inserts");
                    session
                        .insert("tower-spnego.user", "{}")
                        .await
                        .expect("inserts");
                    next.run(request).await
                }
            },
        );
        let app = routes(&Arc::default())
            .layer(spnego.clone())
            .layer(planted)
            .layer(SessionManagerLayer::new(MemoryStore::default()));
        let request = Request::get("/").body(Body::empty()).expect("a request");
        let answer = app.oneshot(request).await.expect("infallible");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
}

/// The next sign-in keeps what the session holds besides.
#[tokio::test]
async fn a_record_of_an_older_version_is_no_login_and_the_data_stays() {
    of_version(1, &["checked", "root", "root_end", "kick_off"]).await;
    of_version(2, &["checked"]).await;
    of_version(2, &[]).await;
}

/// Whatever it means by them, it has all the fields of this one.
#[tokio::test]
async fn a_record_of_a_younger_version_is_no_login_and_the_data_stays() {
    of_version(4, &[]).await;
}

async fn of_version(version: u8, younger: &[&str]) {
    let realm = realm();
    let store = MemoryStore::default();
    let site = Site::with_store(layer(&realm), store.clone());
    let mut browser = site.with_a_pear(&realm, "alice").await;
    let cookie = browser.cookie.clone().expect("a cookie");
    let (_, id) = cookie.split_once('=').expect("a value");
    let record = store.load(&id.parse().expect("an id")).await;
    let mut record = record.expect("reads").expect("a session");
    let head = record.data.get_mut("tower-spnego.login").expect("a login");
    let mut fields: serde_json::Value =
        serde_json::from_str(head.as_str().expect("text")).expect("JSON");
    fields["version"] = version.into();
    let map = fields.as_object_mut().expect("an object");
    map.retain(|name, _| !younger.contains(&name.as_str()));
    *head = fields.to_string().into();
    store.save(&record).await.expect("saves");
    browser.get("/").await.is_challenge();
    let answer = browser.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "pear");
    browser.get("/").await.is_hello("alice");
}

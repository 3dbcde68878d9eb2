//! What has ended stays ended, though a request that was under way meanwhile saves its session as
//! it was.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http::StatusCode;
use tokio::sync::Semaphore;
use tower_sessions::session::{Id, Record};
use tower_sessions::{MemoryStore, Session, SessionStore};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{ErrorKind, SpnegoLayerBuilder};

use crate::ldap::people;
use crate::login::Failing;
use crate::recheck::{INTERVAL, is_out};
use crate::site::{Answer, Browser, Site, TestClock, layer, realm, request, routes, token};
use crate::site::{with_header, with_token};
use crate::stores::{AnyStore, Store, on};

on! {
    on_memory Memory, on_sqlite Sqlite, on_redis Redis, on_postgres Postgres: {
        a_logout_holds_against_a_request_under_way,
        a_logout_holds_against_a_record_that_is_saved_after_it,
        a_logout_holds_against_what_was_before_a_renewal,
        a_logout_holds_against_a_sign_in_under_way,
        a_logout_holds_against_a_first_sign_in_under_way,
        a_logout_holds_against_a_sign_in_anew_under_way,
        a_change_of_user_holds_against_a_request_under_way,
        a_change_of_user_holds_against_a_record_that_is_saved_after_it,
        a_change_of_user_holds_against_a_renewal_under_way,
        a_logout_in_the_request_of_a_change_of_user_ends_both_logins,
        a_logout_in_the_request_of_a_sign_in_leaves_the_mark_alone,
        a_flush_by_the_application_holds_against_a_record_that_is_saved_after_it,
        a_removal_holds_against_a_request_under_way,
        a_removal_holds_against_a_sign_in_under_way,
        a_removal_does_not_hold_against_the_next_sign_in,
        a_removal_by_a_recheck_holds_against_a_request_under_way,
        what_a_recheck_has_learnt_is_not_written_over_a_logout,
        what_a_recheck_has_learnt_is_not_written_over_a_newer_login,
        a_login_that_expires_during_a_request_has_ended,
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// Two servers that share nothing but the store, and handlers that are held up.
struct Servers {
    realm: Arc<TestRealm>,
    /// As a third server opens it.
    records: AnyStore,
    /// Ends with it.
    _store: Store,
    clock: TestClock,
    here: Site,
    there: Site,
    hold: Hold,
}

/// Where `/slow/{item}` waits before it puts an item into the cart, and `/reload` before it loads the
/// session anew.
#[derive(Clone)]
struct Hold {
    came: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

impl Hold {
    fn new() -> Self {
        let closed = || Arc::new(Semaphore::new(0));
        let (came, go) = (closed(), closed());
        Self { came, go }
    }

    fn routes(&self) -> Router {
        let (hold, held) = (self.clone(), self.clone());
        let slow = async move |session: Session, Path(item): Path<String>| {
            hold.came.add_permits(1);
            hold.go.acquire().await.expect("open").forget();
            session.insert("cart", [item]).await.expect("inserts");
        };
        let reload = async move |session: Session| {
            held.came.add_permits(1);
            held.go.acquire().await.expect("open").forget();
            session.load().await.expect("loads");
        };
        routes(&Arc::default())
            .route("/slow/{item}", get(slow))
            .route("/reload", get(reload))
            .route(
                "/flush",
                get(async |session: Session| session.flush().await.expect("flushes")),
            )
    }

    /// Sends a request, and does this while it is under way.
    async fn during<T>(
        &self,
        mut browser: Browser,
        slow: axum::extract::Request,
        meanwhile: impl Future<Output = T>,
    ) -> (Browser, Answer, T) {
        let request = tokio::spawn(async move {
            let answer = browser.send(slow).await;
            (browser, answer)
        });
        self.came.acquire().await.expect("open").forget();
        let done = meanwhile.await;
        self.go.add_permits(1);
        let (browser, answer) = request.await.expect("no panic");
        (browser, answer, done)
    }
}

impl Servers {
    async fn start(store: Store) -> Self {
        Self::with(store, |layer| layer).await
    }

    async fn with(store: Store, set: impl Fn(SpnegoLayerBuilder) -> SpnegoLayerBuilder) -> Self {
        let (realm, clock, hold) = (realm(), TestClock::default(), Hold::new());
        let server = async || {
            let records = store.open().await;
            let layer = layer(&realm)
                .clock(clock.reader())
                .session_store(records.clone())
                .sign_in_path("/who")
                .as_another_process();
            Site::build(hold.routes(), set(layer), records)
        };
        let (here, there, records) = (server().await, server().await, store.open().await);
        Self {
            realm,
            records,
            _store: store,
            clock,
            here,
            there,
            hold,
        }
    }

    async fn record(&self, browser: &Browser) -> Option<Record> {
        let record = self.records.load(&id(browser)).await;
        record.expect("reads")
    }

    /// As the last instant of a request does it that has begun before the record was removed.
    async fn save(&self, mut record: Record) {
        // Redis saves only what is there. It is worse that there is such a record than that there is
        // none.
        let _ = self.records.save(&record).await;
        if self
            .records
            .load(&record.id)
            .await
            .expect("reads")
            .is_none()
        {
            self.records.create(&mut record).await.expect("creates");
        }
    }

    async fn holds_only_the_mark(&self, browser: &Browser) {
        let record = self.record(browser).await.expect("a record");
        let keys: Vec<_> = record.data.keys().collect();
        assert_eq!(keys, ["tower-spnego.signed-out"]);
    }

    /// On either server.
    async fn each_answers(&self, browser: &Browser, judge: impl Fn(&Answer)) {
        for site in [&self.here, &self.there] {
            judge(&at(site, browser).get("/").await);
        }
    }
}

fn id(browser: &Browser) -> Id {
    let cookie = browser.cookie.as_ref().expect("a cookie");
    let (_, id) = cookie.split_once('=').expect("a value");
    id.parse().expect("an id")
}

/// The same browser at another server.
fn at(site: &Site, browser: &Browser) -> Browser {
    let mut there = site.browser();
    there.cookie.clone_from(&browser.cookie);
    there
}

async fn a_logout_holds_against_a_request_under_way(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let old = browser.clone();
    let slow = at(&servers.there, &browser);
    let (slow, _, answer) = servers
        .hold
        .during(slow, request("/slow/apple"), browser.get("/logout"))
        .await;
    assert_eq!(answer.body, "Goodbye");
    servers.holds_only_the_mark(&slow).await;
    // Whichever cookie the browser took last; parallel requests of its have the old one.
    for browser in [&browser, &slow, &old] {
        servers.each_answers(browser, Answer::is_signed_out).await;
    }
    let mut again = at(&servers.here, &slow);
    let sign_in = with_token(request("/who"), &token(&servers.realm, "alice"));
    assert_eq!(again.send(sign_in).await.status, StatusCode::OK);
    assert_eq!(again.get("/cart").await.body, "", "the logout emptied it");
}

async fn a_logout_holds_against_a_record_that_is_saved_after_it(store: Store) {
    let servers = Servers::with(store, SpnegoLayerBuilder::optional).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let (old, record) = (browser.clone(), servers.record(&browser).await);
    assert_eq!(browser.get("/logout").await.body, "Goodbye");
    let record = record.expect("a record");
    servers.save(record.clone()).await;
    servers.each_answers(&old, Answer::is_signed_out).await;
    servers.holds_only_the_mark(&old).await;
    servers.save(record).await;
    let mut old = at(&servers.there, &old);
    assert_eq!(old.get("/cart").await.body, "", "nothing of it is seen");
    old.get("/maybe").await.is_hello("stranger");
    servers.each_answers(&old, Answer::is_signed_out).await;
}

async fn a_logout_holds_against_what_was_before_a_renewal(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let (old, record) = (browser.clone(), servers.record(&browser).await);
    let renewal = token(&servers.realm, "alice");
    browser.get_with("/", &renewal).await.is_hello("alice");
    assert_eq!(browser.cookie, old.cookie, "the id stays");
    browser.get("/logout").await;
    servers.save(record.expect("a record")).await;
    servers.each_answers(&old, Answer::is_signed_out).await;
}

async fn a_logout_holds_against_a_sign_in_under_way(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let slow = at(&servers.there, &browser);
    let renewal = with_token(request("/slow/apple"), &token(&servers.realm, "alice"));
    let (slow, _, _) = servers
        .hold
        .during(slow, renewal, browser.get("/logout"))
        .await;
    servers.holds_only_the_mark(&slow).await;
    servers.each_answers(&slow, Answer::is_signed_out).await;
}

/// A browser sends its first requests side by side; it signs in by one, and out again.
async fn a_logout_holds_against_a_first_sign_in_under_way(store: Store) {
    let servers = Servers::with(store, SpnegoLayerBuilder::optional).await;
    let mut browser = servers.here.browser();
    assert_eq!(browser.get("/cart/add/pear").await.body, "pear");
    a_sign_in_beside_is_no_sign_in(&servers, browser).await;
}

async fn a_logout_holds_against_a_sign_in_anew_under_way(store: Store) {
    let servers = Servers::start(store).await;
    let browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    servers.clock.advance(700 * MINUTE);
    a_sign_in_beside_is_no_sign_in(&servers, browser).await;
}

async fn a_sign_in_beside_is_no_sign_in(servers: &Servers, mut browser: Browser) {
    let slow = at(&servers.there, &browser);
    let [first, second] = [(); 2].map(|()| token(&servers.realm, "alice"));
    let in_and_out = async {
        browser.get_with("/", &second).await.is_hello("alice");
        browser.get("/logout").await
    };
    let first = with_token(request("/slow/apple"), &first);
    let (slow, _, answer) = servers.hold.during(slow, first, in_and_out).await;
    assert_eq!(answer.body, "Goodbye");
    servers.holds_only_the_mark(&slow).await;
    servers.each_answers(&slow, Answer::is_signed_out).await;
    let mut again = at(&servers.here, &slow);
    let sign_in = with_token(request("/who"), &token(&servers.realm, "alice"));
    assert_eq!(again.send(sign_in).await.status, StatusCode::OK);
    again.get("/").await.is_hello("alice");
}

async fn a_change_of_user_holds_against_a_request_under_way(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let (slow, bob) = (at(&servers.there, &browser), token(&servers.realm, "bob"));
    let (slow, _, answer) = servers
        .hold
        .during(slow, request("/slow/apple"), browser.get_with("/", &bob))
        .await;
    answer.is_hello("bob");
    servers.each_answers(&slow, Answer::is_challenge).await;
    browser.get("/").await.is_hello("bob");
}

async fn a_change_of_user_holds_against_a_record_that_is_saved_after_it(store: Store) {
    let servers = Servers::with(store, SpnegoLayerBuilder::optional).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let (old, record) = (browser.clone(), servers.record(&browser).await);
    let bob = token(&servers.realm, "bob");
    browser.get_with("/", &bob).await.is_hello("bob");
    servers.save(record.expect("a record")).await;
    let mut old = at(&servers.there, &old);
    assert_eq!(old.get("/cart").await.body, "", "nothing of hers is seen");
    old.get("/maybe").await.is_hello("stranger");
    servers.each_answers(&old, Answer::is_challenge).await;
    browser.get("/").await.is_hello("bob");
}

async fn a_change_of_user_holds_against_a_renewal_under_way(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let slow = at(&servers.there, &browser);
    let renewal = with_token(request("/slow/apple"), &token(&servers.realm, "alice"));
    let bob = token(&servers.realm, "bob");
    let (slow, _, answer) = servers
        .hold
        .during(slow, renewal, browser.get_with("/", &bob))
        .await;
    answer.is_hello("bob");
    // Hers is a login of its own.
    assert_ne!(slow.cookie, browser.cookie);
    for (browser, name) in [(&slow, "alice"), (&browser, "bob")] {
        servers
            .each_answers(browser, |answer| answer.is_hello(name))
            .await;
        assert_eq!(browser.clone().get("/cart").await.body, "", "{name}");
    }
}

async fn a_logout_in_the_request_of_a_change_of_user_ends_both_logins(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let (old, record) = (browser.clone(), servers.record(&browser).await);
    let bob = token(&servers.realm, "bob");
    assert_eq!(browser.get_with("/logout", &bob).await.body, "Goodbye");
    servers.holds_only_the_mark(&browser).await;
    servers.each_answers(&browser, Answer::is_signed_out).await;
    servers.save(record.expect("a record")).await;
    servers.each_answers(&old, Answer::is_challenge).await;
}

async fn a_logout_in_the_request_of_a_sign_in_leaves_the_mark_alone(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.browser();
    let alice = token(&servers.realm, "alice");
    assert_eq!(browser.get_with("/logout", &alice).await.body, "Goodbye");
    servers.holds_only_the_mark(&browser).await;
}

async fn a_flush_by_the_application_holds_against_a_record_that_is_saved_after_it(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let (old, record) = (browser.clone(), servers.record(&browser).await);
    browser.get("/flush").await;
    assert_eq!(browser.cookie, None);
    servers.save(record.expect("a record")).await;
    servers.each_answers(&old, Answer::is_challenge).await;
}

/// A principal of hers that no layer lets in ends her login.
async fn removed(servers: &Servers, browser: &mut Browser) {
    let added = servers.realm.add_principals(["alice/admin"]);
    // The realm is shared.
    let _ = added;
    let refused = token(&servers.realm, "alice/admin");
    let answer = browser.get_with("/", &refused).await;
    assert_eq!(answer.kind(), Some(ErrorKind::NameNotAllowed));
}

async fn a_removal_holds_against_a_request_under_way(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let slow = at(&servers.there, &browser);
    let (slow, _, ()) = servers
        .hold
        .during(
            slow,
            request("/slow/apple"),
            removed(&servers, &mut browser),
        )
        .await;
    assert_eq!(slow.cookie, browser.cookie, "the session is still hers");
    servers.each_answers(&slow, Answer::is_challenge).await;
}

async fn a_removal_holds_against_a_sign_in_under_way(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let slow = at(&servers.there, &browser);
    let renewal = with_token(request("/slow/apple"), &token(&servers.realm, "alice"));
    let removed = removed(&servers, &mut browser);
    let (mut slow, _, ()) = servers.hold.during(slow, renewal, removed).await;
    servers.each_answers(&slow, Answer::is_challenge).await;
    let again = token(&servers.realm, "alice");
    let answer = slow.get_with("/cart", &again).await;
    assert_eq!(answer.body, "apple", "the session is still hers");
}

async fn a_removal_does_not_hold_against_the_next_sign_in(store: Store) {
    let servers = Servers::start(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let record = servers.record(&browser).await.expect("a record");
    removed(&servers, &mut browser).await;
    servers.save(record).await;
    let answer = browser
        .get_with("/cart", &token(&servers.realm, "alice"))
        .await;
    assert_eq!(answer.body, "pear");
    servers
        .each_answers(&browser, |answer| answer.is_hello("alice"))
        .await;
}

/// Servers that ask slapd again.
async fn that_recheck(store: Store) -> (Servers, TestLdap) {
    let ldap = TestLdap::start().expect("a server");
    let layer = |layer: SpnegoLayerBuilder| {
        let directory = people(&ldap).build().expect("a directory");
        layer.directory(directory).recheck_every(INTERVAL)
    };
    (Servers::with(store, layer).await, ldap)
}

async fn a_removal_by_a_recheck_holds_against_a_request_under_way(store: Store) {
    let (servers, ldap) = that_recheck(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let slow = at(&servers.there, &browser);
    let removed = async {
        let alice = format!("uid=alice,{}", ldap.people());
        let delete = format!("dn: {alice}\nchangetype: delete\n");
        ldap.ldif(&delete).expect("deleted");
        servers.clock.advance(INTERVAL);
        is_out(&browser.get("/").await, ErrorKind::UserNotFound);
    };
    let slow_request = request("/slow/apple");
    let (slow, answer, ()) = servers.hold.during(slow, slow_request, removed).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(slow.cookie, browser.cookie, "the session is still hers");
    servers.each_answers(&slow, Answer::is_challenge).await;
}

async fn what_a_recheck_has_learnt_is_not_written_over_a_logout(store: Store) {
    let (servers, _ldap) = that_recheck(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let slow = at(&servers.there, &browser);
    servers.clock.advance(INTERVAL);
    let (slow, _, _) = servers
        .hold
        .during(slow, request("/slow/apple"), browser.get("/logout"))
        .await;
    servers.holds_only_the_mark(&slow).await;
    servers.each_answers(&slow, Answer::is_signed_out).await;
}

async fn what_a_recheck_has_learnt_is_not_written_over_a_newer_login(store: Store) {
    let (servers, ldap) = that_recheck(store).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let slow = at(&servers.there, &browser);
    servers.clock.advance(INTERVAL);
    let renewed = async {
        let alice = format!("uid=alice,{}", ldap.people());
        let rename = "changetype: modify\nreplace: displayName\ndisplayName: Alice Hargreaves";
        let change = format!("dn: {alice}\n{rename}\n");
        ldap.ldif(&change).expect("changed");
        let ticket = token(&servers.realm, "alice");
        browser.get_with("/", &ticket).await.is_hello("alice");
    };
    let (slow, answer, ()) = servers.hold.during(slow, request("/reload"), renewed).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(slow.cookie, browser.cookie, "the id stays");
    for site in [&servers.here, &servers.there] {
        let answer = at(site, &browser).get("/who").await;
        assert!(answer.body.starts_with("Alice Hargreaves "), "{answer:?}");
    }
}

async fn a_login_that_expires_during_a_request_has_ended(store: Store) {
    let servers = Servers::start(store).await;
    let browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let expire = async { servers.clock.advance(700 * MINUTE) };
    let (mut slow, answer, ()) = servers
        .hold
        .during(browser, request("/slow/apple"), expire)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    servers.each_answers(&slow, Answer::is_challenge).await;
    let again = token(&servers.realm, "alice");
    let answer = slow.get_with("/cart", &again).await;
    assert_eq!(answer.body, "apple", "what it did is not lost");
}

#[tokio::test]
async fn in_one_process_a_logout_holds_in_all_layers_without_a_word_of_the_store() {
    let (realm, store, hold) = (realm(), MemoryStore::default(), Hold::new());
    let server = || Site::build(hold.routes(), layer(&realm), store.clone());
    let (here, there) = (server(), server());
    let mut browser = here.with_a_pear(&realm, "alice").await;
    let old = browser.clone();
    let record = store.load(&id(&browser)).await.expect("reads");
    let slow = at(&there, &browser);
    let (slow, _, _) = hold
        .during(slow, request("/slow/apple"), browser.get("/logout"))
        .await;
    store.save(&record.expect("a record")).await.expect("saves");
    for browser in [&old, &slow, &browser] {
        for site in [&here, &there] {
            at(site, browser).get("/").await.is_signed_out();
        }
    }
}

#[tokio::test]
async fn where_it_can_not_be_told_whether_a_login_has_ended_the_answer_is_500() {
    let realm = realm();
    let layer = layer(&realm).optional().session_store(Failing::always());
    let site = Site::new(layer);
    // Nobody has a login to look for.
    let mut browser = site.signed_in(&realm, "alice").await;
    let answer = browser.get("/maybe").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.kind(), Some(ErrorKind::SessionStore));
}

/// The newer request is a browser's, which has been challenged before the logout.
#[tokio::test]
async fn a_browser_that_brings_its_ticket_after_the_logout_stays_signed_out_until_it_asks() {
    let realm = realm();
    let site = Site::new(layer(&realm).sign_in_path("/who"));
    let mut browser = site.signed_in(&realm, "alice").await;
    browser.get("/logout").await;
    let send = |path: &str, name: &str| {
        let request = with_token(request(path), &token(&realm, "alice"));
        with_header(request, "user-agent", name)
    };
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    browser.send(send("/", FIREFOX)).await.is_signed_out();
    // A program is told to send its ticket.
    let mut program = site.signed_in(&realm, "alice").await;
    program.get("/logout").await;
    program
        .send(send("/", "curl/7.88.1"))
        .await
        .is_hello("alice");
    let answer = browser.send(send("/who", FIREFOX)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    browser.get("/").await.is_hello("alice");
}

/// That which has no end of its own is remembered, too.
#[tokio::test]
async fn a_logout_of_a_login_that_never_expires_holds() {
    let never = SpnegoLayerBuilder::never_expire_login;
    let servers = Servers::with(Store::Memory(MemoryStore::default()), never).await;
    let mut browser = servers.here.signed_in(&servers.realm, "alice").await;
    let (old, record) = (browser.clone(), servers.record(&browser).await);
    browser.get("/logout").await;
    servers.save(record.expect("a record")).await;
    servers.each_answers(&old, Answer::is_signed_out).await;
}

/// What says that it has ended is kept for a while alone, and its session for as long as it is used.
#[tokio::test]
async fn a_removed_login_that_never_expires_does_not_stay_in_its_session() {
    let never = SpnegoLayerBuilder::never_expire_login;
    let servers = Servers::with(Store::Memory(MemoryStore::default()), never).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let record = servers.record(&browser).await.expect("a record");
    removed(&servers, &mut browser).await;
    servers.save(record).await;
    at(&servers.there, &browser).get("/").await.is_challenge();
    let record = servers.record(&browser).await.expect("a record");
    let mut keys: Vec<_> = record.data.keys().collect();
    keys.sort();
    assert_eq!(keys, ["cart", "tower-spnego.owner"]);
}

/// A request under way finds the login taken out of its session, and takes it for no work of its handler's.
#[tokio::test]
async fn a_removal_leaves_the_session_to_its_owner_whatever_was_under_way() {
    let never = SpnegoLayerBuilder::never_expire_login;
    let servers = Servers::with(Store::Memory(MemoryStore::default()), never).await;
    let mut browser = servers.here.with_a_pear(&servers.realm, "alice").await;
    let record = servers.record(&browser).await.expect("a record");
    let slow = at(&servers.there, &browser);
    let removed = removed(&servers, &mut browser);
    let slow_request = request("/slow/apple");
    let (slow, _, ()) = servers.hold.during(slow, slow_request, removed).await;
    // Another that was under way as well.
    servers.save(record).await;
    at(&servers.there, &slow).get("/").await.is_challenge();
    let again = token(&servers.realm, "alice");
    let answer = browser.get_with("/cart", &again).await;
    assert_eq!(answer.body, "pear");
}

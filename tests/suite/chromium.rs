//! A real browser against a real server. What a page finds out, its script reports to the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tower_sessions::Session;
use tower_spnego::testing::{Chromium, TestLdap, TestRealm, TicketCache, chromium_or_skip};
use tower_spnego::{PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder, User};

use crate::ldap;
use crate::served::{DEADLINE, Served, outcomes};
use crate::site::{Site, TestClock, layer, realm, who};

/// How many connections Chromium opens to one server.
const CONNECTIONS: usize = 6;

/// An application, and what its pages and handlers report.
struct Website {
    served: Served,
    reports: Receiver<Value>,
}

#[derive(Clone)]
struct Shared {
    script: Arc<str>,
    reports: Sender<Value>,
    together: Arc<Together>,
}

/// Lets the first requests go on when there are as many as the browser has connections.
struct Together {
    barrier: Barrier,
    came: AtomicUsize,
}

impl Together {
    async fn meet(&self) {
        if self.came.fetch_add(1, Ordering::SeqCst) < CONNECTIONS {
            // When time is up the test fails by what the page then reports.
            let _ = tokio::time::timeout(DEADLINE / 2, self.barrier.wait()).await;
        }
    }
}

impl Website {
    /// With a page at `/` that greets and then runs `script`.
    fn start(layer: SpnegoLayerBuilder, script: &str) -> Self {
        let (sender, reports) = channel();
        let clock = TestClock::default();
        let shared = Shared {
            script: script.into(),
            reports: sender,
            together: Arc::new(Together {
                barrier: Barrier::new(CONNECTIONS),
                came: AtomicUsize::new(0),
            }),
        };
        let inside = Router::new()
            .route("/", get(greet))
            .route("/who", get(async |user: User| who(&user)))
            .route("/put/{item}", post(put))
            .route("/state", get(state))
            .route("/state/together", get(state_together))
            .route("/transfer/{page}", post(transfer))
            .route("/ws/{page}", get(socket))
            .with_state(shared.clone());
        let advance = {
            let clock = clock.clone();
            async move || clock.advance(Duration::from_secs(700 * 60))
        };
        let outside = stage(shared.reports).route("/advance", post(advance));
        let site = Site::of(inside, layer.clock(clock.reader()));
        Self {
            served: Served::start(site.router.merge(outside)),
            reports,
        }
    }

    fn open(&self, cache: &TicketCache) -> Chromium {
        Chromium::start(Some(cache), &self.served.url("/")).expect("a browser")
    }

    #[track_caller]
    fn report(&self) -> Value {
        next(&self.reports)
    }
}

#[track_caller]
fn next(reports: &Receiver<Value>) -> Value {
    reports.recv_timeout(DEADLINE).expect("a report")
}

/// The test's own end of a page's `report`.
fn stage(reports: Sender<Value>) -> Router {
    let receive = async move |Json(report): Json<Value>| {
        // The test may have ended.
        let _ = reports.send(report);
    };
    Router::new().route("/report", post(receive))
}

/// A page of another site, which has no layer of ours; what it reports comes by the channel.
fn other_site(html: &str) -> (Served, Receiver<Value>) {
    let (sender, reports) = channel();
    let page = format!("{FUNCTIONS}{html}");
    let page = get(async move || Html(page));
    let served = Served::start(stage(sender).route("/", page));
    (served, reports)
}

const FUNCTIONS: &str = "<!doctype html><meta charset=utf-8><script>
const report = (what) => fetch('/report', {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify(what),
});
const text = async (path, options) => (await fetch(path, options)).text();
const post = (url, target = '') => {
    const form = document.body.appendChild(document.createElement('form'));
    Object.assign(form, {method: 'post', action: url, target}).submit();
};
const socket = (url) => new Promise((done) => {
    const socket = new WebSocket(url.replace('http', 'ws'));
    socket.onmessage = (event) => done(event.data);
    socket.onerror = () => done('refused');
});
const json = async (path, options) => (await fetch(path, options)).json();
addEventListener('error', (event) => report(`${event.message}`));
addEventListener('unhandledrejection', (event) => report(`${event.reason}`));
</script>";

async fn greet(user: User, State(shared): State<Shared>) -> Html<String> {
    let groups: String = user
        .groups()
        .map(|group| format!("<li>{}", group.name()))
        .collect();
    Html(format!(
        "{FUNCTIONS}<h1>Hello, {}</h1><ul>{groups}</ul><script type=module>{}</script>",
        user.display_name(),
        shared.script
    ))
}

async fn put(session: Session, Path(item): Path<String>) {
    session.insert("cart", item).await.expect("inserts");
}

async fn state(user: User, session: Session) -> Json<Value> {
    let cart: Option<String> = session.get("cart").await.expect("reads");
    let id = session.id().map(|id| id.to_string());
    Json(json!({ "user": user.username(), "cart": cart, "session": id }))
}

async fn state_together(user: User, session: Session, State(shared): State<Shared>) -> Json<Value> {
    shared.together.meet().await;
    state(user, session).await
}

async fn transfer(user: User, Path(page): Path<String>, State(shared): State<Shared>) {
    let done = format!("{} transferred by the page of {page}", user.username());
    shared.reports.send(done.into()).expect("the test listens");
}

async fn socket(
    user: User,
    upgrade: WebSocketUpgrade,
    Path(page): Path<String>,
    State(shared): State<Shared>,
) -> impl IntoResponse {
    let done = format!("{} connected by the page of {page}", user.username());
    shared.reports.send(done.into()).expect("the test listens");
    upgrade.on_upgrade(async move |mut socket| {
        let greeting = format!("Hello, {}", user.username());
        let _ = socket.send(Message::text(greeting)).await;
    })
}

#[test]
fn a_person_with_a_ticket_is_greeted_and_the_next_request_rides_on_the_session() {
    if !chromium_or_skip("a_person_with_a_ticket_is_greeted") {
        return;
    }
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let directory = ldap::people(&ldap).build().expect("a directory");
    let website = Website::start(
        layer(&realm).directory(directory),
        "await report({
            greeting: document.querySelector('h1').textContent,
            groups: [...document.querySelectorAll('li')].map((li) => li.textContent).sort(),
            next: await text('/who'),
        })",
    );
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let mut chromium = website.open(&alice);
    let report = website.report();
    let expected = json!({
        "greeting": "Hello, Alice Liddell",
        "groups": ["Engineers", "Staff"],
        "next": "Alice Liddell <alice@example.test> in Engineers, Staff",
    });
    assert_eq!(report, expected, "{}", chromium.log());
    let trips = outcomes(&website.served.trips("/"));
    assert_eq!(trips, [(401, false), (200, true)]);
    let trips = outcomes(&website.served.trips("/who"));
    assert_eq!(trips, [(200, false)]);

    // Another run of the browser has the cookie, as long as the login lasts.
    chromium.open(&website.served.url("/")).expect("a browser");
    assert_eq!(website.report(), expected);
    let trips = outcomes(&website.served.trips("/"));
    assert_eq!(trips, [(401, false), (200, true), (200, false)]);
}

#[test]
fn without_a_ticket_there_is_a_page_that_says_so() {
    if !chromium_or_skip("without_a_ticket_there_is_a_page_that_says_so") {
        return;
    }
    let website = Website::start(layer(&realm()), "");
    let mut chromium = Chromium::new(None).expect("a browser");
    let page = chromium.dump_dom(&website.served.url("/")).expect("a page");
    assert!(page.contains("<h1>You are not signed in</h1>"), "{page}");
    let trips = outcomes(&website.served.trips("/"));
    assert!(trips.iter().all(|trip| *trip == (401, false)), "{trips:?}");
    assert!(trips.len() <= 2, "{trips:?}");
}

#[test]
fn a_refused_token_ends_with_a_page_and_not_in_a_loop() {
    if !chromium_or_skip("a_refused_token_ends_with_a_page_and_not_in_a_loop") {
        return;
    }
    let realm = realm();
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let open = |layer, heading: &str| {
        let website = Website::start(layer, "");
        let mut chromium = Chromium::new(Some(&alice)).expect("a browser");
        let page = chromium.dump_dom(&website.served.url("/")).expect("a page");
        assert!(page.contains(heading), "{page}");
        outcomes(&website.served.trips("/"))
    };
    let of_another_realm = SpnegoLayer::builder()
        .realm("OTHER.TEST")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly);
    let trips = open(of_another_realm, "<h1>You may not open this page</h1>");
    assert_eq!(trips, [(401, false), (403, true)]);

    let twin = TestRealm::start().expect("a KDC");
    let of_another_key = layer(&realm).keytab(twin.keytab());
    let trips = open(of_another_key, "<h1>You are not signed in</h1>");
    // It asks once more without a token, and shows what it gets.
    assert_eq!(trips.get(..2), Some(&[(401, false), (401, true)][..]));
    assert!(trips.len() <= 3, "{trips:?}");
}

#[test]
fn eight_requests_at_once_on_an_expired_login_sign_in_and_lose_nothing() {
    if !chromium_or_skip("eight_requests_at_once_on_an_expired_login") {
        return;
    }
    let realm = realm();
    let website = Website::start(
        layer(&realm),
        "await fetch('/put/pear', {method: 'POST'});
        const before = await json('/state');
        await fetch('/advance', {method: 'POST'});
        const eight = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => json('/state/together?' + n));
        await report({before, eight: await Promise.all(eight), after: await json('/state')});",
    );
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let chromium = website.open(&alice);
    let report = website.report();
    let before = report["before"].clone();
    assert_eq!(before["user"], "alice", "{report} {}", chromium.log());
    assert_eq!(before["cart"], "pear");
    assert!(before["session"].is_string(), "{before}");
    assert_eq!(report["eight"], json!(vec![before.clone(); 8]));
    assert_eq!(report["after"], before);
    let trips = outcomes(&website.served.trips("/state/together"));
    let sign_ins = trips.iter().filter(|trip| **trip == (200, true)).count();
    assert!(sign_ins >= CONNECTIONS, "at once: {trips:?}");
    let trips = outcomes(&website.served.trips("/state"));
    assert_eq!(trips, [(200, false), (200, false)]);
}

/// A page of ours that runs `own` and then leads to a page of another site, which runs `script`
/// with our origin as `victim`. `host` is the other's.
fn lure(
    layer: SpnegoLayerBuilder,
    own: &str,
    host: &str,
    script: &str,
) -> (Website, Served, Receiver<Value>) {
    let (other, reports) = other_site(&format!(
        "<script type=module>const victim = location.hash.slice(1); {script}</script>"
    ));
    let there = format!("http://{host}:{}/", other.port());
    let own = format!("{own}; location = '{there}#' + location.origin");
    (Website::start(layer, &own), other, reports)
}

#[test]
fn a_form_of_another_site_changes_nothing() {
    if !chromium_or_skip("a_form_of_another_site_changes_nothing") {
        return;
    }
    let realm = realm();
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let visit = |layer| {
        let (website, evil, _) = lure(
            layer,
            "const frame = document.createElement('iframe');
            frame.name = 'own';
            document.body.append(frame);
            await new Promise((done) => {
                frame.onload = done;
                post('/transfer/ours', frame.name);
            })",
            "127.0.0.1",
            "post(victim + '/transfer/evil')",
        );
        let chromium = website.open(&alice);
        assert_eq!(website.report(), "alice transferred by the page of ours");
        (website, evil, chromium)
    };
    let (website, _evil, chromium) = visit(layer(&realm));
    website.served.wait_for("/transfer/evil");
    drop(chromium);
    let trips = outcomes(&website.served.trips("/transfer/evil"));
    assert_eq!(trips, [(403, false)]);
    assert!(website.reports.try_recv().is_err(), "the handler ran");

    // Without the guard the form does its work: the browser signs it in.
    let (website, _evil, _chromium) = visit(layer(&realm).dangerously_allow_cross_site());
    assert_eq!(website.report(), "alice transferred by the page of evil");
}

#[test]
fn a_websocket_of_another_site_does_not_connect() {
    if !chromium_or_skip("a_websocket_of_another_site_does_not_connect") {
        return;
    }
    let realm = realm();
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let visit = |layer, host: &str| {
        let (website, evil, reports) = lure(
            layer,
            "await report(await socket(location.origin + '/ws/ours'))",
            host,
            "await report(await socket(victim + '/ws/evil'))",
        );
        let chromium = website.open(&alice);
        assert_eq!(website.report(), "alice connected by the page of ours");
        assert_eq!(website.report(), "Hello, alice");
        let heard = next(&reports);
        drop((chromium, evil));
        (website, heard)
    };
    // Another port of our host is another origin that gets our cookies.
    for host in ["127.0.0.1", "localhost"] {
        let (website, heard) = visit(layer(&realm), host);
        assert_eq!(heard, "refused");
        let trips = outcomes(&website.served.trips("/ws/evil"));
        assert_eq!(trips, [(403, false)], "{host}");
        assert!(website.reports.try_recv().is_err(), "the handler ran");
    }
    // Without the guard it connects as the person.
    let without = layer(&realm).dangerously_allow_cross_site();
    let (website, heard) = visit(without, "localhost");
    assert_eq!(heard, "Hello, alice");
    assert_eq!(website.report(), "alice connected by the page of evil");
}

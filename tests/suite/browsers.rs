//! What holds in every browser; chromium.rs and firefox.rs have the tests.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::StatusCode;
use serde_json::json;
use tower_spnego::testing::{Chromium, Firefox, TestRealm, TicketCache};
use tower_spnego::{
    Directory, DirectoryError, Initiator, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder, User,
};

use crate::served::outcomes;
use crate::site::{Site, layer, realm};
use crate::website::{CONNECTIONS, Website, lure};

pub trait RealBrowser: Sized {
    fn start(cache: Option<&TicketCache>, url: &str) -> Self;
    fn log(&self) -> String;

    /// At the website's own page.
    fn at(website: &Website, cache: Option<&TicketCache>) -> Self {
        Self::start(cache, &website.served.url("/"))
    }
}

impl RealBrowser for Chromium {
    fn start(cache: Option<&TicketCache>, url: &str) -> Self {
        Self::start(cache, url).expect("a browser")
    }

    fn log(&self) -> String {
        self.log()
    }
}

impl RealBrowser for Firefox {
    fn start(cache: Option<&TicketCache>, url: &str) -> Self {
        Self::start(cache, url).expect("a browser")
    }

    fn log(&self) -> String {
        self.log()
    }
}

struct Unreachable;

impl Directory for Unreachable {
    async fn find(&self, _: &Initiator) -> Result<User, DirectoryError> {
        Err(DirectoryError::unavailable())
    }
}

/// Why a good client is refused, and the page that it then shows.
struct Refusal {
    path: &'static str,
    layer: SpnegoLayerBuilder,
    status: u16,
    heading: &'static str,
}

fn refusals(realm: &TestRealm, twin: &TestRealm) -> [Refusal; 4] {
    let of_another_realm = SpnegoLayer::builder()
        .realm("OTHER.TEST")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly);
    [
        Refusal {
            path: "/another-key",
            layer: layer(realm).keytab(twin.keytab()),
            status: 401,
            heading: "You are not signed in",
        },
        Refusal {
            path: "/another-realm",
            layer: of_another_realm,
            status: 403,
            heading: "You may not open this page",
        },
        Refusal {
            path: "/no-directory",
            layer: layer(realm).directory(Unreachable),
            status: 503,
            heading: "Signing in does not work right now",
        },
        Refusal {
            path: "/by-the-handler",
            layer: layer(realm),
            status: 401,
            heading: "Not even you",
        },
    ]
}

async fn refuse(_: User) -> (StatusCode, Html<&'static str>) {
    let page = "<!doctype html><h1>Not even you</h1>";
    (StatusCode::UNAUTHORIZED, Html(page))
}

pub fn every_refusal_ends_with_its_page<B: RealBrowser>() {
    let (realm, twin) = (realm(), TestRealm::start().expect("a KDC"));
    let mut routes = Router::new();
    let (mut pages, mut expected) = (Vec::new(), Vec::new());
    for refusal in refusals(&realm, &twin) {
        let (path, status) = (refusal.path, refusal.status);
        let route = Router::new()
            .route(path, get(refuse))
            .route(&format!("{path}/fetched"), get(refuse));
        routes = routes.merge(Site::of(route, refusal.layer).router);
        pages.push((path, status));
        expected.push(json!({ "path": path, "heading": refusal.heading, "fetched": status }));
    }
    let script = "const report_on = async (path) => ({
            path,
            heading: heading(await visit(path)),
            fetched: (await fetch(path + '/fetched')).status,
        });
        const reports = [];
        for (const path of PATHS) {
            reports.push(await report_on(path));
        }
        await report(reports)";
    let paths: Vec<_> = pages.iter().map(|(path, _)| path).collect();
    let script = script.replace("PATHS", &json!(paths).to_string());
    let website = Website::public(routes, &script);
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let browser = B::at(&website, Some(&alice));
    assert_eq!(website.report(), json!(expected), "{}", browser.log());
    for (path, status) in pages {
        let trips = outcomes(&website.served.trips(path));
        let start = [(401, false), (status, true)];
        assert_eq!(trips.get(..2), Some(&start[..]), "{path}: {trips:?}");
        for path in [path.to_owned(), format!("{path}/fetched")] {
            let trips = outcomes(&website.served.trips(&path));
            let tokens = trips.iter().filter(|(_, has_token)| *has_token).count();
            // Chromium asks once more without a token.
            assert!(tokens <= 2 && trips.len() <= 3, "{path}: {trips:?}");
        }
    }
}

/// Of nearly a megabyte: without what a refusal reads of it, Firefox loses such a form, and one of
/// 100 KB now and then.
pub fn a_form_that_is_sent_after_the_login_has_expired_arrives_whole<B: RealBrowser>() {
    let realm = realm();
    let website = Website::start(
        layer(&realm),
        "await fetch('/advance', {method: 'POST'});
        await postInFrame('/upload', {story: 'Alice '.repeat(160_000)});
        await report('sent')",
    );
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let browser = B::at(&website, Some(&alice));
    let upload = website.report();
    assert_eq!(upload["user"], "alice", "{upload} {}", browser.log());
    let body = upload["body"].as_str().expect("text");
    let whole = format!("story={}", "Alice+".repeat(160_000));
    assert!(body == whole, "{} bytes", body.len());
    assert_eq!(website.report(), "sent");
    let trips = outcomes(&website.served.trips("/upload"));
    assert_eq!(trips, [(401, false), (200, true)]);
}

pub fn eight_requests_at_once_on_an_expired_login_sign_in_and_lose_nothing<B: RealBrowser>() {
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
    let browser = B::at(&website, Some(&alice));
    let report = website.report();
    let before = report["before"].clone();
    assert_eq!(before["user"], "alice", "{report} {}", browser.log());
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

pub fn a_form_of_another_site_changes_nothing<B: RealBrowser>() {
    let realm = realm();
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let visit = |layer| {
        let (website, evil) = lure(
            layer,
            "await postInFrame('/transfer/ours')",
            "127.0.0.1",
            "post(victim + '/transfer/evil')",
        );
        let browser = B::at(&website, Some(&alice));
        assert_eq!(website.report(), "alice transferred by the page of ours");
        (website, evil, browser)
    };
    let (website, _evil, browser) = visit(layer(&realm));
    website.served.wait_for("/transfer/evil");
    drop(browser);
    let trips = outcomes(&website.served.trips("/transfer/evil"));
    assert_eq!(trips, [(403, false)]);
    assert!(website.reports.try_recv().is_err(), "the handler ran");

    // Without the guard the form does its work: the browser signs it in.
    let (website, _evil, _browser) = visit(layer(&realm).dangerously_allow_cross_site());
    assert_eq!(website.report(), "alice transferred by the page of evil");
}

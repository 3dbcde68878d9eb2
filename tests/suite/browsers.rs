//! What holds in every browser; chromium.rs and firefox.rs have the tests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::{Path, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;
use tokio::sync::{Barrier, Mutex};
use tokio::time::timeout;
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};
use tower_spnego::User;
use tower_spnego::testing::{Chromium, Firefox, TestRealm, TicketCache};

use crate::clients::channel_binding::{self, UNBOUND};
use crate::clients::{FETCHED, NO_TICKET, REFUSALS, Refused, Refusing, Run, greeting};
use crate::served::{DEADLINE, outcomes};
use crate::site::{layer, realm};
use crate::tls::Tls;
use crate::website::{CONNECTIONS, Website, lure};

pub trait RealBrowser: Sized {
    const NAME: &str;

    fn available() -> Result<(), String>;
    /// The only one that is made.
    fn tour() -> &'static Tour;
    fn start(cache: Option<&TicketCache>, url: &str) -> Self;
    /// At a website whose certificate it takes.
    fn start_tls(cache: &TicketCache, website: &Website, tls: &Tls) -> Self;
    fn log(&self) -> String;

    /// At the website's own page.
    fn at(website: &Website, cache: Option<&TicketCache>) -> Self {
        Self::start(cache, &website.served.url("/"))
    }
}

impl RealBrowser for Chromium {
    const NAME: &str = "Chromium";

    fn available() -> Result<(), String> {
        Self::available()
    }

    fn tour() -> &'static Tour {
        static TOUR: OnceLock<Tour> = OnceLock::new();
        TOUR.get_or_init(Tour::make::<Self>)
    }

    fn start(cache: Option<&TicketCache>, url: &str) -> Self {
        Self::start(cache, url).expect("a browser")
    }

    fn start_tls(cache: &TicketCache, website: &Website, _: &Tls) -> Self {
        let chromium = Self::new(Some(cache)).expect("a browser");
        let mut chromium = chromium.accept_any_certificate();
        chromium.open(&website.served.url("/")).expect("a browser");
        chromium
    }

    fn log(&self) -> String {
        self.log()
    }
}

impl RealBrowser for Firefox {
    const NAME: &str = "Firefox";

    fn available() -> Result<(), String> {
        Self::available()
    }

    fn tour() -> &'static Tour {
        static TOUR: OnceLock<Tour> = OnceLock::new();
        TOUR.get_or_init(Tour::make::<Self>)
    }

    fn start(cache: Option<&TicketCache>, url: &str) -> Self {
        Self::start(cache, url).expect("a browser")
    }

    fn start_tls(cache: &TicketCache, website: &Website, tls: &Tls) -> Self {
        let mut firefox = Self::new(Some(cache)).expect("a browser");
        let accepted = firefox.accept_certificate(website.served.port(), &tls.certificate());
        accepted.expect("written");
        firefox.open(&website.served.url("/")).expect("a browser");
        firefox
    }

    fn log(&self) -> String {
        self.log()
    }
}

/// What a browser does as a client like the others of `clients`.
#[derive(Debug)]
pub struct Tour {
    /// It fetches the same twice.
    pub sign_in: Run,
    /// It fetches what it is refused.
    pub refusals: Refused,
    /// It shows the pages of the refusals; their headings.
    shown: Refused,
}

impl Tour {
    fn make<B: RealBrowser>() -> Self {
        let realm = realm();
        let alice = realm.ticket_cache("alice").expect("a ticket");
        let with_ticket = REFUSALS.map(|(path, _)| path);
        let with_ticket = with_ticket.into_iter().filter(|path| *path != NO_TICKET);
        let (sign_in, mut stops) = travel::<B>(&realm, Some(&alice), with_ticket.collect());
        let (_, without_ticket) = travel::<B>(&realm, None, vec![NO_TICKET]);
        let place = REFUSALS.iter().position(|(path, _)| *path == NO_TICKET);
        let place = place.expect("one of them");
        stops.splice(place..place, without_ticket);
        let (shown, refusals): (Vec<_>, Vec<_>) = stops.into_iter().unzip();
        Self {
            sign_in,
            refusals: refusals.try_into().expect("each"),
            shown: shown.try_into().expect("each"),
        }
    }
}

/// What a browser does that fetches the same twice, after it has shown each of these paths and
/// fetched from there.
fn travel<B: RealBrowser>(
    realm: &TestRealm,
    cache: Option<&TicketCache>,
    paths: Vec<&str>,
) -> (Run, Vec<(Run, Run)>) {
    let script = "const stops = [];
        for (const path of PATHS) {
            const title = heading(await visit(path));
            stops.push([title, `${(await fetch(path + 'FETCHED')).status}`]);
        }
        const greetings = [];
        for (const _ of [1, 2]) {
            const answer = await fetch('/greeting');
            greetings.push(`${answer.status} ${await answer.text()}`);
        }
        await report([stops, greetings])";
    let script = script
        .replace("PATHS", &json!(paths).to_string())
        .replace("FETCHED", FETCHED);
    let refusing = Refusing::start(realm, |routes| {
        let routes = routes.merge(greeting("/greeting", layer(realm)));
        Website::public(routes, &script)
    });
    let website = &refusing.server;
    let browser = B::at(website, cache);
    let report = website.report();
    let (stops, greetings): (Vec<(String, String)>, Vec<String>) =
        serde_json::from_value(report.clone())
            .unwrap_or_else(|_| panic!("{report} {}", browser.log()));
    let run = |path: &str, outcomes| Run {
        trips: website.served.trips(path),
        outcomes,
    };
    let stops = paths.iter().zip(stops).map(|(path, (heading, status))| {
        let fetched = format!("{path}{FETCHED}");
        (run(path, vec![heading]), run(&fetched, vec![status]))
    });
    let stops = stops.collect();
    (run("/greeting", greetings), stops)
}

pub fn every_refusal_ends_with_its_page<B: RealBrowser>() {
    let tour = B::tour();
    for (n, (path, status)) in REFUSALS.into_iter().enumerate() {
        let (shown, fetched) = (&tour.shown[n], &tour.refusals[n]);
        let heading = match status {
            _ if path == "/not-for-you" => "Not even you",
            StatusCode::UNAUTHORIZED => "You are not signed in",
            StatusCode::FORBIDDEN => "You may not open this page",
            StatusCode::SERVICE_UNAVAILABLE => "Signing in does not work right now",
            _ => "The server has a problem",
        };
        assert_eq!(shown.outcomes, [heading], "{path}");
        assert_eq!(fetched.outcomes, [status.as_str()], "{path}");
        for run in [shown, fetched] {
            let trips = outcomes(&run.trips);
            // Chromium asks once more without a token.
            assert!(run.tokens() <= 2 && trips.len() <= 3, "{path}: {trips:?}");
            let is_challenged = trips.first() == Some(&(401, false));
            if is_challenged && path != NO_TICKET {
                assert_eq!(trips.get(1), Some(&(status.as_u16(), true)), "{path}");
            } else {
                assert_eq!(run.tokens(), 0, "{path}: {trips:?}");
            }
        }
    }
}

pub fn its_tokens_are_not_bound_and_only_refused_where_they_must<B: RealBrowser>() {
    let realm = realm();
    let tls = Tls::new();
    let direct = UNBOUND
        .into_iter()
        .filter(|(path, _)| path.ends_with("/direct"));
    let (paths, refusals): (Vec<_>, Vec<_>) = direct.unzip();
    let script = "const answers = [];
        for (const path of PATHS) {
            const answer = await fetch(path);
            answers.push(`${answer.status} ${await answer.text()}`);
        }
        await report(answers)";
    let script = script.replace("PATHS", &json!(paths).to_string());
    let website = Website::public_tls(channel_binding::pages(&realm), &script, &tls);
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let browser = B::start_tls(&alice, &website, &tls);
    let report = website.report();
    let answers: Vec<String> = serde_json::from_value(report.clone())
        .unwrap_or_else(|_| panic!("{report} {}", browser.log()));
    for ((path, refusal), answer) in paths.into_iter().zip(refusals).zip(answers) {
        let run = Run {
            trips: website.served.trips(path),
            outcomes: vec![answer],
        };
        channel_binding::ended(&run, refusal, path);
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

type Together = (Barrier, AtomicUsize, Mutex<()>);

async fn in_turn((barrier, came, turn): &Together, request: Request, next: Next) -> Response {
    let brings_token = request.headers().contains_key("authorization");
    if brings_token && came.fetch_add(1, Ordering::SeqCst) < CONNECTIONS {
        // When time is up the test fails by what the page then reports.
        let _ = timeout(DEADLINE / 2, barrier.wait()).await;
    }
    let _turn = turn.lock().await;
    next.run(request).await
}

/// The first six, which come together, are answered one after the other: all but one when the
/// session's id has been changed already.
pub fn eight_first_requests_at_once_keep_an_anonymous_cart<B: RealBrowser>() {
    let realm = realm();
    let mine = async |user: User, session: Session| {
        let cart: Option<String> = session.get("cart").await.expect("reads");
        Json(json!({ "user": user.username(), "cart": cart }))
    };
    let put = async |session: Session, Path(item): Path<String>| {
        session.insert("cart", item).await.expect("inserts");
    };
    let together = Arc::new((
        Barrier::new(CONNECTIONS),
        AtomicUsize::new(0),
        Mutex::new(()),
    ));
    let in_turn = move |request: Request, next: Next| {
        let together = Arc::clone(&together);
        async move { in_turn(&together, request, next).await }
    };
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_secure(false)
        .with_same_site(SameSite::Lax);
    let routes = Router::new()
        .route("/mine", get(mine))
        .layer(layer(&realm).build().expect("starts"))
        .route("/put/{item}", post(put))
        .layer(sessions)
        .layer(from_fn(in_turn));
    let website = Website::public(
        routes,
        "await fetch('/put/pear', {method: 'POST'});
        const eight = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => json('/mine?' + n));
        await report({eight: await Promise.all(eight), after: await json('/mine')});",
    );
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let browser = B::at(&website, Some(&alice));
    let report = website.report();
    let expected = json!({ "user": "alice", "cart": "pear" });
    assert_eq!(
        report["eight"],
        json!(vec![expected.clone(); 8]),
        "{}",
        browser.log()
    );
    assert_eq!(report["after"], expected);
    let trips = outcomes(&website.served.trips("/mine"));
    let sign_ins = trips.iter().filter(|trip| **trip == (200, true)).count();
    assert!(sign_ins >= CONNECTIONS, "at once: {trips:?}");
    assert_eq!(trips.last(), Some(&(200, false)), "{trips:?}");
}

pub fn who_signs_out_stays_signed_out_until_they_ask<B: RealBrowser>() {
    let realm = realm();
    let website = Website::start(
        layer(&realm).sign_in_path("/sign-in"),
        "await fetch('/put/pear', {method: 'POST'});
        await fetch('/logout', {method: 'POST'});
        const pages = [];
        for (const _ of [1, 2]) pages.push(heading(await visit('/who')));
        const eight = [0, 1, 2, 3, 4, 5, 6, 7].map(async (n) => (await fetch('/state?' + n)).status);
        const fetched = await Promise.all(eight);
        const out = await visit('/who');
        const link = out.querySelector('a');
        const frame = [...document.querySelectorAll('iframe')].pop();
        const back = await new Promise((done) => {
            frame.onload = () => done(frame.contentDocument.body.textContent);
            link.click();
        });
        await report({pages, fetched, link: link.getAttribute('href'), back,
            next: await json('/state')});",
    );
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let browser = B::at(&website, Some(&alice));
    let report = website.report();
    let out = "You are signed out";
    assert_eq!(
        report["pages"],
        json!([out, out]),
        "{report} {}",
        browser.log()
    );
    assert_eq!(report["fetched"], json!(vec![403; 8]), "{report}");
    assert_eq!(report["link"], "/sign-in");
    assert_eq!(report["back"], "alice <> in ");
    assert_eq!(report["next"]["user"], "alice");
    assert_eq!(report["next"]["cart"], json!(null), "the logout emptied it");
    // Unasked it sent nothing.
    let trips = outcomes(&website.served.trips("/who"));
    assert_eq!(
        trips,
        [(403, false), (403, false), (403, false), (200, false)]
    );
    let trips = outcomes(&website.served.trips("/sign-in"));
    assert_eq!(trips, [(401, false), (303, true)]);
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

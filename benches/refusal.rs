//! What a refused token costs, the line in the log included:
//! `cargo bench --features testing --bench refusal`.
//!
//! They are the tokens of a flood: what anybody can make, and a real one that is sent again.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use rustix::time::{ClockId, clock_gettime};
use tower::ServiceExt;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::{TestRealm, authorization};
use tower_spnego::{Error, PrincipalOnly, SpnegoLayer, User};

const ROUNDS: usize = 11;
const REQUESTS: u32 = 500;
const SPN: &str = "HTTP/localhost";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    tracing_subscriber::fmt().with_writer(std::io::sink).init();
    let realm = TestRealm::start().expect("a KDC");
    let spnego = SpnegoLayer::builder()
        .realm(realm.realm())
        .hostname("localhost")
        .keytab(realm.keytab())
        .replay_cache(realm.folder().join("replays"))
        .directory(PrincipalOnly)
        .build()
        .expect("starts");
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let router = Router::new()
        .route("/", get(async |user: User| user.username().to_owned()))
        .layer(spnego)
        .layer(sessions);

    let alice = realm.ticket_cache("alice").expect("a ticket");
    let used = alice.token(SPN).expect("a token");
    send(&router, &authorization(&used)).await;
    realm.change_key(SPN).expect("changes");
    let newer = realm.ticket_cache("alice").expect("a ticket");
    let newer = newer.token(SPN).expect("a token");
    let mut garbled = alice.token(SPN).expect("a token");
    *garbled.last_mut().expect("bytes") ^= 1;
    let flood = [
        (
            "not base64, 80 KB",
            format!("Negotiate {}!", "A".repeat(80_000)),
        ),
        (
            "NTLM",
            format!(
                "Negotiate {}",
                STANDARD.encode(b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2")
            ),
        ),
        ("a ticket of a newer key", authorization(&newer)),
        ("a garbled authenticator", authorization(&garbled)),
        ("a replay", authorization(&used)),
    ];
    println!("{:<26} {:>12}   refused as", "medians", "CPU for one");
    for (name, header) in &flood {
        let mut times: Vec<_> = Vec::new();
        let mut kind = None;
        for _ in 0..ROUNDS {
            let start = process_time();
            for _ in 0..REQUESTS {
                kind = send(&router, header).await;
            }
            times.push((process_time() - start) / REQUESTS);
        }
        times.sort_unstable();
        let median = times[ROUNDS / 2].as_secs_f64() * 1e6;
        println!(
            "{name:<26} {median:>9.1} us   {:?}",
            kind.expect("refused").kind()
        );
    }
}

async fn send(router: &Router, header: &str) -> Option<Error> {
    let request = Request::get("/").header(AUTHORIZATION, header);
    let request = request.body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("infallible");
    answer.extensions().get::<Error>().cloned()
}

fn process_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

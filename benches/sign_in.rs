//! What a sign-in through the layer costs, beside the accept of GSSAPI alone:
//! `cargo bench --features testing --bench sign_in`.
//!
//! Every token is made beforehand and used once, with the replay cache on. The set-ups run in
//! alternating rounds: machines differ by the minute, and the ratios hold.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use http::header::AUTHORIZATION;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;
use tower::ServiceExt;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::{BareAcceptor, TestRealm, TicketCache, authorization};
use tower_spnego::{PrincipalOnly, SpnegoLayer, User};

const ROUNDS: usize = 11;
const TOKENS: usize = 2_000;
const SPN: &str = "HTTP/localhost";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let realm = TestRealm::start().expect("a KDC");
    let cache = realm.ticket_cache("alice").expect("a ticket");
    cache.service_ticket(SPN).expect("a ticket");
    let replays = realm.folder().join("replays");
    let router = router(&realm, &replays);
    let bare = |threads| bare(&realm, &replays, threads, tokens(&cache));
    let through_layer = |in_flight| through_layer(&router, in_flight, tokens(&cache));

    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push([
            bare(1),
            bare(2),
            through_layer(1).await,
            through_layer(16).await,
            empty_hop().await,
        ]);
    }

    let names = [
        "bare, 1 thread",
        "bare, 2 threads",
        "layer, 1 in flight",
        "layer, 16 in flight",
        "an empty hop to a thread and back",
    ];
    println!(
        "{:<34} {:>10} {:>14} {:>12}",
        "medians", "a second", "CPU for one", "one, p50"
    );
    for (index, name) in names.iter().enumerate() {
        let median = |of: fn(&Run) -> f64| median(rounds.iter().map(|round| of(&round[index])));
        println!(
            "{name:<34} {:>10.0} {:>11.1} us {:>9.1} us",
            median(Run::rate),
            median(Run::cpu),
            median(Run::latency),
        );
    }
    let ratio = |of: fn(&Run) -> f64, this: usize, that: usize| {
        median(
            rounds
                .iter()
                .map(|round| of(&round[this]) / of(&round[that])),
        )
    };
    println!(
        "layer, 16 in flight, beside bare, 1 thread: {:.2}x the CPU (target: at most 1.8), \
         {:.2}x the rate (target: at least 1)",
        ratio(Run::cpu, 3, 0),
        ratio(Run::rate, 3, 0),
    );
    println!(
        "bare, 2 threads beside 1: {:.2}x the CPU, {:.2}x the rate",
        ratio(Run::cpu, 1, 0),
        ratio(Run::rate, 1, 0),
    );
    let beyond_bare = rounds
        .iter()
        .map(|round| round[2].latency() - round[0].latency());
    println!(
        "one at a time, the layer adds {:.1} us to the bare accept; the hop alone is {:.1} us",
        median(beyond_bare),
        median(rounds.iter().map(|round| round[4].latency())),
    );
}

struct Run {
    wall: Duration,
    cpu: Duration,
    /// How long each took.
    each: Vec<Duration>,
}

impl Run {
    fn rate(&self) -> f64 {
        self.each.len() as f64 / self.wall.as_secs_f64()
    }

    fn cpu(&self) -> f64 {
        micros(self.cpu) / self.each.len() as f64
    }

    fn latency(&self) -> f64 {
        median(self.each.iter().copied().map(micros))
    }
}

/// The clocks of a run.
struct Clocks(Instant, Duration);

impl Clocks {
    fn start() -> Self {
        Self(Instant::now(), process_time())
    }

    fn stop(self, each: Vec<Duration>) -> Run {
        Run {
            wall: self.0.elapsed(),
            cpu: process_time() - self.1,
            each,
        }
    }
}

fn process_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Two threads make them: it takes longer than to accept them.
fn tokens(cache: &TicketCache) -> Vec<Vec<u8>> {
    let half = || -> Vec<_> {
        let tokens = (0..TOKENS / 2).map(|_| cache.token(SPN).expect("a token"));
        tokens.collect()
    };
    thread::scope(|scope| {
        let other = scope.spawn(half);
        let mut tokens = half();
        tokens.extend(other.join().expect("tokens"));
        tokens
    })
}

fn bare(realm: &TestRealm, replays: &Path, threads: usize, tokens: Vec<Vec<u8>>) -> Run {
    let (ready, go) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    thread::scope(|scope| {
        let running: Vec<_> = tokens
            .chunks(TOKENS / threads)
            .map(|tokens| {
                scope.spawn(|| {
                    let acceptor = BareAcceptor::new(realm.keytab(), "localhost", replays);
                    let acceptor = acceptor.expect("starts");
                    ready.wait();
                    go.wait();
                    let accepted = tokens.iter().map(|token| {
                        let start = Instant::now();
                        assert!(acceptor.accept(token));
                        start.elapsed()
                    });
                    accepted.collect::<Vec<_>>()
                })
            })
            .collect();
        ready.wait();
        let clocks = Clocks::start();
        go.wait();
        let each = running
            .into_iter()
            .flat_map(|thread| thread.join().expect("accepts"));
        let each = each.collect();
        clocks.stop(each)
    })
}

fn router(realm: &TestRealm, replays: &Path) -> Router {
    let spnego = SpnegoLayer::builder()
        .realm(realm.realm())
        .hostname("localhost")
        .keytab(realm.keytab())
        .replay_cache(replays)
        .directory(PrincipalOnly)
        .build()
        .expect("starts");
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    Router::new()
        .route(
            "/",
            get(async |user: User| format!("Hello, {}", user.username())),
        )
        .layer(spnego)
        .layer(sessions)
}

async fn through_layer(router: &Router, in_flight: usize, tokens: Vec<Vec<u8>>) -> Run {
    let requests = tokens.iter().map(|token| {
        let request = Request::get("/").header(AUTHORIZATION, authorization(token));
        request.body(Body::empty()).expect("a request")
    });
    let mut requests: Vec<_> = requests.collect();
    let clocks = Clocks::start();
    let running: Vec<_> = (0..in_flight)
        .map(|_| {
            let requests = requests.split_off(requests.len() - TOKENS / in_flight);
            let router = router.clone();
            tokio::spawn(async move {
                let mut each = Vec::with_capacity(requests.len());
                for request in requests {
                    let start = Instant::now();
                    let answer = router.clone().oneshot(request).await.expect("infallible");
                    assert!(answer.status().is_success(), "{answer:?}");
                    each.push(start.elapsed());
                }
                each
            })
        })
        .collect();
    let mut each = Vec::new();
    for task in running {
        each.extend(task.await.expect("answers"));
    }
    clocks.stop(each)
}

/// What the layer's way to an accept thread and back costs when nothing is done there.
async fn empty_hop() -> Run {
    let (queue, jobs) = crossbeam_channel::bounded::<oneshot::Sender<()>>(1);
    let thread = thread::spawn(move || {
        for job in jobs {
            let _ = job.send(());
        }
    });
    let hops = tokio::spawn(async move {
        let clocks = Clocks::start();
        let mut each = Vec::with_capacity(TOKENS);
        for _ in 0..TOKENS {
            let start = Instant::now();
            let (reply, replied) = oneshot::channel();
            queue.try_send(reply).expect("the queue is empty");
            replied.await.expect("replies");
            each.push(start.elapsed());
        }
        clocks.stop(each)
    });
    let run = hops.await.expect("hops");
    thread.join().expect("ends");
    run
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

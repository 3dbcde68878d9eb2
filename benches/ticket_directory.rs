//! What it costs to know a person by the ticket's PAC:
//! `cargo bench --features testing --bench ticket_directory`, as root, with Samba installed.
//!
//! Every token is made beforehand and used once, with the replay cache on. The set-ups run in
//! alternating rounds: machines differ by the minute, and the ratios hold.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use http::header::AUTHORIZATION;
use tower::ServiceExt;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{
    BareAcceptor, GroupScope, TestActiveDirectory, TicketCache, active_directory_or_skip,
    authorization,
};
use tower_spnego::{Directory, SpnegoLayer, TicketDirectory, User};

const ROUNDS: usize = 21;
const TOKENS: usize = 320;
const IN_FLIGHT: usize = 16;
const SPN: &str = "HTTP/localhost";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    if !active_directory_or_skip("the benchmark ticket_directory") {
        return;
    }
    let ad = TestActiveDirectory::start().expect("a domain");
    // Beside Domain Users.
    let people = [("alice", 4), ("bob", 1_199)].map(|(user, groups)| {
        let names = (0..groups).map(|number| format!("{user}-{number}"));
        ad.add_groups_of(user, GroupScope::Global, names)
            .expect("added");
        let cache = ad.ticket_cache(user).expect("a ticket");
        cache.service_ticket(SPN).expect("a ticket");
        (groups + 1, cache)
    });
    let replays = ad.folder().join("replays");
    let acceptor = || {
        let acceptor = BareAcceptor::new(&ad.keytab(), "localhost", &replays);
        acceptor.expect("starts")
    };
    let (plain, reading) = (acceptor(), acceptor().reading_pac());
    for (groups, cache) in &people {
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| [&plain, &reading].map(|acceptor| accept(acceptor, cache)))
            .collect();
        let [without, with] = [0, 1].map(|run| median(rounds.iter().map(|round| round[run])));
        let share = median(rounds.iter().map(|[without, with]| 1.0 - without / with));
        println!(
            "{groups} groups: an accept takes {without:.1} us, with the PAC read {with:.1} us; \
             the PAC's share is {:.1} %",
            share * 100.0
        );
    }
    let by_sid = || {
        LdapDirectory::active_directory("ad.example.test")
            .server(ad.ldaps_url())
            .ca_file(ad.ca_file())
            .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
            .build()
            .expect("a directory")
    };
    let ticket = router(&ad, TicketDirectory::new());
    let named = router(&ad, TicketDirectory::new().names_from(by_sid()));
    let ldap = router(&ad, by_sid());
    for (groups, cache) in &people {
        let mut rounds = Vec::new();
        for round in 0..=ROUNDS {
            let mut rates = [0.0; 3];
            for (rate, router) in rates.iter_mut().zip([&ticket, &named, &ldap]) {
                *rate = sign_ins_per_second(router, cache).await;
            }
            // The first one connects, and asks for the names.
            if round > 0 {
                rounds.push(rates);
            }
        }
        let rate = |run: usize| median(rounds.iter().map(|round| round[run]));
        let beside_ldap = |run: usize| median(rounds.iter().map(|round| round[run] / round[2]));
        println!(
            "{groups} groups, sign-ins a second: {:.0} with TicketDirectory, {:.0} where it has \
             looked up the groups' names before, {:.0} with LdapDirectory by SID; {:.1}x and {:.1}x \
             (target: at least 3)",
            rate(0),
            rate(1),
            rate(2),
            beside_ldap(0),
            beside_ldap(1),
        );
    }
}

fn router(ad: &TestActiveDirectory, directory: impl Directory) -> Router {
    let spnego = SpnegoLayer::builder()
        .realm(ad.realm())
        .hostname("localhost")
        .keytab(ad.keytab())
        .replay_cache(ad.folder().join("replays"))
        .directory(directory)
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

/// With as many sign-ins at once as keep a server busy.
async fn sign_ins_per_second(router: &Router, cache: &TicketCache) -> f64 {
    let tokens: Vec<_> = (0..TOKENS)
        .map(|_| cache.token(SPN).expect("a token"))
        .collect();
    let start = Instant::now();
    let running: Vec<_> = tokens
        .chunks(TOKENS.div_ceil(IN_FLIGHT))
        .map(|tokens| {
            let (router, tokens) = (router.clone(), tokens.to_vec());
            tokio::spawn(async move {
                for token in tokens {
                    let request = Request::get("/").header(AUTHORIZATION, authorization(&token));
                    let request = request.body(Body::empty()).expect("a request");
                    let answer = router.clone().oneshot(request).await.expect("infallible");
                    assert!(answer.status().is_success(), "{answer:?}");
                }
            })
        })
        .collect();
    for task in running {
        task.await.expect("answers");
    }
    TOKENS as f64 / start.elapsed().as_secs_f64()
}

/// Microseconds that the median accept takes.
fn accept(acceptor: &BareAcceptor, cache: &TicketCache) -> f64 {
    let tokens: Vec<_> = (0..TOKENS)
        .map(|_| cache.token(SPN).expect("a token"))
        .collect();
    median(tokens.iter().map(|token| {
        let start = Instant::now();
        assert!(acceptor.accept(token));
        start.elapsed().as_secs_f64() * 1e6
    }))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

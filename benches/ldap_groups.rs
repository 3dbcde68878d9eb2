//! What it costs to know the nested groups of a person in 1,200 of them, by each way:
//! `cargo bench --features testing --bench ldap_groups`, as root, with Samba installed.
//!
//! The ways run in alternating rounds over one connection each: machines differ by the minute, and the
//! ratios hold. `GroupSearch::Member` is not among them: Samba has no index for `member`, and takes
//! half a minute.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use http::header::AUTHORIZATION;
use tower::ServiceExt;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::ldap::{GroupSearch, LdapDirectory};
use tower_spnego::testing::{
    GroupScope, TestActiveDirectory, active_directory_or_skip, authorization,
};
use tower_spnego::{Directory, DirectoryError, Initiator, SpnegoLayer, User};

const ROUNDS: usize = 11;

/// Beside `Domain Users`; the last one holds the first.
const GROUPS: usize = 1_199;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    if !active_directory_or_skip("the benchmark ldap_groups") {
        return;
    }
    let ad = TestActiveDirectory::start().expect("a domain");
    let names = (1..GROUPS).map(|number| format!("group-{number}"));
    ad.add_groups_of("alice", GroupScope::Global, names)
        .expect("added");
    ad.add_group("over", GroupScope::Universal).expect("added");
    ad.add_members("over", ["group-1"]).expect("added");
    let who = initiator(&ad).await;
    let ways = [
        ("the ticket, SIDs named", GroupSearch::Ticket),
        ("tokenGroups", GroupSearch::TokenGroups),
        ("in-chain", GroupSearch::InChain),
        ("memberOf, level by level", GroupSearch::MemberOf),
    ];
    let directories = ways.clone().map(|(_, search)| {
        LdapDirectory::active_directory("ad.example.test")
            .server(ad.ldaps_url())
            .ca_file(ad.ca_file())
            .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
            .groups(search)
            .nested_groups()
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a directory")
    });
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let mut times = [0.0; 4];
        for (time, directory) in times.iter_mut().zip(&directories) {
            let start = Instant::now();
            let user = directory.find(&who).await.expect("found");
            *time = start.elapsed().as_secs_f64() * 1e3;
            let of_domain = user.groups().filter(|group| group.dn().is_some());
            assert!(of_domain.count() > GROUPS);
        }
        // The first one connects.
        if round > 0 {
            rounds.push(times);
        }
    }
    for (way, (name, _)) in ways.iter().enumerate() {
        let time = median(rounds.iter().map(|round| round[way]));
        let beside = median(rounds.iter().map(|round| round[way] / round[1]));
        println!("{name}: {time:.0} ms, {beside:.2}x of tokenGroups");
    }
}

/// Keeps what the layer knows of who signs in.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Option<Initiator>>>);

impl Directory for Witness {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        *self.0.lock().expect("locks") = Some(who.clone());
        Ok(User::builder(who.principal().clone()).build())
    }
}

/// Alice, with her ticket's PAC.
async fn initiator(ad: &TestActiveDirectory) -> Initiator {
    let witness = Witness::default();
    let spnego = SpnegoLayer::builder()
        .realm(ad.realm())
        .hostname("localhost")
        .keytab(ad.keytab())
        .directory(witness.clone())
        .build()
        .expect("starts");
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let router = Router::new()
        .route("/", get(async |_: User| ()))
        .layer(spnego)
        .layer(sessions);
    let cache = ad.ticket_cache("alice").expect("a ticket");
    let token = cache.token("HTTP/localhost").expect("a token");
    let request = Request::get("/").header(AUTHORIZATION, authorization(&token));
    let request = request.body(Body::empty()).expect("a request");
    let answer = router.oneshot(request).await.expect("infallible");
    assert!(answer.status().is_success(), "{answer:?}");
    let who = witness.0.lock().expect("locks").take();
    who.expect("somebody signed in")
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

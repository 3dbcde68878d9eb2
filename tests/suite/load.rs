//! Many people at once, and people beside an attack.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::JoinSet;
use tower_spnego::ErrorKind;
use tower_spnego::testing::TestRealm;

use crate::der;
use crate::server::{Reply, Server, answer, authorization_line};
use crate::site::{SPN, Site, layer, realm};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_people_who_sign_in_at_once_are_told_apart() {
    let realm = TestRealm::start().expect("a KDC");
    let names: Vec<_> = (0..200).map(|number| format!("person{number}")).collect();
    realm.add_principals(&names).expect("adds");
    let tokens: Vec<_> = names
        .iter()
        .map(|name| {
            let cache = realm.ticket(name).only_for(SPN).get().expect("a ticket");
            cache.token(SPN).expect("a token")
        })
        .collect();
    let site = Site::new(layer(&realm));
    let server = Server::start(site.router.clone()).await;

    let headers: Vec<_> = tokens
        .iter()
        .map(|token| authorization_line(token))
        .collect();
    let mut cookies = Vec::new();
    for (reply, name) in at_once(&server, &headers).await.iter().zip(&names) {
        reply.is_hello(name);
        cookies.push(reply.cookie_line().expect("a session"));
    }
    assert_eq!(cookies.iter().collect::<HashSet<_>>().len(), 200);
    for (reply, name) in at_once(&server, &cookies).await.iter().zip(&names) {
        reply.is_hello(name);
    }
    assert_eq!(site.calls(), 400);

    for reply in at_once(&server, &headers).await {
        reply.is_rejected(ErrorKind::Replay);
    }
    assert_eq!(site.calls(), 400);
}

/// Sends a request with each header, after all connections are open.
async fn at_once(server: &Server, headers: &[String]) -> Vec<Reply> {
    let connections = join_all(headers.iter().map(|_| server.connect())).await;
    let requests = connections.into_iter().zip(headers);
    join_all(requests.map(|(connection, header)| answer(connection, "/", header))).await
}

const SIGN_INS_A_SECOND: u32 = 50;
const HOSTILE_A_SECOND: u32 = 100;
const QUIET_SECONDS: u32 = 10;
const FLOOD_SECONDS: u32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_hostile_tokens_keeps_nobody_out() {
    let realm = realm();
    let count = SIGN_INS_A_SECOND * (QUIET_SECONDS + FLOOD_SECONDS);
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let mut tokens: Vec<_> = (0..count)
        .map(|_| cache.token(SPN).expect("a token"))
        .collect();
    let beside = tokens.split_off((SIGN_INS_A_SECOND * QUIET_SECONDS) as usize);
    let server = Arc::new(Server::start(Site::new(layer(&realm)).router).await);

    let quiet = sign_ins(&server, tokens).await;
    let (beside, ()) = tokio::join!(
        sign_ins(&server, beside),
        flood(&server, hostile(realm.realm()))
    );
    // libtest keeps what `println!` says to itself.
    let _ = writeln!(
        std::io::stderr(),
        "{SIGN_INS_A_SECOND} sign-ins a second: {}; beside {HOSTILE_A_SECOND} hostile tokens a \
         second: {}",
        percentiles(quiet),
        percentiles(beside),
    );
}

/// How long each took.
async fn sign_ins(server: &Arc<Server>, tokens: Vec<Vec<u8>>) -> Vec<Duration> {
    let mut sent = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / SIGN_INS_A_SECOND);
    for token in tokens {
        ticks.tick().await;
        let server = Arc::clone(server);
        sent.spawn(async move {
            let start = Instant::now();
            server.sign_in(&token).await.is_hello("alice");
            start.elapsed()
        });
    }
    sent.join_all().await
}

async fn flood(server: &Arc<Server>, tokens: Vec<(Vec<u8>, ErrorKind)>) {
    let mut sent = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / HOSTILE_A_SECOND);
    let count = HOSTILE_A_SECOND * FLOOD_SECONDS;
    for (token, kind) in tokens.into_iter().cycle().take(count as usize) {
        ticks.tick().await;
        let server = Arc::clone(server);
        sent.spawn(async move { server.sign_in(&token).await.is_rejected(kind) });
    }
    sent.join_all().await;
}

/// The costliest tokens that a stranger can make, and how each is refused.
fn hostile(realm: &str) -> Vec<(Vec<u8>, ErrorKind)> {
    let short: Vec<_> = [der::KRB5]
        .into_iter()
        .chain(std::iter::repeat_n(&b"\x2a"[..], 20_000))
        .collect();
    let long = [0x2a; 4_000];
    // Not Kerberos first, so that GSSAPI looks at all of them and keeps a context to go on with.
    let mut few = vec![&long[..]; 15];
    few.push(der::KRB5);
    let noise = noise(45_000);
    let tokens = vec![
        (der::offer(&short, None), ErrorKind::TooManyMechanisms),
        (
            der::ap_req(realm, &noise, &noise[..200]),
            ErrorKind::WrongKey,
        ),
        (der::offer(&few, None), ErrorKind::UnfinishedHandshake),
        (
            der::ap_req(realm, &noise[1..], &noise[..200]),
            ErrorKind::WrongKey,
        ),
    ];
    for (token, _) in &tokens {
        assert!((44_000..64_000).contains(&token.len()), "{}", token.len());
    }
    tokens
}

/// Random bytes, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    format!("p50 {:.1?}, p99 {:.1?}", at(50), at(99))
}

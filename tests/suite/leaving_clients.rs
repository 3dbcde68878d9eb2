//! Clients that go away before they are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tower_spnego::ErrorKind;
use tower_spnego::testing::TicketCache;

use crate::server::{self, Server, authorization_line};
use crate::site::{SPN, Site, layer, lock_replay_cache, realm};
use crate::wait;

/// The most that the layer has.
const ACCEPT_THREADS: usize = 4;

fn tokens(cache: &TicketCache, count: usize) -> Vec<Vec<u8>> {
    let tokens = (0..count).map(|_| cache.token(SPN).expect("a token"));
    tokens.collect()
}

#[tokio::test]
async fn a_token_whose_client_leaves_while_it_waits_is_not_accepted() {
    let realm = realm();
    let folder = tempfile::tempdir().expect("a folder");
    let site = Site::new(layer(&realm).replay_cache(folder.path().join("replays")));
    let inside = Inside::default();
    let count = inside.clone();
    let server = Server::start(site.router.clone().layer(from_fn(
        move |request: Request, next: Next| {
            let guard = count.enter();
            async move {
                let response = next.run(request).await;
                drop(guard);
                response
            }
        },
    )))
    .await;
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let busy = tokens(&cache, ACCEPT_THREADS);
    let waiting = tokens(&cache, 20);

    // While somebody else has the replay cache, no accept comes to its end.
    let lock = lock_replay_cache(&folder.path().join("replays"));
    let busy_clients = send_all(&server, &busy).await;
    inside.reaches(ACCEPT_THREADS).await;
    let waiting_clients = send_all(&server, &waiting).await;
    inside.reaches(ACCEPT_THREADS + 20).await;
    drop((busy_clients, waiting_clients));
    inside.reaches(0).await;
    drop(lock);

    let fresh = cache.token(SPN).expect("a token");
    server.sign_in(&fresh).await.is_hello("alice");
    for token in &waiting {
        server.sign_in(token).await.is_hello("alice");
    }
    // A thread had this one already.
    let first = server.sign_in(&busy[0]).await;
    first.is_rejected(ErrorKind::Replay);
    assert_eq!(site.calls(), 21);
}

#[tokio::test]
async fn half_a_request_is_no_sign_in_and_hinders_none() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let server = Server::start(site.router.clone()).await;
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let token = cache.token(SPN).expect("a token");
    let request = server::request("/", &authorization_line(&token));
    for end in [1, request.len() / 2, request.len() - 2] {
        let mut connection = server.connect().await;
        let sent = connection.write_all(&request.as_bytes()[..end]).await;
        sent.expect("sends");
    }
    server.sign_in(&token).await.is_hello("alice");
    assert_eq!(site.calls(), 1);
}

async fn send_all(server: &Server, tokens: &[Vec<u8>]) -> Vec<TcpStream> {
    let mut connections = Vec::new();
    for token in tokens {
        let mut connection = server.connect().await;
        let request = server::request("/", &authorization_line(token));
        let sent = connection.write_all(request.as_bytes()).await;
        sent.expect("sends");
        connections.push(connection);
    }
    connections
}

/// How many requests the application is busy with.
#[derive(Clone, Default)]
struct Inside(Arc<AtomicUsize>);

struct Guard(Inside);

impl Inside {
    fn enter(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    async fn reaches(&self, count: usize) {
        let what = format!("{count} are inside");
        wait::until(&what, async || self.0.load(Ordering::SeqCst) == count).await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

//! Behind HAProxy with two servers: a handshake of several requests stays on the connection on which
//! it has begun, whoever comes between.

use std::process::Command;

use axum::Router;
use axum::routing::get;
use http::HeaderMap;
use http::header::HeaderName;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tower_sessions::MemoryStore;

use crate::daemon::{self, Daemon};
use crate::keep_alive::{KeepAlive, Legs};
use crate::markdown::{rows, words};
use crate::not_run;
use crate::server::{Server, answer};
use crate::site::{Site, layer, realm};

/// As its packages configure it, with these lines for the requests, and nothing said of Negotiate.
fn configure(one: u16, two: u16, requests: &str) -> String {
    format!(
        "defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend site
    bind unix@socket
    {requests}
    default_backend servers
backend servers
    balance roundrobin
    server one 127.0.0.1:{one}
    server two 127.0.0.1:{two}
"
    )
}

/// On a socket in a folder of its own.
struct HaProxy {
    daemon: Daemon,
    folder: TempDir,
}

impl HaProxy {
    fn start(one: u16, two: u16, requests: &str) -> Option<Self> {
        let program = daemon::find("haproxy")?;
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = folder.path().join("haproxy.cfg");
        std::fs::write(&configuration, configure(one, two, requests)).expect("written");
        let mut command = Command::new(program);
        command.arg("-db").arg("-f").arg(configuration);
        let daemon = Daemon::start(&command, folder.path(), "KILL");
        Some(Self { daemon, folder })
    }

    async fn stream(&self) -> UnixStream {
        let connect = async || UnixStream::connect(self.folder.path().join("socket")).await;
        self.daemon.wait_for(&["[ALERT]"], connect).await
    }

    async fn connect(&self) -> KeepAlive {
        KeepAlive::over(self.stream().await).await
    }
}

#[tokio::test]
async fn a_handshake_of_several_requests_signs_in_whoever_comes_between() {
    let test = "a_handshake_of_several_requests_signs_in_whoever_comes_between";
    let (realm, store) = (realm(), MemoryStore::default());
    let site = || Site::with_store(layer(&realm), store.clone());
    let sites = [site(), site()];
    let one = Server::with_connections(sites[0].router.clone()).await;
    let two = Server::with_connections(sites[1].router.clone()).await;
    let Some(proxy) = HaProxy::start(one.port(), two.port(), "") else {
        return not_run(test, "HAProxy is missing");
    };
    let hers = realm.ticket_cache("alice").expect("a ticket");
    let his = realm.ticket_cache("bob").expect("a ticket");
    let mut bob = proxy.connect().await;
    for requests in [1, 2, 3, 1, 2, 3] {
        let mut alice = proxy.connect().await;
        let mut legs = Legs::new(&hers, requests);
        loop {
            let reply = legs.go_on(&mut alice).await;
            bob.ask().await.is_challenge();
            let mut other = proxy.connect().await;
            Legs::new(&his, requests)
                .end(&mut other)
                .await
                .is_hello("bob");
            if legs.next().is_none() {
                reply.is_hello("alice");
                break;
            }
        }
        alice.ask().await.is_challenge();
    }
    for site in sites {
        assert!(site.calls() > 0, "it goes round");
    }
}

/// What the guide has HAProxy do to `X-Forwarded-Proto` and `X-Forwarded-For`.
fn of_the_guide() -> String {
    let guide = include_str!("../../src/guide/load_balancers.md");
    let rows = rows(guide, "setting").into_iter();
    let mut rows = rows.filter(|row| row[0].starts_with("`X-Forwarded-Proto`"));
    let cell = &rows.next().expect("a row")[2];
    let lines = words(cell);
    assert_eq!(lines.len(), 3, "{cell}");
    lines.join("\n    ")
}

#[tokio::test]
async fn what_a_client_says_of_its_own_connection_does_not_get_through() {
    let test = "what_a_client_says_of_its_own_connection_does_not_get_through";
    let forwarded = async |headers: HeaderMap| {
        let name = |name: &HeaderName| name.as_str().starts_with("x-forwarded-");
        let forwarded = headers.iter().filter(|(header, _)| name(header));
        let forwarded = forwarded.map(|(name, value)| format!("{name}: {value:?}"));
        forwarded.collect::<Vec<_>>().join("\n")
    };
    let server = Server::start(Router::new().route("/", get(forwarded))).await;
    let Some(proxy) = HaProxy::start(server.port(), server.port(), &of_the_guide()) else {
        return not_run(test, "HAProxy is missing");
    };
    let claims = "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n";
    let answer = answer(proxy.stream().await, "/", claims).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.body.contains("https"), "{answer:?}");
    assert!(!answer.body.contains("192.0.2.1"), "{answer:?}");
}

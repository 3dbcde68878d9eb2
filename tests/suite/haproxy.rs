//! Behind HAProxy with two servers: a handshake of several requests stays on the connection on which
//! it has begun, whoever comes between.

use std::process::Command;

use tempfile::TempDir;
use tokio::net::UnixStream;
use tower_sessions::MemoryStore;

use crate::daemon::{self, Daemon};
use crate::keep_alive::{KeepAlive, Legs};
use crate::not_run;
use crate::server::Server;
use crate::site::{Site, layer, realm};

/// As its packages configure it, and nothing said of Negotiate.
fn configure(one: u16, two: u16) -> String {
    format!(
        "defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend site
    bind unix@socket
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
    fn start(one: u16, two: u16) -> Option<Self> {
        let program = daemon::find("haproxy")?;
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = folder.path().join("haproxy.cfg");
        std::fs::write(&configuration, configure(one, two)).expect("written");
        let mut command = Command::new(program);
        command.arg("-db").arg("-f").arg(configuration);
        let daemon = Daemon::start(&command, folder.path(), "KILL");
        Some(Self { daemon, folder })
    }

    async fn connect(&self) -> KeepAlive {
        let connect = async || UnixStream::connect(self.folder.path().join("socket")).await;
        let stream = self.daemon.wait_for(&["[ALERT]"], connect).await;
        KeepAlive::over(stream).await
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
    let Some(proxy) = HaProxy::start(one.port(), two.port()) else {
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

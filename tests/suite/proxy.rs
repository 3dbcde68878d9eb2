//! Behind nginx, which sends the requests of many people over one connection: nobody is taken for
//! who came before.

use std::collections::HashSet;
use std::process::Command;

use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tower_spnego::ErrorKind;
use tower_spnego::testing::{TestRealm, TicketCache};

use crate::daemon::{self, Daemon};
use crate::der::{later, mic_of_nobody};
use crate::keep_alive::{KeepAlive, Legs};
use crate::not_run;
use crate::server::{Reply, Server};
use crate::site::{Site, layer, realm};

/// On a socket in a folder of its own, as nginx can't choose a free port.
struct Nginx {
    daemon: Daemon,
    folder: TempDir,
}

impl Nginx {
    /// Keeps at most `idle` connections to the application open between two requests. None where
    /// there is no nginx.
    fn start(application: u16, idle: usize) -> Option<Self> {
        let nginx = daemon::find("nginx")?;
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = folder.path().join("nginx.conf");
        std::fs::write(&configuration, configure(application, idle)).expect("written");
        let mut command = Command::new(nginx);
        command.arg("-p").arg(folder.path());
        command.arg("-c").arg(configuration);
        let daemon = Daemon::start(&command, folder.path(), "KILL");
        Some(Self { daemon, folder })
    }

    async fn connect(&self) -> KeepAlive {
        let connect = async || UnixStream::connect(self.folder.path().join("socket")).await;
        let stream = self.daemon.wait_for(&["[emerg]"], connect).await;
        KeepAlive::over(stream).await
    }
}

fn configure(application: u16, idle: usize) -> String {
    // Its workers would else be another user's, and kept out of the folder.
    let user = match rustix::process::geteuid().is_root() {
        true => "user root;",
        false => "",
    };
    let keepalive = match idle {
        0 => String::new(),
        _ => format!("keepalive {idle}; keepalive_requests 100000;"),
    };
    // One worker, as each has connections of its own to the application.
    format!(
        "{user}
        daemon off;
        worker_processes 1;
        pid pid;
        error_log stderr;
        events {{
            worker_connections 500;
        }}
        http {{
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            large_client_header_buffers 4 128k;
            upstream application {{
                server 127.0.0.1:{application};
                {keepalive}
            }}
            server {{
                listen unix:socket;
                location / {{
                    proxy_pass http://application;
                    proxy_http_version 1.1;
                    proxy_set_header Connection \"\";
                    proxy_set_header Host $http_host;
                }}
            }}
        }}"
    )
}

/// The application behind the proxy.
struct Proxied {
    nginx: Nginx,
    site: Site,
    _server: Server,
}

impl Proxied {
    async fn start(realm: &TestRealm, idle: usize, test: &str) -> Option<Self> {
        let site = Site::new(layer(realm));
        let server = Server::with_connections(site.router.clone()).await;
        let nginx = Nginx::start(server.port(), idle);
        if nginx.is_none() {
            not_run(test, "nginx is missing");
        }
        Some(Self {
            nginx: nginx?,
            site,
            _server: server,
        })
    }

    async fn person(&self, realm: &TestRealm, name: &'static str) -> Person {
        Person {
            name,
            cache: realm.ticket_cache(name).expect("a ticket"),
            client: self.nginx.connect().await,
            connections: HashSet::new(),
        }
    }

    async fn alice_and_bob(&self, realm: &TestRealm) -> (Person, Person) {
        let alice = self.person(realm, "alice").await;
        (alice, self.person(realm, "bob").await)
    }
}

/// Somebody on a connection to the proxy.
struct Person {
    name: &'static str,
    cache: TicketCache,
    client: KeepAlive,
    /// Over which of the proxy's connections the requests came to the application.
    connections: HashSet<String>,
}

impl Person {
    fn legs(&self, requests: usize) -> Legs {
        Legs::new(&self.cache, requests)
    }

    async fn ask(&mut self) -> Reply {
        let reply = self.client.ask().await;
        self.note(reply)
    }

    async fn ask_with(&mut self, token: &[u8]) -> Reply {
        let reply = self.client.ask_with(token).await;
        self.note(reply)
    }

    async fn ask_with_cookie(&mut self, cookie: &str) -> Reply {
        let reply = self.client.ask_with_cookie(cookie).await;
        self.note(reply)
    }

    async fn go_on(&mut self, legs: &mut Legs) -> Reply {
        let reply = legs.go_on(&mut self.client).await;
        self.note(reply)
    }

    async fn shake_hands(&mut self, requests: usize) -> Reply {
        let mut legs = self.legs(requests);
        loop {
            let reply = self.go_on(&mut legs).await;
            if legs.next().is_none() {
                return reply;
            }
        }
    }

    fn note(&mut self, reply: Reply) -> Reply {
        self.connections.insert(reply.connection().to_owned());
        reply
    }

    /// Signed in, or refused; never somebody else.
    #[track_caller]
    fn is_nobody_else(&self, reply: &Reply) -> bool {
        let is_in = reply.status == 200;
        match is_in {
            true => reply.is_hello(self.name),
            false => assert_eq!(reply.status, 401, "{reply:?}"),
        }
        is_in
    }
}

#[track_caller]
fn shared_one_connection(alice: &Person, bob: &Person) {
    assert_eq!(alice.connections.len(), 1);
    assert_eq!(alice.connections, bob.connections);
}

#[tokio::test]
async fn who_comes_after_alice_is_challenged_and_signs_in_as_himself() {
    let test = "who_comes_after_alice_is_challenged_and_signs_in_as_himself";
    let realm = realm();
    let Some(proxied) = Proxied::start(&realm, 1, test).await else {
        return;
    };
    let (mut alice, mut bob) = proxied.alice_and_bob(&realm).await;
    let hers = alice.shake_hands(1).await;
    hers.is_hello("alice");
    bob.ask().await.is_challenge();
    let his = bob.shake_hands(1).await;
    his.is_hello("bob");
    alice.ask().await.is_challenge();
    let hers = hers.cookie().expect("a session");
    alice.ask_with_cookie(hers).await.is_hello("alice");
    bob.ask().await.is_challenge();
    let his = his.cookie().expect("a session");
    bob.ask_with_cookie(his).await.is_hello("bob");
    shared_one_connection(&alice, &bob);
}

#[tokio::test]
async fn a_handshake_of_several_requests_signs_in() {
    let test = "a_handshake_of_several_requests_signs_in";
    let realm = realm();
    let Some(proxied) = Proxied::start(&realm, 1, test).await else {
        return;
    };
    let (mut alice, mut bob) = proxied.alice_and_bob(&realm).await;
    for requests in [2, 3] {
        alice.shake_hands(requests).await.is_hello("alice");
        bob.ask().await.is_challenge();
        bob.shake_hands(requests).await.is_hello("bob");
        alice.ask().await.is_challenge();
    }
    assert_eq!(proxied.site.calls(), 4);
    shared_one_connection(&alice, &bob);
}

#[tokio::test]
async fn without_keep_alive_to_the_application_it_is_refused() {
    let test = "without_keep_alive_to_the_application_it_is_refused";
    let realm = realm();
    let Some(proxied) = Proxied::start(&realm, 0, test).await else {
        return;
    };
    let mut alice = proxied.person(&realm, "alice").await;
    for requests in [2, 3] {
        let reply = alice.shake_hands(requests).await;
        reply.is_rejected(ErrorKind::UnfinishedHandshake);
    }
    alice.shake_hands(1).await.is_hello("alice");
    assert_eq!(alice.connections.len(), 5);
}

#[tokio::test]
async fn somebody_s_request_between_two_of_alice_s_ends_her_handshake() {
    let test = "somebody_s_request_between_two_of_alice_s_ends_her_handshake";
    let realm = realm();
    let Some(proxied) = Proxied::start(&realm, 1, test).await else {
        return;
    };
    let (mut alice, mut bob) = proxied.alice_and_bob(&realm).await;
    for (requests, before) in [(2, 1), (3, 1), (3, 2)] {
        let mut legs = alice.legs(requests);
        for _ in 0..before {
            let reply = alice.go_on(&mut legs).await;
            reply.is_rejected(ErrorKind::HandshakeGoesOn);
        }
        bob.ask().await.is_challenge();
        let reply = alice.go_on(&mut legs).await;
        reply.is_rejected(ErrorKind::UnfinishedHandshake);
        assert_eq!(legs.next(), None);
    }
    assert_eq!(proxied.site.calls(), 0);
    alice.shake_hands(3).await.is_hello("alice");
    shared_one_connection(&alice, &bob);
}

/// With her first request alice has said nothing of herself yet.
#[tokio::test]
async fn who_goes_on_with_a_handshake_that_alice_began_is_himself() {
    let test = "who_goes_on_with_a_handshake_that_alice_began_is_himself";
    let realm = realm();
    let Some(proxied) = Proxied::start(&realm, 1, test).await else {
        return;
    };
    let (mut alice, mut bob) = proxied.alice_and_bob(&realm).await;
    for requests in [2, 3] {
        let mut his = bob.legs(requests);
        bob.go_on(&mut his).await;
        let mut hers = alice.legs(requests);
        alice.go_on(&mut hers).await;
        let mut reply = bob.go_on(&mut his).await;
        if requests == 3 {
            reply.is_rejected(ErrorKind::HandshakeGoesOn);
            reply = bob.go_on(&mut his).await;
        }
        reply.is_hello("bob");
        let reply = alice.go_on(&mut hers).await;
        reply.is_rejected(ErrorKind::UnfinishedHandshake);
    }
    shared_one_connection(&alice, &bob);
}

/// After her second request the server knows alice, and waits for her proof that nobody has
/// tampered with the list of mechanisms.
#[tokio::test]
async fn nobody_else_ends_a_handshake_in_which_alice_has_said_who_she_is() {
    let test = "nobody_else_ends_a_handshake_in_which_alice_has_said_who_she_is";
    let realm = realm();
    let Some(proxied) = Proxied::start(&realm, 1, test).await else {
        return;
    };
    let (mut alice, mut bob) = proxied.alice_and_bob(&realm).await;
    let mut proof = bob.legs(3);
    bob.go_on(&mut proof).await;
    bob.go_on(&mut proof).await;
    let mut ticket = bob.legs(2);
    bob.go_on(&mut ticket).await;
    for bobs in [
        proof.next().expect("a MIC"),
        ticket.next().expect("an AP-REQ and a MIC"),
        &later(None, None),
        &later(Some(0), None),
        &later(None, Some(&mic_of_nobody())),
        &later(Some(0), Some(&mic_of_nobody())),
    ] {
        let mut hers = alice.legs(3);
        alice.go_on(&mut hers).await;
        let reply = alice.go_on(&mut hers).await;
        reply.is_rejected(ErrorKind::HandshakeGoesOn);
        let reply = bob.ask_with(bobs).await;
        assert_eq!(reply.status, 401, "{reply:?}");
        assert!(!reply.is_because(ErrorKind::HandshakeGoesOn), "{reply:?}");
        let reply = alice.go_on(&mut hers).await;
        reply.is_rejected(ErrorKind::UnfinishedHandshake);
    }
    assert_eq!(proxied.site.calls(), 0);
    shared_one_connection(&alice, &bob);
}

#[tokio::test]
async fn in_whatever_order_two_handshakes_come_nobody_is_taken_for_the_other() {
    let test = "in_whatever_order_two_handshakes_come_nobody_is_taken_for_the_other";
    let realm = realm();
    let Some(proxied) = Proxied::start(&realm, 1, test).await else {
        return;
    };
    let (mut alice, mut bob) = proxied.alice_and_bob(&realm).await;
    for (hers, his) in [(2, 2), (2, 3), (3, 2), (3, 3)] {
        for order in orders(hers, his) {
            let legs = (alice.legs(hers), bob.legs(his));
            let mut people = [(&mut alice, legs.0), (&mut bob, legs.1)];
            let mut signed_in = 0;
            for &turn in &order {
                let (person, legs) = &mut people[turn];
                if legs.next().is_some() {
                    let reply = person.go_on(legs).await;
                    signed_in += usize::from(person.is_nobody_else(&reply));
                }
            }
            let interrupted = order.windows(2).filter(|pair| pair[0] != pair[1]).count() > 1;
            assert!(interrupted || signed_in == 2, "{order:?}: {signed_in}");
        }
    }
    shared_one_connection(&alice, &bob);
}

/// Every order of so many turns of the first and of the second person.
fn orders(first: usize, second: usize) -> Vec<Vec<usize>> {
    let turns = first + second;
    let orders =
        (0_usize..1 << turns).map(|bits| (0..turns).map(|turn| bits >> turn & 1).collect());
    orders
        .filter(|order: &Vec<usize>| order.iter().sum::<usize>() == second)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_told_apart() {
    let test = "many_at_once_are_told_apart";
    let realm = realm();
    let Some(proxied) = Proxied::start(&realm, 4, test).await else {
        return;
    };
    let mut people = Vec::new();
    for name in ["alice", "bob"].into_iter().cycle().take(12) {
        people.push(proxied.person(&realm, name).await);
    }
    join_all(people.iter_mut().map(async |person| {
        for requests in [1, 2, 3].into_iter().cycle().take(51) {
            let reply = person.shake_hands(requests).await;
            let is_in = person.is_nobody_else(&reply);
            assert!(is_in || requests > 1, "{reply:?}");
        }
    }))
    .await;
    let used_by = |name| {
        let people = people.iter().filter(move |person| person.name == name);
        people.flat_map(|person| &person.connections).collect()
    };
    let (alices, bobs): (HashSet<_>, HashSet<_>) = (used_by("alice"), used_by("bob"));
    assert!(!alices.is_disjoint(&bobs), "no connection was shared");
    for person in &mut people {
        person.shake_hands(3).await.is_hello(person.name);
    }
}

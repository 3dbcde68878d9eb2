//! `examples/redis.rs`: one site on two servers behind nginx, with the sessions in Redis.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tower_spnego::testing::TestRealm;

use crate::daemon::{self, Daemon};
use crate::examples::cargo;
use crate::not_run;
use crate::served::DEADLINE;
use crate::server::{Reply, answer, authorization_line, exchange};
use crate::site::{realm, token};
use crate::stores::redis::Redis;

/// The example, built. Cargo has built it before where all tests are run.
fn example() -> &'static Path {
    static EXAMPLE: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let built = cargo()
            .args(["build", "--quiet", "--all-features", "--locked"])
            .args(["--example", "redis"])
            .output()
            .expect("cargo");
        let errors = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{errors}");
        let tests = std::env::current_exe().expect("this program");
        let folder = tests.ancestors().nth(2).expect("the folder of the profile");
        folder.join("examples/redis")
    })
}

/// Whose replay caches the servers have.
#[derive(Clone, Copy)]
enum Caches {
    /// As on one machine, under one user.
    Shared,
    /// As on two machines.
    Apart,
}

/// Two servers and what they share.
struct Cluster {
    one: Option<Server>,
    two: Server,
    realm: Arc<TestRealm>,
    _redis: Redis,
    folder: TempDir,
}

struct Server {
    _daemon: Daemon,
    socket: PathBuf,
    log: PathBuf,
}

impl Cluster {
    /// None where there is no Redis.
    async fn start(test: &str, caches: Caches) -> Option<Self> {
        let Some(redis) = Redis::start().await else {
            not_run(test, "Redis is missing");
            return None;
        };
        let (realm, folder) = (realm(), tempfile::tempdir().expect("a folder"));
        let start = |name| Server::start(name, caches, &folder, &redis, &realm);
        let (one, two) = (start("one").await, start("two").await);
        Some(Self {
            one: Some(one),
            two,
            realm,
            _redis: redis,
            folder,
        })
    }

    fn one(&self) -> &Server {
        self.one.as_ref().expect("it is not killed yet")
    }

    /// The example's own configuration, on a socket, as nginx can't choose a free port. None where
    /// there is no nginx.
    async fn nginx(&self, test: &str) -> Option<Nginx> {
        let Some(program) = daemon::find("nginx") else {
            not_run(test, "nginx is missing");
            return None;
        };
        let folder = self.folder.path();
        let example = include_str!("../../examples/redis/nginx.conf");
        let ours = example.replace("listen 127.0.0.1:8080;", "listen unix:nginx.sock;");
        assert_ne!(example, ours);
        std::fs::write(folder.join("nginx.conf"), ours).expect("written");
        let mut command = Command::new(program);
        command.args(["-p", ".", "-c", "nginx.conf"]);
        // With no workers, which would be another user's, and kept out of the folder.
        command.args(["-g", "daemon off; master_process off;"]);
        let daemon = Daemon::start(&command, folder, "KILL");
        let socket = folder.join("nginx.sock");
        let connect = async || UnixStream::connect(&socket).await;
        daemon.wait_for(&["[emerg]"], connect).await;
        Some(Nginx {
            _daemon: daemon,
            socket,
        })
    }
}

impl Server {
    async fn start(
        name: &str,
        caches: Caches,
        folder: &TempDir,
        redis: &Redis,
        realm: &TestRealm,
    ) -> Self {
        let socket = folder.path().join(format!("{name}.sock"));
        let own = folder.path().join(name);
        std::fs::create_dir(&own).expect("a folder");
        let mut command = Command::new("env");
        if let Caches::Apart = caches {
            command.arg(format!("KRB5RCACHEDIR={}", own.display()));
        }
        command.arg(example()).arg(&socket);
        command.arg(redis.url()).arg(realm.keytab());
        let daemon = Daemon::start(&command, &own, "KILL");
        let connect = async || UnixStream::connect(&socket).await;
        daemon.wait_for(&["It failed", "panicked"], connect).await;
        Self {
            _daemon: daemon,
            socket,
            log: own.join("log"),
        }
    }
}

struct Nginx {
    _daemon: Daemon,
    socket: PathBuf,
}

/// Whatever takes requests.
trait Door {
    fn socket(&self) -> &Path;

    async fn connect(&self) -> UnixStream {
        let connected = UnixStream::connect(self.socket()).await;
        connected.expect("connects")
    }

    async fn get(&self, path: &str, header: &str) -> Reply {
        answer(self.connect().await, path, header).await
    }

    async fn sign_in(&self, token: &[u8]) -> Reply {
        self.get("/", &authorization_line(token)).await
    }

    async fn post(&self, path: &str, cookie: &str, body: &str) -> Reply {
        exchange(self.connect().await, &post(path, cookie, body)).await
    }
}

impl Door for Server {
    fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Door for Nginx {
    fn socket(&self) -> &Path {
        &self.socket
    }
}

fn post(path: &str, header: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\
         {header}\r\n{body}",
        body.len()
    )
}

/// The server that has greeted alice, and what it found in her cart.
#[track_caller]
fn greeting(reply: &Reply) -> (&str, &str) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let rest = reply.body.strip_prefix("Hello, alice. I am server ");
    let rest = rest.and_then(|rest| rest.strip_suffix(".\n"));
    let parts = rest.and_then(|rest| rest.split_once(". In your cart: "));
    parts.unwrap_or_else(|| panic!("{reply:?}"))
}

#[track_caller]
fn is_signed_out(reply: &Reply) {
    assert_eq!(reply.status, 403, "{reply:?}");
    assert!(reply.body.starts_with("You are signed out."), "{reply:?}");
}

#[tokio::test]
async fn who_signs_in_on_one_server_is_known_on_both_and_stays_so_when_one_is_killed() {
    let test = "who_signs_in_on_one_server_is_known_on_both_and_stays_so_when_one_is_killed";
    let Some(mut cluster) = Cluster::start(test, Caches::Shared).await else {
        return;
    };
    let Some(nginx) = cluster.nginx(test).await else {
        return;
    };
    assert_eq!(nginx.get("/", "").await.status, 401);
    let reply = nginx.sign_in(&token(&cluster.realm, "alice")).await;
    greeting(&reply);
    let cookie = reply.cookie_line().expect("a session");
    assert_eq!(nginx.post("/cart", &cookie, "pear").await.status, 303);
    let mut greeted_by = BTreeSet::new();
    for _ in 0..8 {
        let reply = nginx.get("/", &cookie).await;
        let (server, cart) = greeting(&reply);
        greeted_by.insert(server.to_owned());
        assert_eq!(cart, "pear");
    }
    assert_eq!(greeted_by.len(), 2, "nginx goes round");

    cluster.one = None;
    for _ in 0..8 {
        assert_eq!(greeting(&nginx.get("/", &cookie).await), ("two", "pear"));
        let token = token(&cluster.realm, "alice");
        assert_eq!(greeting(&nginx.sign_in(&token).await), ("two", ""));
    }
    assert_eq!(nginx.get("/health", "").await.body, "ok\n");
}

/// The request has its session from before the logout when it saves it after.
#[tokio::test]
async fn a_logout_on_one_is_one_on_the_other_against_a_request_under_way_there() {
    let test = "a_logout_on_one_is_one_on_the_other_against_a_request_under_way_there";
    let Some(cluster) = Cluster::start(test, Caches::Shared).await else {
        return;
    };
    let (one, two) = (cluster.one(), &cluster.two);
    let reply = one.sign_in(&token(&cluster.realm, "alice")).await;
    let cookie = reply.cookie_line().expect("a session");
    greeting(&two.get("/", &cookie).await);

    // The server asks for the body when the handler does, so after the layer has let it pass.
    let header = format!("{cookie}Expect: 100-continue\r\n");
    let request = post("/cart", &header, "pear");
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let mut under_way = BufReader::new(two.connect().await);
    let sent = under_way
        .write_all(format!("{head}\r\n\r\n").as_bytes())
        .await;
    sent.expect("sends");
    let mut line = String::new();
    let asked = timeout(DEADLINE, under_way.read_line(&mut line)).await;
    asked.expect("in time").expect("reads");
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");

    let reply = one.post("/sign-out", &cookie, "").await;
    assert_eq!(reply.body, "Goodbye.\n");
    let after = reply.cookie_line().expect("the mark's session");

    under_way.write_all(body.as_bytes()).await.expect("sends");
    let mut rest = String::new();
    let read = timeout(DEADLINE, under_way.read_to_string(&mut rest)).await;
    read.expect("in time").expect("reads");
    assert!(rest.contains("303 See Other"), "{rest}");
    for server in [one, two] {
        for cookie in [&cookie, &after] {
            is_signed_out(&server.get("/", cookie).await);
        }
    }
}

#[tokio::test]
async fn on_one_machine_a_token_that_one_server_has_taken_is_a_replay_for_the_other() {
    let test = "on_one_machine_a_token_that_one_server_has_taken_is_a_replay_for_the_other";
    let Some(cluster) = Cluster::start(test, Caches::Shared).await else {
        return;
    };
    let used = token(&cluster.realm, "alice");
    greeting(&cluster.one().sign_in(&used).await);
    for server in [cluster.one(), &cluster.two] {
        let reply = server.sign_in(&used).await;
        assert_eq!(reply.status, 401, "{reply:?}");
        assert!(reply.token().is_some(), "{reply:?}");
        assert_eq!(reply.cookie(), None);
        let log = std::fs::read_to_string(&server.log).expect("a log");
        assert!(log.contains("(a replay)"), "{log}");
    }
}

/// Each has its own replay cache, so that TLS is what keeps tokens from being taken.
#[tokio::test]
async fn on_two_machines_a_token_counts_once_on_each() {
    let test = "on_two_machines_a_token_counts_once_on_each";
    let Some(cluster) = Cluster::start(test, Caches::Apart).await else {
        return;
    };
    let used = token(&cluster.realm, "alice");
    for server in [cluster.one(), &cluster.two] {
        greeting(&server.sign_in(&used).await);
        assert_eq!(server.sign_in(&used).await.status, 401);
    }
}

#[test]
fn the_example_tries_itself() {
    if daemon::find("nginx").is_none() || daemon::find("redis-server").is_none() {
        return not_run("the_example_tries_itself", "nginx or Redis is missing");
    }
    let tried = Command::new(example())
        .arg("--once")
        .stdin(Stdio::null())
        .output()
        .expect("starts");
    let printed = String::from_utf8_lossy(&tried.stdout);
    let log = String::from_utf8_lossy(&tried.stderr);
    assert!(tried.status.success(), "{printed}{log}");
    let (both, two) = printed.split_once("server one is gone").expect("both");
    for server in ["server one", "server two"] {
        assert!(both.contains(server), "{printed}");
    }
    assert_eq!(two.matches("I am server two").count(), 2, "{printed}");
}

//! What 10,000 live logins take, in the store and in this process, and how long a login's record is:
//! `cargo bench --features testing --bench login_memory`.
//!
//! The store is a Redis of its own. The process that is measured only reads logins that another one
//! has made: what the allocator has left of the sign-ins would else serve the logins.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use tower::ServiceExt;
use tower_sessions::{SessionManagerLayer, SessionStore, session};
use tower_sessions_cookie_store::encode_record;
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{Builder, ClientLike, Config, KeysInterface, Pool};
use tower_spnego::testing::{TestRealm, TicketCache, authorization};
use tower_spnego::{Directory, DirectoryError, Group, Initiator, SpnegoLayer, User};

const LOGINS: usize = 10_000;

/// Read before the first measurement, so that what is needed once is there.
const WARM_UP: usize = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, mode, redis, keytab, groups] = &arguments[..]
        && mode == "read"
    {
        return read(redis, Path::new(keytab), groups.parse().expect("a number")).await;
    }
    let realm = TestRealm::start().expect("a KDC");
    let cache = realm.ticket_cache("alice").expect("a ticket");
    println!(
        "{:>6}  {:>9}  {:>9}  {:>9}  {:>14}  {:>14}",
        "groups", "JSON", "in Redis", "cookie", "Redis/login", "process/login"
    );
    for groups in [5, 50, 200] {
        measure(&realm, &cache, groups).await;
    }
}

async fn measure(realm: &TestRealm, cache: &TicketCache, groups: usize) {
    let redis = Redis::start(&realm.folder().join(format!("redis-{groups}"))).await;
    let pool = connect(&redis.url).await;
    let store = RedisStore::new(pool.clone());
    let app = app(store.clone(), realm.keytab(), groups);
    let mut cookies = Vec::new();
    for number in 0..WARM_UP + LOGINS {
        if number == WARM_UP {
            redis.note_memory(&pool).await;
        }
        let token = cache.token("HTTP/localhost").expect("a token");
        let cookie = sign_in(&app, &token).await;
        cookies.push(cookie);
    }
    let in_redis = redis.growth(&pool).await / LOGINS;

    let (_, id) = cookies[0].split_once('=').expect("name and value");
    let length: usize = pool.strlen(id).await.expect("answers");
    let id: session::Id = id.parse().expect("an id");
    let record = store.load(&id).await.expect("loads").expect("a record");
    let json = serde_json::to_string(&record).expect("JSON").len();
    let cookie = encode_record(&record).expect("encodes").len();

    let mut reader = Command::new(std::env::current_exe().expect("this program"))
        .arg("read")
        .arg(&redis.url)
        .arg(realm.keytab())
        .arg(groups.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = reader.stdin.take().expect("piped");
    stdin
        .write_all(cookies.join("\n").as_bytes())
        .expect("writes");
    drop(stdin);
    let output = reader.wait_with_output().expect("ends");
    assert!(output.status.success(), "{output:?}");
    let grown = String::from_utf8(output.stdout).expect("text");
    let grown: usize = grown.trim().parse().expect("a number");
    println!(
        "{groups:>6}  {json:>9}  {length:>9}  {cookie:>9}  {in_redis:>14}  {:>14}",
        grown / LOGINS
    );
}

/// Reads each login once, and prints by how many bytes this process has grown.
async fn read(redis: &str, keytab: &Path, groups: usize) {
    let mut cookies = String::new();
    std::io::stdin()
        .read_to_string(&mut cookies)
        .expect("reads");
    let app = app(RedisStore::new(connect(redis).await), keytab, groups);
    let (warm_up, cookies): (Vec<_>, Vec<_>) = cookies
        .lines()
        .enumerate()
        .partition(|(number, _)| *number < WARM_UP);
    for (_, cookie) in &warm_up {
        greet(&app, cookie).await;
    }
    let before = resident();
    for (_, cookie) in &cookies {
        greet(&app, cookie).await;
    }
    println!("{}", resident().saturating_sub(before));
}

/// Of this process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.expect("a line").trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().expect("a number") * 1024
}

fn app(store: RedisStore<Pool>, keytab: &Path, groups: usize) -> Router {
    let spnego = SpnegoLayer::builder()
        .realm("EXAMPLE.TEST")
        .hostname("localhost")
        .keytab(keytab)
        .directory(InGroups(groups))
        .session_store(store.clone())
        .build()
        .expect("starts");
    Router::new()
        .route("/", get(async |user: User| user.username().to_owned()))
        .layer(spnego)
        .layer(SessionManagerLayer::new(store).with_secure(false))
}

/// The session's cookie.
async fn sign_in(app: &Router, token: &[u8]) -> String {
    let request = Request::get("/").header(AUTHORIZATION, authorization(token));
    let request = request.body(Body::empty()).expect("a request");
    let answer = app.clone().oneshot(request).await.expect("infallible");
    assert!(answer.status().is_success(), "{answer:?}");
    let cookie = answer.headers()[SET_COOKIE].to_str().expect("text");
    let (cookie, _) = cookie.split_once(';').expect("attributes");
    cookie.to_owned()
}

async fn greet(app: &Router, cookie: &str) {
    let request = Request::get("/").header(COOKIE, cookie);
    let request = request.body(Body::empty()).expect("a request");
    let answer = app.clone().oneshot(request).await.expect("infallible");
    assert!(answer.status().is_success(), "{answer:?}");
}

async fn connect(url: &str) -> Pool {
    let config = Config::from_url(url).expect("a URL");
    let pool = Builder::from_config(config).build_pool(1).expect("a pool");
    pool.init().await.expect("connects");
    pool
}

struct Redis {
    server: Child,
    url: String,
    before: std::cell::Cell<usize>,
}

impl Redis {
    async fn start(folder: &Path) -> Self {
        std::fs::create_dir(folder).expect("a folder");
        let socket = folder.join("socket");
        let server = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server");
        let deadline = Instant::now() + Duration::from_secs(20);
        while !socket.exists() {
            assert!(Instant::now() < deadline, "Redis did not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self {
            server,
            url: format!("redis+unix://{}", socket.display()),
            before: Default::default(),
        }
    }

    async fn note_memory(&self, pool: &Pool) {
        self.before.set(used(pool).await);
    }

    /// By how many bytes it has grown since.
    async fn growth(&self, pool: &Pool) -> usize {
        used(pool).await - self.before.get()
    }
}

async fn used(pool: &Pool) -> usize {
    use tower_sessions_redis_store::fred::types::InfoKind;
    let info: String = pool.info(Some(InfoKind::Memory)).await.expect("answers");
    let used = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    used.expect("a line").trim().parse().expect("a number")
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A directory in which everybody is in as many groups.
struct InGroups(usize);

impl Directory for InGroups {
    async fn find(&self, initiator: &Initiator) -> Result<User, DirectoryError> {
        let mut user = User::builder(initiator.principal().clone())
            .display_name("Alice Liddell")
            .email("alice@example.test")
            .dn("CN=Alice Liddell,OU=People,DC=corp,DC=example,DC=com");
        for number in 0..self.0 {
            let name = format!("Department {number}");
            let dn = format!("CN={name},OU=Groups,DC=corp,DC=example,DC=com");
            user = user.group(Group::new(name).with_dn(dn));
        }
        Ok(user.build())
    }

    fn fingerprint(&self) -> Option<String> {
        Some("of the benchmark".to_owned())
    }
}

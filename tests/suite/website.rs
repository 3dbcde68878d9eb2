//! An application for real browsers. What a page finds out, its script reports to the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tower_sessions::Session;
use tower_spnego::{Error, Login, SpnegoLayerBuilder, User};

use crate::served::{DEADLINE, Served};
use crate::site::{Site, TestClock, who};
use crate::tls::Tls;

/// How many connections Chromium and Firefox open to one server.
pub const CONNECTIONS: usize = 6;

/// An application, and what its pages and handlers report.
pub struct Website {
    pub served: Served,
    pub reports: Receiver<Value>,
}

#[derive(Clone)]
struct Shared {
    script: Arc<str>,
    reports: Sender<Value>,
    together: Arc<Together>,
}

/// Lets the first requests go on when there are as many as the browser has connections.
struct Together {
    barrier: Barrier,
    came: AtomicUsize,
}

impl Together {
    async fn meet(&self) {
        if self.came.fetch_add(1, Ordering::SeqCst) < CONNECTIONS {
            // When time is up the test fails by what the page then reports.
            let _ = tokio::time::timeout(DEADLINE / 2, self.barrier.wait()).await;
        }
    }
}

impl Website {
    /// With a page at `/` that greets and then runs `script`.
    pub fn start(layer: SpnegoLayerBuilder, script: &str) -> Self {
        let (sender, reports) = channel();
        let clock = TestClock::default();
        let shared = Shared {
            script: script.into(),
            reports: sender,
            together: Arc::new(Together {
                barrier: Barrier::new(CONNECTIONS),
                came: AtomicUsize::new(0),
            }),
        };
        let inside = Router::new()
            .route("/", get(greet))
            .route("/who", get(async |user: User| who(&user)))
            .route("/put/{item}", post(put))
            .route("/state", get(state))
            .route("/logout", post(logout))
            .route("/sign-in", get(async || Redirect::to("/who")))
            .route("/state/together", get(state_together))
            .route("/upload", post(upload))
            .route("/transfer/{page}", post(transfer))
            .route("/ws/{page}", get(socket))
            .with_state(shared.clone());
        let advance = {
            let clock = clock.clone();
            async move || clock.advance(Duration::from_secs(700 * 60))
        };
        let outside = stage(shared.reports).route("/advance", post(advance));
        let site = Site::of(inside, layer.clock(clock.reader()));
        Self {
            served: Served::start(site.router.merge(outside)),
            reports,
        }
    }

    /// With a page at `/` for everybody, which runs `script`, beside these routes.
    pub fn public(routes: Router, script: &str) -> Self {
        Self::serve(routes, script, Served::start)
    }

    pub fn public_tls(routes: Router, script: &str, tls: &Tls) -> Self {
        Self::serve(routes, script, |routes| Served::start_tls(routes, tls))
    }

    fn serve(routes: Router, script: &str, start: impl FnOnce(Router) -> Served) -> Self {
        let (sender, reports) = channel();
        let page = format!("{FUNCTIONS}{}", run(script));
        let page = get(async move || Html(page));
        let served = start(stage(sender).route("/", page).merge(routes));
        Self { served, reports }
    }

    #[track_caller]
    pub fn report(&self) -> Value {
        let report = self.reports.recv_timeout(DEADLINE);
        report.expect("a report")
    }
}

/// The test's own end of a page's `report`.
fn stage(reports: Sender<Value>) -> Router {
    let receive = async move |Json(report): Json<Value>| {
        // The test may have ended.
        let _ = reports.send(report);
    };
    Router::new().route("/report", post(receive))
}

/// A page of ours that runs `own` and then leads to a page of another site, which runs `script`
/// with our origin as `victim`. `host` is the other's.
pub fn lure(layer: SpnegoLayerBuilder, own: &str, host: &str, script: &str) -> (Website, Website) {
    let script = format!("const victim = location.hash.slice(1); {script}");
    let other = Website::public(Router::new(), &script);
    let there = format!("http://{host}:{}/", other.served.port());
    let own = format!("{own}; location = '{there}#' + location.origin");
    (Website::start(layer, &own), other)
}

/// `visit` is for pages of our own; it waits until they have loaded, whatever their status.
const FUNCTIONS: &str = "<!doctype html><meta charset=utf-8><body><script>
const report = (what) => fetch('/report', {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify(what),
});
const text = async (path, options) => (await fetch(path, options)).text();
const json = async (path, options) => (await fetch(path, options)).json();
const post = (url, {target = '', ...fields} = {}) => {
    const form = document.body.appendChild(document.createElement('form'));
    for (const [name, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement('textarea'), {name, value}));
    }
    Object.assign(form, {method: 'post', action: url, target}).submit();
};
const inFrame = (start) => new Promise((done) => {
    const frame = document.createElement('iframe');
    frame.name = 'frame' + document.querySelectorAll('iframe').length;
    document.body.append(frame);
    frame.onload = () => done(frame.contentDocument);
    start(frame);
});
const visit = (path) => inFrame((frame) => frame.src = path);
const postInFrame = (path, fields) =>
    inFrame((frame) => post(path, {...fields, target: frame.name}));
const heading = (page) => page.querySelector('h1').textContent;
const socket = (url) => new Promise((done) => {
    const socket = new WebSocket(url.replace('http', 'ws'));
    socket.onmessage = (event) => done(event.data);
    socket.onerror = () => done('refused');
});
</script>";

/// `script` in its page; what goes wrong in it is its report.
fn run(script: &str) -> String {
    format!(
        "<script type=module>try {{ {script} }} catch (error) {{ report(`${{error}}`) }}</script>"
    )
}

async fn greet(user: User, State(shared): State<Shared>) -> Html<String> {
    let groups: String = user
        .groups()
        .map(|group| format!("<li>{}", group.name()))
        .collect();
    Html(format!(
        "{FUNCTIONS}<h1>Hello, {}</h1><ul>{groups}</ul>{}",
        user.display_name(),
        run(&shared.script)
    ))
}

async fn put(session: Session, Path(item): Path<String>) {
    session.insert("cart", item).await.expect("inserts");
}

async fn logout(login: Login) -> Result<(), Error> {
    login.logout().await
}

async fn state(user: User, session: Session) -> Json<Value> {
    let cart: Option<String> = session.get("cart").await.expect("reads");
    let id = session.id().map(|id| id.to_string());
    Json(json!({ "user": user.username(), "cart": cart, "session": id }))
}

async fn state_together(user: User, session: Session, State(shared): State<Shared>) -> Json<Value> {
    shared.together.meet().await;
    state(user, session).await
}

async fn upload(user: User, State(shared): State<Shared>, body: String) {
    let upload = json!({ "user": user.username(), "body": body });
    shared.reports.send(upload).expect("the test listens");
}

async fn transfer(user: User, Path(page): Path<String>, State(shared): State<Shared>) {
    let done = format!("{} transferred by the page of {page}", user.username());
    shared.reports.send(done.into()).expect("the test listens");
}

async fn socket(
    user: User,
    upgrade: WebSocketUpgrade,
    Path(page): Path<String>,
    State(shared): State<Shared>,
) -> impl IntoResponse {
    let done = format!("{} connected by the page of {page}", user.username());
    shared.reports.send(done.into()).expect("the test listens");
    upgrade.on_upgrade(async move |mut socket| {
        let greeting = format!("Hello, {}", user.username());
        let _ = socket.send(Message::text(greeting)).await;
    })
}

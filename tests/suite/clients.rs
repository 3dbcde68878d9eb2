//! Client programs in the languages of other people's scripts and services, against a real server:
//! each signs in, keeps its login where it keeps cookies, and ends by itself where it is refused.
//! The programs lie in `tests/clients`; the table of what they do stands in the guide.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::StatusCode;
use tempfile::TempDir;
use tower_spnego::testing::{TestRealm, TicketCache};
use tower_spnego::{
    Directory, DirectoryError, Initiator, NoLogin, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder,
    User,
};

use crate::login::Failing;
use crate::served::{DEADLINE, Served, Trip, outcomes};
use crate::site::{Site, layer, lock_replay_cache, realm};
use crate::{not_run, process};

pub mod channel_binding;
mod cross_krb5;
mod program;
pub mod table;

/// A client, and how to start a program that asks with it.
pub struct Client {
    pub name: &'static str,
    http: Http,
    ask: Ask,
    binds: Binds,
    sign_in: OnceLock<Result<Run, Missing>>,
    refusals: OnceLock<Result<Refused, Missing>>,
}

/// Makes a program that asks for `url` so many times.
type Ask = fn(&Person, url: &str, times: usize) -> Result<Command, Missing>;

/// A run for each of [`REFUSALS`].
pub type Refused = [Run; REFUSALS.len()];

/// Whose HTTP it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Http {
    /// The client's, which signs in once and then lives on cookies, or doesn't.
    Own { stays_signed_in: bool },
    /// That of the program in `tests/clients`: the client makes tokens.
    OfTheProgram,
}

/// When its tokens are bound to the TLS server that it sees.
#[derive(Debug, Clone, Copy)]
pub enum Binds {
    Always,
    /// As such programs tell it.
    IfTold(Ask),
    Never,
    /// It does no TLS itself.
    UpToYou,
}

/// What has to be installed first.
#[derive(Debug, Clone)]
pub struct Missing(pub String);

/// Who runs a client program, with tickets or without.
pub struct Person<'a> {
    realm: &'a TestRealm,
    tickets: Option<TicketCache>,
    /// The authority for TLS; a file in PEM.
    trusts: Option<PathBuf>,
}

impl<'a> Person<'a> {
    fn new(realm: &'a TestRealm, tickets: Option<TicketCache>) -> Self {
        Self {
            realm,
            tickets,
            trusts: None,
        }
    }

    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        // A program that hangs does not end with the test that fails.
        let mut command = match &self.tickets {
            Some(tickets) => tickets.command("timeout"),
            None => self.realm.command("timeout"),
        };
        command.arg(DEADLINE.as_secs().to_string()).arg(program);
        command.env("NO_PROXY", "*").env("no_proxy", "*");
        if let Some(authority) = &self.trusts {
            for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
                command.env(name, authority);
            }
        }
        command
    }
}

/// What one run of a client did.
#[derive(Debug)]
pub struct Run {
    /// Its requests.
    pub trips: Vec<Trip>,
    /// How each request ended for who asked: `200 Hello, alice`, or an error's name.
    pub outcomes: Vec<String>,
}

impl Run {
    /// Of a program that asks for what the server has at `path`. It must end by itself, and say how
    /// each request ended.
    fn of(name: &str, mut program: Command, times: usize, served: &Served, path: &str) -> Self {
        let output = program.output().expect("starts");
        let [printed, errors] =
            [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        let outcomes: Vec<_> = printed
            .lines()
            .filter_map(|line| {
                line.strip_prefix("answer ")
                    .or_else(|| line.strip_prefix("failed "))
            })
            .map(str::to_owned)
            .collect();
        let status = output.status;
        assert!(status.success(), "{name}: {status} {printed} {errors}");
        assert_eq!(outcomes.len(), times, "{name}: {printed} {errors}");
        Self {
            trips: served.trips(path),
            outcomes,
        }
    }

    pub fn tokens(&self) -> usize {
        self.trips.iter().filter(|trip| trip.has_token).count()
    }

    /// The second request needed no token.
    fn kept_the_login(&self) -> bool {
        let last = self.trips.last();
        self.tokens() == 1 && last.is_some_and(|trip| !trip.has_token && trip.status == 200)
    }
}

/// Every way in which such a client is refused, by its path. The table has the first five.
pub const REFUSALS: [(&str, StatusCode); 8] = [
    ("/bad-token", StatusCode::UNAUTHORIZED),
    ("/forbidden", StatusCode::FORBIDDEN),
    ("/directory-down", StatusCode::SERVICE_UNAVAILABLE),
    ("/not-for-you", StatusCode::UNAUTHORIZED),
    (NO_TICKET, StatusCode::UNAUTHORIZED),
    ("/busy", StatusCode::SERVICE_UNAVAILABLE),
    ("/no-session-store", StatusCode::INTERNAL_SERVER_ERROR),
    (NO_CHALLENGE, StatusCode::FORBIDDEN),
];

/// What is fetched from a page, after its path.
pub const FETCHED: &str = "/fetched";

/// Where who asks has no ticket.
pub const NO_TICKET: &str = "/no-ticket";

/// Where nobody is challenged. So looks what another site's page gets, too.
pub const NO_CHALLENGE: &str = "/no-challenge";

/// More requests than any client needs for all of [`REFUSALS`].
const ENOUGH: usize = 60;

struct Down;

impl Directory for Down {
    async fn find(&self, _: &Initiator) -> Result<User, DirectoryError> {
        Err(DirectoryError::unavailable())
    }
}

/// A server that greets at `/`.
pub fn serve(realm: &TestRealm) -> Served {
    Served::start(greeting("/", layer(realm)))
}

/// A server that refuses at [`REFUSALS`].
pub struct Refusing<Server> {
    // Dropped first: the accept threads are joined, and wait for the lock.
    _replay_cache: File,
    pub server: Server,
    _folder: TempDir,
}

impl<Server> Refusing<Server> {
    pub fn start(realm: &TestRealm, serve: impl FnOnce(Router) -> Server) -> Self {
        let twin = TestRealm::start().expect("a KDC");
        let of_another_realm = SpnegoLayer::builder()
            .realm("OTHER.TEST")
            .hostname("localhost")
            .keytab(realm.keytab())
            .directory(PrincipalOnly);
        let page = Html("<!doctype html><h1>Not even you</h1>");
        let refuse = get(async move |_: User| (StatusCode::UNAUTHORIZED, page));
        // Each with a session of its own, so that each gets a token.
        let own = |path: &str| {
            let route = Router::new().route(path, refuse.clone());
            Site::of(route, layer(realm)).router
        };
        let handlers_own = own("/not-for-you").merge(own(&format!("/not-for-you{FETCHED}")));
        let folder = tempfile::tempdir().expect("a folder");
        let replay_cache = folder.path().join("replays");
        let busy = layer(realm)
            .replay_cache(&replay_cache)
            .accept_timeout(Duration::from_millis(100));
        let no_store = routes("/no-session-store", get(greet));
        let no_store = Site::build(no_store, layer(realm), Failing::always());
        let unasked = layer(realm)
            .keytab(twin.keytab())
            .negotiate_once()
            .without_login(|_| NoLogin::Forbid);
        let router = greeting("/bad-token", layer(realm).keytab(twin.keytab()))
            .merge(greeting("/forbidden", of_another_realm))
            .merge(greeting("/directory-down", layer(realm).directory(Down)))
            .merge(handlers_own)
            .merge(greeting(NO_TICKET, layer(realm)))
            .merge(greeting("/busy", busy))
            .merge(no_store.router)
            .merge(greeting(NO_CHALLENGE, unasked));
        let asked = Arc::<AtomicUsize>::default();
        Self {
            _replay_cache: lock_replay_cache(&replay_cache),
            server: serve(router.layer(from_fn_with_state(asked, end_loops))),
            _folder: folder,
        }
    }
}

/// A client that loops would do so until the deadline.
async fn end_loops(
    State(asked): State<Arc<AtomicUsize>>,
    request: Request,
    next: Next,
) -> Response {
    if asked.fetch_add(1, Ordering::Relaxed) < ENOUGH {
        next.run(request).await
    } else {
        StatusCode::TOO_MANY_REQUESTS.into_response()
    }
}

pub fn greeting(path: &str, layer: SpnegoLayerBuilder) -> Router {
    Site::of(routes(path, get(greet)), layer).router
}

async fn greet(user: User) -> String {
    format!("Hello, {}", user.username())
}

/// Browsers show `path`, and fetch another from there.
fn routes(path: &str, method: MethodRouter) -> Router {
    Router::new()
        .route(path, method.clone())
        .route(&format!("{path}{FETCHED}"), method)
}

impl Client {
    const fn new(name: &'static str, http: Http, ask: Ask, binds: Binds) -> Self {
        Self {
            name,
            http,
            ask,
            binds,
            sign_in: OnceLock::new(),
            refusals: OnceLock::new(),
        }
    }

    /// Asks for the same page twice.
    fn sign_in(&self) -> Result<&Run, Missing> {
        let run = self.sign_in.get_or_init(|| {
            let realm = realm();
            self.run(&alice(&realm), &serve(&realm), "/", 2)
        });
        run.as_ref().map_err(Missing::clone)
    }

    /// Asks once for each page of [`REFUSALS`].
    fn refusals(&self) -> Result<&Refused, Missing> {
        let runs = self.refusals.get_or_init(|| {
            let realm = realm();
            let refusing = Refusing::start(&realm, Served::start);
            let (alice, nobody) = (alice(&realm), Person::new(&realm, None));
            let mut runs = Vec::new();
            for (path, _) in REFUSALS {
                let person = if path == NO_TICKET { &nobody } else { &alice };
                runs.push(self.run(person, &refusing.server, path, 1)?);
            }
            Ok(runs.try_into().expect("a run each"))
        });
        runs.as_ref().map_err(Missing::clone)
    }

    fn run(
        &self,
        person: &Person,
        served: &Served,
        path: &str,
        times: usize,
    ) -> Result<Run, Missing> {
        let program = (self.ask)(person, &served.url(path), times)?;
        Ok(Run::of(self.name, program, times, served, path))
    }
}

fn alice(realm: &TestRealm) -> Person<'_> {
    Person::new(realm, Some(realm.ticket_cache("alice").expect("a ticket")))
}

/// A test that needs what is missing is named, and ends.
fn found<T>(result: Result<T, Missing>, test: &str) -> Option<T> {
    result
        .map_err(|Missing(what)| {
            not_run(test, &format!("{what} is missing: tests/run.sh sets it up"))
        })
        .ok()
}

fn signs_in(client: &Client, test: &str) {
    // Started by `cross_krb5::command`.
    if process::is_own() {
        return cross_krb5::ask();
    }
    let Some(run) = found(client.sign_in(), test) else {
        return;
    };
    let trips = outcomes(&run.trips);
    let hello = "200 Hello, alice";
    assert_eq!(run.outcomes, [hello, hello], "{trips:?}");
    assert_eq!(run.kept_the_login(), client.http == COOKIES, "{trips:?}");
}

fn ends_where_it_is_refused(client: &Client, test: &str) {
    let Some(runs) = found(client.refusals(), test) else {
        return;
    };
    for ((path, status), run) in REFUSALS.iter().zip(runs) {
        let trips = outcomes(&run.trips);
        assert!(run.tokens() <= 2, "{path}: {trips:?}");
        let comes_without = match *path {
            NO_TICKET => true,
            // Unless it sends one with its first request.
            NO_CHALLENGE => run.trips.len() == 1 && run.tokens() == 0,
            _ => false,
        };
        assert_eq!(run.tokens() == 0, comes_without, "{path}: {trips:?}");
        for trip in &run.trips {
            let expected = if trip.has_token || *path == NO_CHALLENGE {
                *status
            } else {
                StatusCode::UNAUTHORIZED
            };
            assert_eq!(trip.status, expected, "{path}: {trips:?}");
        }
        let got_in = run.outcomes.iter().any(|outcome| outcome.starts_with('2'));
        assert!(!got_in, "{path}: {:?}", run.outcomes);
    }
}

const COOKIES: Http = Http::Own {
    stays_signed_in: true,
};
const NO_COOKIES: Http = Http::Own {
    stays_signed_in: false,
};

macro_rules! clients {
    ($($module:ident: $name:literal, $http:expr, $ask:expr, $binds:expr;)*) => {
        /// In the order of the table.
        static CLIENTS: &[&Client] = &[$(&$module::CLIENT),*];

        $(mod $module {
            use super::*;

            pub static CLIENT: Client = Client::new($name, $http, $ask, $binds);

            #[test]
            fn it_signs_in_and_keeps_its_login_where_it_keeps_cookies() {
                let test = concat!(module_path!(), "::it_signs_in");
                signs_in(&CLIENT, test);
            }

            #[test]
            fn each_kind_of_refusal_ends_it_within_two_tokens() {
                let test = concat!(module_path!(), "::each_kind_of_refusal_ends_it");
                ends_where_it_is_refused(&CLIENT, test);
            }
        })*
    };
}

clients! {
    // With `--negotiate` it sends a token whatever cookies it has.
    curl: "curl", NO_COOKIES, program::curl, Binds::Never;
    requests_gssapi: "requests-gssapi (Python)", COOKIES, program::requests_gssapi,
        Binds::IfTold(program::requests_gssapi_bound);
    requests_kerberos: "requests-kerberos (Python)", COOKIES, program::requests_kerberos,
        Binds::Always;
    httpx_gssapi: "httpx-gssapi (Python)", COOKIES, program::httpx_gssapi, Binds::Never;
    pyspnego: "pyspnego (Python)", Http::OfTheProgram, program::pyspnego, Binds::UpToYou;
    gokrb5: "gokrb5 (Go)", COOKIES, program::gokrb5, Binds::Never;
    java: "HttpURLConnection (Java)", NO_COOKIES, program::java,
        Binds::IfTold(program::java_bound);
    kerberos: "kerberos (Node.js)", Http::OfTheProgram, program::kerberos, Binds::UpToYou;
    cross_krb5_client: "cross-krb5 (Rust)", Http::OfTheProgram, cross_krb5::command, Binds::UpToYou;
}

#[test]
fn java_keeps_its_login_once_it_has_a_cookie_manager() {
    let client = Client::new("Java", COOKIES, program::java_with_cookies, Binds::Never);
    signs_in(&client, "java_keeps_its_login");
}

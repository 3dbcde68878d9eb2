//! Client programs in the languages of other people's scripts and services, against a real server:
//! each signs in, keeps its login where it keeps cookies, and ends by itself where it is refused.
//! The programs lie in `tests/clients`; the table of what they do stands in the guide.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use tower_spnego::testing::{TestRealm, TicketCache};
use tower_spnego::{
    Directory, DirectoryError, Initiator, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder, User,
};

use crate::served::{DEADLINE, Served, Trip, outcomes};
use crate::site::{Site, layer, realm};
use crate::{not_run, process};

mod cross_krb5;
mod program;
pub mod table;

/// A client, and how to start a program that asks with it.
pub struct Client {
    pub name: &'static str,
    http: Http,
    ask: fn(&Person, url: &str, times: usize) -> Result<Command, Missing>,
    sign_in: OnceLock<Result<Run, Missing>>,
    refusals: OnceLock<Result<[Run; 5], Missing>>,
}

/// Whose HTTP it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Http {
    /// The client's, which keeps cookies or doesn't.
    Own { keeps_cookies: bool },
    /// That of the program in `tests/clients`: the client makes tokens.
    OfTheProgram,
}

/// What has to be installed first.
#[derive(Debug, Clone)]
pub struct Missing(pub String);

/// Who runs a client program, with tickets or without.
pub struct Person<'a> {
    realm: &'a TestRealm,
    tickets: Option<TicketCache>,
}

impl Person<'_> {
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        // A program that hangs does not end with the test that fails.
        let mut command = match &self.tickets {
            Some(tickets) => tickets.command("timeout"),
            None => self.realm.command("timeout"),
        };
        command.arg(DEADLINE.as_secs().to_string()).arg(program);
        command.env("NO_PROXY", "*").env("no_proxy", "*");
        command
    }
}

/// What one run of a client did.
pub struct Run {
    /// Its requests.
    pub trips: Vec<Trip>,
    /// How each request ended for who asked: `200 Hello, alice`, or an error's name.
    pub outcomes: Vec<String>,
}

impl Run {
    fn tokens(&self) -> usize {
        self.trips.iter().filter(|trip| trip.has_token).count()
    }

    /// The second request needed no token.
    fn kept_the_login(&self) -> bool {
        let last = self.trips.last();
        self.tokens() == 1 && last.is_some_and(|trip| !trip.has_token && trip.status == 200)
    }
}

/// Every way in which such a client is refused, by its path; the last is for who has no ticket.
pub const REFUSALS: [(&str, StatusCode); 5] = [
    ("/bad-token", StatusCode::UNAUTHORIZED),
    ("/forbidden", StatusCode::FORBIDDEN),
    ("/directory-down", StatusCode::SERVICE_UNAVAILABLE),
    ("/not-for-you", StatusCode::UNAUTHORIZED),
    ("/no-ticket", StatusCode::UNAUTHORIZED),
];

/// More requests than any client needs for all of [`REFUSALS`].
const ENOUGH: usize = 40;

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
pub fn serve_refusals(realm: &TestRealm) -> Served {
    let twin = TestRealm::start().expect("a KDC");
    let of_another_realm = SpnegoLayer::builder()
        .realm("OTHER.TEST")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly);
    let refuse = get(async |_: User| (StatusCode::UNAUTHORIZED, "not for you"));
    let handlers_own = Router::new().route("/not-for-you", refuse);
    let router = greeting("/bad-token", layer(realm).keytab(twin.keytab()))
        .merge(greeting("/forbidden", of_another_realm))
        .merge(greeting("/directory-down", layer(realm).directory(Down)))
        .merge(Site::of(handlers_own, layer(realm)).router)
        .merge(greeting("/no-ticket", layer(realm)));
    let asked = Arc::<AtomicUsize>::default();
    Served::start(router.layer(from_fn_with_state(asked, end_loops)))
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

fn greeting(path: &str, layer: SpnegoLayerBuilder) -> Router {
    let greet = get(async |user: User| format!("Hello, {}", user.username()));
    Site::of(Router::new().route(path, greet), layer).router
}

impl Client {
    const fn new(
        name: &'static str,
        http: Http,
        ask: fn(&Person, &str, usize) -> Result<Command, Missing>,
    ) -> Self {
        Self {
            name,
            http,
            ask,
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
    fn refusals(&self) -> Result<&[Run; 5], Missing> {
        let runs = self.refusals.get_or_init(|| {
            let realm = realm();
            let served = serve_refusals(&realm);
            let nobody = Person {
                realm: &realm,
                tickets: None,
            };
            let [bad_token, forbidden, down, handler, no_ticket] = REFUSALS.map(|(path, _)| path);
            let alice = alice(&realm);
            Ok([
                self.run(&alice, &served, bad_token, 1)?,
                self.run(&alice, &served, forbidden, 1)?,
                self.run(&alice, &served, down, 1)?,
                self.run(&alice, &served, handler, 1)?,
                self.run(&nobody, &served, no_ticket, 1)?,
            ])
        });
        runs.as_ref().map_err(Missing::clone)
    }

    /// It must end by itself, and say how each request ended.
    fn run(
        &self,
        person: &Person,
        served: &Served,
        path: &str,
        times: usize,
    ) -> Result<Run, Missing> {
        let output = (self.ask)(person, &served.url(path), times)?
            .output()
            .expect("starts");
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
        let name = self.name;
        let status = output.status;
        assert!(status.success(), "{name}: {status} {printed} {errors}");
        assert_eq!(outcomes.len(), times, "{name}: {printed} {errors}");
        Ok(Run {
            trips: served.trips(path),
            outcomes,
        })
    }
}

fn alice(realm: &TestRealm) -> Person<'_> {
    Person {
        realm,
        tickets: Some(realm.ticket_cache("alice").expect("a ticket")),
    }
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
        assert_eq!(run.tokens() == 0, *path == "/no-ticket", "{trips:?}");
        for trip in &run.trips {
            let expected = if trip.has_token {
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
    keeps_cookies: true,
};
const NO_COOKIES: Http = Http::Own {
    keeps_cookies: false,
};

macro_rules! clients {
    ($($module:ident: $name:literal, $http:expr, $ask:expr;)*) => {
        /// In the order of the table.
        static CLIENTS: &[&Client] = &[$(&$module::CLIENT),*];

        $(mod $module {
            use super::*;

            pub static CLIENT: Client = Client::new($name, $http, $ask);

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
    requests_gssapi: "requests-gssapi (Python)", COOKIES, program::requests_gssapi;
    requests_kerberos: "requests-kerberos (Python)", COOKIES, program::requests_kerberos;
    httpx_gssapi: "httpx-gssapi (Python)", COOKIES, program::httpx_gssapi;
    pyspnego: "pyspnego (Python)", Http::OfTheProgram, program::pyspnego;
    gokrb5: "gokrb5 (Go)", COOKIES, program::gokrb5;
    java: "HttpURLConnection (Java)", NO_COOKIES, program::java;
    kerberos: "kerberos (Node.js)", Http::OfTheProgram, program::kerberos;
    cross_krb5_client: "cross-krb5 (Rust)", Http::OfTheProgram, cross_krb5::command;
}

#[test]
fn java_keeps_its_login_once_it_has_a_cookie_manager() {
    let client = Client::new("Java", COOKIES, program::java_with_cookies);
    signs_in(&client, "java_keeps_its_login");
}

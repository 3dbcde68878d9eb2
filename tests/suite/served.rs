//! An application on a port of this machine, for clients that are programs.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, StatusCode, Version};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower_spnego::{Error, ErrorKind, SpnegoConnection};

use crate::tls::{Renewable, Tls};

/// For whatever must come about: a loaded CI machine needs far more than the usual second.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A server on threads of its own, so that a test can wait for a program. It ends with it.
pub struct Served {
    scheme: &'static str,
    port: u16,
    trips: Arc<Trips>,
    _runtime: Runtime,
}

/// A request and what became of it.
#[derive(Debug, Clone)]
pub struct Trip {
    /// The client's end of the connection.
    pub client: SocketAddr,
    pub path: String,
    /// The request had an `Authorization` header.
    pub has_token: bool,
    pub has_cookie: bool,
    pub version: Version,
    /// The Negotiate tokens of the request and of its answer.
    pub token: Option<Vec<u8>>,
    pub reply: Option<Vec<u8>>,
    pub status: StatusCode,
    /// Why the layer refused.
    pub refused: Option<ErrorKind>,
}

fn negotiate_token(headers: &HeaderMap, name: HeaderName) -> Option<Vec<u8>> {
    let encoded = headers
        .get(name)?
        .to_str()
        .ok()?
        .strip_prefix("Negotiate ")?;
    STANDARD.decode(encoded).ok()
}

#[derive(Default)]
struct Trips {
    made: Mutex<Vec<Trip>>,
    news: Condvar,
}

impl Trips {
    fn lock(&self) -> MutexGuard<'_, Vec<Trip>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Served {
    pub fn start(router: Router) -> Self {
        Self::run("http", router, async |listener, router| {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let _ = axum::serve(listener, service).await;
        })
    }

    pub fn start_tls(router: Router, tls: &Tls) -> Self {
        Self::run("https", router, tls.server())
    }

    pub fn start_renewable(router: Router, certificate: &Renewable) -> Self {
        Self::run("https", router, certificate.server())
    }

    fn run<F>(
        scheme: &'static str,
        router: Router,
        serve: impl FnOnce(TcpListener, Router) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = TcpListener::bind("127.0.0.1:0");
        let listener = runtime.block_on(listener).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let trips = Arc::<Trips>::default();
        let recorded = router.layer(from_fn({
            let trips = Arc::clone(&trips);
            move |request, next| record(Arc::clone(&trips), request, next)
        }));
        runtime.spawn(serve(listener, recorded));
        Self {
            scheme,
            port,
            trips,
            _runtime: runtime,
        }
    }

    /// By the name that has a ticket.
    pub fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The requests for `path`, in the order in which they were answered.
    pub fn trips(&self, path: &str) -> Vec<Trip> {
        let made = self.trips.lock();
        made.iter()
            .filter(|trip| trip.path == path)
            .cloned()
            .collect()
    }

    /// Waits until a request for `path` has been answered: the first such.
    #[track_caller]
    pub fn wait_for(&self, path: &str) -> Trip {
        let asked = |trips: &[Trip]| trips.iter().find(|trip| trip.path == path).cloned();
        let news = &self.trips.news;
        let (made, _) = news
            .wait_timeout_while(self.trips.lock(), DEADLINE, |made| asked(made).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        asked(&made).unwrap_or_else(|| panic!("no request for {path}: {made:?}"))
    }
}

async fn record(trips: Arc<Trips>, request: Request, next: Next) -> axum::response::Response {
    let extensions = request.extensions();
    let client = match extensions.get::<ConnectInfo<SocketAddr>>() {
        Some(ConnectInfo(client)) => Some(*client),
        None => extensions
            .get::<SpnegoConnection>()
            .and_then(SpnegoConnection::peer),
    };
    let mut trip = Trip {
        client: client.expect("a peer"),
        path: request.uri().path().to_owned(),
        has_token: request.headers().contains_key(AUTHORIZATION),
        has_cookie: request.headers().contains_key(COOKIE),
        version: request.version(),
        token: negotiate_token(request.headers(), AUTHORIZATION),
        reply: None,
        status: StatusCode::OK,
        refused: None,
    };
    let response = next.run(request).await;
    trip.reply = negotiate_token(response.headers(), WWW_AUTHENTICATE);
    trip.status = response.status();
    trip.refused = response.extensions().get().map(Error::kind);
    trips.lock().push(trip);
    trips.news.notify_all();
    response
}

/// The statuses of some requests, and which of them had a token.
pub fn outcomes(trips: &[Trip]) -> Vec<(u16, bool)> {
    let outcome = |trip: &Trip| (trip.status.as_u16(), trip.has_token);
    trips.iter().map(outcome).collect()
}

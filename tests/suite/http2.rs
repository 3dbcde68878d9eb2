//! HTTP/2, with TLS and without it.

use axum::routing::any;
use axum::{Extension, Router};
use http::header::{COOKIE, ORIGIN, SET_COOKIE, WWW_AUTHENTICATE};
use http::{Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::{TestRealm, authorization};
use tower_spnego::{ServerEndPoint, SpnegoConnection, SpnegoLayerBuilder, User};

use crate::curl::{curl, curl_negotiate, has_proof};
use crate::long_headers;
use crate::served::{Served, outcomes};
use crate::site::{Site, layer, realm, token};
use crate::tls::Tls;

/// An application whose cookies are for https alone.
fn secure_site(layer: SpnegoLayerBuilder) -> Router {
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_same_site(SameSite::Lax);
    Router::new()
        .route(
            "/",
            any(async |user: User| format!("Hello, {}", user.username())),
        )
        .layer(layer.build().expect("the layer starts"))
        .layer(sessions)
}

/// An HTTP/2 connection.
#[derive(Clone)]
struct Client {
    sender: SendRequest<Empty<Bytes>>,
    url: String,
}

#[derive(Debug)]
struct Reply {
    status: StatusCode,
    /// `WWW-Authenticate`
    challenge: Option<String>,
    /// Name and value of the session's.
    cookie: Option<String>,
    body: String,
}

impl Client {
    async fn plain(served: &Served) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", served.port())).await;
        Self::over(stream.expect("connects"), served).await
    }

    async fn tls(served: &Served, tls: &Tls) -> Self {
        Self::over(tls.connect(served.port(), "h2").await, served).await
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        served: &Served,
    ) -> Self {
        let connected = handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = connected.expect("HTTP/2");
        tokio::spawn(connection);
        let url = served.url("/");
        Self { sender, url }
    }

    fn request(&self) -> http::request::Builder {
        Request::get(&self.url)
    }

    async fn sign_in(&self, token: &[u8]) -> Reply {
        let header = authorization(token);
        self.send(self.request().header("authorization", header))
            .await
    }

    async fn send(&self, request: http::request::Builder) -> Reply {
        let request = request.body(Empty::new()).expect("a request");
        let response = self.sender.clone().send_request(request).await;
        let (head, body) = response.expect("an answer").into_parts();
        assert_eq!(head.version, Version::HTTP_2);
        let header = |name| {
            let value: Option<&http::HeaderValue> = head.headers.get(name);
            value.map(|value| value.to_str().expect("text").to_owned())
        };
        let cookie = header(SET_COOKIE);
        let body = body.collect().await.expect("a body").to_bytes();
        Reply {
            status: head.status,
            challenge: header(WWW_AUTHENTICATE),
            cookie: cookie.and_then(|cookie| Some(cookie.split_once(';')?.0.to_owned())),
            body: String::from_utf8(body.into()).expect("text"),
        }
    }
}

/// For a test that holds a [`Served`], which can't be dropped where tasks run.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test)
}

fn versions(served: &Served) -> Vec<Version> {
    let trips = served.trips("/");
    trips.iter().map(|trip| trip.version).collect()
}

/// Curl signs in, and a second curl has the first one's cookies; what the first one printed.
#[track_caller]
fn curl_twice(realm: &TestRealm, served: &Served, arguments: &[&str], version: Version) -> String {
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let folder = tempfile::tempdir().expect("a folder");
    let jar = folder.path().join("cookies");
    let jar = jar.to_str().expect("text");
    let url = served.url("/");
    let before = served.trips("/").len();

    let arguments = [arguments, &[&url]].concat();
    let keeping = [&["--cookie-jar", jar], &arguments[..]].concat();
    let first = curl_negotiate(alice.command("curl"), &keeping).text;
    assert!(first.contains("Hello, alice"), "{first}");
    assert!(has_proof(&first), "{first}");
    let sending = [&["--cookie", jar], &arguments[..]].concat();
    let second = curl(alice.command("curl"), &sending).text;
    assert!(second.contains("Hello, alice"), "{second}");

    let trips = served.trips("/").split_off(before);
    assert_eq!(outcomes(&trips), [(200, true), (200, false)]);
    assert!(
        trips.iter().all(|trip| trip.version == version),
        "{trips:?}"
    );
    first
}

#[test]
fn curl_signs_in_without_tls() {
    let realm = realm();
    let served = Served::start(Site::new(layer(&realm)).router);
    let http2 = "--http2-prior-knowledge";
    curl_twice(&realm, &served, &[http2], Version::HTTP_2);
    // Curl asks for HTTP/2 by an upgrade, which the server need not grant.
    curl_twice(&realm, &served, &["--http2"], Version::HTTP_11);
}

#[test]
fn curl_signs_in_over_tls_and_its_cookie_is_for_tls_alone() {
    let realm = realm();
    let tls = Tls::new();
    let served = Served::start_tls(secure_site(layer(&realm)), &tls);
    let ca = tls.ca_file();
    let trusting = ["--cacert", ca.to_str().expect("text")];
    for (choice, version) in [
        // By ALPN.
        (None, Version::HTTP_2),
        (Some("--http2-prior-knowledge"), Version::HTTP_2),
        (Some("--http1.1"), Version::HTTP_11),
    ] {
        let arguments: Vec<_> = trusting.into_iter().chain(choice).collect();
        let printed = curl_twice(&realm, &served, &arguments, version);
        let cookie = printed
            .lines()
            .find(|line| line.starts_with("set-cookie: "));
        assert!(cookie.expect("a cookie").contains("; Secure"), "{printed}");
    }
}

#[test]
fn a_refused_token_ends_curl_on_http2_too() {
    let realm = realm();
    let twin = TestRealm::start().expect("a KDC");
    let served = Served::start(Site::new(layer(&realm).keytab(twin.keytab())).router);
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let url = served.url("/");
    let printed = curl_negotiate(alice.command("curl"), &["--http2-prior-knowledge", &url]);
    assert!(printed.text.starts_with("HTTP/2 401"), "{}", printed.text);
    assert_eq!(outcomes(&served.trips("/")), [(401, true)]);
    assert_eq!(versions(&served), [Version::HTTP_2]);
}

#[test]
fn people_who_share_a_connection_are_told_apart() {
    let realm = realm();
    let tls = Tls::new();
    let served = Served::start_tls(secure_site(layer(&realm)), &tls);
    run(async {
        let client = Client::tls(&served, &tls).await;
        let someone = async |user: Option<&str>| {
            let Some(user) = user else {
                let reply = client.send(client.request()).await;
                assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{reply:?}");
                assert_eq!(reply.challenge.as_deref(), Some("Negotiate"));
                return;
            };
            let reply = client.sign_in(&token(&realm, user)).await;
            assert_eq!(reply.body, format!("Hello, {user}"));
            let cookie = reply.cookie.expect("a session");
            let reply = client.send(client.request().header(COOKIE, cookie)).await;
            assert_eq!(reply.body, format!("Hello, {user}"));
        };
        let people = [Some("alice"), Some("bob"), None].into_iter().cycle();
        futures_util::future::join_all(people.take(30).map(someone)).await;
    });
    let trips = served.trips("/");
    assert_eq!(trips.len(), 50);
    assert!(trips.iter().all(|trip| trip.client == trips[0].client));
    assert!(trips.iter().all(|trip| trip.version == Version::HTTP_2));
}

#[test]
fn a_header_of_14_722_characters_signs_in() {
    let realm = realm();
    let served = Served::start(Site::new(layer(&realm)).router);
    let token = long_headers::token(&realm, 14_722);
    let reply = run(async { Client::plain(&served).await.sign_in(&token).await });
    assert_eq!(reply.body, "Hello, alice");
}

#[test]
fn a_header_of_30_kb_needs_a_server_with_a_higher_limit() {
    let realm = realm();
    let token = long_headers::token(&realm, 30_000);
    let site = || Site::new(layer(&realm)).router;
    let usual = Served::start(site());
    let reply = run(async { Client::plain(&usual).await.sign_in(&token).await });
    assert_eq!(reply.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(usual.trips("/").len(), 0);

    let tls = Tls::new().max_header_list_size(100 << 10);
    let higher = Served::start_tls(site(), &tls);
    let reply = run(async { Client::tls(&higher, &tls).await.sign_in(&token).await });
    assert_eq!(reply.body, "Hello, alice");
}

#[test]
fn other_sites_are_kept_out_by_the_authority_of_the_request() {
    let realm = realm();
    let served = Served::start(Site::new(layer(&realm)).router);
    run(async {
        let client = Client::plain(&served).await;
        // A WebSocket's handshake (RFC 8441), and a form.
        let websocket = || {
            let protocol = Protocol::from_static("websocket");
            Request::connect(&client.url).extension(protocol)
        };
        let form = || client.request().method(Method::POST);
        let own = served.url("");
        for (request, origin, status) in [
            (websocket(), "https://evil.test", 403),
            (form(), "https://evil.test", 403),
            (websocket(), &own, 200),
            (form(), &own, 200),
        ] {
            let header = authorization(&token(&realm, "alice"));
            let request = request.header("authorization", header);
            let reply = client.send(request.header(ORIGIN, origin)).await;
            assert_eq!(reply.status, status, "{origin}: {reply:?}");
        }
    });
}

#[test]
fn an_own_acceptor_tells_the_peer_and_the_certificate_that_the_client_sees() {
    let about = async |Extension(connection): Extension<SpnegoConnection>,
                       Extension(end_point): Extension<ServerEndPoint>| {
        format!("{:?} {end_point:?}", connection.peer())
    };
    let tls = Tls::new();
    let served = Served::start_tls(Router::new().route("/", any(about)), &tls);
    run(async {
        let stream = tls.connect(served.port(), "h2").await;
        let (tcp, session) = stream.get_ref();
        let address = tcp.local_addr().expect("an address");
        let seen = session.peer_certificates().expect("certificates");
        let seen = ServerEndPoint::from_der(&seen[0]).expect("a certificate");
        let client = Client::over(stream, &served).await;
        let reply = client.send(client.request()).await;
        assert_eq!(reply.body, format!("{:?} {seen:?}", Some(address)));
    });
}

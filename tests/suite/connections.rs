//! Handshakes of several requests over real connections, however the application is served.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use axum::routing::any;
use axum::serve::{Listener, ListenerExt};
use axum::{Extension, Router};
use futures_util::future::join_all;
use http::header::AUTHORIZATION;
use http::{Request, Version};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_spnego::testing::{TestRealm, TicketCache, authorization};
use tower_spnego::{Connections, ErrorKind, SpnegoConnection, User};

use crate::keep_alive::{KeepAlive, Legs};
use crate::not_run;
use crate::served::DEADLINE;
use crate::server::{Reply, Server, authorization_line, open};
use crate::several_requests::ntlm_first;
use crate::site::{Site, layer, realm};
use crate::tls::Tls;

/// An application that says who sent how much, and from where.
fn app(realm: &TestRealm) -> Router {
    let about =
        async |user: User, peer: Option<Extension<ConnectInfo<SocketAddr>>>, body: Bytes| {
            let peer = peer.map(|Extension(ConnectInfo(peer))| peer);
            format!("{} sent {} from {peer:?}", user.username(), body.len())
        };
    let routes = Router::new().route("/", any(about));
    open(Site::of(routes, layer(realm)).router)
}

/// Alice signs in over connections made by `connect`, which tells its own address: each by one
/// handshake, with 100 KB in each request.
async fn signs_in<S>(realm: &TestRealm, connect: impl AsyncFn() -> (S, Option<SocketAddr>))
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let cache = realm.ticket_cache("alice").expect("a ticket");
    for requests in [1, 2, 3] {
        let (stream, address) = connect().await;
        let mut client = KeepAlive::over(stream).await;
        let mut legs = Legs::new(&cache, requests);
        let body = Bytes::from(vec![7; 100_000]);
        let reply = legs.end_with(&mut client, &body).await;
        assert_eq!(reply.body, format!("alice sent 100000 from {address:?}"));
        assert_eq!(legs.sent(), requests);
    }
}

async fn tcp_listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

async fn connect(address: SocketAddr) -> (TcpStream, Option<SocketAddr>) {
    let stream = TcpStream::connect(address).await.expect("connects");
    let own = stream.local_addr().expect("an address");
    (stream, Some(own))
}

#[tokio::test]
async fn they_end_in_a_sign_in_over_tcp() {
    let realm = realm();
    let (listener, address) = tcp_listener().await;
    let service = app(&realm).into_make_service_with_connect_info::<SpnegoConnection>();
    tokio::spawn(axum::serve(listener, service).into_future());
    signs_in(&realm, async || connect(address).await).await;
}

#[tokio::test]
async fn they_end_in_a_sign_in_over_a_unix_socket() {
    let realm = realm();
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let service = app(&realm).into_make_service_with_connect_info::<SpnegoConnection>();
    tokio::spawn(axum::serve(listener, service).into_future());
    signs_in(&realm, async || {
        let stream = UnixStream::connect(&socket).await;
        (stream.expect("connects"), None)
    })
    .await;
}

#[tokio::test]
async fn they_end_in_a_sign_in_over_a_listener_with_tap_io() {
    let realm = realm();
    let (listener, address) = tcp_listener().await;
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("sets"));
    let service = Connections(app(&realm).into_make_service());
    tokio::spawn(axum::serve(listener, service).into_future());
    signs_in(&realm, async || connect(address).await).await;
}

/// An application's own listener.
struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, peer) = self.tcp.accept().await.expect("a connection");
        (self.acceptor.accept(stream).await.expect("TLS"), peer)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

#[tokio::test]
async fn they_end_in_a_sign_in_over_an_own_listener_with_tls() {
    let realm = realm();
    let tls = Tls::new();
    let (tcp, address) = tcp_listener().await;
    let acceptor = tls.acceptor(&["h2", "http/1.1"]);
    let service = Connections(app(&realm).into_make_service());
    tokio::spawn(axum::serve(TlsListener { tcp, acceptor }, service).into_future());
    signs_in(&realm, async || {
        let stream = tls.connect(address.port(), "http/1.1").await;
        let own = stream.get_ref().0.local_addr().expect("an address");
        (stream, Some(own))
    })
    .await;
}

/// A server that tells the connections of its clients apart, and alice's tickets.
async fn server(realm: &TestRealm) -> (Server, TicketCache) {
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let site = Site::new(layer(realm));
    (Server::with_connections(site.router).await, cache)
}

/// A refusal reads no more than that, and then the connection can't be used again.
#[tokio::test]
async fn a_request_of_more_than_a_mebibyte_ends_the_connection_and_so_the_handshake() {
    let realm = realm();
    let (server, cache) = server(&realm).await;
    for (size, stays) in [(1_000_000, true), (4_000_000, false)] {
        let mut client = KeepAlive::over(server.connect().await).await;
        let mut legs = Legs::new(&cache, 2);
        let body = Bytes::from(vec![7; size]);
        let reply = legs.go_on_with(&mut client, body).await;
        reply.is_rejected(ErrorKind::HandshakeGoesOn);
        assert_eq!(client.stays_open().await, stays, "{size}");
        if stays {
            legs.end(&mut client).await.is_hello("alice");
        } else {
            let mut client = KeepAlive::over(server.connect().await).await;
            let reply = legs.go_on(&mut client).await;
            reply.is_rejected(ErrorKind::UnfinishedHandshake);
        }
    }
}

#[tokio::test]
async fn a_request_that_waits_to_be_told_to_send_ends_the_connection() {
    let realm = realm();
    let (server, cache) = server(&realm).await;
    let mut connection = server.connect().await;
    let first = ntlm_first(&cache, 2);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n{}\r\n",
        authorization_line(first.token())
    );
    let exchange = async {
        let sent = connection.write_all(request.as_bytes()).await;
        sent.expect("sends");
        let mut received = String::new();
        let read = connection.read_to_string(&mut received).await;
        read.expect("the connection's end");
        received
    };
    let received = timeout(DEADLINE, exchange).await.expect("an end in time");
    Reply::parse(&received).is_rejected(ErrorKind::HandshakeGoesOn);
}

#[tokio::test]
async fn over_http2_they_are_refused() {
    let realm = realm();
    let (server, cache) = server(&realm).await;
    let stream = TokioIo::new(server.connect().await);
    let connected = http2::handshake(TokioExecutor::new(), stream).await;
    let (mut sender, connection) = connected.expect("HTTP/2");
    tokio::spawn(connection);
    let first = ntlm_first(&cache, 2);
    let request = Request::get("http://localhost/")
        .header(AUTHORIZATION, authorization(first.token()))
        .body(Empty::<Bytes>::new())
        .expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    assert_eq!(response.version(), Version::HTTP_2);
    let reply = Reply::read(response).await;
    reply.is_rejected(ErrorKind::UnfinishedHandshake);
}

/// Both ends of a connection are this process's. False where it may not have that many.
fn can_open(connections: u64) -> bool {
    let files = 2 * connections + 1_000;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if maximum.is_some_and(|maximum| maximum < files) {
        return false;
    }
    if current.is_some_and(|current| current < files) {
        let current = Some(files);
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("raises");
    }
    true
}

/// That many clients that begin a handshake and wait.
async fn begin(server: &Server, token: &[u8], count: usize) -> Vec<KeepAlive> {
    let clients = (0..count).map(|_| async {
        let mut client = KeepAlive::over(server.connect().await).await;
        let reply = client.ask_with(token).await;
        reply.is_rejected(ErrorKind::HandshakeGoesOn);
        client
    });
    join_all(clients).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_closed_ends_its_handshake() {
    let test = "a_connection_that_is_closed_ends_its_handshake";
    if !can_open(2_100) {
        return not_run(test, "the limit of open files is too low");
    }
    let realm = realm();
    let (server, cache) = server(&realm).await;
    let first = ntlm_first(&cache, 2);
    let started = Instant::now();
    let waiting = begin(&server, first.token(), 1024).await;
    let mut client = KeepAlive::over(server.connect().await).await;
    let reply = client.ask_with(first.token()).await;
    assert!(reply.is_because(ErrorKind::Busy), "{reply:?}");
    drop(waiting);
    let again = (0..1024).map(|_| async {
        let mut client = KeepAlive::over(server.connect().await).await;
        // The server learns of the others' end in its own time.
        while client
            .ask_with(first.token())
            .await
            .is_because(ErrorKind::Busy)
        {}
        client
    });
    join_all(again).await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(30), "it may have been the timer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_that_end_none_keep_nobody_out() {
    let test = "a_thousand_clients_that_end_none_keep_nobody_out";
    if !can_open(2_100) {
        return not_run(test, "the limit of open files is too low");
    }
    let realm = realm();
    let (server, alice) = server(&realm).await;
    let bob = realm.ticket_cache("bob").expect("a ticket");
    let first = ntlm_first(&alice, 2);
    let good = async || {
        for requests in [1, 2, 3].into_iter().cycle().take(30) {
            let people = [("alice", &alice), ("bob", &bob)].map(async |(name, cache)| {
                let mut client = KeepAlive::over(server.connect().await).await;
                let mut legs = Legs::new(cache, requests);
                legs.end(&mut client).await.is_hello(name);
            });
            join_all(people).await;
        }
    };
    let (waiting, ()) = tokio::join!(begin(&server, first.token(), 1_000), good());
    good().await;
    drop(waiting);
}

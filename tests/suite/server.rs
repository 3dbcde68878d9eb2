//! The application over TCP.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn, map_response};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName, SET_COOKIE, WWW_AUTHENTICATE};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower_spnego::testing::authorization;
use tower_spnego::{Error, ErrorKind, SpnegoConnection};

const ERROR_KIND: &str = "x-error-kind";
const CONNECTION: &str = "x-connection";

/// Answers on a free port until it is dropped; says in a header why it refuses.
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(router: Router) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = open(router);
        let task = tokio::spawn(async { axum::serve(listener, router).await.expect("serves") });
        Self { address, task }
    }

    /// Ties the requests of a connection together, and says in a header which connection it was.
    pub async fn with_connections(router: Router) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let service = open(router)
            .layer(from_fn(name_the_connection))
            .into_make_service_with_connect_info::<SpnegoConnection>();
        let task = tokio::spawn(async { axum::serve(listener, service).await.expect("serves") });
        Self { address, task }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connects")
    }

    pub async fn get(&self, path: &str, header: &str) -> Reply {
        answer(self.connect().await, path, header).await
    }

    pub async fn sign_in(&self, token: &[u8]) -> Reply {
        self.get("/", &authorization_line(token)).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// With the reason of a refusal in a header.
pub fn open(router: Router) -> Router {
    router.layer(map_response(name_the_error))
}

async fn name_the_connection(request: Request, next: Next) -> Response {
    let connection = SpnegoConnection::of(request.extensions());
    let peer = connection.and_then(SpnegoConnection::peer);
    let peer = peer.expect("an address").to_string();
    let mut response = next.run(request).await;
    let peer = peer.parse().expect("a header");
    response.headers_mut().insert(CONNECTION, peer);
    response
}

async fn name_the_error(mut response: Response) -> Response {
    if let Some(error) = response.extensions().get::<Error>() {
        let kind = format!("{:?}", error.kind()).parse().expect("a header");
        response.headers_mut().insert(ERROR_KIND, kind);
    }
    response
}

pub fn authorization_line(token: &[u8]) -> String {
    format!("Authorization: {}\r\n", authorization(token))
}

/// The bytes of a request, the last on its connection, with a further header line.
pub fn request(path: &str, header: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n")
}

/// Sends a request over this connection and reads the answer.
pub async fn answer(
    connection: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
    header: &str,
) -> Reply {
    exchange(connection, &request(path, header)).await
}

/// Sends these bytes, the last on their connection, and reads the answer.
pub async fn exchange(mut connection: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Reply {
    let exchange = async {
        let sent = connection.write_all(request.as_bytes()).await;
        sent.expect("sends");
        let mut received = String::new();
        let read = connection.read_to_string(&mut received).await;
        read.expect("receives");
        received
    };
    let received = tokio::time::timeout(Duration::from_secs(60), exchange).await;
    Reply::parse(&received.expect("an answer in time"))
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    pub fn parse(received: &str) -> Self {
        let (head, body) = received.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines.next().expect("a status line").split(' ').nth(1);
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            let name: HeaderName = name.parse().expect("a name");
            (name, value.parse().expect("a value"))
        });
        Self {
            status: status.expect("a status").parse().expect("a number"),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    pub async fn read(response: http::Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await.expect("a body");
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.into()).expect("text"),
        }
    }

    /// The server's end of the connection that the request came over.
    pub fn connection(&self) -> &str {
        self.header(CONNECTION).expect("a connection")
    }

    /// The token beside `Negotiate`, where there is one.
    pub fn token(&self) -> Option<Vec<u8>> {
        let encoded = self.header(WWW_AUTHENTICATE)?.strip_prefix("Negotiate ")?;
        Some(STANDARD.decode(encoded).expect("base64"))
    }

    pub fn is_because(&self, kind: ErrorKind) -> bool {
        self.header(ERROR_KIND) == Some(&format!("{kind:?}"))
    }

    fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("text"))
    }

    /// The session cookie's name and value.
    pub fn cookie(&self) -> Option<&str> {
        Some(self.header(SET_COOKIE)?.split_once(';')?.0)
    }

    /// The session cookie as a header line for the next request.
    pub fn cookie_line(&self) -> Option<String> {
        Some(format!("Cookie: {}\r\n", self.cookie()?))
    }

    #[track_caller]
    pub fn is_hello(&self, name: &str) {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.body, format!("Hello, {name}"));
    }

    #[track_caller]
    pub fn is_challenge(&self) {
        assert!(self.is_because(ErrorKind::NoCredentials), "{self:?}");
        assert_eq!(self.status, 401, "{self:?}");
        assert_eq!(self.header(WWW_AUTHENTICATE), Some("Negotiate"));
    }

    #[track_caller]
    pub fn is_rejected(&self, kind: ErrorKind) {
        assert!(self.is_because(kind), "{kind:?}: {self:?}");
        assert_eq!(self.status, 401, "{self:?}");
        let token = self.header(WWW_AUTHENTICATE).expect("a reject token");
        assert!(token.starts_with("Negotiate "), "{token}");
    }
}

//! A client that sends request after request over one connection, and handshakes a request at a
//! time.

use http::Request;
use http::header::{AUTHORIZATION, COOKIE, HOST};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tower_spnego::ErrorKind;
use tower_spnego::testing::{Handshake, TicketCache, authorization};

use crate::served::DEADLINE;
use crate::server::Reply;
use crate::several_requests::ntlm_first;
use crate::site::SPN;

/// A client's HTTP/1.1 connection.
pub struct KeepAlive {
    sender: SendRequest<Full<Bytes>>,
}

impl KeepAlive {
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        Self { sender }
    }

    pub async fn ask(&mut self) -> Reply {
        self.send(request(), Bytes::new()).await
    }

    pub async fn ask_with_cookie(&mut self, cookie: &str) -> Reply {
        self.send(request().header(COOKIE, cookie), Bytes::new())
            .await
    }

    pub async fn ask_with(&mut self, token: &[u8]) -> Reply {
        self.upload(token, Bytes::new()).await
    }

    pub async fn upload(&mut self, token: &[u8], body: Bytes) -> Reply {
        let request = request().header(AUTHORIZATION, authorization(token));
        self.send(request, body).await
    }

    async fn send(&mut self, request: http::request::Builder, body: Bytes) -> Reply {
        let request = request.body(Full::new(body)).expect("a request");
        let answer = async {
            self.sender.ready().await.expect("an open connection");
            let response = self.sender.send_request(request).await;
            Reply::read(response.expect("an answer")).await
        };
        timeout(DEADLINE, answer).await.expect("an answer in time")
    }

    /// Whether the server leaves the connection open for another request.
    pub async fn stays_open(&mut self) -> bool {
        let ready = timeout(DEADLINE, self.sender.ready()).await;
        ready.expect("an end in time").is_ok()
    }
}

fn request() -> http::request::Builder {
    Request::post("/").header(HOST, "localhost")
}

/// Somebody's handshake, which may need several requests.
pub struct Legs {
    handshake: Handshake,
    next: Option<Vec<u8>>,
    sent: usize,
}

impl Legs {
    /// A handshake of that many requests.
    pub fn new(cache: &TicketCache, requests: usize) -> Self {
        let handshake = match requests {
            1 => cache.handshake(SPN).start().expect("a token"),
            _ => ntlm_first(cache, requests),
        };
        Self {
            next: Some(handshake.token().to_vec()),
            handshake,
            sent: 0,
        }
    }

    /// What the client would send next; none once it was signed in or refused.
    pub fn next(&self) -> Option<&[u8]> {
        self.next.as_deref()
    }

    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Sends the next request.
    pub async fn go_on(&mut self, client: &mut KeepAlive) -> Reply {
        self.go_on_with(client, Bytes::new()).await
    }

    pub async fn go_on_with(&mut self, client: &mut KeepAlive, body: Bytes) -> Reply {
        let token = self.next.take().expect("a handshake under way");
        let reply = client.upload(&token, body).await;
        self.sent += 1;
        if reply.is_because(ErrorKind::HandshakeGoesOn) {
            let token = reply.token().expect("a token");
            // One of somebody else's handshake may leave the client with nothing to say.
            self.next = self.handshake.reply(&token).unwrap_or_default();
        }
        reply
    }

    /// Sends all that is left of it, each request with this body: the last answer.
    pub async fn end_with(&mut self, client: &mut KeepAlive, body: &Bytes) -> Reply {
        loop {
            let reply = self.go_on_with(client, body.clone()).await;
            if self.next.is_none() {
                return reply;
            }
        }
    }

    pub async fn end(&mut self, client: &mut KeepAlive) -> Reply {
        self.end_with(client, &Bytes::new()).await
    }
}

//! A request that brings a ticket, to an application in the test's own process.

use std::fmt::Display;
use std::future::poll_fn;
use std::io;

use axum_core::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response, StatusCode};
use tower_service::Service;

use super::handshake::Handshake;
use super::ticket::TicketCache;

impl TicketCache {
    /// Opens a page of an application as the person whose tickets these are: a GET of `url`, such as
    /// `http://localhost/`, with a fresh token for the URL's host. It is [`send`](Self::send) without
    /// a request to make.
    ///
    /// ```
    /// # use axum::{Router, routing::get};
    /// # use tower_sessions::{MemoryStore, SessionManagerLayer};
    /// use tower_spnego::testing::TestRealm;
    /// # use tower_spnego::{PrincipalOnly, SpnegoLayer, User};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let realm = TestRealm::start()?;
    /// # let spnego = SpnegoLayer::builder().realm(realm.realm()).hostname("localhost").keytab(realm.keytab());
    /// # let app: Router = Router::new()
    /// #     .route("/", get(async |user: User| format!("Hello, {}", user.username())))
    /// #     .layer(spnego.directory(PrincipalOnly).build()?)
    /// #     .layer(SessionManagerLayer::new(MemoryStore::default()));
    /// let answer = realm.ticket_cache("alice")?.open(&app, "http://localhost/").await?;
    /// assert_eq!(answer.status(), 200);
    /// let page = axum::body::to_bytes(answer.into_body(), usize::MAX).await?;
    /// assert_eq!(page, "Hello, alice");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), or the URL is none.
    pub async fn open<S, B>(&self, app: &S, url: &str) -> io::Result<Response<B>>
    where
        S: Service<Request<Body>, Response = Response<B>, Error: Display> + Clone,
    {
        let request = Request::get(url).body(Body::empty());
        self.send(app, request.map_err(io::Error::other)?).await
    }

    /// Sends a request with a fresh token for its host, which is that of its URL. An application that
    /// answers with a token has to prove with it that it has the service's key; a refusal is an
    /// answer like any other.
    ///
    /// The call blocks its thread for a moment, while it asks the KDC.
    ///
    /// # Errors
    ///
    /// The URL names no host, the KDC refuses or is stopped, the application's service fails, or its
    /// token proves nothing.
    pub async fn send<S, B>(&self, app: &S, mut request: Request<Body>) -> io::Result<Response<B>>
    where
        S: Service<Request<Body>, Response = Response<B>, Error: Display> + Clone,
    {
        let host = request.uri().host();
        let host = host.ok_or_else(|| {
            io::Error::other("the URL names no host to get a ticket for: write http://localhost/")
        })?;
        let handshake = self.handshake(&format!("HTTP/{host}")).start()?;
        let token = handshake.authorization().parse();
        let token = token.map_err(io::Error::other)?;
        // As an HTTP/1.1 client sends it.
        let host = request.uri().authority().map(|name| name.as_str().parse());
        if let Some(host) = host.transpose().map_err(io::Error::other)? {
            request.headers_mut().entry(HOST).or_insert(host);
        }
        request.headers_mut().insert(AUTHORIZATION, token);
        let mut app = app.clone();
        let failed = |error: S::Error| io::Error::other(error.to_string());
        poll_fn(|context| app.poll_ready(context))
            .await
            .map_err(failed)?;
        let answer = app.call(request).await.map_err(failed)?;
        // Beside a 401 stands the token of a refusal.
        if answer.status() != StatusCode::UNAUTHORIZED {
            check_proof(handshake, answer.headers())?;
        }
        Ok(answer)
    }
}

/// What a client does with the last token. Without one nothing is proved: the page may be for everybody.
fn check_proof(handshake: Handshake, headers: &HeaderMap) -> io::Result<()> {
    let token = headers.get(WWW_AUTHENTICATE).map(|value| value.as_bytes());
    let Some(token) = token.and_then(|value| value.strip_prefix(b"Negotiate ")) else {
        return Ok(());
    };
    handshake.finish(&STANDARD.decode(token).map_err(io::Error::other)?)
}

#[cfg(test)]
mod tests;

//! Refusals as responses, and what every answer carries.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use bytes::Buf;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, EXPECT, HeaderMap,
    HeaderName, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tokio::time::timeout;
use tracing::{debug, error, info, warn};

use self::page::Words;
use crate::authorization::{challenge, final_token, reject_token};
use crate::error::{ConfigError, Error, ErrorKind, Fault};
use crate::hooks::OnRefusal;
use crate::kerberos::Refused;
use crate::observe;
use crate::principal::printable;

mod page;

/// How much of a request's body a refusal reads, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// How long it takes for that, and how long it waits for a client that sends nothing.
const BODY_TIME: Duration = Duration::from_secs(5);
const BODY_PAUSE: Duration = Duration::from_secs(1);

/// How long a client should wait after a 503, in seconds.
const RETRY_SECONDS: u16 = 5;

/// What a handler's answer, or a layer inside, says of a body that is replaced.
const ON_THE_BODY: [HeaderName; 3] = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE];

/// What every answer depends on.
const VARIES: &str = "Cookie, Authorization";

/// An answer in place of the handler's.
#[derive(Debug)]
pub(crate) struct Refusal {
    error: Error,
    /// GSSAPI's word to the client: the final token, or the reject token.
    token: Vec<u8>,
    /// It is a password that is refused, and so nothing to say of tokens.
    of_password: bool,
    is_logged: bool,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            token: Vec::new(),
            of_password: false,
            is_logged: false,
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::from(refused.error).with_token(refused.reject_token)
    }
}

impl Refusal {
    pub(crate) fn with_token(mut self, token: Vec<u8>) -> Self {
        self.token = token;
        self
    }

    /// Logged where it is known, in the span of its sign-in; not again where it is answered.
    pub(crate) fn logged(mut self) -> Self {
        log(&self.error);
        self.is_logged = true;
        self
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    pub(crate) fn of_password(mut self) -> Self {
        self.of_password = true;
        self
    }
}

/// Makes the body of a refusal.
type Page = Arc<dyn Fn(&Parts, &Error) -> Response + Send + Sync>;

/// How a layer answers in place of the handler.
#[derive(Clone, Default)]
pub(crate) struct Refusals {
    /// The application's own page.
    pub(crate) page: Option<Page>,
    /// Who is told of each.
    pub(crate) observers: Vec<OnRefusal>,
    /// No word of Negotiate beside the refusal of a token.
    pub(crate) negotiate_once: bool,
    /// Where people who have signed out sign in again.
    pub(crate) sign_in_path: Option<Arc<str>>,
}

/// What a request's refusal depends on besides the error.
pub(crate) struct Asked {
    as_html: bool,
    /// The challenge of Basic, where a password may be sent.
    basic: Option<HeaderValue>,
    /// For the application's own page, and whoever is told.
    request: Option<Box<Parts>>,
}

impl Asked {
    pub(crate) fn offers_basic(&self) -> bool {
        self.basic.is_some()
    }
}

impl Refusals {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match self.sign_in_path.as_deref() {
            Some(path) if !is_path(path) => Err(ConfigError::BadSignInPath(path.to_owned())),
            _ => Ok(()),
        }
    }

    /// What is kept of a request that goes to the handler.
    pub(crate) fn asked(&self, request: &Parts, basic: Option<HeaderValue>) -> Asked {
        Asked {
            as_html: wants_html(&request.headers),
            basic,
            request: (self.page.is_some() || !self.observers.is_empty())
                .then(|| Box::new(request.clone())),
        }
    }

    /// The response, with the error in its extensions and, unless it is the application's own page,
    /// nothing of it in its body.
    pub(crate) fn respond(&self, refusal: Refusal, asked: &Asked) -> Response {
        if !refusal.is_logged {
            log(&refusal.error);
        }
        observe::refused(refusal.kind());
        self.tell(&refusal.error, asked);
        let mut response = Response::new(Body::empty());
        self.fill(&mut response, refusal, asked);
        response
    }

    /// Whether the person asks to sign in, whatever came before.
    pub(crate) fn is_sign_in_path(&self, request: &Parts) -> bool {
        self.sign_in_path.as_deref() == Some(request.uri.path())
    }

    /// Makes an answer by which a handler asks for a challenge into the layer's own, and one that
    /// [`refuse_inside`] has made.
    pub(crate) fn complete(&self, answer: &mut Response, kind: ErrorKind, asked: &Asked) {
        let is_inside = answer.extensions_mut().remove::<Inside>().is_some();
        let error = match answer.extensions().get::<Error>() {
            Some(error) if error.kind() == ErrorKind::NoCredentials => Error::new(kind),
            Some(error) if is_inside => error.clone(),
            _ => return,
        };
        self.tell(&error, asked);
        self.fill(answer, error.into(), asked);
    }

    /// A challenge, or a word amid a handshake, is no refusal.
    fn tell(&self, error: &Error, asked: &Asked) {
        if let Some(request) = &asked.request
            && !matches!(
                error.kind(),
                ErrorKind::NoCredentials | ErrorKind::HandshakeGoesOn
            )
        {
            for observer in &self.observers {
                observer(error, request);
            }
        }
    }

    fn fill(&self, response: &mut Response, refusal: Refusal, asked: &Asked) {
        let (status, challenges) = self.challenges(&refusal, asked.basic.as_ref());
        let error = refusal.error;
        let page = match (&self.page, &asked.request) {
            (Some(page), Some(request)) if error.kind() != ErrorKind::HandshakeGoesOn => {
                page(request, &error)
            }
            _ => {
                let sign_in_path = self.sign_in_path.as_deref();
                let words = Words::of(error.kind(), status, asked.offers_basic(), sign_in_path);
                words.page(asked.as_html)
            }
        };
        let (parts, body) = page.into_parts();
        *response.body_mut() = body;
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for name in parts.headers.keys().chain(&ON_THE_BODY) {
            headers.remove(name);
        }
        headers.extend(parts.headers);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        vary(headers);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers
                .entry(RETRY_AFTER)
                .or_insert_with(|| RETRY_SECONDS.into());
        }
        headers.remove(WWW_AUTHENTICATE);
        for challenge in challenges.into_iter().flatten() {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().extend(parts.extensions);
        response.extensions_mut().insert(error);
    }

    /// Negotiate's word and Basic's. Never a challenge of Negotiate beside a token: curl and Firefox
    /// would ask for ever. Nor any word of it about a password: what a client has no ticket for, it
    /// need not try again.
    fn challenges(
        &self,
        refusal: &Refusal,
        basic: Option<&HeaderValue>,
    ) -> (StatusCode, [Option<HeaderValue>; 2]) {
        let kind = refusal.error.kind();
        let answered = match refusal.token.as_slice() {
            [] => None,
            token => Some(final_token(token)),
        };
        let basic = basic.cloned();
        match (kind, kind.status()) {
            (ErrorKind::NoCredentials, status) => (status, [Some(challenge()), basic]),
            (ErrorKind::HandshakeGoesOn, status) => (status, [answered, None]),
            (_, status @ StatusCode::UNAUTHORIZED) if refusal.of_password => {
                (status, [None, basic])
            }
            (_, StatusCode::UNAUTHORIZED) if self.negotiate_once && basic.is_none() => {
                (StatusCode::FORBIDDEN, [None, None])
            }
            (_, status @ StatusCode::UNAUTHORIZED) if self.negotiate_once => {
                (status, [None, basic])
            }
            (_, status @ StatusCode::UNAUTHORIZED) => {
                (status, [answered.or(Some(reject_token())), basic])
            }
            (_, status) => (status, [answered, None]),
        }
    }
}

/// A handler's answer that asks the client to sign in: the layer's own 401. Only in a request that
/// has brought no token; where it has, the answer is 403, lest clients ask for ever.
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use tower_spnego::{Challenge, User};
///
/// // Behind an optional layer: a second way in first, then the ticket.
/// async fn report(user: Option<User>) -> Response {
///     match user {
///         Some(user) => format!("Hello, {}", user.username()).into_response(),
///         None => Challenge.into_response(),
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Challenge;

impl IntoResponse for Challenge {
    fn into_response(self) -> Response {
        Error::new(ErrorKind::NoCredentials).into_response()
    }
}

/// As a handler's answer it is logged, and the client sees what the layer's own refusals show.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let asked = Asked {
            as_html: false,
            basic: None,
            request: None,
        };
        Refusals::default().respond(self.into(), &asked)
    }
}

/// That a refusal is to look like those of the layer around.
#[derive(Clone, Copy)]
struct Inside;

/// The refusal of a layer of ours inside: the [`SpnegoLayer`](crate::SpnegoLayer) around makes its
/// page.
pub(crate) fn refuse_inside(error: Error) -> Response {
    let mut response = error.into_response();
    response.extensions_mut().insert(Inside);
    response
}

/// Puts on the handler's answer what a signed-in answer needs.
pub(crate) fn finish(answer: &mut Response, signed_in: bool, sets_cookie: bool, token: &[u8]) {
    let status = answer.status();
    let headers = answer.headers_mut();
    vary(headers);
    // Beside a handler's own 401, Chromium would lose the page and Java fail.
    let sends_token = !token.is_empty() && status != StatusCode::UNAUTHORIZED;
    if sends_token {
        headers.insert(WWW_AUTHENTICATE, final_token(token));
    }
    if sends_token || sets_cookie {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    } else if signed_in {
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("private"));
    }
}

fn vary(headers: &mut HeaderMap) {
    let varies = |value: &HeaderValue| value == VARIES || value == "*";
    if !headers.get_all(VARY).iter().any(varies) {
        headers.append(VARY, HeaderValue::from_static(VARIES));
    }
}

/// Reads what a refused request still sends: a client that is cut off while it sends may never see
/// the answer. One that waits for `100 Continue`, or for a tunnel, sends nothing.
pub(crate) async fn read_body<B>(request: &Parts, body: B)
where
    B: http_body::Body,
{
    if request.headers.contains_key(EXPECT) || request.method == Method::CONNECT {
        return;
    }
    let mut body = pin!(body);
    let mut read = 0;
    // What can't be read ends the same way: with the answer.
    let _ = timeout(BODY_TIME, async {
        while let Ok(Some(Ok(frame))) = timeout(BODY_PAUSE, body.frame()).await {
            read += frame.data_ref().map_or(0, Buf::remaining);
            if read > BODY_LIMIT {
                break;
            }
        }
    })
    .await;
}

pub(crate) fn log(error: &Error) {
    let kind = error.kind();
    let mut causes = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push_str(": ");
        causes.push_str(&printable(&cause.to_string()));
        source = cause.source();
    }
    // Anybody can send what is refused with 4xx; that must not look like an outage.
    match (error.fault(), kind.status().is_server_error()) {
        _ if kind == ErrorKind::NoCredentials => debug!(?kind, "challenged"),
        _ if kind == ErrorKind::HandshakeGoesOn => debug!(?kind, "answered"),
        (_, true) => error!(?kind, "failed: {error}{causes}"),
        (Fault::Client, false) => info!(?kind, "refused: {error}{causes}"),
        (_, false) => warn!(?kind, "refused: {error}{causes}"),
    }
}

/// Whether a person reads the answer, rather than a program.
fn wants_html(request: &HeaderMap) -> bool {
    request.get_all(ACCEPT).iter().any(|accept| {
        accept
            .to_str()
            .is_ok_and(|accept| accept.contains("text/html"))
    })
}

/// A path of this site, as a link on its pages may have it.
fn is_path(path: &str) -> bool {
    let parsed = path.parse::<PathAndQuery>();
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && parsed.is_ok_and(|parsed| parsed.path() == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_of_this_site() {
        for path in ["/", "/sign-in", "/a/b.html"] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "",
            "sign-in",
            "//evil.example",
            r"/\evil.example",
            "https://evil.example/",
            "/sign in",
            "/sign-in?again",
            "/sign-in#here",
        ] {
            assert!(!is_path(path), "{path}");
        }
    }
}

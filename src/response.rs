//! Refusals as responses, and what every answer carries.

use std::sync::Arc;

use axum_core::body::Body;
use axum_core::response::Response;
use http::StatusCode;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, Entry, HeaderMap,
    HeaderName, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::uri::PathAndQuery;

pub(crate) use self::body::read_body;
pub use self::inside::Challenge;
pub(crate) use self::inside::refuse_inside;
use self::inside::{Inside, Unsaid};
pub(crate) use self::log::{Log, write as log};
use self::page::Words;
pub(crate) use self::refusal::Refusal;
use crate::authorization::{challenge, final_token, reject_token};
use crate::error::{ConfigError, Error, ErrorKind};
use crate::hooks::OnRefusal;
use crate::observe;

mod body;
mod inside;
mod log;
mod page;
mod refusal;

/// How long a client should wait after a 503, in seconds.
const RETRY_SECONDS: u16 = 5;

/// What a handler's answer, or a layer inside, says of a body that is replaced.
const ON_THE_BODY: [HeaderName; 3] = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE];

/// What every answer depends on.
const VARIES: &str = "Cookie, Authorization";

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
    pub(crate) log: Log,
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
            self.log.write(&refusal.error, None);
        }
        observe::refused(refusal.kind());
        self.tell(&refusal.error, asked);
        self.answer(refusal, asked)
    }

    /// The response alone.
    fn answer(&self, refusal: Refusal, asked: &Asked) -> Response {
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
        let is_unsaid = answer.extensions_mut().remove::<Unsaid>().is_some();
        let error = match answer.extensions().get::<Error>() {
            Some(error) if error.kind() == ErrorKind::NoCredentials => Error::new(kind),
            Some(error) if is_inside => error.clone(),
            _ => return,
        };
        if is_unsaid {
            self.log.write(&error, None);
            observe::refused(error.kind());
        }
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
    match headers.entry(VARY) {
        Entry::Vacant(entry) => {
            entry.insert(HeaderValue::from_static(VARIES));
        }
        Entry::Occupied(mut entry) => {
            if !entry.iter().any(varies) {
                entry.append(HeaderValue::from_static(VARIES));
            }
        }
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

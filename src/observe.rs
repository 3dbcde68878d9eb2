//! What is told to whoever watches: spans, events and metrics of sign-ins. Their names, and those of
//! their fields and labels, are in the [guide](crate::guide::observability), which a test compares
//! with what is really emitted.
//!
//! Nothing here takes a token, a password, or the session's cookie. What may be long or a stranger's
//! choice, a principal above all, is a field of a span and never a metric's label.

use std::future::Future;
use std::time::Instant;

use tracing::Instrument;
use tracing::field::{Empty, display};

pub(crate) use self::meters::{Waiting, describe, refused};
use crate::error::{Error, ErrorKind};
use crate::principal::Principal;

#[cfg(feature = "metrics")]
mod meters;
#[cfg(not(feature = "metrics"))]
#[path = "observe/no_meters.rs"]
mod meters;

/// A request that brings credentials, from its header read to user or refusal.
const SIGN_IN: &str = "spnego.sign_in";
/// The work of one of our own threads, and the wait for it.
const KERBEROS: &str = "spnego.kerberos";
/// The directory, or what stands before it.
const DIRECTORY: &str = "spnego.directory";

/// What a sign-in is tried with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    Negotiate,
    Basic,
}

impl Method {
    /// Of the header that could not be read.
    pub(crate) fn of_unreadable(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::BasicUnreadable => Self::Basic,
            _ => Self::Negotiate,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Negotiate => "negotiate",
            Self::Basic => "basic",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    SignedIn,
    /// The request goes on, with the login that its session had or with none.
    Unchanged,
    Refused(ErrorKind),
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::Unchanged => "unchanged",
            Self::Refused(ErrorKind::HandshakeGoesOn) => "continued",
            Self::Refused(kind) if kind.status().is_server_error() => "failed",
            Self::Refused(_) => "refused",
        }
    }

    fn kind(self) -> Option<&'static str> {
        match self {
            Self::Refused(kind) => Some(kind.name()),
            Self::SignedIn | Self::Unchanged => None,
        }
    }
}

/// A sign-in under way. Dropped before it has [ended](Self::end), it was broken off: the client has
/// gone away.
pub(crate) struct SignIn {
    method: &'static str,
    since: Instant,
    outcome: Option<Outcome>,
    span: tracing::Span,
}

impl SignIn {
    pub(crate) fn begin(method: Method) -> Self {
        let method = method.as_str();
        let span = tracing::info_span!(
            SIGN_IN,
            method,
            principal = Empty,
            outcome = Empty,
            kind = Empty
        );
        Self {
            method,
            since: Instant::now(),
            outcome: None,
            span,
        }
    }

    pub(crate) fn span(&self) -> &tracing::Span {
        &self.span
    }

    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for SignIn {
    fn drop(&mut self) {
        let outcome = self.outcome.map_or("abandoned", Outcome::as_str);
        let kind = self.outcome.and_then(Outcome::kind);
        let took = self.since.elapsed();
        self.span.record("outcome", outcome);
        self.span.record("kind", kind);
        let (method, seconds) = (self.method, took.as_secs_f64());
        self.span
            .in_scope(|| tracing::debug!(method, outcome, kind, seconds, "sign-in ended"));
        meters::sign_in(method, outcome, took);
    }
}

/// Whom the KDC vouches for, in the sign-in's span. What was typed beside a wrong password is not
/// named there: some type the password into the wrong field.
pub(crate) fn vouched_for(principal: &Principal) {
    let span = tracing::Span::current();
    // An application's own span may have a field of this name, too.
    if span.metadata().is_some_and(|span| span.name() == SIGN_IN) {
        span.record("principal", display(principal));
    }
}

/// A request by the session's login alone.
pub(crate) fn rides(principal: &Principal) {
    tracing::debug!(%principal, "the session has a login");
}

/// The span of a job for one of our own threads.
pub(crate) fn kerberos(threads: &'static str) -> tracing::Span {
    tracing::debug_span!(KERBEROS, threads)
}

/// Times a question to the directory.
pub(crate) async fn directory<T, E>(question: impl Future<Output = Result<T, E>>) -> Result<T, E>
where
    E: Clone + Into<Error>,
{
    let span = tracing::debug_span!(DIRECTORY, outcome = Empty);
    let since = Instant::now();
    let answer = question.instrument(span.clone()).await;
    let outcome = match &answer {
        Ok(_) => "found",
        Err(error) if error.clone().into().kind().is_outage() => "failed",
        Err(_) => "refused",
    };
    span.record("outcome", outcome);
    meters::directory(outcome, since.elapsed());
    answer
}

/// How a question to a [`Cached`](crate::Cached) directory is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Remembered {
    /// By what is remembered.
    Hit,
    /// By the directory.
    Miss,
    /// By the directory, which is asked about each password.
    Password,
    /// By what is remembered beyond its time: the directory is down.
    Stale,
}

pub(crate) fn remembered(how: Remembered) {
    meters::cache(match how {
        Remembered::Hit => "hit",
        Remembered::Miss => "miss",
        Remembered::Password => "password",
        Remembered::Stale => "stale",
    });
}

/// What the directory says of somebody in the middle of a login.
pub(crate) fn rechecked<T>(answer: &Result<T, Error>) {
    meters::recheck(match answer {
        Ok(_) => "kept",
        Err(error) if error.kind().is_outage() => "failed",
        Err(_) => "ended",
    });
}

//! Refusals of handlers, and of layers inside, which the layer around completes.

use axum_core::response::{IntoResponse, Response};

use super::{Asked, Refusals};
use crate::error::{Error, ErrorKind};

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
        let refusals = Refusals::default();
        if self.kind() != ErrorKind::NoCredentials {
            return refusals.respond(self.into(), &asked);
        }
        let mut response = refusals.answer(self.into(), &asked);
        response.extensions_mut().insert(Unsaid);
        response
    }
}

/// That neither the log nor the metrics have the challenge yet: the layer around knows what becomes of it.
#[derive(Clone, Copy)]
pub(super) struct Unsaid;

/// That a refusal is to look like those of the layer around.
#[derive(Clone, Copy)]
pub(super) struct Inside;

/// The refusal of a layer of ours inside: the [`SpnegoLayer`](crate::SpnegoLayer) around makes its
/// page.
pub(crate) fn refuse_inside(error: Error) -> Response {
    let mut response = error.into_response();
    response.extensions_mut().insert(Inside);
    response
}

//! The handler's side: [`User`], `Option<User>` and [`Login`] as extractors.

use std::fmt;
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Extensions, StatusCode};

use crate::delegated::Delegation;
use crate::directory::SharedDirectory;
use crate::error::Error;
use crate::login::{Login, Logins, RequestSession};
use crate::response::Challenge;
use crate::user::User;

/// In the extensions of every request that a layer let pass.
#[derive(Clone)]
pub(crate) struct Passed {
    /// The fingerprint of the layer's logins.
    pub(crate) layer: Arc<str>,
    /// `None` where the request goes on as nobody's.
    pub(crate) user: Option<User>,
    /// `None` also where another layer has said who the user is.
    pub(crate) login: Option<Login>,
    pub(crate) delegation: Delegation,
    /// Where the layer's users come from.
    pub(crate) directory: SharedDirectory,
    /// Whether the layer keeps logins, and so has a session.
    pub(crate) keeps_logins: bool,
}

impl Passed {
    /// Says in a request's extensions who is signed in, and that a layer has judged it. What an
    /// outer layer said before is gone.
    pub(crate) fn enter(self, extensions: &mut Extensions) {
        match &self.user {
            Some(user) => drop(extensions.insert(user.clone())),
            None => drop(extensions.remove::<User>()),
        }
        extensions.insert(self);
    }
}

/// The layer that a request came through before this one.
pub(crate) enum Outer {
    None,
    /// It makes the same logins, as where all of an application is optional and a part of it is not.
    /// A token was its to accept, and counts once: here is whom it has signed in with one, and what
    /// it did with a forwarded ticket.
    Same(Option<Login>, Delegation),
    Other,
}

impl Outer {
    /// Whether a request came through any.
    pub(crate) fn is_around(extensions: &Extensions) -> bool {
        extensions.get::<Passed>().is_some()
    }

    /// For the layer that makes and reads these logins.
    pub(crate) fn of(extensions: &Extensions, logins: &Logins) -> Self {
        match extensions.get::<Passed>() {
            None => Self::None,
            // It went by another layer's word, and has looked at nothing else.
            Some(passed) if passed.user.is_some() && passed.login.is_none() => Self::None,
            Some(passed) if passed.layer == *logins.made_by() => {
                let counts = |login: &Login| login.is_new() && logins.could_have_made(login);
                let login = passed.login.clone().filter(counts);
                Self::Same(login, passed.delegation.clone())
            }
            Some(_) => Self::Other,
        }
    }
}

/// Why a [`User`] or [`Login`] could not be extracted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInRejection {
    /// No [`SpnegoLayer`](crate::SpnegoLayer) is around the route: 500.
    #[error(transparent)]
    MissingLayer(#[from] MissingLayer),
    /// Nobody is signed in, and the layer let the request pass all the same: its own 401.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
}

/// No [`SpnegoLayer`](crate::SpnegoLayer) is around the route.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "No SpnegoLayer is around this route. Perhaps you forgot to add `.layer(spnego)` to the router, \
     or added the route, or a RequireGroup, after it?"
)]
#[non_exhaustive]
pub struct MissingLayer;

/// Nobody is signed in.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("nobody is signed in")]
#[non_exhaustive]
pub struct NotSignedIn;

impl IntoResponse for SignInRejection {
    fn into_response(self) -> Response {
        match self {
            Self::MissingLayer(rejection) => rejection.into_response(),
            Self::NotSignedIn(rejection) => rejection.into_response(),
        }
    }
}

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        Challenge.into_response()
    }
}

fn passed(extensions: &Extensions) -> Result<&Passed, MissingLayer> {
    extensions.get::<Passed>().ok_or(MissingLayer)
}

/// Who is signed in, and the directory that the layer asks.
pub(crate) fn user_and_directory(
    extensions: &Extensions,
) -> Result<(&User, &SharedDirectory), SignInRejection> {
    let passed = passed(extensions)?;
    let user = passed.user.as_ref().ok_or(NotSignedIn)?;
    Ok((user, &passed.directory))
}

/// What the layer did with the ticket that a client may forward.
pub(crate) fn delegation(parts: &Parts) -> Result<&Delegation, MissingLayer> {
    Ok(&passed(&parts.extensions)?.delegation)
}

macro_rules! extractor {
    ($($extracted:ty: $field:ident),+) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $extracted {
            type Rejection = SignInRejection;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
                Ok(passed(&parts.extensions)?.$field.clone().ok_or(NotSignedIn)?)
            }
        }

        impl<S: Send + Sync> OptionalFromRequestParts<S> for $extracted {
            type Rejection = MissingLayer;

            async fn from_request_parts(
                parts: &mut Parts,
                _: &S,
            ) -> Result<Option<Self>, Self::Rejection> {
                Ok(passed(&parts.extensions)?.$field.clone())
            }
        }
    )+};
}

extractor!(User: user, Login: login);

/// That the person has signed out of this session: an extractor, as `Option<SignedOut>`, for a
/// handler by which they sign in again. Such a handler is behind an
/// [`optional`](crate::SpnegoLayerBuilder::optional) layer, or one whose
/// [`without_login`](crate::SpnegoLayerBuilder::without_login) passes its requests on;
/// [`sign_in_path`](crate::SpnegoLayerBuilder::sign_in_path) needs none.
///
/// ```
/// use axum::response::{IntoResponse, Redirect, Response};
/// use tower_spnego::{Error, SignedOut, User};
///
/// // The person gets here by a form of the page that says that they are signed out.
/// async fn sign_in(user: Option<User>, out: Option<SignedOut>) -> Result<Response, Error> {
///     Ok(match (user, out) {
///         (Some(_), _) => Redirect::to("/").into_response(),
///         (None, Some(out)) => out.sign_in_again().await?.into_response(),
///         (None, None) => tower_spnego::Challenge.into_response(),
///     })
/// }
/// ```
pub struct SignedOut {
    session: RequestSession,
}

impl SignedOut {
    /// Forgets that they have signed out; the challenge is the answer to give.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SessionStore`](crate::ErrorKind::SessionStore) when the session can't be read.
    pub async fn sign_in_again(self) -> Result<Challenge, Error> {
        self.session.forget_signing_out().await?;
        Ok(Challenge)
    }
}

impl fmt::Debug for SignedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedOut")
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedOut {
    type Rejection = SignedOutRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        if !passed(&parts.extensions)?.keeps_logins {
            return Ok(None);
        }
        let session = RequestSession::of(&parts.extensions)?;
        Ok(match session.is_signed_out().await? {
            true => Some(Self { session }),
            false => None,
        })
    }
}

/// Why it could not be told whether the person has [signed out](SignedOut).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignedOutRejection {
    /// No [`SpnegoLayer`](crate::SpnegoLayer) is around the route: 500.
    #[error(transparent)]
    MissingLayer(#[from] MissingLayer),
    /// The session can't be read: 500.
    #[error(transparent)]
    Session(#[from] Error),
}

impl IntoResponse for SignedOutRejection {
    fn into_response(self) -> Response {
        match self {
            Self::MissingLayer(rejection) => rejection.into_response(),
            Self::Session(error) => error.into_response(),
        }
    }
}

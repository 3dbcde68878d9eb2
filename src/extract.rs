//! The handler's side: [`User`], `Option<User>` and [`Login`] as extractors.

use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Extensions, StatusCode};

use crate::error::{Error, ErrorKind};
use crate::login::Login;
use crate::response::{Refusal, wants_html};
use crate::user::User;

/// In the extensions of every request that a layer let pass.
#[derive(Clone)]
struct Passed {
    /// The fingerprint of the layer's logins.
    layer: Arc<str>,
    /// `None` only in optional mode.
    login: Option<Login>,
}

/// Says in a request's extensions who is signed in, and that a layer has judged it. What an
/// outer layer said before is gone.
pub(crate) fn enter(extensions: &mut Extensions, layer: &Arc<str>, login: Option<Login>) {
    match &login {
        Some(login) => drop(extensions.insert(login.user().clone())),
        None => drop(extensions.remove::<User>()),
    }
    extensions.insert(Passed {
        layer: Arc::clone(layer),
        login,
    });
}

/// The layer that a request came through before this one.
pub(crate) enum Outer {
    None,
    /// It makes the same logins, as where all of an application is optional and a part of it is not.
    /// A token was its to accept, and counts once: here is whom it has signed in with one.
    Same(Option<Login>),
    Other,
}

impl Outer {
    pub(crate) fn of(extensions: &Extensions, layer: &Arc<str>) -> Self {
        match extensions.get::<Passed>() {
            None => Self::None,
            Some(passed) if passed.layer == *layer => {
                Self::Same(passed.login.clone().filter(Login::is_new))
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
    /// Nobody is signed in, which can be in [optional
    /// mode](crate::SpnegoLayerBuilder::optional) only: the layer's own 401.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
}

/// No [`SpnegoLayer`](crate::SpnegoLayer) is around the route.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "No SpnegoLayer is around this route. Perhaps you forgot to add `.layer(spnego)` to the router, \
     or added the route after it?"
)]
#[non_exhaustive]
pub struct MissingLayer;

/// Nobody is signed in.
#[derive(Debug, thiserror::Error)]
#[error("nobody is signed in")]
pub struct NotSignedIn {
    as_html: bool,
}

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
        Refusal::from(Error::new(ErrorKind::NoCredentials)).into_response(self.as_html)
    }
}

fn extract(parts: &Parts) -> Result<&Login, SignInRejection> {
    let login = optional(parts)?;
    Ok(login.ok_or_else(|| NotSignedIn {
        as_html: wants_html(&parts.headers),
    })?)
}

fn optional(parts: &Parts) -> Result<Option<&Login>, MissingLayer> {
    let passed = parts.extensions.get::<Passed>().ok_or(MissingLayer)?;
    Ok(passed.login.as_ref())
}

macro_rules! extractor {
    ($($extracted:ty: $of:expr),+) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $extracted {
            type Rejection = SignInRejection;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
                extract(parts).map($of)
            }
        }

        impl<S: Send + Sync> OptionalFromRequestParts<S> for $extracted {
            type Rejection = MissingLayer;

            async fn from_request_parts(
                parts: &mut Parts,
                _: &S,
            ) -> Result<Option<Self>, Self::Rejection> {
                Ok(optional(parts)?.map($of))
            }
        }
    )+};
}

extractor!(User: |login| login.user().clone(), Login: Login::clone);

/// As a handler's answer it is logged, and the client sees what the layer's own refusals show.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Refusal::from(self).into_response(false)
    }
}

//! The handler's side: [`User`], `Option<User>` and [`Login`] as extractors.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Extensions, StatusCode};

use crate::error::{Error, ErrorKind};
use crate::login::Login;
use crate::response::{Refusal, status, wants_html};
use crate::user::User;

/// In the extensions of every request that a layer let pass.
#[derive(Clone)]
struct Passed;

/// Says in a request's extensions who is signed in, and that a layer has judged it. What an
/// outer layer said before is gone.
pub(crate) fn enter(extensions: &mut Extensions, login: Option<&Login>) {
    extensions.remove::<User>();
    extensions.remove::<Login>();
    extensions.insert(Passed);
    if let Some(login) = login {
        extensions.insert(login.user().clone());
        extensions.insert(login.clone());
    }
}

/// Why a [`User`] or [`Login`] could not be extracted.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignInRejection {
    /// No [`SpnegoLayer`](crate::SpnegoLayer) is around the route: 500.
    MissingLayer(MissingLayer),
    /// Nobody is signed in, which can be in [optional
    /// mode](crate::SpnegoLayerBuilder::optional) only: the layer's own 401.
    NotSignedIn(NotSignedIn),
}

/// No [`SpnegoLayer`](crate::SpnegoLayer) is around the route.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct MissingLayer;

/// Nobody is signed in.
#[derive(Debug)]
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
        const HINT: &str = "No SpnegoLayer is around this route. Perhaps you forgot to add \
                            `.layer(spnego)` to the router, or added the route after it?";
        tracing::error!("{HINT}");
        (StatusCode::INTERNAL_SERVER_ERROR, HINT).into_response()
    }
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        Refusal::from(ErrorKind::NoCredentials).into_response(self.as_html)
    }
}

fn extract<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<T, SignInRejection> {
    match optional(parts) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(SignInRejection::NotSignedIn(NotSignedIn {
            as_html: wants_html(&parts.headers),
        })),
        Err(missing) => Err(SignInRejection::MissingLayer(missing)),
    }
}

fn optional<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<Option<T>, MissingLayer> {
    match parts.extensions.get::<Passed>() {
        Some(Passed) => Ok(parts.extensions.get::<T>().cloned()),
        None => Err(MissingLayer),
    }
}

macro_rules! extractor {
    ($($extracted:ty),+) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $extracted {
            type Rejection = SignInRejection;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
                extract(parts)
            }
        }

        impl<S: Send + Sync> OptionalFromRequestParts<S> for $extracted {
            type Rejection = MissingLayer;

            async fn from_request_parts(
                parts: &mut Parts,
                _: &S,
            ) -> Result<Option<Self>, Self::Rejection> {
                optional(parts)
            }
        }
    )+};
}

extractor!(User, Login);

/// As a handler's answer: the status of its kind, and no more in the body than that.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = status(self.kind());
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

//! [`DelegatedTicket`], the ticket that a client forwarded.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::error::{Error, ErrorKind};
use crate::extract::{self, MissingLayer};
use crate::kerberos::StoredTicket;
use crate::response::Challenge;

/// The ticket that a client forwarded (delegated), in a ticket cache of its own: with it a handler
/// acts as the person towards other services. An extractor, where the layer
/// [accepts delegation](crate::SpnegoLayerBuilder::accept_delegation).
///
/// ```
/// use std::process::Command;
/// use tower_spnego::DelegatedTicket;
///
/// // With accept_delegation_into(folder): another process can't see this one's memory.
/// async fn shares(ticket: DelegatedTicket) {
///     let mut smbclient = Command::new("smbclient");
///     smbclient.env("KRB5CCNAME", ticket.ccache());
///     // …
/// }
/// ```
///
/// In this process GSSAPI takes the cache by its name from a credential store
/// (`gss_acquire_cred_from` with `ccache`); to set `KRB5CCNAME` here would mix people up.
///
/// # When it is there
///
/// In the request that signs in, and in no other: the session keeps neither the ticket nor its
/// path. So an application that needs it longer keeps a clone, for as long as the
/// [login](crate::Login::expires) at most. The cache is removed when the last clone is dropped.
///
/// As an extractor it asks for what is missing. A request without a token is challenged (401),
/// though somebody is signed in, so that a browser signs in anew and forwards a ticket; a request
/// whose token came without a ticket is refused
/// ([`TicketNotForwarded`](ErrorKind::TicketNotForwarded), 403). `Option<DelegatedTicket>` is
/// `None` in both. Where the client forwarded a ticket that could not be stored, both fail (5xx),
/// and handlers that want no ticket serve the person all the same.
#[derive(Clone)]
pub struct DelegatedTicket(Arc<StoredTicket>);

impl DelegatedTicket {
    pub(crate) fn new(stored: StoredTicket) -> Self {
        Self(Arc::new(stored))
    }

    /// The cache's name, `MEMORY:…` or `FILE:…`, for `KRB5CCNAME`.
    pub fn ccache(&self) -> &str {
        self.0.name()
    }

    /// When the ticket ends, if GSSAPI tells.
    pub fn expires(&self) -> Option<SystemTime> {
        self.0.expires()
    }
}

impl fmt::Debug for DelegatedTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelegatedTicket")
            .field("ccache", &self.ccache())
            .field("expires", &self.expires())
            .finish()
    }
}

/// What a layer did with the ticket that a client may forward.
#[derive(Clone, Default)]
pub(crate) enum Delegation {
    /// It takes none.
    #[default]
    Declined,
    /// The request has no token, which alone can carry one.
    NoToken,
    /// The token came without one.
    NotForwarded,
    Ticket(DelegatedTicket),
    /// One may have come, and is lost.
    Failed(Error),
}

/// Why a [`DelegatedTicket`] could not be extracted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DelegatedTicketRejection {
    /// No [`SpnegoLayer`](crate::SpnegoLayer) is around the route: 500.
    #[error(transparent)]
    MissingLayer(#[from] MissingLayer),
    /// The layer takes no forwarded tickets: 500. `Option<DelegatedTicket>` is `None` then.
    #[error(
        "The SpnegoLayer around this route takes no forwarded tickets. Perhaps you forgot \
         `.accept_delegation()`?"
    )]
    NotAccepted,
    /// The request has no token, and so no ticket: a [`Challenge`].
    #[error("only a request that signs in can forward a ticket")]
    SignInNeeded,
    /// The client forwarded none (403), or it could not be stored (5xx).
    #[error(transparent)]
    Error(#[from] Error),
}

impl IntoResponse for DelegatedTicketRejection {
    fn into_response(self) -> Response {
        match self {
            Self::MissingLayer(rejection) => rejection.into_response(),
            Self::NotAccepted => {
                tracing::error!("{self}");
                (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
            }
            Self::SignInNeeded => Challenge.into_response(),
            Self::Error(error) => error.into_response(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DelegatedTicket {
    type Rejection = DelegatedTicketRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        match extract::delegation(parts)? {
            Delegation::Ticket(ticket) => Ok(ticket.clone()),
            Delegation::Declined => Err(DelegatedTicketRejection::NotAccepted),
            Delegation::NoToken => Err(DelegatedTicketRejection::SignInNeeded),
            Delegation::NotForwarded => Err(Error::new(ErrorKind::TicketNotForwarded).into()),
            Delegation::Failed(error) => Err(error.clone().into()),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for DelegatedTicket {
    type Rejection = DelegatedTicketRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        match extract::delegation(parts)? {
            Delegation::Ticket(ticket) => Ok(Some(ticket.clone())),
            Delegation::Declined | Delegation::NoToken | Delegation::NotForwarded => Ok(None),
            Delegation::Failed(error) => Err(error.clone().into()),
        }
    }
}

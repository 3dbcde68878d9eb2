//! [`SpnegoLayer`]; its settings are in [`builder`].

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::gate::Gate;
use crate::service::Spnego;

mod builder;

pub use self::builder::SpnegoLayerBuilder;
#[cfg(feature = "doctor")]
pub(crate) use self::builder::is_hostname;

/// A [`Layer`] that signs people in by HTTP Negotiate ([RFC 4559]) and puts the [`User`] into each
/// request.
///
/// It goes inside the session layer, so add it before that one:
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use tower_sessions::cookie::SameSite;
/// use tower_sessions::{MemoryStore, SessionManagerLayer};
/// use tower_spnego::{PrincipalOnly, SpnegoLayer, User};
///
/// # fn main() -> Result<(), tower_spnego::ConfigError> {
/// let spnego = SpnegoLayer::builder()
///     .realm("CORP.EXAMPLE.COM")
///     .hostname("intranet.corp.example.com")
///     .keytab("/etc/intranet.keytab")
///     .directory(PrincipalOnly)
///     .build()?;
///
/// let app: Router = Router::new()
///     .route("/", get(async |user: User| format!("Hello, {}", user.display_name())))
///     .layer(spnego)
///     .layer(SessionManagerLayer::new(MemoryStore::default()).with_same_site(SameSite::Lax));
/// # Ok(())
/// # }
/// ```
///
/// A clone shares the accept threads, which end when the last clone (and the last service made by
/// one) is dropped.
///
/// [RFC 4559]: https://www.rfc-editor.org/rfc/rfc4559
/// [`User`]: crate::User
#[derive(Clone)]
pub struct SpnegoLayer {
    gate: Arc<Gate>,
}

impl SpnegoLayer {
    /// Settings for a layer; realm, host name and directory have no default.
    pub fn builder() -> SpnegoLayerBuilder {
        SpnegoLayerBuilder::new()
    }
}

impl<S> Layer<S> for SpnegoLayer {
    type Service = Spnego<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Spnego::new(inner, Arc::clone(&self.gate))
    }
}

impl fmt::Debug for SpnegoLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpnegoLayer")
            .field("services", &self.gate.acceptor.principals())
            .finish_non_exhaustive()
    }
}

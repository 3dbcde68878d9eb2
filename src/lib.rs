//! Kerberos single sign-on for axum.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod authorization;
#[cfg(feature = "axum")]
mod connection;
mod cross_site;
mod directory;
mod error;
mod extract;
mod future;
mod initiator;
mod kerberos;
mod layer;
mod login;
mod principal;
mod response;
mod service;
mod token;
mod user;

#[cfg(feature = "axum")]
pub use crate::connection::SpnegoConnection;
#[cfg(feature = "ldap")]
pub use crate::directory::ldap;
pub use crate::directory::{Directory, DirectoryError, PrincipalOnly, SharedDirectory};
pub use crate::error::{ConfigError, Error, ErrorKind, Fault};
pub use crate::extract::{MissingLayer, NotSignedIn, SignInRejection};
pub use crate::future::ResponseFuture;
pub use crate::initiator::Initiator;
pub use crate::layer::{SpnegoLayer, SpnegoLayerBuilder};
pub use crate::login::Login;
pub use crate::principal::{Principal, PrincipalError};
pub use crate::service::Spnego;
pub use crate::user::{Group, User, UserBuilder};

#[cfg(feature = "testing")]
pub mod testing;

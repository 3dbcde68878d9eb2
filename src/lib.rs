//! Kerberos single sign-on for axum.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod directory;
mod error;
mod initiator;
#[cfg(feature = "testing")]
mod kerberos;
mod principal;
mod user;

pub use crate::directory::{Directory, DirectoryError, PrincipalOnly, SharedDirectory};
pub use crate::error::{ConfigError, Error, ErrorKind, Fault};
pub use crate::initiator::Initiator;
pub use crate::principal::{Principal, PrincipalError};
pub use crate::user::{Group, User, UserBuilder};

#[cfg(feature = "ldap")]
pub use crate::directory::ldap;
#[cfg(feature = "testing")]
pub mod testing;

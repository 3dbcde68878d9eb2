//! The accept alone, with nothing of ours around it, for the benchmark to compare with.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::context::read_pac;
use super::credential::Credentials;
use super::ffi::{Context, Krb5, Outcome, Terms};
use super::keytab_file::{KeytabFile, Services};
use super::replay_cache::ReplayCache;
use crate::error::ConfigError;

/// Accepts on the caller's own thread, with the credential that an accept thread of the layer has.
#[doc(hidden)]
pub struct BareAcceptor {
    credentials: Credentials,
    pac: bool,
    _krb5: Krb5,
}

impl BareAcceptor {
    /// For the SPN `HTTP/<hostname>` in this keytab, with the replay cache in this folder.
    ///
    /// # Errors
    ///
    /// As for [`SpnegoLayerBuilder::build`](crate::SpnegoLayerBuilder::build).
    pub fn new(keytab: &Path, hostname: &str, replay_cache: &Path) -> Result<Self, ConfigError> {
        let krb5 = Krb5::new().map_err(ConfigError::Krb5)?;
        let services = Services::Hosts(vec![hostname.to_owned()]);
        let keytab = KeytabFile::open(keytab.to_owned(), &services, None)?;
        let replay_cache = Arc::new(ReplayCache::new(Some(replay_cache))?);
        Ok(Self {
            credentials: Credentials::acquire(&keytab, replay_cache)?,
            pac: false,
            _krb5: krb5,
        })
    }

    /// One that reads the PAC, too, and takes nobody without one.
    #[must_use]
    pub fn reading_pac(mut self) -> Self {
        self.pac = true;
        self
    }

    /// Whether the token signs somebody in. It costs what no acceptor can do without: GSSAPI's
    /// accept, and the client's name and authtime.
    pub fn accept(&self, token: &[u8]) -> bool {
        let terms = Terms {
            pac: self.pac,
            ..Terms::default()
        };
        self.credentials.any().is_some_and(|service| {
            let step = Context::new().step(&service.accepting, token, &terms);
            match step.outcome {
                Outcome::Complete(client) if self.pac => {
                    matches!(read_pac(client.pac), Ok(Some(_)))
                }
                Outcome::Complete(_) => true,
                _ => false,
            }
        })
    }
}

impl fmt::Debug for BareAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BareAcceptor").finish_non_exhaustive()
    }
}

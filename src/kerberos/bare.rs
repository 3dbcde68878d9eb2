//! The accept alone, with nothing of ours around it, for the benchmark to compare with.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::ffi::{Context, Credential, Krb5, Outcome};
use super::keytab_file::{Keys, KeytabFile};
use super::{acquire, replay_cache};
use crate::error::ConfigError;

/// Accepts on the caller's own thread, with the credential that an accept thread of the layer has.
#[doc(hidden)]
pub struct BareAcceptor {
    credential: Credential,
    // The credential reads them at each accept.
    _keys: Arc<Keys>,
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
        let keytab = KeytabFile::open(keytab.to_owned(), hostname, None)?;
        let keys = keytab.keys();
        let replay_cache = replay_cache::name(Some(replay_cache))?;
        Ok(Self {
            credential: acquire(&keytab, &keys, &replay_cache)?,
            _keys: keys,
            _krb5: krb5,
        })
    }

    /// Whether the token signs somebody in. It costs what no acceptor can do without: GSSAPI's
    /// accept, and the client's name and authtime.
    pub fn accept(&self, token: &[u8]) -> bool {
        let step = Context::new().step(&self.credential, token);
        matches!(step.outcome, Outcome::Complete(_))
    }
}

impl fmt::Debug for BareAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BareAcceptor").finish_non_exhaustive()
    }
}

//! What an accept thread accepts with.

use std::sync::Arc;

use super::ffi::Credential;
use super::keytab_file::{Keys, KeytabFile};
use super::replay_cache::ReplayCache;
use crate::error::ConfigError;

pub(super) struct Credentials {
    pub(super) accepting: Credential,
    /// Without a replay cache. It lets nobody in: it tells why `accepting` let somebody not.
    pub(super) diagnosing: Credential,
    pub(super) replay_cache: Arc<ReplayCache>,
    // The others read them at each accept.
    keys: Arc<Keys>,
}

impl Credentials {
    pub(super) fn acquire(
        keytab: &KeytabFile,
        replay_cache: Arc<ReplayCache>,
    ) -> Result<Self, ConfigError> {
        let keys = keytab.keys();
        let acquire = |replay_cache| {
            Credential::acceptor(keytab.principal(), &keys.name(), replay_cache).map_err(|reason| {
                ConfigError::Credential {
                    spn: keytab.principal().to_owned(),
                    reason,
                }
            })
        };
        Ok(Self {
            accepting: acquire(replay_cache.name())?,
            diagnosing: acquire("none:")?,
            replay_cache,
            keys,
        })
    }

    /// Takes the keytab's new keys, where it has some.
    pub(super) fn renew(&mut self, keytab: &KeytabFile) {
        if Arc::ptr_eq(&keytab.keys(), &self.keys) {
            return;
        }
        match Self::acquire(keytab, Arc::clone(&self.replay_cache)) {
            Ok(renewed) => *self = renewed,
            Err(error) => tracing::error!("{error}; the old keys stay in use"),
        }
    }
}

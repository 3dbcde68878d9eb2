//! What an accept thread accepts with.

use std::sync::Arc;

use super::ffi::{Credential, ForwardingGuard};
use super::keytab_file::{Keys, KeytabFile};
use super::replay_cache::ReplayCache;
use crate::error::ConfigError;
use crate::explain::HeldKeys;

/// The credentials of all services whose tickets count.
pub(super) struct Credentials {
    services: Vec<Service>,
    pub(super) replay_cache: Arc<ReplayCache>,
    pub(super) guard: ForwardingGuard,
    // The services read them at each accept.
    keys: Arc<Keys>,
}

/// The credentials of one service, by its Kerberos principal: a credential for any key would let
/// the KDC of one realm name the principals of another.
pub(super) struct Service {
    principal: String,
    pub(super) accepting: Credential,
    /// Without a replay cache. It lets nobody in: it tells why `accepting` let somebody not.
    pub(super) diagnosing: Credential,
}

impl Credentials {
    pub(super) fn acquire(
        keytab: &KeytabFile,
        replay_cache: Arc<ReplayCache>,
    ) -> Result<Self, ConfigError> {
        let keys = keytab.keys();
        let file = keys.name();
        let acquire = |principal: &str, replay_cache| {
            Credential::acceptor(principal, &file, replay_cache).map_err(|reason| {
                ConfigError::Credential {
                    spn: principal.to_owned(),
                    reason,
                }
            })
        };
        let services = keys
            .services()
            .map(|principal| {
                Ok(Service {
                    principal: principal.to_owned(),
                    accepting: acquire(principal, replay_cache.name())?,
                    diagnosing: acquire(principal, "none:")?,
                })
            })
            .collect::<Result<_, _>>()?;
        let guard = ForwardingGuard::new(&file).map_err(ConfigError::Krb5)?;
        Ok(Self {
            services,
            replay_cache,
            guard,
            keys,
        })
    }

    pub(super) fn of(&self, principal: &str) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| service.principal == principal)
    }

    /// What the keytab holds.
    pub(super) fn held(&self) -> Arc<HeldKeys> {
        self.keys.held()
    }

    /// For a token that names no service.
    pub(super) fn any(&self) -> Option<&Service> {
        self.services.first()
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

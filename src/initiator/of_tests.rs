//! Initiators as tests need them.

use std::sync::Arc;
use std::time::SystemTime;

use super::{Initiator, Naming};
use crate::kerberos::Pac;
use crate::principal::{AllowedRealms, Principal};

impl Initiator {
    /// The same initiator in a layer that calls it so.
    pub(crate) fn called(self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            unique_name: name.to_owned(),
            has_plain_name: false,
            ..self
        }
    }

    /// An initiator of `CORP` whose ticket has this PAC, in a layer of this one realm.
    pub(crate) fn with_pac(pac: Pac) -> Self {
        let parts = vec![pac.account().to_owned()];
        let principal = Principal::from_parts(parts, "CORP".to_owned()).unwrap();
        Self {
            pac: Some(Arc::new(pac)),
            ..Self::new(principal)
        }
    }

    /// The same initiator in a layer that makes these names of it.
    pub(crate) fn mapped_to(mut self, name: &str, unique_name: &str) -> Self {
        self.name = name.to_owned();
        self.unique_name = unique_name.to_owned();
        self
    }

    /// The same initiator at a recheck, in a layer of its realm alone.
    pub(crate) fn recalled(&self) -> Self {
        let realms = AllowedRealms::new(vec![self.realm().to_owned()]).unwrap();
        let naming = Naming {
            realms: &realms,
            mapping: None,
        };
        Self::recall(&self.principal, &self.kept(None), naming).unwrap()
    }

    /// The same initiator with a ticket of another time.
    pub(crate) fn with_ticket_of(mut self, time: SystemTime) -> Self {
        self.authenticated_at = Some(time);
        self.ticket_end = Some(time);
        self
    }
}

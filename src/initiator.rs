//! Who the ticket names.

use std::time::SystemTime;

use crate::principal::Principal;

/// The client of a completed Kerberos handshake (GSSAPI's *initiator*): what a
/// [`Directory`](crate::Directory) is asked about.
///
/// The realm of its principal has passed the layer's allow-list, and its name is a single
/// component.
#[derive(Debug, Clone)]
pub struct Initiator {
    principal: Principal,
    name: String,
    sole_realm: bool,
    ticket_end: Option<SystemTime>,
    authenticated_at: Option<SystemTime>,
}

impl Initiator {
    /// An initiator with no ticket, as tests of a directory need one.
    pub fn new(principal: Principal) -> Self {
        Self::with_ticket(principal, true, None, None)
    }

    pub(crate) fn with_ticket(
        principal: Principal,
        sole_realm: bool,
        ticket_end: Option<SystemTime>,
        authenticated_at: Option<SystemTime>,
    ) -> Self {
        Self {
            name: principal.short_name(),
            principal,
            sole_realm,
            ticket_end,
            authenticated_at,
        }
    }

    /// The principal.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The principal's name without its realm (the whole principal where it is no person's, which a
    /// layer lets nobody sign in with). It names one person only beside
    /// [`realm`](Self::realm): where the layer allows several realms, use
    /// [`unique_name`](Self::unique_name).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The principal's realm.
    pub fn realm(&self) -> &str {
        self.principal.realm()
    }

    /// A name that no other initiator of this layer has: without the realm where only one is
    /// allowed, else the whole principal.
    pub fn unique_name(&self) -> String {
        if self.sole_realm {
            self.name().to_owned()
        } else {
            self.principal.to_string()
        }
    }

    /// When the ticket ends, where GSSAPI said so.
    pub fn ticket_end(&self) -> Option<SystemTime> {
        self.ticket_end
    }

    /// When the person proved who they are to the KDC (the ticket's authtime, RFC 4120 section
    /// 5.3), where GSSAPI said so.
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        self.authenticated_at
    }
}

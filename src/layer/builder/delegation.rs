//! Forwarded tickets.

use std::path::PathBuf;

use super::SpnegoLayerBuilder;
use crate::kerberos::TicketStore;

/// # Delegation
impl SpnegoLayerBuilder {
    /// Takes the ticket that a client forwards (delegation, RFC 4121 section 4.1.1), and gives it
    /// to handlers as a [`DelegatedTicket`](crate::DelegatedTicket): a ticket cache in this
    /// process's memory. Without it such a ticket is dropped.
    ///
    /// With it the application can act as the person everywhere, not only here, until the ticket
    /// ends. It is stored only once the person has been admitted.
    pub fn accept_delegation(mut self) -> Self {
        self.delegation = Some(TicketStore::Memory);
        self
    }

    /// As [`accept_delegation`](Self::accept_delegation), with the ticket caches in files, for
    /// programs that the application starts.
    ///
    /// The folder is made with mode 0700 where it is missing; neither it nor what is above it may
    /// be another user's to write. In it each layer has a folder of its own, locked while it is in
    /// use, so that several layers and processes can share one; the files have mode 0600. What a
    /// process that was killed left behind is removed when the next layer starts.
    pub fn accept_delegation_into(mut self, folder: impl Into<PathBuf>) -> Self {
        self.delegation = Some(TicketStore::Folder(folder.into()));
        self
    }
}

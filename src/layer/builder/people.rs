//! Whose principals may sign in, and where their users are found.

use super::SpnegoLayerBuilder;
use crate::directory::{Directory, SharedDirectory};
use crate::initiator::NameMapping;

/// # Who may sign in
impl SpnegoLayerBuilder {
    /// Lets the principals of this realm sign in; those of every other are refused. Realms are
    /// compared to the letter, and are written in upper case nearly everywhere.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realms.push(realm.into());
        self
    }

    /// Lets the principals of several realms sign in. A name is then unique only with its realm:
    /// the directory must tell `alice@A` from `alice@B`.
    pub fn realms<R: Into<String>>(mut self, realms: impl IntoIterator<Item = R>) -> Self {
        self.realms.extend(realms.into_iter().map(Into::into));
        self
    }

    /// Where the user behind a principal is found: an `LdapDirectory`,
    /// [`PrincipalOnly`](crate::PrincipalOnly), or one of your own.
    pub fn directory(mut self, directory: impl Directory) -> Self {
        self.directory = Some(SharedDirectory::new(directory));
        self
    }

    /// What a principal's name becomes before the directory is asked. Unless said otherwise, it
    /// loses its realm where one realm is allowed, and keeps it where several are.
    pub fn name_mapping(mut self, mapping: NameMapping) -> Self {
        self.mapping = Some(mapping);
        self
    }
    /// Refuses tickets without a [`Pac`](crate::Pac). On Active Directory and Samba the name in a
    /// ticket is the client's choice, and the PAC tells who the client is; but a client can have it
    /// left out. Say this wherever such a KDC vouches for people, unless the directory says it: an
    /// `LdapDirectory` that finds people by their SID, or a `TicketDirectory`.
    ///
    /// A PAC whose server signature is wrong, or that is another ticket's, counts as none: MIT
    /// Kerberos shows nothing of it, and lets the ticket count. Only who has this service's key can
    /// make such a ticket, and they could put any name into it just as well.
    ///
    /// MIT Kerberos's own KDC issues none that names anybody.
    pub fn require_pac(mut self) -> Self {
        self.requires_pac = true;
        self
    }
}

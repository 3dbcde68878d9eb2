//! Whom the directory is to the server.

use secrecy::{ExposeSecret, SecretString};

use super::super::connection::Bind;
use super::super::server::Address;
use super::{LdapDirectoryBuilder, wrong};
use crate::error::ConfigError;

/// # Bind
impl LdapDirectoryBuilder {
    /// Binds with a name, most often a DN, and a password (RFC 4513 section 5.1.3). Without it the
    /// search is anonymous.
    pub fn bind_simple(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.bind = Some(Bind {
            name: name.into(),
            password: SecretString::from(password.into()),
        });
        self
    }
}

pub(super) fn check(
    bind: &Bind,
    address: &Address,
    allow_clear_text: bool,
) -> Result<(), ConfigError> {
    // A server takes either for an unauthenticated bind, and says "success" (RFC 4513 section
    // 5.1.2).
    if bind.name.is_empty() || bind.password.expose_secret().is_empty() {
        return Err(wrong(
            "bind",
            "the name or the password is empty, which binds as nobody and calls it success; give \
             both to .bind_simple(..), or leave it out for an anonymous search",
        ));
    }
    if !address.uses_tls() && !address.is_loopback() && !allow_clear_text {
        return Err(wrong(
            "bind",
            "the password would go over the network in clear text; write the URL with ldaps://, \
             or, if whoever is on the way may read it, say .allow_clear_text()",
        ));
    }
    Ok(())
}

//! The servers, and what the way to them is worth.

use std::path::PathBuf;
use std::time::Duration;

use super::super::connection::{Bind, Endpoint};
use super::super::server::{self, Address};
use super::super::servers::Servers;
use super::{LdapDirectoryBuilder, bind, wrong};
use crate::error::ConfigError;

const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);

pub(super) struct ServerSettings {
    urls: Vec<String>,
    ca_file: Option<PathBuf>,
    allow_clear_text: bool,
    timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            ca_file: None,
            allow_clear_text: false,
            timeout: Duration::from_secs(5),
        }
    }
}

/// # Servers
impl LdapDirectoryBuilder {
    /// The server, as an `ldaps://` or `ldap://` URL; the ports are 636 and 389 unless it names
    /// one. There can be one only, as yet.
    pub fn server(mut self, url: impl Into<String>) -> Self {
        self.servers.urls.push(url.into());
        self
    }

    /// Trusts the authorities in this PEM file to sign the server's certificate, instead of those
    /// that the system trusts. It is read once, by [`build`](Self::build).
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.servers.ca_file = Some(path.into());
        self
    }

    /// Sends the password over `ldap://` to other machines too, where whoever is on the way reads
    /// it, and can answer in the server's name with groups of their choice.
    pub fn allow_clear_text(mut self) -> Self {
        self.servers.allow_clear_text = true;
        self
    }

    /// How long a person waits at most for connect, bind and search together; 5 seconds unless
    /// said otherwise, and at most an hour.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.servers.timeout = timeout;
        self
    }
}

impl ServerSettings {
    pub(super) fn build(self, bind: Option<Bind>) -> Result<Servers, ConfigError> {
        let address = sole_server(&self.urls)?;
        if let Some(bind) = &bind {
            bind::check(bind, &address, self.allow_clear_text)?;
        }
        if self.timeout.is_zero() || self.timeout > LONGEST_TIMEOUT {
            return Err(wrong(
                "timeout",
                "nothing can be answered in no time, and nobody waits longer than an hour; leave \
                 it at 5 seconds, or give .timeout(..) another",
            ));
        }
        let own_roots = self.ca_file.as_deref().map(server::roots_of).transpose()?;
        let tls = match own_roots {
            _ if !address.uses_tls() => None,
            Some(roots) => Some(server::client_config(roots)?),
            None => Some(server::client_config(server::system_roots()?)?),
        };
        let endpoint = Endpoint { address, tls, bind };
        Ok(Servers::new(endpoint, self.timeout))
    }
}

fn sole_server(urls: &[String]) -> Result<Address, ConfigError> {
    match urls {
        [url] => Address::parse(url),
        [] => Err(wrong(
            "server",
            "there is none, and a domain's are not looked up yet; name one, as in \
             .server(\"ldaps://dc1.corp.example.com\")",
        )),
        [_, ..] => Err(wrong(
            "server",
            "there are several, and one is supported yet; leave the others out",
        )),
    }
}

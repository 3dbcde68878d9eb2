//! The servers, and what the way to them is worth.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::super::connection::Endpoint;
use super::super::server::Address;
use super::super::servers::Servers;
use super::super::tls::{self, ClientFiles, Tls};
use super::bind::{BindSettings, Way};
use super::{LdapDirectoryBuilder, wrong};
use crate::error::ConfigError;

const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);

pub(super) struct ServerSettings {
    urls: Vec<String>,
    start_tls: bool,
    ca_file: Option<PathBuf>,
    client: Option<ClientFiles>,
    allow_clear_text: bool,
    timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            start_tls: false,
            ca_file: None,
            client: None,
            allow_clear_text: false,
            timeout: Duration::from_secs(5),
        }
    }
}

/// # Servers
impl LdapDirectoryBuilder {
    /// The server, as an `ldaps://` or `ldap://` URL; the ports are 636 and 389 unless it names
    /// one. A socket of this machine is written with its path percent-encoded, as in
    /// `ldapi://%2Frun%2Fslapd%2Fldapi`. There can be one only, as yet.
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

    /// Begins TLS on an `ldap://` connection before anything else is said (StartTLS, RFC 4511 section
    /// 4.14). It is worth what `ldaps://` is: the certificate must carry the URL's host, and a server
    /// that does not start TLS is an error, never a reason to go on in clear text.
    pub fn start_tls(mut self) -> Self {
        self.servers.start_tls = true;
        self
    }

    /// Shows this certificate to a server that asks for one, as by
    /// [`bind_external`](Self::bind_external): a PEM file with the certificate, and those of
    /// intermediate authorities after it, and one with its key, without a passphrase. It may be the
    /// same file.
    ///
    /// Both are read by [`build`](Self::build), and again for each new connection where they have
    /// changed, so that a renewal needs no restart. A pair that does not go together, or can't be
    /// read, is logged, and the last good one stays in use.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.servers.client = Some(ClientFiles {
            certificate: certificate.into(),
            key: key.into(),
        });
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
    pub(super) fn build(self, bind: BindSettings) -> Result<Servers, ConfigError> {
        let mut address = sole_server(&self.urls)?;
        if self.start_tls {
            address = address.starting_tls()?;
        }
        bind.check(&Way {
            address: &address,
            allow_clear_text: self.allow_clear_text,
            has_client_certificate: self.client.is_some(),
        })?;
        if self.timeout.is_zero() || self.timeout > LONGEST_TIMEOUT {
            return Err(wrong(
                "timeout",
                "nothing can be answered in no time, and nobody waits longer than an hour; leave \
                 it at 5 seconds, or give .timeout(..) another",
            ));
        }
        if self.client.is_some() && !address.uses_tls() {
            return Err(wrong(
                "client certificate",
                "nobody is shown it without TLS; write the URL with ldaps://, say .start_tls(), or \
                 leave it out",
            ));
        }
        let own_roots = self.ca_file.as_deref().map(tls::roots_of).transpose()?;
        let tls = match own_roots {
            _ if !address.uses_tls() => None,
            Some(roots) => Some(Tls::new(roots, self.client)?),
            None => Some(Tls::new(tls::system_roots()?, self.client)?),
        };
        let bind = bind.build()?;
        let tls = tls.map(Arc::new);
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

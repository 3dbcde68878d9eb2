//! The servers, and what the way to them is worth.

#[cfg(feature = "srv")]
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "srv")]
use super::super::active_directory;
use super::super::connection::Endpoint;
use super::super::connection::addresses::Names;
#[cfg(feature = "srv")]
use super::super::dns::Dns;
use super::super::server::Address;
#[cfg(feature = "srv")]
use super::super::servers::srv::Srv;
use super::super::servers::{List, Servers};
use super::super::tls::{self, ClientFiles, Tls};
use super::bind::{BindSettings, Channel};
#[cfg(feature = "srv")]
use super::no_domain;
use super::{LdapDirectoryBuilder, wrong};
use crate::error::ConfigError;

const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// A day: a connection that nobody restarts would be as old as the server allows.
const LONGEST_AGE: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct ServerSettings {
    urls: Vec<String>,
    start_tls: bool,
    in_random_order: bool,
    /// Whose servers DNS names.
    domain: Option<Domain>,
    #[cfg(feature = "srv")]
    dns: Dns,
    connection_age: Duration,
    ca_file: Option<PathBuf>,
    client: Option<ClientFiles>,
    allow_clear_text: bool,
    timeout: Duration,
}

struct Domain {
    #[cfg_attr(not(feature = "srv"), expect(dead_code))]
    name: String,
    /// Whether its servers were asked for, and not only the domain.
    is_asked_for: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            start_tls: false,
            in_random_order: false,
            domain: None,
            #[cfg(feature = "srv")]
            dns: Dns::default(),
            connection_age: Duration::from_secs(60 * 60),
            ca_file: None,
            client: None,
            allow_clear_text: false,
            timeout: Duration::from_secs(5),
        }
    }
}

/// # Servers
impl LdapDirectoryBuilder {
    /// A server, as an `ldaps://` or `ldap://` URL; the ports are 636 and 389 unless it names one.
    /// A socket of this machine is written with its path percent-encoded, as in
    /// `ldapi://%2Frun%2Fslapd%2Fldapi`.
    ///
    /// Of several, each of which must hold the whole directory, the first that answers is asked; the
    /// next one when it refuses the connection, ends it, has a certificate that is not trusted, says
    /// that it is busy or unavailable, or does not answer in time: each has half of what is left of
    /// the [`timeout`](Self::timeout), and the last one all of it. See [the module](crate::ldap#several-servers).
    pub fn server(mut self, url: impl Into<String>) -> Self {
        self.servers.urls.push(url.into());
        self
    }

    /// Asks the servers in another order each time, drawn by chance, so that they share the load.
    /// Beside servers that DNS names it is a mistake: they have an order by chance already, within that
    /// of their priorities.
    pub fn servers_in_random_order(mut self) -> Self {
        self.servers.in_random_order = true;
        self
    }

    /// Asks the servers that DNS names for this domain, in the SRV records of
    /// `_ldap._tcp.<domain>`, in the order of their priorities and, among equals, by chance
    /// according to their weights (RFC 2782).
    ///
    /// DNS is not authenticated, so it has not the last word:
    ///
    /// 1. Only hosts count that are the domain itself or below it.
    /// 2. They are spoken to over TLS: from the start, where the record's port 389, which is that of
    ///    LDAP without TLS, is taken for 636, and any other as it is; or, with
    ///    [`start_tls`](Self::start_tls), on the record's port. Their certificate must carry the host's
    ///    name. Whoever forges DNS can still choose among the hosts of the domain that have one.
    ///
    /// The list is asked for by the first sign-in, and anew when the records' time to live ends (not
    /// more often than every 5 seconds, and at least every hour). While DNS gives no list, the old one
    /// serves for a day. A sign-in waits for DNS at most half of its [`timeout`](Self::timeout).
    /// Sites of Active Directory (`_ldap._tcp.<site>._sites.…`) are not regarded.
    #[cfg(feature = "srv")]
    #[cfg_attr(docsrs, doc(cfg(feature = "srv")))]
    pub fn servers_from_dns(mut self, domain: impl Into<String>) -> Self {
        self.servers.domain = Some(Domain {
            name: domain.into(),
            is_asked_for: true,
        });
        self
    }

    /// Asks this DNS server for the servers of a domain, and for their addresses, instead of those
    /// of `/etc/resolv.conf`. Beside a [`server`](Self::server) it is a mistake: the system finds that
    /// one's address.
    #[cfg(feature = "srv")]
    #[cfg_attr(docsrs, doc(cfg(feature = "srv")))]
    pub fn dns_server(mut self, address: SocketAddr) -> Self {
        self.servers.dns.server = Some(address);
        self
    }

    /// How long a connection serves at most before another takes its place, and the host's name is
    /// asked for anew: an hour unless said otherwise, and at most a day. So a server that was added
    /// behind a load balancer, or in DNS, gets its share.
    pub fn connection_age(mut self, age: Duration) -> Self {
        self.servers.connection_age = age;
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
    /// it, and can answer in the server's name with groups of their choice, or with what ends this
    /// process (ldap3 reads lists in lists without bound).
    pub fn allow_clear_text(mut self) -> Self {
        self.servers.allow_clear_text = true;
        self
    }

    /// How long a person waits at most for everything together: DNS, connect, bind and search, on
    /// however many servers; 5 seconds unless said otherwise, and at most an hour.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.servers.timeout = timeout;
        self
    }
}

impl ServerSettings {
    /// A domain whose servers are found by DNS, unless one is named.
    pub(super) fn of_domain(name: String) -> Self {
        Self {
            domain: Some(Domain {
                name,
                is_asked_for: false,
            }),
            ..Self::default()
        }
    }

    pub(super) fn build(self, bind: BindSettings) -> Result<Servers, ConfigError> {
        let addresses = self.addresses()?;
        for address in &addresses {
            bind.check(&Channel {
                address,
                allow_clear_text: self.allow_clear_text,
                has_client_certificate: self.client.is_some(),
            })?;
        }
        check_time(
            "timeout",
            self.timeout,
            LONGEST_TIMEOUT,
            "nothing can be answered in no time, and nobody waits longer than an hour; leave it at \
             5 seconds, or give .timeout(..) another",
        )?;
        check_time(
            "connection_age",
            self.connection_age,
            LONGEST_AGE,
            "a connection must serve for a while, and a day is the most; leave it at an hour, or \
             give .connection_age(..) another",
        )?;
        let tls = self.tls(&addresses)?;
        let bind = bind.build()?;
        let name = bind.as_ref().map(ToString::to_string);
        // One account, whichever server it is told to.
        let refused_secret = Arc::default();
        let endpoint = |address: Address| Endpoint {
            tls: tls.clone().filter(|_| address.uses_tls()),
            address,
            names: Names::System,
            bind: bind.clone(),
            refused_secret: Arc::clone(&refused_secret),
            connection_age: self.connection_age,
        };
        let list = self.list(addresses.into_iter().map(endpoint).collect())?;
        Ok(Servers::new(list, self.timeout, name))
    }

    /// Of servers that DNS names, one in the place of each.
    fn addresses(&self) -> Result<Vec<Address>, ConfigError> {
        let parse = |url: &str| match self.start_tls {
            true => Address::parse(url)?.starting_tls(),
            false => Address::parse(url),
        };
        match &self.domain {
            Some(domain) if domain.is_asked_for && !self.urls.is_empty() => Err(wrong(
                "server",
                "there are servers by their URLs, and those that DNS names; keep .server(..) or \
                 .servers_from_dns(..), and leave the other out",
            )),
            #[cfg(feature = "srv")]
            _ if self.dns.server.is_some() && !self.urls.is_empty() => Err(wrong(
                "dns_server",
                "it is asked for the servers of a domain, and .server(..) names them; leave one of \
                 them out",
            )),
            #[cfg(feature = "srv")]
            Some(_) if self.urls.is_empty() && self.in_random_order => Err(wrong(
                "servers_in_random_order",
                "the servers that DNS names have an order by chance already, within that of their \
                 priorities (RFC 2782); leave it out, or name the servers with .server(..)",
            )),
            #[cfg(feature = "srv")]
            Some(domain) if self.urls.is_empty() => {
                let scheme = if self.start_tls { "ldap" } else { "ldaps" };
                let url = format!("{scheme}://{}", dns_name(&domain.name)?);
                Ok(vec![parse(&url)?])
            }
            _ if self.urls.is_empty() => Err(wrong(
                "server",
                "there is none; name one, as in .server(\"ldaps://dc1.corp.example.com\"), or have \
                 DNS name them, by the crate's feature srv",
            )),
            _ => self.urls.iter().map(|url| parse(url)).collect(),
        }
    }

    fn tls(&self, addresses: &[Address]) -> Result<Option<Arc<Tls>>, ConfigError> {
        let is_used = addresses.iter().any(Address::uses_tls);
        if self.client.is_some() && !is_used {
            return Err(wrong(
                "client_certificate",
                "nobody is shown it without TLS; write the URL with ldaps://, say .start_tls(), or \
                 leave it out",
            ));
        }
        // A file that is named must be right, even if nobody uses it.
        let roots = match &self.ca_file {
            Some(file) => tls::roots_of(file)?,
            None if !is_used => return Ok(None),
            None => tls::system_roots()?,
        };
        let tls = Tls::new(roots, self.client.clone())?;
        Ok(Some(Arc::new(tls)))
    }

    fn list(&self, endpoints: Vec<Endpoint>) -> Result<List, ConfigError> {
        #[cfg(feature = "srv")]
        if let (Some(domain), true, [endpoint]) =
            (&self.domain, self.urls.is_empty(), endpoints.as_slice())
        {
            let endpoint = Endpoint {
                names: Names::Dns(self.dns),
                ..endpoint.clone()
            };
            let srv = Srv::new(dns_name(&domain.name)?, self.dns, endpoint);
            return Ok(List::OfDomain(Arc::new(srv)));
        }
        Ok(List::named(endpoints, self.in_random_order))
    }
}

fn check_time(
    setting: &'static str,
    time: Duration,
    longest: Duration,
    reason: &'static str,
) -> Result<(), ConfigError> {
    match time.is_zero() || time > longest {
        true => Err(wrong(setting, reason)),
        false => Ok(()),
    }
}

/// In lower case and without the last dot, as hosts are compared with it.
#[cfg(feature = "srv")]
fn dns_name(domain: &str) -> Result<String, ConfigError> {
    let name = domain.strip_suffix('.').unwrap_or(domain);
    match active_directory::base(name) {
        Some(_) => Ok(name.to_ascii_lowercase()),
        None => Err(no_domain(domain)),
    }
}

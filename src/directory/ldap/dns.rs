//! Questions to DNS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};

/// How long an answer may take before the question is asked again: sooner than the resolver's own 5
/// seconds, which are all that a sign-in has.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which DNS server answers; none is those of the system (`/etc/resolv.conf`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dns {
    pub(super) server: Option<SocketAddr>,
}

impl Dns {
    /// The SRV records of a name, and for how long they hold.
    pub(super) async fn services(&self, name: &str) -> io::Result<(Vec<SRV>, Duration)> {
        let name = absolute(name)?;
        let lookup = self.resolver()?.lookup(name, RecordType::SRV).await;
        let lookup = lookup.map_err(io::Error::other)?;
        let mut ttl = u32::MAX;
        let records = lookup.answers().iter().filter_map(|record| {
            let RData::SRV(service) = &record.data else {
                return None;
            };
            ttl = ttl.min(record.ttl);
            Some(service.clone())
        });
        let records = records.collect();
        Ok((records, Duration::from_secs(ttl.into())))
    }

    /// The name that this one is an alias of (CNAME).
    #[cfg(feature = "doctor")]
    pub(super) async fn alias(&self, name: &str) -> io::Result<Option<String>> {
        let asked = absolute(name)?;
        let lookup = self
            .resolver()?
            .lookup(asked.clone(), RecordType::CNAME)
            .await;
        let lookup = match lookup {
            Err(error) if error.is_no_records_found() => return Ok(None),
            lookup => lookup.map_err(io::Error::other)?,
        };
        let target = lookup
            .answers()
            .iter()
            .filter(|record| record.name == asked)
            .find_map(|record| match &record.data {
                RData::CNAME(target) => Some(target.0.to_ascii().trim_end_matches('.').to_owned()),
                _ => None,
            });
        Ok(target)
    }

    /// The addresses of a host.
    pub(super) async fn addresses(
        &self,
        host: &str,
    ) -> io::Result<impl Iterator<Item = IpAddr> + use<>> {
        let lookup = self.resolver()?.lookup_ip(absolute(host)?).await;
        let lookup = lookup.map_err(io::Error::other)?;
        let addresses: Vec<_> = lookup.iter().collect();
        Ok(addresses.into_iter())
    }

    /// A new one each time: questions are rare, its tasks belong to the runtime that asks, and
    /// `/etc/resolv.conf` changes.
    fn resolver(&self) -> io::Result<TokioResolver> {
        let mut builder = match self.server {
            None => TokioResolver::builder_tokio().map_err(io::Error::other)?,
            Some(address) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                let connections = connections.map(|mut connection| {
                    connection.port = address.port();
                    connection
                });
                let server = NameServerConfig::new(address.ip(), true, connections.into());
                let config = ResolverConfig::from_name_servers(vec![server]);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = options.timeout.min(PATIENCE);
        options.attempts = options.attempts.max(3);
        builder.build().map_err(io::Error::other)
    }
}

/// A name to which no search domain is added.
fn absolute(name: &str) -> io::Result<Name> {
    let mut name = Name::from_ascii(name).map_err(io::Error::other)?;
    name.set_fqdn(true);
    Ok(name)
}

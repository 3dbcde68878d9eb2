//! A real DNS server.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::proto::rr::rdata::{CNAME, SOA, SRV};
use hickory_server::proto::rr::{Name, RData, Record, RecordSet, RecordType, RrKey};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::port::Port;

/// A DNS server of its own (hickory-server), on a free port of 127.0.0.1, in a thread of this
/// process. Each name in the world is its own to answer for; it knows those that it is told.
///
/// ```
/// use tower_spnego::testing::TestDns;
///
/// let dns = TestDns::start()?;
/// // Priority, weight, port and host, as in an SRV record (RFC 2782).
/// dns.set_ldap_servers("corp.example.test", [(0, 100, 389, "dc1.corp.example.test")])?;
/// dns.set_addresses("dc1.corp.example.test", ["127.0.0.1".parse().unwrap()])?;
/// // The directory under test gets `dns.address()`.
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct TestDns {
    port: Port,
    zone: Arc<InMemoryZoneHandler>,
    running: Option<Running>,
}

struct Running {
    /// The thread ends with this.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// In seconds: short, so that a test sees its changes.
const TTL: u32 = 1;

/// How long a client of TCP may say nothing, and how many answers may wait for it.
const TCP_PATIENCE: (Duration, usize) = (Duration::from_secs(5), 8);

impl TestDns {
    /// Starts the server, which knows no name.
    ///
    /// # Errors
    ///
    /// There is no port to be had.
    pub fn start() -> io::Result<Self> {
        let zone = InMemoryZoneHandler::empty(Name::root(), ZoneType::Primary, AxfrPolicy::Deny);
        let mut dns = Self {
            port: Port::claim()?,
            zone: Arc::new(zone),
            running: None,
        };
        let authority = SOA::new(Name::root(), Name::root(), 1, 60, 60, 60, TTL);
        dns.set(".", RecordType::SOA, vec![RData::SOA(authority)])?;
        dns.restart()?;
        Ok(dns)
    }

    /// Where it listens, for UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Names the LDAP servers of a domain, in the place of others: the SRV records of
    /// `_ldap._tcp.<domain>`, each with priority, weight, port and host, for a second. None takes
    /// the name away.
    ///
    /// # Errors
    ///
    /// A name is no DNS name.
    pub fn set_ldap_servers<'a>(
        &self,
        domain: &str,
        servers: impl IntoIterator<Item = (u16, u16, u16, &'a str)>,
    ) -> io::Result<()> {
        let records = servers.into_iter().map(|(priority, weight, port, host)| {
            let record = SRV::new(priority, weight, port, name(host)?);
            Ok(RData::SRV(record))
        });
        let records: io::Result<_> = records.collect();
        self.set(&format!("_ldap._tcp.{domain}"), RecordType::SRV, records?)
    }

    /// The addresses of a host (A and AAAA), in the place of others, for a second.
    ///
    /// # Errors
    ///
    /// The name is no DNS name.
    pub fn set_addresses(
        &self,
        host: &str,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> io::Result<()> {
        let (old, new): (Vec<_>, Vec<_>) = addresses.into_iter().partition(IpAddr::is_ipv4);
        for (record_type, addresses) in [(RecordType::A, old), (RecordType::AAAA, new)] {
            let records = addresses.into_iter().map(RData::from).collect();
            self.set(host, record_type, records)?;
        }
        Ok(())
    }

    /// What a host's name is an alias of (CNAME), for a second.
    ///
    /// # Errors
    ///
    /// A name is no DNS name.
    pub fn set_alias(&self, host: &str, target: &str) -> io::Result<()> {
        let alias = RData::CNAME(CNAME(name(target)?));
        self.set(host, RecordType::CNAME, vec![alias])
    }

    /// Ends the server: its port answers no more.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Starts it again, on the same port and with the same names; does nothing when it runs.
    ///
    /// # Errors
    ///
    /// The port is gone.
    pub fn restart(&mut self) -> io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        self.running = Some(Running::start(self.address(), &self.zone)?);
        Ok(())
    }

    fn set(&self, host: &str, record_type: RecordType, data: Vec<RData>) -> io::Result<()> {
        let name = name(host)?;
        let mut records = RecordSet::new(name.clone(), record_type, 0);
        for data in data {
            records.insert(Record::from_rdata(name.clone(), TTL, data), 0);
        }
        let key = RrKey::new(name.into(), record_type);
        let change = async {
            let mut zone = self.zone.records_mut().await;
            match records.is_empty() {
                true => zone.remove(&key),
                false => zone.insert(key, Arc::new(records)),
            };
        };
        // A test's own thread may be one of a runtime, which can't wait for another.
        std::thread::scope(|scope| {
            let changed = scope.spawn(|| runtime().map(|runtime| runtime.block_on(change)));
            changed
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
        })
    }
}

impl Running {
    fn start(address: SocketAddr, zone: &Arc<InMemoryZoneHandler>) -> io::Result<Self> {
        let udp = std::net::UdpSocket::bind(address)?;
        let tcp = std::net::TcpListener::bind(address)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        let runtime = runtime()?;
        let mut catalog = Catalog::new();
        catalog.upsert(Name::root().into(), vec![Arc::clone(zone) as _]);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let (patience, answers) = TCP_PATIENCE;
                let mut server = Server::new(catalog);
                if let (Ok(udp), Ok(tcp)) = (UdpSocket::from_std(udp), TcpListener::from_std(tcp)) {
                    server.register_socket(udp);
                    server.register_listener(tcp, patience, answers);
                }
                let _ = stopped.await;
            });
        });
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for TestDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDns")
            .field("address", &self.address())
            .field("is_running", &self.running.is_some())
            .finish_non_exhaustive()
    }
}

fn name(text: &str) -> io::Result<Name> {
    let mut name = Name::from_ascii(text).map_err(io::Error::other)?;
    name.set_fqdn(true);
    Ok(name)
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

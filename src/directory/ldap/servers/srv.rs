//! The servers that DNS names for a domain.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use self::targets::{Target, TargetError, by_rfc_2782, targets_of};
use super::super::connection::Endpoint;
use super::super::dns::Dns;
use super::super::pause::{Pauses, random_below};
use super::super::server::{Address, TlsFrom};
use super::server::Server;
use crate::directory::DirectoryError;

mod targets;

/// How long a list holds, whatever DNS says: often enough asked that a server is found which takes
/// another's place, and not at each sign-in.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How long a list serves while DNS gives no other.
const LAST_RESORT: Duration = Duration::from_secs(24 * 60 * 60);

/// Between questions that come to nothing, while there is an old list.
const PAUSES: Pauses = Pauses {
    first: Duration::from_secs(1),
    factor: 2,
    longest: Duration::from_secs(60),
};

/// How long DNS may take where nobody waits.
const BESIDE: Duration = Duration::from_secs(5);

/// The servers of `_ldap._tcp.<domain>`.
pub(in super::super) struct Srv {
    domain: String,
    dns: Dns,
    /// For each of them, with an address of its own and TLS as this one has it.
    endpoint: Endpoint,
    known: Mutex<Known>,
    /// Held while asking, so that a burst of requests asks once.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    list: Option<List>,
    /// The last question that came to nothing, and how many did in a row.
    failure: Option<DirectoryError>,
    failures: u32,
    /// When the last answer, or none, was there.
    asked: Option<Instant>,
    /// When to ask again after it came to nothing.
    again: Option<Instant>,
}

struct List {
    servers: Vec<Listed>,
    came: Instant,
    ttl: Duration,
}

struct Listed {
    target: Target,
    server: Arc<Server>,
}

/// What is to be done about the list.
enum Step {
    Use,
    /// It is old, and will be too old before long.
    AskBeside,
    Ask,
}

impl Srv {
    /// `endpoint` is for all servers, but for the host and the port.
    pub(in super::super) fn new(domain: String, dns: Dns, endpoint: Endpoint) -> Self {
        Self {
            domain,
            dns,
            endpoint,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn domain(&self) -> &str {
        &self.domain
    }

    #[cfg(feature = "doctor")]
    pub(super) fn dns_server(&self) -> Option<std::net::SocketAddr> {
        self.dns.server
    }

    #[cfg(feature = "doctor")]
    pub(super) fn kdc_realm(&self) -> Option<&str> {
        self.endpoint.kdc_realm()
    }

    /// The servers in an order that RFC 2782 gives by chance.
    pub(super) async fn draw(
        self: &Arc<Self>,
        deadline: Instant,
    ) -> Result<Vec<Arc<Server>>, DirectoryError> {
        let now = Instant::now();
        let step = self.known().step(now);
        match step {
            Step::Use => {}
            Step::AskBeside => {
                let srv = Arc::clone(self);
                tokio::spawn(async move {
                    srv.ask(Instant::now() + BESIDE).await;
                });
            }
            // What is left is for the servers of the old list, or of the new one.
            Step::Ask => {
                let time = deadline.saturating_duration_since(now);
                self.ask(now + time / 2).await;
            }
        }
        let known = self.known();
        match &known.list {
            Some(list) => Ok(list.draw()),
            None => Err(known.failure.clone().unwrap_or_else(|| {
                DirectoryError::unavailable().with_detail(format!(
                    "nobody has asked DNS for the servers of {}",
                    self.domain
                ))
            })),
        }
    }

    async fn ask(&self, deadline: Instant) {
        let arrived = Instant::now();
        let answer = timeout_at(deadline, async {
            let _asking = self.asking.lock().await;
            // Whoever waited for an answer has it too.
            if self.known().asked.is_some_and(|asked| asked >= arrived) {
                return;
            }
            let answer = self.targets().await;
            self.learn(answer);
        });
        if answer.await.is_err() && self.known().asked.is_none_or(|asked| asked < arrived) {
            let name = self.name();
            self.known()
                .failed(DirectoryError::unavailable().with_detail(format!(
                    "no answer from DNS for the servers of {}, {name}; {CHECK_DNS}",
                    self.domain
                )));
        }
    }

    async fn targets(&self) -> Result<(Vec<Target>, Duration), DirectoryError> {
        let name = self.name();
        let (records, ttl) = self.dns.services(&name).await.map_err(|error| {
            DirectoryError::unavailable()
                .with_detail(format!(
                    "DNS names no servers for {name} ({error}); {CHECK_DNS}"
                ))
                .with_source(error)
        })?;
        let targets = targets_of(&self.domain, &records).map_err(|error| {
            if error == TargetError::None {
                // An answer, and no failure of DNS: the old list is not true any more.
                self.known().list = None;
            }
            self.explain(&name, &error)
        })?;
        Ok((targets, ttl))
    }

    fn explain(&self, name: &str, error: &TargetError) -> DirectoryError {
        let domain = &self.domain;
        let reason = match error {
            TargetError::None => format!("the domain {domain} has no LDAP server, says DNS"),
            TargetError::Outside(hosts) => format!(
                "the servers that DNS names for {domain} are none in it: {}; whoever forges DNS \
                 must not choose the server, so name these with .server(..) if they are right",
                hosts.join(", ")
            ),
        };
        DirectoryError::unavailable().with_detail(format!("{reason} (SRV records of {name})"))
    }

    fn name(&self) -> String {
        format!("_ldap._tcp.{}", self.domain)
    }

    fn learn(&self, answer: Result<(Vec<Target>, Duration), DirectoryError>) {
        let (targets, ttl) = match answer {
            Ok(answer) => answer,
            Err(error) => return self.known().failed(error),
        };
        let mut known = self.known();
        let old = known.list.take();
        // Servers that stay keep their connection, and what is known of them.
        let same = |target: &Target| {
            let mut old = old.iter().flat_map(|list| &list.servers);
            let found = old.find(|listed| listed.target.is_same_server(target));
            found.map(|listed| Arc::clone(&listed.server))
        };
        let servers = targets.into_iter().filter_map(|target| {
            let server = match same(&target) {
                Some(server) => server,
                None => self.server(&target)?,
            };
            Some(Listed { target, server })
        });
        let now = Instant::now();
        let list = List {
            servers: servers.collect(),
            came: now,
            ttl: ttl.clamp(SHORTEST, LONGEST),
        };
        *known = Known {
            list: Some(list),
            asked: Some(now),
            ..Known::default()
        };
    }

    fn server(&self, target: &Target) -> Option<Arc<Server>> {
        let address = match self.endpoint.address.tls() {
            TlsFrom::StartTls => Address::parse(&target.ldap_url())
                .ok()?
                .starting_tls()
                .ok()?,
            _ => Address::parse(&target.ldaps_url()).ok()?,
        };
        let endpoint = Endpoint {
            address,
            ..self.endpoint.clone()
        };
        Some(Arc::new(Server::new(endpoint)))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const CHECK_DNS: &str =
    "check /etc/resolv.conf, and the records with `dig SRV`, or name the servers with .server(..)";

impl Known {
    fn step(&self, now: Instant) -> Step {
        let Some(list) = &self.list else {
            return Step::Ask;
        };
        if self.again.is_some_and(|again| now < again) {
            return Step::Use;
        }
        match now - list.came {
            age if age < list.ttl * 3 / 4 => Step::Use,
            age if age < list.ttl => Step::AskBeside,
            _ => Step::Ask,
        }
    }

    fn failed(&mut self, failure: DirectoryError) {
        let now = Instant::now();
        tracing::warn!(%failure, "the LDAP servers can't be found by DNS");
        self.failures = self.failures.saturating_add(1);
        self.failure = Some(failure);
        self.asked = Some(now);
        self.again = Some(now + PAUSES.after(self.failures));
        if self
            .list
            .as_ref()
            .is_some_and(|list| now - list.came > LAST_RESORT)
        {
            self.list = None;
        }
    }
}

impl List {
    fn draw(&self) -> Vec<Arc<Server>> {
        let targets = self.servers.iter().map(|listed| listed.target.clone());
        let order = by_rfc_2782(&targets.collect::<Vec<_>>(), random_below);
        let servers = order
            .into_iter()
            .filter_map(|index| self.servers.get(index));
        servers.map(|listed| Arc::clone(&listed.server)).collect()
    }
}

#[cfg(test)]
mod tests;

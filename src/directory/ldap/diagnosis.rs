//! What the [doctor](crate::doctor) asks of each server, step by step.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ldap3::Scope;
use tokio::time::{Instant, timeout};

use super::LdapDirectory;
use super::bind::Bind;
use super::connection::{Connection, Endpoint, dial};
use super::dns::Dns;
use super::failure::Failure;
use super::lookup::{ANY, Query};
use super::server::{Place, TlsFrom};
use crate::directory::{Directory, DirectoryError};
use crate::initiator::Initiator;
use crate::user::User;

/// What one server said.
pub(crate) struct Diagnosis {
    /// Its URL.
    pub(crate) server: String,
    /// Host and port, where it is no socket of this machine.
    pub(crate) place: Option<(String, u16)>,
    pub(crate) starts_tls: bool,
    pub(crate) bound_by: BoundBy,
    /// In their order, up to the first that failed.
    pub(crate) steps: Vec<Step>,
}

/// How the layer says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BoundBy {
    Nothing,
    Password,
    External,
    #[cfg(feature = "ldap-gssapi")]
    Gssapi,
}

impl BoundBy {
    fn of(bind: Option<&Bind>) -> Self {
        match bind {
            None => Self::Nothing,
            Some(Bind::Simple { .. }) => Self::Password,
            Some(Bind::External) => Self::External,
            #[cfg(feature = "ldap-gssapi")]
            Some(Bind::Gssapi(_)) => Self::Gssapi,
        }
    }
}

/// A step on the way to an answer.
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) took: Duration,
    /// What was seen, or what went wrong.
    pub(crate) outcome: Result<String, String>,
    pub(crate) blamed: Blamed,
}

/// Which secret a server, or a KDC, calls wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blamed {
    Neither,
    Password,
    Key,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepKind {
    Address,
    Connection,
    Tls,
    Bind,
    Base,
}

/// The name that a host's is an alias of, says this DNS server, or else the system's.
pub(crate) async fn alias_of(host: &str, server: Option<SocketAddr>) -> io::Result<Option<String>> {
    Dns { server }.alias(host).await
}

impl LdapDirectory {
    /// Asks each server by itself, over a connection of its own. Once one calls the password wrong, no
    /// other is asked: that could lock the account.
    ///
    /// # Errors
    ///
    /// The DNS knows no server.
    pub(crate) async fn diagnose(&self) -> Result<Vec<Diagnosis>, DirectoryError> {
        let patience = self.servers.timeout();
        let bases = self.people.bases();
        let mut diagnoses = Vec::new();
        for server in self.servers.draw(Instant::now() + patience).await? {
            let diagnosis = Diagnosis::of(server.endpoint(), &bases, patience).await;
            let last = diagnosis.steps.last();
            let is_refused = last.is_some_and(|step| step.blamed != Blamed::Neither);
            diagnoses.push(diagnosis);
            if is_refused {
                break;
            }
        }
        Ok(diagnoses)
    }

    /// The domain whose servers DNS names, and the DNS server where it is another than the system's.
    pub(crate) fn asked_of_dns(&self) -> Option<(&str, Option<SocketAddr>)> {
        self.servers.asked_of_dns()
    }

    /// Whether it binds with a ticket of this realm.
    pub(crate) fn asks_kdc_of(&self, realm: &str) -> bool {
        self.servers.kdc_realm() == Some(realm)
    }

    /// As at a sign-in, and how long it takes.
    pub(crate) async fn look_for(
        &self,
        who: &Initiator,
    ) -> (Result<User, DirectoryError>, Duration) {
        let begun = Instant::now();
        let user = self.find(who).await;
        (user, begun.elapsed())
    }
}

impl Diagnosis {
    async fn of(endpoint: &Endpoint, bases: &[&str], patience: Duration) -> Self {
        let address = &endpoint.address;
        let place = match address.place() {
            Place::Network { host, port } => Some((host.clone(), *port)),
            Place::Socket(_) => None,
        };
        let mut steps = Steps {
            done: Vec::new(),
            patience,
            begun: Instant::now(),
        };
        // Each says itself what failed.
        let _ = steps.take(endpoint, place.as_ref(), bases).await;
        Self {
            server: address.url().to_string(),
            place,
            starts_tls: address.tls() == TlsFrom::StartTls,
            bound_by: BoundBy::of(endpoint.bind.as_ref()),
            steps: steps.done,
        }
    }
}

struct Steps {
    done: Vec<Step>,
    patience: Duration,
    /// The step that is under way.
    begun: Instant,
}

/// A step has failed, and with it the others.
struct Failed;

impl Steps {
    async fn take(
        &mut self,
        endpoint: &Endpoint,
        place: Option<&(String, u16)>,
        bases: &[&str],
    ) -> Result<(), Failed> {
        if let Some((host, port)) = place {
            let found = endpoint.names.addresses(host, *port).await;
            let found = found.map(|addresses| {
                let addresses: Vec<_> = addresses.iter().map(|one| one.ip().to_string()).collect();
                format!("{host} has the addresses {}", addresses.join(", "))
            });
            let found = found.map_err(|error| format!("{host} is not found: {error}"));
            self.end(StepKind::Address, found)?;
            let dialled = timeout(self.patience, dial(endpoint, host, *port)).await;
            let dialled = match dialled {
                Ok(Ok(_)) => Ok(format!("{host} takes connections on port {port}")),
                Ok(Err(error)) => Err(format!("no connection to {host} on port {port}: {error}")),
                Err(_) => Err(format!("{host} is silent on port {port}")),
            };
            self.end(StepKind::Connection, dialled)?;
        }
        let connection = self.open(endpoint).await?;
        for base in bases {
            let found = timeout(self.patience, look_at(&connection, base, self.patience)).await;
            let found = found.unwrap_or_else(|_| Err(format!("no answer about {base:?}")));
            self.end(StepKind::Base, found)?;
        }
        Ok(())
    }

    async fn open(&mut self, endpoint: &Endpoint) -> Result<Connection, Failed> {
        let opened = timeout(self.patience, Connection::open(endpoint)).await;
        let opened = opened.unwrap_or(Err(Failure::TimedOut(self.patience)));
        let failed = opened.as_ref().err().map(Failure::step);
        let blamed = opened.as_ref().err().map(Failure::blames);
        let bound = match &endpoint.bind {
            Some(bind) => format!("bound as {bind}"),
            None => "nobody is bound: the search is anonymous".to_owned(),
        };
        let connection = opened.map_err(|failure| {
            let url = endpoint.address.url().as_str();
            failure.explain(url).to_string()
        });
        if endpoint.address.uses_tls() && failed != Some(StepKind::Connection) {
            let spoken = match &connection {
                Err(text) if failed == Some(StepKind::Tls) => Err(text.clone()),
                _ => Ok("the certificate is one for this host, of an authority that counts".into()),
            };
            self.end(StepKind::Tls, spoken)?;
        }
        let kind = failed.unwrap_or(StepKind::Bind);
        match connection {
            Ok(connection) => {
                self.end(kind, Ok(bound))?;
                Ok(connection)
            }
            Err(text) => {
                let ended = self.end(kind, Err(text));
                if let (Some(step), Some(blamed)) = (self.done.last_mut(), blamed) {
                    step.blamed = blamed;
                }
                ended?;
                Err(Failed)
            }
        }
    }

    fn end(&mut self, kind: StepKind, outcome: Result<String, String>) -> Result<(), Failed> {
        let has_failed = outcome.is_err();
        let now = Instant::now();
        self.done.push(Step {
            kind,
            took: now - self.begun,
            outcome,
            blamed: Blamed::Neither,
        });
        self.begun = now;
        match has_failed {
            true => Err(Failed),
            false => Ok(()),
        }
    }
}

async fn look_at(
    connection: &Connection,
    base: &str,
    patience: Duration,
) -> Result<String, String> {
    let query = Query {
        base,
        scope: Scope::Base,
        filter: ANY,
        // No attributes (RFC 4511 section 4.5.1.8).
        attributes: &["1.1".to_owned()],
        limit: 1,
    };
    let searched = format!("for {base:?}");
    let answer = connection.search(&query, Instant::now() + patience).await;
    let answer = answer.map_err(|_| format!("the connection was lost while asking {searched}"))?;
    match answer.all_entries(&searched) {
        Ok(entries) if entries.is_empty() => Err(format!("nothing is found {searched}")),
        Ok(_) => Ok(format!("{base:?} is there")),
        Err(error) => Err(error.to_string()),
    }
}

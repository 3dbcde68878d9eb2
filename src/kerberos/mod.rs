//! Kerberos through GSSAPI: the only place that names libgssapi, and the only one that blocks.

#[cfg(feature = "ldap-gssapi")]
mod account;
#[cfg(feature = "testing")]
mod bare;
mod context;
mod credential;
mod delegation;
#[cfg(feature = "doctor")]
pub(crate) mod examination;
pub(crate) mod ffi;
mod keytab;
mod keytab_file;
mod keytab_risks;
mod krb_cred;
mod pac;
mod password;
mod private_folder;
mod replay_cache;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

#[cfg(feature = "ldap-gssapi")]
pub(crate) use self::account::{Account, AccountError, AccountRefused};
#[cfg(feature = "testing")]
pub use self::bare::BareAcceptor;
use self::context::{AcceptSettings, Leg, Progress, Tools};
pub(crate) use self::context::{Accepted, Refused};
use self::credential::Credentials;
use self::delegation::Caches;
pub(crate) use self::delegation::{StoredTicket, TicketStore};
use self::ffi::{Context, Krb5};
use self::keytab_file::KeytabFile;
pub(crate) use self::keytab_file::Services;
#[cfg(feature = "ldap-gssapi")]
pub(crate) use self::keytab_file::Stamp;
#[cfg(feature = "doctor")]
pub(crate) use self::keytab_risks::exposure;
pub use self::pac::Pac;
pub(crate) use self::password::{BINDING, PasswordChecks, Question, RefusedPassword};
use self::replay_cache::ReplayCache;
use self::worker::{Disposable, Pool, Size};
#[cfg(fuzzing)]
pub(crate) use self::{
    keytab::Keytab,
    krb_cred::{KrbCred, forwarded},
    pac::Buffers,
};
use crate::error::{ConfigError, Error, ErrorKind};

/// More threads gain nothing: they meet at the replay cache's lock.
const MAX_THREADS: usize = 4;

/// How many handshakes may wait for their next request. Each takes some 10 KiB.
const MAX_UNFINISHED: usize = 1024;

/// What an [`Acceptor`] needs to know.
#[derive(Debug)]
pub(crate) struct AcceptorConfig {
    pub(crate) services: Services,
    pub(crate) service_realm: Option<String>,
    /// The system's default where there is none.
    pub(crate) keytab: Option<PathBuf>,
    /// A folder of our own; MIT's default where there is none.
    pub(crate) replay_cache: Option<PathBuf>,
    /// How many tokens may wait for an accept thread.
    pub(crate) queue: usize,
    /// How long a token may wait.
    pub(crate) patience: Duration,
    /// Whether krb5.conf's `auth_to_local` names the clients.
    pub(crate) local_name: bool,
    /// Where forwarded tickets are kept; without it, none is taken.
    pub(crate) delegation: Option<TicketStore>,
    /// Whether a client must send a channel binding.
    pub(crate) bound_only: bool,
}

/// Accepts the tokens of one or several SPNs.
pub(crate) struct Acceptor {
    // Dropped first: the threads end while libkrb5 is whole.
    pool: Pool<Tools>,
    services: Services,
    /// In the order of the host names; `*@<realm>` for the whole keytab.
    principals: Vec<String>,
    settings: AcceptSettings,
    caches: Option<Caches>,
    unfinished: Arc<Semaphore>,
    _krb5: Krb5,
}

/// What came of a token that was not refused.
pub(crate) enum Handshake {
    Accepted(Accepted),
    /// The client is to answer this token, on the same connection.
    Unfinished(Unfinished, Vec<u8>),
}

/// A handshake that needs another request.
pub(crate) struct Unfinished {
    context: Disposable<Context>,
    /// The service that the first request was for.
    service: Option<String>,
    begun: Begun,
}

/// What stays the same from the first leg of a handshake on.
struct Begun {
    at: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Unfinished {
    /// When its first leg was answered.
    pub(crate) fn begun(&self) -> Instant {
        self.begun.at
    }
}

/// A token and how it came.
pub(crate) struct Offer {
    pub(crate) token: Vec<u8>,
    /// The host of the request, in lower case.
    pub(crate) host: Option<String>,
    pub(crate) channel_binding: Option<Vec<u8>>,
}

impl Acceptor {
    /// Checks keytab, SPNs and replay cache, and starts the accept threads. Asks no network.
    pub(crate) fn start(config: AcceptorConfig) -> Result<Self, ConfigError> {
        let mut krb5 = Krb5::new().map_err(ConfigError::Krb5)?;
        let clock_skew = krb5.clock_skew();
        let keytab = match config.keytab {
            Some(path) => path,
            None => default_keytab(&mut krb5)?,
        };
        let service_realm = config.service_realm.as_deref();
        let keytab = Arc::new(KeytabFile::open(keytab, &config.services, service_realm)?);
        keytab.warn_of_risks();
        let replay_cache = Arc::new(ReplayCache::new(config.replay_cache.as_deref())?);
        let caches = config.delegation.as_ref().map(Caches::open).transpose()?;
        let size = Size {
            name: "spnego-accept",
            threads: std::thread::available_parallelism()
                .map_or(1, |cores| cores.get().min(MAX_THREADS)),
            queue: config.queue,
            patience: config.patience,
        };
        let principals = keytab.principals();
        let pool = Pool::start(size, move || {
            let credentials = Credentials::acquire(&keytab, Arc::clone(&replay_cache))?;
            let keytab = Arc::clone(&keytab);
            Ok(Tools {
                keytab,
                credentials,
            })
        })?;
        Ok(Self {
            pool,
            services: config.services,
            principals,
            settings: AcceptSettings {
                clock_skew,
                local_name: config.local_name,
                delegation: caches.is_some(),
                bound_only: config.bound_only,
            },
            caches,
            unfinished: Arc::new(Semaphore::new(MAX_UNFINISHED)),
            _krb5: krb5,
        })
    }

    /// The services' own principals, `HTTP/<hostname>@<realm>`, or `*@<realm>`.
    pub(crate) fn principals(&self) -> &[String] {
        &self.principals
    }

    /// The principal to ask a KDC about in a request to this host, to see whether it knows our key.
    pub(crate) fn own_principal(&self, host: Option<&str>) -> Result<String, Error> {
        match (self.service_of(host)?, host) {
            (Some(principal), _) => Ok(principal),
            (None, Some(host)) => Ok(format!("HTTP/{host}@{}", self.service_realm())),
            (None, None) => Err(Error::new(ErrorKind::UnknownHost).with_detail("it has none")),
        }
    }

    /// The principal that a ticket must be for in a request to this host, where that is one and known.
    pub(crate) fn service_at(&self, host: Option<&str>) -> Option<String> {
        self.service_of(host).ok().flatten()
    }

    /// What people know it by: its host name, or where it has several the realm's.
    pub(crate) fn site(&self) -> &str {
        match &self.services {
            Services::Host(host) => host,
            Services::Hosts(_) | Services::WholeKeytab => self.service_realm(),
        }
    }

    /// The realm of the services' own principals; of the first one's where they have several.
    pub(crate) fn service_realm(&self) -> &str {
        let principal = self.principals.first().map_or("", String::as_str);
        principal.rsplit_once('@').map_or("", |(_, realm)| realm)
    }

    /// Accepts a first token that the [classifier](crate::token) let through.
    pub(crate) async fn accept(&self, offer: Offer) -> Result<Handshake, Refused> {
        let service = self.service_of(offer.host.as_deref())?;
        let context = self.pool.disposal().of(Context::new());
        self.step(offer, context, service, None).await
    }

    /// Goes on with a handshake of this acceptor.
    pub(crate) async fn go_on(
        &self,
        begun: Unfinished,
        offer: Offer,
    ) -> Result<Handshake, Refused> {
        let service = self.service_of(offer.host.as_deref())?;
        if !begun.context.is_of(&self.pool.disposal()) || begun.service != service {
            return Err(Error::new(ErrorKind::UnfinishedHandshake)
                .with_detail("it was begun with another layer, or for another host")
                .into());
        }
        self.step(offer, begun.context, service, Some(begun.begun))
            .await
    }

    async fn step(
        &self,
        offer: Offer,
        context: Disposable<Context>,
        service: Option<String>,
        begun: Option<Begun>,
    ) -> Result<Handshake, Refused> {
        let leg = Leg {
            token: offer.token,
            service: service.clone(),
            channel_binding: offer.channel_binding,
            settings: self.settings,
        };
        let disposal = self.pool.disposal();
        let accept = move |tools: &mut Tools| tools.accept(context, &leg, &disposal);
        match self.pool.run(accept).await?? {
            Progress::Accepted(accepted) => Ok(Handshake::Accepted(accepted)),
            Progress::Unfinished(context, reply) => {
                let begun = begun.or_else(|| self.begin()).ok_or_else(|| {
                    Error::new(ErrorKind::Busy)
                        .with_detail(format!("{MAX_UNFINISHED} handshakes are unfinished"))
                })?;
                let unfinished = Unfinished {
                    context,
                    service,
                    begun,
                };
                Ok(Handshake::Unfinished(unfinished, reply))
            }
        }
    }

    /// Whether forwarded tickets are taken.
    pub(crate) fn takes_delegation(&self) -> bool {
        self.caches.is_some()
    }

    /// Stores the ticket that somebody forwarded who has been admitted; none where there is none.
    pub(crate) async fn store_delegated(
        &self,
        accepted: &mut Accepted,
    ) -> Result<Option<StoredTicket>, Error> {
        let (Some(caches), Some(ticket)) = (&self.caches, accepted.delegated.take()) else {
            return Ok(None);
        };
        let caches = caches.clone();
        let disposal = self.pool.disposal();
        let owner = accepted.name.clone();
        let store = move |_: &mut Tools| {
            let ticket = ticket.take();
            ticket
                .map(|ticket| caches.store(ticket, &owner, &disposal))
                .transpose()
        };
        self.pool.run(store).await?
    }

    fn begin(&self) -> Option<Begun> {
        let permit = Arc::clone(&self.unfinished).try_acquire_owned().ok()?;
        Some(Begun {
            at: Instant::now(),
            _permit: permit,
        })
    }

    /// The principal that a ticket must be for in a request to this host; none where it may be any.
    fn service_of(&self, host: Option<&str>) -> Result<Option<String>, Error> {
        let (place, hosts) = match &self.services {
            Services::WholeKeytab => return Ok(None),
            Services::Host(host) => (Some(0), std::slice::from_ref(host)),
            Services::Hosts(hosts) => {
                let place = hosts.iter().position(|known| Some(known.as_str()) == host);
                (place, hosts.as_slice())
            }
        };
        let principal = place.and_then(|place| self.principals.get(place));
        principal.cloned().map(Some).ok_or_else(|| {
            Error::new(ErrorKind::UnknownHost).with_detail(format!(
                "the request is for {}; known are {}",
                host.unwrap_or("no host"),
                hosts.join(", ")
            ))
        })
    }
}

fn default_keytab(krb5: &mut Krb5) -> Result<PathBuf, ConfigError> {
    let name = krb5.default_keytab().map_err(ConfigError::Krb5)?;
    match name.split_once(':') {
        None => Ok(PathBuf::from(name)),
        Some(("FILE" | "WRFILE", path)) => Ok(PathBuf::from(path)),
        Some(_) => Err(ConfigError::DefaultKeytab(name)),
    }
}

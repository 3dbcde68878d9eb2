//! Kerberos through GSSAPI: the only place that names libgssapi, and the only one that blocks.

#[cfg(feature = "testing")]
mod bare;
mod context;
mod credential;
pub(crate) mod ffi;
mod keytab;
mod keytab_file;
mod replay_cache;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "testing")]
pub use self::bare::BareAcceptor;
pub(crate) use self::context::{Accepted, Refused};
use self::credential::Credentials;
use self::ffi::Krb5;
use self::keytab_file::KeytabFile;
use self::replay_cache::ReplayCache;
use self::worker::{Pool, Size};
use crate::error::ConfigError;

/// More threads gain nothing: they meet at the replay cache's lock.
const MAX_THREADS: usize = 4;

/// What an [`Acceptor`] needs to know.
#[derive(Debug)]
pub(crate) struct AcceptorConfig {
    pub(crate) hostname: String,
    pub(crate) service_realm: Option<String>,
    /// The system's default where there is none.
    pub(crate) keytab: Option<PathBuf>,
    /// A folder of our own; MIT's default where there is none.
    pub(crate) replay_cache: Option<PathBuf>,
    /// How many tokens may wait for an accept thread.
    pub(crate) queue: usize,
    /// How long a token may wait.
    pub(crate) patience: Duration,
}

/// Accepts the tokens of one SPN.
pub(crate) struct Acceptor {
    // Dropped first: the threads end while libkrb5 is whole.
    pool: Pool,
    principal: String,
    _krb5: Krb5,
}

impl Acceptor {
    /// Checks keytab, SPN and replay cache, and starts the accept threads. Asks no network.
    pub(crate) fn start(config: AcceptorConfig) -> Result<Self, ConfigError> {
        let mut krb5 = Krb5::new().map_err(ConfigError::Krb5)?;
        let clock_skew = krb5.clock_skew();
        let keytab = match config.keytab {
            Some(path) => path,
            None => default_keytab(&mut krb5)?,
        };
        let keytab = Arc::new(KeytabFile::open(
            keytab,
            &config.hostname,
            config.service_realm.as_deref(),
        )?);
        let replay_cache = Arc::new(ReplayCache::new(config.replay_cache.as_deref())?);
        let size = Size {
            threads: std::thread::available_parallelism()
                .map_or(1, |cores| cores.get().min(MAX_THREADS)),
            queue: config.queue,
            patience: config.patience,
        };
        let principal = keytab.principal().to_owned();
        let pool = Pool::start(size, move || {
            let keytab = Arc::clone(&keytab);
            let mut credentials = Credentials::acquire(&keytab, Arc::clone(&replay_cache))?;
            Ok(move |token: &[u8]| {
                credentials.renew(&keytab);
                context::accept(&credentials, token, clock_skew)
            })
        })?;
        Ok(Self {
            pool,
            principal,
            _krb5: krb5,
        })
    }

    /// The service's own principal, `HTTP/<hostname>@<realm>`.
    pub(crate) fn principal(&self) -> &str {
        &self.principal
    }

    /// Accepts a token that the [classifier](crate::token) let through.
    pub(crate) async fn accept(&self, token: Vec<u8>) -> Result<Accepted, Refused> {
        self.pool.accept(token).await
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

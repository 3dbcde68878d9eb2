//! Checks a whole set-up, and says how to mend it: [`Doctor`]. Needs the feature `doctor`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tower_spnego::doctor::{Check, Doctor, Level};
//!
//! # #[cfg(feature = "testing")] {
//! # let realm = tower_spnego::testing::TestRealm::start()?;
//! # let keytab = realm.keytab();
//! let report = Doctor::new("localhost", "EXAMPLE.TEST")
//!     .keytab(keytab)
//!     .examine()
//!     .await;
//! print!("{report}");
//!
//! let spn = report.of_check(Check::Spn).next().ok_or("not looked for")?;
//! assert_eq!(spn.level(), Level::Ok);
//!
//! let report = Doctor::new("intranet", "EXAMPLE.TEST")
//!     .keytab(keytab)
//!     .examine()
//!     .await;
//! let spn = report.of_check(Check::Spn).next().ok_or("not looked for")?;
//! assert_eq!(spn.level(), Level::Error);
//! assert_eq!(spn.mends()[0].command(), "setspn -Q HTTP/intranet");
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! The same as a command, installed by `cargo install --path . --features doctor` in this crate's folder:
//!
//! ```sh
//! sudo -u www-data spnego-doctor --hostname intranet.corp.example.com --realm CORP.EXAMPLE.COM \
//!     --keytab /etc/intranet.keytab
//! ```
//!
//! It is run as the user that the service runs as, on the machine that it runs on: another may read
//! and write other files, and have another clock. It needs no root, and changes nothing: no file of the
//! system is written, and tickets stay in memory.
//!
//! # What is asked of others
//!
//! The DNS (or the system's own files) is asked about the host name and its addresses. A KDC of the
//! realm is asked for a ticket for each principal of the keytab, until it gives one; with it, for a
//! ticket for the SPN. On Active Directory an SPN is no account, and gets none of its own: unless the
//! keytab has the account's own name as well, or there is another
//! [for that](Doctor::client_keytab), the versions of the keys can't be compared, and the doctor says so. A key that the KDC refuses is tried for no more than two principals, for some lock an
//! account after a few wrong passwords. A directory is asked to let us bind, for the base of the
//! search, and for the user that was named.

use std::net::SocketAddr;
use std::path::PathBuf;

pub use self::report::{Check, Finding, Level, Report};
use crate::directory::ldap::LdapDirectory;
use crate::error::ConfigError;
use crate::layer::is_hostname;
use crate::principal::check_realm;

mod directory;
mod host;
mod kdc;
mod keytab;
mod machine;
mod report;

/// What to check; see [the module](self).
#[derive(Debug, Clone)]
#[must_use = "a doctor looks at nothing before `examine`"]
pub struct Doctor {
    hostname: String,
    realm: String,
    keytab: Option<PathBuf>,
    client_keytab: Option<PathBuf>,
    replay_cache: Option<PathBuf>,
    dns_server: Option<SocketAddr>,
    directory: Option<LdapDirectory>,
    user: Option<String>,
}

impl Doctor {
    /// For the site of this host name, whose SPN `HTTP/<hostname>` is in this realm.
    pub fn new(hostname: impl Into<String>, realm: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            realm: realm.into(),
            keytab: None,
            client_keytab: None,
            replay_cache: None,
            dns_server: None,
            directory: None,
            user: None,
        }
    }

    /// The layer's [`keytab`](crate::SpnegoLayerBuilder::keytab); without it, the system's default
    /// one.
    pub fn keytab(mut self, path: impl Into<PathBuf>) -> Self {
        self.keytab = Some(path.into());
        self
    }

    /// A keytab with an account that can log in, of the SPN's realm, by which the KDC is asked for a
    /// ticket for the SPN, in place of the service's own. On Active Directory an SPN can't log in: with
    /// the keytab of any user's account the versions of the keys are compared, and a sign-in is tried.
    pub fn client_keytab(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_keytab = Some(path.into());
        self
    }

    /// The layer's [`replay_cache`](crate::SpnegoLayerBuilder::replay_cache).
    pub fn replay_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.replay_cache = Some(folder.into());
        self
    }

    /// The DNS server that is asked whether the host name is an alias, in place of the system's.
    pub fn dns_server(mut self, address: SocketAddr) -> Self {
        self.dns_server = Some(address);
        self
    }

    /// The directory that users are looked up in.
    pub fn directory(mut self, directory: LdapDirectory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Somebody whom the directory should find: the name in their principal, without the realm.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Looks at everything. It may take half a minute, where a KDC, a name server and a directory do
    /// not answer: each question to a KDC has 10 seconds, and once one is not answered, no other is
    /// asked.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its I/O and its time.
    pub async fn examine(self) -> Report {
        let Self {
            hostname,
            realm,
            keytab,
            client_keytab,
            replay_cache,
            dns_server,
            directory,
            user,
        } = self;
        let needs_kdc = |directory: &LdapDirectory| directory.asks_kdc_of(&realm);
        let site = Site {
            host: hostname.to_ascii_lowercase(),
            without_kdc: match directory.as_ref().is_some_and(needs_kdc) {
                true => Level::Error,
                false => Level::Warning,
            },
            realm,
        };
        if let Some(finding) = site.mistake() {
            return Report::of(vec![finding]);
        }
        let names = host::examine(site.clone(), dns_server);
        let realm = site.realm.clone();
        let machine = apart(move || {
            let mut findings = Vec::new();
            let conf = machine::examine(&site, replay_cache.as_deref(), &mut findings);
            let path = keytab.map_or_else(|| machine::default_keytab(conf.as_ref()), Ok);
            let keytab = match path {
                // A command is run in another folder.
                Ok(path) => {
                    let path = std::path::absolute(&path).unwrap_or(path);
                    keytab::examine(&site, &path, &mut findings)
                }
                Err(finding) => {
                    findings.push(finding);
                    None
                }
            };
            let mut is_silent = false;
            if let (Some(conf), Some(keytab)) = (conf, keytab) {
                findings.push(keytab.credential());
                let clients = client_keytab.map(|path| keytab::clients(&path)).transpose();
                let clients = clients.unwrap_or_else(|finding| {
                    findings.push(finding);
                    None
                });
                is_silent = kdc::examine(&site, keytab, clients, conf.clock_skew, &mut findings);
            }
            (findings, is_silent)
        });
        let ((machine, is_silent), names) = tokio::join!(machine, names);
        let directory = match directory {
            Some(directory) if is_silent && directory.asks_kdc_of(&realm) => {
                vec![directory::not_asked()]
            }
            Some(directory) => directory::examine(&directory, user.as_deref(), &realm).await,
            None => user
                .as_deref()
                .map(directory::none_for)
                .into_iter()
                .collect(),
        };
        Report::of([machine, names, directory].concat())
    }
}

/// What the set-up is for.
#[derive(Debug, Clone)]
struct Site {
    host: String,
    realm: String,
    /// How bad it is that no KDC answers: tickets are accepted all the same.
    without_kdc: Level,
}

impl Site {
    /// What makes no sense to go on with.
    fn mistake(&self) -> Option<Finding> {
        if let Err(error) = check_realm(&self.realm) {
            return Some(Finding::error(Check::Realm, error.to_string()));
        }
        (!is_hostname(&self.host)).then(|| {
            let error = ConfigError::BadHostname(self.host.clone());
            Finding::error(Check::Hostname, error.to_string())
        })
    }
}

/// Blocks a thread that may be blocked.
async fn apart<T>(look: impl FnOnce() -> T + Send + 'static) -> T
where
    T: Default + Send + 'static,
{
    match tokio::task::spawn_blocking(look).await {
        Ok(findings) => findings,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is ending.
        Err(_) => T::default(),
    }
}

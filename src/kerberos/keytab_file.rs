//! The keytab's file: found sound at start, copied, and copied anew when it changes.
//!
//! GSSAPI reads the copy at every accept. The file itself may be gone, half written or locked by
//! another process at that moment, and each of these would refuse everybody.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) use self::keys::Keys;
pub(crate) use self::read::Stamp;
#[cfg(feature = "ldap-gssapi")]
pub(super) use self::read::contents;
use self::read::{load, read, unreadable};
pub(crate) use self::services::Services;
use self::services::{Wanted, principal_of, sole_realm};
use super::keytab::Keytab;
use super::keytab_risks::{are_weak, exposure};
use crate::error::ConfigError;

mod keys;
mod read;
mod services;

/// How often the file is looked at, at most. inotify would miss a link that is pointed elsewhere,
/// as Kubernetes does with its secrets.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) struct KeytabFile {
    path: PathBuf,
    wanted: Wanted,
    state: Mutex<State>,
}

struct State {
    keys: Arc<Keys>,
    /// Of the file when it was last read, whatever came of it.
    stamp: Option<Stamp>,
    looked: Instant,
    /// Why the file's own keys are not those in use.
    problem: Option<String>,
}

impl KeytabFile {
    /// Reads the keytab and finds the principals whose keys count, each in one realm.
    pub(super) fn open(
        path: PathBuf,
        services: &Services,
        service_realm: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let unreadable = |error: io::Error| unreadable(&path, &error);
        let (stamp, bytes, keytab) = load(&path, services.hosts())?;
        let wanted = match services.hosts() {
            [] => Wanted::AllOf {
                realm: sole_realm(&path, &keytab, service_realm)?,
            },
            hosts => hosts
                .iter()
                .map(|host| principal_of(&path, &keytab, host, service_realm))
                .collect::<Result<_, _>>()
                .map(Wanted::Principals)?,
        };
        let principals = wanted
            .find(&keytab)
            .map_err(|reason| unreadable(io::Error::other(reason)))?;
        let keys = Keys::new(&path, &bytes, &keytab, principals).map_err(unreadable)?;
        Ok(Self {
            wanted,
            state: Mutex::new(State {
                keys: Arc::new(keys),
                stamp: Some(stamp),
                looked: Instant::now(),
                problem: None,
            }),
            path,
        })
    }

    /// Says in the log what works, and is not as it should be.
    pub(super) fn warn_of_risks(&self) {
        let path = self.path.display();
        if let Ok(metadata) = self.path.metadata()
            && let Some(exposure) = exposure(metadata.mode())
        {
            tracing::warn!(
                "{exposure} the keytab {path}, and whoever has its keys can sign in as anybody: \
                 take the right from it (chmod g-w,o=)"
            );
        }
        let keys = self.keys();
        for service in keys
            .services()
            .filter(|service| are_weak(&keys.held(), service))
        {
            tracing::warn!(
                "the keytab {path} has keys of {service} of weak types alone, such as \
                 arcfour-hmac, which KDCs and clients of today refuse, or soon will: have the \
                 account take AES, and export the keytab again"
            );
        }
    }

    /// The principals whose keys count, in the order of the host names; `*@<realm>` stands for all.
    pub(super) fn principals(&self) -> Vec<String> {
        match &self.wanted {
            Wanted::Principals(principals) => principals.clone(),
            Wanted::AllOf { realm } => vec![format!("*@{realm}")],
        }
    }

    /// The keys of the file as it is now, or was when it was last sound.
    pub(super) fn keys(&self) -> Arc<Keys> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= LOOK_EVERY {
            state.looked = Instant::now();
            let stamp = self.path.metadata().as_ref().map(Stamp::of).ok();
            if stamp != state.stamp {
                self.renew(&mut state);
            }
        }
        Arc::clone(&state.keys)
    }

    /// Why the file as it is now can't be used; none where it can.
    pub(super) fn problem(&self) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.problem.clone()
    }

    fn renew(&self, state: &mut State) {
        let path = self.path.display();
        let renewed = read(&self.path).map_err(|error| {
            state.stamp = None;
            error.to_string()
        });
        let renewed = renewed.and_then(|(stamp, bytes)| {
            state.stamp = Some(stamp);
            let keytab = Keytab::parse(&bytes).map_err(|error| error.to_string())?;
            let services = self.wanted.find(&keytab)?;
            Keys::new(&self.path, &bytes, &keytab, services).map_err(|error| error.to_string())
        });
        match renewed {
            Ok(keys) => {
                tracing::info!("the keytab {path} has changed; its new keys are in use");
                state.keys = Arc::new(keys);
                state.problem = None;
            }
            Err(reason) => {
                tracing::error!(
                    "the keytab {path} has changed and can't be used: {reason}; the keys it had \
                     stay in use until it is mended"
                );
                state.problem = Some(reason);
            }
        }
    }
}

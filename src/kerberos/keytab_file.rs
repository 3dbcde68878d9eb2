//! The keytab's file: found sound at start, copied, and copied anew when it changes.
//!
//! GSSAPI reads the copy at every accept. The file itself may be gone, half written or locked by
//! another process at that moment, and each of these would refuse everybody.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use secrecy::zeroize::Zeroizing;

use super::keytab::Keytab;
use crate::error::ConfigError;

/// A keytab of a hundred thousand keys; what is larger is no keytab.
const SIZE_LIMIT: u64 = 16 << 20;

/// How often the file is looked at, at most. inotify would miss a link that is pointed elsewhere,
/// as Kubernetes does with its secrets.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) struct KeytabFile {
    path: PathBuf,
    principal: String,
    state: Mutex<State>,
}

struct State {
    keys: Arc<Keys>,
    /// Of the file when it was last read, whatever came of it.
    stamp: Option<Stamp>,
    looked: Instant,
}

/// What changes when a file is written or replaced.
#[derive(PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A copy of the keytab in memory that nothing can write.
pub(super) struct Keys {
    memfd: OwnedFd,
}

impl Keys {
    /// The name by which GSSAPI opens it.
    pub(super) fn name(&self) -> String {
        format!("FILE:/proc/self/fd/{}", self.memfd.as_raw_fd())
    }

    fn new(bytes: &[u8]) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = File::from(memfd_create("keytab", flags)?);
        file.write_all(bytes)?;
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        Ok(Self { memfd: file.into() })
    }
}

impl KeytabFile {
    /// Reads the keytab and finds the one realm in which it has a key for `HTTP/<hostname>`.
    pub(super) fn open(
        path: PathBuf,
        hostname: &str,
        service_realm: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let spn = format!("HTTP/{hostname}");
        let unreadable = |error: io::Error| ConfigError::KeytabUnreadable {
            path: path.clone(),
            reason: error.to_string(),
        };
        let (stamp, bytes) = read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ConfigError::KeytabMissing {
                path: path.clone(),
                spn: spn.clone(),
            },
            _ => unreadable(error),
        })?;
        let keytab = Keytab::parse(&bytes).map_err(|error| ConfigError::KeytabMalformed {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let realm = service_realm_of(&path, &spn, &keytab, hostname, service_realm)?;
        let keys = Arc::new(Keys::new(&bytes).map_err(unreadable)?);
        Ok(Self {
            principal: format!("{spn}@{realm}"),
            state: Mutex::new(State {
                keys,
                stamp: Some(stamp),
                looked: Instant::now(),
            }),
            path,
        })
    }

    /// The service's principal.
    pub(super) fn principal(&self) -> &str {
        &self.principal
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

    fn renew(&self, state: &mut State) {
        let path = self.path.display();
        let renewed = read(&self.path).map_err(|error| {
            state.stamp = None;
            error.to_string()
        });
        let renewed = renewed.and_then(|(stamp, bytes)| {
            state.stamp = Some(stamp);
            let keytab = Keytab::parse(&bytes).map_err(|error| error.to_string())?;
            if !keytab
                .principals()
                .any(|own| own.to_string() == self.principal)
            {
                return Err(format!("it has no key for {}", self.principal));
            }
            Keys::new(&bytes).map_err(|error| error.to_string())
        });
        match renewed {
            Ok(keys) => {
                tracing::info!("the keytab {path} has changed; its new keys are in use");
                state.keys = Arc::new(keys);
            }
            Err(reason) => tracing::error!(
                "the keytab {path} has changed and can't be used: {reason}; the keys it had stay \
                 in use until it is mended"
            ),
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

fn read(path: &Path) -> io::Result<(Stamp, Zeroizing<Vec<u8>>)> {
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    // Of the final size from the start: a vector that grows leaves keys in the memory it gave back.
    let size = stamp.size.min(SIZE_LIMIT);
    let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(io::Error::other(
            "it is larger than 16 MiB, which no keytab is",
        ));
    }
    Ok((stamp, bytes))
}

fn service_realm_of(
    path: &Path,
    spn: &str,
    keytab: &Keytab,
    hostname: &str,
    wanted: Option<&str>,
) -> Result<String, ConfigError> {
    let missing = |spn: String| ConfigError::SpnNotInKeytab {
        path: path.to_owned(),
        spn,
        principals: keytab.principals().map(ToString::to_string).collect(),
    };
    let realms = keytab.realms_of("HTTP", hostname);
    match (wanted, realms.as_slice()) {
        (Some(wanted), realms) if realms.iter().any(|realm| realm == wanted) => {
            Ok(wanted.to_owned())
        }
        (Some(wanted), _) => Err(missing(format!("{spn}@{wanted}"))),
        (None, []) => Err(missing(spn.to_owned())),
        (None, [realm]) => Ok(realm.clone()),
        (None, _) => Err(ConfigError::ServiceRealmAmbiguous {
            spn: spn.to_owned(),
            realms,
        }),
    }
}

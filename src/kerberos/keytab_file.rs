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
use super::keytab_risks::{are_weak, exposure};
use crate::error::ConfigError;
use crate::explain::{HeldKeys, Key};
use crate::principal::Principal;

/// A keytab of a hundred thousand keys; what is larger is no keytab.
const SIZE_LIMIT: u64 = 16 << 20;

/// How often the file is looked at, at most. inotify would miss a link that is pointed elsewhere,
/// as Kubernetes does with its secrets.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Which of the keytab's keys count.
#[derive(Debug, Clone)]
pub(crate) enum Services {
    /// That of `HTTP/<hostname>`, whatever host a request is for.
    Host(String),
    /// Those of `HTTP/<hostname>` for each of these, in requests to that host.
    Hosts(Vec<String>),
    /// All of them, in every request.
    WholeKeytab,
}

impl Services {
    fn hosts(&self) -> &[String] {
        match self {
            Self::Host(host) => std::slice::from_ref(host),
            Self::Hosts(hosts) => hosts,
            Self::WholeKeytab => &[],
        }
    }
}

pub(super) struct KeytabFile {
    path: PathBuf,
    wanted: Wanted,
    state: Mutex<State>,
}

/// [`Services`] as principals.
enum Wanted {
    /// In the order of the host names.
    Principals(Vec<String>),
    AllOf {
        realm: String,
    },
}

impl Wanted {
    /// The principals that count, if the keytab has a key for each.
    fn find(&self, keytab: &Keytab) -> Result<Vec<String>, String> {
        match self {
            Self::Principals(principals) => {
                let held: Vec<_> = keytab.principals().map(ToString::to_string).collect();
                match principals.iter().find(|wanted| !held.contains(wanted)) {
                    Some(missing) => Err(format!("it has no key for {missing}")),
                    None => Ok(principals.clone()),
                }
            }
            Self::AllOf { realm } => {
                let held = keytab
                    .principals()
                    .filter(|principal| principal.realm() == realm);
                let held: Vec<_> = held.map(ToString::to_string).collect();
                match held.is_empty() {
                    true => Err(format!("it has no key of the realm {realm}")),
                    false => Ok(held),
                }
            }
        }
    }
}

struct State {
    keys: Arc<Keys>,
    /// Of the file when it was last read, whatever came of it.
    stamp: Option<Stamp>,
    looked: Instant,
    /// Why the file's own keys are not those in use.
    problem: Option<String>,
}

/// What changes when a file is written or replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A copy of the keytab in memory that nothing can write.
pub(super) struct Keys {
    memfd: OwnedFd,
    services: Vec<String>,
    /// What it holds, for the explanation of a refusal.
    held: Arc<HeldKeys>,
}

impl Keys {
    /// The name by which GSSAPI opens it.
    pub(super) fn name(&self) -> String {
        format!("FILE:/proc/self/fd/{}", self.memfd.as_raw_fd())
    }

    /// The principals whose keys count.
    pub(super) fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }

    /// What it holds, without the keys themselves.
    pub(super) fn held(&self) -> Arc<HeldKeys> {
        Arc::clone(&self.held)
    }

    pub(super) fn new(
        path: &Path,
        bytes: &[u8],
        keytab: &Keytab,
        services: Vec<String>,
    ) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = File::from(memfd_create("keytab", flags)?);
        file.write_all(bytes)?;
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        Ok(Self {
            memfd: file.into(),
            services,
            held: Arc::new(HeldKeys::of(path, keytab)),
        })
    }
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
            .filter(|service| are_weak(&keys.held, service))
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

impl Stamp {
    /// None where there is no such file.
    #[cfg(feature = "ldap-gssapi")]
    pub(super) fn of_file(path: &Path) -> Option<Self> {
        path.metadata().ok().as_ref().map(Self::of)
    }

    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The whole file, if it is no larger than a keytab can be.
#[cfg(feature = "ldap-gssapi")]
pub(super) fn contents(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    read(path).map(|(_, bytes)| bytes)
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

/// Reads a keytab that is to have the SPNs of these hosts.
fn load(path: &Path, hosts: &[String]) -> Result<(Stamp, Zeroizing<Vec<u8>>, Keytab), ConfigError> {
    let (stamp, bytes) = read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ConfigError::KeytabMissing {
            path: path.to_owned(),
            spn: match hosts {
                [] => "the service".to_owned(),
                hosts => hosts.iter().map(spn_of).collect::<Vec<_>>().join(", "),
            },
        },
        _ => unreadable(path, &error),
    })?;
    let keytab = Keytab::parse(&bytes).map_err(|error| ConfigError::KeytabMalformed {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    Ok((stamp, bytes, keytab))
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    ConfigError::KeytabUnreadable {
        path: path.to_owned(),
        reason: match error.kind() {
            io::ErrorKind::PermissionDenied => format!(
                "{error}; make it readable for the user this process runs as, and for nobody else"
            ),
            io::ErrorKind::IsADirectory => {
                format!("{error}; name the keytab's file, not its folder, in .keytab(..)")
            }
            _ => error.to_string(),
        },
    }
}

impl HeldKeys {
    /// Reads a keytab's file, but for the keys themselves.
    ///
    /// # Errors
    ///
    /// It is not there, can't be read, or is no keytab.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        let path = path.into();
        let (_, _, keytab) = load(&path, &[])?;
        Ok(Self::of(&path, &keytab))
    }

    fn of(path: &Path, keytab: &Keytab) -> Self {
        let keys = keytab
            .entries()
            .map(|entry| Key::new(entry.principal.clone(), entry.kvno, entry.enctype));
        Self {
            path: path.to_owned(),
            keys: keys.collect(),
        }
    }
}

fn spn_of(hostname: &String) -> String {
    format!("HTTP/{hostname}")
}

/// The one principal `HTTP/<hostname>` that the keytab has a key for.
fn principal_of(
    path: &Path,
    keytab: &Keytab,
    hostname: &String,
    wanted: Option<&str>,
) -> Result<String, ConfigError> {
    let spn = spn_of(hostname);
    let realms = keytab.realms_of("HTTP", hostname);
    let realm = match (wanted, realms.as_slice()) {
        (Some(wanted), realms) if realms.iter().any(|realm| realm == wanted) => wanted,
        (Some(wanted), _) => return Err(missing(path, keytab, format!("{spn}@{wanted}"))),
        (None, []) => return Err(missing(path, keytab, spn)),
        (None, [realm]) => realm,
        (None, _) => return Err(ConfigError::ServiceRealmAmbiguous { spn, realms }),
    };
    Ok(format!("{spn}@{realm}"))
}

/// The one realm of all the keytab's principals.
fn sole_realm(path: &Path, keytab: &Keytab, wanted: Option<&str>) -> Result<String, ConfigError> {
    let mut realms: Vec<_> = keytab.principals().map(Principal::realm).collect();
    realms.sort_unstable();
    realms.dedup();
    match (wanted, realms.as_slice()) {
        (Some(wanted), realms) if realms.contains(&wanted) => Ok(wanted.to_owned()),
        (Some(wanted), _) => Err(missing(path, keytab, format!("any service@{wanted}"))),
        (None, []) => Err(missing(path, keytab, "any service".to_owned())),
        (None, [realm]) => Ok((*realm).to_owned()),
        (None, _) => Err(ConfigError::ServiceRealmAmbiguous {
            spn: "principals".to_owned(),
            realms: realms.into_iter().map(str::to_owned).collect(),
        }),
    }
}

fn missing(path: &Path, keytab: &Keytab, spn: String) -> ConfigError {
    ConfigError::SpnNotInKeytab {
        path: path.to_owned(),
        spn,
        principals: keytab.principals().map(ToString::to_string).collect(),
    }
}

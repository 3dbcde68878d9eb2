//! Forwarded tickets: where they are stored, and how they are removed.

use std::ffi::{CString, OsStr};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::ffi::{Delegated, Krb5};
use super::private_folder::private_folder;
use super::worker::{Disposable, Disposal};
use crate::error::{ConfigError, Error, ErrorKind};

/// What the name of a layer's own folder begins with; its process and a number follow.
const FOLDER: &str = "tower-spnego-";

/// What the name of a cache begins with, as MIT's own do; a number follows.
const CACHE: &str = "krb5cc_";

/// Where forwarded tickets are to be kept.
#[derive(Debug, Clone)]
pub(crate) enum TicketStore {
    Memory,
    Folder(PathBuf),
}

/// A forwarded ticket in a cache of its own, which goes with it.
pub(crate) struct StoredTicket {
    name: String,
    expires: Option<SystemTime>,
    _ccache: Disposable<Ccache>,
}

impl StoredTicket {
    /// The cache's name, for `KRB5CCNAME`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// When the ticket ends, where GSSAPI tells.
    pub(crate) fn expires(&self) -> Option<SystemTime> {
        self.expires
    }
}

/// Makes the caches of one layer.
#[derive(Clone)]
pub(super) enum Caches {
    Memory,
    Files(Arc<OwnFolder>),
}

impl Caches {
    pub(super) fn open(store: &TicketStore) -> Result<Self, ConfigError> {
        match store {
            TicketStore::Memory => Ok(Self::Memory),
            TicketStore::Folder(folder) => match OwnFolder::make(folder) {
                Ok(folder) => Ok(Self::Files(Arc::new(folder))),
                Err(reason) => Err(ConfigError::DelegationFolder {
                    path: folder.clone(),
                    reason,
                }),
            },
        }
    }

    /// The ticket must be this principal's: the client says itself whose ticket it forwards.
    pub(super) fn store(
        &self,
        ticket: Delegated,
        owner: &str,
        disposal: &Disposal,
    ) -> Result<StoredTicket, Error> {
        let failed = |reason: String| Error::new(ErrorKind::DelegationFailed).with_detail(reason);
        let principal = ticket.principal().map_err(failed)?;
        if principal != owner {
            return Err(Error::new(ErrorKind::TicketNotForwarded)
                .with_detail(format!("{owner} forwarded a ticket of {principal}")));
        }
        let ccache = self.new_ccache().map_err(failed)?;
        let lifetime = ticket.store(&ccache.name).map_err(failed)?;
        Ok(StoredTicket {
            name: ccache.name.to_string_lossy().into_owned(),
            expires: lifetime.and_then(|lifetime| SystemTime::now().checked_add(lifetime)),
            _ccache: disposal.of(ccache),
        })
    }

    /// A cache that nobody else has. What is stored there goes with it.
    fn new_ccache(&self) -> Result<Ccache, String> {
        match self {
            Self::Memory => Ok(Ccache {
                name: Krb5::new()?.new_memory_ccache()?,
                file: None,
            }),
            Self::Files(folder) => {
                let number = folder.caches.fetch_add(1, Ordering::Relaxed);
                let path = folder.path.join(format!("{CACHE}{number}"));
                Ok(Ccache {
                    name: name_of(&path)?,
                    file: Some((path, Arc::clone(folder))),
                })
            }
        }
    }
}

/// A ticket cache, which is removed when this is dropped.
struct Ccache {
    name: CString,
    /// The folder stays as long as a cache is in it.
    file: Option<(PathBuf, Arc<OwnFolder>)>,
}

impl Drop for Ccache {
    fn drop(&mut self) {
        let removed = match &self.file {
            Some((path, _)) => remove_file(path),
            None => Krb5::new().and_then(|mut krb5| krb5.destroy_ccache(&self.name)),
        };
        if let Err(reason) = removed {
            let name = self.name.to_string_lossy();
            tracing::error!("the forwarded ticket in {name} can't be removed: {reason}");
        }
    }
}

/// A folder of one layer's own below the one that was named, which several may share.
///
/// It is locked while the layer or a cache lives, and the kernel unlocks it when the process dies:
/// so whatever is not locked is left over. (systemd-tmpfiles, too, leaves a locked folder alone.)
pub(super) struct OwnFolder {
    path: PathBuf,
    caches: AtomicU64,
    _lock: File,
}

impl OwnFolder {
    fn make(shared: &Path) -> Result<Self, String> {
        let shared = private_folder(shared)?;
        if shared.to_str().is_none() {
            return Err("its path is not UTF-8".to_owned());
        }
        purge(&shared)?;
        // The number is taken where a process of the same id (in another container) is here, too,
        // or another layer of this one.
        for number in 0_u64.. {
            let path = shared.join(format!("{FOLDER}{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error.to_string()),
            }
            match lock(&path) {
                Ok(Some(lock)) => {
                    return Ok(Self {
                        path,
                        caches: AtomicU64::new(0),
                        _lock: lock,
                    });
                }
                // Another layer that starts has taken it for a leftover.
                Ok(None) => {}
                Err(error) => {
                    let _ = fs::remove_dir(&path);
                    return Err(format!("it can't be locked: {error}"));
                }
            }
        }
        Err("it is full".to_owned())
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            let path = self.path.display();
            tracing::warn!("the folder {path} can't be removed: {error}");
        }
    }
}

/// Removes what layers left that are no more, because their process was killed.
fn purge(shared: &Path) -> Result<(), String> {
    for entry in fs::read_dir(shared).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        if !is_own_folder(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let purged = match lock(&path) {
            Ok(Some(_lock)) => remove_folder(&path),
            Ok(None) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = purged {
            let path = path.display();
            tracing::warn!("{path} is left over from another run, and can't be removed: {reason}");
        }
    }
    Ok(())
}

fn remove_folder(path: &Path) -> Result<(), String> {
    for entry in fs::read_dir(path).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().as_bytes().starts_with(CACHE.as_bytes()) {
            remove_file(&entry.path())?;
        }
    }
    fs::remove_dir(path).map_err(|error| error.to_string())
}

/// Overwrites a cache and unlinks it, as MIT does.
fn remove_file(path: &Path) -> Result<(), String> {
    let name = name_of(path)?;
    if Krb5::new()
        .and_then(|mut krb5| krb5.destroy_ccache(&name))
        .is_ok()
    {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}

fn name_of(path: &Path) -> Result<CString, String> {
    let name = [b"FILE:", path.as_os_str().as_bytes()].concat();
    CString::new(name).map_err(|_| "a path has a NUL byte".to_owned())
}

/// Locks a folder of ours; none where another holds it, or it is gone.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::DIRECTORY | OFlags::NOFOLLOW).bits() as i32)
        .open(path);
    let folder = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(None),
        locked => locked?,
    }
    // Whoever held it before may have removed it, and there may be a new one in its place.
    let locked = folder.metadata()?;
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        there => there?,
    };
    let is_same = (locked.dev(), locked.ino()) == (there.dev(), there.ino());
    let is_ours = locked.uid() == geteuid().as_raw();
    Ok((is_same && is_ours).then_some(folder))
}

fn is_own_folder(name: &OsStr) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    name.to_str()
        .and_then(|name| name.strip_prefix(FOLDER)?.split_once('-'))
        .is_some_and(|(process, number)| is_number(process) && is_number(number))
}

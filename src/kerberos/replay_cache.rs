//! The replay cache: which it is, and whether it can be written.

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::private_folder::private_folder;
use crate::error::ConfigError;
use crate::explain::ReplayCacheProblem;

/// The replay cache that every accept writes.
pub(super) struct ReplayCache {
    name: String,
    path: PathBuf,
    is_own: bool,
}

impl ReplayCache {
    /// GSSAPI notices one that can't be written only when it accepts, and then refuses everybody, so
    /// it is tried here.
    pub(super) fn new(folder: Option<&Path>) -> Result<Self, ConfigError> {
        let file = format!("krb5_{}.rcache2", geteuid().as_raw());
        let (name, path) = match folder {
            Some(folder) => {
                let folder = private_folder(folder)
                    .map_err(|reason| unusable(&folder.join(&file), reason))?;
                let path = folder.join(file);
                (format!("file2:{}", path.display()), path)
            }
            // `dfl:` rather than nothing: KRB5RCACHENAME could turn the cache off.
            None => ("dfl:".to_owned(), default_folder().join(file)),
        };
        try_to_write(&path).map_err(|error| unusable(&path, error.reason))?;
        let is_own = is_own(folder);
        Ok(Self { name, path, is_own })
    }

    /// As MIT names it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_usable(&self) -> bool {
        try_to_write(&self.path).is_ok()
    }

    /// Why GSSAPI could not write it.
    pub(super) fn problem(&self) -> ReplayCacheProblem {
        let (reason, is_anothers) = match try_to_write(&self.path) {
            Ok(()) => (
                "it can be opened, so that its disk may be full".to_owned(),
                false,
            ),
            Err(Unusable {
                reason,
                is_anothers,
            }) => (reason, is_anothers),
        };
        ReplayCacheProblem {
            path: self.path.clone(),
            reason,
            is_anothers,
            is_own: self.is_own,
        }
    }
}

/// Where the cache is, if it can be written; it is not made for that.
#[cfg(feature = "doctor")]
pub(super) fn look(folder: Option<&Path>) -> Result<PathBuf, ReplayCacheProblem> {
    let file = format!("krb5_{}.rcache2", geteuid().as_raw());
    let path = folder
        .map_or_else(default_folder, Path::to_owned)
        .join(file);
    let looked = match folder {
        Some(folder) => look_at_folder(folder),
        None => Ok(()),
    };
    let looked = looked.and_then(|()| match path.symlink_metadata() {
        Ok(_) => try_to_open(OpenOptions::new().read(true).write(true), &path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => look_for_room(&path),
        Err(error) => Err(error.into()),
    });
    match looked {
        Ok(()) => Ok(path),
        Err(Unusable {
            reason,
            is_anothers,
        }) => Err(ReplayCacheProblem {
            path,
            reason,
            is_anothers,
            is_own: is_own(folder),
        }),
    }
}

/// One that is not there yet is made by the layer.
#[cfg(feature = "doctor")]
fn look_at_folder(folder: &Path) -> Result<(), Unusable> {
    match folder.exists() {
        true => super::private_folder::check(folder)
            .map(drop)
            .map_err(|reason| Unusable {
                reason,
                is_anothers: false,
            }),
        false => Ok(()),
    }
}

/// Whether a file could be made in the nearest folder that there is.
#[cfg(feature = "doctor")]
fn look_for_room(path: &Path) -> Result<(), Unusable> {
    use rustix::fs::Access;
    let folder = path.ancestors().skip(1).find(|folder| folder.exists());
    let folder = folder.unwrap_or(Path::new("/"));
    let may_write = rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK);
    may_write.map_err(|error| Unusable {
        reason: format!("{}: {}", folder.display(), std::io::Error::from(error)),
        is_anothers: false,
    })?;
    match rustix::fs::statvfs(folder) {
        Ok(disk) if disk.f_bavail == 0 => Err(Unusable {
            reason: format!("the disk of {} is full", folder.display()),
            is_anothers: false,
        }),
        _ => Ok(()),
    }
}

/// Whether the folder is the layer's own, so that it may be given to whoever the layer runs as: it was
/// named, and is not there yet, or has replay caches alone, or is that user's already. Root has folders
/// that are everybody's.
fn is_own(folder: Option<&Path>) -> bool {
    const EVERYBODY_WRITES: u32 = 0o002;
    folder.is_some_and(|folder| {
        let metadata = match folder.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return error.kind() == std::io::ErrorKind::NotFound,
        };
        let me = geteuid();
        let is_mine = !me.is_root() && metadata.uid() == me.as_raw();
        metadata.mode() & EVERYBODY_WRITES == 0 && (is_mine || has_caches_alone(folder))
    })
}

fn has_caches_alone(folder: &Path) -> bool {
    let is_cache = |file: std::io::Result<std::fs::DirEntry>| {
        file.is_ok_and(|file| file.path().extension().is_some_and(|end| end == "rcache2"))
    };
    std::fs::read_dir(folder).is_ok_and(|mut files| files.all(is_cache))
}

/// Where MIT's `dfl:` cache lies.
fn default_folder() -> PathBuf {
    ["KRB5RCACHEDIR", "TMPDIR"]
        .into_iter()
        .find_map(std::env::var_os)
        .map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

struct Unusable {
    reason: String,
    is_anothers: bool,
}

impl From<std::io::Error> for Unusable {
    fn from(error: std::io::Error) -> Self {
        Self {
            reason: error.to_string(),
            is_anothers: false,
        }
    }
}

fn try_to_write(path: &Path) -> Result<(), Unusable> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    try_to_open(options.mode(0o600), path)
}

fn try_to_open(options: &mut OpenOptions, path: &Path) -> Result<(), Unusable> {
    // Before it is opened: another user's file can't be.
    if let Ok(metadata) = path.symlink_metadata() {
        is_ours(metadata.uid())?;
    }
    let file = options
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(path)?;
    is_ours(file.metadata()?.uid())
}

/// MIT refuses every token over another user's file.
fn is_ours(owner: u32) -> Result<(), Unusable> {
    if owner == geteuid().as_raw() {
        return Ok(());
    }
    Err(Unusable {
        reason: format!("it belongs to the user with uid {owner}"),
        is_anothers: true,
    })
}

fn unusable(path: &Path, reason: String) -> ConfigError {
    ConfigError::ReplayCache {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_anything_else_in_it_is_not_the_layers_own() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_own(Some(&folder.path().join("not there"))));
        assert!(has_caches_alone(folder.path()));
        std::fs::write(folder.path().join("krb5_0.rcache2"), "").unwrap();
        assert!(is_own(Some(folder.path())));
        std::fs::write(folder.path().join("dpkg"), "").unwrap();
        assert!(!has_caches_alone(folder.path()));
        assert!(!is_own(Some(Path::new("/var/lib"))));
        assert!(!is_own(None));
    }
}

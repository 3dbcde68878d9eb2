//! The replay cache: which it is, and whether it can be written.

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::private_folder::private_folder;
use crate::error::ConfigError;

/// The replay cache that every accept writes.
pub(super) struct ReplayCache {
    name: String,
    path: PathBuf,
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
        try_to_write(&path)?;
        Ok(Self { name, path })
    }

    /// As MIT names it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_usable(&self) -> bool {
        try_to_write(&self.path).is_ok()
    }
}

/// Where MIT's `dfl:` cache lies.
fn default_folder() -> PathBuf {
    ["KRB5RCACHEDIR", "TMPDIR"]
        .into_iter()
        .find_map(std::env::var_os)
        .map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

fn try_to_write(path: &Path) -> Result<(), ConfigError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(path)
        .map_err(|error| unusable(path, error.to_string()))?;
    let metadata = file
        .metadata()
        .map_err(|error| unusable(path, error.to_string()))?;
    if metadata.uid() != geteuid().as_raw() {
        // MIT refuses every token over such a file.
        return Err(unusable(
            path,
            format!("it belongs to the user with uid {}", metadata.uid()),
        ));
    }
    Ok(())
}

fn unusable(path: &Path, reason: String) -> ConfigError {
    ConfigError::ReplayCache {
        path: path.to_owned(),
        reason,
    }
}

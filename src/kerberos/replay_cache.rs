//! The replay cache, tried before an accept thread starts.

use std::fs::OpenOptions;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::error::ConfigError;

/// The replay cache that every accept writes, as MIT names it. GSSAPI notices one that can't be
/// written only when it accepts, and then refuses everybody, so it is tried here.
pub(super) fn name(folder: Option<&Path>) -> Result<String, ConfigError> {
    let name = format!("krb5_{}.rcache2", geteuid().as_raw());
    match folder {
        Some(folder) => {
            let path = folder.join(name);
            private_folder(folder).map_err(|reason| unusable(&path, reason))?;
            try_to_write(&path)?;
            Ok(format!("file2:{}", path.display()))
        }
        None => {
            try_to_write(&default_folder().join(name))?;
            // `dfl:` rather than nothing: KRB5RCACHENAME could turn the cache off.
            Ok("dfl:".to_owned())
        }
    }
}

/// Where MIT's `dfl:` cache lies.
fn default_folder() -> PathBuf {
    ["KRB5RCACHEDIR", "TMPDIR"]
        .into_iter()
        .find_map(std::env::var_os)
        .map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

fn private_folder(folder: &Path) -> Result<(), String> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| error.to_string())?;
    let metadata = std::fs::metadata(folder).map_err(|error| error.to_string())?;
    if metadata.uid() != geteuid().as_raw() {
        return Err("its folder belongs to another user".to_owned());
    }
    if metadata.mode() & 0o022 != 0 {
        return Err("others may write into its folder (chmod 700 it)".to_owned());
    }
    Ok(())
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

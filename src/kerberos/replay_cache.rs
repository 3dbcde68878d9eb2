//! The replay cache: which it is, and whether it can be written.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::error::ConfigError;

const OTHERS_MAY_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

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

/// Makes the folder, and gives the path by which nobody else can put another in its place. MIT
/// checks neither links nor owners of a file that it is told by name.
fn private_folder(folder: &Path) -> Result<PathBuf, String> {
    let text = |error: io::Error| error.to_string();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(text)?;
    let folder = folder.canonicalize().map_err(text)?;
    let metadata = folder.metadata().map_err(text)?;
    if metadata.uid() != geteuid().as_raw() {
        return Err("its folder belongs to another user".to_owned());
    }
    if metadata.mode() & OTHERS_MAY_WRITE != 0 {
        return Err("others may write into its folder (chmod 700 it)".to_owned());
    }
    for above in folder.ancestors().skip(1) {
        let metadata = above.metadata().map_err(text)?;
        let is_ours = [0, geteuid().as_raw()].contains(&metadata.uid());
        let may_swap = metadata.mode() & OTHERS_MAY_WRITE != 0 && metadata.mode() & STICKY == 0;
        if !is_ours || may_swap {
            return Err(format!(
                "another user can put a folder of theirs in its place, for {} is theirs to write",
                above.display()
            ));
        }
    }
    Ok(folder)
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

//! The file read, and whether it has changed since.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use super::super::keytab::Keytab;
use super::services::spn_of;
use crate::error::ConfigError;
use crate::explain::{HeldKeys, Key};

/// A keytab of a hundred thousand keys; what is larger is no keytab.
const SIZE_LIMIT: u64 = 16 << 20;

/// What changes when a file is written or replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// None where there is no such file.
    #[cfg(feature = "ldap-gssapi")]
    pub(in super::super) fn of_file(path: &Path) -> Option<Self> {
        path.metadata().ok().as_ref().map(Self::of)
    }

    pub(super) fn of(metadata: &Metadata) -> Self {
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
pub(in super::super) fn contents(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    read(path).map(|(_, bytes)| bytes)
}

pub(super) fn read(path: &Path) -> io::Result<(Stamp, Zeroizing<Vec<u8>>)> {
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
pub(super) fn load(
    path: &Path,
    hosts: &[String],
) -> Result<(Stamp, Zeroizing<Vec<u8>>, Keytab), ConfigError> {
    let (stamp, bytes) = read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ConfigError::KeytabMissing {
            path: path.to_owned(),
            spn: match hosts {
                [] => "the service".to_owned(),
                hosts => hosts.iter().map(spn_of).collect::<Vec<_>>().join(", "),
            },
            realm: None,
        },
        _ => unreadable(path, &error),
    })?;
    let keytab = Keytab::parse(&bytes).map_err(|error| ConfigError::KeytabMalformed {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    Ok((stamp, bytes, keytab))
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
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
    pub fn read(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let said = |kind, what: String| {
            io::Error::new(kind, format!("the keytab {}: {what}", path.display()))
        };
        let (_, bytes) = read(&path).map_err(|error| said(error.kind(), error.to_string()))?;
        let keytab = Keytab::parse(&bytes);
        let keytab = keytab.map_err(|error| said(io::ErrorKind::InvalidData, error.to_string()))?;
        Ok(Self::of(&path, &keytab))
    }

    pub(super) fn of(path: &Path, keytab: &Keytab) -> Self {
        let keys = keytab
            .entries()
            .map(|entry| Key::new(entry.principal.clone(), entry.kvno, entry.enctype));
        Self {
            path: path.to_owned(),
            keys: keys.collect(),
        }
    }
}

//! The copy that GSSAPI reads.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use super::super::keytab::Keytab;
use crate::explain::HeldKeys;

/// A copy of the keytab in memory that nothing can write.
pub(in super::super) struct Keys {
    memfd: OwnedFd,
    services: Vec<String>,
    /// What it holds, for the explanation of a refusal.
    held: Arc<HeldKeys>,
}

impl Keys {
    /// The name by which GSSAPI opens it.
    pub(in super::super) fn name(&self) -> String {
        format!("FILE:/proc/self/fd/{}", self.memfd.as_raw_fd())
    }

    /// The principals whose keys count.
    pub(in super::super) fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }

    /// What it holds, without the keys themselves.
    pub(in super::super) fn held(&self) -> Arc<HeldKeys> {
        Arc::clone(&self.held)
    }

    pub(in super::super) fn new(
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

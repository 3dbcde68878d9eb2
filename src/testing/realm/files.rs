//! The folder of a realm.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

/// What a ticket cache needs of its realm, also after the KDC's end.
#[derive(Debug)]
pub(in crate::testing) struct RealmFiles {
    folder: TempDir,
    krb5_conf: PathBuf,
    realm: String,
    caches: AtomicU64,
}

impl RealmFiles {
    pub(in crate::testing) fn create(realm: &str, kdc: SocketAddr) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tower-spnego-realm-")
            .tempdir()?;
        let krb5_conf = folder.path().join("krb5.conf");
        // `udp_preference_limit = 1` is TCP first: a stopped KDC then fails at once, where UDP
        // would wait for an answer.
        fs::write(
            &krb5_conf,
            format!(
                "[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    forwardable = true
    udp_preference_limit = 1
[realms]
    {realm} = {{
        kdc = {kdc}
    }}
[domain_realm]
    localhost = {realm}
"
            ),
        )?;
        Ok(Self {
            folder,
            krb5_conf,
            realm: realm.to_owned(),
            caches: AtomicU64::new(0),
        })
    }

    pub(in crate::testing) fn realm(&self) -> &str {
        &self.realm
    }

    pub(in crate::testing) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(in crate::testing) fn krb5_conf(&self) -> &Path {
        &self.krb5_conf
    }

    pub(in crate::testing) fn next_cache(&self) -> PathBuf {
        let number = self.caches.fetch_add(1, Ordering::Relaxed);
        self.folder().join(format!("ccache-{number}"))
    }

    /// A command that sees this realm and none of the tickets of the person who runs the test.
    pub(in crate::testing) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("LC_ALL", "C")
            .env("KRB5_CONFIG", &self.krb5_conf)
            .env("KRB5CCNAME", self.folder().join("no-tickets"))
            .env_remove("KRB5_KTNAME")
            .env_remove("KRB5_CLIENT_KTNAME")
            .env_remove("KRB5_TRACE");
        command
    }
}

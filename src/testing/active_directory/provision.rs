//! The domain as it is before a test changes it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::image::Image;
use super::{BASE, DOMAIN, REALM, TestActiveDirectory, settings};
use crate::testing::process::{find_program, run};

pub(super) const KEYTAB: &str = "service.keytab";

const SPN: &str = "HTTP/localhost";

const PACKAGES: &str = "samba-ad-dc (with samba, samba-ad-provision, samba-dsdb-modules, winbind)";

pub(super) fn find_samba(program: &str) -> io::Result<PathBuf> {
    find_program(program, PACKAGES)
}

/// Whether the programs and the files for provisioning are here.
pub(super) fn available() -> io::Result<()> {
    find_samba("samba")?;
    find_samba("samba-tool")?;
    let setup = Path::new("/usr/share/samba/setup/provision.ldif");
    if !setup.exists() {
        let setup = setup.display();
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no file {setup}; Debian has it in the package samba-ad-provision"),
        ));
    }
    Ok(())
}

/// The domain, made once in this process.
pub(super) fn image() -> io::Result<Arc<Image>> {
    static IMAGE: Mutex<Option<Arc<Image>>> = Mutex::new(None);
    // Held while it is made: who comes second waits, and makes no other.
    let mut image = IMAGE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(image) = &*image {
        return Ok(Arc::clone(image));
    }
    let made = Arc::new(make()?);
    *image = Some(Arc::clone(&made));
    Ok(made)
}

fn make() -> io::Result<Image> {
    let mut domain = TestActiveDirectory::prepare()?;
    run(domain
        .command(find_samba("samba-tool")?)
        .args(["domain", "provision", "--server-role=dc"])
        .arg(format!("--realm={REALM}"))
        .arg(format!("--domain={DOMAIN}"))
        .arg(format!("--adminpass={}", TestActiveDirectory::PASSWORD))
        .args(["--host-name=dc1", "--dns-backend=NONE"])
        .arg(format!("--host-ip={}", domain.address()))
        .arg("-s")
        .arg(settings::path(domain.folder())))?;
    domain.restart()?;
    // A test may give any password, and change it at once.
    domain.ldif(&format!(
        "dn: {BASE}
changetype: modify
replace: pwdProperties
pwdProperties: 0
-
replace: minPwdLength
minPwdLength: 0
-
replace: minPwdAge
minPwdAge: 0
-
replace: pwdHistoryLength
pwdHistoryLength: 0
"
    ))?;
    for user in ["alice", "bob"] {
        domain.add_user(user, TestActiveDirectory::PASSWORD)?;
    }
    domain.add_service_account("svc-web", [SPN])?;
    domain.export_keytab(SPN, domain.keytab())?;
    domain.stop();
    Image::read(domain.folder(), &["private", "state", KEYTAB])
}

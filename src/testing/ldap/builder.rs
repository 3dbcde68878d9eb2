//! From settings to a running LDAP server.

use std::io;
use std::path::Path;

use super::{TestLdap, setup};
use crate::testing::TestRealm;
use crate::testing::port::Port;

/// What a [`TestLdap`] is to be; see [`TestLdap::builder`].
#[derive(Debug, Clone)]
#[must_use = "a builder starts no server before `start`"]
pub struct TestLdapBuilder {
    pub(super) tls: bool,
    /// Lines of slapd.conf, before those of the database.
    pub(super) configuration: String,
    pub(super) kerberos: Option<Kerberos>,
}

/// How the server knows its realm.
#[derive(Debug, Clone)]
pub(super) struct Kerberos {
    pub(super) krb5_conf: std::path::PathBuf,
    /// With the key of `ldap/localhost`.
    pub(super) keytab: std::path::PathBuf,
}

impl TestLdapBuilder {
    pub(super) fn new() -> Self {
        Self {
            tls: true,
            configuration: String::new(),
            kerberos: None,
        }
    }

    /// A server that has no certificate: it serves `ldap://` and `ldapi://` alone, and refuses
    /// StartTLS.
    pub fn without_tls(mut self) -> Self {
        self.tls = false;
        self
    }

    /// Adds lines to slapd.conf, before those of the database, such as
    /// `sasl-secprops minssf=56`.
    pub fn configuration(mut self, lines: &str) -> Self {
        self.configuration.push_str(lines);
        self.configuration.push('\n');
        self
    }

    /// Lets accounts of this realm bind by SASL GSSAPI. The realm gets the service
    /// `ldap/localhost`, and the user `web`, who is the [`service_dn`](TestLdap::service_dn) here;
    /// [`service_keytab`](TestLdap::service_keytab) has its key.
    ///
    /// # Errors
    ///
    /// The realm has one of them already, or libsasl2 has no GSSAPI; Debian has that in the package
    /// `libsasl2-modules-gssapi-mit`.
    pub fn realm(mut self, realm: &TestRealm) -> io::Result<Self> {
        find_gssapi()?;
        let folder = realm.folder();
        let keytab = folder.join("ldap.keytab");
        realm.kadmin(["addprinc", "-randkey", "ldap/localhost"])?;
        realm.export_keytab("ldap/localhost", &keytab)?;
        realm.add_principal("web")?;
        realm.export_keytab("web", folder.join(SERVICE_KEYTAB))?;
        self.kerberos = Some(Kerberos {
            krb5_conf: realm.krb5_conf().to_owned(),
            keytab,
        });
        Ok(self)
    }

    /// Starts the server and fills it.
    ///
    /// # Errors
    ///
    /// As [`TestLdap::start`].
    pub fn start(&self) -> io::Result<TestLdap> {
        let folder = tempfile::Builder::new()
            .prefix("tower-spnego-ldap-")
            .tempdir()?;
        setup::write_files(folder.path(), self)?;
        let mut ldap = TestLdap {
            slapd: None,
            plain: Port::claim()?,
            tls: self.tls.then(Port::claim).transpose()?,
            kerberos: self.kerberos.clone(),
            folder,
        };
        ldap.restart()?;
        // Through the server, not slapadd: the overlay fills memberOf on additions it sees.
        ldap.ldif(&setup::first_entries())?;
        Ok(ldap)
    }
}

pub(super) const SERVICE_KEYTAB: &str = "web.keytab";

/// Whether libsasl2 can do it; slapd would start all the same.
fn find_gssapi() -> io::Result<()> {
    let is_there = |folder: &Path| folder.join("sasl2/libgssapiv2.so").exists();
    let mut folders = vec!["/usr/lib".into(), "/usr/lib64".into()];
    if let Ok(entries) = std::fs::read_dir("/usr/lib") {
        folders.extend(entries.flatten().map(|entry| entry.path()));
    }
    match folders
        .iter()
        .any(|folder: &std::path::PathBuf| is_there(folder))
    {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "libsasl2 has no GSSAPI (libgssapiv2.so); Debian has it in the package \
             libsasl2-modules-gssapi-mit",
        )),
    }
}

//! A real LDAP server in a temporary folder.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::ldif::{attribute, escape_rdn};
use super::port::Port;
use super::process::{Daemon, find_program, run, run_with_input};

mod builder;
mod setup;

pub use builder::TestLdapBuilder;
use builder::{Kerberos, SERVICE_KEYTAB};

/// An LDAP server of its own: OpenLDAP's `slapd` on free ports of 127.0.0.1, its database and all
/// other files in a temporary folder. It needs no root and takes a fraction of a second; any
/// number can run at once. Dropping it ends the server and removes the folder.
///
/// It holds two people, alice (of the groups Engineers and Staff) and bob (of Staff), and keeps
/// `memberOf` up to date, and the members of groups when an entry is renamed or deleted. Only [`service_dn`](Self::service_dn) may read.
///
/// The programs come from the Debian packages `slapd`, `ldap-utils` and `openssl`; errors name the
/// one that is missing. The variable `TOWER_SPNEGO_SLAPD` names another `slapd`.
///
/// ```
/// use tower_spnego::testing::TestLdap;
///
/// let ldap = TestLdap::start()?;
/// assert!(ldap.tls_url().starts_with("ldaps://localhost:"));
/// ldap.add_person("carol", "Carol")?;
/// ldap.add_group("Designers", ["carol"])?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TestLdap {
    slapd: Option<Daemon>,
    plain: Port,
    tls: Option<Port>,
    kerberos: Option<Kerberos>,
    folder: TempDir,
}

const BASE: &str = "dc=example,dc=test";
const ROOT_PASSWORD: &str = "root of a test";
const SERVICE_PASSWORD: &str = "correct horse battery staple";

impl TestLdap {
    /// Starts the server and fills it.
    ///
    /// # Errors
    ///
    /// A program or OpenLDAP's schema is missing, or the server does not start; the text says which
    /// or why.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// As [`start`](Self::start), one that has no TLS, or knows a Kerberos realm.
    pub fn builder() -> TestLdapBuilder {
        TestLdapBuilder::new()
    }

    /// `ldap://127.0.0.1:…`, without TLS unless a client asks for it (StartTLS).
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.plain.number())
    }

    /// `ldapi://…`, the server's socket in its folder. Whoever runs the test is the
    /// [`service_dn`](Self::service_dn) there, by SASL EXTERNAL.
    pub fn ldapi_url(&self) -> String {
        setup::ldapi_url(self.folder.path())
    }

    /// `ldaps://localhost:…`; the certificate, signed by [`ca_file`](Self::ca_file), also names
    /// 127.0.0.1, this machine, and whatever is in the domain `example.test`.
    ///
    /// # Panics
    ///
    /// The server was started [without TLS](TestLdapBuilder::without_tls).
    pub fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.tls_port())
    }

    /// The port of [`tls_url`](Self::tls_url).
    ///
    /// # Panics
    ///
    /// As that one does.
    pub fn tls_port(&self) -> u16 {
        match &self.tls {
            Some(port) => port.number(),
            None => panic!("this server was started without TLS"),
        }
    }

    /// The certificate of the authority that signed the server's, as PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate signed by [`ca_file`](Self::ca_file) and its key, each as PEM. Whoever has them
    /// is the [`service_dn`](Self::service_dn), by SASL EXTERNAL.
    pub fn client_certificate(&self) -> (PathBuf, PathBuf) {
        let file = |ending| {
            self.folder
                .path()
                .join(format!("{}.{ending}", setup::CLIENT))
        };
        (file("pem"), file("key"))
    }

    /// The keytab of the principal `web`, who is the [`service_dn`](Self::service_dn) by SASL
    /// GSSAPI; none unless the server knows a [realm](TestLdapBuilder::realm).
    pub fn service_keytab(&self) -> Option<PathBuf> {
        let kerberos = self.kerberos.as_ref()?;
        Some(kerberos.keytab.with_file_name(SERVICE_KEYTAB))
    }

    /// The tree's root, `dc=example,dc=test`.
    pub fn base(&self) -> &'static str {
        BASE
    }

    /// Where people are: `ou=people,dc=example,dc=test`.
    pub fn people(&self) -> String {
        format!("ou=people,{BASE}")
    }

    /// Where groups are: `ou=groups,dc=example,dc=test`.
    pub fn groups(&self) -> String {
        format!("ou=groups,{BASE}")
    }

    /// The account that may read everything.
    pub fn service_dn(&self) -> String {
        setup::service_dn()
    }

    /// Its password.
    pub fn service_password(&self) -> &'static str {
        SERVICE_PASSWORD
    }

    /// Adds a person (an `inetOrgPerson`) and returns the DN.
    ///
    /// # Errors
    ///
    /// The server refuses the entry.
    pub fn add_person(&self, uid: &str, cn: &str) -> io::Result<String> {
        let dn = format!("uid={},{}", escape_rdn(uid), self.people());
        self.ldif(&format!(
            "{}objectClass: inetOrgPerson\n{}{}{}",
            attribute("dn", &dn),
            attribute("uid", uid),
            attribute("cn", cn),
            attribute("sn", cn),
        ))?;
        Ok(dn)
    }

    /// Adds a group (a `groupOfNames`) of these people, given by their uid, and returns its DN.
    ///
    /// # Errors
    ///
    /// The server refuses the entry, for one because there is no member.
    pub fn add_group<I>(&self, cn: &str, uids: I) -> io::Result<String>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let dn = format!("cn={},{}", escape_rdn(cn), self.groups());
        let mut ldif = format!(
            "{}objectClass: groupOfNames\n{}",
            attribute("dn", &dn),
            attribute("cn", cn),
        );
        for uid in uids {
            let member = format!("uid={},{}", escape_rdn(uid.as_ref()), self.people());
            ldif.push_str(&attribute("member", member));
        }
        self.ldif(&ldif)?;
        Ok(dn)
    }

    /// Adds the entries of an LDIF text (RFC 2849), or makes the changes it holds, as the root DN.
    ///
    /// # Errors
    ///
    /// The server refuses one, and the rest is not tried; the text is `ldapmodify`'s.
    pub fn ldif(&self, ldif: &str) -> io::Result<()> {
        let program = find_program("ldapmodify", "ldap-utils")?;
        run_with_input(
            Command::new(program)
                .env("LDAPNOINIT", "1")
                .args(["-a", "-x", "-H", &self.url()])
                .args(["-D", &setup::root_dn(), "-w", ROOT_PASSWORD]),
            ldif.as_bytes(),
        )
        .map(drop)
    }

    /// Binds with a DN and a password, as a person's own client does.
    ///
    /// # Errors
    ///
    /// The server refuses; the text is `ldapwhoami`'s.
    pub fn simple_bind(&self, dn: &str, password: &str) -> io::Result<()> {
        let program = find_program("ldapwhoami", "ldap-utils")?;
        let mut command = Command::new(program);
        command
            .env("LDAPNOINIT", "1")
            .args(["-x", "-H", &self.url(), "-D", dn, "-w", password]);
        run(&mut command).map(drop)
    }

    /// Ends the server at once, as a crash would: its connections break.
    pub fn stop(&mut self) {
        self.slapd = None;
    }

    /// Starts the server again, on the same ports and with the same entries; does nothing when it
    /// runs.
    ///
    /// # Errors
    ///
    /// It does not start; the text holds the end of its log.
    pub fn restart(&mut self) -> io::Result<()> {
        if self.slapd.as_mut().is_some_and(Daemon::is_running) {
            return Ok(());
        }
        self.slapd = None;
        let folder = self.folder.path();
        let mut urls = format!("{} {}", self.url(), self.ldapi_url());
        let mut ports = vec![self.plain.address()];
        if let Some(tls) = &self.tls {
            urls.push_str(&format!(" ldaps://127.0.0.1:{}", tls.number()));
            ports.push(tls.address());
        }
        let mut command = setup::slapd(folder)?;
        if let Some(kerberos) = &self.kerberos {
            command
                .env("KRB5_CONFIG", &kerberos.krb5_conf)
                .env("KRB5_KTNAME", &kerberos.keytab);
        }
        let log = folder.join("slapd.log");
        let mut slapd = Daemon::spawn(command.args(["-h", &urls]), &log, folder)?;
        slapd.wait_until_ready("slapd starting", &ports)?;
        self.slapd = Some(slapd);
        Ok(())
    }

    /// Stops the server without ending it (SIGSTOP): the kernel still accepts connections, and
    /// nothing answers.
    ///
    /// # Errors
    ///
    /// The server is not running.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen server go on.
    ///
    /// # Errors
    ///
    /// The server is not running.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// The temporary folder, for further files that shall go with the server.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match &self.slapd {
            Some(slapd) => slapd.signal(signal),
            None => Err(io::Error::other("the LDAP server is stopped")),
        }
    }
}

#[cfg(test)]
mod tests;

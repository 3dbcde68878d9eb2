//! A real Active Directory domain in a temporary folder.

use std::ffi::OsStr;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::certificate::make_certificate;
use super::process::{Daemon, find_program, run};
use super::realm::RealmFiles;
use super::skip;
use super::ticket::{Secret, TicketCache, TicketRequest};

mod accounts;
mod address;
mod image;
mod provision;
mod query;
mod settings;

pub use accounts::GroupScope;

use address::{Address, KERBEROS, LDAP, LDAPS};

/// An Active Directory domain of its own: Samba's domain controller on a loopback address of its
/// own, its database and all other files in a temporary folder. Any number can run at once.
/// Dropping it ends the server; the folder goes with the last [`TicketCache`] of the domain.
///
/// The realm is `AD.EXAMPLE.TEST`, the domain `EXAMPLE`. It has the users alice and bob, and the
/// service account `svc-web` with the SPN `HTTP/localhost`; the password of each is
/// [`PASSWORD`](Self::PASSWORD). It serves Kerberos, LDAP, LDAPS and the Global Catalog, on their
/// standard ports; there are neither DNS, RPC nor file shares.
///
/// It needs root, for the ports and because Samba's provisioning does. The first one of a process
/// provisions the domain, which takes some seconds; every other is a copy, with the same SIDs and
/// keys, and starts in about half a second.
///
/// The programs come from the Debian packages `samba`, `samba-ad-dc`, `samba-ad-provision`,
/// `samba-dsdb-modules`, `winbind`, `ldap-utils`, `krb5-user` and `openssl` (nothing of them needs
/// to be set up or running); errors name the one that is missing.
///
/// ```
/// use tower_spnego::testing::{TestActiveDirectory, active_directory_or_skip};
///
/// if !active_directory_or_skip("the example") {
///     return Ok(());
/// }
/// let ad = TestActiveDirectory::start()?;
/// ad.add_user("carol", "her password")?;
/// let carol = ad.ticket("carol").password("her password").get()?;
/// carol.token("HTTP/localhost")?; // for a layer with `ad.realm()` and `ad.keytab()`
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TestActiveDirectory {
    samba: Option<Daemon>,
    address: Address,
    files: Arc<RealmFiles>,
}

const REALM: &str = "AD.EXAMPLE.TEST";
const DOMAIN: &str = "EXAMPLE";
const BASE: &str = "DC=ad,DC=example,DC=test";
const CONTROLLER: &str = "dc1.ad.example.test";

/// For the first line of a test that needs [`TestActiveDirectory`]: whether to go on. Where it can't
/// start, for want of root or of Samba, it prints `not run: <test>: <reason>` and answers `false`.
///
/// # Panics
///
/// When it can't start and the variable `CI` is set: there, a test that does not run must not look
/// like one that passed.
pub fn active_directory_or_skip(test: &str) -> bool {
    skip::or_skip(test, TestActiveDirectory::available())
}

impl TestActiveDirectory {
    /// The password of those who are in the domain from the start. (Samba asks for three kinds of
    /// characters.)
    pub const PASSWORD: &str = "Correct horse battery staple 1";

    /// Whether one can start here.
    ///
    /// # Errors
    ///
    /// The reason why not.
    pub fn available() -> Result<(), String> {
        if !rustix::process::geteuid().is_root() {
            return Err("Samba's domain controller needs root".to_owned());
        }
        provision::available().map_err(|error| error.to_string())
    }

    /// Starts the domain.
    ///
    /// # Errors
    ///
    /// There is no root or a program is missing, provisioning fails, or the server does not start;
    /// the text says which or why.
    pub fn start() -> io::Result<Self> {
        let image = provision::image()?;
        let mut domain = Self::prepare()?;
        image.write_to(domain.folder())?;
        domain.restart()?;
        Ok(domain)
    }

    /// An address and a folder, with what depends on the two.
    fn prepare() -> io::Result<Self> {
        Self::available().map_err(io::Error::other)?;
        let address = Address::claim()?;
        let files = RealmFiles::create(REALM, address.port(KERBEROS))?;
        settings::write(files.folder(), address.ip())?;
        let names = format!("DNS:{CONTROLLER}, IP:{}", address.ip());
        make_certificate(files.folder(), &names)?;
        Ok(Self {
            samba: None,
            address,
            files: Arc::new(files),
        })
    }

    /// The Kerberos realm, `AD.EXAMPLE.TEST`.
    pub fn realm(&self) -> &'static str {
        REALM
    }

    /// The domain's short (NetBIOS) name, `EXAMPLE`.
    pub fn domain(&self) -> &'static str {
        DOMAIN
    }

    /// The tree's root, `DC=ad,DC=example,DC=test`.
    pub fn base_dn(&self) -> &'static str {
        BASE
    }

    /// The server's address in 127.0.0.0/8, where nothing else listens.
    pub fn address(&self) -> Ipv4Addr {
        self.address.ip()
    }

    /// The `krb5.conf` that knows this realm, for `KRB5_CONFIG` of a child process.
    pub fn krb5_conf(&self) -> &Path {
        self.files.krb5_conf()
    }

    /// The keytab with the AES keys of `HTTP/localhost`.
    pub fn keytab(&self) -> PathBuf {
        self.folder().join(provision::KEYTAB)
    }

    /// `ldap://127.…`, where a simple bind without StartTLS is refused.
    pub fn ldap_url(&self) -> String {
        format!("ldap://{}", self.address())
    }

    /// `ldaps://127.…`; the certificate, signed by [`ca_file`](Self::ca_file), names this address
    /// and `dc1.ad.example.test`.
    pub fn ldaps_url(&self) -> String {
        format!("ldaps://{}", self.address())
    }

    /// The certificate of the authority that signed the server's, as PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }

    /// The temporary folder, for further files that shall go with the domain.
    pub fn folder(&self) -> &Path {
        self.files.folder()
    }

    /// A ticket cache of `principal`, whose password is [`PASSWORD`](Self::PASSWORD).
    ///
    /// # Errors
    ///
    /// The KDC refuses, or is stopped.
    pub fn ticket_cache(&self, principal: &str) -> io::Result<TicketCache> {
        self.ticket(principal).get()
    }

    /// A ticket cache that is not the usual one: with another
    /// [`password`](TicketRequest::password), by an enterprise name, without a PAC.
    pub fn ticket(&self, principal: &str) -> TicketRequest {
        let password = Secret::Password(Self::PASSWORD.into());
        TicketRequest::new(self.files.clone(), password, principal)
    }

    /// Runs `samba-tool` with these arguments, such as `["user", "show", "alice"]`, on the domain's
    /// database, and returns what it prints. Half a second each: the methods here go through LDAP.
    ///
    /// # Errors
    ///
    /// It complains.
    pub fn samba_tool<I>(&self, arguments: I) -> io::Result<String>
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        let program = provision::find_samba("samba-tool")?;
        let output = run(self
            .command(program)
            .args(arguments)
            .arg("-s")
            .arg(settings::path(self.folder())))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A command in this realm's environment (`KRB5_CONFIG`), with no tickets.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.files.command(program)
    }

    /// Ends the server at once, as a crash would. Tickets that are in a cache keep working.
    pub fn stop(&mut self) {
        self.samba = None;
    }

    /// Starts the server again, at the same address and with the same entries; does nothing when it
    /// runs.
    ///
    /// # Errors
    ///
    /// It does not start; the text holds the end of its log.
    pub fn restart(&mut self) -> io::Result<()> {
        if self.samba.as_mut().is_some_and(Daemon::is_running) {
            return Ok(());
        }
        self.samba = None;
        let mut command = self.command(provision::find_samba("samba")?);
        command
            .arg("-s")
            .arg(settings::path(self.folder()))
            // One process, and in the group that is killed.
            .args(["--foreground", "--no-process-group", "--model=single"])
            .arg("--debug-stdout");
        let mut samba = Daemon::spawn(&mut command, &self.log_path(), self.folder())?;
        let ports = [KERBEROS, LDAP, LDAPS].map(|port| self.address.port(port));
        samba.wait_until_ready("using 'single' process model", &ports)?;
        self.samba = Some(samba);
        Ok(())
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("samba.log")
    }

    /// A client of OpenLDAP's that is bound as the domain's administrator.
    fn ldap_client(&self, program: &str) -> io::Result<Command> {
        let mut command = self.command(find_program(program, "ldap-utils")?);
        command
            .env("LDAPCONF", "/dev/null")
            .env("LDAPTLS_CACERT", self.ca_file())
            .args(["-x", "-N", "-H", &self.ldaps_url()])
            .args(["-D", &format!("Administrator@{REALM}")])
            .args(["-w", Self::PASSWORD]);
        Ok(command)
    }
}

#[cfg(test)]
mod tests;

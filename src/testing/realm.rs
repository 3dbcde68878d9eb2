//! A real KDC in a temporary folder.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;

use super::port::Port;
use super::process::{Daemon, find_program, run, run_with_input};
use super::ticket::{Secret, TicketCache, TicketRequest};

mod builder;
mod files;

pub use builder::TestRealmBuilder;
pub(super) use files::RealmFiles;

/// A Kerberos realm of its own: MIT's `krb5kdc` on a free port of 127.0.0.1, its database and all
/// other files in a temporary folder. It needs no root and takes a fraction of a second; any
/// number can run at once. Dropping it ends the KDC; the folder goes with the last
/// [`TicketCache`] of the realm.
///
/// The programs come from the Debian packages `krb5-kdc`, `krb5-admin-server` and `krb5-user`
/// (nothing of them needs to be set up); errors name the one that is missing.
///
/// Principals are written as MIT Kerberos writes them: the realm may be left out, and `/`, `@` and
/// `\` inside a component are escaped with `\`.
#[derive(Debug)]
pub struct TestRealm {
    keytab: PathBuf,
    kdc: Option<Daemon>,
    port: Port,
    files: Arc<RealmFiles>,
}

impl TestRealm {
    /// The realm `EXAMPLE.TEST` with the users alice and bob and the service `HTTP/localhost`.
    ///
    /// # Errors
    ///
    /// A program is missing, or the KDC does not start; the text says which or why.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// As [`start`](Self::start), with another name, other users or other services.
    pub fn builder() -> TestRealmBuilder {
        TestRealmBuilder::default()
    }

    /// The realm's name.
    pub fn realm(&self) -> &str {
        self.files.realm()
    }

    /// The keytab with the services' keys, `HTTP/localhost` unless the builder said otherwise.
    pub fn keytab(&self) -> &Path {
        &self.keytab
    }

    /// The `krb5.conf` that knows this realm, for `KRB5_CONFIG` of a child process.
    ///
    /// A layer with [`basic`](crate::SpnegoLayerBuilder::basic), and whatever else asks the KDC from
    /// inside the test's own process, needs it as `KRB5_CONFIG` of that process, from before its
    /// first thread on. To accept tokens needs nothing of it.
    pub fn krb5_conf(&self) -> &Path {
        self.files.krb5_conf()
    }

    /// The temporary folder, for further files that shall go with the realm.
    pub fn folder(&self) -> &Path {
        self.files.folder()
    }

    /// The KDC's log, which also tells who asked for which ticket.
    pub fn kdc_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// A ticket cache of `principal`, with a ticket for the KDC in it (as after `kinit`).
    ///
    /// # Errors
    ///
    /// The KDC refuses, or is stopped.
    pub fn ticket_cache(&self, principal: &str) -> io::Result<TicketCache> {
        self.ticket(principal).get()
    }

    /// A ticket cache of `principal` that is not the usual one: its lifetime, for one service only.
    pub fn ticket(&self, principal: &str) -> TicketRequest {
        TicketRequest::new(
            self.files.clone(),
            Secret::Keytab(self.user_keytab()),
            principal,
        )
    }

    /// Adds a user.
    ///
    /// # Errors
    ///
    /// `kadmin.local` refuses the name, for one because it exists.
    pub fn add_principal(&self, principal: &str) -> io::Result<()> {
        self.add_principals([principal])
    }

    /// Adds many users in one run; a thousand take about a second.
    ///
    /// # Errors
    ///
    /// As for [`add_principal`](Self::add_principal); the others may have been added.
    pub fn add_principals<I>(&self, principals: I) -> io::Result<()>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let mut commands = String::new();
        for principal in principals {
            let principal = principal.as_ref();
            if is_plain(principal) {
                let name = principal.replace('"', "\"\"");
                commands.push_str(&format!("addprinc -randkey \"{name}\"\n"));
                commands.push_str(&format!(
                    "ktadd -q -norandkey -k \"{}\" \"{name}\"\n",
                    self.user_keytab().display()
                ));
            } else {
                self.add_unusual(principal)?;
            }
        }
        if commands.is_empty() {
            return Ok(());
        }
        let mut kadmin = self.command(find_kadmin()?);
        let output = run_with_input(&mut kadmin, commands.as_bytes())?;
        check_complaints(&output.stderr)
    }

    /// Its name goes through the arguments: on standard input, `kadmin.local` takes some characters
    /// for editing keys.
    fn add_unusual(&self, principal: &str) -> io::Result<()> {
        self.kadmin(["addprinc", "-randkey", principal])?;
        self.export_keytab(principal, self.user_keytab())
    }

    /// Adds a service, such as `HTTP/intranet.example.test`, and its key to [`keytab`](Self::keytab).
    ///
    /// # Errors
    ///
    /// As for [`add_principal`](Self::add_principal).
    pub fn add_service(&self, spn: &str) -> io::Result<()> {
        self.kadmin(["addprinc", "-randkey", spn])?;
        self.export_keytab(spn, &self.keytab)
    }

    /// Appends the current key of `spn` to the keytab `path`, which may hold keys of other services,
    /// older keys, and keys of other realms.
    ///
    /// # Errors
    ///
    /// The realm has no such principal, or the file can't be written.
    pub fn export_keytab(&self, spn: &str, path: impl AsRef<Path>) -> io::Result<()> {
        self.kadmin([
            OsStr::new("ktadd"),
            OsStr::new("-q"),
            OsStr::new("-norandkey"),
            OsStr::new("-k"),
            path.as_ref().as_os_str(),
            OsStr::new(spn),
        ])
        .map(drop)
    }

    /// Gives `spn` a new key with the next kvno. The keytab does not have it until
    /// [`export_keytab`](Self::export_keytab); tickets in a cache keep the old one.
    ///
    /// # Errors
    ///
    /// The realm has no such principal.
    pub fn change_key(&self, spn: &str) -> io::Result<()> {
        self.kadmin(["cpw", "-randkey", spn]).map(drop)
    }

    /// Gives a user this password. The user's key changes with it, so that
    /// [`ticket_cache`](Self::ticket_cache) works for them no more: get the caches first.
    ///
    /// # Errors
    ///
    /// The realm has no such principal, or its policy forbids the password.
    pub fn set_password(&self, principal: &str, password: &str) -> io::Result<()> {
        self.kadmin(["cpw", "-pw", password, principal]).map(drop)
    }

    /// Runs `kadmin.local` with these arguments, such as
    /// `["modprinc", "-allow_tix", "bob"]`, and returns what it prints.
    ///
    /// # Errors
    ///
    /// It complains.
    pub fn kadmin<I>(&self, arguments: I) -> io::Result<String>
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        let output = run(self.command(find_kadmin()?).args(arguments))?;
        check_complaints(&output.stderr)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A command in this realm's environment (`KRB5_CONFIG`), with no tickets.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.files.command(program);
        command.env("KRB5_KDC_PROFILE", self.folder().join("kdc.conf"));
        command
    }

    /// Ends the KDC. Tickets that are in a cache keep working.
    pub fn stop_kdc(&mut self) {
        self.kdc = None;
    }

    /// Lets the KDC do nothing, until [`thaw_kdc`](Self::thaw_kdc): clients connect, and wait for
    /// its answer.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn freeze_kdc(&self) -> io::Result<()> {
        self.signal_kdc(Signal::STOP)
    }

    /// Lets a frozen KDC go on: it answers what has come meanwhile.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn thaw_kdc(&self) -> io::Result<()> {
        self.signal_kdc(Signal::CONT)
    }

    fn signal_kdc(&self, signal: Signal) -> io::Result<()> {
        let kdc = self.kdc.as_ref();
        kdc.ok_or_else(|| io::Error::other("the KDC is stopped"))?
            .signal(signal)
    }

    /// Starts the KDC again, on the same port; does nothing when it runs.
    ///
    /// # Errors
    ///
    /// It does not start; the text holds the end of its log.
    pub fn start_kdc(&mut self) -> io::Result<()> {
        if self.kdc.as_mut().is_some_and(Daemon::is_running) {
            return Ok(());
        }
        self.kdc = None;
        let program = find_program("krb5kdc", "krb5-kdc")?;
        let mut krb5kdc = self.command(program);
        let mut kdc = Daemon::spawn(krb5kdc.arg("-n"), &self.log_path(), self.folder())?;
        kdc.wait_until_ready("commencing operation", &[self.port.address()])?;
        self.kdc = Some(kdc);
        Ok(())
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("kdc.log")
    }

    fn user_keytab(&self) -> PathBuf {
        self.folder().join("users.keytab")
    }
}

fn find_kadmin() -> io::Result<PathBuf> {
    find_program("kadmin.local", "krb5-admin-server")
}

/// Whether `kadmin.local` reads this name from its standard input as it stands.
fn is_plain(principal: &str) -> bool {
    principal
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// `kadmin.local` exits with 0 after most of its errors.
fn check_complaints(stderr: &[u8]) -> io::Result<()> {
    let stderr = String::from_utf8_lossy(stderr);
    let complaints: Vec<_> = stderr
        .lines()
        .filter(|line| !line.to_lowercase().contains("no policy specified for"))
        .collect();
    if complaints.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(complaints.join("; ")))
}

#[cfg(test)]
mod tests;

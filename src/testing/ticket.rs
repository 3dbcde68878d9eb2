//! Ticket caches: what a client holds.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::handshake::HandshakeRequest;
use super::process::{find_program, run, run_with_input};
use super::realm::RealmFiles;

/// A user's Kerberos tickets in a file of their own, as `kinit` leaves them.
///
/// It serves two kinds of clients: programs such as curl or a browser, through
/// [`command`](Self::command); and the test itself, which makes a Negotiate token in its own
/// process with [`token`](Self::token), and needs no environment variable for it.
#[derive(Debug)]
pub struct TicketCache {
    files: Arc<RealmFiles>,
    path: PathBuf,
    principal: String,
    services: Mutex<HashSet<String>>,
}

/// A ticket cache to be: see [`TestRealm::ticket`](super::TestRealm::ticket) and
/// [`TestActiveDirectory::ticket`](super::TestActiveDirectory::ticket).
#[derive(Debug, Clone)]
#[must_use = "nothing asks the KDC before `get`"]
pub struct TicketRequest {
    files: Arc<RealmFiles>,
    secret: Secret,
    principal: String,
    name: NameForm,
    canonicalize: bool,
    lifetime: Option<Duration>,
    delay: Option<Duration>,
    service: Option<String>,
    pac: bool,
}

/// What proves to the KDC who asks.
#[derive(Debug, Clone)]
pub(super) enum Secret {
    Keytab(PathBuf),
    Password(SecretString),
}

/// How `kinit` reads the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameForm {
    Principal,
    Enterprise,
}

impl TicketRequest {
    pub(super) fn new(files: Arc<RealmFiles>, secret: Secret, principal: &str) -> Self {
        Self {
            files,
            secret,
            principal: principal.to_owned(),
            name: NameForm::Principal,
            canonicalize: false,
            lifetime: None,
            delay: None,
            service: None,
            pac: true,
        }
    }

    /// The password to ask with, in place of the one or the key that the user was given at first.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.secret = Secret::Password(password.into().into());
        self
    }

    /// Takes the name for an enterprise name, such as `alice@example.test` (`kinit -E`, RFC 6806
    /// section 5): Active Directory looks for it among UPNs and accounts. Unless the KDC is to
    /// [`canonicalize`](Self::canonicalize), the ticket names `alice\@example.test@REALM`.
    pub fn enterprise(mut self) -> Self {
        self.name = NameForm::Enterprise;
        self
    }

    /// Lets the KDC put the name it knows into the ticket (`kinit -C`, RFC 6806 section 6). Without
    /// it the name is the client's spelling.
    pub fn canonicalize(mut self) -> Self {
        self.canonicalize = true;
        self
    }

    /// Tickets that end after `lifetime`, in whole seconds.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Tickets that become valid only after `delay`, in whole seconds (`kinit -s`). Together with
    /// [`only_for`](Self::only_for): a ticket for the KDC that is not valid yet gets no other.
    pub fn starting_in(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// A ticket for the service `spn` alone, got without a ticket for the KDC (`kinit -S`).
    pub fn only_for(mut self, spn: impl Into<String>) -> Self {
        self.service = Some(spn.into());
        self
    }

    /// Asks the KDC to leave the PAC out of the ticket.
    pub fn without_pac(mut self) -> Self {
        self.pac = false;
        self
    }

    /// Asks the KDC.
    ///
    /// # Errors
    ///
    /// The KDC refuses, or is stopped; the text is `kinit`'s.
    pub fn get(&self) -> io::Result<TicketCache> {
        let path = self.files.next_cache();
        let mut kinit = self.files.command(find_program("kinit", "krb5-user")?);
        kinit.arg("-c").arg(&path);
        let mut password = String::new();
        match &self.secret {
            Secret::Keytab(keytab) => {
                kinit.arg("-k").arg("-t").arg(keytab);
            }
            Secret::Password(secret) => password = format!("{}\n", secret.expose_secret()),
        }
        if self.name == NameForm::Enterprise {
            kinit.arg("-E");
        }
        if self.canonicalize {
            kinit.arg("-C");
        }
        if let Some(lifetime) = self.lifetime {
            kinit.arg("-l").arg(format!("{}s", lifetime.as_secs()));
        }
        if let Some(delay) = self.delay {
            kinit.arg("-s").arg(format!("{}s", delay.as_secs()));
        }
        if let Some(service) = &self.service {
            kinit.arg("-S").arg(service);
        }
        if !self.pac {
            kinit.arg("--no-request-pac");
        }
        run_with_input(kinit.arg("--").arg(&self.principal), password.as_bytes())?;
        Ok(TicketCache {
            files: self.files.clone(),
            path,
            principal: self.principal.clone(),
            services: Mutex::new(self.service.iter().cloned().collect()),
        })
    }
}

impl TicketCache {
    /// The cache's file, for `KRB5CCNAME`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose tickets they are, as given to
    /// [`TestRealm::ticket_cache`](super::TestRealm::ticket_cache) or to
    /// [`TestActiveDirectory::ticket_cache`](super::TestActiveDirectory::ticket_cache).
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// The realm's name.
    pub fn realm(&self) -> &str {
        self.files.realm()
    }

    pub(super) fn krb5_conf(&self) -> &Path {
        self.files.krb5_conf()
    }

    /// A command that has these tickets: `KRB5_CONFIG` and `KRB5CCNAME` are set.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.files.command(program);
        command.env("KRB5CCNAME", &self.path);
        command
    }

    /// A fresh initial token for `spn`, such as `HTTP/localhost`: SPNEGO, with mutual
    /// authentication asked for. No two are alike, so none is a replay.
    ///
    /// The first call for an SPN asks the KDC for the ticket; later ones work without it.
    ///
    /// # Errors
    ///
    /// The KDC refuses or is stopped, or the ticket has expired.
    pub fn token(&self, spn: &str) -> io::Result<Vec<u8>> {
        Ok(self.handshake(spn).start()?.token().to_vec())
    }

    /// A handshake with `spn` that is not the usual one (raw Kerberos, without mutual
    /// authentication, with a channel binding), or whose answer is to be checked.
    pub fn handshake(&self, spn: &str) -> HandshakeRequest<'_> {
        HandshakeRequest::new(self, spn)
    }

    /// Gets the ticket for `spn` into the cache, so that a token needs the KDC no more.
    ///
    /// # Errors
    ///
    /// The KDC refuses or is stopped; the text is `kvno`'s.
    pub fn service_ticket(&self, spn: &str) -> io::Result<()> {
        // Held while kvno runs: a ccache written by two at once could hold half a ticket.
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if !services.contains(spn) {
            let mut kvno = self.command(find_program("kvno", "krb5-user")?);
            run(kvno.args(["-q", spn]))?;
            services.insert(spn.to_owned());
        }
        Ok(())
    }
}

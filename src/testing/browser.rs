//! What all browsers have: a profile in a folder of their own, the tickets of a person, and a
//! process.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{Daemon, find_on_path, tail};
use super::skip;
use super::ticket::TicketCache;

/// For whatever a browser does and then ends.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// Which browser it is, and what tests call it.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) name: &'static str,
    /// The names of its program, the preferred first.
    pub(super) programs: &'static [&'static str],
    pub(super) debian_package: &'static str,
    /// The environment variable that names the program.
    pub(super) program_variable: &'static str,
    /// The environment variable that skips its tests.
    pub(super) skip_variable: &'static str,
}

impl Product {
    fn find(&self) -> io::Result<PathBuf> {
        if let Some(program) = std::env::var_os(self.program_variable) {
            return Ok(PathBuf::from(program));
        }
        let found = self.programs.iter().find_map(|name| find_on_path(name));
        found.ok_or_else(|| {
            let (names, package) = (self.programs.join(" or "), self.debian_package);
            io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "there is no program {names} on PATH; Debian has it in the package {package}"
                ),
            )
        })
    }

    /// Whether there is one to use, or the reason why not.
    pub(super) fn available(&self) -> Result<(), String> {
        if std::env::var_os(self.skip_variable).is_some() {
            return Err(format!("{} is set", self.skip_variable));
        }
        self.find().map(drop).map_err(|error| error.to_string())
    }

    /// As [`chromium_or_skip`](super::chromium_or_skip).
    pub(super) fn or_skip(&self, test: &str) -> bool {
        skip::or_skip(test, self.available())
    }
}

/// A browser that runs or not, and its profile. Dropping it ends the one and removes the other.
#[derive(Debug)]
pub(super) struct Browser {
    product: &'static Product,
    program: PathBuf,
    environment: Vec<(&'static str, PathBuf)>,
    running: Option<Daemon>,
    folder: TempDir,
}

impl Browser {
    /// With an empty profile, for a person who holds these tickets, or none.
    pub(super) fn new(product: &'static Product, cache: Option<&TicketCache>) -> io::Result<Self> {
        let program = product.find()?;
        // Short: a socket's path in it has an end at 107 bytes.
        let folder = tempfile::Builder::new().prefix("spnego-web-").tempdir()?;
        fs::create_dir(folder.path().join("profile"))?;
        let (krb5_conf, ccache) = match cache {
            Some(cache) => (cache.krb5_conf().to_owned(), cache.path().to_owned()),
            None => ("/dev/null".into(), folder.path().join("no-tickets")),
        };
        let environment = vec![
            ("KRB5_CONFIG", krb5_conf),
            ("KRB5CCNAME", ccache),
            ("HOME", folder.path().to_owned()),
            ("TMPDIR", folder.path().to_owned()),
        ];
        Ok(Self {
            product,
            program,
            environment,
            running: None,
            folder,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn profile(&self) -> PathBuf {
        self.folder().join("profile")
    }

    /// The program in the person's environment, with no argument yet.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME");
        command
    }

    /// Lets `command` run until the next [`close`](Self::close), or the drop.
    pub(super) fn start(&mut self, mut command: Command) -> io::Result<()> {
        let daemon = Daemon::spawn(&mut command, &self.log_path(), self.folder())?;
        self.running = Some(daemon);
        Ok(())
    }

    /// Runs `command` to its end: what it printed.
    pub(super) fn run_once(&self, mut command: Command) -> io::Result<Vec<u8>> {
        let output = self.folder().join("output");
        let mut browser = Daemon::spawn_printing_to(
            File::create(&output)?,
            &mut command,
            &self.log_path(),
            self.folder(),
        )?;
        let name = self.product.name;
        match browser.wait(DEADLINE)? {
            Some(status) if status.success() => fs::read(output),
            Some(status) => Err(browser.error(&format!("{name} failed ({status})"))),
            None => Err(browser.error(&format!("{name} did not end within a minute"))),
        }
    }

    /// Asks it to end by `signal`, and kills it if it does not.
    pub(super) fn close(&mut self, signal: Signal) -> io::Result<()> {
        if let Some(mut browser) = self.running.take() {
            // An error means that it has ended by itself.
            let _ = browser.signal(signal);
            browser.wait(Duration::from_secs(5))?;
        }
        Ok(())
    }

    /// The end of what it has logged.
    pub(super) fn log(&self) -> String {
        tail(&self.log_path())
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("browser.log")
    }
}

#[cfg(test)]
pub(super) mod server;

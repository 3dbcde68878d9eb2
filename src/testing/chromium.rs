//! A real browser, headless.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{Daemon, find_on_path, tail};
use super::ticket::TicketCache;

/// A headless Chromium with a profile of its own, that signs in by Negotiate at `localhost` with
/// the tickets of a [`TicketCache`]. Dropping it ends the browser and removes the profile.
///
/// The browser is the one that the variable `TOWER_SPNEGO_CHROMIUM` names, else `chromium`,
/// `chromium-browser` or `google-chrome` on PATH.
///
/// A page is opened in one of three ways: [`open`](Self::open) lets it run, for a script in it to
/// report to the test's own server; [`dump_dom`](Self::dump_dom) and
/// [`screenshot`](Self::screenshot) load it and end. Each starts the browser anew in the same
/// profile: cookies with an expiry are still there, session cookies are not.
#[derive(Debug)]
pub struct Chromium {
    program: PathBuf,
    environment: Vec<(&'static str, PathBuf)>,
    browser: Option<Daemon>,
    folder: TempDir,
}

const DEADLINE: Duration = Duration::from_secs(60);

impl Chromium {
    /// A browser whose person holds these tickets, or none; nothing runs yet.
    ///
    /// # Errors
    ///
    /// There is no browser; the text says what was looked for.
    pub fn new(cache: Option<&TicketCache>) -> io::Result<Self> {
        let program = find_browser()?;
        // Short: a socket's path in it has an end at 107 bytes.
        let folder = tempfile::Builder::new().prefix("spnego-web-").tempdir()?;
        let profile = folder.path().join("profile");
        fs::create_dir(&profile)?;
        // Without this, the sandbox of a fresh profile's network service keeps libgssapi from
        // being loaded.
        fs::write(
            profile.join("Local State"),
            r#"{"net":{"received_http_auth_negotiate_headers":true}}"#,
        )?;
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
            program,
            environment,
            browser: None,
            folder,
        })
    }

    /// As [`new`](Self::new), with the page `url` open.
    ///
    /// # Errors
    ///
    /// There is no browser, or it does not start.
    pub fn start(cache: Option<&TicketCache>, url: &str) -> io::Result<Self> {
        let mut chromium = Self::new(cache)?;
        chromium.open(url)?;
        Ok(chromium)
    }

    /// Opens `url` and lets it run until the next call, or the drop.
    ///
    /// # Errors
    ///
    /// The browser does not start.
    pub fn open(&mut self, url: &str) -> io::Result<()> {
        self.close()?;
        let mut command = self.command(url);
        self.browser = Some(Daemon::spawn(
            &mut command,
            &self.log_path(),
            self.folder.path(),
        )?);
        Ok(())
    }

    /// Loads `url` and returns the document as HTML, after its scripts have run.
    ///
    /// # Errors
    ///
    /// The browser does not start or does not end within a minute; the text holds the end of its
    /// log.
    pub fn dump_dom(&mut self, url: &str) -> io::Result<String> {
        let output = self.run_once(url, &["--dump-dom".to_owned()])?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// Loads `url` and saves what it looks like, in `size` (width and height in pixels), as the
    /// PNG file `png`.
    ///
    /// # Errors
    ///
    /// As for [`dump_dom`](Self::dump_dom), or the file can't be written.
    pub fn screenshot(
        &mut self,
        url: &str,
        png: impl AsRef<Path>,
        size: (u32, u32),
    ) -> io::Result<()> {
        let picture = self.folder.path().join("picture.png");
        self.run_once(
            url,
            &[
                format!("--screenshot={}", picture.display()),
                format!("--window-size={},{}", size.0, size.1),
                "--hide-scrollbars".to_owned(),
            ],
        )?;
        fs::copy(&picture, png)?;
        fs::remove_file(picture)
    }

    /// Ends the browser and keeps the profile. It is asked first, so that it writes its cookies.
    ///
    /// # Errors
    ///
    /// The system can't say whether it runs.
    pub fn close(&mut self) -> io::Result<()> {
        if let Some(mut browser) = self.browser.take() {
            // After SIGTERM it would end as fast, with the latest cookies lost. An error means
            // that it has ended by itself.
            let _ = browser.signal(Signal::INT);
            browser.wait(Duration::from_secs(5))?;
        }
        // A killed browser leaves its lock, which holds for whoever has its process id next.
        for name in ["SingletonLock", "SingletonSocket", "SingletonCookie"] {
            let _ = fs::remove_file(self.folder.path().join("profile").join(name));
        }
        Ok(())
    }

    /// The end of what the browser has logged.
    pub fn log(&self) -> String {
        tail(&self.log_path())
    }

    fn run_once(&mut self, url: &str, flags: &[String]) -> io::Result<Vec<u8>> {
        self.close()?;
        let output = self.folder.path().join("output");
        let mut command = self.command(url);
        let mut browser = Daemon::spawn_printing_to(
            fs::File::create(&output)?,
            command.args(flags),
            &self.log_path(),
            self.folder.path(),
        )?;
        match browser.wait(DEADLINE)? {
            Some(status) if status.success() => fs::read(output),
            Some(status) => Err(browser.error(&format!("Chromium failed ({status})"))),
            None => Err(browser.error("Chromium did not end within a minute")),
        }
    }

    fn command(&self, url: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .args(["--headless", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync"])
            .args(["--disable-breakpad", "--disable-dev-shm-usage"])
            .arg("--auth-server-allowlist=localhost")
            .arg(format!(
                "--user-data-dir={}",
                self.folder.path().join("profile").display()
            ));
        if rustix::process::geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        command.arg(url);
        command
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("chromium.log")
    }
}

/// For the first line of a test that needs the browser: whether to go on. Where there is none (or
/// the variable `TOWER_SPNEGO_SKIP_CHROMIUM` is set), it prints `not run: <test>: <reason>` and
/// answers `false`.
///
/// # Panics
///
/// When there is no browser and the variable `CI` is set: there, a test that does not run must not
/// look like one that passed.
pub fn chromium_or_skip(test: &str) -> bool {
    match Chromium::available() {
        Ok(()) => true,
        Err(reason) if std::env::var_os("CI").is_some() => {
            panic!("not run: {test}: {reason}");
        }
        Err(reason) => {
            println!("not run: {test}: {reason}");
            false
        }
    }
}

impl Chromium {
    /// Whether there is a browser to use.
    ///
    /// # Errors
    ///
    /// The reason why not.
    pub fn available() -> Result<(), String> {
        if std::env::var_os("TOWER_SPNEGO_SKIP_CHROMIUM").is_some() {
            return Err("TOWER_SPNEGO_SKIP_CHROMIUM is set".to_owned());
        }
        find_browser().map(drop).map_err(|error| error.to_string())
    }
}

fn find_browser() -> io::Result<PathBuf> {
    if let Some(program) = std::env::var_os("TOWER_SPNEGO_CHROMIUM") {
        return Ok(PathBuf::from(program));
    }
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(find_on_path)
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "there is no program chromium, chromium-browser or google-chrome on PATH; Debian \
                 has it in the package chromium",
            )
        })
}

#[cfg(test)]
mod tests;

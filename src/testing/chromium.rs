//! A real browser, headless.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::browser::{Browser, Product};
use super::ticket::TicketCache;

static CHROMIUM: Product = Product {
    name: "Chromium",
    programs: &["chromium", "chromium-browser", "google-chrome"],
    debian_package: "chromium",
    program_variable: "TOWER_SPNEGO_CHROMIUM",
    skip_variable: "TOWER_SPNEGO_SKIP_CHROMIUM",
};

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
    browser: Browser,
    accepts_any_certificate: bool,
}

impl Chromium {
    /// A browser whose person holds these tickets, or none; nothing runs yet.
    ///
    /// # Errors
    ///
    /// There is no browser; the text says what was looked for.
    pub fn new(cache: Option<&TicketCache>) -> io::Result<Self> {
        let browser = Browser::new(&CHROMIUM, cache)?;
        // Without this, the sandbox of a fresh profile's network service keeps libgssapi from
        // being loaded.
        fs::write(
            browser.profile().join("Local State"),
            r#"{"net":{"received_http_auth_negotiate_headers":true}}"#,
        )?;
        Ok(Self {
            browser,
            accepts_any_certificate: false,
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

    /// Lets it take whatever certificate a server shows: no authority has signed a test's.
    #[must_use]
    pub fn accept_any_certificate(mut self) -> Self {
        self.accepts_any_certificate = true;
        self
    }

    /// Opens `url` and lets it run until the next call, or the drop.
    ///
    /// # Errors
    ///
    /// The browser does not start.
    pub fn open(&mut self, url: &str) -> io::Result<()> {
        self.close()?;
        self.browser.start(self.command(url))
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
        let picture = self.browser.folder().join("picture.png");
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
        // After SIGTERM it would end as fast, with the latest cookies lost.
        self.browser.close(Signal::INT)?;
        // A killed browser leaves its lock, which holds for whoever has its process id next.
        for name in ["SingletonLock", "SingletonSocket", "SingletonCookie"] {
            let _ = fs::remove_file(self.browser.profile().join(name));
        }
        Ok(())
    }

    /// The end of what the browser has logged.
    pub fn log(&self) -> String {
        self.browser.log()
    }

    fn run_once(&mut self, url: &str, flags: &[String]) -> io::Result<Vec<u8>> {
        self.close()?;
        let mut command = self.command(url);
        command.args(flags);
        self.browser.run_once(command)
    }

    fn command(&self, url: &str) -> Command {
        let mut command = self.browser.command();
        command
            .args(["--headless", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync"])
            .args(["--disable-breakpad", "--disable-dev-shm-usage"])
            .arg("--auth-server-allowlist=localhost")
            .arg(format!(
                "--user-data-dir={}",
                self.browser.profile().display()
            ));
        if rustix::process::geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        if self.accepts_any_certificate {
            command.arg("--ignore-certificate-errors");
        }
        command.arg(url);
        command
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
    CHROMIUM.or_skip(test)
}

impl Chromium {
    /// Whether there is a browser to use.
    ///
    /// # Errors
    ///
    /// The reason why not.
    pub fn available() -> Result<(), String> {
        CHROMIUM.available()
    }
}

#[cfg(test)]
mod tests;

//! The other real browser, headless.

use std::fs;
use std::io;
use std::process::Command;

use rustix::process::Signal;
use sha2::{Digest, Sha256};

use super::browser::{Browser, Product};
use super::ticket::TicketCache;

static FIREFOX: Product = Product {
    name: "Firefox",
    programs: &["firefox-esr", "firefox"],
    debian_package: "firefox-esr",
    program_variable: "TOWER_SPNEGO_FIREFOX",
    skip_variable: "TOWER_SPNEGO_SKIP_FIREFOX",
};

/// A headless Firefox with a profile of its own, that signs in by Negotiate at `localhost` with
/// the tickets of a [`TicketCache`]. Dropping it ends the browser and removes the profile.
///
/// The browser is the one that the variable `TOWER_SPNEGO_FIREFOX` names, else `firefox-esr` or
/// `firefox` on PATH. It reaches this machine only, by `localhost` and its addresses.
///
/// A page runs, for a script in it to report to the test's own server. [`open`](Self::open) starts
/// the browser anew in the same profile; of its cookies, the latest may be lost.
#[derive(Debug)]
pub struct Firefox {
    browser: Browser,
}

/// The proxy that is not there keeps all that Firefox asks of Mozilla and others on this machine;
/// `localhost` needs no proxy. An end by signal looks like a crash to it, hence the two lines on those.
const PREFERENCES: &str = r#"
user_pref("network.negotiate-auth.trusted-uris", "localhost");
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
user_pref("network.proxy.allow_bypass", false);
user_pref("network.proxy.failover_direct", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.sessionstore.resume_from_crash", false);
user_pref("toolkit.startup.max_resumed_crashes", -1);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
"#;

impl Firefox {
    /// A browser whose person holds these tickets, or none; nothing runs yet.
    ///
    /// # Errors
    ///
    /// There is no browser; the text says what was looked for.
    pub fn new(cache: Option<&TicketCache>) -> io::Result<Self> {
        let browser = Browser::new(&FIREFOX, cache)?;
        fs::write(browser.profile().join("user.js"), PREFERENCES)?;
        Ok(Self { browser })
    }

    /// As [`new`](Self::new), with the page `url` open.
    ///
    /// # Errors
    ///
    /// There is no browser, or it does not start.
    pub fn start(cache: Option<&TicketCache>, url: &str) -> io::Result<Self> {
        let mut firefox = Self::new(cache)?;
        firefox.open(url)?;
        Ok(firefox)
    }

    /// Lets it take this certificate, in DER, of the server at `localhost` and `port`: no authority
    /// has signed a test's.
    ///
    /// # Errors
    ///
    /// The profile can't be written.
    pub fn accept_certificate(&mut self, port: u16, certificate: &[u8]) -> io::Result<()> {
        let fingerprint: Vec<_> = Sha256::digest(certificate)
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        // As where a person has gone on past the warning; the number is that of SHA-256.
        let exception = format!(
            "localhost:{port}:\tOID.2.16.840.1.101.3.4.2.1\t{}\t\n",
            fingerprint.join(":")
        );
        fs::write(self.browser.profile().join("cert_override.txt"), exception)
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

    /// Ends the browser and keeps the profile. It can't be asked to write its latest cookies first:
    /// no signal makes it.
    ///
    /// # Errors
    ///
    /// The system can't say whether it runs.
    pub fn close(&mut self) -> io::Result<()> {
        self.browser.close(Signal::TERM)
    }

    /// The end of what the browser has logged.
    pub fn log(&self) -> String {
        self.browser.log()
    }

    /// Whether there is a browser to use.
    ///
    /// # Errors
    ///
    /// The reason why not.
    pub fn available() -> Result<(), String> {
        FIREFOX.available()
    }

    fn command(&self, url: &str) -> Command {
        let mut command = self.browser.command();
        command
            // What reports a crash would outlive the browser.
            .env("MOZ_CRASHREPORTER_DISABLE", "1")
            .args(["--headless", "--no-remote", "--profile"])
            .arg(self.browser.profile())
            .arg(url);
        command
    }
}

/// As [`chromium_or_skip`](super::chromium_or_skip), with the variable `TOWER_SPNEGO_SKIP_FIREFOX`.
///
/// # Panics
///
/// When there is no browser and the variable `CI` is set: there, a test that does not run must not
/// look like one that passed.
pub fn firefox_or_skip(test: &str) -> bool {
    FIREFOX.or_skip(test)
}

#[cfg(test)]
mod tests;

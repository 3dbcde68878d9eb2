//! `guide::browsers`: its policies are installed as they stand, and sign in.
//!
//! In a mount namespace of the browser's own, so that no other test's browser has them, and the
//! machine keeps none.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use tower_spnego::testing::{TestRealm, TicketCache, chromium_or_skip, firefox_or_skip};
use tower_spnego::{PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder};

use crate::clients::greeting;
use crate::daemon::Daemon;
use crate::markdown::texts;
use crate::not_run;
use crate::served::{DEADLINE, outcomes};
use crate::website::Website;

const GUIDE: &str = include_str!("../../../src/guide/browsers.md");

const HOST: &str = "intranet.corp.example.com";

/// The guide's n-th policy.
fn policy(n: usize) -> String {
    let mut policies = texts(GUIDE, "json");
    assert_eq!(policies.len(), 2, "Chromium's and Firefox's");
    policies.swap_remove(n)
}

fn may_mount(test: &str) -> bool {
    let mut unshare = Command::new("unshare");
    let layers = "mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work && mount -t overlay overlay \
        -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc";
    let tried = unshare.args(["--mount", "sh", "-c", layers]).output();
    let works = tried.is_ok_and(|output| output.status.success());
    if !works {
        not_run(
            test,
            "a mount namespace needs root, and a container's leave",
        );
    }
    works
}

/// A site of the guide's name, and a person of its realm.
struct Site {
    website: Website,
    alice: TicketCache,
    _realm: TestRealm,
}

impl Site {
    /// With a page for whoever signs in.
    fn start() -> Self {
        let script = "await report(document.querySelector('h1').textContent)";
        Self::with(|layer| Website::start(layer, script))
    }

    /// With a page for everybody, which asks for one that is not.
    fn public() -> Self {
        let script = "await report((await fetch('/greeting')).status)";
        Self::with(|layer| Website::public(greeting("/greeting", layer), script))
    }

    fn with(website: impl FnOnce(SpnegoLayerBuilder) -> Website) -> Self {
        let realm = TestRealm::builder().service(format!("HTTP/{HOST}")).start();
        let realm = realm.expect("a realm");
        let layer = SpnegoLayer::builder()
            .realm(realm.realm())
            .hostnames([HOST])
            .keytab(realm.keytab())
            .directory(PrincipalOnly);
        Self {
            website: website(layer),
            alice: realm.ticket_cache("alice").expect("a ticket"),
            _realm: realm,
        }
    }

    fn url(&self) -> String {
        format!("http://{HOST}:{}/", self.website.served.port())
    }
}

/// A browser that runs until it is dropped, in a namespace where `/etc` has this file besides, and
/// the site's host is this machine.
struct Browser {
    _daemon: Daemon,
    folder: TempDir,
}

impl Browser {
    /// `command` is for a shell, in the browser's own folder, with the page's address as `$1`.
    fn start(site: &Site, (path, policy): (&str, &str), command: &str) -> Self {
        // Short: a socket's path in it has an end at 107 bytes.
        let folder = tempfile::Builder::new().prefix("spnego-web-").tempdir();
        let folder = folder.expect("a folder");
        let file = folder.path().join("etc").join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("folders");
        fs::write(file, policy).expect("written");
        let hosts = format!("127.0.0.1 localhost {HOST}\n");
        fs::write(folder.path().join("etc/hosts"), hosts).expect("written");
        fs::create_dir(folder.path().join("profile")).expect("a folder");
        let program = site.alice.command("true");
        let variables = program.get_envs().filter_map(|(name, value)| {
            let (name, value) = (name.to_str()?, value?.to_str()?);
            name.starts_with("KRB5")
                .then(|| format!("{name}='{value}'"))
        });
        let variables: Vec<_> = variables.collect();
        // The layer that is written to is in memory: not every file system can be one.
        let script = format!(
            r#"set -e
            mkdir over && mount -t tmpfs tmpfs over && mkdir over/work && mv etc over/upper
            mount -t overlay overlay -o lowerdir=/etc,upperdir=over/upper,workdir=over/work /etc
            unset XDG_CONFIG_HOME XDG_CACHE_HOME
            export HOME="$PWD" TMPDIR="$PWD" {}
            {command}"#,
            variables.join(" "),
        );
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "bash", "-c", &script, "bash", &site.url()]);
        Self {
            _daemon: Daemon::start(&unshare, folder.path(), "KILL"),
            folder,
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// What the page reports, and the requests for `path`.
#[track_caller]
fn comes_to(site: &Site, browser: &Browser, path: &str, report: Value, trips: &[(u16, bool)]) {
    let came = site.website.reports.recv_timeout(DEADLINE);
    let seen = outcomes(&site.website.served.trips(path));
    let log = || browser.log();
    assert_eq!(came.ok(), Some(report), "{seen:?} {}", log());
    assert_eq!(seen, trips, "{}", log());
}

/// By the guide's policy, and by no other's.
fn its_policy_signs_in_at_the_sites_that_it_names(path: &str, policy: &str, command: &str) {
    let site = Site::start();
    let browser = Browser::start(&site, (path, policy), command);
    let trips = [(401, false), (200, true)];
    comes_to(&site, &browser, "/", json!("Hello, alice"), &trips);
    drop(browser);

    let site = Site::public();
    let others = policy.replace("corp.example.com", "other.example.com");
    assert_ne!(others, policy);
    let browser = Browser::start(&site, (path, &others), command);
    comes_to(&site, &browser, "/greeting", json!(401), &[(401, false)]);
}

#[test]
fn chromium_signs_in_by_the_guides_policy() {
    let test = "chromium_signs_in_by_the_guides_policy";
    if !chromium_or_skip(test) || !may_mount(test) {
        return;
    }
    // As in testing::Chromium, but for the allowlist: without the first line, the sandbox of a fresh
    // profile keeps libgssapi from being loaded.
    let command = r#"
        echo '{"net":{"received_http_auth_negotiate_headers":true}}' > 'profile/Local State'
        exec "${TOWER_SPNEGO_CHROMIUM:-chromium}" --headless --no-sandbox --disable-gpu \
            --disable-quic --no-first-run --disable-background-networking --disable-sync \
            --disable-component-update --disable-breakpad --disable-dev-shm-usage \
            --user-data-dir="$PWD/profile" "$1""#;
    let path = "chromium/policies/managed/intranet.json";
    its_policy_signs_in_at_the_sites_that_it_names(path, &policy(0), command);
}

#[test]
fn firefox_signs_in_by_the_guides_policy() {
    let test = "firefox_signs_in_by_the_guides_policy";
    if !firefox_or_skip(test) || !may_mount(test) {
        return;
    }
    // The proxy that is not there keeps all else that Firefox asks for on this machine.
    let command = r#"
        cat > profile/user.js <<END
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
user_pref("network.proxy.no_proxies_on", "intranet.corp.example.com");
user_pref("network.proxy.allow_bypass", false);
user_pref("network.proxy.failover_direct", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
END
        export MOZ_CRASHREPORTER_DISABLE=1
        exec "${TOWER_SPNEGO_FIREFOX:-firefox-esr}" --headless --no-remote --profile profile "$1""#;
    let path = "firefox/policies/policies.json";
    its_policy_signs_in_at_the_sites_that_it_names(path, &policy(1), command);
}

//! The guides to Active Directory and to Samba: a newcomer who knows nothing else, and has a bare
//! domain, types what is in them.

mod active_directory_app;
mod machine;
mod samba_app;

use std::collections::BTreeSet;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower_spnego::testing::{Chromium, TicketCache, active_directory_or_skip, chromium_or_skip};

use crate::curl::curl_negotiate;
use crate::markdown::{Block, blocks};
use crate::served::Served;
use crate::tls::Tls;
use crate::wait;
use machine::{Machine, SITE, in_a_machine_of_ones_own};

/// A guide, as it is in the documentation.
struct Guide {
    name: &'static str,
    text: &'static str,
}

impl Guide {
    /// Those before a heading, and those below it and after.
    fn blocks_around(&self, heading: &str) -> (Vec<Block>, Vec<Block>) {
        let mut before = blocks(self.text);
        let first = before
            .iter()
            .position(|block| block.heading.starts_with(heading));
        let first = first.unwrap_or_else(|| panic!("{} has no {heading}", self.name));
        let after = before.split_off(first);
        (before, after)
    }
}

const ACTIVE_DIRECTORY: Guide = Guide {
    name: "active_directory",
    text: include_str!("../../../src/guide/active_directory.md"),
};
const SAMBA: Guide = Guide {
    name: "samba",
    text: include_str!("../../../src/guide/samba.md"),
};

/// The guide's alternatives that are run: one of them is a newcomer's way.
const WAYS: [&str; 2] = ["msktutil", "adcli"];

#[test]
fn the_guide_to_active_directory_leads_to_a_signed_in_browser_by_msktutil() {
    let test = "the_guide_to_active_directory_leads_to_a_signed_in_browser_by_msktutil";
    if let Some(machine) = machine(test, &["msktutil"]) {
        follow_active_directory(machine, "msktutil");
    }
}

#[test]
fn the_guide_to_active_directory_leads_to_a_signed_in_browser_by_adcli() {
    let test = "the_guide_to_active_directory_leads_to_a_signed_in_browser_by_adcli";
    if let Some(machine) = machine(test, &["adcli"]) {
        follow_active_directory(machine, "adcli");
    }
}

#[test]
fn the_guide_to_samba_leads_to_a_signed_in_browser() {
    let test = "the_guide_to_samba_leads_to_a_signed_in_browser";
    let Some(machine) = machine(test, &["net"]) else {
        return;
    };
    // The domain controller's own, as Samba has written it, and its authority's certificate.
    machine.copy(
        &machine.domain.folder().join("private/krb5.conf"),
        "/etc/krb5.conf",
    );
    machine.copy(&machine.domain.ca_file(), "/etc/ssl/ad-ca.pem");
    let app = samba_app::app;
    follow(&machine, &SAMBA, "", app, "8. A new key");
}

fn follow_active_directory(machine: Machine, way: &str) {
    // What the administrator brings from Windows, by the guide's `certutil`.
    machine.run_or_panic(&format!(
        "openssl x509 -outform der -in '{}' -out ad-ca.cer",
        machine.domain.ca_file().display()
    ));
    let app = active_directory_app::app;
    follow(&machine, &ACTIVE_DIRECTORY, way, app, "9. A new key");
}

/// A domain, and a machine that knows nothing of it but its DNS.
fn machine(test: &str, programs: &[&str]) -> Option<Machine> {
    let name = format!("active_directory::guides::{test}");
    let programs = [programs, &["dnsmasq", "host", "ldapsearch", "unshare"]].concat();
    let can_run = active_directory_or_skip(&name)
        && chromium_or_skip(&name)
        && machine::has_programs(&name, &programs)
        && in_a_machine_of_ones_own(&name);
    can_run.then(Machine::start)
}

/// Everything up to the heading `rotation`, then the application and a browser, then the rest while
/// both run.
fn follow(
    machine: &Machine,
    guide: &Guide,
    way: &str,
    app: fn() -> Result<Router, tower_spnego::ConfigError>,
    rotation: &str,
) {
    let (before, after) = guide.blocks_around(rotation);
    machine.run_all(&before, way);

    let app = app().expect("the guide's settings");
    let tls = Tls::new();
    let served = Served::start_tls(app.clone(), &tls);
    // The same layer, behind whom a proxy would be.
    let runtime = Runtime::new().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let plain = format!("http://{SITE}:{port}/");
    runtime.spawn(active_directory_app::serve(app, listener));
    let url = format!("https://{SITE}:{}/", served.port());
    let alice = machine.domain.ticket_cache("alice").expect("a ticket");
    let chromium = Chromium::new(Some(&alice)).expect("a browser");
    let mut chromium = chromium.accept_any_certificate();
    let page = chromium.dump_dom(&url).expect("a page");
    assert!(page.contains("Hello, alice. Groups: "), "{page}");
    assert!(page.contains("Domain Users"), "{page}");
    let old_key = key_version(&alice);

    machine.run_all(&after, way);

    let later = machine.domain.ticket_cache("alice").expect("a ticket");
    assert!(key_version(&later) > old_key);
    runtime.block_on(wait::until("the new key is taken", async || {
        is_greeted(&later, &plain)
    }));
    // Who had a ticket before has not lost it.
    assert!(is_greeted(&alice, &plain));
    let mut another = Chromium::new(Some(&later))
        .expect("a browser")
        .accept_any_certificate();
    let page = another.dump_dom(&url).expect("a page");
    assert!(page.contains("Hello, alice."), "{page}");
}

fn is_greeted(tickets: &TicketCache, url: &str) -> bool {
    let printed = curl_negotiate(tickets.command("curl"), &[url]);
    printed.text.contains("Hello, alice.")
}

/// Of the key that the ticket for the site is sealed with.
fn key_version(tickets: &TicketCache) -> u32 {
    let output = tickets.command("kvno").arg(format!("HTTP/{SITE}")).output();
    let output = output.expect("kvno runs");
    let printed = String::from_utf8(output.stdout).expect("text");
    let version = printed.trim().rsplit(' ').next().expect("a word");
    version
        .parse()
        .unwrap_or_else(|_| panic!("{printed:?} {:?}", output.stderr))
}

#[test]
fn every_way_in_the_guides_is_run() {
    let ways = |guide: &Guide| -> BTreeSet<_> {
        let blocks = blocks(guide.text);
        let ways = blocks.iter().filter_map(Block::way);
        ways.map(str::to_owned).collect()
    };
    assert_eq!(ways(&ACTIVE_DIRECTORY), WAYS.map(str::to_owned).into());
    assert_eq!(ways(&SAMBA), BTreeSet::new());
}

/// What is compiled and run here is what the guides say.
#[test]
fn the_guides_applications_are_those_of_the_tests() {
    for (guide, app) in [
        (
            &ACTIVE_DIRECTORY,
            include_str!("guides/active_directory_app.rs"),
        ),
        (&SAMBA, include_str!("guides/samba_app.rs")),
    ] {
        let (_, code) = app.split_once("\n\n").expect("its first line is a comment");
        let in_guide = blocks(guide.text).into_iter().any(|block| {
            block.language == "rust,no_run" && block.text.trim_end() == code.trim_end()
        });
        assert!(in_guide, "{}: the guide has other code", guide.name);
    }
}

//! SASL GSSAPI with a keytab. The KDC is found by krb5.conf, which is a process's own.

mod active_directory;
mod binding;
mod failures;

use std::path::PathBuf;

use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{ConfigError, ErrorKind};

use super::{alice_signs_in, is_unavailable, people, site};
use crate::process;

/// For the first line of a test: runs it in a process of its own, whose krb5.conf is still to be
/// written, and whose user has no tickets.
#[track_caller]
fn elsewhere(test: &str) -> bool {
    if process::is_own() {
        return false;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tickets")).expect("a folder");
    process::run(
        &format!("ldap_binds::gssapi::{test}"),
        [
            ("KRB5_CONFIG", folder.path().join("krb5.conf")),
            ("KRB5CCNAME", folder.path().join("tickets/cache")),
        ],
    );
    true
}

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name).expect(name).into()
}

/// A realm whose KDC this process asks, and a server that knows it.
fn realm_and_server() -> (TestRealm, TestLdap) {
    let realm = TestRealm::start().expect("a KDC");
    let ldap = TestLdap::builder().realm(&realm).expect("a service");
    let ldap = ldap.start().expect("a server");
    ask(&realm);
    (realm, ldap)
}

fn ask(realm: &TestRealm) {
    std::fs::copy(realm.krb5_conf(), variable("KRB5_CONFIG")).expect("copied");
}

/// By the name of the SPN.
fn by_name(url: &str) -> String {
    url.replace("127.0.0.1", "localhost")
}

/// As `web`, by its keytab.
fn as_web(ldap: &TestLdap, url: &str) -> LdapDirectoryBuilder {
    let keytab = ldap.service_keytab().expect("a keytab");
    people(ldap, url).bind_gssapi("web@EXAMPLE.TEST", keytab)
}

fn over_tls(ldap: &TestLdap) -> LdapDirectoryBuilder {
    as_web(ldap, &ldap.tls_url()).ca_file(ldap.ca_file())
}

/// How often the KDC gave this account a ticket for itself.
fn logins(realm: &TestRealm, account: &str) -> usize {
    let client = format!("{account}@EXAMPLE.TEST for krbtgt/");
    let log = realm.kdc_log();
    let lines = log.lines();
    lines
        .filter(|line| line.contains("ISSUE") && line.contains(&client))
        .count()
}

#[tokio::test]
async fn a_keytab_is_enough_over_tls_start_tls_and_to_this_machine() {
    if elsewhere("a_keytab_is_enough_over_tls_start_tls_and_to_this_machine") {
        return;
    }
    let (realm, ldap) = realm_and_server();
    let plain = by_name(&ldap.url());
    for directory in [
        over_tls(&ldap),
        as_web(&ldap, &plain).start_tls().ca_file(ldap.ca_file()),
        as_web(&ldap, &plain),
    ] {
        let site = site(&realm, directory);
        let asked = logins(&realm, "web");
        for _ in 0..3 {
            alice_signs_in(&site, &realm).await;
        }
        assert_eq!(logins(&realm, "web"), asked + 1, "one for the connection");
    }
}

#[tokio::test]
async fn nobodys_ticket_cache_is_read_or_written() {
    if elsewhere("nobodys_ticket_cache_is_read_or_written") {
        return;
    }
    let (realm, ldap) = realm_and_server();
    let cache = variable("KRB5CCNAME");
    let folder = cache.parent().expect("a folder");
    alice_signs_in(&site(&realm, over_tls(&ldap)), &realm).await;
    let made = std::fs::read_dir(folder).expect("a folder").count();
    assert_eq!(made, 0, "no cache is made");
    // Who runs the process has tickets of their own.
    let bob = realm.ticket_cache("bob").expect("a ticket");
    std::fs::copy(bob.path(), &cache).expect("copied");
    let before = std::fs::read(&cache).expect("a cache");
    alice_signs_in(&site(&realm, over_tls(&ldap)), &realm).await;
    assert_eq!(std::fs::read(&cache).expect("a cache"), before);
    assert_eq!(logins(&realm, "web"), 2);
    let of_bob = "bob@EXAMPLE.TEST for ldap/";
    assert!(!realm.kdc_log().contains(of_bob));
}

#[tokio::test]
async fn a_connection_ends_with_its_ticket() {
    if elsewhere("a_connection_ends_with_its_ticket") {
        return;
    }
    let realm = TestRealm::start().expect("a KDC");
    let ldap = TestLdap::builder().realm(&realm).expect("a service");
    let ldap = ldap.start().expect("a server");
    realm
        .kadmin(["modprinc", "-maxlife", "3 seconds", "web"])
        .expect("changed");
    ask(&realm);
    let site = site(&realm, over_tls(&ldap));
    crate::wait::until("a new ticket", async || {
        alice_signs_in(&site, &realm).await;
        logins(&realm, "web") > 1
    })
    .await;
}

#[tokio::test]
async fn a_keytab_with_new_keys_needs_no_restart() {
    if elsewhere("a_keytab_with_new_keys_needs_no_restart") {
        return;
    }
    let (realm, mut ldap) = realm_and_server();
    let site = site(&realm, over_tls(&ldap));
    alice_signs_in(&site, &realm).await;
    realm.change_key("web").expect("changed");
    // The connection that is there goes on.
    alice_signs_in(&site, &realm).await;
    ldap.stop();
    ldap.restart().expect("started");
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
    assert!(
        error.contains("has another key of web@EXAMPLE.TEST"),
        "{error}"
    );
    let keytab = ldap.service_keytab().expect("a keytab");
    realm.export_keytab("web", keytab).expect("exported");
    alice_signs_in(&site, &realm).await;
}

#[test]
fn what_can_not_work_says_what_to_write() {
    let realm = TestRealm::start().expect("a KDC");
    let ldap = TestLdap::builder().realm(&realm).expect("a service");
    let ldap = ldap.start().expect("a server");
    let keytab = ldap.service_keytab().expect("a keytab");
    let local = || people(&ldap, &ldap.url());
    let remote = |url| {
        LdapDirectory::builder(url)
            .search("dc=example,dc=com", "(uid={user})")
            .bind_gssapi("web@EXAMPLE.TEST", &keytab)
    };
    let broken = ldap.folder().join("slapd.conf");
    for (builder, reason) in [
        (
            local().bind_gssapi("web", &keytab),
            "write the account's own",
        ),
        (
            local().bind_gssapi("@R", &keytab),
            "write the account's own",
        ),
        (
            local().bind_gssapi("WEB@EXAMPLE.TEST", &keytab),
            "no key of WEB@EXAMPLE.TEST, only of web@EXAMPLE.TEST",
        ),
        (
            local().bind_gssapi("web@EXAMPLE.TEST", "/missing"),
            "/missing can't be read",
        ),
        (
            local().bind_gssapi("web@EXAMPLE.TEST", &broken),
            "is no keytab",
        ),
        (remote("ldapi://%2Frun%2Fldapi"), "needs the server's host"),
        (remote("ldap://ldap.example.com"), "would protect nothing"),
    ] {
        let error = builder.build().expect_err(reason);
        assert!(matches!(error, ConfigError::Ldap { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    for fine in [
        remote("ldaps://ldap.example.com"),
        remote("ldap://ldap.example.com").start_tls(),
        remote("ldap://ldap.example.com").allow_clear_text(),
    ] {
        let shown = format!("{:?}", fine.build().expect("a directory"));
        assert!(shown.contains("web@EXAMPLE.TEST (SASL GSSAPI)"), "{shown}");
    }
}

//! SASL EXTERNAL: as the owner of a local socket's other end, and of a certificate.

use std::path::Path;

use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::TestLdap;
use tower_spnego::{ConfigError, ErrorKind};

use super::{alice_signs_in, is_unavailable, people, site};
use crate::process;
use crate::site::realm;

#[tokio::test]
async fn over_a_local_socket_this_process_is_the_account() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = site(&realm, people(&ldap, &ldap.ldapi_url()).bind_external());
    alice_signs_in(&site, &realm).await;
}

#[tokio::test]
async fn over_a_local_socket_nobody_is_an_account_too() {
    if !process::is_own() {
        let folder = tempfile::tempdir().expect("a folder");
        open_to_all(folder.path());
        process::run_unprivileged(
            "ldap_binds::external::over_a_local_socket_nobody_is_an_account_too",
            [("TMPDIR", "/tmp")],
            folder.path(),
        );
        return;
    }
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = site(&realm, people(&ldap, &ldap.ldapi_url()).bind_external());
    alice_signs_in(&site, &realm).await;
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, all).expect("opened");
}

#[tokio::test]
async fn a_local_socket_takes_a_password_too_and_nothing_for_anonymous() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let anonymous = || people(&ldap, &ldap.ldapi_url());
    let bound = anonymous().bind_simple(ldap.service_dn(), ldap.service_password());
    alice_signs_in(&site(&realm, bound), &realm).await;
    let site = site(&realm, anonymous());
    is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
}

#[tokio::test]
async fn a_local_socket_that_is_not_there_is_an_outage() {
    let (realm, mut ldap) = (realm(), TestLdap::start().expect("a server"));
    ldap.stop();
    let site = site(&realm, people(&ldap, &ldap.ldapi_url()).bind_external());
    is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
    ldap.restart().expect("started");
    alice_signs_in(&site, &realm).await;
}

/// With the certificate in these files.
fn certified(ldap: &TestLdap, certificate: &Path, key: &Path) -> LdapDirectoryBuilder {
    people(ldap, &ldap.tls_url())
        .ca_file(ldap.ca_file())
        .client_certificate(certificate, key)
        .bind_external()
}

#[tokio::test]
async fn over_tls_the_certificate_is_the_account() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let (certificate, key) = ldap.client_certificate();
    let over_tls = certified(&ldap, &certificate, &key);
    alice_signs_in(&site(&realm, over_tls), &realm).await;
    let start_tls = people(&ldap, &ldap.url())
        .start_tls()
        .ca_file(ldap.ca_file())
        .client_certificate(&certificate, &key)
        .bind_external();
    alice_signs_in(&site(&realm, start_tls), &realm).await;
}

#[tokio::test]
async fn another_authoritys_certificate_is_nobody() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let other = TestLdap::start().expect("a server");
    let (certificate, key) = other.client_certificate();
    let site = site(&realm, certified(&ldap, &certificate, &key));
    is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
    let (realm, mut ldap) = (realm(), TestLdap::start().expect("a server"));
    let other = TestLdap::start().expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = folder.path().join("certificate.pem");
    let key = folder.path().join("key.pem");
    let renew = |ldap: &TestLdap| {
        let (new_certificate, new_key) = ldap.client_certificate();
        std::fs::copy(new_certificate, &certificate).expect("copied");
        std::fs::copy(new_key, &key).expect("copied");
    };
    renew(&other);
    let site = site(&realm, certified(&ldap, &certificate, &key));
    is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
    renew(&ldap);
    alice_signs_in(&site, &realm).await;
    let reconnects = async |ldap: &mut TestLdap| {
        ldap.stop();
        ldap.restart().expect("started");
        alice_signs_in(&site, &realm).await;
    };
    // The key does not go with it.
    std::fs::copy(other.client_certificate().1, &key).expect("copied");
    reconnects(&mut ldap).await;
    std::fs::write(&key, "no key").expect("written");
    reconnects(&mut ldap).await;
    std::fs::remove_file(&key).expect("removed");
    reconnects(&mut ldap).await;
    renew(&ldap);
    reconnects(&mut ldap).await;
}

#[test]
fn what_can_prove_nobody_says_what_to_write() {
    let ldap = TestLdap::start().expect("a server");
    let (certificate, key) = ldap.client_certificate();
    let pem = std::fs::read_to_string(&key).expect("a key");
    let other = TestLdap::start().expect("a server");
    let (_, other_key) = other.client_certificate();
    let cut = tempfile_with(&pem[..pem.len() / 2]);
    let secret = pem.lines().nth(1).expect("a line").to_owned();
    let over_tls = |certificate: &Path, key: &Path| certified(&ldap, certificate, key);
    let certificate = certificate.as_path();
    for (builder, reason) in [
        (
            people(&ldap, &ldap.url()).bind_external(),
            "needs TLS with a client certificate, or a socket",
        ),
        (
            people(&ldap, &ldap.tls_url()).bind_external(),
            "name a certificate and its key with .client_certificate(..)",
        ),
        (
            people(&ldap, &ldap.url()).client_certificate(certificate, &key),
            "nobody is shown it without TLS",
        ),
        (
            people(&ldap, &ldap.ldapi_url()).client_certificate(certificate, &key),
            "nobody is shown it without TLS",
        ),
        (
            over_tls(Path::new("/missing"), &key),
            "/missing can't be read",
        ),
        (
            over_tls(certificate, Path::new("/missing")),
            "/missing can't be read",
        ),
        (over_tls(&key, &key), "has no certificate in it"),
        (over_tls(certificate, certificate), "has no private key"),
        (over_tls(certificate, cut.path()), "has no private key"),
        (over_tls(certificate, &other_key), "don't go together"),
    ] {
        let shown = format!("{builder:?}");
        let error = builder.build().expect_err(reason);
        assert!(matches!(error, ConfigError::Ldap { .. }), "{error}");
        let text = format!("{error} {error:?} {shown}");
        assert!(text.contains(reason), "{text}");
        assert!(!text.contains(&secret), "{text}");
    }
    let fine = over_tls(certificate, &key).build().expect("a directory");
    assert!(!format!("{fine:?}").contains(&secret));
    assert!(format!("{fine:?}").contains("SASL EXTERNAL"));
    let unknown = LdapDirectory::builder("ldapi:///run/slapd/ldapi").search("", "(uid={user})");
    let error = unknown.build().expect_err("a path").to_string();
    assert!(error.contains("ldapi://%2Frun%2Fslapd%2Fldapi"), "{error}");
}

fn tempfile_with(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    file
}

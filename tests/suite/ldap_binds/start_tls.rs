//! TLS that begins on an `ldap://` connection.

use std::time::Duration;

use tower_spnego::ErrorKind;
use tower_spnego::ldap::LdapDirectoryBuilder;
use tower_spnego::testing::TestLdap;

use super::recorder::{answer, pass_on};
use super::{alice_signs_in, is_unavailable, people, site};
use crate::site::realm;

const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

fn starting_tls(ldap: &TestLdap, url: &str) -> LdapDirectoryBuilder {
    people(ldap, url)
        .start_tls()
        .ca_file(ldap.ca_file())
        .bind_simple(ldap.service_dn(), ldap.service_password())
}

#[tokio::test]
async fn nothing_but_the_wish_for_tls_is_said_before_it() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let (address, heard) = pass_on("127.0.0.1", &ldap.url()).await;
    let site = site(&realm, starting_tls(&ldap, &format!("ldap://{address}")));
    alice_signs_in(&site, &realm).await;
    assert!(heard.contains(START_TLS));
    for secret in [ldap.service_password(), &ldap.service_dn(), "alice"] {
        assert!(!heard.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_server_of_another_authority_gets_no_password() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let other = TestLdap::start().expect("a server");
    let (address, heard) = pass_on("127.0.0.1", &ldap.url()).await;
    let directory = starting_tls(&ldap, &format!("ldap://{address}")).ca_file(other.ca_file());
    let site = site(&realm, directory);
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
    assert!(error.contains(".ca_file(..)"), "{error}");
    assert!(heard.contains(START_TLS));
    assert!(!heard.contains(ldap.service_password()));
}

#[tokio::test]
async fn a_server_of_another_name_gets_no_password() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    // The certificate has 127.0.0.1.
    let (address, heard) = pass_on("127.0.0.2", &ldap.url()).await;
    let site = site(&realm, starting_tls(&ldap, &format!("ldap://{address}")));
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
    assert!(
        error.contains("with a name that is in the certificate"),
        "{error}"
    );
    assert!(heard.contains(START_TLS));
    assert!(!heard.contains(ldap.service_password()));
}

#[tokio::test]
async fn a_server_without_tls_gets_no_password() {
    let realm = realm();
    let ldap = TestLdap::builder().without_tls().start().expect("a server");
    let (address, heard) = pass_on("127.0.0.1", &ldap.url()).await;
    let site = site(&realm, starting_tls(&ldap, &format!("ldap://{address}")));
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
    assert!(error.contains("does not start TLS"), "{error}");
    assert!(heard.contains(START_TLS));
    assert!(!heard.contains(ldap.service_password()));
}

#[tokio::test]
async fn who_takes_start_tls_out_on_the_way_gets_no_password() {
    /// The ExtendedResponse with a result code, and what they say after it.
    const UNAVAILABLE: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00";
    const SUCCESS: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
    const SUCCESS_AND_A_BIND: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00\
                                        \x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
    const A_BIND: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    for answers in [
        &[UNAVAILABLE][..],
        // As if TLS had begun, and with the answer to a bind that is not sent yet.
        &[SUCCESS, A_BIND],
        &[SUCCESS_AND_A_BIND],
        &[A_BIND],
        &[b"\x30\x00"],
        &[],
    ] {
        let (address, heard) = answer(answers).await;
        let directory = starting_tls(&ldap, &format!("ldap://{address}"));
        let site = site(&realm, directory.timeout(Duration::from_millis(500)));
        is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
        assert!(heard.contains(START_TLS), "{answers:?}");
        assert!(!heard.contains(ldap.service_password()), "{answers:?}");
    }
}

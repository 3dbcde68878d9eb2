//! KDCs and servers that don't serve us, and what is said of it.

use std::time::{Duration, Instant};

use tower_spnego::ErrorKind;
use tower_spnego::testing::TestLdap;

use super::super::recorder::answer;
use super::*;

#[tokio::test]
async fn a_kdc_that_is_down_is_an_outage() {
    if elsewhere("failures::a_kdc_that_is_down_is_an_outage") {
        return;
    }
    let (mut realm, ldap) = realm_and_server();
    let site = site(&realm, over_tls(&ldap));
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let token = || alice.token(crate::site::SPN).expect("a token");
    token();
    realm.stop_kdc();
    let answer = site.browser().get_with("/", &token()).await;
    assert_eq!(answer.kind(), Some(ErrorKind::DirectoryUnavailable));
    let error = answer.error.expect("an error").to_string();
    assert!(error.contains("is the KDC running"), "{error}");
    realm.start_kdc().expect("started");
    alice_signs_in(&site, &realm).await;
}

#[tokio::test]
async fn a_kdc_that_hangs_is_given_up_in_time_and_blocks_nothing() {
    if elsewhere("failures::a_kdc_that_hangs_is_given_up_in_time_and_blocks_nothing") {
        return;
    }
    let (realm, ldap) = realm_and_server();
    let site = site(&realm, over_tls(&ldap).timeout(Duration::from_secs(1)));
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let token = || alice.token(crate::site::SPN).expect("a token");
    token();
    realm.freeze_kdc().expect("frozen");
    let began = Instant::now();
    let mut ticks = 0;
    let mut browser = site.browser();
    let token = token();
    let mut sign_in = std::pin::pin!(browser.get_with("/", &token));
    // On the runtime's only thread.
    let answer = loop {
        tokio::select! {
            answer = &mut sign_in => break answer,
            () = tokio::time::sleep(Duration::from_millis(10)) => ticks += 1,
        }
    };
    assert_eq!(answer.kind(), Some(ErrorKind::DirectoryUnavailable));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(ticks > 5, "{ticks}");
    realm.thaw_kdc().expect("thawed");
    crate::wait::until("a sign-in", async || {
        let answer = site.browser().get_with("/", &fresh(&alice)).await;
        answer.kind().is_none()
    })
    .await;
}

fn fresh(cache: &tower_spnego::testing::TicketCache) -> Vec<u8> {
    cache.token(crate::site::SPN).expect("a token")
}

#[tokio::test]
async fn who_the_kdc_does_not_know_is_named() {
    if elsewhere("failures::who_the_kdc_does_not_know_is_named") {
        return;
    }
    let (realm, ldap) = realm_and_server();
    // The URL has no name that is in an SPN.
    let by_address = as_web(&ldap, &ldap.url())
        .start_tls()
        .ca_file(ldap.ca_file());
    let by_address = site(&realm, by_address);
    let error = is_unavailable(&by_address, &realm, ErrorKind::DirectoryMisconfigured).await;
    assert!(
        error.contains("the KDC has no ldap/127.0.0.1@EXAMPLE.TEST"),
        "{error}"
    );
    realm.kadmin(["delprinc", "-force", "web"]).expect("gone");
    let site = site(&realm, over_tls(&ldap));
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
    assert!(
        error.contains("the KDC has no account web@EXAMPLE.TEST"),
        "{error}"
    );
}

#[tokio::test]
async fn a_keytab_that_is_gone_or_has_lost_the_account_is_named() {
    if elsewhere("failures::a_keytab_that_is_gone_or_has_lost_the_account_is_named") {
        return;
    }
    let (realm, ldap) = realm_and_server();
    let site = site(&realm, over_tls(&ldap));
    let keytab = ldap.service_keytab().expect("a keytab");
    std::fs::copy(realm.keytab(), &keytab).expect("copied");
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
    assert!(
        error.contains("web.keytab has no key of web@EXAMPLE.TEST"),
        "{error}"
    );
    std::fs::remove_file(&keytab).expect("removed");
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
    assert!(error.contains("web.keytab"), "{error}");
    realm.export_keytab("web", &keytab).expect("exported");
    alice_signs_in(&site, &realm).await;
}

#[tokio::test]
async fn a_realm_that_krb5_conf_does_not_know_is_named() {
    if elsewhere("failures::a_realm_that_krb5_conf_does_not_know_is_named") {
        return;
    }
    let (realm, ldap) = realm_and_server();
    let conf = "[libdefaults]\ndefault_realm = OTHER.TEST\ndns_lookup_kdc = false\n";
    std::fs::write(variable("KRB5_CONFIG"), conf).expect("written");
    let site = site(&realm, over_tls(&ldap));
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
    assert!(error.contains("krb5.conf"), "{error}");
}

#[tokio::test]
async fn a_server_that_counts_no_tls_as_protection_is_told_of() {
    if elsewhere("failures::a_server_that_counts_no_tls_as_protection_is_told_of") {
        return;
    }
    let realm = TestRealm::start().expect("a KDC");
    let ldap = TestLdap::builder().configuration("sasl-secprops noanonymous,noplain,minssf=56");
    let ldap = ldap.realm(&realm).expect("a service");
    let ldap = ldap.start().expect("a server");
    ask(&realm);
    let plain = site(&realm, as_web(&ldap, &by_name(&ldap.url())));
    let error = is_unavailable(&plain, &realm, ErrorKind::DirectoryMisconfigured).await;
    assert!(error.contains("insists on a security layer"), "{error}");
    // TLS is protection enough.
    alice_signs_in(&site(&realm, over_tls(&ldap)), &realm).await;
}

#[tokio::test]
async fn a_server_without_its_key_is_told_of() {
    if elsewhere("failures::a_server_without_its_key_is_told_of") {
        return;
    }
    let (realm, ldap) = realm_and_server();
    // Without the realm's keytab.
    let other = TestLdap::start().expect("a server");
    let keytab = ldap.service_keytab().expect("a keytab");
    let directory = people(&other, &other.tls_url())
        .ca_file(other.ca_file())
        .bind_gssapi("web@EXAMPLE.TEST", keytab);
    let site = site(&realm, directory);
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
    assert!(
        error.contains("the server's keytab has the key of its SPN"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_proves_nothing_is_none() {
    if elsewhere("failures::a_server_that_proves_nothing_is_none") {
        return;
    }
    /// "Success" before it has said who it is; a proof that is none; silence.
    const SUCCESS: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
    const GOES_ON: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x0e\x04\x00\x04\x00";
    const NO_PROOF: &[u8] = b"\x30\x11\x02\x01\x01\x61\x0c\x0a\x01\x0e\x04\x00\x04\x00\x87\x03abc";
    const EMPTY_PROOF: &[u8] = b"\x30\x0e\x02\x01\x01\x61\x09\x0a\x01\x0e\x04\x00\x04\x00\x87\x00";
    let (realm, ldap) = realm_and_server();
    for (answers, kind) in [
        (&[SUCCESS][..], ErrorKind::DirectoryUnavailable),
        (&[GOES_ON], ErrorKind::DirectoryUnavailable),
        (&[NO_PROOF], ErrorKind::DirectoryMisconfigured),
        (&[EMPTY_PROOF], ErrorKind::DirectoryMisconfigured),
        (&[b"\x30\x00"], ErrorKind::DirectoryUnavailable),
        (&[], ErrorKind::DirectoryUnavailable),
    ] {
        let (address, heard) = answer(answers).await;
        let url = format!("ldap://localhost:{}", address.port());
        let site = site(&realm, as_web(&ldap, &url).timeout(Duration::from_secs(2)));
        is_unavailable(&site, &realm, kind).await;
        assert!(heard.contains("GSSAPI"), "{answers:?}");
        assert!(!heard.contains("alice"), "{answers:?}");
    }
}

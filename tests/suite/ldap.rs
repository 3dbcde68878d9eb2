//! Users and groups from a real LDAP server.

mod accounts;
mod names;
mod presets;
mod ways;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use http::header::SET_COOKIE;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{ConfigError, ErrorKind};

use crate::site::{Answer, SPN, Site, layer, realm, token};

/// People of `ldap` over TLS.
pub fn people(ldap: &TestLdap) -> LdapDirectoryBuilder {
    people_at(&ldap.tls_url(), ldap)
}

fn people_at(url: &str, ldap: &TestLdap) -> LdapDirectoryBuilder {
    bound(LdapDirectory::builder(url), ldap).search(ldap.people(), "(uid={user})")
}

/// `ldap` over TLS, with no way to find anybody yet.
fn server(ldap: &TestLdap) -> LdapDirectoryBuilder {
    bound(LdapDirectory::builder(ldap.tls_url()), ldap)
}

fn bound(directory: LdapDirectoryBuilder, ldap: &TestLdap) -> LdapDirectoryBuilder {
    directory
        .ca_file(ldap.ca_file())
        .bind_simple(ldap.service_dn(), ldap.service_password())
}

async fn sign_in_as(site: &Site, realm: &TestRealm, name: &str) -> Answer {
    site.browser().get_with("/who", &token(realm, name)).await
}

fn site(realm: &TestRealm, directory: LdapDirectoryBuilder) -> Site {
    Site::new(layer(realm).directory(directory.build().expect("a directory")))
}

#[tokio::test]
async fn a_sign_in_brings_name_mail_and_groups_of_the_directory() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = site(&realm, people(&ldap));
    let mut alice = site.browser();
    let known = "Alice Liddell <alice@example.test> in Engineers, Staff";
    let answer = alice.get_with("/who", &token(&realm, "alice")).await;
    assert_eq!(answer.body, known);
    let answer = site.browser().get_with("/who", &token(&realm, "bob")).await;
    assert_eq!(answer.body, "Bob Cratchit <bob@example.test> in Staff");
    // The session has it all.
    drop(ldap);
    assert_eq!(alice.get("/who").await.body, known);
}

#[tokio::test]
async fn whom_the_directory_does_not_have_is_forbidden() {
    let realm = TestRealm::builder()
        .principals(["alice", "mallory"])
        .start()
        .expect("a KDC");
    let ldap = TestLdap::start().expect("a server");
    let site = site(&realm, people(&ldap));
    let answer = site
        .browser()
        .get_with("/who", &token(&realm, "mallory"))
        .await;
    answer.is_forbidden(ErrorKind::UserNotFound);
    assert_eq!(site.calls(), 0);
    ldap.add_person("mallory", "Mallory").expect("added");
    let answer = site
        .browser()
        .get_with("/who", &token(&realm, "mallory"))
        .await;
    assert_eq!(answer.body, "Mallory <> in ");
}

#[tokio::test]
async fn whom_ldap_takes_for_alice_is_not_alice() {
    let similar = [" alice", "alice ", "ａlice", "ⓐlice", "ALICE"];
    let realm = TestRealm::builder().start().expect("a KDC");
    realm.add_principals(similar).expect("added");
    let ldap = TestLdap::start().expect("a server");
    let site = site(&realm, people(&ldap));
    for name in similar {
        let answer = site.browser().get_with("/who", &token(&realm, name)).await;
        // UserNotFound would say that this server does not show what the test is about.
        answer.is_forbidden(ErrorKind::UserDiffers);
    }
    // What means something in a filter is escaped.
    realm
        .add_principals(["alic*", "*)(uid=alice"])
        .expect("added");
    for name in ["alic*", "*)(uid=alice"] {
        let answer = site.browser().get_with("/who", &token(&realm, name)).await;
        answer.is_forbidden(ErrorKind::UserNotFound);
    }
    assert_eq!(site.calls(), 0);
    let answer = site
        .browser()
        .get_with("/who", &token(&realm, "alice"))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

/// For a time budget of two seconds on a loaded machine.
const LONG_ENOUGH: Duration = Duration::from_secs(10);

/// A sign-in while the directory is out of order.
async fn is_unavailable(site: &Site, realm: &TestRealm, kind: ErrorKind) -> Answer {
    let calls = site.calls();
    let token = token(realm, "bob");
    let mut browser = site.browser();
    let answer = timeout(LONG_ENOUGH, browser.get_with("/who", &token)).await;
    let answer = answer.expect("an answer within the time budget");
    assert_eq!(answer.kind(), Some(kind), "{answer:?}");
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert!(!answer.challenges().contains(&"Negotiate"));
    assert_eq!(answer.headers.get(SET_COOKIE), None, "nothing stored");
    assert_eq!(site.calls(), calls, "no handler");
    answer
}

async fn sign_in(site: &Site, realm: &TestRealm) {
    let answer = site.browser().get_with("/", &token(realm, "bob")).await;
    answer.is_hello("bob");
}

#[tokio::test]
async fn while_slapd_is_down_nobody_new_gets_in_and_it_is_found_again_when_it_is_back() {
    let (realm, mut ldap) = (realm(), TestLdap::start().expect("a server"));
    let directory = people(&ldap).timeout(Duration::from_secs(2));
    let site = site(&realm, directory);
    let mut alice = site.browser();
    let answer = alice.get_with("/who", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::OK);
    for _ in 0..2 {
        ldap.stop();
        for _ in 0..2 {
            is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
        }
        alice.get("/").await.is_hello("alice");
        alice
            .get_with("/", &token(&realm, "alice"))
            .await
            .is_hello("alice");
        ldap.restart().expect("started");
        sign_in(&site, &realm).await;
    }
}

#[tokio::test]
async fn a_restart_of_slapd_between_two_sign_ins_is_not_noticed() {
    let (realm, mut ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = site(&realm, people(&ldap));
    for _ in 0..3 {
        sign_in(&site, &realm).await;
        ldap.stop();
        ldap.restart().expect("started");
    }
}

#[tokio::test]
async fn a_directory_that_is_down_at_the_start_keeps_nobody_from_starting() {
    let (realm, mut ldap) = (realm(), TestLdap::start().expect("a server"));
    ldap.stop();
    let site = site(&realm, people(&ldap));
    is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
    ldap.restart().expect("started");
    sign_in(&site, &realm).await;
}

#[tokio::test]
async fn a_frozen_slapd_is_given_up_in_time() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let directory = people(&ldap).timeout(Duration::from_secs(1));
    let site = site(&realm, directory);
    let mut alice = site.browser();
    let answer = alice.get_with("/who", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::OK);
    ldap.freeze().expect("frozen");
    // In the first the search hangs, in the second the TLS handshake.
    for _ in 0..2 {
        let answer = is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
        let error = answer.error.expect("an error").to_string();
        assert!(error.contains("within 1s"), "{error}");
    }
    alice.get("/").await.is_hello("alice");
    alice
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    ldap.thaw().expect("thawed");
    sign_in(&site, &realm).await;
}

#[tokio::test]
async fn a_wrong_password_of_ours_is_our_mistake_and_is_told_to_nobody() {
    const PASSWORD: &str = "hunter2 but longer";
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let directory = people(&ldap).bind_simple(ldap.service_dn(), PASSWORD);
    let site = site(&realm, directory);
    let answer = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
    let error = answer.error.as_ref().expect("an error");
    assert!(error.to_string().contains(".bind_simple(..)"), "{error}");
    let mut told = format!("{answer:?} {error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        told.push_str(&format!("{error} {error:?}"));
        source = error.source();
    }
    assert!(!told.contains(PASSWORD), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_wrong_password_of_ours_is_tried_once_and_not_at_each_sign_in() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let (proxy, connections) = counting_proxy(ldap.tls_port()).await;
    let url = format!("ldaps://localhost:{proxy}");
    let directory = people_at(&url, &ldap).bind_simple(ldap.service_dn(), "wrong");
    // Another server, whose answer would be the same.
    let site = site(&realm, directory.server(ldap.tls_url()));
    for _ in 0..5 {
        let answer = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
        let error = answer.error.expect("an error").to_string();
        assert!(error.contains(".bind_simple(..)"), "{error}");
    }
    let answer = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
    let error = answer.error.expect("an error").to_string();
    assert!(error.contains("is not tried again for "), "{error}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_with_a_certificate_of_nobody_we_trust_is_not_asked() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let other = TestLdap::start().expect("a server");
    let directory = people(&ldap).ca_file(other.ca_file());
    let site = site(&realm, directory);
    let answer = is_unavailable(&site, &realm, ErrorKind::DirectoryUnavailable).await;
    let error = answer.error.expect("an error").to_string();
    assert!(error.contains(".ca_file(..)"), "{error}");
}

/// Passes connections on to `port`, and counts them.
pub async fn counting_proxy(port: u16) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let own = listener.local_addr().expect("bound").port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    (own, connections)
}

#[tokio::test]
async fn twenty_sign_ins_at_once_share_one_connection() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let port = ldap.tls_url().rsplit(':').next().expect("a port").parse();
    let (proxy, connections) = counting_proxy(port.expect("a number")).await;
    let url = format!("ldaps://localhost:{proxy}");
    let site = site(&realm, people_at(&url, &ldap));
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let sign_ins = (0..20).map(|_| {
        let (mut browser, token) = (site.browser(), cache.token(SPN).expect("a token"));
        async move { browser.get_with("/", &token).await.is_hello("alice") }
    });
    join_all(sign_ins).await;
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn several_realms_want_a_filter_that_tells_them_apart() {
    let realm = realm();
    let build = |filter: &str| {
        let directory = LdapDirectory::builder("ldap://127.0.0.1")
            .search("dc=example,dc=test", filter)
            .build()
            .expect("a directory");
        layer(&realm)
            .realm("OTHER.TEST")
            .directory(directory)
            .build()
            .map(drop)
    };
    assert!(matches!(
        build("(uid={user})"),
        Err(ConfigError::RealmsNotToldApart)
    ));
    build("(krbPrincipalName={principal})").expect("told apart");
    build("(&(uid={user})(o={realm}))").expect("told apart");
}

#[tokio::test]
async fn with_several_realms_the_same_name_is_another_person() {
    let lab = TestRealm::builder()
        .realm("LAB.TEST")
        .start()
        .expect("a KDC");
    let ldap = TestLdap::start().expect("a server");
    ldap.add_person("alice@LAB.TEST", "Alice of the lab")
        .expect("added");
    let directory = server(&ldap).search(ldap.people(), "(uid={principal})");
    let directory = directory.build().expect("a directory");
    let site = Site::new(layer(&lab).realm("CORP.TEST").directory(directory));
    let mut browser = site.browser();
    let answer = browser.get_with("/who", &token(&lab, "alice")).await;
    assert_eq!(answer.body, "Alice of the lab <> in ");
    browser.get("/").await.is_hello("alice@LAB.TEST");
    let answer = site.browser().get_with("/who", &token(&lab, "bob")).await;
    answer.is_forbidden(ErrorKind::UserNotFound);
}

#[tokio::test]
async fn whom_another_alternative_of_the_filter_finds_loosely_is_not_that_person() {
    let lab = TestRealm::builder()
        .realm("LAB.TEST")
        .principals(["carol"])
        .start()
        .expect("a KDC");
    let ldap = TestLdap::start().expect("a server");
    let dn = ldap.add_person("carol", "Carol").expect("added");
    let set = |attribute: &str, value: &str| {
        ldap.ldif(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n"
        ))
        .expect("changed");
    };
    let site = |filter: &str| {
        let directory = server(&ldap).search(ldap.people(), filter);
        let directory = directory.build().expect("a directory");
        Site::new(layer(&lab).realm("EXAMPLE.TEST").directory(directory))
    };
    // This is carol@EXAMPLE.TEST, whom the server finds by the mail for carol@LAB.TEST.
    set("o", "EXAMPLE.TEST");
    set("mail", "carol@lab.test");
    let by_either = site("(|(&(uid={user})(o={realm}))(mail={principal}))");
    let answer = by_either
        .browser()
        .get_with("/who", &token(&lab, "carol"))
        .await;
    answer.is_forbidden(ErrorKind::UserDiffers);
    assert_eq!(by_either.calls(), 0);
    // And this is nobody of LAB.TEST.
    set("o", "lab.test");
    let by_both = site("(&(uid={user})(o={realm}))");
    let answer = by_both
        .browser()
        .get_with("/who", &token(&lab, "carol"))
        .await;
    answer.is_forbidden(ErrorKind::UserDiffers);
    assert_eq!(by_both.calls(), 0);

    set("o", "LAB.TEST");
    for site in [by_either, by_both] {
        let answer = site.browser().get_with("/who", &token(&lab, "carol")).await;
        assert_eq!(answer.body, "Carol <carol@lab.test> in ");
    }
}

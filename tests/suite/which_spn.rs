//! Which service's tickets count.

use http::StatusCode;
use tower_spnego::testing::TestRealm;
use tower_spnego::{ConfigError, ErrorKind, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder};

use crate::site::{Answer, SPN, Site, layer, request, with_header, with_token};
use crate::wait;

fn two_services() -> TestRealm {
    let realm = TestRealm::start().expect("a KDC");
    realm.add_service("HTTP/wiki.example.test").expect("adds");
    realm
}

fn bare(realm: &TestRealm) -> SpnegoLayerBuilder {
    SpnegoLayer::builder()
        .realm(realm.realm())
        .keytab(realm.keytab())
        .directory(PrincipalOnly)
}

fn names(realm: &TestRealm) -> SpnegoLayerBuilder {
    bare(realm).hostnames(["localhost", "Wiki.Example.Test"])
}

/// Sends alice's ticket for `spn` in a request to `host`.
async fn visit(site: &Site, realm: &TestRealm, spn: &str, host: Option<&str>) -> Answer {
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let mut request = with_token(request("/"), &alice.token(spn).expect("a token"));
    if let Some(host) = host {
        request = with_header(request, "host", host);
    }
    site.browser().send(request).await
}

const WIKI: &str = "HTTP/wiki.example.test";

#[tokio::test]
async fn a_ticket_counts_at_the_host_that_it_is_for() {
    let realm = two_services();
    let site = Site::new(names(&realm));
    for (spn, host) in [
        (SPN, "localhost"),
        (SPN, "LOCALHOST:8080"),
        (WIKI, "wiki.example.test"),
        (WIKI, "wiki.EXAMPLE.test.:443"),
    ] {
        visit(&site, &realm, spn, Some(host))
            .await
            .is_hello("alice");
    }
}

#[tokio::test]
async fn a_ticket_for_one_host_is_refused_at_another() {
    let realm = two_services();
    let site = Site::new(names(&realm));
    for (spn, host) in [(SPN, "wiki.example.test"), (WIKI, "localhost")] {
        let answer = visit(&site, &realm, spn, Some(host)).await;
        answer.is_rejected(ErrorKind::WrongService);
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn a_host_that_is_not_listed_signs_nobody_in() {
    let realm = two_services();
    for site in [names(&realm), bare(&realm).hostnames(["localhost"])].map(Site::new) {
        for host in [
            Some("evil.example.test"),
            Some("localhost.evil"),
            Some("127.0.0.1"),
            None,
        ] {
            let answer = visit(&site, &realm, SPN, host).await;
            answer.is_rejected(ErrorKind::UnknownHost);
        }
    }
}

#[tokio::test]
async fn one_host_name_takes_its_ticket_whatever_the_host() {
    let realm = two_services();
    let site = Site::new(layer(&realm));
    for host in [Some("alias"), Some("127.0.0.1:80"), None] {
        visit(&site, &realm, SPN, host).await.is_hello("alice");
    }
    let answer = visit(&site, &realm, WIKI, Some("wiki.example.test")).await;
    answer.is_rejected(ErrorKind::WrongService);
}

#[tokio::test]
async fn a_keytab_of_one_trust_domain_takes_a_ticket_for_any_of_its_keys() {
    let realm = two_services();
    realm.add_service("host/server.example.test").expect("adds");
    let site = Site::new(bare(&realm).whole_keytab_is_one_trust_domain());
    for spn in [SPN, WIKI, "host/server.example.test"] {
        visit(&site, &realm, spn, Some("whatever"))
            .await
            .is_hello("alice");
    }
    // Of the realm, and not in the keytab.
    realm
        .kadmin(["addprinc", "-randkey", "HTTP/elsewhere"])
        .expect("adds");
    let answer = visit(&site, &realm, "HTTP/elsewhere", None).await;
    answer.is_rejected(ErrorKind::WrongService);
}

/// With a credential for any key of the keytab, the second realm's KDC could name the first one's
/// administrator.
#[tokio::test]
async fn a_keytab_of_one_trust_domain_is_of_one_realm() {
    let realm = two_services();
    let lab = TestRealm::builder().realm("LAB.TEST").start();
    let lab = lab.expect("a second KDC");
    lab.export_keytab(SPN, realm.keytab()).expect("exports");
    let whole = || bare(&realm).whole_keytab_is_one_trust_domain();
    let error = whole().build().expect_err("two realms");
    assert!(
        matches!(error, ConfigError::ServiceRealmAmbiguous { .. }),
        "{error}"
    );
    assert!(error.to_string().contains(".service_realm(..)"), "{error}");
    let site = Site::new(whole().service_realm(realm.realm()));
    visit(&site, &realm, SPN, None).await.is_hello("alice");
    let answer = visit(&site, &lab, SPN, None).await;
    answer.is_rejected(ErrorKind::WrongService);
    let error = whole().service_realm("NOWHERE.TEST").build();
    let error = error.expect_err("no such realm").to_string();
    assert!(error.contains("@NOWHERE.TEST"), "{error}");
}

#[tokio::test]
async fn a_keytab_of_one_trust_domain_takes_its_new_principals() {
    let realm = two_services();
    let site = Site::new(bare(&realm).whole_keytab_is_one_trust_domain());
    visit(&site, &realm, SPN, None).await.is_hello("alice");
    realm.add_service("HTTP/new.example.test").expect("adds");
    let is_taken = async || {
        let answer = visit(&site, &realm, "HTTP/new.example.test", None).await;
        answer.status == StatusCode::OK
    };
    wait::until("the new key is taken", is_taken).await;
}

#[tokio::test]
async fn layers_with_keytabs_of_their_own_live_side_by_side() {
    let [ours, theirs] = [(); 2].map(|()| TestRealm::start().expect("a KDC"));
    let [our_site, their_site] = [&ours, &theirs].map(|realm| Site::new(layer(realm)));
    for _ in 0..2 {
        visit(&our_site, &ours, SPN, None).await.is_hello("alice");
        visit(&their_site, &theirs, SPN, None)
            .await
            .is_hello("alice");
        let answer = visit(&our_site, &theirs, SPN, None).await;
        answer.is_rejected(ErrorKind::WrongKey);
    }
}

#[test]
fn every_listed_host_needs_its_key_and_a_name() {
    let realm = two_services();
    let error = names(&realm).hostnames(["none.example.test"]).build();
    let error = error.expect_err("no key").to_string();
    assert!(
        error.contains("no key for HTTP/none.example.test; it has"),
        "{error}"
    );
    let error = names(&realm).hostname("a b").build().expect_err("no name");
    assert!(matches!(error, ConfigError::BadHostname(_)), "{error}");
    let error = bare(&realm).hostnames([""; 0]).build().expect_err("none");
    assert!(matches!(error, ConfigError::NoHostname), "{error}");
    let both = layer(&realm).whole_keytab_is_one_trust_domain().build();
    let error = both.expect_err("both");
    assert!(
        matches!(error, ConfigError::HostnameBesideWholeKeytab),
        "{error}"
    );
}

/// What is behind the layer may go by the other name.
#[tokio::test]
async fn a_request_that_names_two_hosts_is_for_none() {
    let realm = two_services();
    let site = Site::new(names(&realm));
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let to_both = |host| {
        let token = alice.token(WIKI).expect("a token");
        let request = with_token(request("http://wiki.example.test/"), &token);
        with_header(request, "host", host)
    };
    let answer = site.browser().send(to_both("localhost")).await;
    answer.is_rejected(ErrorKind::UnknownHost);
    let answer = site.browser().send(to_both("wiki.example.test")).await;
    answer.is_hello("alice");
}

/// Else a page of another name would come in by the part of an application that asks for less.
#[tokio::test]
async fn a_sign_in_by_a_layer_that_looks_at_no_host_does_not_count_where_it_matters() {
    let realm = two_services();
    let strict = bare(&realm).hostnames(["localhost"]);
    let outer = layer(&realm).optional().build().expect("starts");
    let mut site = Site::new(strict);
    site.router = site
        .router
        .layer(outer)
        .layer(tower_sessions::SessionManagerLayer::new(
            tower_sessions::MemoryStore::default(),
        ));
    let answer = visit(&site, &realm, SPN, Some("rebound.test")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::TokenUsed), "{answer:?}");
    assert_eq!(site.calls(), 0);
}

//! A ticket for another service, or of another realm, and what ties a token to the connection.

use tower_spnego::explain::{Cause, System};
use tower_spnego::testing::TestRealm;
use tower_spnego::{
    ChannelBinding, ErrorKind, PrincipalOnly, ServerEndPoint, SpnegoConnection, SpnegoLayer,
};

use super::{KEYTAB, explains};
use crate::der::later;
use crate::refused_tokens::all_forms;
use crate::site::{Answer, SPN, Site, layer, realm, request, token, with_header, with_token};

const APP: &str = "HTTP/app.example.test";

async fn visit(site: &Site, host: &str, token: &[u8]) -> Answer {
    let request = with_header(with_token(request("/"), token), "host", host);
    site.browser().send(request).await
}

#[tokio::test]
async fn a_ticket_for_a_service_that_the_keytab_lacks_is_explained_and_mended_as_it_says() {
    let realm = TestRealm::start().expect("a KDC");
    realm.kadmin(["addprinc", "-randkey", APP]).expect("adds");
    let keytab = realm.folder().join("web.keytab");
    std::fs::copy(realm.keytab(), &keytab).expect("copies");
    let bare = || {
        SpnegoLayer::builder()
            .realm(realm.realm())
            .keytab(&keytab)
            .directory(PrincipalOnly)
    };
    let single = bare().hostname("localhost");
    let whole = bare().whole_keytab_is_one_trust_domain();
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let mut commands = Vec::new();
    for site in [single, whole].map(Site::new) {
        for token in all_forms(&alice, APP) {
            let answer = visit(&site, "localhost", &token).await;
            answer.is_rejected(ErrorKind::WrongService);
            explains(&answer, Cause::WrongSpn, &[(&keytab, KEYTAB)], "wrong_spn");
            let error = answer.error.expect("an error");
            let mends = error.explanation().expect("an explanation").mends();
            let ours = mends.iter().filter(|mend| mend.system() == System::Mit);
            commands = ours.map(|mend| mend.command().to_owned()).collect();
        }
    }
    // It is looked for by the name in the ticket, and exported by the one that the administrator
    // knows to be the site's: the second one would make the principal, which is there.
    let [getprinc, addprinc, ktadd] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert_eq!(getprinc, &format!("kadmin -q \"getprinc {APP}\""));
    assert!(!addprinc.contains(APP), "{addprinc}");
    let ktadd = ktadd.replace("HTTP/HOSTNAME", APP);
    let query = ktadd.strip_prefix("kadmin.local -q \"").expect("kadmin");
    let query = query.strip_suffix('"').expect("a query").split(' ');
    realm.kadmin(query).expect("ktadd");
    // No other server of the site's has lost its key by that.
    let known = realm.kadmin(["getprinc", APP]).expect("getprinc");
    assert!(known.contains("vno 1,"), "{known}");
    let both = bare().hostnames(["localhost", "app.example.test"]);
    let fresh = realm.ticket_cache("alice").expect("a ticket");
    let token = fresh.token(APP).expect("a token");
    let answer = visit(&Site::new(both), "app.example.test", &token).await;
    answer.is_hello("alice");
}

#[tokio::test]
async fn a_ticket_for_another_host_of_the_keytab_is_explained() {
    let realm = TestRealm::start().expect("a KDC");
    realm.add_service("HTTP/wiki.example.test").expect("adds");
    let names = SpnegoLayer::builder()
        .realm(realm.realm())
        .hostnames(["localhost", "wiki.example.test"])
        .keytab(realm.keytab())
        .directory(PrincipalOnly);
    let site = Site::new(names);
    let alice = realm.ticket_cache("alice").expect("a ticket");
    for token in all_forms(&alice, SPN) {
        let answer = visit(&site, "wiki.example.test", &token).await;
        answer.is_rejected(ErrorKind::WrongService);
        explains(
            &answer,
            Cause::WrongSpn,
            &[(realm.keytab(), KEYTAB)],
            "wrong_host",
        );
    }
}

#[tokio::test]
async fn a_ticket_of_the_same_name_in_another_realm_is_explained() {
    let realm = realm();
    let lab = TestRealm::builder().realm("LAB.TEST").start();
    let lab = lab.expect("a second KDC");
    let site = Site::new(layer(&realm));
    for token in all_forms(&lab.ticket_cache("alice").expect("a ticket"), SPN) {
        let answer = visit(&site, "localhost", &token).await;
        assert_eq!(answer.status, 401);
        explains(
            &answer,
            Cause::WrongSpn,
            &[(realm.keytab(), KEYTAB)],
            "wrong_service_realm",
        );
    }
}

#[tokio::test]
async fn a_client_of_a_realm_that_may_not_sign_in_is_explained() {
    let lab = TestRealm::builder().realm("LAB.TEST").start();
    let lab = lab.expect("a KDC");
    let layer = SpnegoLayer::builder()
        .realms(["CORP.TEST", "HOME.TEST"])
        .hostname("localhost")
        .keytab(lab.keytab())
        .directory(PrincipalOnly);
    let answer = visit(&Site::new(layer), "localhost", &token(&lab, "alice")).await;
    answer.is_forbidden(ErrorKind::RealmNotAllowed);
    explains(&answer, Cause::RealmNotAllowed, &[], "realm_not_allowed");
    let error = answer.error.expect("an error");
    let why = error.explanation().expect("an explanation");
    assert_eq!(why.client(), Some("alice@LAB.TEST"));
}

fn bound(realm: &TestRealm, byte: u8) -> Vec<u8> {
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let binding = [b"tls-server-end-point:", [byte; 32].as_slice()].concat();
    let handshake = alice.handshake(SPN).channel_binding(binding);
    handshake.start().expect("a token").token().to_vec()
}

#[tokio::test]
async fn a_channel_binding_that_differs_or_is_missing_is_explained() {
    let realm = realm();
    let required = || layer(&realm).channel_binding(ChannelBinding::Required);
    let end_point = ServerEndPoint::from_hash([1; 32]).expect("a hash");
    let site = Site::new(required().server_end_point(end_point));
    let answer = visit(&site, "web.example.test", &bound(&realm, 2)).await;
    answer.is_rejected(ErrorKind::ChannelBindingDiffers);
    explains(
        &answer,
        Cause::ChannelBindingDiffers,
        &[],
        "channel_binding_differs",
    );
    let answer = visit(&site, "web.example.test", &token(&realm, "alice")).await;
    answer.is_rejected(ErrorKind::ChannelBindingMissing);
    explains(
        &answer,
        Cause::ChannelBindingMissing,
        &[],
        "channel_binding_missing",
    );
    let unknown = Site::new(required());
    let answer = visit(&unknown, "web.example.test", &bound(&realm, 1)).await;
    answer.is_rejected(ErrorKind::ChannelBindingDiffers);
    explains(
        &answer,
        Cause::ChannelBindingDiffers,
        &[],
        "channel_binding_unknown",
    );
}

#[tokio::test]
async fn a_handshake_of_several_requests_that_nothing_ties_together_is_explained() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let first = alice.handshake(SPN).ntlm_first().start().expect("a token");
    let answer = visit(&site, "localhost", first.token()).await;
    answer.is_rejected(ErrorKind::UnfinishedHandshake);
    explains(&answer, Cause::NoConnection, &[], "no_connection");

    let send = async |version, token: &[u8]| {
        let mut request = with_token(request("/"), token);
        *request.version_mut() = version;
        request.extensions_mut().insert(SpnegoConnection::new(None));
        site.browser().send(request).await
    };
    let answer = send(http::Version::HTTP_11, &later(None, None)).await;
    explains(&answer, Cause::HandshakeLost, &[], "handshake_lost");
    let answer = send(http::Version::HTTP_2, first.token()).await;
    explains(&answer, Cause::HandshakeLost, &[], "handshake_over_http2");
}

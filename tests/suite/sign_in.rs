use http::StatusCode;
use http::header::WWW_AUTHENTICATE;

use crate::site::{SPN, Site, layer, realm, token};

#[tokio::test]
async fn a_ticket_signs_in_and_the_next_request_rides_on_the_session() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut browser = site.browser();
    browser
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    let second = browser.get("/").await;
    second.is_hello("alice");
    assert_eq!(second.header(WWW_AUTHENTICATE), None);
    site.browser().get("/").await.is_challenge();
}

#[tokio::test]
async fn spnego_and_raw_kerberos_tokens_are_answered_with_a_token_that_proves_the_server() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let cache = realm.ticket_cache("alice").expect("a ticket");
    for raw in [false, true] {
        let request = cache.handshake(SPN);
        let request = if raw { request.raw_kerberos() } else { request };
        let handshake = request.start().expect("a handshake");
        let answer = site.browser().get_with("/", handshake.token()).await;
        answer.is_hello("alice");
        let reply = answer.token().expect("a final token");
        handshake
            .finish(&reply)
            .expect("the client believes the server");
    }
}

#[tokio::test]
async fn a_client_that_wants_no_proof_is_signed_in() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let handshake = cache.handshake(SPN).without_mutual_authentication();
    let spnego = handshake.start().expect("a handshake");
    let answer = site.browser().get_with("/", spnego.token()).await;
    answer.is_hello("alice");
    spnego
        .finish(&answer.token().expect("accept-completed"))
        .expect("done");
    let raw = handshake.raw_kerberos().start().expect("a handshake");
    let answer = site.browser().get_with("/", raw.token()).await;
    answer.is_hello("alice");
    assert_eq!(
        answer.header(WWW_AUTHENTICATE),
        None,
        "an empty token is none"
    );
}

#[tokio::test]
async fn the_final_token_is_on_every_status_but_the_handlers_own_401() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let cache = realm.ticket_cache("alice").expect("a ticket");
    for status in [200, 204, 302, 304, 400, 403, 404, 500, 503] {
        let token = cache.token(SPN).expect("a token");
        let answer = site
            .browser()
            .get_with(&format!("/status/{status}"), &token)
            .await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.challenges().len(), 1, "{status}");
        assert!(answer.token().is_some(), "{status}");
    }
    let token = cache.token(SPN).expect("a token");
    let answer = site.browser().get_with("/status/401", &token).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.challenges().is_empty());
}

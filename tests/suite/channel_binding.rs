//! Whether a token is bound to the TLS server that it comes to. Clients over real TLS are in
//! `clients`.

use axum::Router;
use http::StatusCode;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::TestRealm;
use tower_spnego::{ChannelBinding, ConfigError, ErrorKind, ServerEndPoint, SharedEndPoint};

use crate::site::{Answer, SPN, Site, layer, realm, request, routes, with_token};

fn end_point(byte: u8) -> ServerEndPoint {
    ServerEndPoint::from_hash([byte; 32]).expect("a hash")
}

fn application_data(byte: u8) -> Vec<u8> {
    [b"tls-server-end-point:", [byte; 32].as_slice()].concat()
}

/// Alice comes bound to the certificate with this hash, or to none; with mutual authentication or,
/// like browsers, without it; in SPNEGO and bare.
fn tokens(realm: &TestRealm, bound_to: Option<u8>) -> Vec<Vec<u8>> {
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let handshake = match bound_to {
        Some(byte) => alice.handshake(SPN).channel_binding(application_data(byte)),
        None => alice.handshake(SPN),
    };
    let forms = [
        handshake.clone(),
        handshake.clone().without_mutual_authentication(),
        handshake.clone().raw_kerberos(),
        handshake.raw_kerberos().without_mutual_authentication(),
    ];
    let tokens = forms.map(|form| form.start().expect("a token").token().to_vec());
    tokens.into()
}

/// Over a connection with this certificate, or one that the server knows nothing of.
async fn visit(site: &Site, token: &[u8], certificate: Option<u8>) -> Answer {
    let mut request = with_token(request("/"), token);
    request.extensions_mut().extend(extension(certificate));
    site.browser().send(request).await
}

fn extension(certificate: Option<u8>) -> http::Extensions {
    let mut extensions = http::Extensions::new();
    if let Some(byte) = certificate {
        extensions.insert(end_point(byte));
    }
    extensions
}

/// What comes of each kind of client under a policy: `None` is a sign-in.
async fn check(
    site: &Site,
    realm: &TestRealm,
    certificate: Option<u8>,
    outcomes: [(Option<u8>, Option<ErrorKind>); 3],
) {
    for (bound_to, outcome) in outcomes {
        for token in tokens(realm, bound_to) {
            let answer = visit(site, &token, certificate).await;
            match outcome {
                None => answer.is_hello("alice"),
                Some(kind) => answer.is_rejected(kind),
            }
        }
    }
}

use ErrorKind::{ChannelBindingDiffers as Differs, ChannelBindingMissing as Missing};

#[tokio::test]
async fn unless_asked_for_it_is_ignored() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    check(
        &site,
        &realm,
        Some(1),
        [(Some(1), None), (Some(2), None), (None, None)],
    )
    .await;
}

#[tokio::test]
async fn when_sent_it_must_be_right() {
    let realm = realm();
    let site = Site::new(layer(&realm).channel_binding(ChannelBinding::WhenSent));
    check(
        &site,
        &realm,
        Some(1),
        [(Some(1), None), (Some(2), Some(Differs)), (None, None)],
    )
    .await;
}

#[tokio::test]
async fn where_required_it_must_be_there() {
    let realm = realm();
    let site = Site::new(layer(&realm).channel_binding(ChannelBinding::Required));
    let outcomes = [
        (Some(1), None),
        (Some(2), Some(Differs)),
        (None, Some(Missing)),
    ];
    check(&site, &realm, Some(1), outcomes).await;
}

#[tokio::test]
async fn where_no_certificate_is_known_each_binding_is_wrong() {
    let realm = realm();
    for (policy, unbound) in [
        (ChannelBinding::WhenSent, None),
        (ChannelBinding::Required, Some(Missing)),
    ] {
        let site = Site::new(layer(&realm).channel_binding(policy));
        let outcomes = [
            (Some(1), Some(Differs)),
            (Some(2), Some(Differs)),
            (None, unbound),
        ];
        check(&site, &realm, None, outcomes).await;
        let token = tokens(&realm, Some(1)).remove(0);
        let error = visit(&site, &token, None).await.error.expect("an error");
        assert!(
            error.to_string().contains("server_end_point(..)"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_layers_end_point_counts_where_the_connection_has_none_and_can_be_replaced() {
    let realm = realm();
    let shared = SharedEndPoint::new(end_point(1));
    let layer = layer(&realm).channel_binding(ChannelBinding::Required);
    let site = Site::new(layer.server_end_point(shared.clone()));
    let outcomes = |ours, theirs| {
        [
            (Some(ours), None),
            (Some(theirs), Some(Differs)),
            (None, Some(Missing)),
        ]
    };
    check(&site, &realm, None, outcomes(1, 2)).await;
    check(&site, &realm, Some(2), outcomes(2, 1)).await;
    shared.replace(end_point(2));
    check(&site, &realm, None, outcomes(2, 1)).await;
}

#[tokio::test]
async fn it_holds_over_several_requests() {
    let realm = realm();
    let site = Site::new(layer(&realm).channel_binding(ChannelBinding::Required));
    for (bound_to, outcome) in [(1, None), (2, Some(Differs))] {
        let alice = realm.ticket_cache("alice").expect("a ticket");
        let handshake = alice
            .handshake(SPN)
            .ntlm_first()
            .without_mutual_authentication();
        let handshake = handshake.channel_binding(application_data(bound_to));
        let mut handshake = handshake.start().expect("a token");
        let connection = tower_spnego::SpnegoConnection::new(None);
        let send = async |token: &[u8]| {
            let mut request = with_token(request("/"), token);
            request.extensions_mut().insert(connection.clone());
            request.extensions_mut().insert(end_point(1));
            site.browser().send(request).await
        };
        let first = send(handshake.token()).await;
        let next = handshake.reply(&first.token().expect("a token"));
        let second = send(&next.expect("a good reply").expect("another token")).await;
        match outcome {
            None => second.is_hello("alice"),
            Some(kind) => second.is_rejected(kind),
        }
    }
}

#[test]
fn an_end_point_that_nothing_compares_is_a_mistake() {
    let realm = realm();
    let layer = layer(&realm).server_end_point(end_point(1));
    let error = layer.build().expect_err("off");
    assert!(matches!(error, ConfigError::EndPointUnused), "{error}");
}

/// Else whoever relays a token would come in by the part of an application that asks for less.
#[tokio::test]
async fn where_required_a_sign_in_by_a_laxer_layer_does_not_count() {
    let realm = realm();
    let calls = Default::default();
    let strict = layer(&realm).channel_binding(ChannelBinding::Required);
    let inner = routes(&calls).layer(strict.build().expect("starts"));
    let lax = || layer(&realm).optional().build().expect("starts");
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let mut site = Site::new(layer(&realm));

    // One inside of the other.
    site.router = Router::new()
        .nest("/admin", inner.clone())
        .layer(lax())
        .layer(sessions.clone());
    let unbound = tokens(&realm, None).remove(0);
    let answer = site.browser().get_with("/admin/maybe", &unbound).await;
    assert_eq!(answer.kind(), Some(ErrorKind::TokenUsed), "{answer:?}");
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);

    // Side by side, on one session.
    site.router = routes(&Default::default())
        .layer(lax())
        .nest("/admin", inner)
        .layer(sessions);
    let mut browser = site.browser();
    let unbound = tokens(&realm, None).remove(0);
    let answer = browser.get_with("/maybe", &unbound).await;
    answer.is_hello("alice");
    browser.get("/admin/maybe").await.is_challenge();
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 0);
}

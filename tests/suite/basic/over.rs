//! Over what a password may come.

use std::net::SocketAddr;

use axum::extract::Request;
use tower_spnego::SpnegoConnection;

use super::*;

fn sent(peer: &str, proto: &[&str], user: &str) -> Request {
    let mut request = with_password(request("/maybe"), user, PASSWORD);
    let peer = SocketAddr::new(peer.parse().expect("an address"), 4711);
    let connection = SpnegoConnection::new(Some(peer));
    request.extensions_mut().insert(connection);
    for value in proto {
        request = with_header(request, "x-forwarded-proto", value);
    }
    request
}

#[tokio::test]
async fn behind_a_proxy_only_its_own_word_of_https_counts() {
    if elsewhere("over::behind_a_proxy_only_its_own_word_of_https_counts") {
        return;
    }
    let realm = realm();
    let over = || BasicOver::forwarded_from(["10.0.0.0/24", "fd00::1"]);
    let strict = Site::new(layer(&realm).basic(over()));
    let optional = Site::new(layer(&realm).basic(over()).optional());
    for (peer, proto) in [
        ("10.0.1.1", &["https"][..]),
        ("10.0.0.1", &[]),
        ("10.0.0.1", &["http"]),
        ("10.0.0.1", &["https", "http"]),
        ("fd00::2", &["https"]),
    ] {
        // Neither offered nor read: it is no credentials, whatever it says.
        for user in ["alice", "alice@OTHER.TEST"] {
            let answer = strict.browser().send(sent(peer, proto, user)).await;
            answer.is_challenge();
            let answer = optional.browser().send(sent(peer, proto, user)).await;
            answer.is_hello("stranger");
        }
    }
    assert_eq!(checks(&realm, "alice"), 0);
    for peer in ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1"] {
        let answer = strict.browser().send(sent(peer, &["https"], "alice")).await;
        answer.is_hello("alice");
    }
}

#[tokio::test]
async fn a_rule_of_the_applications_own_decides() {
    if elsewhere("over::a_rule_of_the_applications_own_decides") {
        return;
    }
    #[derive(Clone)]
    struct Tls;
    let realm = realm();
    let over = BasicOver::when(|request| request.extensions.get::<Tls>().is_some());
    let site = Site::new(layer(&realm).basic(over));
    site.browser()
        .send(typed("alice", PASSWORD))
        .await
        .is_challenge();
    let mut over_tls = typed("alice", PASSWORD);
    over_tls.extensions_mut().insert(Tls);
    site.browser().send(over_tls).await.is_hello("alice");
}

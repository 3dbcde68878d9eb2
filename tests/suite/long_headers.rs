//! A ticket with many groups and a forwarded one makes a long `Authorization`.

use tower_spnego::testing::{TestRealm, authorization};

use crate::der;
use crate::server::Server;
use crate::site::{SPN, Site, layer, realm};

/// A token of alice's, filled up to make this many characters of `Authorization`, or a few more.
///
/// No KDC of a test gives that many groups; mechanisms that nobody knows are as legal.
pub fn token(realm: &TestRealm, characters: usize) -> Vec<u8> {
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let handshake = cache.handshake(SPN).raw_kerberos().start();
    let kerberos = handshake.expect("a token");
    let with_mechanisms = |length: usize| {
        let unknown = vec![0x2a; length];
        let mut mechanisms = vec![der::KRB5];
        mechanisms.extend([&unknown[..]; 15]);
        der::offer(&mechanisms, Some(kerberos.token()))
    };
    let is_long_enough = |token: &Vec<u8>| authorization(token).len() >= characters;
    let token = (1..).map(with_mechanisms).find(is_long_enough);
    let token = token.expect("a token");
    assert!(authorization(&token).len() < characters + 100);
    token
}

#[tokio::test]
async fn a_header_of_30_kb_signs_in() {
    let realm = realm();
    let token = token(&realm, 30_000);
    let server = Server::start(Site::new(layer(&realm)).router).await;
    server.sign_in(&token).await.is_hello("alice");
}

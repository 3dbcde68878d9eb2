//! A ticket with many groups and a forwarded one makes a long `Authorization`.

use tower_spnego::testing::authorization;

use crate::der;
use crate::server::Server;
use crate::site::{SPN, Site, layer, realm};

#[tokio::test]
async fn a_header_of_30_kb_signs_in() {
    let realm = realm();
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let handshake = cache.handshake(SPN).raw_kerberos().start();
    let kerberos = handshake.expect("a token");
    // No KDC of a test gives that many groups; mechanisms that nobody knows are as legal.
    let unknown = [0x2a; 1_400];
    let mut mechanisms = vec![der::KRB5];
    mechanisms.extend([&unknown[..]; 15]);
    let token = der::offer(&mechanisms, Some(kerberos.token()));
    let length = authorization(&token).len();
    assert!((29_000..31_000).contains(&length), "{length}");

    let server = Server::start(Site::new(layer(&realm)).router).await;
    server.sign_in(&token).await.is_hello("alice");
}

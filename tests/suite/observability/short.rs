//! A stranger can't fill the log with explanations.

use std::net::SocketAddr;
use std::time::Duration;

use tower_spnego::{ErrorKind, PrincipalOnly, SpnegoConnection, SpnegoLayer};

use super::seen::{Seen, Told};
use crate::der::{NTLM, offer};
use crate::process;
use crate::site::{Answer, Site, TestClock, layer, realm, request, with_token};

/// How many explanations of one cause are whole, in a minute.
const WHOLE: usize = 10;

async fn refused(site: &Site, token: &[u8], kind: ErrorKind) -> Answer {
    refused_at("192.0.2.7:1234", site, token, kind).await
}

async fn refused_at(peer: &str, site: &Site, token: &[u8], kind: ErrorKind) -> Answer {
    let peer: SocketAddr = peer.parse().expect("an address");
    let mut request = with_token(request("/"), token);
    let connection = SpnegoConnection::new(Some(peer));
    request.extensions_mut().insert(connection);
    let answer = site.browser().send(request).await;
    assert_eq!(answer.kind(), Some(kind), "{answer:?}");
    answer
}

fn lines(seen: &Seen) -> Vec<Told> {
    let all = seen.all().into_iter();
    let is_line = |told: &Told| told.is_event && told.text.starts_with("refused: ");
    all.filter(is_line).collect()
}

#[tokio::test]
async fn what_strangers_are_told_of_again_and_again_is_short() {
    const TEST: &str = "observability::short::what_strangers_are_told_of_again_and_again_is_short";
    if !process::is_own() {
        return process::run(TEST, [("NO_COLOR", "1")]);
    }
    let realm = realm();
    let clock = TestClock::default();
    let site = Site::new(layer(&realm).clock(clock.reader()));
    let seen = Seen::start();
    let ntlm = offer(&[NTLM], Some(b"NTLMSSP"));
    for _ in 0..WHOLE + 3 {
        let answer = refused(&site, &ntlm, ErrorKind::Ntlm).await;
        // Whoever looks at the response has it all.
        let error = answer.error.expect("an error").to_string();
        assert!(error.len() > 300, "{error}");
    }
    let told = lines(&seen);
    assert_eq!(told.len(), WHOLE + 3, "none is dropped");
    let (whole, short) = told.split_at(WHOLE);
    assert!(whole.iter().all(|line| line.text.len() > 300), "{whole:?}");
    for (line, shortened) in short.iter().zip(1..) {
        assert!(line.text.len() < 250, "{line:?}");
        assert_eq!(line.level, "INFO");
        assert_eq!(line.value("kind"), "Ntlm");
        assert_eq!(line.value("cause"), "Ntlm");
        assert_eq!(line.value("peer"), "192.0.2.7:1234");
        assert_eq!(line.value("shortened"), shortened.to_string());
        assert_eq!(line.within, Some("spnego.sign_in"));
    }

    // Another cause has its own, and so has another address, or another layer.
    let another = ["addprinc", "-randkey", "HTTP/another"];
    realm.kadmin(another).expect("added");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let other = alice.token("HTTP/another").expect("a token");
    refused(&site, &other, ErrorKind::WrongService).await;
    refused_at("192.0.2.8:1234", &site, &ntlm, ErrorKind::Ntlm).await;
    let beside = Site::new(layer(&realm));
    refused(&beside, &ntlm, ErrorKind::Ntlm).await;
    for line in &lines(&seen)[WHOLE + 3..] {
        assert!(line.text.len() > 300, "{line:?}");
        assert_eq!(line.value("shortened"), "");
    }

    // Nor for ever.
    let before = lines(&seen).len();
    clock.advance(Duration::from_secs(60));
    refused(&site, &ntlm, ErrorKind::Ntlm).await;
    let line = &lines(&seen)[before];
    assert!(line.text.len() > 300, "{line:?}");
}

#[tokio::test]
async fn a_short_line_says_what_was_tried() {
    const TEST: &str = "observability::short::a_short_line_says_what_was_tried";
    if !process::is_own() {
        return process::run(TEST, [("NO_COLOR", "1")]);
    }
    let realm = realm();
    let elsewhere = SpnegoLayer::builder()
        .realm("ELSEWHERE.TEST")
        .hostname("localhost")
        .service_realm(realm.realm())
        .keytab(realm.keytab())
        .directory(PrincipalOnly);
    let site = Site::new(elsewhere);
    let seen = Seen::start();
    let alice = realm.ticket_cache("alice").expect("a ticket");
    for _ in 0..=WHOLE {
        let token = alice.token("HTTP/localhost").expect("a token");
        refused(&site, &token, ErrorKind::RealmNotAllowed).await;
    }
    let told = lines(&seen);
    let line = told.last().expect("a line");
    assert_eq!(line.value("shortened"), "1", "{line:?}");
    assert_eq!(line.value("client"), "alice@EXAMPLE.TEST", "{line:?}");
}

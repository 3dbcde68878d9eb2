//! Each token that can't be accepted is refused with the kind of its fault, bare and in SPNEGO.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tower_spnego::ErrorKind;
use tower_spnego::testing::{TestRealm, TicketCache};

use crate::der::{KRB5, NTLM, offer};
use crate::site::{Answer, SPN, Site, layer, realm, request, token, with_header};

/// The client's token in SPNEGO and bare, with and without mutual authentication: without it, as
/// browsers ask, GSSAPI gives no reason.
pub fn all_forms(cache: &TicketCache, spn: &str) -> [Vec<u8>; 4] {
    let mutual = cache.handshake(spn);
    let alone = cache.handshake(spn).without_mutual_authentication();
    let raw = [mutual.clone().raw_kerberos(), alone.clone().raw_kerberos()];
    let [mutual_raw, alone_raw] = raw;
    [mutual, alone, mutual_raw, alone_raw]
        .map(|handshake| handshake.start().expect("a token").token().to_vec())
}

async fn send(site: &Site, token: &[u8]) -> Answer {
    site.browser().get_with("/", token).await
}

#[tokio::test]
async fn a_replay_is_refused() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    for token in all_forms(&realm.ticket_cache("alice").expect("a ticket"), SPN) {
        send(&site, &token).await.is_hello("alice");
        send(&site, &token).await.is_rejected(ErrorKind::Replay);
    }
}

#[tokio::test]
async fn a_ticket_for_another_service_is_refused() {
    let realm = TestRealm::start().expect("a KDC");
    realm.add_service("HTTP/other").expect("adds");
    let site = Site::new(layer(&realm));
    for token in all_forms(
        &realm.ticket_cache("alice").expect("a ticket"),
        "HTTP/other",
    ) {
        send(&site, &token)
            .await
            .is_rejected(ErrorKind::WrongService);
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn a_ticket_of_a_newer_key_than_the_keytabs_is_refused() {
    let realm = TestRealm::start().expect("a KDC");
    let site = Site::new(layer(&realm));
    realm.change_key(SPN).expect("changes");
    for token in all_forms(&realm.ticket_cache("alice").expect("a ticket"), SPN) {
        send(&site, &token).await.is_rejected(ErrorKind::KeyMissing);
    }
}

#[tokio::test]
async fn a_ticket_of_another_key_of_the_same_version_is_refused() {
    let [ours, theirs] = [(); 2].map(|()| TestRealm::start().expect("a KDC"));
    let site = Site::new(layer(&ours));
    for token in all_forms(&theirs.ticket_cache("alice").expect("a ticket"), SPN) {
        send(&site, &token).await.is_rejected(ErrorKind::WrongKey);
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn a_replay_cache_that_goes_missing_refuses() {
    let realm = realm();
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("replays");
    let site = Site::new(layer(&realm).replay_cache(&cache));
    send(&site, &token(&realm, "alice")).await.is_hello("alice");
    std::fs::remove_dir_all(&cache).expect("removes");
    for token in all_forms(&realm.ticket_cache("alice").expect("a ticket"), SPN) {
        send(&site, &token)
            .await
            .is_rejected(ErrorKind::ReplayCacheUnusable);
    }
}

#[tokio::test]
async fn a_token_of_which_a_bit_is_flipped_in_the_secret_parts_is_refused() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    for mut token in all_forms(&realm.ticket_cache("alice").expect("a ticket"), SPN) {
        // The authenticator is the last part of all forms.
        let last = token.last_mut().expect("bytes");
        *last ^= 1;
        send(&site, &token).await.is_rejected(ErrorKind::WrongKey);
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn what_is_no_token_is_refused_before_gssapi_sees_it() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = token(&realm, "alice");
    let base64 = |bytes: &[u8]| STANDARD.encode(bytes);
    for (value, kind) in [
        ("!!!".to_owned(), ErrorKind::NotBase64),
        (base64(&good[..good.len() - 1]), ErrorKind::MalformedToken),
        (
            base64(&[good.as_slice(), b"x"].concat()),
            ErrorKind::MalformedToken,
        ),
        (base64(b"hello"), ErrorKind::NotKerberos),
        (base64(b"NTLMSSP\0\x01\0\0\0"), ErrorKind::Ntlm),
        (base64(&offer(&[NTLM], None)), ErrorKind::Ntlm),
        (
            base64(&offer(&[KRB5; 17], None)),
            ErrorKind::TooManyMechanisms,
        ),
        (base64(&[0x60; 65 * 1024]), ErrorKind::TokenTooLong),
    ] {
        let request = with_header(request("/"), "authorization", &format!("Negotiate {value}"));
        let answer = site.browser().send(request).await;
        answer.is_rejected(kind);
        assert_eq!(answer.challenges(), ["Negotiate oQcwBaADCgEC"]);
    }
    assert_eq!(site.calls(), 0);
    send(&site, &good).await.is_hello("alice");
}

/// A client whose first choice is not Kerberos needs another request, which nothing ties to this
/// one yet.
#[tokio::test]
async fn a_handshake_that_needs_another_request_is_refused_and_the_handler_not_called() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let answer = send(&site, &offer(&[NTLM, KRB5], None)).await;
    answer.is_rejected(ErrorKind::UnfinishedHandshake);
    assert_eq!(answer.challenges(), ["Negotiate oQcwBaADCgEC"]);
    assert_eq!(site.calls(), 0);
}

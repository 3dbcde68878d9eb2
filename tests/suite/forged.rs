//! Tokens that are wrong in one way each, made with the service's own key: nobody gets in as
//! anybody else, nothing fails on our side, and afterwards people sign in as before.
//!
//! Each is made afresh. One that had been used would be refused as a replay, whatever else is wrong
//! with it.

use futures_util::{StreamExt, stream};
use http::StatusCode;
use tower_spnego::ErrorKind;

use crate::aes_key::Key;
use crate::der::{KRB5, NTLM, SPNEGO, frame, offer};
use crate::forge::{Client, FORMS, Forgery, seconds_now};
use crate::site::{Answer, Site, layer, realm};

/// The flag of a postdated ticket that the KDC has not validated yet (RFC 4120 section 5.3).
const INVALID: u32 = 1 << (31 - 7);

const ALICE: &str = "alice@EXAMPLE.TEST ";

async fn send(site: &Site, token: &[u8]) -> Answer {
    site.browser().get_with("/login", token).await
}

/// In the order of the tokens, many at once.
pub async fn send_all(site: &Site, tokens: impl IntoIterator<Item = Vec<u8>>) -> Vec<Answer> {
    let answers = stream::iter(tokens).map(|token| async move { send(site, &token).await });
    answers.buffered(64).collect().await
}

#[track_caller]
pub fn is_alice(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(answer.body.starts_with(ALICE), "{answer:?}");
}

/// As many sign-ins at once as keep every accept thread busy.
pub async fn people_sign_in(site: &Site, good: &Forgery) {
    let tokens = (0..16).flat_map(|_| good.all_forms());
    send_all(site, tokens).await.iter().for_each(is_alice);
}

pub async fn are_rejected(site: &Site, tokens: impl IntoIterator<Item = Vec<u8>>, kind: ErrorKind) {
    let calls = site.calls();
    for answer in send_all(site, tokens).await {
        answer.is_rejected(kind);
    }
    assert_eq!(site.calls(), calls);
}

#[tokio::test]
async fn a_forgery_that_nothing_is_wrong_with_signs_in() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut good = Forgery::new(&realm);
    people_sign_in(&site, &good).await;
    good.mutual = true;
    let proof = send(&site, &good.kerberos()).await.token();
    assert!(proof.is_some(), "the site proves itself");
    good.mutual = false;
    let proof = send(&site, &good.kerberos()).await.token();
    assert_eq!(proof, None);
}

#[tokio::test]
async fn a_ticket_or_authenticator_with_one_fault_is_refused_for_it() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = Forgery::new(&realm);
    let now = seconds_now();
    let minutes = |count: i64| count * 60;
    type Spoil<'a> = &'a dyn Fn(&mut Forgery);
    let faults: &[(&str, Spoil<'_>, ErrorKind)] = &[
        (
            "another service and its key",
            &|token| {
                token.ticket.service = vec!["HTTP", "other"];
                token.ticket.key = Key::random();
            },
            ErrorKind::WrongService,
        ),
        (
            "another key",
            &|token| token.ticket.key = Key::random(),
            ErrorKind::WrongKey,
        ),
        (
            "another session key",
            &|token| token.authenticator.session_key = Key::random(),
            ErrorKind::WrongKey,
        ),
        (
            "expired",
            &|token| token.ticket.ends = now - minutes(10),
            ErrorKind::TicketExpired,
        ),
        (
            "not valid yet",
            &|token| token.ticket.starts = now + minutes(10),
            ErrorKind::TicketNotYetValid,
        ),
        (
            "not validated",
            &|token| token.ticket.flags = INVALID,
            ErrorKind::TokenRefused,
        ),
        (
            "a clock behind",
            &|token| token.authenticator.time = now - minutes(10),
            ErrorKind::ClockSkew,
        ),
        (
            "a clock ahead",
            &|token| token.authenticator.time = now + minutes(10),
            ErrorKind::ClockSkew,
        ),
        (
            "bob's authenticator",
            &|token| token.authenticator.client = Client::new(&["bob"], "EXAMPLE.TEST"),
            ErrorKind::TokenRefused,
        ),
        (
            "bob's ticket",
            &|token| token.ticket.client = Client::new(&["bob"], "EXAMPLE.TEST"),
            ErrorKind::TokenRefused,
        ),
        (
            "an alice's authenticator of another realm",
            &|token| token.authenticator.client = Client::new(&["alice"], "OTHER.TEST"),
            ErrorKind::TokenRefused,
        ),
        (
            "an alice's ticket of another realm",
            &|token| token.ticket.client = Client::new(&["alice"], "OTHER.TEST"),
            ErrorKind::TokenRefused,
        ),
        (
            "an unknown kvno",
            &|token| token.ticket.kvno = Some(99),
            ErrorKind::KeyMissing,
        ),
        (
            "a kvno that is no Int32",
            &|token| token.ticket.kvno = Some(u32::MAX),
            ErrorKind::TokenRefused,
        ),
        (
            "an enctype that the keytab lacks",
            &|token| token.ticket.enctype = 23,
            ErrorKind::KeyMissing,
        ),
        (
            "an unknown enctype",
            &|token| token.ticket.enctype = 99,
            ErrorKind::KeyMissing,
        ),
        (
            "no enctype",
            &|token| token.ticket.enctype = 0,
            ErrorKind::TokenRefused,
        ),
    ];
    for (what, spoil, kind) in faults {
        let mut token = good.clone();
        spoil(&mut token);
        for form in FORMS {
            let answer = send(&site, &token.token(form)).await;
            assert_eq!(answer.kind(), Some(*kind), "{what}, {form:?}: {answer:?}");
            answer.is_rejected(*kind);
        }
    }
    assert_eq!(site.calls(), 0);
    people_sign_in(&site, &good).await;
}

#[tokio::test]
async fn a_replay_of_a_forgery_is_refused() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = Forgery::new(&realm);
    for token in good.all_forms() {
        is_alice(&send(&site, &token).await);
        are_rejected(&site, [token], ErrorKind::Replay).await;
    }
    people_sign_in(&site, &good).await;
}

/// Realm and service of a ticket are clear text that anybody can write, and MIT Kerberos goes by
/// the key. So do we: what counts is whom the KDC names in the sealed part.
#[tokio::test]
async fn a_ticket_sealed_with_our_key_for_another_service_is_its_clients() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut token = Forgery::new(&realm);
    token.ticket.service = vec!["HTTP", "other"];
    token.ticket.realm = "OTHER.TEST".to_owned();
    for token in token.all_forms() {
        is_alice(&send(&site, &token).await);
    }
}

#[tokio::test]
async fn a_client_whose_name_is_no_persons_of_this_realm_is_forbidden() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = Forgery::new(&realm);
    let ours = |name: &[&str]| Client::new(name, "EXAMPLE.TEST");
    for (client, kind) in [
        (
            Client::new(&["alice"], "OTHER.TEST"),
            ErrorKind::RealmNotAllowed,
        ),
        (
            Client::new(&["alice"], "example.test"),
            ErrorKind::RealmNotAllowed,
        ),
        (
            Client::new(&["bob"], "X@EXAMPLE.TEST"),
            ErrorKind::RealmNotAllowed,
        ),
        (
            Client::new(&["alice"], "EXAMPLE.TEST\0"),
            ErrorKind::NameNotAllowed,
        ),
        (Client::new(&["alice"], ""), ErrorKind::NameNotAllowed),
        (ours(&[]), ErrorKind::NameNotAllowed),
        (ours(&[""]), ErrorKind::NameNotAllowed),
        (ours(&["alice", ""]), ErrorKind::NameNotAllowed),
        (ours(&["alice\0"]), ErrorKind::NameNotAllowed),
        (ours(&["alice\n"]), ErrorKind::NameNotAllowed),
        (ours(&["al\u{1b}ice"]), ErrorKind::NameNotAllowed),
        (ours(&["alice"; 1_000]), ErrorKind::NameNotAllowed),
    ] {
        for token in good.clone().of(client).all_forms() {
            send(&site, &token).await.is_forbidden(kind);
        }
    }
    assert_eq!(site.calls(), 0);
    people_sign_in(&site, &good).await;
}

#[tokio::test]
async fn a_client_whose_name_is_not_utf8_is_refused() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = Forgery::new(&realm);
    let client = Client::new(&[b"alice\xff"], "EXAMPLE.TEST");
    are_rejected(
        &site,
        good.clone().of(client).all_forms(),
        ErrorKind::TokenRefused,
    )
    .await;
    people_sign_in(&site, &good).await;
}

/// With separators in it, a name of one component could pass for another.
#[tokio::test]
async fn a_separator_in_a_clients_name_makes_it_nobody_else() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = Forgery::new(&realm);
    for (name, principal) in [
        ("alice@EXAMPLE.TEST", r"alice\@EXAMPLE.TEST@EXAMPLE.TEST "),
        ("alice/admin", r"alice\/admin@EXAMPLE.TEST "),
        (r"alice\", r"alice\\@EXAMPLE.TEST "),
    ] {
        let token = good.clone().of(Client::new(&[name], "EXAMPLE.TEST"));
        let answer = send(&site, &token.spnego()).await;
        assert!(answer.body.starts_with(principal), "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_framed_for_another_mechanism_is_refused() {
    const IAKERB: &[u8] = b"\x2b\x06\x01\x05\x02\x05";
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = Forgery::new(&realm);
    let framed = |mechanism| frame(mechanism, &good.unframed());
    let offered = |token: &[u8]| offer(&[KRB5], Some(token));
    for (what, token, kind) in [
        (
            "an unknown one",
            framed(b"\x2a\x03"),
            ErrorKind::NotKerberos,
        ),
        ("none", framed(b""), ErrorKind::NotKerberos),
        ("IAKERB", framed(IAKERB), ErrorKind::NotKerberos),
        ("NTLM", framed(NTLM), ErrorKind::Ntlm),
        ("SPNEGO", framed(SPNEGO), ErrorKind::MalformedToken),
        (
            "SPNEGO around the frame",
            frame(SPNEGO, &good.kerberos()),
            ErrorKind::MalformedToken,
        ),
        (
            "IAKERB as the only offer",
            offer(&[IAKERB], Some(&good.kerberos())),
            ErrorKind::NotKerberos,
        ),
        (
            "NTLM as the only offer",
            offer(&[NTLM], Some(&good.kerberos())),
            ErrorKind::Ntlm,
        ),
        (
            "an unknown one in SPNEGO",
            offered(&framed(b"\x2a\x03")),
            ErrorKind::NotKerberos,
        ),
        (
            "IAKERB in SPNEGO",
            offered(&framed(IAKERB)),
            ErrorKind::TokenRefused,
        ),
        (
            "NTLM in SPNEGO",
            offered(&framed(NTLM)),
            ErrorKind::NotKerberos,
        ),
        (
            "SPNEGO in SPNEGO",
            offered(&good.spnego()),
            ErrorKind::NotKerberos,
        ),
    ] {
        let answer = send(&site, &token).await;
        assert_eq!(answer.kind(), Some(kind), "{what}: {answer:?}");
        answer.is_rejected(kind);
        let text = answer.error.expect("an error").to_string();
        assert!(!text.contains(r"\u{0}"), "{text}");
    }
    assert_eq!(site.calls(), 0);
    people_sign_in(&site, &good).await;
}

#[tokio::test]
async fn a_thousand_mechanisms_are_refused_whatever_token_comes_with_them() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = Forgery::new(&realm);
    let tokens = [KRB5, NTLM].map(|mechanism| {
        let mut mechanisms = vec![mechanism; 1_000];
        mechanisms[0] = KRB5;
        offer(&mechanisms, Some(&good.kerberos()))
    });
    are_rejected(&site, tokens, ErrorKind::TooManyMechanisms).await;
    people_sign_in(&site, &good).await;
}

#[tokio::test]
async fn bytes_after_any_part_of_a_token_are_refused() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = Forgery::new(&realm);
    let longer = |bytes: Vec<u8>| [bytes, vec![0]].concat();
    let tokens = [
        longer(good.spnego()),
        longer(good.kerberos()),
        frame(KRB5, &longer(good.unframed())),
        offer(&[KRB5], Some(&longer(good.kerberos()))),
        offer(&[KRB5], Some(&frame(KRB5, &longer(good.unframed())))),
    ];
    are_rejected(&site, tokens, ErrorKind::MalformedToken).await;
    people_sign_in(&site, &good).await;
}

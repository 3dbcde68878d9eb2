//! A key that the keytab has not, or another one.

use std::path::Path;
use std::process::Stdio;

use tower_spnego::ErrorKind;
use tower_spnego::explain::{Cause, Explanation, HeldKeys, Token};
use tower_spnego::testing::{TestRealm, authorization};

use super::{KEYTAB, explains};
use crate::refused_tokens::all_forms;
use crate::site::{Answer, SPN, Site, layer, token};

/// Alice's tokens in every form, and what becomes of each.
async fn refused(site: &Site, realm: &TestRealm, kind: ErrorKind) -> Vec<Answer> {
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let mut answers = Vec::new();
    for token in all_forms(&alice, SPN) {
        let answer = site.browser().get_with("/", &token).await;
        answer.is_rejected(kind);
        answers.push(answer);
    }
    answers
}

/// Takes every key of this type out of a keytab.
fn remove_keys(realm: &TestRealm, keytab: &Path, enctype: &str) {
    let list = realm.command("klist").arg("-ke").arg(keytab).output();
    let list = String::from_utf8(list.expect("klist").stdout).expect("text");
    // After three lines of heading; ktutil counts from one.
    let slots = (1..).zip(list.lines().skip(3));
    let slots: Vec<_> = slots.filter(|(_, line)| line.contains(enctype)).collect();
    assert!(!slots.is_empty(), "{list}");
    let path = keytab.display();
    let mut script = format!("rkt {path}\n");
    for (slot, _) in slots.iter().rev() {
        script.push_str(&format!("delent {slot}\n"));
    }
    script.push_str(&format!("wkt {path}.new\nquit\n"));
    let file = realm.folder().join("ktutil.script");
    std::fs::write(&file, script).expect("written");
    let input = std::fs::File::open(&file).expect("opened");
    let mut ktutil = realm.command("ktutil");
    let done = ktutil.stdin(input).stdout(Stdio::null()).status();
    assert!(done.expect("ktutil").success());
    std::fs::rename(format!("{path}.new"), keytab).expect("moved");
}

#[tokio::test]
async fn a_ticket_of_a_newer_key_than_the_keytabs_is_explained() {
    let realm = TestRealm::start().expect("a KDC");
    let site = Site::new(layer(&realm));
    realm.change_key(SPN).expect("changes");
    for answer in refused(&site, &realm, ErrorKind::KeyMissing).await {
        explains(
            &answer,
            Cause::KvnoTooNew,
            &[(realm.keytab(), KEYTAB)],
            "kvno_too_new",
        );
        let error = answer.error.expect("an error");
        let why = error.explanation().expect("an explanation");
        let ticket = why.ticket().expect("a ticket");
        assert_eq!(ticket.service(), "HTTP/localhost@EXAMPLE.TEST");
        assert_eq!((ticket.realm(), ticket.kvno()), ("EXAMPLE.TEST", Some(2)));
        assert_eq!(ticket.enctype().expect("a type").number(), 18);
        assert_eq!(why.keytab(), Some(realm.keytab()));
        assert!(why.keys().iter().all(|key| key.kvno() == 1));
        assert_eq!(why.service().expect("ours").to_string(), ticket.service());
    }
}

#[tokio::test]
async fn a_ticket_of_an_older_key_than_the_keytabs_is_explained() {
    let realm = TestRealm::start().expect("a KDC");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let tokens = all_forms(&alice, SPN);
    realm.change_key(SPN).expect("changes");
    let keytab = realm.folder().join("new.keytab");
    realm.export_keytab(SPN, &keytab).expect("exports");
    let site = Site::new(layer(&realm).keytab(&keytab));
    for token in tokens {
        let answer = site.browser().get_with("/", &token).await;
        answer.is_rejected(ErrorKind::KeyMissing);
        explains(
            &answer,
            Cause::KvnoTooOld,
            &[(&keytab, KEYTAB)],
            "kvno_too_old",
        );
    }
}

#[tokio::test]
async fn a_ticket_of_a_type_that_the_keytab_lacks_is_explained() {
    let realm = TestRealm::start().expect("a KDC");
    remove_keys(&realm, realm.keytab(), "aes256");
    let site = Site::new(layer(&realm));
    for answer in refused(&site, &realm, ErrorKind::KeyMissing).await {
        explains(
            &answer,
            Cause::EnctypeMissing,
            &[(realm.keytab(), KEYTAB)],
            "enctype_missing",
        );
    }
}

#[tokio::test]
async fn a_ticket_of_another_key_of_the_same_version_is_explained() {
    let [ours, theirs] = [(); 2].map(|()| TestRealm::start().expect("a KDC"));
    let site = Site::new(layer(&ours));
    for answer in refused(&site, &theirs, ErrorKind::WrongKey).await {
        explains(
            &answer,
            Cause::WrongKey,
            &[(ours.keytab(), KEYTAB)],
            "wrong_key",
        );
    }
}

#[tokio::test]
async fn a_keytab_that_is_gone_is_explained_once_its_keys_are_missed() {
    let realm = TestRealm::start().expect("a KDC");
    let keytab = realm.folder().join("going.keytab");
    std::fs::copy(realm.keytab(), &keytab).expect("copies");
    let site = Site::new(layer(&realm).keytab(&keytab));
    std::fs::remove_file(&keytab).expect("removes");
    realm.change_key(SPN).expect("changes");
    crate::wait::until("the file is missed", async || {
        let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
        let error = answer.error.expect("an error");
        error.explanation().expect("an explanation").kind() == Cause::KeytabUnusable
    })
    .await;
    for answer in refused(&site, &realm, ErrorKind::KeyMissing).await {
        explains(
            &answer,
            Cause::KeytabUnusable,
            &[(&keytab, KEYTAB)],
            "keytab_gone",
        );
    }
    std::fs::write(&keytab, "half a key").expect("writes");
    crate::wait::until("the file is read again", async || {
        let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
        answer
            .error
            .expect("an error")
            .to_string()
            .contains("does not begin")
    })
    .await;
    for answer in refused(&site, &realm, ErrorKind::KeyMissing).await {
        explains(
            &answer,
            Cause::KeytabUnusable,
            &[(&keytab, KEYTAB)],
            "keytab_broken",
        );
    }
    // It is mended by the command of the explanation, here MIT's.
    std::fs::remove_file(&keytab).expect("removes");
    realm.export_keytab(SPN, &keytab).expect("exports");
    crate::wait::until("the file is used again", async || {
        let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
        answer.status == http::StatusCode::OK
    })
    .await;
}

/// What `spnego-doctor --token` says.
#[tokio::test]
async fn a_captured_token_is_explained_without_being_tried() {
    let realm = TestRealm::start().expect("a KDC");
    let before = std::sync::Arc::new(HeldKeys::read(realm.keytab()).expect("a keytab"));
    let of = |token: &[u8]| {
        let token = Token::read(&authorization(token)).expect("a token");
        (
            Explanation::of_captured(token.clone(), before.clone()),
            token.to_string(),
        )
    };
    let (why, text) = of(&token(&realm, "alice"));
    assert_eq!(why, None);
    assert_eq!(
        text,
        "SPNEGO that offers Kerberos, with a Kerberos ticket for HTTP/localhost@EXAMPLE.TEST, kvno 1, \
         aes256-cts-hmac-sha1-96"
    );
    realm.change_key(SPN).expect("changes");
    let (why, _) = of(&token(&realm, "alice"));
    assert_eq!(why.expect("an explanation").kind(), Cause::KvnoTooNew);
    realm
        .kadmin(["addprinc", "-randkey", "HTTP/other"])
        .expect("adds");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let (why, _) = of(&alice.token("HTTP/other").expect("a token"));
    assert_eq!(why.expect("an explanation").kind(), Cause::WrongSpn);
    let (why, text) = of(b"NTLMSSP\0\x01\0\0\0");
    assert_eq!(why.expect("an explanation").kind(), Cause::Ntlm);
    assert_eq!(text, "NTLM's message NEGOTIATE");
}

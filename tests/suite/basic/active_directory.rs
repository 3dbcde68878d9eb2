//! People who type a name that Active Directory knows them by, and that is not their account's.

use tower_spnego::testing::{TestActiveDirectory, active_directory_or_skip};
use tower_spnego::{BasicOver, ErrorKind, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder};

use super::*;
use crate::active_directory::people::{
    COMPUTERS_PASSWORD, MALLORYS_PASSWORD, ROOTS_PASSWORD, identity,
};

/// A domain that this process asks.
fn domain() -> TestActiveDirectory {
    let ad = TestActiveDirectory::start().expect("a domain");
    ad.add_computer("carol", COMPUTERS_PASSWORD).expect("added");
    ad.add_user("mallory", MALLORYS_PASSWORD).expect("added");
    std::fs::copy(ad.krb5_conf(), variable("KRB5_CONFIG")).expect("copies");
    ad
}

fn basic(ad: &TestActiveDirectory) -> SpnegoLayerBuilder {
    SpnegoLayer::builder()
        .realm(ad.realm())
        .hostname("localhost")
        .keytab(ad.keytab())
        .directory(PrincipalOnly)
        .basic(BasicOver::always_tls())
}

/// What the handler of [`identity`] says, but for the visits.
fn expected(ad: &TestActiveDirectory, account: &str) -> String {
    let sid = ad.sid(account).expect("a SID");
    let principal = format!("{account}@AD.EXAMPLE.TEST");
    format!("{account} {sid} {principal} {principal}")
}

#[tokio::test]
async fn whatever_name_is_typed_whose_password_it_is_signs_in_as_who_the_pac_says() {
    let test = "whatever_name_is_typed_whose_password_it_is_signs_in_as_who_the_pac_says";
    if !active_directory_or_skip(test) || elsewhere(&format!("active_directory::{test}")) {
        return;
    }
    let mut ad = domain();
    ad.set_upn("mallory", "root@AD.EXAMPLE.TEST").expect("set");
    let site = Site::of(identity(), basic(&ad).require_pac());
    let alices = TestActiveDirectory::PASSWORD;
    let mallorys = MALLORYS_PASSWORD;
    let sign_in = async |user: &str, password: &str, account: &str| {
        let expected = expected(&ad, account);
        let mut browser = site.browser();
        for visits in 0..3 {
            let answer = browser.send(typed(user, password)).await;
            assert_eq!(answer.body, format!("{expected} {visits}"), "{user}");
        }
        browser
    };
    sign_in("alice", alices, "alice").await;
    sign_in("alice@AD.EXAMPLE.TEST", alices, "alice").await;
    let mut alice = sign_in("ALICE", alices, "alice").await;
    let mut mallory = sign_in("root", mallorys, "mallory").await;
    sign_in("Root", mallorys, "mallory").await;

    // Another name of the same person's goes on in the session.
    let before = mallory.cookie.clone();
    let answer = mallory.send(typed("mallory", mallorys)).await;
    assert_eq!(answer.body, format!("{} 3", expected(&ad, "mallory")));
    assert_eq!(mallory.cookie, before);

    // The same name of another person's does not.
    ad.set_upn("mallory", "mallory@ad.example.test")
        .expect("set");
    ad.add_user("root", ROOTS_PASSWORD).expect("added");
    let answer = mallory.send(typed("root", mallorys)).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
    let answer = mallory.send(typed("root", ROOTS_PASSWORD)).await;
    assert_eq!(answer.body, format!("{} 0", expected(&ad, "root")));
    assert_ne!(mallory.cookie, before);

    // While the login lives, the domain is not asked.
    let expected = expected(&ad, "alice");
    ad.stop();
    for (visits, password) in [(3, alices), (4, "wrong"), (5, alices)] {
        // Nor does the answer tell a thief of the cookie which password is right.
        let answer = alice.send(typed("ALICE", password)).await;
        assert_eq!(answer.body, format!("{expected} {visits}"));
    }
}

#[tokio::test]
async fn a_computer_that_knows_its_password_is_refused() {
    let test = "a_computer_that_knows_its_password_is_refused";
    if !active_directory_or_skip(test) || elsewhere(&format!("active_directory::{test}")) {
        return;
    }
    let ad = domain();
    let site = Site::new(basic(&ad));
    for user in ["carol$", "CAROL$", "carol$@AD.EXAMPLE.TEST"] {
        let answer = site.browser().send(typed(user, COMPUTERS_PASSWORD)).await;
        answer.is_refused_password(ErrorKind::BasicNameNotAllowed);
    }
    for user in ["carol", "CAROL"] {
        let answer = site.browser().send(typed(user, COMPUTERS_PASSWORD)).await;
        answer.is_forbidden(ErrorKind::NameNotAllowed);
        assert!(answer.challenges().is_empty(), "{answer:?}");
        let answer = site.browser().send(typed(user, "wrong")).await;
        answer.is_refused_password(ErrorKind::WrongPassword);
    }
    assert_eq!(site.calls(), 0);
}

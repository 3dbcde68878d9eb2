//! What the KDC says of an account, and what becomes of people when it says nothing, or is another.

use std::time::{Duration, Instant};

use http::StatusCode;
use tower_spnego::ErrorKind;
use tower_spnego::testing::TestRealm;

use super::*;
use crate::served::DEADLINE;

#[tokio::test]
async fn an_expired_password_and_a_locked_account_have_their_own_kind() {
    if elsewhere("kdc::an_expired_password_and_a_locked_account_have_their_own_kind") {
        return;
    }
    let realm = realm();
    for (user, change) in [
        ("expired", &["-pwexpire", "yesterday"][..]),
        ("must-change", &["+needchange"]),
        ("disabled", &["-allow_tix"]),
        ("ended", &["-expire", "yesterday"]),
    ] {
        realm.add_principal(user).expect("a user");
        give_password(&realm, user, PASSWORD);
        let change = [&["modprinc"][..], change, &[user]].concat();
        realm.kadmin(change).expect("a change");
    }
    let site = Site::new(basic(&realm));
    for (user, kind) in [
        ("expired", ErrorKind::PasswordExpired),
        ("must-change", ErrorKind::PasswordExpired),
        ("disabled", ErrorKind::AccountLocked),
        ("ended", ErrorKind::AccountLocked),
    ] {
        for _ in 0..5 {
            // It is no wrong password, so that no limit is met.
            let answer = site.browser().send(typed(user, PASSWORD)).await;
            answer.is_refused_password(kind);
        }
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn a_wrong_password_is_one_failure_for_the_kdc_and_a_locked_account_is_told() {
    if elsewhere("kdc::a_wrong_password_is_one_failure_for_the_kdc_and_a_locked_account_is_told") {
        return;
    }
    let realm = realm();
    realm
        .kadmin(["addpol", "-maxfailure", "5", "strict"])
        .expect("a policy");
    realm
        .kadmin(["modprinc", "-policy", "strict", "alice"])
        .expect("a policy");
    let failed = || {
        let account = realm.kadmin(["getprinc", "alice"]).expect("alice");
        let counted = account
            .lines()
            .find_map(|line| line.strip_prefix("Failed password attempts: "));
        counted.expect("a count").parse::<u32>().expect("a number")
    };
    let site = Site::new(basic(&realm));
    for count in 1..=4 {
        site.browser()
            .send(typed("alice", "wrong"))
            .await
            .is_refused_password(ErrorKind::WrongPassword);
        assert_eq!(failed(), count);
    }
    let answer = site.browser().send(typed("alice", "wrong")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::TooManyFailures));
    assert_eq!(failed(), 4, "one less than locks the account");

    // Another server lets the fifth pass.
    let other = Site::new(basic(&realm));
    other
        .browser()
        .send(typed("alice", "wrong"))
        .await
        .is_refused_password(ErrorKind::WrongPassword);
    other
        .browser()
        .send(typed("alice", PASSWORD))
        .await
        .is_refused_password(ErrorKind::AccountLocked);
}

#[tokio::test]
async fn a_false_kdc_of_the_same_name_lets_nobody_in() {
    if elsewhere("kdc::a_false_kdc_of_the_same_name_lets_nobody_in") {
        return;
    }
    let (realm, evil) = (realm(), TestRealm::start().expect("a KDC"));
    give_password(&evil, "alice", "evil");
    // Somebody has put it in the KDC's place.
    ask(&evil);
    let site = Site::new(basic(&realm));
    let answer = site.browser().send(typed("alice", "evil")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_eq!(answer.kind(), Some(ErrorKind::KdcNotTrusted));
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.header("set-cookie"), None);
    assert!(answer.challenges().is_empty(), "{answer:?}");
    let error = answer.error.expect("an error");
    let cause = std::error::Error::source(&error)
        .expect("a cause")
        .to_string();
    assert!(cause.contains("it does not open the token"), "{cause}");
    // Its word on another password is no better.
    let answer = site.browser().send(typed("alice", PASSWORD)).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
    assert_eq!(site.calls(), 0);
    // Nor does one get further that does not know the service.
    evil.kadmin(["delprinc", "-force", "HTTP/localhost"])
        .expect("gone");
    let answer = site.browser().send(typed("alice", "evil")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::KdcNotTrusted), "{answer:?}");
}

#[tokio::test]
async fn while_the_kdc_is_down_passwords_get_503_and_tickets_sign_in() {
    if elsewhere("kdc::while_the_kdc_is_down_passwords_get_503_and_tickets_sign_in") {
        return;
    }
    let mut realm = realm();
    let site = Site::new(basic(&realm));
    let bob = token(&realm, "bob");
    let mut riding = site.browser();
    riding
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    realm.stop_kdc();
    // More often than wrong passwords may come: it is no failure.
    for _ in 0..5 {
        let answer = site.browser().send(typed("alice", PASSWORD)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert_eq!(answer.kind(), Some(ErrorKind::KdcUnavailable));
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert!(answer.challenges().is_empty(), "{answer:?}");
    }
    site.browser().get_with("/", &bob).await.is_hello("bob");
    // Also with another, which nobody can judge.
    for password in [PASSWORD, "wrong"] {
        riding
            .send(typed("alice", password))
            .await
            .is_hello("alice");
    }
    realm.start_kdc().expect("a KDC");
    let answer = site.browser().send(typed("alice", PASSWORD)).await;
    answer.is_hello("alice");
}

#[tokio::test]
async fn while_the_kdc_is_frozen_passwords_get_503_in_time_and_tickets_sign_in() {
    if elsewhere("kdc::while_the_kdc_is_frozen_passwords_get_503_in_time_and_tickets_sign_in") {
        return;
    }
    let realm = realm();
    let budget = Duration::from_secs(3);
    // One place, which the first check holds until the KDC answers it.
    let site = Site::new(basic(&realm).basic_timeout(budget).basic_checks(1));
    let bob = token(&realm, "bob");
    realm.freeze_kdc().expect("frozen");
    let begun = Instant::now();
    let asked = ["alice", "alice", "bob"].map(|user| {
        let mut browser = site.browser();
        async move { browser.send(typed(user, PASSWORD)).await }
    });
    let ticket = async {
        site.browser().get_with("/", &bob).await.is_hello("bob");
        begun.elapsed()
    };
    let (answers, ticket) = tokio::join!(futures_util::future::join_all(asked), ticket);
    let waited = begun.elapsed();
    for answer in answers {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert_eq!(answer.kind(), Some(ErrorKind::KdcUnavailable));
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    assert!(ticket < budget, "{ticket:?}: a ticket needs no KDC");
    assert!((budget..budget * 5).contains(&waited), "{waited:?}");
    realm.thaw_kdc().expect("thawed");
    // The thread ends in its own time.
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = site.browser().send(typed("alice", PASSWORD)).await;
        if answer.status == StatusCode::OK {
            break;
        }
        assert!(Instant::now() < deadline, "{answer:?}");
    }
}

#[tokio::test]
async fn no_credential_cache_is_written() {
    if elsewhere("kdc::no_credential_cache_is_written") {
        return;
    }
    let realm = realm();
    let tickets = variable("KRB5CCNAME");
    let tickets = tickets.parent().expect("a folder");
    let default = std::path::Path::new("/tmp")
        .join(format!("krb5cc_{}", rustix::process::geteuid().as_raw()));
    let written = || default.metadata().and_then(|file| file.modified()).ok();
    let before = written();
    let site = Site::new(basic(&realm));
    let answer = site.browser().send(typed("alice", PASSWORD)).await;
    answer.is_hello("alice");
    let left = std::fs::read_dir(tickets).expect("a folder").count();
    assert_eq!(left, 0, "in {}", tickets.display());
    assert_eq!(written(), before, "{}", default.display());
}

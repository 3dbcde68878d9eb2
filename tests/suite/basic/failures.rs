//! Guesses: how many, how many at once, and what they can hold.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::Request;
use futures_util::future::join_all;
use http::StatusCode;
use tower_spnego::{ErrorKind, SpnegoConnection};

use super::*;
use crate::site::TestClock;

const MINUTE: Duration = Duration::from_secs(60);

impl Answer {
    #[track_caller]
    fn is_one_too_many(&self) {
        assert_eq!(self.status, StatusCode::TOO_MANY_REQUESTS, "{self:?}");
        assert_eq!(self.kind(), Some(ErrorKind::TooManyFailures));
        assert!(self.challenges().is_empty(), "{self:?}");
        assert!(
            self.body.starts_with("Too many wrong passwords."),
            "{self:?}"
        );
    }
}

fn from(peer: &str, mut request: Request) -> Request {
    let peer = SocketAddr::new(peer.parse().expect("an address"), 4711);
    let connection = SpnegoConnection::new(Some(peer));
    request.extensions_mut().insert(connection);
    request
}

#[tokio::test]
async fn after_four_wrong_passwords_the_kdc_is_not_asked_about_the_account() {
    if elsewhere("failures::after_four_wrong_passwords_the_kdc_is_not_asked_about_the_account") {
        return;
    }
    let realm = realm();
    give_password(&realm, "bob", PASSWORD);
    let clock = TestClock::default();
    let site = Site::new(basic(&realm).clock(clock.reader()));
    let send = async |user, password| site.browser().send(typed(user, password)).await;
    // By whatever name, and also if there is no such account.
    for user in ["alice", "alice@EXAMPLE.TEST", "alice", "alice"] {
        send(user, "wrong")
            .await
            .is_refused_password(ErrorKind::WrongPassword);
    }
    for _ in 0..4 {
        let answer = send("nobody", "wrong").await;
        answer.is_refused_password(ErrorKind::WrongPassword);
    }
    send("alice", PASSWORD).await.is_one_too_many();
    send("nobody", PASSWORD).await.is_one_too_many();
    // Active Directory would count it as hers.
    send("ALICE", "wrong").await.is_one_too_many();
    assert_eq!(checks(&realm, "alice"), 4);
    assert_eq!(checks(&realm, "ALICE"), 0);
    send("bob", PASSWORD).await.is_hello("bob");

    clock.advance(29 * MINUTE);
    send("alice", PASSWORD).await.is_one_too_many();
    clock.advance(MINUTE);
    // A right one clears the count.
    for _ in 0..2 {
        for _ in 0..3 {
            send("alice", "wrong")
                .await
                .is_refused_password(ErrorKind::WrongPassword);
        }
        send("alice", PASSWORD).await.is_hello("alice");
    }
}

#[tokio::test]
async fn a_live_session_goes_on_while_the_account_has_too_many_failures() {
    if elsewhere("failures::a_live_session_goes_on_while_the_account_has_too_many_failures") {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm).basic_failures(1, MINUTE));
    let mut browser = site.browser();
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    let answer = site.browser().send(typed("alice", "wrong")).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
    let answer = site.browser().send(typed("alice", PASSWORD)).await;
    answer.is_one_too_many();
    browser
        .send(typed("alice", PASSWORD))
        .await
        .is_hello("alice");
    // Another answer to a wrong one would tell a thief of the cookie which password is right.
    for password in ["wrong", "wrong again"] {
        browser
            .send(typed("alice", password))
            .await
            .is_hello("alice");
    }
    let answer = browser.send(typed("bob", "wrong")).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
    browser.send(typed("bob", "wrong")).await.is_one_too_many();
}

#[tokio::test]
async fn guesses_at_once_pass_no_limit_and_right_passwords_at_once_meet_none() {
    if elsewhere("failures::guesses_at_once_pass_no_limit_and_right_passwords_at_once_meet_none") {
        return;
    }
    let realm = realm();
    give_password(&realm, "bob", PASSWORD);
    let site = Site::new(basic(&realm));
    let at_once = async |user, password: &str| {
        let requests = (0..20).map(|_| typed(user, password));
        let sent = requests.map(|request| {
            let mut browser = site.browser();
            async move { browser.send(request).await.status.as_u16() }
        });
        let mut statuses = join_all(sent).await;
        statuses.sort_unstable();
        statuses
    };
    let statuses = at_once("alice", "wrong").await;
    assert_eq!(statuses, [vec![401; 4], vec![429; 16]].concat());
    assert_eq!(checks(&realm, "alice"), 4);
    // As the pages of a browser come, whose login has ended.
    assert_eq!(at_once("bob", PASSWORD).await, [200; 20]);
}

#[tokio::test]
async fn a_right_password_sent_without_end_keeps_nobody_else_out() {
    if elsewhere("failures::a_right_password_sent_without_end_keeps_nobody_else_out") {
        return;
    }
    let realm = realm();
    give_password(&realm, "bob", PASSWORD);
    let site = Site::new(basic(&realm));
    // More than may wait.
    let bob = (0..400).map(|_| async {
        loop {
            site.browser().send(typed("bob", PASSWORD)).await;
            tokio::task::yield_now().await;
        }
    });
    let alice = async {
        for _ in 0..20 {
            // Until all of bob's are there.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            let answer = site.browser().send(typed("alice", PASSWORD)).await;
            answer.is_hello("alice");
        }
    };
    tokio::select! {
        _ = join_all(bob) => unreachable!("it has no end"),
        () = alice => {}
    }
}

#[tokio::test]
async fn an_address_has_ten_times_as_many_for_all_accounts() {
    if elsewhere("failures::an_address_has_ten_times_as_many_for_all_accounts") {
        return;
    }
    let realm = realm();
    let clock = TestClock::default();
    let layer = basic(&realm).basic_failures(1, 30 * MINUTE);
    let site = Site::new(layer.clock(clock.reader()));
    let send = async |peer, user: &str, password| {
        let request = from(peer, typed(user, password));
        site.browser().send(request).await
    };
    for number in 0..10 {
        let answer = send("192.0.2.1", &format!("nobody{number}"), "wrong").await;
        answer.is_refused_password(ErrorKind::WrongPassword);
    }
    for peer in ["192.0.2.1", "::ffff:192.0.2.1"] {
        send(peer, "alice", PASSWORD).await.is_one_too_many();
    }
    send("192.0.2.2", "alice", PASSWORD).await.is_hello("alice");
    clock.advance(30 * MINUTE);
    send("192.0.2.1", "alice", PASSWORD).await.is_hello("alice");
}

#[tokio::test]
async fn behind_a_proxy_an_address_is_the_clients() {
    if elsewhere("failures::behind_a_proxy_an_address_is_the_clients") {
        return;
    }
    let realm = realm();
    let over = BasicOver::always_tls().behind(["10.0.0.1"]);
    let layer = layer(&realm).basic(over).basic_failures(1, MINUTE);
    let site = Site::new(layer);
    let send = async |client: &str, user: &str, password| {
        let request = from("10.0.0.1", typed(user, password));
        let forwarded = format!("192.0.2.99, {client}");
        let request = with_header(request, "x-forwarded-for", &forwarded);
        site.browser().send(request).await
    };
    for number in 0..10 {
        let answer = send("192.0.2.1", &format!("nobody{number}"), "wrong").await;
        answer.is_refused_password(ErrorKind::WrongPassword);
    }
    send("192.0.2.1", "alice", PASSWORD).await.is_one_too_many();
    send("192.0.2.2", "alice", PASSWORD).await.is_hello("alice");
}

/// The usual realm and SILENT.TEST, whose KDC answers nobody, with its part of krb5.conf.
fn beside_a_silent_realm() -> (TestRealm, TestRealm, String) {
    let silent = TestRealm::builder().realm("SILENT.TEST").start();
    let (realm, silent) = (realm(), silent.expect("a KDC"));
    let text = |realm: &TestRealm| std::fs::read_to_string(realm.krb5_conf()).expect("text");
    let (_, kdc) = text(&silent)
        .split_once("[realms]")
        .map(owned)
        .expect("realms");
    let (kdc, _) = kdc.split_once("[domain_realm]").map(owned).expect("an end");
    let both = text(&realm).replace("[realms]", &format!("[realms]{kdc}"));
    std::fs::write(variable("KRB5_CONFIG"), both).expect("writes");
    silent.freeze_kdc().expect("frozen");
    (realm, silent, kdc)
}

#[tokio::test]
async fn one_address_holds_half_of_the_places_whatever_it_sends() {
    if elsewhere("failures::one_address_holds_half_of_the_places_whatever_it_sends") {
        return;
    }
    let (realm, silent, kdc) = beside_a_silent_realm();
    let layer = basic(&realm).realm("SILENT.TEST").basic_failures(4, MINUTE);
    let site = Site::new(layer.basic_checks(8).basic_timeout(Duration::from_secs(20)));
    let send = |peer, user: String, password| {
        let request = from(peer, typed(&user, password));
        let mut browser = site.browser();
        async move { browser.send(request).await }
    };
    // More than there are places.
    let guesses = (0..30).map(|number| {
        let user = format!("user{number}@SILENT.TEST");
        send("192.0.2.1", user, "wrong")
    });
    let alice = async {
        connected(&kdc, 4).await;
        let answer = send("192.0.2.2", "alice".to_owned(), PASSWORD).await;
        answer.is_hello("alice@EXAMPLE.TEST");
        silent.thaw_kdc().expect("thawed");
    };
    let (answers, ()) = tokio::join!(join_all(guesses), alice);
    for answer in answers {
        answer.is_refused_password(ErrorKind::WrongPassword);
    }
}

#[tokio::test]
async fn who_waits_for_an_addresss_share_holds_nobodys_account() {
    if elsewhere("failures::who_waits_for_an_addresss_share_holds_nobodys_account") {
        return;
    }
    let (realm, silent, kdc) = beside_a_silent_realm();
    let site = Site::new(basic(&realm).realm("SILENT.TEST"));
    let send = |peer, user: String, password| {
        let request = from(peer, typed(&user, password));
        let mut browser = site.browser();
        async move { browser.send(request).await }
    };
    let share = join_all((0..4).map(|number| {
        let user = format!("user{number}@SILENT.TEST");
        send("192.0.2.1", user, "wrong")
    }));
    let alice = async {
        connected(&kdc, 4).await;
        let mut guess = std::pin::pin!(send("192.0.2.1", "alice".to_owned(), "wrong"));
        assert!(futures_util::poll!(&mut guess).is_pending());
        let answer = send("192.0.2.2", "alice".to_owned(), PASSWORD).await;
        answer.is_hello("alice@EXAMPLE.TEST");
        assert!(futures_util::poll!(&mut guess).is_pending());
        silent.thaw_kdc().expect("thawed");
        guess.await.is_refused_password(ErrorKind::WrongPassword);
    };
    tokio::join!(share, alice);
}

fn owned((before, after): (&str, &str)) -> (String, String) {
    (before.to_owned(), after.to_owned())
}

/// Waits until there are so many connections to a KDC of krb5.conf.
async fn connected(krb5_conf: &str, connections: usize) {
    let (_, port) = krb5_conf.split_once("kdc = 127.0.0.1:").expect("a KDC");
    let port = port.split_whitespace().next().expect("a port");
    let port: u16 = port.parse().expect("a number");
    // proc(5): the remote address, in hex, and 01 for ESTABLISHED.
    let remote = format!(" 0100007F:{port:04X} 01 ");
    let count = || {
        let table = std::fs::read_to_string("/proc/net/tcp").expect("text");
        table.matches(&remote).count()
    };
    while count() < connections {
        tokio::task::yield_now().await;
    }
}

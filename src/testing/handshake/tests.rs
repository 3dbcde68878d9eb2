use libgssapi::context::ServerCtx;

use super::*;
use crate::testing::TestRealm;
use crate::testing::process::run;

const RAW_KERBEROS_OID: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
const SPNEGO_OID: &[u8] = b"\x06\x06\x2b\x06\x01\x05\x05\x02";

#[test]
fn tokens_are_fresh_and_of_the_kind_asked_for() {
    let mut realm = TestRealm::start().expect("a realm");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let token = alice.token("HTTP/localhost").expect("a token");
    assert_eq!(token[0], 0x60);
    assert_eq!(token[4..12], *SPNEGO_OID);

    realm.stop_kdc();
    let again = alice.token("HTTP/localhost").expect("without the KDC");
    assert_ne!(token, again);

    let raw = alice.handshake("HTTP/localhost").raw_kerberos().start();
    let raw = raw.expect("a raw token");
    assert_eq!(raw.token()[0], 0x60);
    assert_eq!(raw.token()[4..15], *RAW_KERBEROS_OID);
    assert!(raw.authorization().starts_with("Negotiate YII"));
}

#[test]
fn a_reply_is_checked() {
    let realm = TestRealm::start().expect("a realm");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    for request in [
        alice.handshake("HTTP/localhost"),
        alice.handshake("HTTP/localhost").raw_kerberos(),
    ] {
        let handshake = request.start().expect("a token");
        let reply = accept(&realm, handshake.token());
        handshake.finish(&reply).expect("the right reply");

        let other = request.start().expect("a token");
        let error = other.finish(&reply).expect_err("a reply to another token");
        eprintln!("{error}");
        let silent = request.start().expect("a token");
        silent.finish(b"").expect_err("no reply");
    }
}

#[test]
fn browsers_ask_for_no_mutual_authentication() {
    let realm = TestRealm::start().expect("a realm");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let request = alice
        .handshake("HTTP/localhost")
        .without_mutual_authentication();
    let handshake = request.start().expect("a token");
    let reply = accept(&realm, handshake.token());
    assert!(reply.len() < 40, "a bare accept-completed");
    handshake.finish(&reply).expect("the right reply");
}

#[test]
fn a_delegating_token_hands_over_a_ticket() {
    let realm = TestRealm::start().expect("a realm");
    realm.add_service("HTTP/web.example.test").expect("added");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    for spn in ["HTTP/localhost", "HTTP/web.example.test"] {
        let usual = alice.token(spn).expect("a token").len();
        let token = alice.delegating_token(spn).expect("a token");
        assert!(token.len() > usual + 500, "{usual}, {}", token.len());
        accept(&realm, &token);
    }
    let error = alice.delegating_token("HTTP/nowhere").expect_err("unknown");
    eprintln!("{error}");
}

#[test]
fn a_ticket_expires() {
    let realm = TestRealm::start().expect("a realm");
    let short = realm
        .ticket("alice")
        .lifetime(std::time::Duration::from_secs(6));
    let short = short.get().expect("a ticket");
    short.token("HTTP/localhost").expect("a token");
    std::thread::sleep(std::time::Duration::from_millis(7100));
    short
        .token("HTTP/localhost")
        .expect_err("an expired ticket");
}

/// Another process, for the keytab comes from an environment variable.
fn accept(realm: &TestRealm, token: &[u8]) -> Vec<u8> {
    let acceptor = std::env::current_exe().expect("this program");
    let output = run(realm
        .command(acceptor)
        .args(["--exact", "testing::handshake::tests::acceptor"])
        .arg("--nocapture")
        .env("KRB5_KTNAME", realm.keytab())
        .env("KRB5RCACHEDIR", realm.folder())
        .env("TOKEN", STANDARD.encode(token)));
    let output = String::from_utf8(output.expect("the acceptor").stdout).expect("UTF-8");
    let reply = output.lines().find_map(|line| line.strip_prefix("reply:"));
    STANDARD.decode(reply.expect("a reply")).expect("base64")
}

#[test]
/// Not a test by itself: `accept` runs it in a process of its own.
fn acceptor() {
    let Ok(token) = std::env::var("TOKEN") else {
        return;
    };
    let token = STANDARD.decode(token);
    let mut context = ServerCtx::new(None);
    let reply = context
        .step(&token.expect("base64"), None)
        .expect("accepted");
    assert!(context.is_complete());
    let reply = reply.map(|reply| reply.to_vec()).unwrap_or_default();
    println!("\nreply:{}", STANDARD.encode(reply));
}

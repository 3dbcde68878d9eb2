//! NTLM where the GSSAPI has a mechanism for it: Debian's gss-ntlmssp, which has crashed acceptors.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, stream};
use tower_spnego::testing::TestRealm;
use tower_spnego::{ConfigError, ErrorKind, SpnegoConnection};

use crate::der::{KRB5, NTLM, context, frame, octet_string, offer, sequence};
use crate::refused_tokens::all_forms;
use crate::site::{Answer, SPN, Site, layer, realm, request, with_token};
use crate::{not_run, process};

// From curl --ntlm, for a user "alice" and a challenge of the tests' making (MS-NLMP sections
// 2.2.1.1 and 2.2.1.3).
pub const NEGOTIATE: &str = "TlRMTVNTUAABAAAABoIIAAAAAAAAAAAAAAAAAAAAAAA=";
pub const AUTHENTICATE: &str = "\
    TlRMTVNTUAADAAAAGAAYAEAAAACcAJwAWAAAAA4ADgD0AAAACgAKAAIBAAAWABYADAEAAAAAAAAAAAAABYKJ4sgKAOAla/ow\
    2vifHqinZXad6w/lYrpe8R6A6dTqbLeriaPftgbUVhYBAQAAAAAAAACewQsCfN0BnesP5WK6XvEAAAAAAgAOAEUAWABBAE0A\
    UABMAEUAAQAGAFcARQBCAAQAGABlAHgAYQBtAHAAbABlAC4AdABlAHMAdAADACAAdwBlAGIALgBlAHgAYQBtAHAAbABlAC4A\
    dABlAHMAdAAHAAgAAOB/0EtR2wEAAAAAAAAAAEUAWABBAE0AUABMAEUAYQBsAGkAYwBlAFcATwBSAEsAUwBUAEEAVABJAE8A\
    TgA=";

/// A process in which GSSAPI has loaded the plug-in; says so where there is none.
#[track_caller]
fn run_beside_the_plug_in(test: &str) {
    let _loads_it = Site::new(layer(&realm()));
    if plug_in_is_loaded() {
        process::run(test, [("RUST_BACKTRACE", "0")]);
    } else {
        not_run(test, "GSSAPI has no NTLM (Debian: gss-ntlmssp)");
    }
}

fn plug_in_is_loaded() -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the libraries of this process");
    maps.contains("/gssntlmssp.so")
}

/// Over a connection of its own, on which a handshake can go on.
async fn send(site: &Site, token: &[u8]) -> Answer {
    send_over(&SpnegoConnection::new(None), site, token).await
}

async fn send_over(connection: &SpnegoConnection, site: &Site, token: &[u8]) -> Answer {
    let mut request = with_token(request("/"), token);
    request.extensions_mut().insert(connection.clone());
    site.browser().send(request).await
}

async fn alice_signs_in(site: &Site, realm: &TestRealm) {
    for token in all_forms(&realm.ticket_cache("alice").expect("a ticket"), SPN) {
        send(site, &token).await.is_hello("alice");
    }
}

fn messages() -> [Vec<u8>; 2] {
    [NEGOTIATE, AUTHENTICATE].map(|message| STANDARD.decode(message).expect("base64"))
}

/// A NegTokenResp (RFC 4178 section 4.2.2).
fn response(token: &[u8]) -> Vec<u8> {
    context(1, &sequence(&[context(2, &octet_string(token))]))
}

/// NTLM messages in every place that they can have in a token, and the kind of refusal.
fn tokens() -> Vec<(Vec<u8>, ErrorKind)> {
    let mut tokens = Vec::new();
    for message in messages() {
        tokens.extend([
            (offer(&[NTLM], Some(&message)), ErrorKind::Ntlm),
            (offer(&[NTLM], None), ErrorKind::Ntlm),
            // Kerberos may follow, in another request.
            (
                offer(&[NTLM, KRB5], Some(&message)),
                ErrorKind::HandshakeGoesOn,
            ),
            (offer(&[KRB5], Some(&message)), ErrorKind::Ntlm),
            (offer(&[KRB5, NTLM], Some(&message)), ErrorKind::Ntlm),
            (response(&message), ErrorKind::Ntlm),
            (frame(NTLM, &message), ErrorKind::Ntlm),
            (message, ErrorKind::Ntlm),
        ]);
    }
    tokens
}

#[tokio::test]
async fn ntlm_is_refused_in_words_and_a_thousand_such_tokens_leave_the_server_running() {
    if !process::is_own() {
        return run_beside_the_plug_in(
            "ntlm::ntlm_is_refused_in_words_and_a_thousand_such_tokens_leave_the_server_running",
        );
    }
    let log = Log::start();
    let realm = realm();
    let site = Site::new(layer(&realm));
    assert!(plug_in_is_loaded());
    for (token, kind) in tokens() {
        send(&site, &token).await.is_rejected(kind);
        let lines = log.take();
        // Whole or, past the first ten, in short.
        let named = lines.contains("client sent NTLM instead of Kerberos");
        assert_eq!(named, kind == ErrorKind::Ntlm, "{lines}");
    }
    let thousand: Vec<_> = tokens().into_iter().cycle().take(1_000).collect();
    let answers = stream::iter(&thousand).map(|(token, _)| send(&site, token));
    let answers: Vec<_> = answers.buffered(64).collect().await;
    for (answer, (_, kind)) in answers.iter().zip(&thousand) {
        answer.is_rejected(*kind);
    }
    assert_eq!(site.calls(), 0);
    alice_signs_in(&site, &realm).await;
}

#[tokio::test]
async fn a_client_that_prefers_ntlm_is_asked_for_kerberos() {
    if !process::is_own() {
        return run_beside_the_plug_in("ntlm::a_client_that_prefers_ntlm_is_asked_for_kerberos");
    }
    let realm = realm();
    let site = Site::new(layer(&realm));
    assert!(plug_in_is_loaded());
    let [negotiate, authenticate] = messages();
    let connection = SpnegoConnection::new(None);
    let answer = send_over(&connection, &site, &offer(&[NTLM, KRB5], Some(&negotiate))).await;
    answer.is_rejected(ErrorKind::HandshakeGoesOn);
    let reply = answer.token().expect("a token");
    let names = |mechanism: &[u8]| reply.windows(mechanism.len()).any(|part| part == mechanism);
    assert!(names(KRB5) && !names(NTLM), "{reply:02x?}");
    // It goes on with NTLM all the same.
    let answer = send_over(&connection, &site, &response(&authenticate)).await;
    answer.is_rejected(ErrorKind::Ntlm);
    assert_eq!(site.calls(), 0);
    alice_signs_in(&site, &realm).await;
}

#[tokio::test]
async fn a_layer_starts_beside_an_ntlm_plug_in_if_the_keytab_has_its_key_and_only_then() {
    if !process::is_own() {
        return run_beside_the_plug_in(
            "ntlm::a_layer_starts_beside_an_ntlm_plug_in_if_the_keytab_has_its_key_and_only_then",
        );
    }
    let realm = TestRealm::start().expect("a KDC");
    let site = Site::new(layer(&realm));
    assert!(plug_in_is_loaded());
    alice_signs_in(&site, &realm).await;

    let keytab = realm.folder().join("others.keytab");
    realm
        .kadmin(["addprinc", "-randkey", "HTTP/other"])
        .expect("adds");
    realm.export_keytab("HTTP/other", &keytab).expect("exports");
    let error = layer(&realm).keytab(keytab).build().expect_err("no key");
    assert!(
        matches!(error, ConfigError::SpnNotInKeytab { .. }),
        "{error}"
    );
}

/// What this process logs.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    pub fn take(&self) -> String {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(std::mem::take(&mut bytes)).expect("text")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Tickets that are out of their time, and clocks that differ. The five minutes by which clocks may
//! differ are a second here, in a process of its own.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tower_spnego::ErrorKind;
use tower_spnego::explain::Cause;

use crate::explanations::explains;
use crate::process;
use crate::refused_tokens::all_forms;
use crate::site::{SPN, Site, layer, realm};

/// Variables for another process.
const TOKENS: [&str; 4] = ["TOKEN_1", "TOKEN_2", "TOKEN_3", "TOKEN_4"];

#[track_caller]
fn run_with_a_small_clock_skew(test: &str, variables: &[(&'static str, &str)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let krb5_conf = folder.path().join("krb5.conf");
    std::fs::write(&krb5_conf, "[libdefaults]\n    clockskew = 1\n").expect("writes");
    let krb5_conf = krb5_conf.to_str().expect("text");
    let variables = variables
        .iter()
        .copied()
        .chain([("KRB5_CONFIG", krb5_conf)]);
    process::run(test, variables);
}

/// Lets the time pass that the test is about.
async fn until(time: SystemTime) {
    let left = time.duration_since(SystemTime::now()).unwrap_or_default();
    tokio::time::sleep(left).await;
}

async fn are_rejected(site: &Site, tokens: [Vec<u8>; 4], kind: ErrorKind) {
    for token in tokens {
        let answer = site.browser().get_with("/", &token).await;
        answer.is_rejected(kind);
        match kind {
            ErrorKind::TicketExpired => {
                explains(&answer, Cause::TicketExpired, &[], "ticket_expired");
            }
            ErrorKind::TicketNotYetValid => {
                explains(
                    &answer,
                    Cause::TicketNotYetValid,
                    &[],
                    "ticket_not_yet_valid",
                );
            }
            _ => {
                let error = answer.error.expect("an error");
                let why = error.explanation().expect("an explanation");
                assert!(why.clock_offset().is_some_and(|ahead| ahead <= -3), "{why}");
            }
        }
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn an_expired_ticket_is_refused() {
    if !process::is_own() {
        return run_with_a_small_clock_skew("clocks::an_expired_ticket_is_refused", &[]);
    }
    let realm = realm();
    // Long enough for the tokens to be made on a busy machine.
    let lifetime = Duration::from_secs(8);
    let asked = SystemTime::now();
    let cache = realm
        .ticket("alice")
        .lifetime(lifetime)
        .get()
        .expect("a ticket");
    let tokens = all_forms(&cache, SPN);
    let site = Site::new(layer(&realm));
    until(asked + lifetime + Duration::from_secs(3)).await;
    are_rejected(&site, tokens, ErrorKind::TicketExpired).await;
}

#[tokio::test]
async fn a_ticket_that_is_not_valid_yet_is_refused() {
    if process::is_own() {
        let variable = |name| std::env::var(name).expect(name);
        let tokens = TOKENS.map(|name| STANDARD.decode(variable(name)).expect(name));
        let site = Site::new(layer(&realm()).keytab(variable("KEYTAB")));
        return are_rejected(&site, tokens, ErrorKind::TicketNotYetValid).await;
    }
    // A client sends no ticket that starts later than the clock skew allows, so that this one is
    // sent by a process with five minutes of it, and received by one with a second.
    let realm = realm();
    let minute = Duration::from_secs(60);
    let ticket = realm.ticket("alice").only_for(SPN).starting_in(minute);
    let cache = ticket.get().expect("a ticket");
    let tokens = all_forms(&cache, SPN).map(|token| STANDARD.encode(token));
    let mut variables = vec![("KEYTAB", realm.keytab().to_str().expect("text"))];
    variables.extend(TOKENS.into_iter().zip(tokens.iter().map(String::as_str)));
    run_with_a_small_clock_skew(
        "clocks::a_ticket_that_is_not_valid_yet_is_refused",
        &variables,
    );
}

#[tokio::test]
async fn a_client_whose_clock_differs_is_refused() {
    if !process::is_own() {
        return run_with_a_small_clock_skew("clocks::a_client_whose_clock_differs_is_refused", &[]);
    }
    let realm = realm();
    let tokens = all_forms(&realm.ticket_cache("alice").expect("a ticket"), SPN);
    let site = Site::new(layer(&realm));
    // A client four seconds behind sends what one on time sent four seconds ago.
    until(SystemTime::now() + Duration::from_secs(4)).await;
    are_rejected(&site, tokens, ErrorKind::ClockSkew).await;
}

#[tokio::test]
async fn the_clock_skew_that_gssapi_adds_is_taken_off_a_logins_end() {
    if !process::is_own() {
        return run_with_a_small_clock_skew(
            "clocks::the_clock_skew_that_gssapi_adds_is_taken_off_a_logins_end",
            &[],
        );
    }
    let realm = realm();
    let ticket = realm.ticket("alice").lifetime(Duration::from_secs(600));
    let token = ticket.get().expect("a ticket").token(SPN).expect("a token");
    let site = Site::new(layer(&realm));
    let answer = site.browser().get_with("/login", &token).await;
    let seconds = answer
        .body
        .strip_prefix("alice@EXAMPLE.TEST Some(")
        .expect("an end");
    let seconds: u64 = seconds.trim_end_matches(')').parse().expect("a number");
    assert!((590..=600).contains(&seconds), "{seconds}");
}

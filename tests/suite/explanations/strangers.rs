//! What a stranger writes into a token's clear text.

use tower_spnego::ErrorKind;
use tower_spnego::explain::Cause;

use super::{KEYTAB, explains};
use crate::der::{ApReq, KRB5, frame, offer};
use crate::site::{Answer, Site, layer, realm};

/// Anybody's ticket for this service: what it seals is noise.
fn anybodys(service: &[&str], realm: &str, kvno: Option<u32>, enctype: u32) -> Vec<u8> {
    let message = ApReq {
        mutual: true,
        realm,
        service,
        enctype,
        kvno,
        ticket: &[7; 200],
        authenticator: &[7; 100],
    };
    offer(&[KRB5], Some(&frame(KRB5, &message.unframed())))
}

async fn send(site: &Site, token: &[u8]) -> Answer {
    site.browser().get_with("/", token).await
}

#[tokio::test]
async fn a_name_that_may_not_stand_in_a_command_stands_in_none_and_is_escaped_elsewhere() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let names = [
        "$(reboot)",
        "`reboot`",
        "a;reboot",
        "a b",
        "a\"b",
        "a'b",
        "a\nb",
        "a\u{1b}[31m",
        "a\u{202e}b",
        "-X",
        "a/b",
        "a@b",
        "a\\b",
        "ä",
        "",
    ];
    for name in names {
        for (service, realm_of) in [
            (vec!["HTTP", name], "EXAMPLE.TEST"),
            (vec!["HTTP", "a"], name),
            (vec![name], name),
        ] {
            let answer = send(&site, &anybodys(&service, realm_of, Some(1), 18)).await;
            let error = answer.error.as_ref().expect("an error");
            let Some(why) = error.explanation() else {
                assert_eq!(
                    answer.kind(),
                    Some(ErrorKind::TokenRefused),
                    "{name:?}: {error}"
                );
                continue;
            };
            for mend in why.mends() {
                let command = mend.command();
                // As our own commands have them, and no others.
                let own = [
                    "kadmin -q \"",
                    "kadmin.local -q \"",
                    "setspn",
                    "ktpass",
                    "ipa",
                    "samba-tool",
                    "ldbsearch",
                    "Get-ADUser",
                    "chown USER ",
                ];
                assert!(own.iter().any(|own| command.starts_with(own)), "{command}");
                assert!(
                    !command.contains(['$', '`', ';', '\'', '\\', '\n', '\u{1b}', '\u{202e}', 'ä']),
                    "{command}"
                );
                assert!(
                    !command.contains("reboot") && !command.contains(" -X"),
                    "{command}"
                );
                assert!(!command.contains(" b"), "{command}");
            }
            let text = error.to_string();
            assert!(!text.contains(['\n', '\u{1b}', '\u{202e}']), "{text:?}");
        }
    }
    let files = [(realm.keytab(), KEYTAB)];
    let token = anybodys(&["HTTP", "a;reboot\u{1b}"], "$(reboot)", Some(1), 18);
    explains(
        &send(&site, &token).await,
        Cause::WrongSpn,
        &files,
        "strangers_names",
    );
}

#[tokio::test]
async fn a_long_name_makes_no_long_line() {
    let site = Site::new(layer(&realm()));
    let long = "x".repeat(5_000);
    let token = anybodys(&["HTTP", &long, &long, &long, &long], &long, None, 18);
    let answer = send(&site, &token).await;
    let text = answer.error.expect("an error").to_string();
    assert!(
        text.contains('…') && text.len() < 5_000,
        "{}: {text}",
        text.len()
    );
}

#[tokio::test]
async fn a_ticket_that_somebody_made_up_is_explained_by_what_it_says() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let ours = |kvno, enctype| anybodys(&["HTTP", "localhost"], "EXAMPLE.TEST", kvno, enctype);
    let files = [(realm.keytab(), KEYTAB)];
    for (token, cause, name) in [
        (ours(Some(7), 18), Cause::KvnoTooNew, "made_up_kvno"),
        (ours(Some(1), 99), Cause::EnctypeMissing, "made_up_enctype"),
        (
            ours(None, 23),
            Cause::EnctypeMissing,
            "made_up_weak_enctype",
        ),
        (ours(None, 18), Cause::WrongKey, "made_up_without_kvno"),
    ] {
        explains(&send(&site, &token).await, cause, &files, name);
    }
}

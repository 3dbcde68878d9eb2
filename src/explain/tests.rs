use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::token::tests::{REAL_KERBEROS, REAL_SPNEGO, decode};

fn key(principal: &str, kvno: u32, enctype: i32) -> Key {
    Key::new(principal.parse().unwrap(), kvno, enctype)
}

fn keytab(keys: Vec<Key>) -> Arc<HeldKeys> {
    Arc::new(HeldKeys {
        path: "/etc/web.keytab".into(),
        keys,
    })
}

const OURS: &str = "HTTP/app.throwaway.test@THROWAWAY.TEST";

#[test]
fn a_token_of_a_real_client_is_read() {
    for (token, mechanisms, text) in [
        (
            REAL_SPNEGO,
            [Mechanism::Kerberos],
            "SPNEGO that offers Kerberos, with a",
        ),
        (REAL_KERBEROS, [Mechanism::Kerberos], "a"),
    ] {
        let token = Token::read(&STANDARD.encode(decode(token))).unwrap();
        assert_eq!(token.mechanisms(), mechanisms);
        let expected =
            format!("{text} Kerberos ticket for {OURS}, kvno 3, aes256-cts-hmac-sha1-96");
        assert_eq!(token.to_string(), expected);
        let ticket = token.ticket().unwrap();
        assert_eq!((ticket.service(), ticket.realm()), (OURS, "THROWAWAY.TEST"));
        assert_eq!(
            (ticket.kvno(), ticket.enctype()),
            (Some(3), Some(Enctype::of(18)))
        );
    }
}

#[test]
fn a_header_is_read_with_its_scheme_and_without() {
    let encoded = STANDARD.encode(decode(REAL_SPNEGO));
    let token = Token::read(&encoded);
    assert!(token.is_some());
    for header in [
        format!("Negotiate {encoded}"),
        format!(" negotiate  {encoded} "),
        format!("Authorization: Negotiate {encoded}"),
        format!("authorization:Negotiate {encoded}\n"),
    ] {
        assert_eq!(Token::read(&header), token);
    }
    for header in ["", "Negotiate"] {
        let read = Token::read(header).map(|token| token.to_string());
        let nothing = "neither SPNEGO, Kerberos nor NTLM".to_owned();
        assert!(read.is_none() || read == Some(nothing), "{header:?}");
    }
    for header in ["Basic YWxpY2U=", "Negotiate !", &"A".repeat(88_000)] {
        assert_eq!(Token::read(header), None);
    }
}

#[test]
fn what_is_wrong_with_the_keys_is_told_by_the_tickets_own() {
    let token = Token::of(&decode(REAL_SPNEGO));
    let ticket = token.ticket();
    let judge = |keys: &[(&str, u32, i32)]| {
        let keys = keys
            .iter()
            .map(|&(name, kvno, enctype)| key(name, kvno, enctype));
        let held = keytab(keys.collect());
        let missing = of_key(ErrorKind::KeyMissing, ticket, &held);
        let wrong = of_key(ErrorKind::WrongKey, ticket, &held);
        (missing, wrong)
    };
    let both = |cause| (cause, cause);
    for (keys, causes) in [
        (&[][..], both(Cause::WrongSpn)),
        (
            &[("HTTP/app.throwaway.test@OTHER.TEST", 3, 18)],
            both(Cause::WrongSpn),
        ),
        (
            &[("http/app.throwaway.test@THROWAWAY.TEST", 3, 18)],
            both(Cause::WrongSpn),
        ),
        (&[(OURS, 2, 18)], both(Cause::KvnoTooNew)),
        (&[(OURS, 4, 18)], both(Cause::KvnoTooOld)),
        // An old one goes, a new one comes, and the ticket's was never there.
        (&[(OURS, 2, 18), (OURS, 4, 18)], both(Cause::KvnoTooOld)),
        (&[(OURS, 3, 17), (OURS, 2, 18)], both(Cause::EnctypeMissing)),
        (
            &[(OURS, 3, 17), (OURS, 3, 18)],
            (Cause::KeyMissing, Cause::WrongKey),
        ),
    ] {
        assert_eq!(judge(keys), causes, "{keys:?}");
    }
    let held = keytab(vec![key(OURS, 3, 18)]);
    assert_eq!(of_key(ErrorKind::WrongKey, None, &held), Cause::WrongKey);
    assert_eq!(Explanation::of_captured(token, held), None);
}

#[test]
fn a_keytab_of_many_names_makes_no_long_line() {
    let keys = (0..1_000).map(|number| key(&format!("HTTP/host{number}@A.TEST"), 1, 18));
    let token = Token::of(&decode(REAL_SPNEGO));
    let why = Explanation::of_captured(token, keytab(keys.collect())).unwrap();
    let text = why.to_string();
    assert!(
        text.contains("has HTTP/host0@A.TEST, ") && text.contains(" and others."),
        "{text}"
    );
    assert!(!text.contains("host7"), "{text}");
}

const CAUSES: [Cause; 21] = {
    use Cause::*;
    [
        NotBase64,
        TokenTooLong,
        Ntlm,
        WrongSpn,
        WrongKey,
        KvnoTooOld,
        KvnoTooNew,
        EnctypeMissing,
        KeyMissing,
        KeytabUnusable,
        ClockSkew,
        Replay,
        TicketExpired,
        TicketNotYetValid,
        RealmNotAllowed,
        ChannelBindingDiffers,
        ChannelBindingMissing,
        ReplayCacheUnusable,
        PacMissing,
        NoConnection,
        HandshakeLost,
    ]
};

/// What looks, and changes nothing.
fn looks(command: &str) -> bool {
    let look = [
        "setspn -Q ",
        "Get-ADUser ACCOUNT -Properties ms",
        "ldbsearch ",
        "ipa service-show ",
        "kadmin -q \"getprinc ",
        "kvno ",
        "klist get ",
        "namei -l ",
        "whoami ",
        "openssl s_client ",
        "df ",
    ];
    look.iter().any(|look| command.starts_with(look))
}

/// A command that is pasted must not give another service's keys away, or end them.
#[test]
fn what_a_ticket_says_stands_in_no_command_that_changes_anything() {
    let token = Token::of(&decode(REAL_SPNEGO));
    let mut changes = 0;
    for cause in CAUSES {
        for held in [
            vec![],
            vec![key("HTTP/web.ours.test@OURS.TEST", 2, 18)],
            vec![
                key("HTTP/web.ours.test@OURS.TEST", 2, 18),
                key("HTTP/wiki.ours.test@OURS.TEST", 2, 18),
            ],
            vec![key("HTTP/app.throwaway.test@OURS.TEST", 2, 18)],
        ] {
            let mut why = Explanation::new(cause);
            why.seen.token = Some(token.clone());
            // The last one's host is the site's own; its realm is not.
            let own = held.last().map(|key| key.principal().components().to_vec());
            why.seen.service = held.last().map(|key| key.principal().clone());
            why.seen.keytab = Some(keytab(held));
            for mend in why.mends().iter().filter(|mend| !looks(mend.command())) {
                changes += 1;
                let command = mend.command();
                assert!(!command.contains("THROWAWAY"), "{cause:?}: {command}");
                let own = own.as_ref().and_then(|own| own.get(1));
                if own.is_none_or(|own| own != "app.throwaway.test") {
                    assert!(!command.contains("throwaway"), "{cause:?}: {command}");
                }
            }
        }
    }
    assert!(changes > 60, "{changes}");
}

/// Nobody who is told to export a keytab ends those of the other servers unawares.
#[test]
fn whatever_makes_a_new_key_says_so_and_comes_after_a_look() {
    let mut news = 0;
    for (cause, enctype) in CAUSES
        .into_iter()
        .flat_map(|cause| [(cause, 17), (cause, 23)])
    {
        let mut why = Explanation::new(cause);
        why.seen.token = Some(Token::of(&decode(REAL_SPNEGO)));
        let ticket = why
            .seen
            .token
            .as_mut()
            .and_then(|token| token.ticket.as_mut());
        ticket.unwrap().enctype = Some(Enctype::of(enctype));
        why.seen.keytab = Some(keytab(vec![key(OURS, 3, 18)]));
        let mends = why.mends();
        for (place, mend) in mends.iter().enumerate() {
            let command = mend.command();
            let keeps = ["-norandkey", "ipa-getkeytab -r", "exportkeytab"];
            let exports = ["ktadd", "ipa-getkeytab", "ktpass", "exportkeytab"];
            let is = |parts: &[&str]| parts.iter().any(|part| command.contains(part));
            if !is(&exports) {
                continue;
            }
            assert!(mend.when().is_some(), "{cause:?}: {command}");
            let before = &mends[..place];
            let mut before = before
                .iter()
                .filter(|other| other.system() == mend.system());
            let is_seen = cause == Cause::KeytabUnusable;
            assert!(
                is_seen || before.any(|mend| looks(mend.command())),
                "{cause:?}: {command}"
            );
            // A service that was made just now has no other keytab.
            if !is(&keeps) && !command.contains("service-add") {
                news += 1;
                assert!(mend.warning().is_some(), "{cause:?}: {command}");
                assert!(
                    why.to_string().contains(mend.warning().unwrap()),
                    "{cause:?}"
                );
            }
        }
        if mends
            .iter()
            .any(|mend| mend.command().contains("-norandkey"))
        {
            let last = mends.last().unwrap().command();
            assert_eq!(
                last,
                "chown USER /etc/web.keytab && chmod 600 /etc/web.keytab"
            );
        }
    }
    assert!(news > 8, "{news}");
}

/// Whoever may read the machine's keys may be the machine.
#[test]
fn no_command_names_the_machines_own_keytab() {
    for cause in CAUSES {
        let mut why = Explanation::new(cause);
        why.seen.token = Some(Token::of(&decode(REAL_SPNEGO)));
        why.seen.keytab = Some(Arc::new(HeldKeys {
            path: "/etc/krb5.keytab".into(),
            keys: vec![key(OURS, 3, 18)],
        }));
        for mend in why.mends() {
            assert!(!mend.command().contains("krb5.keytab"), "{mend}");
        }
    }
}

/// Nor is one with another service's keys for the web server.
#[test]
fn a_keytab_with_keys_of_other_services_is_given_to_nobody() {
    for other in [
        "host/app.throwaway.test@THROWAWAY.TEST",
        "ldap/app.throwaway.test@THROWAWAY.TEST",
    ] {
        for cause in CAUSES {
            let mut why = Explanation::new(cause);
            why.seen.token = Some(Token::of(&decode(REAL_SPNEGO)));
            why.seen.keytab = Some(keytab(vec![key(OURS, 3, 18), key(other, 3, 18)]));
            for mend in why.mends() {
                assert!(!mend.command().contains("/etc/web.keytab"), "{mend}");
            }
        }
    }
}

/// Anybody can make up a ticket that no key opens.
#[test]
fn a_key_is_taken_from_the_copy_of_a_keytab_alone() {
    let mut why = Explanation::new(Cause::WrongKey);
    why.seen.token = Some(Token::of(&decode(REAL_SPNEGO)));
    why.seen.keytab = Some(keytab(vec![key(OURS, 3, 18)]));
    let mends = why.mends();
    let removes = |mend: &&Mend| {
        ["rmkeytab", "ktremove"]
            .iter()
            .any(|one| mend.command().contains(one))
    };
    let replacing: Vec<_> = mends.iter().filter(removes).collect();
    assert_eq!(replacing.len(), 2);
    for mend in replacing {
        let command = mend.command();
        assert!(
            command.starts_with("cp -p /etc/web.keytab /etc/web.keytab.new && "),
            "{mend}"
        );
        assert!(
            command.ends_with(" && mv /etc/web.keytab.new /etc/web.keytab"),
            "{mend}"
        );
        assert!(
            !command.contains(';') && !command.contains("-k /etc/web.keytab "),
            "{mend}"
        );
        assert!(mend.when().unwrap().contains("every client"), "{mend}");
    }
}

#[test]
fn the_certificate_that_is_shown_is_not_the_requests_host() {
    let why = Explanation::new(Cause::ChannelBindingDiffers);
    let relay = why.clone().at(Some("relay.test".to_owned()), None);
    let command = relay.mends()[0].command().to_owned();
    assert!(command.contains("-connect HOSTNAME:443"), "{command}");
    let relay = why.at(Some("relay.test".to_owned()), Some(OURS.to_owned()));
    let command = relay.mends()[0].command().to_owned();
    assert!(
        command.contains("-connect app.throwaway.test:443"),
        "{command}"
    );
}

#[test]
fn a_keytab_whose_path_is_not_utf_8_can_be_serialized() {
    use std::os::unix::ffi::OsStrExt;
    let mut why = Explanation::new(Cause::KeytabUnusable);
    why.seen.keytab = Some(Arc::new(HeldKeys {
        path: std::ffi::OsStr::from_bytes(b"/etc/\xff\n.keytab").into(),
        keys: Vec::new(),
    }));
    let json = serde_json::to_value(&why).unwrap();
    assert!(
        json["keytab"].as_str().unwrap().starts_with("/etc/"),
        "{json}"
    );
}

#[test]
fn the_name_that_is_added_is_the_one_that_was_looked_for() {
    let mut why = Explanation::new(Cause::WrongSpn);
    why.seen.token = Some(Token::of(&decode(REAL_SPNEGO)));
    why.seen.service = Some("HTTP/b.test@OURS.TEST".parse().unwrap());
    why.seen.keytab = Some(keytab(vec![
        key("HTTP/app.throwaway.test@OURS.TEST", 3, 18),
        key("HTTP/b.test@OURS.TEST", 3, 18),
    ]));
    for mend in why.mends() {
        assert!(!mend.command().contains("b.test"), "{mend}");
    }
}

#[test]
fn every_cause_has_a_text_with_nothing_known() {
    for cause in CAUSES {
        let text = Explanation::new(cause).to_string();
        assert!(text.len() > 60 && !text.contains('\n'), "{cause:?}: {text}");
    }
}

/// Each byte in turn is changed and each length cut off: nothing panics, and no line breaks.
#[test]
fn a_broken_token_is_explained_in_one_line() {
    let held = keytab(vec![key(OURS, 2, 18)]);
    let kinds = [
        ErrorKind::WrongKey,
        ErrorKind::WrongService,
        ErrorKind::Ntlm,
    ];
    let check = |token: &[u8], kind: ErrorKind| {
        let read = Token::of(token).to_string();
        let why = match kind {
            ErrorKind::Ntlm => Explanation::of_unseen(kind, token),
            _ => Explanation::of_refused(kind, token, Arc::clone(&held), Some(OURS), None),
        };
        let text = why.unwrap().to_string();
        for line in [read, text] {
            assert!(!line.contains(crate::principal::is_deceptive), "{line:?}");
        }
    };
    for token in [REAL_SPNEGO, REAL_KERBEROS] {
        let token = decode(token);
        for place in 0..token.len() {
            let kind = kinds[place % kinds.len()];
            check(&token[..place], kind);
            for change in [1, 0x1b, 0x80, 0xff] {
                let mut broken = token.clone();
                broken[place] ^= change;
                check(&broken, kind);
            }
        }
    }
}

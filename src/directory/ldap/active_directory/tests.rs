use super::super::entry::tests::entry;
use super::*;
use crate::error::ErrorKind;
use crate::kerberos::Pac;

const ALICE: &str = "S-1-5-21-1-2-3-1103";

fn sid_of(text: &str) -> Sid {
    text.parse().unwrap()
}

fn alice() -> Initiator {
    Initiator::with_pac(Pac::of("alice", sid_of(ALICE), []))
}

fn preset() -> PacRules {
    PacRules { by_preset: true }
}

/// What comes of an entry with these values, whose SID is Alice's.
fn outcome(rules: &PacRules, attributes: &[(&str, &[&[u8]])]) -> Result<(), ErrorKind> {
    let sid = sid_of(ALICE).to_bytes();
    let own: &[&[u8]] = &[&sid];
    let never: &[&[u8]] = &[b"0"];
    let mut all = [&[(SID, own)], attributes].concat();
    if !attributes.iter().any(|(name, _)| *name == END) {
        all.push((END, never));
    }
    let entry = entry("CN=Alice,DC=corp", &all);
    rules.check(&entry, &alice()).map_err(|error| error.kind())
}

#[test]
fn a_domain_is_the_root_of_its_tree() {
    let root = base("corp.example.com");
    assert_eq!(root.as_deref(), Some("DC=corp,DC=example,DC=com"));
    assert_eq!(base("CORP").as_deref(), Some("DC=CORP"));
    for domain in [
        "",
        ".",
        "corp.",
        ".corp",
        "a..b",
        "a b",
        "a,DC=b",
        "ldaps://a",
        "ä.b",
    ] {
        assert_eq!(base(domain), None, "{domain:?}");
    }
}

#[test]
fn the_account_is_the_pacs_ascii_case_aside() {
    use ErrorKind::{DirectoryMisconfigured, UserDiffers};
    let own_filter = PacRules { by_preset: false };
    let control: &[&[u8]] = &[b"512"];
    for (values, expected) in [
        (&[b"alice".as_slice()][..], Ok(())),
        (&[b"ALICE"], Ok(())),
        (&[b"alice$"], Err(UserDiffers)),
        (&[b"bob"], Err(UserDiffers)),
        (&["ａlice".as_bytes()], Err(UserDiffers)),
        (&[b" alice"], Err(UserDiffers)),
        (&[], Err(DirectoryMisconfigured)),
        (&[b"\xff"], Err(DirectoryMisconfigured)),
        (&[b"alice", b"bob"], Err(DirectoryMisconfigured)),
    ] {
        for rules in [&preset(), &own_filter] {
            let outcome = outcome(rules, &[(ACCOUNT, values), (CONTROL, control)]);
            assert_eq!(outcome, expected, "{values:?} {rules:?}");
        }
    }
}

#[test]
fn a_disabled_account_is_refused_and_so_is_one_that_nobody_can_tell() {
    use ErrorKind::{DirectoryMisconfigured, UserDenied};
    for (values, expected) in [
        (&[b"512".as_slice()][..], Ok(())),
        (&[b"66048"], Ok(())),
        (&[b"514"], Err(UserDenied)),
        (&[b"66050"], Err(UserDenied)),
        (&[b"-2147483646"], Err(UserDenied)),
        (&[], Err(DirectoryMisconfigured)),
        (&[b""], Err(DirectoryMisconfigured)),
        (&[b"0x200"], Err(DirectoryMisconfigured)),
        (&[b"512", b"514"], Err(DirectoryMisconfigured)),
    ] {
        let account: &[&[u8]] = &[b"alice"];
        let outcome = outcome(&preset(), &[(ACCOUNT, account), (CONTROL, values)]);
        assert_eq!(outcome, expected, "{values:?}");
    }
}

#[test]
fn an_account_that_has_expired_is_refused_and_so_is_one_that_nobody_can_tell() {
    use ErrorKind::{DirectoryMisconfigured, UserDenied};
    for (values, expected) in [
        (&[b"0".as_slice()][..], Ok(())),
        (&[b"9223372036854775807"], Ok(())),
        (&[b"9223372036854775806"], Ok(())),
        (&[b"1"], Err(UserDenied)),
        (&[b"134000000000000000"], Err(UserDenied)),
        (&[], Err(DirectoryMisconfigured)),
        (&[b""], Err(DirectoryMisconfigured)),
        (&[b"-1"], Err(DirectoryMisconfigured)),
        (&[b"0", b"1"], Err(DirectoryMisconfigured)),
    ] {
        let (account, control): (&[&[u8]], &[&[u8]]) = (&[b"alice"], &[b"512"]);
        let attributes = [(ACCOUNT, account), (CONTROL, control), (END, values)];
        assert_eq!(outcome(&preset(), &attributes), expected, "{values:?}");
    }
}

#[test]
fn by_the_preset_the_entry_has_the_pacs_sid_however_it_was_found() {
    use ErrorKind::{DirectoryMisconfigured, UserDiffers};
    let account: &[&[u8]] = &[b"alice"];
    let control: &[&[u8]] = &[b"512"];
    let own = sid_of(ALICE).to_bytes();
    let other = sid_of("S-1-5-21-1-2-3-1104").to_bytes();
    let no_pac = Initiator::new("alice@CORP".parse().unwrap());
    for (values, expected, without_pac) in [
        (&[own.as_slice()][..], Ok(()), Ok(())),
        (&[&other], Err(UserDiffers), Ok(())),
        (
            &[],
            Err(DirectoryMisconfigured),
            Err(DirectoryMisconfigured),
        ),
        (
            &[ALICE.as_bytes()],
            Err(DirectoryMisconfigured),
            Err(DirectoryMisconfigured),
        ),
        (
            &[&own, &other],
            Err(DirectoryMisconfigured),
            Err(DirectoryMisconfigured),
        ),
    ] {
        let entry = entry(
            "CN=Alice",
            &[
                (ACCOUNT, account),
                (CONTROL, control),
                (END, &[b"0"]),
                (SID, values),
            ],
        );
        for (who, expected) in [(&alice(), expected), (&no_pac, without_pac)] {
            let outcome = preset().check(&entry, who).map_err(|error| error.kind());
            assert_eq!(outcome, expected, "{values:?}");
        }
    }
}

#[test]
fn a_locked_account_is_refused_with_a_password_and_let_in_with_a_ticket() {
    use ErrorKind::{DirectoryMisconfigured, UserDenied};
    let (account, control): (&[&[u8]], &[&[u8]]) = (&[b"alice"], &[b"512"]);
    let sid = sid_of(ALICE).to_bytes();
    for (values, expected) in [
        (&[b"0".as_slice()][..], Ok(())),
        (&[b"8388608"], Ok(())),
        (&[b"16"], Err(UserDenied)),
        (&[b"8388624"], Err(UserDenied)),
        (&[], Err(DirectoryMisconfigured)),
        (&[b"LOCKED"], Err(DirectoryMisconfigured)),
    ] {
        let entry = entry(
            "CN=Alice,DC=corp",
            &[
                (SID, &[&sid]),
                (ACCOUNT, account),
                (CONTROL, control),
                (END, &[b"0"]),
                (COMPUTED, values),
            ],
        );
        let outcome = |who: Initiator| {
            let checked = preset().check(&entry, &who);
            checked.map_err(|error| error.kind())
        };
        assert_eq!(
            outcome(alice().on(Occasion::Password)),
            expected,
            "{values:?}"
        );
        assert_eq!(outcome(alice()), Ok(()), "{values:?}");
        let recheck = alice().on(Occasion::Recheck);
        assert_eq!(outcome(recheck), Ok(()), "{values:?}");
    }
}

use super::*;

fn parse(text: &str) -> Result<Principal, PrincipalError> {
    text.parse()
}

#[test]
fn escapes_are_undone_and_put_back() {
    for (text, components, realm) in [
        ("alice@CORP", vec!["alice"], "CORP"),
        ("HTTP/app@CORP", vec!["HTTP", "app"], "CORP"),
        (r"alice\@corp.com@CORP", vec!["alice@corp.com"], "CORP"),
        (r"al\/ice@CORP", vec!["al/ice"], "CORP"),
        (r"al\\ice@CORP", vec![r"al\ice"], "CORP"),
    ] {
        let principal = parse(text).expect(text);
        assert_eq!(principal.components(), components, "{text}");
        assert_eq!(principal.realm(), realm, "{text}");
        assert_eq!(principal.to_string(), text);
    }
}

#[test]
fn what_is_no_principal_says_why() {
    use PrincipalError::*;
    for (text, why) in [
        ("alice", NoRealm),
        (r"alice\@CORP", NoRealm),
        ("", NoRealm),
        ("@CORP", Empty),
        ("alice@", Empty),
        ("alice/@CORP", Empty),
        ("alice@CORP@OTHER", Malformed),
        ("alice@CORP/OTHER", Malformed),
        (r"alice@CORP\", Malformed),
        (r"al\nice@CORP", ForbiddenCharacter),
        (r"al\0ice@CORP", ForbiddenCharacter),
        ("al\u{1b}ice@CORP", ForbiddenCharacter),
        ("al\rice@CORP", ForbiddenCharacter),
        ("al\u{7f}ice@CORP", ForbiddenCharacter),
        ("\u{202e}ecila@CORP", ForbiddenCharacter),
        ("alice@CO\u{2066}RP", ForbiddenCharacter),
        ("alice\u{200b}@CORP", ForbiddenCharacter),
        ("al\u{ad}ice@CORP", ForbiddenCharacter),
        ("\u{feff}alice@CORP", ForbiddenCharacter),
    ] {
        assert_eq!(parse(text), Err(why), "{text:?}");
    }
}

#[test]
fn only_a_person_of_an_allowed_realm_is_admitted() {
    let realms = AllowedRealms::new(vec!["CORP".into(), "LAB".into()]).unwrap();
    for (name, refused) in [
        ("alice@CORP", None),
        ("alice@LAB", None),
        ("alice@corp", Some(ErrorKind::RealmNotAllowed)),
        ("alice@OTHER", Some(ErrorKind::RealmNotAllowed)),
        ("alice/admin@OTHER", Some(ErrorKind::RealmNotAllowed)),
        ("alice/admin@CORP", Some(ErrorKind::NameNotAllowed)),
        ("PC$@CORP", Some(ErrorKind::NameNotAllowed)),
        ("WELLKNOWN/ANONYMOUS@CORP", Some(ErrorKind::NameNotAllowed)),
        ("alice", Some(ErrorKind::NameNotAllowed)),
        ("al\nice@CORP", Some(ErrorKind::NameNotAllowed)),
    ] {
        let outcome = realms.admit(name).map_err(|error| error.kind());
        assert_eq!(outcome.err(), refused, "{name:?}");
    }
}

#[test]
fn a_typed_name_is_one_component_of_a_realm_that_is_allowed() {
    let one = AllowedRealms::new(vec!["CORP".into()]).unwrap();
    let two = AllowedRealms::new(vec!["CORP".into(), "LAB".into()]).unwrap();
    for (realms, user, own, principal) in [
        (&one, "alice", "CORP", Some("alice@CORP")),
        (&one, "alice", "HOSTS", Some("alice@CORP")),
        (&two, "alice", "LAB", Some("alice@LAB")),
        (&two, "alice", "HOSTS", None),
        (&two, "alice@CORP", "LAB", Some("alice@CORP")),
        (&one, "alice@corp", "CORP", None),
        (&one, "alice@OTHER", "CORP", None),
        (&one, "alice@", "CORP", None),
        (&one, "@CORP", "CORP", None),
        (
            &one,
            "alice@corp.com@CORP",
            "CORP",
            Some(r"alice\@corp.com@CORP"),
        ),
        (&one, "alice/admin", "CORP", Some(r"alice\/admin@CORP")),
        (&one, r"CORP\alice", "CORP", Some(r"CORP\\alice@CORP")),
        (&one, r"alice\@CORP", "CORP", Some(r"alice\\@CORP")),
        (&one, "PC$", "CORP", None),
        (&one, "al\u{202e}ice", "CORP", None),
    ] {
        let named = realms.named(user, own);
        let kind = named.as_ref().err().map(Error::kind);
        let text = named.as_ref().ok().map(ToString::to_string);
        assert_eq!(text.as_deref(), principal, "{user:?}");
        let refused = principal
            .is_none()
            .then_some(ErrorKind::BasicNameNotAllowed);
        assert_eq!(kind, refused, "{user:?}");
    }
}

#[test]
fn a_realm_has_no_separator() {
    assert!(check_realm("CORP.EXAMPLE.COM").is_ok());
    for realm in ["", "@CORP", "CORP/X", r"CO\RP", "CORP EXAMPLE", "CORP\n"] {
        assert!(check_realm(realm).is_err(), "{realm:?}");
    }
}

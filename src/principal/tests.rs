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
    let realms = AllowedRealms::new(vec!["CORP".into(), "LAB".into()]);
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

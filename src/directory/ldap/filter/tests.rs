use super::super::entry::tests::entry;
use super::*;
use crate::error::ErrorKind;
use crate::kerberos::Pac;

fn who(principal: &str) -> Initiator {
    Initiator::new(principal.parse().expect(principal))
}

fn filter(template: &str) -> Filter {
    Filter::parse(template).expect(template)
}

#[test]
fn placeholders_are_filled_in() {
    for (template, rendered) in [
        ("(uid={user})", "(uid=alice)"),
        (
            "(krbPrincipalName={principal})",
            "(krbPrincipalName=alice@CORP)",
        ),
        (
            "(&(objectClass=person)(|(uid={user})(mail={user}@corp.example))(o={realm}))",
            "(&(objectClass=person)(|(uid=alice)(mail=alice@corp.example))(o=CORP))",
        ),
        (r"(&(uid={user})(cn=\7bx}))", r"(&(uid=alice)(cn=\7bx}))"),
    ] {
        let rendered_by_us = filter(template).render(&who("alice@CORP")).unwrap();
        assert_eq!(rendered_by_us, rendered, "{template}");
    }
}

#[test]
fn a_name_can_not_break_out_of_its_value() {
    for (principal, rendered) in [
        ("*@CORP", r"(uid=\2a)"),
        ("a*@CORP", r"(uid=a\2a)"),
        ("x)(uid=*@CORP", r"(uid=x\29\28uid=\2a)"),
        ("x))(|(uid=admin@CORP", r"(uid=x\29\29\28|\28uid=admin)"),
        (r"\\2a@CORP", r"(uid=\5c2a)"),
        ("{realm}@CORP", "(uid={realm})"),
        ("ａlice@CORP", "(uid=ａlice)"),
        (r"al\/ice@CORP", "(uid=al/ice)"),
    ] {
        let rendered_by_us = filter("(uid={user})").render(&who(principal)).unwrap();
        assert_eq!(rendered_by_us, rendered, "{principal}");
        assert!(ldap3::parse_filter(&rendered_by_us).is_ok(), "{principal}");
    }
    assert_eq!(
        filter("(cn={principal})")
            .render(&who(r"al\@ice@CORP"))
            .unwrap(),
        r"(cn=al\5c@ice@CORP)"
    );
}

#[test]
fn a_name_of_several_components_is_searched_whole() {
    let rendered = filter("(uid={user})")
        .render(&who("HTTP/app@CORP"))
        .unwrap();
    assert_eq!(rendered, "(uid=HTTP/app@CORP)");
}

#[test]
fn what_is_no_filter_for_persons_says_why() {
    for (template, reason) in [
        ("", "finds the same entry for everybody"),
        ("(uid=alice)", "finds the same entry for everybody"),
        ("(o={realm})", "finds the same entry for everybody"),
        ("(uid={username})", "{username} in"),
        ("(uid={User})", "{User} in"),
        ("(uid={user)", "{user)} in"),
        ("(uid={})", "{} in"),
        ("uid={user}", "is no filter"),
        ("(uid={user}", "is no filter"),
        ("(uid={user}))", "is no filter"),
        ("((uid={user}))", "is no filter"),
        ("(&(uid={user})", "is no filter"),
        ("(uid {user})", "is no filter"),
        ("({user}=alice)", "is no filter"),
        (r"(uid=\2{user})", "is no filter"),
        (r"(uid=\{user})", "is no filter"),
        (r"(uid={user}\zz)", "is no filter"),
        (r"(uid=\ff{user})", "is no filter"),
        (r"(uid=\00u\00{user})", "control character"),
        ("(uid={user})\n", "control character"),
        ("(uid={user}*)", "by plain equality"),
        ("(uid~={user})", "by plain equality"),
        ("(uid>={user})", "by plain equality"),
        ("(uid:caseExactMatch:={user})", "by plain equality"),
        ("(!(uid={user}))", "by plain equality"),
        ("(0.9.2342.19200300.100.1.1={user})", "is an OID"),
        ("(&(uid={user})(2.5.4.10={realm}))", "is an OID"),
        (
            "(|(!(uid={user}))(cn={user}*)(o={realm}))",
            "by plain equality",
        ),
        (
            "(|(&(objectClass=person)(uid={user}))(mail={principal}))",
            "put the condition in front",
        ),
        (
            "(|(uid={user})(&(!(objectClass=person))(cn={user})))",
            "put the condition in front",
        ),
        (
            "(&(objectClass=*)(|(uid={user})(&(cn={user})(l=*))))",
            "put the condition in front",
        ),
        (
            "(&(uid={user})(|(mail={principal})(&(o={realm})(employeeType=staff))))",
            "put the condition in front",
        ),
        (
            "(|(|(uid={user})(&(cn={user})(|(l=*))))(o={realm}))",
            "put the condition in front",
        ),
    ] {
        let error = Filter::parse(template).expect_err(template).to_string();
        assert!(error.starts_with("the LDAP directory's filter is wrong: "));
        assert!(error.contains(reason), "{template}: {error}");
    }
}

#[test]
fn realms_are_told_apart_only_where_every_alternative_holds_the_realm() {
    for (template, apart) in [
        ("(uid={user})", false),
        ("(krbPrincipalName={principal})", true),
        ("(&(uid={user})(o={realm}))", true),
        ("(|(uid={user})(krbPrincipalName={principal}))", false),
        ("(|(cn={principal})(krbPrincipalName={principal}))", true),
        ("(&(uid={user})(!(o={realm})))", false),
        ("(&(uid={user})(o=*{realm}*))", false),
        ("(uid={user}@{realm})", true),
        ("(mail={principal}.example)", true),
        ("(|(&(uid={user})(o={realm}))(mail={principal}))", true),
        ("(|(&(uid={user})(o={realm}))(mail={user}))", false),
        (
            "(&(|(uid={user})(cn={user}))(|(o={realm})(ou={realm})))",
            true,
        ),
        ("(&(uid={user})(|(o={realm})(ou=shared)))", false),
        ("(&(uid={user})(|(o={realm})(!(o=*))))", false),
    ] {
        assert_eq!(filter(template).tells_realms_apart(), apart, "{template}");
    }
}

#[test]
fn a_value_that_can_be_two_peoples_is_refused() {
    for value in [
        "{user}{realm}",
        "{user}.{realm}",
        "{realm}@{user}",
        "{realm}\\5c{user}",
        "{user}@@{realm}",
        "{user}@x.{realm}",
        "{user}@{realm}@{realm}",
        "{user}{user}@{realm}",
        "{user}@{realm}{user}",
        "{principal}{realm}",
        "{user}{principal}",
        "{user}@{principal}",
    ] {
        for template in [
            format!("(uid={value})"),
            format!("(|(mail={{principal}})(&(cn={{user}})(uid={value})))"),
        ] {
            let error = Filter::parse(&template).expect_err(&template).to_string();
            assert!(error.contains("can be two people's"), "{error}");
            assert!(error.contains("(&(uid={user})(o={realm}))"), "{error}");
        }
    }
    for value in [
        "x{user}y",
        "{user}@{realm}",
        r"{user}\40{realm}",
        "krb:{user}@{realm}.example",
        "x{principal}y",
        "{user}{user}",
    ] {
        filter(&format!("(uid={value})"));
    }
}

#[test]
fn one_attribute_is_compared_in_two_ways_only_where_these_never_meet() {
    for (one, other, meet) in [
        ("(mail={user}@a)", "(mail={user}@b)", false),
        ("(uid=a:{user})", "(UID=b:{principal})", false),
        ("(uid={user})", "(UID={user})", false),
        ("(uid={user})", "(mail={principal})", false),
        ("(uid={user})", "(uid;lang-en={principal})", false),
        ("(uid={user})", "(uid=shared)", false),
        ("(uid={user})", "(!(uid={realm}))", false),
        ("(uid={user})", "(uid={principal})", true),
        ("(mail={user}@{realm})", "(MAIL={principal})", true),
        ("(mail={principal})", "(mail={principal}.TEST)", true),
        ("(mail={user}@a)", "(mail={user}@b@a)", true),
        ("(uid=a{user})", "(uid={user}a)", true),
    ] {
        let template = format!("(|(cn={{user}}){one}(&{other}))");
        match Filter::parse(&template) {
            Ok(_) => assert!(!meet, "{template}"),
            Err(error) => {
                assert!(meet, "{error}");
                assert!(error.to_string().contains("in two ways"), "{error}");
            }
        }
    }
}

#[test]
fn the_attributes_read_are_those_compared_with_the_person() {
    let filter = filter(
        "(&(objectClass=person)(o={realm})(|(uid={user})(mail={user}@x)(cn={user}*)(O={realm}))\
         (!(description={user})))",
    );
    assert_eq!(
        filter.attributes().collect::<Vec<_>>(),
        ["o", "uid", "mail"]
    );
}

#[test]
fn the_entry_must_have_the_very_name() {
    let alice = entry(
        "uid=alice,dc=example",
        &[
            ("UID", &[b"al", b"alice"]),
            ("uid;lang-en", &[b"bob"]),
            ("mail", &[b"alice@example.com"]),
        ],
    );
    for (template, principal, same) in [
        ("(uid={user})", "alice@CORP", true),
        ("(uid={user})", "Alice@CORP", false),
        ("(uid={user})", " alice@CORP", false),
        ("(uid={user})", "alice @CORP", false),
        ("(uid={user})", "ａlice@CORP", false),
        ("(uid={user})", "ⓐlice@CORP", false),
        ("(uid={user})", "bob@CORP", false),
        ("(uid;lang-en={user})", "bob@CORP", true),
        (
            "(|(uid={user})(mail={user}))",
            r"alice\@example.com@CORP",
            true,
        ),
        ("(mail={user}@example.com)", "alice@CORP", true),
        ("(mail={user}@example.com)", "Alice@CORP", false),
        ("(uid={principal})", "alice@CORP", false),
        ("(&(uid={user})(mail={user}))", "alice@CORP", false),
        (
            "(&(uid={user})(mail={user}@example.com))",
            "alice@CORP",
            true,
        ),
        (r"(mail={user}\40example.com)", "alice@CORP", true),
    ] {
        let outcome = filter(template).check_name(&alice, &who(principal));
        let expected = if same {
            None
        } else {
            Some(ErrorKind::UserDiffers)
        };
        assert_eq!(
            outcome.err().map(|error| error.kind()),
            expected,
            "{template} {principal:?}"
        );
    }
}

#[test]
fn a_value_that_is_not_utf_8_names_nobody() {
    let entry = entry("uid=alice", &[("uid", &[b"alice\xff"])]);
    let error = filter("(uid={user})")
        .check_name(&entry, &who("alice@CORP"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UserDiffers);
}

#[test]
fn an_entry_whose_name_can_not_be_read_is_a_mistake_of_the_set_up() {
    let entry = entry("uid=alice", &[("cn", &[b"alice"])]);
    let error = filter("(userid={user})")
        .check_name(&entry, &who("alice@CORP"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DirectoryMisconfigured);
    assert!(error.to_string().contains("no value of userid"), "{error}");
}

/// `carol@EXAMPLE` is in this directory.
fn carol() -> Entry {
    entry(
        "uid=carol,dc=example",
        &[
            ("objectClass", &[b"inetOrgPerson"]),
            ("uid", &[b"carol"]),
            ("o", &[b"EXAMPLE"]),
            ("mail", &[b"carol@lab"]),
        ],
    )
}

fn outcome(entry: &Entry, template: &str, principal: &str) -> Option<ErrorKind> {
    let outcome = filter(template).check_name(entry, &who(principal));
    outcome.err().map(|error| error.kind())
}

#[test]
fn the_alternative_that_lets_an_entry_pass_holds_as_a_whole() {
    for (template, principal, same) in [
        // Servers find carol@lab for carol@LAB, who is somebody else.
        (
            "(|(&(uid={user})(o={realm}))(mail={principal}))",
            "carol@LAB",
            false,
        ),
        (
            "(|(&(uid={user})(o={realm}))(mail={principal}))",
            "carol@EXAMPLE",
            true,
        ),
        (
            "(|(&(uid={user})(o={realm}))(mail={principal}))",
            "carol@lab",
            true,
        ),
        (
            "(|(mail={principal})(&(o={realm})(uid={user})))",
            "carol@LAB",
            false,
        ),
        (
            "(|(mail={principal})(&(o={realm})(uid={user})))",
            "carol@EXAMPLE",
            true,
        ),
        ("(&(uid={user})(o={realm}))", "carol@EXAMPLE", true),
        ("(&(uid={user})(o={realm}))", "carol@Example", false),
        ("(&(uid={user})(o={realm}))", "Carol@EXAMPLE", false),
        ("(&(uid={user})(mail={principal}))", "carol@LAB", false),
        (
            "(&(uid={user})(|(o={realm})(mail={principal})))",
            "carol@LAB",
            false,
        ),
        (
            "(&(uid={user})(|(o={realm})(mail={principal})))",
            "carol@EXAMPLE",
            true,
        ),
        (
            "(&(uid={user})(|(o={realm})(mail={principal})))",
            "carol@lab",
            true,
        ),
        (
            "(|(&(uid={user})(&(|(o={realm}))))(mail={principal}))",
            "carol@LAB",
            false,
        ),
        (
            "(|(&(uid={user})(&(|(o={realm}))))(mail={principal}))",
            "carol@EXAMPLE",
            true,
        ),
        ("(mail={user}@{realm})", "carol@lab", true),
        ("(mail={user}@{realm})", "carol@LAB", false),
        // What is left to the server counts as it says.
        (
            "(&(objectClass=INETORGPERSON)(uid={user})(!(o=x))(cn=c*)(o>=a))",
            "carol@LAB",
            true,
        ),
        ("(&(uid={user})(|(o={realm})(o=shared)))", "carol@LAB", true),
    ] {
        let expected = (!same).then_some(ErrorKind::UserDiffers);
        assert_eq!(
            outcome(&carol(), template, principal),
            expected,
            "{template} {principal}"
        );
    }
}

#[test]
fn what_names_nobody_lets_nobody_pass() {
    for template in [
        "(|(uid={user})(objectClass=person))",
        "(|(uid={user})(o=EXAMPLE))",
        "(|(uid={user})(o={realm}))",
        "(|(uid={user})(!(uid={user})))",
        "(|(uid={user})(!(o={user})))",
        "(|(uid={user})(&(uid=*)(!(o={principal}))))",
        "(|(uid={user})(uid={user}*))",
        "(|(uid={user})(uid~={user}))",
        "(|(uid={user})(uid>={user}))",
        "(|(uid={user})(uid:caseExactMatch:={user}))",
        "(&(o={realm})(|(uid={user})(cn=*)))",
    ] {
        for principal in ["mallory@EXAMPLE", "CAROL@EXAMPLE", "car@EXAMPLE"] {
            assert_eq!(
                outcome(&carol(), template, principal),
                Some(ErrorKind::UserDiffers),
                "{template} {principal}"
            );
        }
        assert_eq!(
            outcome(&carol(), template, "carol@EXAMPLE"),
            None,
            "{template}"
        );
    }
}

#[test]
fn what_is_hidden_is_a_mistake_of_the_set_up_unless_what_is_shown_differs() {
    use ErrorKind::{DirectoryMisconfigured, UserDiffers};
    for (template, principal, kind) in [
        (
            "(&(uid={user})(ou={realm}))",
            "carol@EXAMPLE",
            DirectoryMisconfigured,
        ),
        ("(&(uid={user})(ou={realm}))", "Carol@EXAMPLE", UserDiffers),
        (
            "(|(userid={user})(cn={user}))",
            "carol@EXAMPLE",
            DirectoryMisconfigured,
        ),
        (
            "(|(userid={user})(uid={user}))",
            "Carol@EXAMPLE",
            UserDiffers,
        ),
        (
            "(|(userid={user})(cn=*))",
            "carol@EXAMPLE",
            DirectoryMisconfigured,
        ),
        (
            "(|(&(uid={user})(ou={realm}))(mail={principal}))",
            "carol@LAB",
            UserDiffers,
        ),
    ] {
        assert_eq!(
            outcome(&carol(), template, principal),
            Some(kind),
            "{template} {principal}"
        );
    }
    let text = |template: &str| {
        let outcome = filter(template).check_name(&carol(), &who("carol@LAB"));
        outcome.unwrap_err().to_string()
    };
    let error = text("(&(uid={user})(ou={realm}))");
    assert!(
        error.contains("the server shows no value of ou:"),
        "{error}"
    );
    let error = text("(|(&(uid={user})(OU={realm}))(mail={principal})(ou={realm}))");
    assert!(
        error.contains("which has uid=carol, mail=carol@lab and shows no value of OU;"),
        "{error}"
    );
}

const ALICE_SID: &str = "S-1-5-21-1-2-3-1103";

fn with_sid(sid: &str) -> Initiator {
    Initiator::with_pac(Pac::of("alice", sid.parse().unwrap(), []))
}

#[test]
fn a_sid_is_searched_in_its_binary_form_with_every_byte_escaped() {
    let filter = filter("(&(objectClass=user)(objectSid={sid}))");
    assert!(filter.has_sid());
    let rendered = filter.render(&with_sid(ALICE_SID)).unwrap();
    assert_eq!(
        rendered,
        r"(&(objectClass=user)(objectSid=\01\05\00\00\00\00\00\05\15\00\00\00\01\00\00\00\02\00\00\00\03\00\00\00\4f\04\00\00))"
    );
    assert!(ldap3::parse_filter(&rendered).is_ok());
    // Without a PAC there is nothing to search for.
    assert_eq!(filter.render(&who("alice@CORP")), None);
}

#[test]
fn a_sid_names_a_person_and_tells_realms_apart() {
    for (template, apart) in [
        ("(objectSid={sid})", true),
        ("(&(objectSid={sid})(uid={user}))", true),
        ("(|(objectSid={sid})(uid={user}))", false),
        ("(|(objectSid={sid})(mail={principal}))", true),
    ] {
        assert_eq!(filter(template).tells_realms_apart(), apart, "{template}");
    }
}

#[test]
fn a_sid_is_a_value_of_its_own() {
    for template in [
        "(objectSid=x{sid})",
        "(objectSid={sid}x)",
        "(objectSid={sid}*)",
        "(objectSid={sid}{sid})",
        "(objectSid={user}{sid})",
        "(&(uid={user})(objectSid={sid}{user}))",
        r"(objectSid=\28{sid})",
    ] {
        let error = Filter::parse(template).expect_err(template).to_string();
        assert!(error.contains("is no value of its own"), "{error}");
    }
    for template in ["(objectSid>={sid})", "(!(objectSid={sid}))"] {
        let error = Filter::parse(template).expect_err(template).to_string();
        assert!(error.contains("by plain equality"), "{error}");
    }
}

#[test]
fn the_entry_must_have_the_very_sid() {
    let bytes = |sid: &str| sid.parse::<Sid>().unwrap().to_bytes();
    let (own, other) = (bytes(ALICE_SID), bytes("S-1-5-21-1-2-3-1104"));
    let cut_off = &own[..own.len() - 1];
    for (values, kind) in [
        (&[own.as_slice()][..], None),
        (&[&other, &own], None),
        (&[&other], Some(ErrorKind::UserDiffers)),
        (&[cut_off], Some(ErrorKind::UserDiffers)),
        (&[ALICE_SID.as_bytes()], Some(ErrorKind::UserDiffers)),
        (&[], Some(ErrorKind::DirectoryMisconfigured)),
    ] {
        let found = entry("CN=Alice", &[("objectSid", values)]);
        let filter = filter("(objectSid={sid})");
        let outcome = filter.check_name(&found, &with_sid(ALICE_SID));
        assert_eq!(outcome.err().map(|error| error.kind()), kind, "{values:?}");
        // No entry is the one of a ticket that tells no SID.
        assert!(filter.check_name(&found, &who("alice@CORP")).is_err());
    }
    let found = entry("CN=Bob", &[("objectSid", &[&other])]);
    let error = filter("(objectSid={sid})").check_name(&found, &with_sid(ALICE_SID));
    let text = error.unwrap_err().to_string();
    assert!(text.contains("objectSid=S-1-5-21-1-2-3-1104"), "{text}");
}

#[test]
fn a_filter_by_sid_has_one_by_the_accounts_name() {
    for (template, by_name) in [
        ("(objectSid={sid})", "(sAMAccountName={user})"),
        (
            r"(&(memberOf=CN=a \28b\29,DC=c)(objectSid={sid})(o={realm}))",
            r"(&(memberOf=CN=a \28b\29,DC=c)(sAMAccountName={user})(o={realm}))",
        ),
        (
            "(|(objectSid={sid})(mail={principal}))",
            "(|(sAMAccountName={user})(mail={principal}))",
        ),
        ("(uid={user})", "(uid={user})"),
    ] {
        let filter = filter(template).by_account_name().expect(template);
        assert_eq!(filter.template(), by_name);
        assert!(!filter.has_sid());
    }
    let filter = filter("(|(objectSid={sid})(sAMAccountName={principal}))");
    let error = filter.by_account_name().unwrap_err().to_string();
    assert!(error.contains("compared in two ways"), "{error}");
}

use super::super::entry::tests::entry;
use super::*;
use crate::error::ErrorKind;

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
        let rendered_by_us = filter(template).render(&who("alice@CORP"));
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
        let rendered_by_us = filter("(uid={user})").render(&who(principal));
        assert_eq!(rendered_by_us, rendered, "{principal}");
        assert!(ldap3::parse_filter(&rendered_by_us).is_ok(), "{principal}");
    }
    assert_eq!(
        filter("(cn={principal})").render(&who(r"al\@ice@CORP")),
        r"(cn=al\5c@ice@CORP)"
    );
}

#[test]
fn a_name_of_several_components_is_searched_whole() {
    let rendered = filter("(uid={user})").render(&who("HTTP/app@CORP"));
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
    ] {
        assert_eq!(filter(template).tells_realms_apart(), apart, "{template}");
    }
}

#[test]
fn naming_attributes_are_those_compared_with_the_person() {
    let filter =
        filter("(&(objectClass=person)(o={realm})(|(uid={user})(mail={user}@x)(cn={user}*)))");
    assert_eq!(
        filter.naming_attributes().collect::<Vec<_>>(),
        ["uid", "mail"]
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
        ("(&(uid={user})(mail={user}))", "alice@CORP", true),
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

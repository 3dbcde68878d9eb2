use super::Truth::{Maybe, No, Yes};
use super::*;

fn dn(text: &str) -> Dn {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[track_caller]
fn compared(one: &str, other: &str, expected: Truth) {
    let (a, b) = (dn(one), dn(other));
    assert_eq!(a.is(&b), expected, "{one:?} {other:?}");
    assert_eq!(b.is(&a), expected, "{other:?} {one:?}");
}

const ADMINS: &str = "CN=Admins,OU=Groups,DC=corp,DC=example";

#[test]
fn spellings_of_one_dn_are_surely_the_same() {
    for spelling in [
        ADMINS,
        "cn=admins,ou=groups,dc=CORP,dc=Example",
        " cn = Admins , ou = Groups,DC=corp , DC=example ",
        "2.5.4.3=Admins,2.5.4.11=Groups,0.9.2342.19200300.100.1.25=corp,dc=example",
        "commonName=Admins,organizationalUnitName=Groups,domainComponent=corp,dc=example",
        r"CN=\41dmin\73,OU=Groups,DC=corp,DC=example",
    ] {
        compared(ADMINS, spelling, Yes);
    }
    for (one, other) in [
        ("", "  "),
        (r"cn=Sales\, North", r"cn=Sales\2C North"),
        (r"cn=Sales\, North", r"cn=sales\2c north"),
        (r"cn=Lu\C4\8Di\C4\87", "cn=Lučić"),
        (r"cn=\#1\+1\=2", r"cn=\231\2B1=2"),
        (r"cn=\ padded\ ", r"cn=\20padded\20"),
        (r#"cn=a\"b\\c\;d\<e\>f"#, r"cn=a\22b\5Cc\3Bd\3Ce\3Ef"),
        (
            "cn=Alice+uid=alice,dc=example",
            "UID=Alice + CN=alice,dc=example",
        ),
        ("cn=#04024869", "cn= #04024869 "),
        (r"cn=\FF", r"cn=\ff"),
        ("gidNumber=5", "gidnumber=5"),
        ("cn=", "cn= "),
    ] {
        compared(one, other, Yes);
    }
}

#[test]
fn what_some_server_might_join_is_perhaps_the_same() {
    for (one, other) in [
        ("cn=Größe,dc=example", "cn=GRÖSSE,dc=example"),
        ("cn=Lučić", "cn=lučiĆ"),
        ("cn=Größe", "cn=Gro\u{308}ße"),
        ("cn=Admins", "cn=Ａdmins"),
        ("cn=Domain Users", "cn=Domain  Users"),
        ("cn=Admins", r"cn=Admins\20"),
        // Nobody here knows how the values of these are compared, or their other names.
        ("x-team=Admins", "x-team=admins"),
        ("1.2.3=Admins", "x-team=Admins"),
        ("1.2.3=Admins", "cn=Admins"),
        // In BER it may be any text.
        ("cn=#0C024869", "cn=Hi"),
        ("cn=#0C024869", "cn=#13024869"),
    ] {
        compared(one, other, Maybe);
    }
}

#[test]
fn other_dns_are_surely_others() {
    for other in [
        "",
        "CN=Admins,OU=Groups,DC=corp",
        "CN=Admins,OU=Other,DC=corp,DC=example",
        "CN=Admin,OU=Groups,DC=corp,DC=example",
        "UID=Admins,OU=Groups,DC=corp,DC=example",
        "CN=Admins+UID=1,OU=Groups,DC=corp,DC=example",
        r"CN=Admins\,OU\=Groups,DC=corp,DC=example",
        r"CN=Admins,OU=Groups\,DC\=corp,DC=example",
        "OU=Groups,CN=Admins,DC=corp,DC=example",
        "CN=Größe,OU=Other,DC=corp,DC=example",
    ] {
        compared(ADMINS, other, No);
    }
    for (one, other) in [
        ("cn=Lučić", "cn=Lučin"),
        ("cn=a+uid=b", "cn=b+uid=a"),
        ("cn=a+uid=b", "cn=a+sn=b"),
        ("1.2.3=a+1.2.4=a", "cn=a+uid=b"),
        (r"cn=\FF", r"cn=\FE"),
        (r"cn=\FF", "cn=a"),
        // Another order of RDNs is another place in the tree.
        ("ou=a,ou=b", "ou=b,ou=a"),
        ("x-team=a", "x-team=b"),
    ] {
        compared(one, other, No);
    }
}

#[test]
fn an_entry_is_below_its_bases() {
    let admins = dn(ADMINS);
    for (base, expected) in [
        (ADMINS, Yes),
        ("ou=groups,dc=corp,dc=example", Yes),
        ("dc=example", Yes),
        ("", Yes),
        ("ou=other,dc=corp,dc=example", No),
        ("ou=roups,dc=corp,dc=example", No),
        ("cn=a,CN=Admins,OU=Groups,DC=corp,DC=example", No),
        ("dc=corp", No),
    ] {
        assert_eq!(admins.is_below(&dn(base)), expected, "{base:?}");
    }
    let umlaut = dn("cn=Admins,ou=Größe,dc=example");
    assert_eq!(umlaut.is_below(&dn("ou=GRÖSSE,dc=example")), Maybe);
}

#[cfg(feature = "ldap")]
#[test]
fn the_first_value_is_unescaped() {
    for (text, value) in [
        ("cn=Engineers,ou=groups,dc=example", "Engineers"),
        ("CN=Domain Users,CN=Users,DC=corp", "Domain Users"),
        ("cn = Engineers , ou=groups", "Engineers"),
        ("cn=a+ou=b,dc=example", "a"),
        ("2.5.4.3=oid,dc=example", "oid"),
        (r"cn=Sales\, North,dc=example", "Sales, North"),
        (r"cn=Sales\2C North,dc=example", "Sales, North"),
        (r"cn=\#1,dc=example", "#1"),
        (r"cn=\ padded\ ,dc=example", " padded "),
        (r"cn=back\\slash,dc=example", r"back\slash"),
        (r"cn=Lu\C4\8Di\C4\87,dc=example", "Lučić"),
        ("cn=Lučić", "Lučić"),
        ("cn=a=b,dc=example", "a=b"),
    ] {
        assert_eq!(dn(text).first_value(), Some(value), "{text}");
    }
    for text in ["", "cn=", "cn=,dc=example", "cn=#04024869", r"cn=\ff,dc=a"] {
        assert_eq!(dn(text).first_value(), None, "{text}");
    }
}

#[test]
fn what_is_no_dn_says_why() {
    use DnError::{BadAttribute, BadEscape, BadHex, BadRdn, NoValue, TooLong, Unescaped};
    let long = format!("cn={}", "a".repeat(40_000));
    let wide = (0..17).map(|n| format!("x-{n}=a")).collect::<Vec<_>>();
    let wide = wide.join("+");
    for (text, error) in [
        ("Engineers", NoValue),
        ("cn=a,", NoValue),
        ("cn=a,garbage", NoValue),
        ("cn=a,,dc=b", BadAttribute),
        ("=Engineers", BadAttribute),
        ("c n=a,dc=example", BadAttribute),
        ("cn;lang-de=a", BadAttribute),
        ("<SID=S-1-5-32-544>", BadAttribute),
        (r"cn=a\", BadEscape),
        (r"cn=a\2", BadEscape),
        (r"cn=a\zz", BadEscape),
        (r"cn=a\č", BadEscape),
        ("cn=a;dc=example", Unescaped),
        ("cn=\"a\",dc=example", Unescaped),
        ("cn=a\0b", Unescaped),
        ("cn=#", BadHex),
        ("cn=#040", BadHex),
        ("cn=#zz", BadHex),
        ("cn=a+CN=b", BadRdn),
        (&wide, BadRdn),
        (&long, TooLong),
    ] {
        assert_eq!(text.parse::<Dn>().err(), Some(error), "{text:?}");
    }
}

/// Every DN with every byte replaced, and cut off at every place: none panics, and what is still a
/// DN is itself.
#[test]
fn mangled_texts_are_dns_or_none() {
    let seeds = [
        ADMINS,
        r"cn=Sales\2C \+North\ +uid=a,2.5.4.11=#04024869,dc=Lučić",
        r"cn = \#1\C4\8D ,ou=\FF, dc=a=b",
    ];
    let replacements: Vec<char> = (0..=127).map(char::from).chain(['č', '\u{202e}']).collect();
    let mut read = 0;
    for seed in seeds {
        for (place, old) in seed.char_indices() {
            let (before, after) = (&seed[..place], &seed[place + old.len_utf8()..]);
            let changed = replacements
                .iter()
                .map(|new| format!("{before}{new}{after}"));
            for text in changed.chain([before.to_owned(), after.to_owned()]) {
                if let Ok(dn) = text.parse::<Dn>() {
                    assert_eq!(dn.is(&dn), Yes, "{text:?}");
                    let seed: Dn = seed.parse().unwrap();
                    assert_eq!(dn.is(&seed), seed.is(&dn), "{text:?}");
                    assert_eq!(dn.as_str(), text);
                    read += 1;
                }
            }
        }
    }
    assert!(read > 5_000, "{read}");
}

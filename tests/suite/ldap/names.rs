//! Names that mean something in a filter or a DN, and names that LDAP takes for another's.

use http::StatusCode;
use tower_spnego::ldap::{LdapDirectoryBuilder, Scope};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{Directory, ErrorKind, Initiator};

use super::presets::{free_ipa, free_ipa_tree, openldap};
use super::{people, server, sign_in_as, site};
use crate::site::{Answer, SPN, Site};

const SIMILAR: [&str; 6] = [" alice", "alice ", "ａlice", "ⓐlice", "ALICE", "Alice"];

/// Each way of finding people by name.
fn ways(ldap: &TestLdap, ipa: &TestLdap) -> Vec<(&'static str, LdapDirectoryBuilder)> {
    let by_uid = "(uid={user})";
    let template = format!("uid={{user}},{}", ldap.people());
    vec![
        ("a search", people(ldap)),
        (
            "a search of one level",
            server(ldap).search_in(Scope::OneLevel, ldap.people(), by_uid),
        ),
        (
            "a search of one entry",
            server(ldap).search_in(Scope::Base, format!("uid=alice,{}", ldap.people()), by_uid),
        ),
        (
            "searches that overlap",
            people(ldap)
                .search(ldap.base(), by_uid)
                .search(ldap.base(), "(mail={user}@example.test)"),
        ),
        (
            "an OR",
            server(ldap).search(ldap.base(), "(|(uid={user})(mail={user}@example.test))"),
        ),
        ("a template", server(ldap).dn_template(&template)),
        (
            "a template beside a search",
            people(ldap).dn_template(&template),
        ),
        ("OpenLDAP", openldap(ldap)),
        ("FreeIPA", free_ipa(ipa)),
    ]
}

#[tokio::test]
async fn whom_ldap_takes_for_alice_is_alice_on_no_way_of_finding_her() {
    let realm = TestRealm::builder().start().expect("a KDC");
    realm.add_principals(SIMILAR).expect("added");
    let ldap = TestLdap::start().expect("a server");
    let ipa = TestLdap::start().expect("a server");
    free_ipa_tree(&ipa);
    for (way, directory) in ways(&ldap, &ipa) {
        let site = site(&realm, directory);
        for name in SIMILAR {
            let answer = sign_in_as(&site, &realm, name).await;
            // UserNotFound would say that this server does not show what the test is about; principals
            // are compared exactly there, a space in front aside.
            let kind = match way == "FreeIPA" && !name.starts_with(' ') {
                true => ErrorKind::UserNotFound,
                false => ErrorKind::UserDiffers,
            };
            assert_eq!(answer.kind(), Some(kind), "{way}, {name:?}: {answer:?}");
            answer.is_forbidden(kind);
        }
        assert_eq!(site.calls(), 0, "{way}");
        let answer = sign_in_as(&site, &realm, "alice").await;
        assert_eq!(answer.status, StatusCode::OK, "{way}: {answer:?}");
    }
}

/// Each as a principal's name, unescaped. A name with a control character, NUL among them, is no
/// principal's here.
const NAMES: [&str; 24] = [
    "o'neil",
    "smith, john",
    ",",
    "a+b",
    "uid=x",
    "quo\"te",
    "back\\slash",
    "trailing\\",
    "<tag>",
    "semi;colon",
    "#4711",
    "a#b",
    "star*",
    "(group)",
    "!bang",
    "a&b|c",
    "~>=<=",
    "\\2a",
    " leading",
    "trailing ",
    "in the middle",
    "Lučić",
    "Ωμέγα",
    "😀",
];

/// As MIT Kerberos reads a principal.
fn escaped(name: &str) -> String {
    name.replace('\\', r"\\")
}

/// MIT's KDC gives a name with a backslash no ticket for a service by way of the one for itself (it
/// holds the PAC's spelling against another).
async fn sign_in_by_name(site: &Site, realm: &TestRealm, name: &str) -> Answer {
    let cache = realm.ticket(&escaped(name)).only_for(SPN).get();
    let token = cache.expect("a ticket").token(SPN).expect("a token");
    site.browser().get_with("/who", &token).await
}

#[tokio::test]
async fn a_name_with_special_characters_finds_its_owner_and_nobody_else() {
    let realm = TestRealm::builder().start().expect("a KDC");
    realm.add_principals(NAMES.map(escaped)).expect("added");
    let ldap = TestLdap::start().expect("a server");
    for (number, name) in NAMES.into_iter().enumerate() {
        ldap.add_person(name, &format!("Person {number}"))
            .expect(name);
    }
    let template = || server(&ldap).dn_template(format!("uid={{user}},{}", ldap.people()));
    for (way, directory) in [
        ("a search", people(&ldap)),
        ("a template", template()),
        ("both", template().search(ldap.people(), "(uid={user})")),
        ("OpenLDAP", openldap(&ldap)),
    ] {
        let site = site(&realm, directory);
        for (number, name) in NAMES.into_iter().enumerate() {
            let answer = sign_in_by_name(&site, &realm, name).await;
            let expected = format!("Person {number} <> in ");
            assert_eq!(answer.body, expected, "{way}, {name:?}: {answer:?}");
        }
    }
}

/// Of the OWASP lists and others, with alice, bob and the service account as their targets.
const INJECTIONS: [&str; 66] = [
    "*",
    "**",
    "a*",
    "*a",
    "ali*",
    "*lice",
    "al*ce",
    "*)(uid=*",
    "*)(uid=alice",
    "*))(|(uid=*",
    "*)(|(uid=*",
    "*)(|(uid=alice)",
    "*)(&",
    "*))%00",
    "*()|%26'",
    "*()|&'",
    "*(|(mail=*))",
    "*(|(objectclass=*))",
    "*)(objectClass=*",
    "*)(objectClass=*))(&(objectClass=void",
    "*)((|userPassword=*)",
    "*|",
    "*/*",
    "(",
    ")",
    "()",
    ")(",
    "(uid=alice)",
    ")(uid=alice",
    "))(uid=alice",
    "x)(uid=alice",
    "x))(|(uid=alice",
    "x)(|(uid=alice)(uid=bob)",
    "alice)(&)",
    "alice)(uid=*))(|(uid=*",
    "alice))(|(uid=alice",
    "alice)(!(uid=x)",
    "alice)(userPassword=*",
    "alice)(|(cn=*)",
    "admin*)((|userpassword=*)",
    "|(uid=alice)",
    "&(uid=alice)",
    "!(uid=x)",
    "!(&(uid=x)",
    "uid=alice",
    "=*",
    ">=a",
    "<=z",
    "~=alice",
    ":caseIgnoreMatch:=alice",
    "alice:dn:=x",
    r"\2a",
    r"\2A",
    r"alice\",
    r"\61lice",
    r"\61\6c\69\63\65",
    r"alice\00",
    r"x\29\28uid=alice",
    "alice,ou=people,dc=example,dc=test",
    "x,ou=people,dc=example,dc=test",
    "x+uid=alice",
    "alice+cn=Alice Liddell",
    "alice;ou=people",
    "#05616c696365",
    "\"alice\"",
    "alice#",
];

#[tokio::test]
async fn an_injection_finds_nobody() {
    let ldap = TestLdap::start().expect("a server");
    let ipa = TestLdap::start().expect("a server");
    free_ipa_tree(&ipa);
    let conditions = "(&(|(objectClass=person)(uid=x))(uid={user})(!(cn=nobody)))";
    let with_conditions = server(&ldap).search(ldap.base(), conditions);
    let whole = server(&ldap).search(ldap.base(), "(mail={principal})");
    let mut all = ways(&ldap, &ipa);
    all.push(("conditions", with_conditions));
    all.push(("the principal", whole));
    for (way, directory) in all {
        let directory = directory.build().expect("a directory");
        for name in INJECTIONS {
            let principal = format!("{}@EXAMPLE.TEST", kerberos(name));
            let who = Initiator::new(principal.parse().expect(name));
            assert_eq!(who.name(), name);
            let error = directory.find(&who).await.expect_err(name);
            assert_eq!(
                error.kind(),
                ErrorKind::UserNotFound,
                "{way}, {name:?}: {error}"
            );
        }
        let alice = Initiator::new("alice@EXAMPLE.TEST".parse().expect("a principal"));
        let found = directory.find(&alice).await;
        assert!(found.is_ok() || way == "the principal", "{way}: {found:?}");
    }
    // What would end a filter early, in a server written in C.
    for name in ["alice\\0", "alice\0", "alice\n", "alice\\0)(uid=*"] {
        assert!(
            format!("{name}@EXAMPLE.TEST")
                .parse::<tower_spnego::Principal>()
                .is_err()
        );
    }
}

/// All that separates the parts of a principal is a part of the name.
fn kerberos(name: &str) -> String {
    name.chars()
        .flat_map(|c| {
            let escape = matches!(c, '/' | '@' | '\\').then_some('\\');
            escape.into_iter().chain([c])
        })
        .collect()
}

#[tokio::test]
async fn an_injection_with_a_ticket_of_its_own_signs_in_as_nobody() {
    let names = [
        "*",
        "*)(uid=alice",
        "alice)(&)",
        "x+uid=alice",
        r"\61lice",
        "(uid=alice)",
    ];
    let realm = TestRealm::builder().start().expect("a KDC");
    realm.add_principals(names.map(escaped)).expect("added");
    let ldap = TestLdap::start().expect("a server");
    let ipa = TestLdap::start().expect("a server");
    free_ipa_tree(&ipa);
    for (way, directory) in ways(&ldap, &ipa) {
        let site = site(&realm, directory);
        for name in names {
            let answer = sign_in_by_name(&site, &realm, name).await;
            let kind = ErrorKind::UserNotFound;
            assert_eq!(answer.kind(), Some(kind), "{way}, {name:?}: {answer:?}");
            answer.is_forbidden(kind);
        }
        assert_eq!(site.calls(), 0, "{way}");
    }
}

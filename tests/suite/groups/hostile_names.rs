//! Names with characters that mean something in a filter or a DN.

use tower_spnego::ldap::GroupSearch;
use tower_spnego::testing::TestLdap;

use super::{names, people};

const NAMES: [&str; 14] = [
    "a,b",
    "a+cn=b",
    "say \"hi\"",
    r"back\slash",
    r"\2C",
    "<angles>",
    "semi;colon",
    "#hash",
    "a=b",
    "*",
    "*)(cn=*",
    " leading",
    "Lučić, Řehoř 名",
    "\u{1f600})(|",
];

/// As it is for each of the characters that RFC 4514 escapes, every byte as `\xx`.
fn escaped(value: &str) -> String {
    value.bytes().map(|byte| format!("\\{byte:02x}")).collect()
}

fn base64(value: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(value)
}

#[tokio::test]
async fn whatever_a_person_and_the_groups_are_called_each_way_finds_those_groups_alone() {
    for (class, member, search) in super::classes() {
        let ldap = TestLdap::start().expect("a server");
        let base = format!("ou={class},{}", ldap.base());
        let mut ldif = format!("dn: {base}\nobjectClass: organizationalUnit\nou: {class}\n\n");
        for name in NAMES {
            let (rdn, encoded) = (escaped(name), base64(name));
            let person = format!("cn={rdn},{}", ldap.people());
            ldif.push_str(&format!(
                "dn: {person}\nobjectClass: inetOrgPerson\ncn:: {encoded}\nsn: x\nuid:: {encoded}\n\n\
                 dn: cn={rdn},{base}\nobjectClass: {class}\ncn:: {encoded}\n{member}: {person}\n\n\
                 dn: cn=over {rdn},{base}\nobjectClass: {class}\ncn:: {}\n\
                 {member}: cn={rdn},{base}\n\n",
                base64(&format!("over {name}")),
            ));
        }
        ldap.ldif(&ldif).expect("added");
        let by_member = || {
            people(&ldap, &ldap.url())
                .groups(search.clone())
                .group_base(&base)
                .nested_groups()
        };
        let by_member_of = || people(&ldap, &ldap.url()).nested_groups();
        for name in NAMES {
            let expected = [name.to_owned(), format!("over {name}")];
            let mut found = vec![names(by_member(), name).await];
            if member == "member" {
                found.push(names(by_member_of(), name).await);
                let looked_up = by_member_of().group_name_attribute("cn");
                found.push(names(looked_up, name).await);
            }
            for mut own in found {
                own.sort_by_key(|name| name.starts_with("over "));
                assert_eq!(own, expected, "{search:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_nul_in_a_groups_name_is_a_character_like_any_other() {
    let ldap = TestLdap::start().expect("a server");
    let base = ldap.groups();
    let name = "a\0b";
    let group = format!("cn={},{base}", escaped(name));
    ldap.ldif(&format!(
        "dn: {group}\nobjectClass: groupOfNames\ncn:: {}\nmember: uid=bob,{}\n\n\
         dn: cn=over,{base}\nobjectClass: groupOfNames\ncn: over\nmember: {group}\n\n\
         dn: cn=a,{base}\nobjectClass: groupOfNames\ncn: a\nmember: cn=nobody\n\n\
         dn: cn=others,{base}\nobjectClass: groupOfNames\ncn: others\nmember: cn=a,{base}\n",
        base64(name),
        ldap.people()
    ))
    .expect("added");
    let directory = || people(&ldap, &ldap.url()).nested_groups();
    let by_member = directory()
        .groups(GroupSearch::GroupOfNames)
        .group_base(&base);
    for asking in [directory(), by_member] {
        assert_eq!(names(asking, "bob").await, ["Staff", name, "over"]);
    }
}

#[tokio::test]
async fn a_name_in_a_filter_of_posix_groups_finds_its_own_alone() {
    let ldap = TestLdap::start().expect("a server");
    let base = ldap.groups();
    // What this attribute can hold.
    let ascii = NAMES.iter().filter(|name| name.is_ascii());
    for (number, name) in ascii.clone().enumerate() {
        ldap.add_person(name, "x").expect("added");
        ldap.ldif(&format!(
            "dn: cn={},{base}\nobjectClass: posixGroup\ncn:: {}\ngidNumber: {number}\n\
             memberUid:: {}\n",
            escaped(name),
            base64(name),
            base64(name),
        ))
        .expect("added");
    }
    for name in ascii {
        let directory = people(&ldap, &ldap.url())
            .groups(GroupSearch::PosixGroup)
            .group_base(&base);
        assert_eq!(names(directory, name).await, [*name]);
    }
}

//! Groups of POSIX accounts.

use tower_spnego::ldap::{GroupSearch, LdapDirectory};
use tower_spnego::testing::TestLdap;

use super::{names, people, refusal};

/// A server with such groups; a number of 100 is that of `users`.
fn server() -> TestLdap {
    let ldap = TestLdap::start().expect("a server");
    for (name, number, members) in [
        ("users", 100, &[][..]),
        ("wheel", 10, &["alice"]),
        ("video", 44, &["bob", "alice"]),
        ("audio", 63, &["bob"]),
        ("capitals", 70, &["ALICE"]),
    ] {
        add(
            &ldap,
            name,
            number,
            members.iter().map(|name| (*name).to_owned()),
        );
    }
    ldap
}

pub(super) fn add(ldap: &TestLdap, name: &str, number: u32, members: impl Iterator<Item = String>) {
    let dn = format!("cn={name},{}", ldap.groups());
    let members: String = members.map(|name| format!("memberUid: {name}\n")).collect();
    ldap.ldif(&format!(
        "dn: {dn}\nobjectClass: posixGroup\ncn: {name}\ngidNumber: {number}\n{members}"
    ))
    .expect("added");
}

fn make_account(ldap: &TestLdap, uid: &str, number: u32) {
    let dn = format!("uid={uid},{}", ldap.people());
    ldap.ldif(&format!(
        "dn: {dn}\nchangetype: modify\nadd: objectClass\nobjectClass: posixAccount\n\
         -\nadd: uidNumber\nuidNumber: 1000\n-\nadd: gidNumber\ngidNumber: {number}\n\
         -\nadd: homeDirectory\nhomeDirectory: /home/{uid}\n"
    ))
    .expect("changed");
}

fn directory(ldap: &TestLdap) -> tower_spnego::ldap::LdapDirectoryBuilder {
    people(ldap, &ldap.url())
        .groups(GroupSearch::PosixGroup)
        .group_base(ldap.groups())
}

#[tokio::test]
async fn an_account_is_in_groups_by_its_name_and_by_its_number() {
    let ldap = server();
    assert_eq!(names(directory(&ldap), "alice").await, ["video", "wheel"]);
    make_account(&ldap, "alice", 100);
    let all = ["users", "video", "wheel"];
    assert_eq!(names(directory(&ldap), "alice").await, all);
    make_account(&ldap, "bob", 63);
    assert_eq!(names(directory(&ldap), "bob").await, ["audio", "video"]);
}

/// LDAP drops spaces around names (RFC 4518), and a realm can hold this person beside alice.
#[tokio::test]
async fn whom_ldap_takes_for_alice_is_in_none_of_her_groups() {
    let ldap = server();
    let other = format!("ou=other,{}", ldap.people());
    ldap.ldif(&format!(
        "dn: {other}\nobjectClass: organizationalUnit\nou: other\n\n\
         dn: cn=another,{other}\nobjectClass: inetOrgPerson\ncn: another\nsn: another\n\
         uid:: IGFsaWNl\n"
    ))
    .expect("added");
    let alice = LdapDirectory::builder(ldap.url())
        .bind_simple(ldap.service_dn(), ldap.service_password())
        .search(&other, "(uid={user})")
        .groups(GroupSearch::PosixGroup)
        .group_base(ldap.groups());
    assert_eq!(names(alice, " alice").await, [""; 0]);
}

#[tokio::test]
async fn a_person_with_two_names_is_in_the_groups_of_the_one_that_signed_in() {
    let ldap = server();
    ldap.ldif(&format!(
        "dn: uid=alice,{}\nchangetype: modify\nadd: uid\nuid: bob2\n",
        ldap.people()
    ))
    .expect("changed");
    add(&ldap, "seconds", 80, ["bob2".to_owned()].into_iter());
    assert_eq!(names(directory(&ldap), "alice").await, ["video", "wheel"]);
    assert_eq!(names(directory(&ldap), "bob2").await, ["seconds"]);
    let by_mail = directory(&ldap).search(ldap.people(), "(mail={user})");
    let refused = refusal(by_mail, "alice@example.test").await;
    assert!(refused.contains("2 values of uid"), "{refused}");
}

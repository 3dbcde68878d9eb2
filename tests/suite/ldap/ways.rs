//! The ways to a person's entry, and what is read of it.

use std::collections::BTreeSet;

use http::StatusCode;
use tower_spnego::ldap::{LdapDirectoryBuilder, Scope};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{Directory, DirectoryError, ErrorKind, Initiator, User};

use super::{people, server, sign_in_as, site};

/// With `ou=staff` and `ou=guests` below `ou=people`.
fn ldap() -> TestLdap {
    let ldap = TestLdap::start().expect("a server");
    for ou in ["staff", "guests"] {
        let people = ldap.people();
        ldap.ldif(&format!(
            "dn: ou={ou},{people}\nobjectClass: organizationalUnit\nou: {ou}\n"
        ))
        .expect("added");
    }
    ldap
}

fn add(ldap: &TestLdap, ou: &str, uid: &str, further: &str) {
    let people = ldap.people();
    ldap.ldif(&format!(
        "dn: uid={uid},ou={ou},{people}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid} of {ou}\n\
         sn: {uid}\n{further}"
    ))
    .expect("added");
}

/// The name in the ticket of `EXAMPLE.TEST`, and who is found by it.
async fn find(directory: LdapDirectoryBuilder, name: &str) -> Result<User, DirectoryError> {
    let directory = directory.build().expect("a directory");
    let principal = format!("{name}@EXAMPLE.TEST");
    let who = Initiator::new(principal.parse().expect("a principal"));
    directory.find(&who).await
}

async fn refusal(directory: LdapDirectoryBuilder, name: &str) -> (ErrorKind, String) {
    let error = find(directory, name).await.expect_err("nobody");
    (error.kind(), error.to_string())
}

#[tokio::test]
async fn all_searches_are_made_and_exactly_one_entry_of_them_all_counts() {
    let ldap = ldap();
    add(&ldap, "staff", "carol", "");
    add(&ldap, "guests", "dora", "");
    for ou in ["staff", "guests"] {
        add(&ldap, ou, "eve", "");
    }
    let below = |ou: &str| format!("ou={ou},{}", ldap.people());
    let both = || {
        let staff = server(&ldap).search(below("staff"), "(uid={user})");
        staff.search(below("guests"), "(uid={user})")
    };
    let name = async |name: &str| {
        let user = find(both(), name).await.expect(name);
        user.display_name().to_owned()
    };
    assert_eq!(name("carol").await, "carol of staff");
    assert_eq!(name("dora").await, "dora of guests");
    let (kind, text) = refusal(both(), "eve").await;
    assert_eq!(kind, ErrorKind::UserAmbiguous);
    for ou in ["staff", "guests"] {
        assert!(text.contains(&format!("uid=eve,{}", below(ou))), "{text}");
    }
    let (kind, text) = refusal(both(), "alice").await;
    assert_eq!(kind, ErrorKind::UserNotFound);
    assert!(
        text.contains(&below("staff")) && text.contains(&below("guests")),
        "{text}"
    );
    // What two searches find that overlap is one entry.
    let overlapping = people(&ldap).search(ldap.base(), "(cn={user} of staff)");
    let user = find(overlapping, "carol").await.expect("found");
    assert_eq!(user.display_name(), "carol of staff");
}

#[tokio::test]
async fn one_search_finds_somebody_exactly_and_another_somebody_similar_and_nobody_gets_in() {
    let ldap = ldap();
    add(&ldap, "guests", "carol", "mail: DORA@example.test\n");
    let by_either = || {
        let by_name = server(&ldap).search(ldap.base(), "(uid={user})");
        by_name.search(ldap.base(), "(mail={user}@example.test)")
    };
    let (kind, text) = refusal(by_either(), "dora").await;
    assert_eq!(kind, ErrorKind::UserDiffers, "{text}");
    add(&ldap, "staff", "dora", "");
    let (kind, text) = refusal(by_either(), "dora").await;
    assert_eq!(kind, ErrorKind::UserAmbiguous, "{text}");
    // The one by which the entry has the very name is enough.
    add(&ldap, "staff", "fred", "mail: FRED@example.test\n");
    assert!(find(by_either(), "fred").await.is_ok());
}

#[tokio::test]
async fn a_base_that_does_not_exist_is_a_mistake_of_the_set_up_whoever_else_is_found() {
    let ldap = ldap();
    let missing = format!("ou=missing,{}", ldap.base());
    for name in ["alice", "nobody"] {
        let first = server(&ldap).search(&missing, "(uid={user})");
        let first = first.search(ldap.people(), "(uid={user})");
        for directory in [first, people(&ldap).search(&missing, "(uid={user})")] {
            let (kind, text) = refusal(directory, name).await;
            assert_eq!(kind, ErrorKind::DirectoryMisconfigured, "{text}");
            assert!(text.contains(&missing), "{text}");
        }
    }
}

#[tokio::test]
async fn a_search_goes_as_far_as_its_scope() {
    use Scope::{Base, OneLevel, Subtree};
    let ldap = ldap();
    add(&ldap, "staff", "carol", "");
    let staff = format!("ou=staff,{}", ldap.people());
    let carol = format!("uid=carol,{staff}");
    for (base, found_in) in [
        (ldap.people(), &[Subtree][..]),
        (staff, &[Subtree, OneLevel]),
        (carol, &[Subtree, Base]),
    ] {
        for scope in [Subtree, OneLevel, Base] {
            let directory = server(&ldap).search_in(scope, &base, "(uid={user})");
            let found = find(directory, "carol").await.map_err(|error| error.kind());
            match found_in.contains(&scope) {
                true => assert!(found.is_ok(), "{scope:?} {base}: {found:?}"),
                false => assert_eq!(
                    found.err(),
                    Some(ErrorKind::UserNotFound),
                    "{scope:?} {base}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn a_template_reads_the_entry_with_no_search() {
    let ldap = ldap();
    add(&ldap, "staff", "carol", "");
    // As a searching account would see them, too.
    let template = |parent: &str| server(&ldap).dn_template(format!("uid={{user}},{parent}"));
    let user = find(template(&ldap.people()), "alice")
        .await
        .expect("found");
    assert_eq!(user.display_name(), "Alice Liddell");
    let (kind, text) = refusal(template(&ldap.people()), "carol").await;
    assert_eq!(kind, ErrorKind::UserNotFound);
    assert!(
        text.contains(&format!("uid=carol,{}", ldap.people())),
        "{text}"
    );
    let missing = format!("ou=missing,{}", ldap.base());
    let (kind, text) = refusal(template(&missing), "alice").await;
    assert_eq!(kind, ErrorKind::DirectoryMisconfigured);
    assert!(text.contains(".dn_template(..)"), "{text}");
    // Beside a search it is one more.
    let staff = format!("ou=staff,{}", ldap.people());
    for name in ["alice", "carol"] {
        let both = template(&ldap.people()).search(&staff, "(uid={user})");
        assert!(find(both, name).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn who_moved_to_another_unit_is_found_again_and_is_the_same() {
    let realm = TestRealm::builder()
        .principals(["alice"])
        .start()
        .expect("a KDC");
    let ldap = ldap();
    let site = site(&realm, people(&ldap));
    let mut browser = site.signed_in(&realm, "alice").await;
    let before = find(people(&ldap), "alice").await.expect("found");
    browser.get("/cart/add/pear").await;
    let people_at = ldap.people();
    ldap.ldif(&format!(
        "dn: uid=alice,{people_at}\nchangetype: modrdn\nnewrdn: uid=alice\ndeleteoldrdn: 0\n\
         newsuperior: ou=staff,{people_at}\n"
    ))
    .expect("moved");
    let after = find(people(&ldap), "alice").await.expect("found");
    assert_eq!(before.id(), after.id());
    assert_ne!(before.dn(), after.dn());
    let token = crate::site::token(&realm, "alice");
    let answer = browser.get_with("/cart", &token).await;
    assert_eq!(answer.body, "pear");
    let answer = sign_in_as(&site, &realm, "alice").await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn wildcards_load_all_that_the_account_may_read_but_secrets() {
    let ldap = ldap();
    let alice = format!("uid=alice,{}", ldap.people());
    ldap.ldif(&format!(
        "dn: {alice}\nchangetype: modify\nadd: objectClass\nobjectClass: testAccount\n-\n\
         add: krbPrincipalKey\nkrbPrincipalKey: not for a session\n"
    ))
    .expect("changed");
    let loaded = async |names: &[&str]| -> BTreeSet<String> {
        let directory = people(&ldap).attributes(names.iter().copied());
        let user = find(directory, "alice").await.expect("found");
        user.attributes().map(|(name, _)| name.to_owned()).collect()
    };
    let user_attributes = ["title", "givenName", "manager", "objectClass"];
    let operational = ["createTimestamp", "entryDN", "structuralObjectClass"];
    let all = loaded(&["*"]).await;
    assert!(
        user_attributes.iter().all(|name| all.contains(*name)),
        "{all:?}"
    );
    assert!(
        !operational.iter().any(|name| all.contains(*name)),
        "{all:?}"
    );
    let all = loaded(&["*", "+"]).await;
    let mut expected = user_attributes.iter().chain(&operational);
    assert!(expected.all(|name| all.contains(*name)), "{all:?}");
    assert!(!all.contains("krbPrincipalKey"), "{all:?}");
    assert_eq!(loaded(&["title"]).await, ["title".to_owned()].into());
}

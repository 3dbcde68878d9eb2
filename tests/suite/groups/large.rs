//! More groups, and more members, than a server gives at once.

use tower_spnego::ldap::GroupSearch;
use tower_spnego::testing::TestLdap;

use super::posix;
use super::{names, people, refusal};
use crate::limiting_proxy::LimitingProxy;

/// This many names, alice's the last but one.
fn crowd(count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |place| match place {
        _ if place == count - 1 => "alice".to_owned(),
        _ => format!("person-{place}"),
    })
}

#[tokio::test]
async fn the_last_but_one_of_1600_members_is_a_member() {
    let ldap = TestLdap::start().expect("a server");
    let proxy = LimitingProxy::before_slapd(&ldap).await;
    ldap.add_group("crowd", crowd(1_600)).expect("added");
    let unique: String = crowd(1_600)
        .map(|name| format!("uniqueMember: uid={name},{}\n", ldap.people()))
        .collect();
    let groups = ldap.groups();
    ldap.ldif(&format!(
        "dn: cn=unique crowd,{groups}\nobjectClass: groupOfUniqueNames\ncn: unique crowd\n{unique}"
    ))
    .expect("added");
    posix::add(&ldap, "posix crowd", 100, crowd(1_600));
    for (search, expected) in [
        (
            GroupSearch::GroupOfNames,
            &["Engineers", "Staff", "crowd"][..],
        ),
        (GroupSearch::GroupOfUniqueNames, &["unique crowd"]),
        (GroupSearch::PosixGroup, &["posix crowd"]),
        (
            GroupSearch::Member("uniqueMember".into()),
            &["unique crowd"],
        ),
        (GroupSearch::MemberOf, &["Engineers", "Staff", "crowd"]),
    ] {
        for url in [ldap.url(), proxy.url()] {
            let directory = people(&ldap, &url)
                .groups(search.clone())
                .group_base(&groups);
            assert_eq!(names(directory, "alice").await, expected, "{search:?}");
        }
    }
    // Those whose members are read are read to the end.
    let mut searches = proxy.take_searches().into_iter();
    let is_rest = |own: &String| own == "memberUid;range=1499-*";
    assert!(searches.any(|search| search.attributes.iter().any(is_rest)));
}

#[tokio::test]
async fn all_of_1600_groups_are_found_each_way_through_the_limits() {
    const COUNT: usize = 1_600;
    let ldap = TestLdap::start().expect("a server");
    let proxy = LimitingProxy::before_slapd(&ldap).await;
    let base = format!("ou=many,{}", ldap.base());
    let (bob, people_dn) = ("bob", ldap.people());
    let mut ldif = format!("dn: {base}\nobjectClass: organizationalUnit\nou: many\n\n");
    for number in 0..COUNT {
        let member = format!("uid={bob},{people_dn}");
        ldif.push_str(&format!(
            "dn: cn=group-{number},{base}\nobjectClass: groupOfNames\ncn: group-{number}\n\
             member: {member}\n\n\
             dn: cn=posix-{number},{base}\nobjectClass: posixGroup\ncn: posix-{number}\n\
             gidNumber: {number}\nmemberUid: {bob}\n\n"
        ));
    }
    // And one over all of them.
    ldif.push_str(&format!(
        "dn: cn=over,{base}\nobjectClass: groupOfNames\ncn: over\n"
    ));
    for number in 0..COUNT {
        ldif.push_str(&format!("member: cn=group-{number},{base}\n"));
    }
    ldap.ldif(&ldif).expect("added");
    proxy.take_searches();
    for (search, nested, expected) in [
        // Beside Staff.
        (GroupSearch::MemberOf, false, COUNT + 1),
        (GroupSearch::MemberOf, true, COUNT + 2),
        (GroupSearch::GroupOfNames, false, COUNT),
        (GroupSearch::GroupOfNames, true, COUNT + 1),
        (GroupSearch::Member("member".into()), true, COUNT + 1),
        (GroupSearch::PosixGroup, false, COUNT),
    ] {
        for url in [ldap.url(), proxy.url()] {
            let mut directory = people(&ldap, &url).groups(search.clone()).group_base(&base);
            if nested {
                directory = directory.nested_groups();
            }
            let found = names(directory, bob).await;
            assert_eq!(found.len(), expected, "{search:?} {nested}");
        }
        let searches = proxy.take_searches().len();
        let most = match (&search, nested) {
            // The person, and the rest of memberOf.
            (GroupSearch::MemberOf, false) => 2,
            (GroupSearch::MemberOf, true) => 2 + COUNT + 2,
            // The person, four pages; a search for each hundred.
            (_, false) => 1 + 4,
            (_, true) => 1 + 4 + COUNT / 100 + 1,
        };
        assert!(searches <= most, "{searches} searches, {search:?} {nested}");
    }
    let few = || people(&ldap, &proxy.url()).group_size_limit(1_599);
    let by_member = few().groups(GroupSearch::GroupOfNames).group_base(&base);
    for refused in [refusal(few(), bob).await, refusal(by_member, bob).await] {
        assert!(refused.contains(".group_size_limit(..)"), "{refused}");
    }
}

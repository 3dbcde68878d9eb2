//! The ways to a person's groups, on a real LDAP server.

use std::time::Duration;

use tower_spnego::ldap::{GroupSearch, LdapDirectory, LdapDirectoryBuilder, Scope};
use tower_spnego::testing::TestLdap;
use tower_spnego::{Directory, DirectoryError, ErrorKind, Group, Initiator, Principal};

mod hostile_names;
mod large;
mod posix;

/// Four times what people wait unless said otherwise, for a machine on which much else is done.
pub const LONG_ENOUGH: Duration = Duration::from_secs(20);

/// People of `ldap`, asked at `url`.
fn people(ldap: &TestLdap, url: &str) -> LdapDirectoryBuilder {
    LdapDirectory::builder(url)
        .bind_simple(ldap.service_dn(), ldap.service_password())
        .search(ldap.people(), "(uid={user})")
        .timeout(LONG_ENOUGH)
}

/// The groups of whom the KDC calls so.
pub async fn find(
    directory: LdapDirectoryBuilder,
    name: &str,
    realm: &str,
) -> Result<Vec<Group>, DirectoryError> {
    let mut principal = String::new();
    for character in name.chars() {
        if matches!(character, '\\' | '/' | '@') {
            principal.push('\\');
        }
        principal.push(character);
    }
    let principal: Principal = format!("{principal}@{realm}").parse().expect("a principal");
    let directory = directory.build().expect("a directory");
    let user = directory.find(&Initiator::new(principal)).await?;
    Ok(user.groups().cloned().collect())
}

/// The names of this person's groups, sorted.
async fn names(directory: LdapDirectoryBuilder, name: &str) -> Vec<String> {
    let groups = find(directory, name, "EXAMPLE.TEST").await;
    let groups = groups.expect("groups");
    let mut names: Vec<_> = groups.iter().map(|group| group.name().to_owned()).collect();
    names.sort_unstable();
    names
}

async fn refusal(directory: LdapDirectoryBuilder, name: &str) -> String {
    let refused = find(directory, name, "EXAMPLE.TEST").await;
    let refused = refused.expect_err("refused");
    assert_eq!(
        refused.kind(),
        ErrorKind::DirectoryMisconfigured,
        "{refused}"
    );
    refused.to_string()
}

/// Groups of this class in an organizational unit of their own, and its DN: alice is in Engineers,
/// which is in Staff, which is in Everybody, which is in Staff.
fn circle(ldap: &TestLdap, class: &str, member: &str) -> String {
    let base = format!("ou={class},{}", ldap.base());
    let group = |name: &str, member_dn: &str| {
        format!("dn: cn={name},{base}\nobjectClass: {class}\ncn: {name}\n{member}: {member_dn}\n\n")
    };
    let unit = format!("dn: {base}\nobjectClass: organizationalUnit\nou: {class}\n\n");
    let people = ldap.people();
    let entries = [
        unit,
        group("Engineers", &format!("uid=alice,{people}")),
        group("Staff", &format!("cn=Engineers,{base}")),
        group("Everybody", &format!("cn=Staff,{base}")),
        group("Strangers", &format!("uid=bob,{people}")),
    ];
    ldap.ldif(&entries.concat()).expect("added");
    ldap.ldif(&format!(
        "dn: cn=Staff,{base}\nchangetype: modify\nadd: {member}\n{member}: cn=Everybody,{base}\n"
    ))
    .expect("a circle");
    base
}

/// Each class of groups that can hold groups, with how it is searched.
fn classes() -> [(&'static str, &'static str, GroupSearch); 4] {
    let any = GroupSearch::Member("member".into());
    [
        ("groupOfNames", "member", GroupSearch::GroupOfNames),
        (
            "groupOfUniqueNames",
            "uniqueMember",
            GroupSearch::GroupOfUniqueNames,
        ),
        (
            "organizationalRole",
            "roleOccupant",
            GroupSearch::OrganizationalRole,
        ),
        ("groupOfNames", "member", any),
    ]
}

#[tokio::test]
async fn who_is_in_a_group_is_in_those_over_it_and_a_circle_ends() {
    for (class, member, search) in classes() {
        let ldap = TestLdap::start().expect("a server");
        let base = circle(&ldap, class, member);
        let directory = || {
            people(&ldap, &ldap.url())
                .groups(search.clone())
                .group_base(&base)
        };
        let nested = names(directory().nested_groups(), "alice").await;
        assert_eq!(nested, ["Engineers", "Everybody", "Staff"], "{search:?}");
        assert_eq!(names(directory(), "alice").await, ["Engineers"]);
        ldap.ldif(&format!(
            "dn: uid=alice,{}\nchangetype: modrdn\nnewrdn: uid=liddell\ndeleteoldrdn: 0\n",
            ldap.people()
        ))
        .expect("renamed");
        assert_eq!(names(directory(), "liddell").await, ["Engineers"]);
        let deep = directory().nested_groups().group_depth_limit(3);
        assert_eq!(names(deep, "alice").await.len(), 3);
        let shallow = directory().nested_groups().group_depth_limit(2);
        let refused = refusal(shallow, "alice").await;
        assert!(refused.contains("cn=Everybody,ou="), "{refused}");
        assert!(refused.contains(".group_depth_limit(..)"), "{refused}");
        let few = directory().nested_groups().group_size_limit(2);
        let refused = refusal(few, "alice").await;
        assert!(refused.contains(".group_size_limit(..)"), "{refused}");
    }
}

#[tokio::test]
async fn member_of_is_followed_from_group_to_group() {
    let ldap = TestLdap::start().expect("a server");
    circle(&ldap, "groupOfNames", "member");
    // Beside Engineers and Staff of the other unit.
    let own = ["Engineers", "Engineers", "Staff"];
    let nested = ["Engineers", "Engineers", "Everybody", "Staff", "Staff"];
    let directory = || people(&ldap, &ldap.url());
    assert_eq!(names(directory(), "alice").await, own);
    assert_eq!(names(directory().nested_groups(), "alice").await, nested);
    let shallow = directory().nested_groups().group_depth_limit(2);
    let refused = refusal(shallow, "alice").await;
    assert!(refused.contains(".group_depth_limit(..)"), "{refused}");
    let few = directory().group_size_limit(2);
    let refused = refusal(few, "alice").await;
    assert!(refused.contains(".group_size_limit(..)"), "{refused}");
}

#[tokio::test]
async fn a_group_has_the_name_that_was_asked_for() {
    let ldap = TestLdap::start().expect("a server");
    let groups = ldap.groups();
    for (name, description) in [
        ("Engineers", "those who build"),
        ("Staff", "S-1-5-21-1-2-3-512"),
    ] {
        ldap.ldif(&format!(
            "dn: cn={name},{groups}\nchangetype: modify\nadd: description\n\
             description: {description}\n"
        ))
        .expect("described");
    }
    let directory = || people(&ldap, &ldap.url()).group_name_attribute("description");
    // No name is taken for a SID.
    let named = [&format!("cn=Staff,{groups}"), "those who build"];
    assert_eq!(names(directory(), "alice").await, named);
    let by_member = directory()
        .groups(GroupSearch::GroupOfNames)
        .group_base(&groups);
    assert_eq!(names(by_member, "alice").await, named);
    ldap.add_group("Nameless", ["alice"]).expect("added");
    let refused = refusal(directory(), "alice").await;
    assert!(refused.contains("description of cn=Nameless"), "{refused}");
}

#[tokio::test]
async fn a_group_that_is_named_and_hidden_is_not_left_out() {
    let ldap = TestLdap::start().expect("a server");
    let dn = format!("cn=gone,{}", ldap.groups());
    ldap.ldif(&format!(
        "dn: uid=alice,{}\nchangetype: modify\nadd: seeAlso\nseeAlso: {dn}\n",
        ldap.people()
    ))
    .expect("changed");
    let directory = || people(&ldap, &ldap.url()).group_attribute("seeAlso");
    assert_eq!(names(directory(), "alice").await, ["gone"]);
    for asking in [
        directory().nested_groups(),
        directory().group_name_attribute("description"),
    ] {
        let refused = refusal(asking, "alice").await;
        assert!(refused.contains(&dn), "{refused}");
        assert!(refused.contains("the right to read it"), "{refused}");
    }
}

#[tokio::test]
async fn groups_are_searched_below_each_base_as_far_as_the_scope_goes() {
    let ldap = TestLdap::start().expect("a server");
    let inner = format!("ou=inner,{}", ldap.groups());
    let alice = format!("uid=alice,{}", ldap.people());
    ldap.ldif(&format!(
        "dn: {inner}\nobjectClass: organizationalUnit\nou: inner\n\n\
         dn: cn=Deep,{inner}\nobjectClass: groupOfNames\ncn: Deep\nmember: {alice}\n"
    ))
    .expect("added");
    let directory = || people(&ldap, &ldap.url()).groups(GroupSearch::GroupOfNames);
    let all = ["Deep", "Engineers", "Staff"];
    let whole = directory().group_base(ldap.groups());
    assert_eq!(names(whole, "alice").await, all);
    let one_level = || {
        directory()
            .group_base(ldap.groups())
            .group_scope(Scope::OneLevel)
    };
    assert_eq!(names(one_level(), "alice").await, all[1..]);
    assert_eq!(names(one_level().group_base(&inner), "alice").await, all);
    let twice = directory().group_base(&inner).group_base(ldap.groups());
    assert_eq!(names(twice, "alice").await, all);
    let nowhere = one_level().group_base(format!("ou=nowhere,{}", ldap.base()));
    let refused = refusal(nowhere, "alice").await;
    assert!(refused.contains("correct .group_base(..)"), "{refused}");
}

#[tokio::test]
async fn what_only_active_directory_can_do_is_refused_by_others() {
    let ldap = TestLdap::start().expect("a server");
    for search in [GroupSearch::InChain, GroupSearch::TokenGroups] {
        let directory = people(&ldap, &ldap.url()).groups(search.clone());
        let refused = refusal(directory, "alice").await;
        let expected = match search {
            GroupSearch::InChain => "does not say that it is Active Directory",
            _ => "no value of objectSid",
        };
        assert!(refused.contains(expected), "{refused}");
    }
    let by_ticket = people(&ldap, &ldap.url()).groups(GroupSearch::Ticket);
    let refused = find(by_ticket, "alice", "EXAMPLE.TEST").await;
    assert_eq!(
        refused.map_err(|error| error.kind()),
        Err(ErrorKind::PacMissing)
    );
}

#[tokio::test]
async fn who_had_a_dn_before_is_another_unique_member() {
    let ldap = TestLdap::start().expect("a server");
    let base = circle(&ldap, "groupOfUniqueNames", "uniqueMember");
    let alice = format!("uid=alice,{}", ldap.people());
    let former = format!("uniqueMember: {alice}#'0101'B\n");
    ldap.ldif(&format!(
        "dn: cn=Former,{base}\nobjectClass: groupOfUniqueNames\ncn: Former\n{former}"
    ))
    .expect("added");
    let directory = || {
        people(&ldap, &ldap.url())
            .groups(GroupSearch::GroupOfUniqueNames)
            .group_base(&base)
    };
    assert_eq!(names(directory(), "alice").await, ["Engineers"]);
    ldap.ldif(&format!(
        "dn: cn=Former,{base}\nchangetype: modify\nadd: uniqueMember\nuniqueMember: {alice}\n"
    ))
    .expect("changed");
    assert_eq!(names(directory(), "alice").await, ["Engineers", "Former"]);
}

#[tokio::test]
async fn a_name_counts_below_the_group_bases_alone() {
    let ldap = TestLdap::start().expect("a server");
    let base = circle(&ldap, "groupOfNames", "member");
    let count = async |directory: LdapDirectoryBuilder| {
        let groups = find(directory, "alice", "EXAMPLE.TEST").await;
        let groups = groups.expect("groups");
        let counted = groups.iter().filter(|group| group.name_counts());
        (groups.len(), counted.count())
    };
    let directory = || people(&ldap, &ldap.url());
    // Engineers and Staff are there, and Engineers in the other unit.
    assert_eq!(count(directory()).await, (3, 3));
    assert_eq!(count(directory().group_base(&base)).await, (3, 1));
    assert_eq!(count(directory().group_base(ldap.groups())).await, (3, 2));
    let by_member = directory().groups(GroupSearch::GroupOfNames);
    let elsewhere = by_member.group_base(ldap.groups());
    assert_eq!(count(elsewhere).await, (2, 2));
}

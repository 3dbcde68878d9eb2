//! The ways to a person's groups in a domain.

use std::io;

use tower_spnego::ldap::{GroupSearch, LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::{GroupScope, TestActiveDirectory};
use tower_spnego::{Directory, ErrorKind, Group, Initiator};

use super::domain;
use super::groups::sign_in;
use super::ldap::people;
use crate::groups::LONG_ENOUGH;
use crate::limiting_proxy::LimitingProxy;

/// Each way, and whether it follows groups into groups.
fn ways() -> Vec<(GroupSearch, bool)> {
    let member = GroupSearch::Member("member".into());
    vec![
        (GroupSearch::TokenGroups, true),
        (GroupSearch::Ticket, true),
        (GroupSearch::InChain, true),
        (GroupSearch::MemberOf, true),
        (member.clone(), true),
        (GroupSearch::MemberOf, false),
        (member, false),
    ]
}

fn by(search: &GroupSearch, is_nested: bool, directory: LdapDirectoryBuilder) -> LdapDirectory {
    let directory = directory.timeout(LONG_ENOUGH).groups(search.clone());
    let directory = match is_nested {
        true => directory.nested_groups(),
        false => directory,
    };
    directory.build().expect("a directory")
}

/// The groups of the domain, without the domain controller's own (BUILTIN), which are no entries of
/// this domain's kind, and what the KDC says of itself.
async fn groups(directory: &LdapDirectory, who: &Initiator) -> Vec<Group> {
    let user = directory.find(who).await.expect("found");
    let mut groups: Vec<_> = user.groups().cloned().collect();
    groups.retain(|group| {
        let sid = group.sid().expect("each has one").to_string();
        sid.starts_with("S-1-5-21-") || group.name() != sid
    });
    groups.sort_by_key(|group| group.name().to_owned());
    groups
}

fn names(groups: &[Group]) -> Vec<&str> {
    groups.iter().map(Group::name).collect()
}

#[tokio::test]
async fn who_is_in_a_group_is_in_those_over_it_by_each_way_that_says_so() -> io::Result<()> {
    let test = "active_directory::nested::who_is_in_a_group_is_in_those_over_it_by_each_way";
    let Some(ad) = domain(test) else {
        return Ok(());
    };
    // Universal, for those can hold each other.
    for (group, member) in [
        ("Engineers", "alice"),
        ("Staff", "Engineers"),
        ("Everybody", "Staff"),
        ("Strangers", "bob"),
    ] {
        ad.add_group(group, GroupScope::Universal)?;
        ad.add_members(group, [member])?;
    }
    ad.add_members("Staff", ["Everybody"])?;
    // Whatever the primary group is in counts, too.
    ad.add_group("Residents", GroupScope::Universal)?;
    ad.add_members("Residents", ["Domain Users"])?;
    let nested = [
        "Domain Users",
        "Engineers",
        "Everybody",
        "Residents",
        "Staff",
    ];
    let own = ["Domain Users", "Engineers"];
    let who = sign_in(&ad, "alice").await;
    for (search, is_nested) in ways() {
        let expected = if is_nested { &nested[..] } else { &own };
        let found = groups(&by(&search, is_nested, people(&ad)), &who).await;
        // Samba's KDC does not put the groups of the primary group into all tickets alike.
        assert_eq!(names(&found), expected, "{search:?} {is_nested}");
        for group in &found {
            let sid = group.sid().expect("each has one").to_string();
            assert_eq!(sid, ad.sid(group.name())?, "{search:?}");
            assert_eq!(
                group.dn(),
                Some(ad.dn(group.name())?.as_str()),
                "{search:?}"
            );
        }
    }
    // And with nothing said.
    let directory = people(&ad).timeout(LONG_ENOUGH);
    let found = groups(&directory.build().expect("a directory"), &who).await;
    assert_eq!(names(&found), nested);
    Ok(())
}

#[tokio::test]
async fn groups_are_fresh_where_the_ticket_is_old_or_has_no_pac() -> io::Result<()> {
    let test = "active_directory::nested::groups_are_fresh_where_the_ticket_is_old_or_has_no_pac";
    let Some(ad) = domain(test) else {
        return Ok(());
    };
    let who = sign_in(&ad, "alice").await;
    ad.add_group("Staff", GroupScope::Global)?;
    ad.add_members("Staff", ["alice"])?;
    let by_ticket = by(&GroupSearch::Ticket, false, people(&ad));
    assert_eq!(names(&groups(&by_ticket, &who).await), ["Domain Users"]);
    let computed = by(
        &GroupSearch::TokenGroups,
        false,
        people(&ad).trust_ticket_names(),
    );
    let expected = ["Domain Users", "Staff"];
    assert_eq!(names(&groups(&computed, &who).await), expected);
    let nameless = Initiator::new("alice@AD.EXAMPLE.TEST".parse().expect("a principal"));
    assert_eq!(names(&groups(&computed, &nameless).await), expected);
    let by_ticket = by(
        &GroupSearch::Ticket,
        false,
        people(&ad).trust_ticket_names(),
    );
    let refused = by_ticket.find(&nameless).await.expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::PacMissing);
    Ok(())
}

#[tokio::test]
async fn a_group_that_the_bind_account_may_not_see_is_not_left_out() -> io::Result<()> {
    let test =
        "active_directory::nested::a_group_that_the_bind_account_may_not_see_is_not_left_out";
    let Some(ad) = domain(test) else {
        return Ok(());
    };
    ad.add_group("Hidden", GroupScope::Global)?;
    ad.add_members("Hidden", ["alice"])?;
    let svc = ad.sid("svc-web")?;
    let hidden = ad.dn("Hidden")?;
    // Denied to the account itself, and for good measure to read anything of it.
    ad.samba_tool([
        "dsacl",
        "set",
        &format!("--objectdn={hidden}"),
        &format!("--sddl=(D;;GR;;;{svc})"),
    ])?;
    let who = sign_in(&ad, "alice").await;
    for (search, is_nested) in ways() {
        if matches!(
            search,
            GroupSearch::InChain | GroupSearch::Member(_) | GroupSearch::Ticket
        ) {
            // These find what the account may see, and the ticket may name what is no more.
            continue;
        }
        let outcome = by(&search, is_nested, people(&ad)).find(&who).await;
        let refused = outcome.map(|user| user.groups().cloned().collect::<Vec<_>>());
        let refused = refused.expect_err("refused");
        assert_eq!(
            refused.kind(),
            ErrorKind::DirectoryMisconfigured,
            "{refused}"
        );
    }
    Ok(())
}

/// A group of the domain controller's own has a DN as well, so that rules know which it is not.
#[tokio::test]
async fn every_group_of_the_domain_has_a_dn() -> io::Result<()> {
    let test = "active_directory::nested::every_group_of_the_domain_has_a_dn";
    let Some(ad) = domain(test) else {
        return Ok(());
    };
    let who = sign_in(&ad, "Administrator").await;
    for (search, is_nested) in ways() {
        let user = by(&search, is_nested, people(&ad)).find(&who).await;
        let user = user.expect("found");
        for group in user.groups() {
            let sid = group.sid().expect("each has one").to_string();
            // What the KDC says of itself.
            let is_no_group = sid == "S-1-18-1";
            assert_eq!(group.dn().is_none(), is_no_group, "{search:?} {group:?}");
        }
        let is_of_controller = |group: &&Group| group.name().starts_with("S-1-5-32-");
        let own = user.groups().filter(is_of_controller).count();
        assert_eq!(own > 0, search != GroupSearch::Ticket, "{search:?}");
    }
    Ok(())
}

/// Whoever owns an organizational unit can make a group in it, and give it any name that is free.
#[tokio::test]
async fn a_name_outside_the_group_bases_does_not_count() -> io::Result<()> {
    let test = "active_directory::nested::a_name_outside_the_group_bases_does_not_count";
    let Some(ad) = domain(test) else {
        return Ok(());
    };
    let (base, alice) = (ad.base_dn(), ad.dn("alice")?);
    ad.ldif(&format!(
        "dn: OU=Mallory,{base}\nobjectClass: organizationalUnit\n\n\
         dn: CN=x,OU=Mallory,{base}\nobjectClass: group\nsAMAccountName: Admins\n\
         member: {alice}\n"
    ))?;
    ad.add_group("Staff", GroupScope::Global)?;
    ad.add_members("Staff", ["alice"])?;
    let who = sign_in(&ad, "alice").await;
    for (search, is_nested) in ways() {
        let anywhere = by(&search, is_nested, people(&ad));
        let user = anywhere.find(&who).await.expect("found");
        assert!(user.is_in("Staff") && user.is_in("Admins"), "{search:?}");
        let below = people(&ad).group_base(format!("cn=users,{base}"));
        let user = by(&search, is_nested, below).find(&who).await;
        let user = user.expect("found");
        assert!(user.is_in("Staff") && !user.is_in("Admins"), "{search:?}");
        assert!(user.is_in(&format!("CN=x,OU=Mallory,{base}")), "{search:?}");
    }
    Ok(())
}

const HOSTILE: [&str; 10] = [
    "a,b",
    "say \"hi\"",
    r"back\slash",
    "<angles>;",
    "#hash",
    "a=b+c",
    "*)(cn=*",
    "Lučić, Řehoř 名",
    " leading",
    "(|",
];

#[tokio::test]
async fn whatever_a_person_and_the_groups_are_called_each_way_finds_them() -> io::Result<()> {
    use base64::Engine;
    let test = "active_directory::nested::whatever_a_person_and_the_groups_are_called";
    let Some(ad) = domain(test) else {
        return Ok(());
    };
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let escaped =
        |text: &str| -> String { text.bytes().map(|byte| format!("\\{byte:02x}")).collect() };
    let mut ldif = String::new();
    for (number, name) in HOSTILE.into_iter().enumerate() {
        ad.add_user(&format!("person-{number}"), TestActiveDirectory::PASSWORD)?;
        let old = format!("CN=person-{number},CN=Users,{}", ad.base_dn());
        let rdn = format!("CN={}", escaped(&format!("{name}{number}")));
        ad.ldif(&format!(
            "dn: {old}\nchangetype: modrdn\nnewrdn:: {}\ndeleteoldrdn: 1\n",
            base64(&rdn)
        ))?;
        for (group, member) in [("", format!("{rdn},CN=Users")), ("over ", String::new())] {
            let member = match member.as_str() {
                "" => format!("CN={},CN=Users", escaped(&format!("group {name}"))),
                person => person.to_owned(),
            };
            let cn = escaped(&format!("{group}group {name}"));
            ldif.push_str(&format!(
                "dn: CN={cn},CN=Users,{base}\nobjectClass: group\nsAMAccountName: {group}{number}\n\
                 groupType: -2147483640\nmember: {member},{base}\n\n",
                base = ad.base_dn()
            ));
        }
    }
    ad.ldif(&ldif)?;
    for (number, _) in HOSTILE.into_iter().enumerate() {
        let who = sign_in(&ad, &format!("person-{number}")).await;
        for (search, is_nested) in ways() {
            let found = groups(&by(&search, is_nested, people(&ad)), &who).await;
            let (own, over) = (number.to_string(), format!("over {number}"));
            let expected = match is_nested {
                true => vec![own.as_str(), "Domain Users", over.as_str()],
                false => vec![own.as_str(), "Domain Users"],
            };
            assert_eq!(names(&found), expected, "{search:?} {is_nested}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn all_of_1600_groups_are_found_each_way_through_the_limits() -> io::Result<()> {
    let test = "active_directory::nested::all_of_1600_groups_are_found_each_way_through_the_limits";
    let Some(ad) = domain(test) else {
        return Ok(());
    };
    let many = (0..1_599).map(|number| format!("group-{number}"));
    ad.add_groups_of("alice", GroupScope::Global, many)?;
    ad.add_group("over", GroupScope::Universal)?;
    ad.add_members("over", ["group-7"])?;
    let proxy = LimitingProxy::before_domain(&ad).await;
    let who = sign_in(&ad, "alice").await;
    for (search, is_nested) in ways() {
        // Samba has no index for `member`, and compares each of the domain's entries with each of
        // the groups.
        if is_nested && matches!(search, GroupSearch::Member(_)) {
            continue;
        }
        let directory = LdapDirectory::active_directory("ad.example.test")
            .server(proxy.url())
            .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD);
        let found = groups(&by(&search, is_nested, directory), &who).await;
        // And Domain Users.
        let expected = if is_nested { 1_601 } else { 1_600 };
        assert_eq!(found.len(), expected, "{search:?} {is_nested}");
        let searches = proxy.take_searches().len();
        let most = match search {
            // The person, the SIDs and the rest of them, a search for each hundred.
            GroupSearch::TokenGroups => 3 + 17,
            GroupSearch::Ticket => 1 + 17,
            // The person, the server, the primary group, four pages; or two to know that the groups'
            // own groups have no more.
            GroupSearch::InChain => 3 + 4,
            // The person, and the rest of them, the primary group, each group.
            GroupSearch::MemberOf => 3 + expected + 1,
            _ => 2 + 4,
        };
        assert!(
            searches <= most,
            "{searches} searches, {search:?} {is_nested}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_last_but_one_of_1600_members_is_a_member() -> io::Result<()> {
    let test = "active_directory::nested::the_last_but_one_of_1600_members_is_a_member";
    let Some(ad) = domain(test) else {
        return Ok(());
    };
    let contact = |number: usize| format!("CN=contact-{number},CN=Users,{}", ad.base_dn());
    let contacts = (0..1_599).map(|number| {
        let dn = contact(number);
        format!("dn: {dn}\nobjectClass: contact\n\n")
    });
    ad.ldif(&contacts.collect::<String>())?;
    ad.add_group("crowd", GroupScope::Universal)?;
    let add = |numbers: std::ops::Range<usize>| {
        let members = numbers.map(|number| format!("member: {}\n", contact(number)));
        ad.ldif(&format!(
            "dn: {}\nchangetype: modify\nadd: member\n{}",
            ad.dn("crowd")?,
            members.collect::<String>()
        ))
    };
    add(0..1_598)?;
    ad.add_members("crowd", ["alice"])?;
    add(1_598..1_599)?;
    let proxy = LimitingProxy::before_domain(&ad).await;
    let who = sign_in(&ad, "alice").await;
    for (search, is_nested) in ways() {
        let directory = LdapDirectory::active_directory("ad.example.test")
            .server(proxy.url())
            .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD);
        let found = groups(&by(&search, is_nested, directory), &who).await;
        assert_eq!(
            names(&found),
            ["Domain Users", "crowd"],
            "{search:?} {is_nested}"
        );
    }
    Ok(())
}

use std::time::Duration;

use super::super::people::EntryPlace;
use super::super::{GroupSearch, Scope, account, active_directory};
use super::*;
use crate::directory::Directory;
use crate::initiator::Initiator;

fn builder(url: &str) -> LdapDirectoryBuilder {
    LdapDirectory::builder(url).search("dc=example", "(uid={user})")
}

fn searching(base: &str, filter: &str) -> LdapDirectoryBuilder {
    LdapDirectory::builder("ldap://localhost").search(base, filter)
}

/// Where it searches, and by what.
fn searches(directory: &LdapDirectory) -> Vec<(&str, &str)> {
    let ways = directory.people.ways.iter();
    ways.map(|way| match &way.place {
        EntryPlace::Below { base, .. } => (base.as_str(), way.filter.template()),
        EntryPlace::Named(_) => panic!("a search"),
    })
    .collect()
}

fn refusal(builder: LdapDirectoryBuilder) -> String {
    builder.build().unwrap_err().to_string()
}

#[test]
fn a_password_goes_in_clear_text_only_to_this_machine_or_when_told() {
    for (url, clear) in [
        ("ldap://ldap.example.com", true),
        ("ldap://10.0.0.1", true),
        ("ldap://localhost.example.com", true),
        ("ldap://localhost:1389", false),
        ("ldap://127.0.0.2:1389", false),
        ("ldap://[::1]", false),
    ] {
        let bound = || builder(url).bind_simple("cn=web", "s3cret");
        let outcome = bound().build().err().map(|error| error.to_string());
        assert_eq!(outcome.is_some(), clear, "{url}");
        if let Some(text) = outcome {
            assert!(text.contains("ldaps://"), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
        assert!(bound().allow_clear_text().build().is_ok(), "{url}");
        assert!(builder(url).build().is_ok(), "anonymous: {url}");
    }
}

#[test]
fn an_unauthenticated_bind_is_refused() {
    for (name, password) in [("cn=web", ""), ("", "s3cret"), ("", "")] {
        let text = refusal(builder("ldap://localhost").bind_simple(name, password));
        assert!(text.contains("the name or the password is empty"), "{text}");
    }
}

#[test]
fn settings_that_can_not_work_say_what_to_write() {
    let local = || builder("ldap://localhost");
    for (builder, reason) in [
        (
            LdapDirectory::builder("ldap://localhost"),
            "search is wrong: there is none",
        ),
        (searching("example.com", "(uid={user})"), "is no DN"),
        (searching("dc=a\n", "(uid={user})"), "is no DN"),
        (searching("dc=a", "(uid=alice)"), "filter is wrong"),
        (
            local().search("dc=a", "(uid={principal})"),
            "\"uid\" is compared in one way in \"(uid={user})\" and in another in",
        ),
        (local().dn_template("uid={user}"), "dn_template is wrong"),
        (
            local().dn_template("uid={principal},dc=a"),
            "search is wrong: \"uid\" is compared",
        ),
        (local().timeout(Duration::ZERO), "timeout is wrong"),
        (local().timeout(Duration::MAX), "timeout is wrong"),
        (local().email_attribute(""), "attribute name is wrong"),
        (local().attributes(["cn", "a b"]), "attribute name is wrong"),
        (local().email_attribute("*"), "attribute name is wrong"),
        (local().username_attribute("+"), "attribute name is wrong"),
        (
            local().attributes(["*", "UserPassword"]),
            "\"UserPassword\" holds passwords or keys",
        ),
        (
            local().id_attribute("unicodePwd"),
            "\"unicodePwd\" holds passwords or keys",
        ),
        (local().ca_file("/does/not/exist"), "ca_file is wrong"),
        (builder("http://localhost"), "URL is wrong"),
    ] {
        let text = refusal(builder);
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn each_attribute_is_asked_for_once() {
    let directory = searching("", "(|(CN={user})(uid={user}))")
        .search("dc=a", "(UID={user})")
        .attributes(["MAIL", "*", "employeeType", "mail", "accountExpires", "*"])
        .build()
        .unwrap();
    let own = [
        "CN",
        "uid",
        "displayName",
        "mail",
        "entryUUID",
        "employeeType",
        "accountExpires",
        "memberOf",
    ];
    let of_account = account::ATTRIBUTES.into_iter();
    let of_account = of_account.filter(|name| *name != "accountExpires");
    let expected: Vec<_> = own.into_iter().chain(of_account).chain(["*"]).collect();
    assert_eq!(directory.people.requested, expected);
}

#[test]
fn debug_tells_no_password() {
    let builder = builder("ldap://localhost").bind_simple("cn=web", "s3cret");
    assert!(!format!("{builder:?}").contains("s3cret"));
    let directory = builder.build().unwrap();
    assert!(!format!("{directory:?}").contains("s3cret"));
    let fingerprint = directory.fingerprint().unwrap();
    assert!(!fingerprint.contains("s3cret"));
}

#[test]
fn a_directory_that_reads_a_user_from_other_attributes_has_another_fingerprint() {
    let fingerprint = |change: fn(LdapDirectoryBuilder) -> LdapDirectoryBuilder| {
        change(builder("ldap://localhost"))
            .build()
            .unwrap()
            .fingerprint()
    };
    let plain = fingerprint(|builder| builder);
    assert_eq!(plain, fingerprint(|builder| builder));
    for changed in [
        fingerprint(|builder| builder.group_attribute("ou")),
        fingerprint(|builder| builder.id_attribute("uidNumber")),
        fingerprint(|builder| builder.attributes(["sn"])),
        fingerprint(|builder| builder.attributes(["*"])),
        fingerprint(|builder| builder.username_attribute("sn")),
        fingerprint(|builder| builder.search("dc=example", "(cn={user})")),
        fingerprint(|builder| builder.search_in(Scope::OneLevel, "dc=example", "(uid={user})")),
        fingerprint(|builder| builder.dn_template("uid={user},dc=example")),
    ] {
        assert_ne!(plain, changed);
    }
}

fn corp() -> LdapDirectoryBuilder {
    LdapDirectory::active_directory("corp.example.com").server("ldap://localhost")
}

#[test]
fn active_directory_is_told_by_its_domain() {
    let directory = corp().build().unwrap();
    assert_eq!(
        searches(&directory),
        [(
            "DC=corp,DC=example,DC=com",
            "(&(objectCategory=person)(objectClass=user)(objectSid={sid}))"
        )]
    );
    assert_eq!(
        directory.people.requested,
        [
            "objectSid",
            "sAMAccountName",
            "userAccountControl",
            "accountExpires",
            "msDS-User-Account-Control-Computed",
            "displayName",
            "cn",
            "mail"
        ]
    );
    assert!(directory.tells_realms_apart());
}

#[test]
fn each_setting_of_active_directory_can_be_changed() {
    let directory = corp()
        .search("OU=staff,DC=corp", "(userPrincipalName={principal})")
        .id_attribute("employeeID")
        .group_attribute("ou")
        .build()
        .unwrap();
    assert_eq!(
        searches(&directory),
        [("OU=staff,DC=corp", "(userPrincipalName={principal})")]
    );
    assert_eq!(directory.fields.id, "employeeID");
    // The rules hold all the same.
    for needed in [
        "sAMAccountName",
        "objectSid",
        "userAccountControl",
        "accountExpires",
        "msDS-User-Account-Control-Computed",
    ] {
        assert!(directory.people.requested.iter().any(|own| own == needed));
    }
}

#[test]
fn openldap_is_told_by_its_base_and_free_ipa_by_its_domain() {
    let openldap = || LdapDirectory::openldap("dc=example").server("ldap://localhost");
    let free_ipa = || LdapDirectory::free_ipa("IPA.example.com").server("ldap://localhost");
    let built = |builder: LdapDirectoryBuilder| builder.build().unwrap();
    assert_eq!(
        searches(&built(openldap())),
        [("dc=example", "(&(objectClass=person)(uid={user}))")]
    );
    let directory = built(free_ipa());
    assert_eq!(
        searches(&directory),
        [(
            "cn=users,cn=accounts,dc=ipa,dc=example,dc=com",
            "(&(objectClass=posixAccount)(krbPrincipalName={principal}))"
        )]
    );
    assert_eq!(directory.fields.username.as_deref(), Some("uid"));
    assert_eq!(directory.fields.id, "ipaUniqueID");
    assert!(directory.tells_realms_apart());
    // Each setting can be changed.
    for preset in [openldap(), free_ipa()] {
        let directory = built(
            preset
                .search("ou=staff", "(cn={user})")
                .id_attribute("employeeNumber")
                .username_attribute("cn"),
        );
        assert_eq!(searches(&directory), [("ou=staff", "(cn={user})")]);
        assert_eq!(directory.fields.id, "employeeNumber");
        assert_eq!(directory.fields.username.as_deref(), Some("cn"));
    }
}

#[test]
fn settings_of_active_directory_that_can_not_work_say_what_to_write() {
    for (builder, reason) in [
        (
            LdapDirectory::active_directory("corp,example").server("ldap://localhost"),
            "domain is wrong",
        ),
        (
            LdapDirectory::free_ipa("ipa,example").server("ldap://localhost"),
            "domain is wrong",
        ),
        (
            LdapDirectory::openldap("example.com").server("ldap://localhost"),
            "base is wrong",
        ),
        (
            LdapDirectory::openldap("").server("ldap://localhost"),
            "base is wrong",
        ),
        (
            builder("ldap://localhost").trust_ticket_names(),
            "stands beside a filter without {sid}",
        ),
        (
            searching("dc=a", "(|(objectSid={sid})(sAMAccountName={principal}))")
                .trust_ticket_names(),
            "filter is wrong",
        ),
    ] {
        let text = refusal(builder);
        assert!(text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn a_pac_is_required_unless_ticket_names_are_trusted() {
    use crate::error::ErrorKind::{DirectoryUnavailable, PacMissing};
    let by_sid =
        || LdapDirectory::builder("ldap://localhost:1").search("dc=a", "(objectSid={sid})");
    let preset = || LdapDirectory::active_directory("corp").server("ldap://localhost:1");
    let alice = Initiator::new("alice@CORP".parse().unwrap());
    for (builder, kind) in [
        (preset(), PacMissing),
        (preset().search("dc=a", "(uid={user})"), PacMissing),
        (by_sid(), PacMissing),
        // Nobody listens there, so that who gets so far has not been refused.
        (preset().trust_ticket_names(), DirectoryUnavailable),
        (by_sid().trust_ticket_names(), DirectoryUnavailable),
    ] {
        let error = builder.build().unwrap().find(&alice).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
fn names_of_tickets_do_not_tell_realms_apart() {
    let apart = |builder: LdapDirectoryBuilder| builder.build().unwrap().tells_realms_apart();
    assert!(apart(corp()));
    assert!(apart(corp().search("dc=a", "(uid={user})")));
    assert!(!apart(corp().trust_ticket_names()));
    assert!(apart(
        corp()
            .search("dc=a", "(mail={principal})")
            .trust_ticket_names()
    ));
}

#[test]
fn a_directory_with_other_rules_has_another_fingerprint() {
    let fingerprint = |builder: LdapDirectoryBuilder| builder.build().unwrap().fingerprint();
    let spelled_out = LdapDirectory::builder("ldap://localhost")
        .search("DC=corp,DC=example,DC=com", active_directory::FILTER);
    let mut all = vec![
        fingerprint(corp()),
        fingerprint(corp().trust_ticket_names()),
        fingerprint(spelled_out),
        fingerprint(corp().id_attribute("employeeID")),
    ];
    assert_eq!(fingerprint(corp()), all[0]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
}

#[test]
fn realms_are_told_apart_only_where_every_search_does() {
    let apart = |builder: LdapDirectoryBuilder| builder.build().unwrap().tells_realms_apart();
    let by_mail = || searching("dc=a", "(mail={principal})");
    assert!(apart(
        by_mail().search("dc=b", "(&(uid={user})(o={realm}))")
    ));
    assert!(apart(by_mail().dn_template("cn={principal},dc=b")));
    assert!(!apart(by_mail().search("dc=b", "(uid={user})")));
    assert!(!apart(by_mail().dn_template("uid={user},dc=b")));
}

#[test]
fn a_wildcard_of_an_option_is_no_attribute_name() {
    assert_eq!(
        refusal(builder("ldap://localhost").attributes(["cn;*"])),
        "the LDAP directory's attribute name is wrong: \"cn;*\" can't be one; write it as the \
         schema does, as in displayName, with no options; * and + go into .attributes(..)"
    );
}

#[test]
fn settings_of_groups_that_can_not_work_say_what_to_write() {
    use GroupSearch::*;
    let local = || builder("ldap://localhost");
    let domain = || LdapDirectory::active_directory("corp.example.com").server("ldap://localhost");
    for (builder, reason) in [
        (local().groups(GroupOfNames), ".group_base(\"ou=groups"),
        (
            LdapDirectory::builder("ldap://localhost")
                .dn_template("uid={user},ou=a")
                .groups(InChain),
            ".group_base(\"ou=groups",
        ),
        (local().groups(Member("member".into())), ".group_base(\""),
        (local().group_base("groups"), "\"groups\" is no DN"),
        (local().group_base("ou=a\0"), "is no DN"),
        (local().group_base(""), "is no DN"),
        (local().group_name_attribute("a b"), "\"a b\" can't be one"),
        (
            local().group_base("ou=a").groups(Member("*".into())),
            "\"*\" can't be one",
        ),
        (local().group_attribute("cn;x"), "\"cn;x\" can't be one"),
        (
            local()
                .group_base("ou=a")
                .groups(PosixGroup)
                .nested_groups(),
            "and no groups; leave it out",
        ),
        (
            local().group_attribute("isMemberOf").groups(InChain),
            "GroupSearch::InChain, which does not read it",
        ),
        (
            domain().groups(GroupOfNames),
            "GroupSearch::Member(\"member\"",
        ),
        (
            domain().groups(PosixGroup),
            "GroupSearch::Member(\"member\"",
        ),
        (local().group_depth_limit(0), "leave it at 32"),
        (local().group_size_limit(0), "leave it at 5000"),
        (local().group_size_limit(60_001), "leave it at 5000"),
    ] {
        let text = refusal(builder);
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn the_domain_s_own_search_is_the_default_there() {
    let domain = || LdapDirectory::active_directory("corp.example.com").server("ldap://localhost");
    let groups = |builder: LdapDirectoryBuilder| builder.build().unwrap().groups;
    let own = groups(domain().search("OU=people,DC=corp", "(objectSid={sid})"));
    assert_eq!(own.search, GroupSearch::TokenGroups);
    assert_eq!(own.name, "sAMAccountName");
    // Groups are elsewhere in the domain.
    assert_eq!(own.bases, ["DC=corp,DC=example,DC=com"]);
    let of_entry = groups(domain().group_attribute("memberOf"));
    assert_eq!(of_entry.search, GroupSearch::MemberOf);
    let generic = groups(builder("ldap://localhost"));
    assert_eq!(generic.search, GroupSearch::MemberOf);
    assert_eq!(generic.name, "cn");
}

#[test]
fn presets_of_other_servers_search_groups_of_groups_unless_told_otherwise() {
    let openldap = || LdapDirectory::openldap("dc=example,dc=com").server("ldap://localhost");
    let groups = |builder: LdapDirectoryBuilder| builder.build().unwrap().groups;
    let own = groups(openldap());
    assert_eq!(own.search, GroupSearch::GroupOfNames);
    assert!(own.is_nested);
    assert_eq!(own.bases, ["dc=example,dc=com"]);
    let narrowed = groups(openldap().group_base("ou=groups,dc=example,dc=com"));
    assert_eq!(narrowed.bases, ["ou=groups,dc=example,dc=com"]);
    let posix = groups(openldap().groups(GroupSearch::PosixGroup));
    assert!(!posix.is_nested);
    let of_entry = groups(openldap().group_attribute("isMemberOf"));
    assert_eq!(of_entry.search, GroupSearch::MemberOf);
    let ipa = LdapDirectory::free_ipa("corp.example.com").server("ldap://localhost");
    let ipa = groups(ipa);
    assert_eq!(ipa.search, GroupSearch::GroupOfNames);
    assert_eq!(
        ipa.bases,
        ["cn=groups,cn=accounts,dc=corp,dc=example,dc=com"]
    );
}

#[test]
fn each_setting_of_groups_makes_another_directory() {
    let local = || builder("ldap://localhost").group_base("ou=a");
    let fingerprints = [
        local(),
        local().nested_groups(),
        local().groups(GroupSearch::GroupOfNames),
        local().groups(GroupSearch::Member("member".into())),
        local().group_attribute("isMemberOf"),
        local().group_base("ou=b").groups(GroupSearch::GroupOfNames),
        local()
            .groups(GroupSearch::GroupOfNames)
            .group_scope(Scope::OneLevel),
        local().group_name_attribute("uid"),
        local().group_depth_limit(3),
        local().group_size_limit(3),
    ]
    .map(|builder| builder.build().unwrap().fingerprint());
    for (place, one) in fingerprints.iter().enumerate() {
        assert!(!fingerprints[..place].contains(one), "{one:?}");
    }
}

#[test]
fn a_scope_of_groups_is_for_those_that_are_searched_below_a_base() {
    let scoped = |builder: LdapDirectoryBuilder| builder.group_scope(Scope::OneLevel);
    let domain = || LdapDirectory::active_directory("corp.example.com").server("ldaps://dc1");
    let local = || builder("ldap://localhost").group_base("ou=a");
    for (builder, search) in [
        (local(), "MemberOf"),
        (domain(), "TokenGroups"),
        (domain().groups(GroupSearch::Ticket), "Ticket"),
    ] {
        let text = refusal(scoped(builder));
        let words = format!("group_scope is wrong: it stands beside GroupSearch::{search},");
        assert!(text.contains(&words), "{text}");
        assert!(text.contains(".groups(GroupSearch::Member("), "{text}");
    }
    for builder in [
        local().groups(GroupSearch::PosixGroup),
        local().groups(GroupSearch::Member("member".into())),
        domain().groups(GroupSearch::InChain),
        LdapDirectory::openldap("dc=example,dc=com").server("ldap://localhost"),
    ] {
        assert!(scoped(builder).build().is_ok());
    }
}

#[test]
fn the_order_of_the_servers_makes_no_other_fingerprint() {
    let fingerprint = |urls: [&str; 2]| {
        let builder = builder(urls[0]).server(urls[1]).bind_simple("cn=web", "x");
        builder.build().unwrap().fingerprint()
    };
    let urls = ["ldap://127.0.0.1:1", "ldap://127.0.0.1:2"];
    assert_eq!(fingerprint(urls), fingerprint([urls[1], urls[0]]));
    assert_eq!(
        fingerprint([urls[0], urls[0]]),
        builder(urls[0]).build().unwrap().fingerprint()
    );
    assert_ne!(
        fingerprint(urls),
        fingerprint([urls[0], "ldap://127.0.0.1:3"])
    );
}

#[test]
fn each_server_must_be_safe_for_the_password() {
    let builder = builder("ldap://127.0.0.1").server("ldap://ldap.example.com");
    let text = refusal(builder.bind_simple("cn=web", "x"));
    assert!(text.contains("in clear text"), "{text}");
}

#[cfg(feature = "srv")]
#[test]
fn servers_of_dns_are_told_by_their_domain() {
    let people = |builder: LdapDirectoryBuilder| builder.search("dc=example", "(uid={user})");
    let of = |domain: &str| {
        let directory = people(LdapDirectory::from_dns(domain)).build().unwrap();
        directory.fingerprint().unwrap()
    };
    assert!(of("Corp.example.com.").contains("dns:corp.example.com\n"));
    assert_eq!(of("Corp.example.com."), of("corp.example.com"));
    let preset = LdapDirectory::active_directory("corp.example.com");
    let preset = preset.build().unwrap().fingerprint().unwrap();
    assert!(preset.contains("dns:corp.example.com\n"), "{preset}");
    let named = corp().build().unwrap().fingerprint().unwrap();
    assert!(!named.contains("dns:"), "{named}");

    for (builder, reason) in [
        (
            builder("ldap://localhost").servers_from_dns("corp.example.com"),
            "keep .server(..) or .servers_from_dns(..)",
        ),
        (
            corp().dns_server(([127, 0, 0, 1], 53).into()),
            "dns_server is wrong",
        ),
        (
            people(LdapDirectory::from_dns("corp.example.com").servers_in_random_order()),
            "servers_in_random_order is wrong: the servers that DNS names have an order by chance",
        ),
        (
            LdapDirectory::active_directory("corp.example.com").servers_in_random_order(),
            "name the servers with .server(..)",
        ),
        (
            people(LdapDirectory::from_dns("corp,example")),
            "domain is wrong",
        ),
        (people(LdapDirectory::from_dns("")), "domain is wrong"),
        (
            corp().connection_age(Duration::ZERO),
            "connection_age is wrong",
        ),
        (
            corp().connection_age(Duration::from_secs(90_000)),
            "connection_age is wrong",
        ),
    ] {
        let text = refusal(builder);
        assert!(text.contains(reason), "{text}");
    }
}

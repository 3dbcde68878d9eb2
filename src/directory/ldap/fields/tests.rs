use super::super::entry::tests::entry;
use super::*;
use crate::error::ErrorKind;

fn alice() -> Initiator {
    Initiator::new("alice@CORP".parse().unwrap())
}

#[test]
fn attributes_become_the_parts_of_a_user() {
    let fields = Fields {
        attributes: vec!["employeeType".into(), "Mail".into(), "jpegPhoto".into()],
        ..Fields::default()
    };
    let entry = entry(
        "uid=alice,dc=example",
        &[
            ("uid", &[b"alice"]),
            ("displayName", &[b" ", b"Alice Liddell"]),
            ("cn", &[b"Alice"]),
            ("mail", &[b"alice@example.com"]),
            ("entryUUID", &[b"4711"]),
            ("employeetype", &[b"staff", b"\xff"]),
            ("jpegPhoto", &[b"\xff\xd8"]),
        ],
    );
    let groups = vec![Group::new("Engineers")];
    let user = fields.user(&alice(), &entry, groups).unwrap();
    assert_eq!(user.username(), "alice");
    assert_eq!(user.id(), "4711");
    assert_eq!(user.display_name(), "Alice Liddell");
    assert_eq!(user.email(), Some("alice@example.com"));
    assert_eq!(user.dn(), Some("uid=alice,dc=example"));
    let groups: Vec<_> = user.groups().map(Group::name).collect();
    assert_eq!(groups, ["Engineers"]);
    let attributes: Vec<_> = user.attributes().collect();
    assert_eq!(
        attributes,
        [
            ("Mail", &["alice@example.com".to_owned()][..]),
            ("employeeType", &["staff".to_owned()][..]),
        ]
    );
    let binary = |name| user.binary_attribute(name).collect::<Vec<_>>();
    assert_eq!(binary("employeeType"), [b"staff".as_slice(), b"\xff"]);
    assert_eq!(binary("jpegPhoto"), [b"\xff\xd8"]);
}

#[test]
fn an_attribute_of_which_there_is_only_a_part_is_no_attribute_without_values() {
    let entry = entry("uid=alice", &[("mail;range=0-1499", &[b"a@example.com"])]);
    let wanting = |name: &str| Fields {
        attributes: vec![name.to_owned()],
        ..Fields::default()
    };
    let refused = wanting("Mail").user(&alice(), &entry, Vec::new());
    let refused = refused.expect_err("a part");
    assert_eq!(refused.kind(), ErrorKind::DirectoryMisconfigured);
    assert!(refused.to_string().contains(".attributes(..)"), "{refused}");
    assert!(wanting("title").user(&alice(), &entry, Vec::new()).is_ok());
}

#[test]
fn a_bare_entry_makes_a_user_named_by_the_principal() {
    let entry = entry("uid=alice,dc=example", &[]);
    let user = Fields::default()
        .user(&alice(), &entry, Vec::new())
        .unwrap();
    assert_eq!(user.id(), "alice@CORP");
    assert_eq!(user.display_name(), "alice");
    assert_eq!(user.email(), None);
    assert_eq!(user.groups().len(), 0);
    assert_eq!(user.attributes().count(), 0);
}

#[test]
fn on_active_directory_the_id_is_the_sid_and_the_username_the_account_as_the_entry_spells_it() {
    let sid: crate::sid::Sid = "S-1-5-21-1-2-3-1103".parse().unwrap();
    let entry = entry(
        "CN=Alice Liddell,DC=corp",
        &[
            ("sAMAccountName", &[b"Alice"]),
            ("objectSid", &[&sid.to_bytes()]),
            ("cn", &[b"Alice Liddell"]),
        ],
    );
    let fields = Fields::of_active_directory();
    let user = fields.user(&alice(), &entry, Vec::new()).unwrap();
    assert_eq!(user.username(), "Alice");
    assert_eq!(user.id(), "S-1-5-21-1-2-3-1103");
    assert_eq!(user.display_name(), "Alice Liddell");
}

#[test]
fn who_is_found_by_an_alias_has_the_name_of_the_entry_unless_the_layer_makes_its_own() {
    let fields = Fields {
        username: Some("uid".to_owned()),
        ..Fields::default()
    };
    let username = |who: &Initiator, values: &[&[u8]]| {
        let entry = entry("uid=alice", &[("uid", values)]);
        let user = fields.user(who, &entry, Vec::new());
        user.map(|user| user.username().to_owned())
            .map_err(|error| error.kind())
    };
    let alias = Initiator::new("alice.liddell@CORP".parse().unwrap());
    assert_eq!(username(&alias, &[b"Alice"]).unwrap(), "Alice");
    assert_eq!(
        username(&alice(), &[b"bob", b"ALICE", b"alice"]).unwrap(),
        "alice"
    );
    assert_eq!(username(&alice(), &[b"bob", b"ALICE"]).unwrap(), "ALICE");
    for values in [&[][..], &[b"".as_slice()], &[b"\xff"], &[b"a", b"b"]] {
        let outcome = username(&alias, values);
        assert_eq!(
            outcome,
            Err(crate::error::ErrorKind::DirectoryMisconfigured)
        );
    }
    let whole = alias.called("alice.liddell@CORP");
    assert_eq!(username(&whole, &[b"Alice"]).unwrap(), "alice.liddell@CORP");
    assert_eq!(username(&whole, &[]).unwrap(), "alice.liddell@CORP");
}

#[test]
fn a_wildcard_loads_everything_but_secrets_and_what_is_no_text_or_a_part() {
    let entry = entry(
        "uid=alice",
        &[
            ("uid", &[b"alice"]),
            ("CN", &[b"Alice"]),
            ("cn;lang-de", &[b"Alix"]),
            ("userPassword", &[b"{SSHA}x"]),
            ("USERPASSWORD;x-old", &[b"s3cret"]),
            ("krbPrincipalKey", &[b"key"]),
            ("jpegPhoto", &[b"\xff\xd8"]),
            ("memberOf;range=0-1499", &[b"cn=one of many"]),
        ],
    );
    let fields = Fields {
        attributes: vec!["cn".to_owned()],
        wildcards: vec!["*".to_owned()],
        ..Fields::default()
    };
    let user = fields.user(&alice(), &entry, Vec::new()).unwrap();
    let loaded: Vec<_> = user.attributes().map(|(name, _)| name).collect();
    assert_eq!(loaded, ["cn", "cn;lang-de", "uid"]);
}

#[test]
fn an_id_that_is_empty_or_not_the_only_one_is_none() {
    for values in [&[b"".as_slice()][..], &[b"1", b"2"], &[b"\xff"]] {
        let entry = entry("uid=alice", &[("entryUUID", values)]);
        let user = Fields::default()
            .user(&alice(), &entry, Vec::new())
            .unwrap();
        assert_eq!(user.id(), "alice@CORP", "{values:?}");
    }
}

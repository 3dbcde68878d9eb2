use super::*;
use crate::sid::Sid;

fn alice() -> UserBuilder {
    User::builder("alice@CORP".parse().unwrap())
}

#[test]
fn a_session_gives_groups_back_with_dn_sid_and_what_their_name_is_worth() {
    let sid: Sid = "S-1-5-21-1-2-3-513".parse().unwrap();
    let user = alice()
        .group(Group::new("a"))
        .group(Group::new("b").with_dn("cn=b"))
        .group(Group::new("c").with_sid(sid))
        .group(Group::new("d").with_dn("cn=d").with_sid(sid))
        .group(Group::new("e").with_uncounted_name())
        .build();
    let read = User::from_stored(&user.to_stored().unwrap()).unwrap();
    assert_eq!(read, user);
    let sids: Vec<_> = read.groups().map(Group::sid).collect();
    assert_eq!(sids, [None, None, Some(sid), Some(sid), None]);
    let counts: Vec<_> = read.groups().map(Group::name_counts).collect();
    assert_eq!(counts, [true, true, true, true, false]);
    assert!(user.to_stored().unwrap().contains(r#"["a",null,null]"#));
}

#[test]
fn a_session_gives_roles_back() {
    let user = alice().role("admin").build();
    let user = user.with_roles(["editor", "admin"].into_iter());
    let read = User::from_stored(&user.to_stored().unwrap()).unwrap();
    assert_eq!(read.roles().collect::<Vec<_>>(), ["admin", "editor"]);
    assert!(read.has_role("admin") && !read.has_role("Admin"));
    assert!(!alice().build().to_stored().unwrap().contains("roles"));
}

#[test]
fn a_stored_group_whose_sid_is_none_makes_no_user() {
    let sid: Sid = "S-1-5-32-544".parse().unwrap();
    let user = alice().group(Group::new("c").with_sid(sid)).build();
    let stored = user.to_stored().unwrap();
    let broken = stored.replace("S-1-5-32-544", "S-1-5-032-544");
    assert_ne!(stored, broken);
    assert!(User::from_stored(&broken).is_err());
}

#[test]
fn a_session_gives_binary_values_back_and_holds_only_those_as_base64() {
    let values = [b"\xff\xd8\x00".to_vec(), b"text".to_vec(), Vec::new()];
    let user = alice()
        .attribute("title", ["Dr."])
        .binary_attribute("jpegPhoto", values)
        .build();
    let stored = user.to_stored().unwrap();
    assert!(
        stored.contains(r#""binary":{"jpegPhoto":["/9gA"]}"#),
        "{stored}"
    );
    assert!(stored.contains(r#""jpegPhoto":["text",""]"#), "{stored}");
    assert_eq!(User::from_stored(&stored).unwrap(), user);
    let broken = stored.replace("/9gA", "/9g?");
    assert!(User::from_stored(&broken).is_err());
    // What an older version stored, which had none.
    let plain = alice().build();
    let stored = plain.to_stored().unwrap();
    assert!(!stored.contains("binary"), "{stored}");
    assert_eq!(User::from_stored(&stored).unwrap(), plain);
}

#[test]
fn an_attribute_has_text_values_and_all_values() {
    let user = alice()
        .binary_attribute(
            "objectGUID",
            [b"\xff".to_vec(), b"0123456789abcdef".to_vec()],
        )
        .binary_attribute("jpegPhoto", [b"\xff\xd8".to_vec()])
        .attribute("title", ["Dr."])
        .build();
    assert_eq!(user.attribute("OBJECTguid"), ["0123456789abcdef"]);
    let all = |name: &str| {
        user.binary_attribute(name)
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        all("objectguid"),
        [b"0123456789abcdef".to_vec(), b"\xff".to_vec()]
    );
    assert_eq!(all("JPEGPhoto"), [b"\xff\xd8"]);
    assert_eq!(all("title"), [b"Dr."]);
    assert_eq!(all("mail").len(), 0);
    assert_eq!(user.attribute("jpegPhoto").len(), 0);
    let names: Vec<_> = user.attributes().map(|(name, _)| name).collect();
    assert_eq!(names, ["objectGUID", "title"]);
}

#[test]
fn an_attribute_that_is_set_again_in_another_case_is_the_same_one() {
    let user = alice()
        .binary_attribute("Title", [b"\xff".to_vec(), b"Mr.".to_vec()])
        .attribute("title", ["Dr."])
        .build();
    assert_eq!(user.attribute("TITLE"), ["Dr."]);
    assert_eq!(user.attributes().count(), 1);
    assert_eq!(user.binary_attribute("Title").count(), 1);
}

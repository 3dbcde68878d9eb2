use super::*;
use crate::directory::Directory;

fn builder(url: &str) -> LdapDirectoryBuilder {
    LdapDirectory::builder(url).search("dc=example", "(uid={user})")
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
        (local().search("example.com", "(uid={user})"), "is no DN"),
        (local().search("dc=a\n", "(uid={user})"), "is no DN"),
        (local().search("dc=a", "(uid=alice)"), "filter is wrong"),
        (local().timeout(Duration::ZERO), "timeout is wrong"),
        (local().timeout(Duration::MAX), "timeout is wrong"),
        (local().email_attribute(""), "attribute name is wrong"),
        (local().attributes(["cn", "a b"]), "attribute name is wrong"),
        (local().ca_file("/does/not/exist"), "CA file is wrong"),
        (builder("http://localhost"), "URL is wrong"),
    ] {
        let text = refusal(builder);
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn each_attribute_is_asked_for_once() {
    let directory = builder("ldap://localhost")
        .search("", "(|(CN={user})(uid={user}))")
        .attributes(["MAIL", "employeeType", "mail"])
        .build()
        .unwrap();
    assert_eq!(
        directory.requested,
        [
            "CN",
            "uid",
            "displayName",
            "mail",
            "memberOf",
            "entryUUID",
            "employeeType"
        ]
    );
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
        fingerprint(|builder| builder.search("dc=example", "(cn={user})")),
    ] {
        assert_ne!(plain, changed);
    }
}

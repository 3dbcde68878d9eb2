//! A directory for each realm.

use std::fs;

use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{
    ConfigError, ErrorKind, NameMapping, PrincipalOnly, RealmDirectories, SpnegoLayerBuilder,
};

use crate::ldap::people;
use crate::site::{SPN, Site, layer, token};

/// Lets the people of `home` have tickets for the services of `other`.
pub fn trust(home: &TestRealm, other: &TestRealm) {
    let shared = format!("krbtgt/{}@{}", other.realm(), home.realm());
    for realm in [home, other] {
        let added = realm.kadmin(["addprinc", "-pw", "secret", &shared]);
        added.expect("trusts");
    }
}

/// A token for the site in `other`, of somebody whose realm it trusts.
pub fn token_from(home: &TestRealm, other: &TestRealm, user: &str) -> Vec<u8> {
    let both = home.folder().join("both.conf");
    let [mut text, of_other] =
        [home, other].map(|realm| fs::read_to_string(realm.krb5_conf()).expect("reads"));
    text.push_str(&of_other[of_other.find("[realms]").expect("a section")..]);
    fs::write(&both, text).expect("writes");

    let cache = home.ticket_cache(user).expect("a ticket");
    let spn = format!("{SPN}@{}", other.realm());
    let mut kvno = cache.command("kvno");
    let got = kvno.args(["-q", &spn]).env("KRB5_CONFIG", &both).status();
    assert!(
        got.expect("kvno").success(),
        "{} issues the ticket",
        other.realm()
    );
    cache.token(&spn).expect("a token")
}

/// Two realms, each with an alice of its own; CORP.TEST has the site, and trusts LAB.TEST.
struct Realms {
    corp: TestRealm,
    lab: TestRealm,
    of_corp: TestLdap,
    of_lab: TestLdap,
}

impl Realms {
    fn start() -> Self {
        let realm = |name: &str| TestRealm::builder().realm(name).start().expect("a KDC");
        let realms = Self {
            corp: realm("CORP.TEST"),
            lab: realm("LAB.TEST"),
            of_corp: TestLdap::start().expect("a server"),
            of_lab: TestLdap::start().expect("a server"),
        };
        trust(&realms.lab, &realms.corp);
        realms
            .of_lab
            .ldif(
                "dn: uid=alice,ou=people,dc=example,dc=test\nchangetype: modify\n\
                 replace: displayName\ndisplayName: Alice of the lab\n-\n\
                 replace: mail\nmail: alice@lab.test\n",
            )
            .expect("changed");
        // Bob is a man of CORP alone.
        realms
            .of_lab
            .ldif("dn: uid=bob,ou=people,dc=example,dc=test\nchangetype: delete\n")
            .expect("deleted");
        realms
    }

    fn layer(&self) -> SpnegoLayerBuilder {
        let of = |ldap| people(ldap).build().expect("a directory");
        layer(&self.corp).realm("LAB.TEST").directory(
            RealmDirectories::new()
                .realm("CORP.TEST", of(&self.of_corp))
                .realm("LAB.TEST", of(&self.of_lab)),
        )
    }

    fn lab_token(&self, user: &str) -> Vec<u8> {
        token_from(&self.lab, &self.corp, user)
    }
}

#[tokio::test]
async fn each_realms_alice_is_herself() {
    let realms = Realms::start();
    let site = Site::new(realms.layer());
    let of_corp = token(&realms.corp, "alice");
    let of_lab = realms.lab_token("alice");
    let mut browser = site.browser();
    let answer = browser.get_with("/who", &of_corp).await;
    assert_eq!(
        answer.body,
        "Alice Liddell <alice@example.test> in Engineers, Staff"
    );
    browser.get("/").await.is_hello("alice@CORP.TEST");
    assert_eq!(browser.get("/cart/add/pear").await.body, "pear");
    // Nothing of hers is the other's.
    let answer = browser.get_with("/cart", &of_lab).await;
    assert_eq!(answer.body, "", "{answer:?}");
    let answer = browser.get("/who").await;
    assert_eq!(
        answer.body,
        "Alice of the lab <alice@lab.test> in Engineers, Staff"
    );
    browser.get("/").await.is_hello("alice@LAB.TEST");

    let bob = site
        .browser()
        .get_with("/", &token(&realms.corp, "bob"))
        .await;
    bob.is_hello("bob@CORP.TEST");
    let bob = site.browser().get_with("/", &realms.lab_token("bob")).await;
    bob.is_forbidden(ErrorKind::UserNotFound);
}

#[tokio::test]
async fn one_realms_directory_that_is_down_is_no_other_realms_outage() {
    let mut realms = Realms::start();
    let site = Site::new(realms.layer());
    realms.of_lab.stop();
    let answer = site
        .browser()
        .get_with("/", &realms.lab_token("alice"))
        .await;
    assert_eq!(
        answer.kind(),
        Some(ErrorKind::DirectoryUnavailable),
        "{answer:?}"
    );
    let answer = site
        .browser()
        .get_with("/", &token(&realms.corp, "alice"))
        .await;
    answer.is_hello("alice@CORP.TEST");
}

#[tokio::test]
async fn a_group_of_one_realm_is_no_other_realms() {
    let realms = Realms::start();
    let engineers = "cn=Engineers,ou=groups,dc=example,dc=test";
    realms
        .of_lab
        .ldif(&format!("dn: {engineers}\nchangetype: delete\n"))
        .expect("deleted");
    let site = Site::new(realms.layer().require_group(engineers));
    let answer = site
        .browser()
        .get_with("/", &token(&realms.corp, "alice"))
        .await;
    answer.is_hello("alice@CORP.TEST");
    let answer = site
        .browser()
        .get_with("/", &realms.lab_token("alice"))
        .await;
    answer.is_forbidden(ErrorKind::UserDenied);
}

#[test]
fn a_realm_without_a_directory_or_two_with_one_keep_the_layer_from_starting() {
    let realm = crate::site::realm();
    let ldap = |filter: &str| {
        LdapDirectory::builder("ldap://127.0.0.1")
            .search("dc=example,dc=test", filter)
            .build()
            .expect("a directory")
    };
    let own = realm.realm();
    let build = |directories: RealmDirectories| {
        let layer = layer(&realm).realm("LAB.TEST").directory(directories);
        layer.build().map(drop)
    };
    let new = RealmDirectories::new;
    let error = build(
        new()
            .realm(own, PrincipalOnly)
            .realm("Lab.test", PrincipalOnly),
    );
    let error = error.expect_err("no directory for LAB.TEST");
    assert!(matches!(error, ConfigError::RealmNotServed { .. }));
    assert!(
        error.to_string().contains(r#".realm("LAB.TEST", ..)"#),
        "{error}"
    );

    // The same people twice, whether or not it is the same value.
    for other in [ldap("(uid={user})"), ldap("(uid={user})").clone()] {
        let error = build(
            new()
                .realm(own, ldap("(uid={user})"))
                .realm("LAB.TEST", other),
        );
        assert!(matches!(error, Err(ConfigError::RealmsNotToldApart)));
    }
    build(
        new()
            .realm(own, ldap("(uid={user})"))
            .realm("LAB.TEST", ldap("(cn={user})")),
    )
    .expect("two directories");
    let told_apart = ldap("(&(uid={user})(o={realm}))");
    build(
        new()
            .realm(own, told_apart.clone())
            .realm("LAB.TEST", told_apart),
    )
    .expect("told apart");
    // Of one realm there is nobody to be told from.
    let one = new().realm(own, ldap("(uid={user})"));
    let layer = layer(&realm).directory(one);
    layer
        .name_mapping(NameMapping::StripRealm)
        .build()
        .expect("starts");
}

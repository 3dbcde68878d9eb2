//! What a principal's name becomes.

use tower_spnego::testing::TestRealm;
use tower_spnego::{ConfigError, ErrorKind, NameMapping};

use crate::process;
use crate::site::{Answer, Site, layer, realm, token};

async fn sign_in(site: &Site, realm: &TestRealm, user: &str) -> Answer {
    site.browser().get_with("/", &token(realm, user)).await
}

#[tokio::test]
async fn the_whole_principal_stays_where_it_is_asked_for() {
    let realm = realm();
    let site = Site::new(layer(&realm).name_mapping(NameMapping::FullPrincipal));
    let answer = sign_in(&site, &realm, "alice").await;
    answer.is_hello("alice@EXAMPLE.TEST");
}

#[tokio::test]
async fn one_realm_can_be_stripped_and_several_can_not() {
    let realm = realm();
    let stripping = || layer(&realm).name_mapping(NameMapping::StripRealm);
    let site = Site::new(stripping());
    sign_in(&site, &realm, "alice").await.is_hello("alice");
    let error = stripping().realm("LAB.TEST").build().expect_err("two");
    assert!(
        matches!(error, ConfigError::StrippingSeveralRealms),
        "{error}"
    );
}

/// libkrb5 reads the rules from the process's own krb5.conf.
#[tokio::test]
async fn the_rules_of_krb5_conf_make_the_name_or_refuse() {
    const RULES: &str = r"
[libdefaults]
    default_realm = EXAMPLE.TEST
[realms]
    EXAMPLE.TEST = {
        auth_to_local_names = {
            dora = theodora
        }
        auth_to_local = RULE:[1:$1](^c.*)s/$/-the-cook/
        auth_to_local = RULE:[1:$1](alice)
        auth_to_local = RULE:[1:$1](eve)s/eve/e\x1bve/
    }
";
    if !process::is_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("krb5.conf");
        std::fs::write(&file, RULES.replace(r"\x1b", "\u{1b}")).expect("written");
        return process::run(
            "names::the_rules_of_krb5_conf_make_the_name_or_refuse",
            [("KRB5_CONFIG", file)],
        );
    }
    let realm = TestRealm::builder()
        .principals(["alice", "bob", "carol", "dora", "eve", "carol/admin"])
        .start()
        .expect("a KDC");
    let site = Site::new(layer(&realm).name_mapping(NameMapping::AuthToLocal));
    sign_in(&site, &realm, "alice").await.is_hello("alice");
    sign_in(&site, &realm, "carol")
        .await
        .is_hello("carol-the-cook");
    sign_in(&site, &realm, "dora").await.is_hello("theodora");
    let answer = sign_in(&site, &realm, "bob").await;
    answer.is_forbidden(ErrorKind::NoLocalName);
    for name in ["eve", "carol/admin"] {
        let answer = sign_in(&site, &realm, name).await;
        answer.is_forbidden(ErrorKind::NameNotAllowed);
    }
}

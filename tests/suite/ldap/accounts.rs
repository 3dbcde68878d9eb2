//! Accounts that may not sign in, though their tickets are valid.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{BasicOver, ErrorKind};

use super::presets::{free_ipa, free_ipa_tree, openldap};
use super::{people, server, sign_in_as, site};
use crate::process;
use crate::site::{Site, layer, realm, request, token, with_header};

const DENIED: ErrorKind = ErrorKind::UserDenied;

fn change(ldap: &TestLdap, dn: &str, what: &str) {
    let ldif = format!("dn: {dn}\nchangetype: modify\n{what}\n");
    ldap.ldif(&ldif).expect(what);
}

#[tokio::test]
async fn a_ticket_does_not_outlive_its_account() {
    let realm = realm();
    let ldap = TestLdap::start().expect("a server");
    let ipa = TestLdap::start().expect("a server");
    free_ipa_tree(&ipa);
    let alice = format!("uid=alice,{}", ldap.people());
    let of_free_ipa = format!("uid=Alice,cn=users,cn=accounts,{}", ipa.base());
    let classes = "add: objectClass\nobjectClass: testAccount\nobjectClass: shadowAccount";
    change(&ldap, &alice, classes);
    let classes = "add: objectClass\nobjectClass: shadowAccount";
    change(&ipa, &of_free_ipa, classes);
    let template = format!("uid={{user}},{}", ldap.people());
    let cache = realm.ticket_cache("alice").expect("a ticket");
    for (directory, ldap, dn) in [
        (people(&ldap), &ldap, &alice),
        (server(&ldap).dn_template(template), &ldap, &alice),
        (openldap(&ldap), &ldap, &alice),
        (free_ipa(&ipa), &ipa, &of_free_ipa),
    ] {
        let site = site(&realm, directory);
        let sign_in = async || {
            let token = cache.token(crate::site::SPN).expect("a token");
            site.browser().get_with("/who", &token).await
        };
        for (name, value) in [
            ("nsAccountLock", "TRUE"),
            ("shadowExpire", "1"),
            ("krbPrincipalExpiration", "20200101000000Z"),
            ("pwdAccountLockedTime", "000001010000Z"),
            ("pwdStartTime", "99990101000000Z"),
            ("pwdEndTime", "20200101000000Z"),
        ] {
            assert_eq!(sign_in().await.status, StatusCode::OK, "{dn}, {name}");
            change(ldap, dn, &format!("add: {name}\n{name}: {value}"));
            let answer = sign_in().await;
            assert_eq!(answer.kind(), Some(DENIED), "{dn}, {name}: {answer:?}");
            let error = answer.error.as_ref().expect("an error").to_string();
            assert!(error.contains(dn) && error.contains(name), "{error}");
            answer.is_forbidden(DENIED);
            change(ldap, dn, &format!("delete: {name}"));
        }
    }
}

/// Whoever guesses at a password over LDAP throws nobody out who has a ticket. The KDC, which checks
/// passwords here, knows nothing of slapd's lock.
#[tokio::test]
async fn whom_wrong_passwords_have_locked_signs_in_with_a_ticket_and_not_with_a_password() {
    const TEST: &str = "ldap::accounts::whom_wrong_passwords_have_locked_signs_in_with_a_ticket_and_not_with_a_password";
    const PASSWORD: &str = "right";
    // libkrb5 finds the KDC by the process's own krb5.conf.
    let realm = || TestRealm::start().expect("a KDC");
    if !process::is_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("krb5.conf");
        return process::run(TEST, [("KRB5_CONFIG", file)]);
    }
    let realm = realm();
    let own = std::env::var_os("KRB5_CONFIG").expect("a path");
    std::fs::copy(realm.krb5_conf(), own).expect("copies");
    let bobs_ticket = token(&realm, "bob");
    realm.set_password("alice", PASSWORD).expect("set");
    let ldap = TestLdap::start().expect("a server");
    let (base, alice) = (ldap.base(), format!("uid=alice,{}", ldap.people()));
    ldap.ldif(&format!(
        "dn: cn=policy,{base}\nobjectClass: organizationalRole\nobjectClass: pwdPolicy\n\
         cn: policy\npwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: 3\n"
    ))
    .expect("a policy");
    let policy = format!("pwdPolicySubentry: cn=policy,{base}");
    change(
        &ldap,
        &alice,
        &format!(
            "add: pwdPolicySubentry\n{policy}\n-\nadd: userPassword\nuserPassword: {PASSWORD}"
        ),
    );
    ldap.simple_bind(&alice, PASSWORD).expect("bound");

    let directory = people(&ldap).build().expect("a directory");
    let layer = layer(&realm).basic(BasicOver::always_tls());
    let site = Site::new(layer.directory(directory));
    let with_password = async || {
        let pair = STANDARD.encode(format!("alice:{PASSWORD}"));
        let request = with_header(request("/"), "authorization", &format!("Basic {pair}"));
        site.browser().send(request).await
    };
    let ticket = realm.ticket("alice").password(PASSWORD).get();
    let ticket = ticket.expect("a ticket");
    let with_ticket = async || {
        let token = ticket.token(crate::site::SPN).expect("a token");
        site.browser().get_with("/", &token).await
    };
    with_password().await.is_hello("alice");
    for _ in 0..3 {
        ldap.simple_bind(&alice, "wrong").expect_err("refused");
    }
    ldap.simple_bind(&alice, PASSWORD).expect_err("locked");
    with_ticket().await.is_hello("alice");
    let answer = with_password().await;
    answer.is_forbidden(DENIED);
    // An administrator's lock is for both.
    let lock = "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z";
    change(&ldap, &alice, lock);
    with_ticket().await.is_forbidden(DENIED);
    assert_eq!(with_password().await.kind(), Some(DENIED));
    // And it is hers alone.
    let answer = site.browser().get_with("/", &bobs_ticket).await;
    answer.is_hello("bob");
    change(&ldap, &alice, "delete: pwdAccountLockedTime");
    with_password().await.is_hello("alice");
}

#[tokio::test]
async fn a_value_that_nobody_can_read_is_a_mistake_of_the_directorys() {
    let realm = realm();
    let ldap = TestLdap::start().expect("a server");
    let alice = format!("uid=alice,{}", ldap.people());
    change(&ldap, &alice, "add: objectClass\nobjectClass: testAccount");
    change(&ldap, &alice, "add: nsAccountLock\nnsAccountLock: perhaps");
    let site = site(&realm, people(&ldap));
    let answer = sign_in_as(&site, &realm, "alice").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.kind(), Some(ErrorKind::DirectoryMisconfigured));
    assert_eq!(site.calls(), 0);
}

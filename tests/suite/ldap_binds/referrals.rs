//! Referrals: told, and never followed.

use tower_spnego::ErrorKind;
use tower_spnego::testing::{TestLdap, TestRealm};

use super::recorder::answer;
use super::{people, site};
use crate::site::{Site, token};

/// Has the server refer to this one for what is below `ou=elsewhere`.
fn refer(ldap: &TestLdap, url: &str) {
    let people = ldap.people();
    ldap.ldif(&format!(
        "dn: ou=elsewhere,{people}\nobjectClass: referral\nobjectClass: extensibleObject\n\
         ou: elsewhere\nref: {url}/ou=elsewhere,{people}\n"
    ))
    .expect("added");
}

async fn kind_of(realm: &TestRealm, site: &Site, user: &str) -> Option<ErrorKind> {
    let answer = site.browser().get_with("/", &token(realm, user)).await;
    answer.kind()
}

#[tokio::test]
async fn no_other_server_hears_of_us() {
    let realm = TestRealm::builder()
        .principals(["alice", "carol"])
        .start()
        .expect("a KDC");
    let ldap = TestLdap::start().expect("a server");
    let (address, heard) = answer(&[]).await;
    refer(&ldap, &format!("ldap://{address}"));
    let bound = || {
        people(&ldap, &ldap.tls_url())
            .ca_file(ldap.ca_file())
            .bind_simple(ldap.service_dn(), ldap.service_password())
    };
    // Beside what is found, and where nothing is.
    let below = site(&realm, bound());
    assert_eq!(kind_of(&realm, &below, "alice").await, None);
    let carol = below.browser().get_with("/", &token(&realm, "carol")).await;
    carol.is_forbidden(ErrorKind::UserNotFound);
    let error = carol.error.expect("an error").to_string();
    assert!(error.contains("the server refers to others"), "{error}");
    // In place of the base.
    let base = format!("ou=elsewhere,{}", ldap.people());
    let there = site(&realm, bound().search(base, "(uid={user})"));
    let kind = kind_of(&realm, &there, "alice").await;
    assert_eq!(kind, Some(ErrorKind::DirectoryMisconfigured));
    assert_eq!(heard.connections(), 0);
}

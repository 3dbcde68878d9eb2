//! Rechecks that end in every way, of a directory that binds with a keytab.

use std::collections::BTreeSet;

use tower_spnego::ErrorKind;
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{TestLdap, TestRealm};

use super::secrets::Secrets;
use crate::recheck::{INTERVAL, is_out};
use crate::site::{Browser, Site, TestClock, layer, token};

/// Returns the kinds of the refusals. `krb5.conf` is the realm's.
pub async fn to_every_end(realm: &TestRealm, secrets: &mut Secrets) -> BTreeSet<String> {
    let ldap = TestLdap::builder().realm(realm).expect("a service");
    let ldap = ldap.start().expect("a server");
    let dora = ldap.add_person("dora", "Dora").expect("added");
    let keytab = ldap.service_keytab().expect("a keytab");
    secrets.file(&keytab);
    let directory = LdapDirectory::builder(ldap.tls_url())
        .ca_file(ldap.ca_file())
        .bind_gssapi("web@EXAMPLE.TEST", keytab)
        .search(ldap.people(), "(uid={user})")
        .build()
        .expect("a directory");
    let clock = TestClock::default();
    let layer = layer(realm).directory(directory).clock(clock.reader());
    let site = Site::new(layer.recheck_every(INTERVAL));
    let mut sign_in = async |name: &str| -> Browser {
        let mut browser = site.browser();
        let token = secrets.token(&token(realm, name));
        let answer = browser.get_with("/", &token).await;
        answer.is_hello(name);
        secrets.answer(&answer, &browser);
        browser
    };
    let mut bob = sign_in("bob").await;
    let mut dora_signed_in = sign_in("dora").await;

    clock.advance(INTERVAL);
    bob.get("/").await.is_hello("bob");
    let delete = format!("dn: {dora}\nchangetype: delete\n");
    ldap.ldif(&delete).expect("deleted");
    is_out(&dora_signed_in.get("/").await, ErrorKind::UserNotFound);
    drop(ldap);
    clock.advance(INTERVAL);
    bob.get("/").await.is_hello("bob");
    clock.advance(INTERVAL);
    let answer = bob.get("/").await;
    assert_eq!(answer.kind(), Some(ErrorKind::DirectoryUnavailable));
    let kinds = [ErrorKind::UserNotFound, ErrorKind::DirectoryUnavailable];
    kinds.map(|kind| format!("{kind:?}")).into()
}

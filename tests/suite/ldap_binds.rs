//! Whom a directory is to its LDAP server, and over what.

mod external;
#[cfg(feature = "ldap-gssapi")]
mod gssapi;
mod recorder;
mod referrals;
mod start_tls;

use http::StatusCode;
use tower_spnego::ErrorKind;
use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::{TestLdap, TestRealm};

use crate::site::{Site, layer, token};

/// The people of this server at this URL, asked anonymously unless said otherwise.
fn people(ldap: &TestLdap, url: &str) -> LdapDirectoryBuilder {
    LdapDirectory::builder(url).search(ldap.people(), "(uid={user})")
}

fn site(realm: &TestRealm, directory: LdapDirectoryBuilder) -> Site {
    Site::new(layer(realm).directory(directory.build().expect("a directory")))
}

async fn alice_signs_in(site: &Site, realm: &TestRealm) {
    let answer = site
        .browser()
        .get_with("/who", &token(realm, "alice"))
        .await;
    let known = "Alice Liddell <alice@example.test> in Engineers, Staff";
    assert_eq!(answer.body, known, "{answer:?}");
}

/// The error of a sign-in that the directory can't serve.
async fn is_unavailable(site: &Site, realm: &TestRealm, kind: ErrorKind) -> String {
    let calls = site.calls();
    let answer = site.browser().get_with("/", &token(realm, "alice")).await;
    assert_eq!(answer.kind(), Some(kind), "{answer:?}");
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(site.calls(), calls, "no handler");
    answer.error.expect("an error").to_string()
}

//! On Active Directory, as the service's account.

use std::path::PathBuf;

use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::{TestActiveDirectory, active_directory_or_skip};
use tower_spnego::{ErrorKind, PrincipalOnly, SpnegoLayer};

use super::{elsewhere, variable};
use crate::site::{SPN, Site};

/// A domain whose KDC this process asks, and where the server's SPN has the address, since the
/// tests have no names for it.
fn domain() -> TestActiveDirectory {
    let ad = TestActiveDirectory::start().expect("a domain");
    std::fs::copy(ad.krb5_conf(), variable("KRB5_CONFIG")).expect("copied");
    let controller = format!("CN=DC1,OU=Domain Controllers,{}", ad.base_dn());
    ad.ldif(&format!(
        "dn: {controller}\nchangetype: modify\nadd: servicePrincipalName\n\
         servicePrincipalName: ldap/{}\n",
        ad.address()
    ))
    .expect("changed");
    ad
}

fn keytab_of(ad: &TestActiveDirectory, account: &str) -> PathBuf {
    let path = ad.folder().join(format!("{account}.keytab"));
    let account = format!("--principal={account}");
    let arguments = [
        "domain",
        "exportkeytab",
        &path.display().to_string(),
        &account,
    ];
    ad.samba_tool(arguments).expect("exported");
    path
}

fn people(ad: &TestActiveDirectory) -> LdapDirectoryBuilder {
    LdapDirectory::active_directory("ad.example.test")
        .server(ad.ldaps_url())
        .ca_file(ad.ca_file())
}

fn site(ad: &TestActiveDirectory, directory: LdapDirectoryBuilder) -> Site {
    let layer = SpnegoLayer::builder()
        .realm(ad.realm())
        .hostname("localhost")
        .keytab(ad.keytab())
        .directory(PrincipalOnly);
    Site::new(layer.directory(directory.build().expect("a directory")))
}

#[tokio::test]
async fn the_services_account_finds_people_by_its_keytab() {
    if !active_directory_or_skip(
        "ldap_binds::gssapi::active_directory::the_services_account_finds_people_by_its_keytab",
    ) || elsewhere("active_directory::the_services_account_finds_people_by_its_keytab")
    {
        return;
    }
    let ad = domain();
    let keytab = keytab_of(&ad, "svc-web");
    let site = site(
        &ad,
        people(&ad).bind_gssapi("svc-web@AD.EXAMPLE.TEST", keytab),
    );
    for user in ["alice", "bob"] {
        let token = ad.ticket_cache(user).expect("a ticket").token(SPN);
        let answer = site.browser().get_with("/", &token.expect("a token")).await;
        answer.is_hello(user);
    }
    assert!(!variable("KRB5CCNAME").exists());
}

#[tokio::test]
async fn an_spn_is_no_account_there() {
    if !active_directory_or_skip("ldap_binds::gssapi::active_directory::an_spn_is_no_account_there")
        || elsewhere("active_directory::an_spn_is_no_account_there")
    {
        return;
    }
    let ad = domain();
    let spn = "HTTP/localhost@AD.EXAMPLE.TEST";
    let site = site(&ad, people(&ad).bind_gssapi(spn, ad.keytab()));
    let token = ad.ticket_cache("alice").expect("a ticket").token(SPN);
    let answer = site.browser().get_with("/", &token.expect("a token")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::DirectoryMisconfigured));
    let error = answer.error.expect("an error").to_string();
    assert!(error.contains("an SPN such as HTTP/… is none"), "{error}");
}

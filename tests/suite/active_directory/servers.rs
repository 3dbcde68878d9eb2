//! A domain whose servers DNS names.

use std::net::IpAddr;

use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{TestActiveDirectory, TestDns};

use super::{domain, layer};
use crate::site::{SPN, Site};

#[tokio::test]
async fn a_domain_without_a_named_server_is_found_by_dns() {
    let Some(ad) =
        domain("active_directory::servers::a_domain_without_a_named_server_is_found_by_dns")
    else {
        return;
    };
    let dns = TestDns::start().expect("a DNS server");
    let controller = "dc1.ad.example.test";
    // As Active Directory has it: the port of LDAP, and no word of TLS.
    let named = dns.set_ldap_servers("ad.example.test", [(0, 100, 389, controller)]);
    named.expect("named");
    dns.set_addresses(controller, [IpAddr::from(ad.address())])
        .expect("named");
    let directory = LdapDirectory::active_directory("ad.example.test")
        .dns_server(dns.address())
        .ca_file(ad.ca_file())
        .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
        .build()
        .expect("a directory");
    let site = Site::new(layer(&ad).directory(directory));
    let token = ad.ticket_cache("alice").expect("a ticket").token(SPN);
    let answer = site.browser().get_with("/", &token.expect("a token")).await;
    answer.is_hello("alice");
}

#[tokio::test]
async fn a_domain_that_is_misspelt_is_said_to_be_so() {
    let Some(ad) = domain("active_directory::servers::a_domain_that_is_misspelt_is_said_to_be_so")
    else {
        return;
    };
    let directory = LdapDirectory::active_directory("ad.exmaple.test")
        .server(ad.ldaps_url())
        .ca_file(ad.ca_file())
        .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
        .build()
        .expect("a directory");
    let site = Site::new(layer(&ad).directory(directory));
    let token = ad.ticket_cache("alice").expect("a ticket").token(SPN);
    let answer = site.browser().get_with("/", &token.expect("a token")).await;
    let error = answer.error.as_ref().expect("an error").to_string();
    assert!(error.contains("DC=ad,DC=exmaple,DC=test"), "{error}");
    assert!(
        error.contains("of a domain's name, look whether that is spelled right"),
        "{error}"
    );
}

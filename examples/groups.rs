//! Who may do what, by the groups of an LDAP directory: who gets in at all, a page for some, and a
//! role that handlers ask for.
//!
//! `cargo run --features testing --example groups` tries it in a throw-away realm and directory.

use axum::Router;
use axum::routing::get;
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{ConfigError, RequireGroup, SpnegoLayer, User};

#[path = "support/mod.rs"]
mod support;

use support::{Failure, cookie, nobody, ticket};

const STAFF: &str = "cn=Staff,ou=groups,dc=example,dc=test";
const ENGINEERS: &str = "cn=Engineers,ou=groups,dc=example,dc=test";

fn app(realm: &TestRealm, ldap: &TestLdap) -> Result<Router, ConfigError> {
    let directory = LdapDirectory::builder(ldap.tls_url()) // "ldaps://ldap.corp.example.com"
        .ca_file(ldap.ca_file()) // leave it out where the system trusts the server's certificate
        .bind_simple(ldap.service_dn(), ldap.service_password())
        .search(ldap.people(), "(&(objectClass=inetOrgPerson)(uid={user}))")
        .build()?;

    let spnego = SpnegoLayer::builder()
        .realm("EXAMPLE.TEST")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(directory)
        .require_group(STAFF) // others don't get in
        .role("editor", ENGINEERS)
        .build()?;

    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_same_site(SameSite::Lax)
        .with_secure(false); // for a try over plain http: leave it out

    Ok(Router::new()
        .route("/machines", get(async || "Mind the gears.\n"))
        .route_layer(RequireGroup::new(ENGINEERS)?) // for the routes above it
        .route("/", get(home))
        .layer(spnego)
        .layer(sessions))
}

async fn home(user: User) -> String {
    let groups: Vec<_> = user.groups().map(|group| group.name()).collect();
    let may = match user.has_role("editor") {
        true => "read and write",
        false => "read",
    };
    format!(
        "{} of {} may {may}.\n",
        user.display_name(),
        groups.join(" and ")
    )
}

fn main() -> Result<(), Failure> {
    let realm = support::realm()?;
    let ldap = TestLdap::start()?;
    let tries = [
        nobody("/").gets("401", "You are not signed in."),
        ticket("alice", "/").gets(
            "200",
            "Alice Liddell of Engineers and Staff may read and write.",
        ),
        cookie("alice", "/machines").gets("200", "Mind the gears."),
        ticket("bob", "/").gets("200", "of Staff may read."),
        cookie("bob", "/machines").gets("403", "You may not open this page."),
    ];
    support::serve(app(&realm, &ldap)?, &realm, &tries)
}

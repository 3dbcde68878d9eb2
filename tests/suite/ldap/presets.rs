//! OpenLDAP and FreeIPA by their presets. FreeIPA itself can't run here: slapd has its tree and schema.

use axum::Router;
use axum::routing::get;
use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{ErrorKind, SpnegoLayerBuilder, User};

use super::{bound, sign_in_as, site};
use crate::groups::find;
use crate::site::{Site, layer, token};

pub(super) fn openldap(ldap: &TestLdap) -> LdapDirectoryBuilder {
    bound(
        LdapDirectory::openldap(ldap.base()).server(ldap.tls_url()),
        ldap,
    )
}

pub(super) fn free_ipa(ldap: &TestLdap) -> LdapDirectoryBuilder {
    bound(
        LdapDirectory::free_ipa("example.test").server(ldap.tls_url()),
        ldap,
    )
}

/// Alice, who has an alias, and a host, where FreeIPA has them.
pub(super) fn free_ipa_tree(ldap: &TestLdap) {
    let base = ldap.base();
    let folder = |name: &str| {
        let cn = name.split(',').next().unwrap_or_default();
        format!("dn: cn={name},{base}\nobjectClass: organizationalRole\ncn: {cn}\n\n")
    };
    let folders: String = [
        "accounts",
        "users,cn=accounts",
        "computers,cn=accounts",
        "groups,cn=accounts",
    ]
    .map(folder)
    .concat();
    let entry = |dn: &str, cn: &str, principals: &[&str]| {
        let principals: String = principals
            .iter()
            .map(|name| format!("krbPrincipalName: {name}@EXAMPLE.TEST\n"))
            .collect();
        format!(
            "dn: {dn},cn=accounts,{base}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n\
             objectClass: testAccount\nuid: {cn}\ncn: {cn}\nsn: {cn}\nuidNumber: 1\ngidNumber: 1\n\
             homeDirectory: /\nipaUniqueID: id-of-{cn}\n{principals}\n"
        )
    };
    let alice = entry(
        "uid=Alice,cn=users",
        "Alice",
        &["alice", "alice.liddell", "alice.l@example.test"],
    );
    let alice = alice.replace("alice.l@", r"alice.l\@");
    let host = entry("uid=host,cn=computers", "host", &["bob"]);
    let group = |cn: &str, member: &str| {
        format!(
            "dn: cn={cn},cn=groups,cn=accounts,{base}\nobjectClass: groupOfNames\ncn: {cn}\n\
             member: {member},cn=accounts,{base}\n\n"
        )
    };
    let groups =
        group("editors", "uid=Alice,cn=users") + &group("ipausers", "cn=editors,cn=groups");
    ldap.ldif(&format!("{folders}{alice}{host}{groups}"))
        .expect("added");
}

fn identity() -> Router {
    let identity = async |user: User| format!("{} {}", user.username(), user.id());
    Router::new().route("/", get(identity))
}

async fn who_is(
    layer: SpnegoLayerBuilder,
    directory: LdapDirectoryBuilder,
    token: &[u8],
) -> String {
    let directory = directory.build().expect("a directory");
    let site = Site::of(identity(), layer.directory(directory));
    site.browser().get_with("/", token).await.body
}

#[tokio::test]
async fn openldap_needs_no_more_than_its_base() {
    let realm = TestRealm::builder()
        .principals(["alice", "web"])
        .start()
        .expect("a KDC");
    let ldap = TestLdap::start().expect("a server");
    let site = site(&realm, openldap(&ldap));
    let answer = sign_in_as(&site, &realm, "alice").await;
    let known = "Alice Liddell <alice@example.test> in Engineers, Staff";
    assert_eq!(answer.body, known);
    // The service account is no person.
    let answer = sign_in_as(&site, &realm, "web").await;
    answer.is_forbidden(ErrorKind::UserNotFound);
}

#[tokio::test]
async fn presets_know_the_groups_that_a_group_is_in() {
    let ldap = TestLdap::start().expect("a server");
    ldap.ldif(&format!(
        "dn: cn=Everybody,{0}\nobjectClass: groupOfNames\ncn: Everybody\n\
         member: cn=Staff,{0}\n",
        ldap.groups()
    ))
    .expect("added");
    let groups = async |directory: LdapDirectoryBuilder| {
        let found = find(directory, "alice", "EXAMPLE.TEST").await;
        let found = found.expect("groups");
        let names: Vec<_> = found.iter().map(|group| group.name().to_owned()).collect();
        names
    };
    let mut of_openldap = groups(openldap(&ldap).group_base(ldap.groups())).await;
    of_openldap.sort_unstable();
    assert_eq!(of_openldap, ["Engineers", "Everybody", "Staff"]);
    let ipa = TestLdap::start().expect("a server");
    free_ipa_tree(&ipa);
    assert_eq!(groups(free_ipa(&ipa)).await, ["editors", "ipausers"]);
}

#[tokio::test]
async fn on_free_ipa_every_principal_of_a_user_is_that_user_by_its_name_there() {
    let enterprise = r"alice.l\@example.test";
    let realm = TestRealm::builder()
        .principals(["alice", "alice.liddell", "bob"])
        .start()
        .expect("a KDC");
    realm.add_principals([enterprise]).expect("added");
    let ldap = TestLdap::start().expect("a server");
    free_ipa_tree(&ldap);
    for name in ["alice", "alice.liddell", enterprise] {
        let answer = who_is(layer(&realm), free_ipa(&ldap), &token(&realm, name)).await;
        assert_eq!(answer, "Alice id-of-Alice");
    }
    // A host's principal is nobody's.
    let site = site(&realm, free_ipa(&ldap));
    let answer = sign_in_as(&site, &realm, "bob").await;
    answer.is_forbidden(ErrorKind::UserNotFound);
}

#[tokio::test]
async fn with_several_realms_or_a_mapping_the_username_is_the_layers_and_not_the_directorys() {
    use tower_spnego::NameMapping::FullPrincipal;
    let realm = TestRealm::builder()
        .principals(["alice.liddell"])
        .start()
        .expect("a KDC");
    let ldap = TestLdap::start().expect("a server");
    free_ipa_tree(&ldap);
    for layer in [
        layer(&realm).realm("OTHER.TEST"),
        layer(&realm).name_mapping(FullPrincipal),
    ] {
        let answer = who_is(layer, free_ipa(&ldap), &token(&realm, "alice.liddell")).await;
        assert_eq!(answer, "alice.liddell@EXAMPLE.TEST id-of-Alice");
    }
}

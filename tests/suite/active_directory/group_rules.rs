//! Who may in by their groups, in a domain.

use tower_spnego::testing::{GroupScope, TestActiveDirectory};
use tower_spnego::{
    ConfigError, Directory, ErrorKind, GroupRule, Sid, SpnegoLayerBuilder, TicketDirectory,
};

use super::ldap::people;
use super::{domain, layer};
use crate::site::{Answer, SPN, Site};

fn layer_of(ad: &TestActiveDirectory, directory: impl Directory) -> SpnegoLayerBuilder {
    layer(ad).directory(directory)
}

async fn sign_in(ad: &TestActiveDirectory, layer: SpnegoLayerBuilder, user: &str) -> Answer {
    let token = ad.ticket_cache(user).expect("a ticket").token(SPN);
    let site = Site::new(layer);
    let answer = site.browser().get_with("/", &token.expect("a token")).await;
    assert_eq!(site.calls(), usize::from(answer.status.is_success()));
    answer
}

fn sid(ad: &TestActiveDirectory, account: &str) -> Sid {
    let sid = ad.sid(account).expect("found");
    sid.parse().expect("a SID")
}

#[tokio::test]
async fn a_second_group_of_the_same_cn_is_not_the_group() {
    let test = "active_directory::group_rules::a_second_group_of_the_same_cn_is_not_the_group";
    let Some(ad) = domain(test) else { return };
    ad.add_group("Admins", GroupScope::Global).expect("added");
    ad.add_members("Admins", ["alice"]).expect("added");
    let (base, bob) = (ad.base_dn(), ad.dn("bob").expect("found"));
    // Whoever owns one organizational unit can make it.
    ad.ldif(&format!(
        "dn: OU=Mallory,{base}\nobjectClass: organizationalUnit\n\n\
         dn: CN=Admins,OU=Mallory,{base}\nobjectClass: group\nsAMAccountName: mallorys\n\
         member: {bob}\n"
    ))
    .expect("added");
    let admins = ad.dn("Admins").expect("found").to_lowercase();
    let layer = |rule: GroupRule| {
        let directory = people(&ad).build().expect("a directory");
        layer_of(&ad, directory).require_group(rule)
    };
    sign_in(&ad, layer(GroupRule::dn(&admins)), "alice")
        .await
        .is_hello("alice");
    let answer = sign_in(&ad, layer(GroupRule::dn(&admins)), "bob").await;
    answer.is_forbidden(ErrorKind::UserDenied);
    let answer = sign_in(&ad, layer(!GroupRule::dn(&admins)), "alice").await;
    answer.is_forbidden(ErrorKind::UserDenied);
    sign_in(&ad, layer(!GroupRule::dn(&admins)), "bob")
        .await
        .is_hello("bob");
}

#[tokio::test]
async fn a_denied_group_is_denied_however_its_letters_are_written() {
    let test =
        "active_directory::group_rules::a_denied_group_is_denied_however_its_letters_are_written";
    let Some(ad) = domain(test) else { return };
    ad.add_group("Gäste Größe", GroupScope::Global)
        .expect("added");
    ad.add_members("Gäste Größe", ["alice"]).expect("added");
    let dn = ad.dn("Gäste Größe").expect("found");
    assert!(dn.starts_with("CN=Gäste Größe,"), "{dn}");
    let directory = || people(&ad).build().expect("a directory");
    for spelled in [
        "CN=Gäste Größe,",
        "cn=GÄSTE GRÖßE,",
        "CN=Ga\u{308}ste Gro\u{308}ße,",
        "CN=Gaste Grosse,",
    ] {
        let spelled = dn.replace("CN=Gäste Größe,", spelled);
        let layer = layer_of(&ad, directory()).deny_group(spelled.as_str());
        let answer = sign_in(&ad, layer, "alice").await;
        answer.is_forbidden(ErrorKind::UserDenied);
        let layer = layer_of(&ad, directory()).deny_group(spelled.as_str());
        sign_in(&ad, layer, "bob").await.is_hello("bob");
        let layer = layer_of(&ad, directory()).require_group(spelled.as_str());
        let answer = sign_in(&ad, layer, "alice").await;
        assert_eq!(
            answer.status.is_success(),
            spelled == dn,
            "{spelled} {answer:?}"
        );
    }
}

/// Alice is in Engineers, and they are in Staff.
fn nest(ad: &TestActiveDirectory) {
    ad.add_group("Staff", GroupScope::Universal).expect("added");
    ad.add_group("Engineers", GroupScope::Global)
        .expect("added");
    ad.add_members("Staff", ["Engineers"]).expect("added");
    ad.add_members("Engineers", ["alice"]).expect("added");
}

#[tokio::test]
async fn the_tickets_groups_are_required_and_denied_by_sid() {
    let test = "active_directory::group_rules::the_tickets_groups_are_required_and_denied_by_sid";
    let Some(ad) = domain(test) else { return };
    nest(&ad);
    let layer = || layer_of(&ad, TicketDirectory::new());
    let (staff, users) = (sid(&ad, "Staff"), sid(&ad, "Domain Users"));
    let rule = GroupRule::from(staff) & users.into();
    sign_in(&ad, layer().require_group(rule.clone()), "alice")
        .await
        .is_hello("alice");
    let answer = sign_in(&ad, layer().require_group(rule.clone()), "bob").await;
    answer.is_forbidden(ErrorKind::UserDenied);
    let answer = sign_in(&ad, layer().deny_group(rule.clone()), "alice").await;
    answer.is_forbidden(ErrorKind::UserDenied);
    let error = answer.error.expect("an error").to_string();
    assert!(error.contains(&staff.to_string()), "{error}");
    sign_in(&ad, layer().deny_group(rule), "bob")
        .await
        .is_hello("bob");
}

#[tokio::test]
async fn the_tickets_groups_are_known_by_dn_and_name_only_where_ldap_is_asked_for_them() {
    let test = "active_directory::group_rules::the_tickets_groups_are_known_by_dn_and_name_only_where_ldap_is_asked_for_them";
    let Some(ad) = domain(test) else { return };
    nest(&ad);
    let staff = ad.dn("Staff").expect("found");
    for rule in [staff.as_str(), "Staff"] {
        let layer = layer_of(&ad, TicketDirectory::new()).deny_group(rule);
        let started = layer.build().map(drop);
        assert!(matches!(started, Err(ConfigError::GroupNotKnown { .. })));
    }
    let named = || TicketDirectory::new().names_from(people(&ad).build().expect("a directory"));
    for rule in [staff.as_str(), "Staff"] {
        let layer = layer_of(&ad, named()).require_group(rule);
        sign_in(&ad, layer, "alice").await.is_hello("alice");
        let layer = layer_of(&ad, named()).deny_group(rule);
        sign_in(&ad, layer, "alice")
            .await
            .is_forbidden(ErrorKind::UserDenied);
        let layer = layer_of(&ad, named()).deny_group(rule);
        sign_in(&ad, layer, "bob").await.is_hello("bob");
    }
    // Of a group that has its name from the table, LDAP is not asked for the DN.
    let directory = named().group(sid(&ad, "Engineers"), "Engineers");
    let layer = layer_of(&ad, directory).deny_group("CN=Guests,DC=ad,DC=example,DC=test");
    let answer = sign_in(&ad, layer, "alice").await;
    assert_eq!(
        answer.kind(),
        Some(ErrorKind::DirectoryMisconfigured),
        "{answer:?}"
    );
    let error = answer.error.expect("an error").to_string();
    assert!(
        error.contains(r#""Engineers" has no DN"#) && error.contains("GroupRule::sid(..)"),
        "{error}"
    );
}

//! What becomes of an account while its ticket lasts, and accounts by other names.

use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::{TestActiveDirectory, TicketCache};
use tower_spnego::{Directory, ErrorKind, Initiator, Occasion};

use super::domain;
use super::ldap::{people, site};
use crate::site::SPN;

fn token(cache: &TicketCache) -> Vec<u8> {
    cache.token(SPN).expect("a token")
}

fn change(ad: &TestActiveDirectory, dn: &str, what: &str) {
    let ldif = format!("dn: {dn}\nchangetype: modify\n{what}\n");
    ad.ldif(&ldif).expect(what);
}

/// An own filter in place of the preset.
fn searching(ad: &TestActiveDirectory, filter: &str) -> LdapDirectoryBuilder {
    LdapDirectory::builder(ad.ldaps_url())
        .ca_file(ad.ca_file())
        .bind_simple("svc-web@AD.EXAMPLE.TEST", TestActiveDirectory::PASSWORD)
        .search(ad.base_dn(), filter)
        .username_attribute("sAMAccountName")
        .id_attribute("objectSid")
}

/// The domain's KDC refuses a password of a locked account itself, so that the directory is asked by
/// hand.
#[tokio::test]
async fn whom_wrong_passwords_have_locked_signs_in_with_a_ticket_and_not_with_a_password() {
    let test = "active_directory::accounts::whom_wrong_passwords_have_locked_signs_in_with_a_ticket_and_not_with_a_password";
    let Some(ad) = domain(test) else {
        return;
    };
    let threshold = "replace: lockoutThreshold\nlockoutThreshold: 3";
    change(&ad, ad.base_dn(), threshold);
    let cache = ad.ticket_cache("alice").expect("a ticket");
    // Samba gives a locked account no further tickets either.
    cache.service_ticket(SPN).expect("a ticket for the site");
    let site = site(&ad, people(&ad));
    let trusting = people(&ad).trust_ticket_names();
    let by_name = searching(&ad, "(sAMAccountName={user})");
    let directories = [trusting, by_name].map(|builder| builder.build().expect("a directory"));
    let alice = || Initiator::new("alice@AD.EXAMPLE.TEST".parse().expect("a principal"));
    for directory in &directories {
        let with_password = directory.find(&alice().on(Occasion::Password)).await;
        assert_eq!(with_password.expect("found").username(), "alice");
    }
    for _ in 0..3 {
        let wrong = ad.ticket("alice").password("wrong").get();
        wrong.expect_err("refused");
    }
    ad.ticket_cache("alice").expect_err("locked");
    for directory in &directories {
        let with_ticket = directory.find(&alice()).await;
        assert_eq!(with_ticket.expect("found").username(), "alice");
        let with_password = directory.find(&alice().on(Occasion::Password)).await;
        let error = with_password.expect_err("locked");
        assert_eq!(error.kind(), ErrorKind::UserDenied, "{error}");
    }
    let answer = site.browser().get_with("/", &token(&cache)).await;
    assert!(answer.body.contains(" is alice, "), "{answer:?}");
}

#[tokio::test]
async fn who_moved_to_another_unit_is_found_again_and_is_the_same() {
    let test =
        "active_directory::accounts::who_moved_to_another_unit_is_found_again_and_is_the_same";
    let Some(ad) = domain(test) else {
        return;
    };
    let site = site(&ad, people(&ad));
    let cache = ad.ticket_cache("alice").expect("a ticket");
    let before = site.browser().get_with("/", &token(&cache)).await;
    assert!(before.body.contains(" is alice, "), "{before:?}");
    let (base, dn) = (ad.base_dn(), ad.dn("alice").expect("found"));
    let rdn = dn.split(',').next().expect("an RDN");
    ad.ldif(&format!(
        "dn: OU=Staff,{base}\nobjectClass: organizationalUnit\n\ndn: {dn}\nchangetype: modrdn\n\
         newrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: OU=Staff,{base}\n"
    ))
    .expect("moved");
    assert_eq!(
        ad.dn("alice").expect("found"),
        format!("{rdn},OU=Staff,{base}")
    );
    let after = site.browser().get_with("/", &token(&cache)).await;
    assert_eq!(after.body, before.body);
}

/// With no PAC: what the documents show for a KDC that gives none.
#[tokio::test]
async fn a_builder_of_ones_own_finds_by_upn_or_account_and_refuses_the_disabled() {
    let test = "active_directory::accounts::a_builder_of_ones_own_finds_by_upn_or_account_and_refuses_the_disabled";
    let Some(ad) = domain(test) else {
        return;
    };
    ad.set_upn("alice", "alice.liddell@ad.example.test")
        .expect("set");
    let sid = ad.sid("alice").expect("a SID");
    let by_account = || searching(&ad, "(sAMAccountName={user})");
    let people = "(&(objectCategory=person)(objectClass=user)";
    let by_upn = format!("{people}(userPrincipalName={{user}}@ad.example.test))");
    let by_upn = || searching(&ad, &by_upn);
    let by_either = || by_upn().search(ad.base_dn(), "(sAMAccountName={user})");
    let ticket = |name: &str| ad.ticket(name).without_pac().get().expect("a ticket");
    let (alice, liddell) = (ticket("alice"), ticket("alice.liddell"));
    let found = format!("{sid} is alice, alice <> in []");
    for (directory, cache, is_found) in [
        (by_account(), &alice, true),
        (by_account(), &liddell, false),
        (by_upn(), &alice, false),
        (by_upn(), &liddell, true),
        (by_either(), &alice, true),
        (by_either(), &liddell, true),
    ] {
        let site = site(&ad, directory);
        let answer = site.browser().get_with("/", &token(cache)).await;
        match is_found {
            true => assert_eq!(answer.body, found, "{answer:?}"),
            false => answer.is_forbidden(ErrorKind::UserNotFound),
        }
    }
    ad.disable("alice").expect("disabled");
    for (directory, cache) in [(by_account(), &alice), (by_upn(), &liddell)] {
        let answer = site(&ad, directory)
            .browser()
            .get_with("/", &token(cache))
            .await;
        answer.is_forbidden(ErrorKind::UserDenied);
    }
}

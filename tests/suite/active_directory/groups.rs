//! The groups of the PAC are those that the domain itself computes (`tokenGroups`).

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use tower_spnego::testing::{GroupScope, TestActiveDirectory};
use tower_spnego::{Directory, DirectoryError, Initiator, Sid, User};

use super::{domain, layer};
use crate::site::{SPN, Site};

/// Keeps what the layer knows of the last who signed in.
#[derive(Clone, Default)]
pub struct Witness(Arc<Mutex<Option<Initiator>>>);

impl Directory for Witness {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        *self.0.lock().expect("locks") = Some(who.clone());
        Ok(User::builder(who.principal().clone()).build())
    }
}

impl Witness {
    pub fn saw(&self) -> Initiator {
        let saw = self.0.lock().expect("locks").take();
        saw.expect("somebody signed in")
    }
}

/// The initiator that a layer makes of a fresh ticket of this user's.
pub async fn sign_in(ad: &TestActiveDirectory, user: &str) -> Initiator {
    let witness = Witness::default();
    let site = Site::new(layer(ad).directory(witness.clone()));
    let token = ad.ticket_cache(user).expect("a ticket").token(SPN);
    let answer = site.browser().get_with("/", &token.expect("a token")).await;
    answer.is_hello(user);
    witness.saw()
}

/// Groups of the domain controller itself (BUILTIN), which go into no ticket.
fn is_of_controller(sid: &str) -> bool {
    sid.starts_with("S-1-5-32-")
}

/// How the KDC came to know who it is (MS-SFU, MS-KILE): of the ticket, and no membership.
const ASSERTED_BY_KDC: &str = "S-1-18-1";

/// The PAC's groups, which must be those of the domain.
#[track_caller]
fn same_groups(ad: &TestActiveDirectory, who: &Initiator, user: &str) -> BTreeSet<String> {
    let of_domain = ad.token_groups(user).expect("groups").into_iter();
    let of_domain: BTreeSet<_> = of_domain.filter(|sid| !is_of_controller(sid)).collect();
    let sids = who.groups().expect("a PAC");
    let mut of_pac: BTreeSet<_> = sids.iter().map(Sid::to_string).collect();
    assert_eq!(sids.len(), of_pac.len(), "each once");
    assert!(of_pac.remove(ASSERTED_BY_KDC), "{of_pac:?}");
    assert_eq!(of_pac, of_domain, "{user}");
    of_pac
}

#[tokio::test]
async fn nested_groups_of_every_scope_are_those_of_the_domain() -> io::Result<()> {
    let test = "nested_groups_of_every_scope_are_those_of_the_domain";
    let Some(ad) = domain(test) else {
        return Ok(());
    };
    for (group, scope, members) in [
        ("staff", GroupScope::Global, &["alice", "bob"][..]),
        ("engineers", GroupScope::Global, &["staff"]),
        ("readers", GroupScope::Universal, &["engineers"]),
        ("writers", GroupScope::Universal, &["alice"]),
        ("printers", GroupScope::DomainLocal, &["readers"]),
        ("doors", GroupScope::DomainLocal, &["alice", "printers"]),
        ("strangers", GroupScope::Global, &["svc-web"]),
    ] {
        ad.add_group(group, scope)?;
        ad.add_members(group, members)?;
    }
    ad.add_members("Administrators", ["writers"])?;
    let sids = |groups: &[&str]| -> io::Result<BTreeSet<_>> {
        groups.iter().map(|group| ad.sid(group)).collect()
    };
    let indirect = ["engineers", "readers", "printers", "doors"];
    for (user, own) in [("alice", &["staff", "writers"][..]), ("bob", &["staff"])] {
        let who = sign_in(&ad, user).await;
        let groups = same_groups(&ad, &who, user);
        let expected = sids(&[own, &indirect[..], &["Domain Users"]].concat())?;
        assert_eq!(groups, expected, "{user}");
        let pac = who.pac().expect("a PAC");
        assert_eq!(pac.primary_group_rid(), 513);
        assert!(pac.deny_only_groups().is_empty());
    }
    // The controller's own are in its answer alone.
    let of_domain = ad.token_groups("alice")?;
    assert!(
        of_domain.contains(&"S-1-5-32-544".to_owned()),
        "{of_domain:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_primary_group_that_was_changed_is_one_of_them() -> io::Result<()> {
    let Some(ad) = domain("a_primary_group_that_was_changed_is_one_of_them") else {
        return Ok(());
    };
    ad.add_group("staff", GroupScope::Global)?;
    ad.add_group("engineers", GroupScope::Global)?;
    ad.add_members("staff", ["alice"])?;
    ad.add_members("engineers", ["staff"])?;
    let staff = ad.sid("staff")?;
    let rid = staff.rsplit('-').next().expect("a RID");
    let dn = ad.dn("alice")?;
    ad.ldif(&format!(
        "dn: {dn}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: {rid}\n"
    ))?;
    let who = sign_in(&ad, "alice").await;
    let groups = same_groups(&ad, &who, "alice");
    assert!(groups.contains(&staff), "{groups:?}");
    assert!(groups.contains(&ad.sid("engineers")?), "{groups:?}");
    let primary = who.pac().expect("a PAC").primary_group_rid();
    assert_eq!(primary.to_string(), rid);
    // Who leaves a primary group stays in it as an ordinary member, as on Windows.
    assert!(groups.contains(&ad.sid("Domain Users")?), "{groups:?}");
    Ok(())
}

#[tokio::test]
async fn all_of_1200_groups_are_there() -> io::Result<()> {
    let Some(ad) = domain("all_of_1200_groups_are_there") else {
        return Ok(());
    };
    for (scope, count) in [
        (GroupScope::Global, 400),
        (GroupScope::Universal, 400),
        (GroupScope::DomainLocal, 400),
    ] {
        let names = (0..count).map(|number| format!("{scope:?}-{number}"));
        ad.add_groups_of("alice", scope, names)?;
    }
    let who = sign_in(&ad, "alice").await;
    let groups = same_groups(&ad, &who, "alice");
    // And Domain Users.
    assert_eq!(groups.len(), 1201);
    Ok(())
}

/// What GSSAPI hands out, by each of the PAC's buffers.
#[tokio::test]
async fn a_pac_says_the_same_as_the_domain() -> io::Result<()> {
    let Some(ad) = domain("a_pac_says_the_same_as_the_domain") else {
        return Ok(());
    };
    ad.add_user("Jörg Müller", "His own 1")?;
    ad.set_upn("Jörg Müller", "jm@mail.example.test")?;
    let witness = Witness::default();
    let site = Site::new(layer(&ad).directory(witness.clone()));
    let ticket = ad.ticket("jm@mail.example.test").password("His own 1");
    let token = ticket.enterprise().get()?.token(SPN)?;
    let answer = site.browser().get_with("/", &token).await;
    answer.is_hello("Jörg Müller");
    let who = witness.saw();
    let pac = who.pac().expect("a PAC");
    // KERB_VALIDATION_INFO.
    assert_eq!(pac.sid().to_string(), ad.sid("Jörg Müller")?);
    assert_eq!(pac.account(), "Jörg Müller");
    assert_eq!(pac.domain(), ad.domain());
    assert!(!pac.is_machine());
    assert!(!pac.is_disabled());
    assert!(pac.password_last_set().is_some());
    assert_eq!(pac.kick_off(), None);
    // UPN_DNS_INFO.
    assert_eq!(pac.upn(), Some("jm@mail.example.test"));
    assert_eq!(pac.dns_domain(), Some("AD.EXAMPLE.TEST"));
    // All of it the initiator's.
    assert_eq!(who.principal().to_string(), "Jörg Müller@AD.EXAMPLE.TEST");
    assert_eq!(who.account(), Some("Jörg Müller"));
    assert_eq!(who.sid(), Some(pac.sid()));
    assert_eq!(who.domain(), Some("EXAMPLE"));
    assert_eq!(who.groups(), Some(pac.groups()));
    Ok(())
}

//! PACs that no KDC has made so. Only who has the service's key can make them; a client can't.

use std::sync::Arc;

use tower_spnego::{ErrorKind, Sid};

use super::groups::Witness;
use super::layer;
use super::people::{self, Domain};
use crate::aes_key::Key;
use crate::forge::{seconds_now, service_key};
use crate::opened_ticket::{
    CLIENT_INFO, KDC_SIGNATURE, LOGON_INFO, OpenedTicket, Pac, REQUESTOR, SERVER_SIGNATURE,
    UPN_DNS_INFO,
};
use crate::site::{Answer, Site};

/// The domain, its service's key, and alice's ticket.
struct Forge {
    domain: Arc<Domain>,
    key: Key,
    alice: OpenedTicket,
}

fn forge(test: &str) -> Option<Forge> {
    let domain = people::domain(test)?;
    let (_, key) = service_key(domain.ad.command("klist"), &domain.ad.keytab());
    let alice = OpenedTicket::new(&domain.ticket("alice", "alice").cache, &key);
    Some(Forge { domain, key, alice })
}

impl Forge {
    fn of(&self, account: &'static str, name: &str) -> OpenedTicket {
        OpenedTicket::new(&self.domain.ticket(account, name).cache, &self.key)
    }

    fn site(&self) -> Site {
        Site::new(layer(&self.domain.ad))
    }

    fn strict(&self) -> Site {
        Site::new(layer(&self.domain.ad).require_pac())
    }
}

async fn send(site: &Site, ticket: &OpenedTicket) -> Answer {
    site.browser().get_with("/", &ticket.token()).await
}

#[tokio::test]
async fn a_ticket_that_was_sealed_and_signed_again_unchanged_signs_in() {
    let test = "a_ticket_that_was_sealed_and_signed_again_unchanged_signs_in";
    let Some(forge) = forge(test) else {
        return;
    };
    let site = forge.strict();
    let mut pac = forge.alice.pac.clone().expect("a PAC");
    let kinds = pac.kinds();
    for kind in [
        LOGON_INFO,
        CLIENT_INFO,
        UPN_DNS_INFO,
        SERVER_SIGNATURE,
        KDC_SIGNATURE,
    ] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let before = pac.buffer(SERVER_SIGNATURE).clone();
    let mut signed = forge.alice.clone().sign().pac.expect("a PAC");
    assert_eq!(*signed.buffer(SERVER_SIGNATURE), before, "as the KDC did");
    for ticket in [&forge.alice, &forge.alice.clone().sign()] {
        send(&site, ticket).await.is_hello("alice");
    }
    let root = forge.of("mallory", "root");
    send(&site, &root).await.is_hello("mallory");
}

/// MIT hands nothing out of a PAC whose server signature is wrong, and lets the ticket count.
#[tokio::test]
async fn a_pac_that_was_changed_is_none() {
    let Some(forge) = forge("a_pac_that_was_changed_is_none") else {
        return;
    };
    let (site, strict) = (forge.site(), forge.strict());
    let flip = |buffer: &mut Vec<u8>, place: usize| buffer[place] ^= 1;
    let alice = || forge.alice.clone();
    let root = || forge.of("mallory", "root");
    for (what, ticket, named) in [
        (
            "a byte of the logon information",
            alice().change(|pac| flip(pac.buffer(LOGON_INFO), 150)),
            "alice",
        ),
        (
            "a byte of the server signature",
            alice().change(|pac| flip(pac.buffer(SERVER_SIGNATURE), 7)),
            "alice",
        ),
        (
            "a buffer more",
            alice().change(|pac| pac.add(99, b"more".to_vec())),
            "alice",
        ),
        (
            "no server signature",
            alice().change(|pac| pac.remove(SERVER_SIGNATURE)),
            "alice",
        ),
        (
            "mallory, who asked for root's name",
            root().change(|pac| flip(pac.buffer(LOGON_INFO), 150)),
            "root",
        ),
    ] {
        let answer = send(&strict, &ticket).await;
        assert_eq!(answer.kind(), Some(ErrorKind::PacMissing), "{what}");
        answer.is_forbidden(ErrorKind::PacMissing);
        send(&site, &ticket).await.is_hello(named);
    }
    assert_eq!(strict.calls(), 0);
}

#[tokio::test]
async fn a_pac_in_anothers_ticket_is_none() {
    let Some(forge) = forge("a_pac_in_anothers_ticket_is_none") else {
        return;
    };
    let (site, strict) = (forge.site(), forge.strict());
    let moved = |mut ticket: OpenedTicket| {
        ticket.pac.clone_from(&forge.alice.pac);
        ticket
    };
    for (ticket, named) in [
        (moved(forge.of("root", "root")), "root"),
        (moved(forge.of("mallory", "mallory")), "mallory"),
        (moved(forge.of("mallory", "mallory")).sign(), "mallory"),
        // Her own other ticket, too.
        (moved(forge.of("alice", "ALICE")), "ALICE"),
    ] {
        let answer = send(&strict, &ticket).await;
        answer.is_forbidden(ErrorKind::PacMissing);
        send(&site, &ticket).await.is_hello(named);
    }
    assert_eq!(strict.calls(), 0);
}

/// With the right signature, so that MIT hands it out.
#[tokio::test]
async fn a_signed_pac_that_makes_no_sense_is_refused() {
    let Some(forge) = forge("a_signed_pac_that_makes_no_sense_is_refused") else {
        return;
    };
    let (site, strict) = (forge.site(), forge.strict());
    let mut alice = forge.alice.pac.clone().expect("a PAC");
    let mut mallory = forge.of("mallory", "mallory").pac.expect("a PAC");
    let length = alice.buffer(LOGON_INFO).len();
    let sid = |account| {
        let sid = forge.domain.ad.sid(account).expect("a SID");
        sid.parse::<Sid>().expect("a SID").to_bytes()
    };
    let (own, other) = (sid("alice"), sid("mallory"));
    type Change<'a> = Box<dyn Fn(&mut Pac) + 'a>;
    let put = |kind, buffer: Vec<u8>| -> Change<'_> {
        Box::new(move |pac| pac.buffer(kind).clone_from(&buffer))
    };
    let cut =
        |kind, length| -> Change<'_> { Box::new(move |pac| pac.buffer(kind).truncate(length)) };
    let requestor =
        |sid: Vec<u8>| -> Change<'_> { Box::new(move |pac| pac.add(REQUESTOR, sid.clone())) };
    for (what, change) in [
        ("no logon information", put(LOGON_INFO, Vec::new())),
        ("half of it", cut(LOGON_INFO, length / 2)),
        ("all but a byte", cut(LOGON_INFO, length - 1)),
        ("bytes that are none", put(LOGON_INFO, vec![0xff; 400])),
        ("half a UPN_DNS_INFO", cut(UPN_DNS_INFO, 10)),
        (
            "another's UPN_DNS_INFO",
            put(UPN_DNS_INFO, mallory.buffer(UPN_DNS_INFO).clone()),
        ),
        (
            "another's logon information",
            put(LOGON_INFO, mallory.buffer(LOGON_INFO).clone()),
        ),
        ("asked for by another", requestor(other)),
        ("asked for by nobody", requestor(b"nobody".to_vec())),
    ] {
        let ticket = forge.alice.clone().change(change).sign();
        for site in [&site, &strict] {
            let answer = send(site, &ticket).await;
            assert_eq!(
                answer.kind(),
                Some(ErrorKind::PacUnreadable),
                "{what}: {answer:?}"
            );
            answer.is_forbidden(ErrorKind::PacUnreadable);
        }
    }
    assert_eq!(site.calls() + strict.calls(), 0);
    let asked_for_by_herself = forge.alice.clone().change(requestor(own)).sign();
    send(&site, &asked_for_by_herself).await.is_hello("alice");
}

#[tokio::test]
async fn a_signed_pac_without_logon_information_is_none() {
    let Some(forge) = forge("a_signed_pac_without_logon_information_is_none") else {
        return;
    };
    let ticket = forge.alice.clone();
    let ticket = ticket.change(|pac| pac.remove(LOGON_INFO)).sign();
    let answer = send(&forge.strict(), &ticket).await;
    answer.is_forbidden(ErrorKind::PacMissing);
    let witness = Witness::default();
    let site = Site::new(layer(&forge.domain.ad).directory(witness.clone()));
    send(&site, &ticket).await.is_hello("alice");
    assert!(witness.saw().pac().is_none());
}

/// UPN_DNS_INFO is optional (MS-PAC section 2.10).
#[tokio::test]
async fn a_signed_pac_without_upn_signs_in() {
    let Some(forge) = forge("a_signed_pac_without_upn_signs_in") else {
        return;
    };
    let witness = Witness::default();
    let site = Site::new(layer(&forge.domain.ad).directory(witness.clone()));
    let ticket = forge.of("mallory", "root");
    let ticket = ticket.change(|pac| pac.remove(UPN_DNS_INFO)).sign();
    send(&site, &ticket).await.is_hello("mallory");
    let who = witness.saw();
    assert_eq!(who.pac().and_then(|pac| pac.upn()), None);
    let sid = forge.domain.ad.sid("mallory").expect("a SID");
    assert_eq!(who.sid().map(|sid| sid.to_string()), Some(sid));
}

/// Where KERB_VALIDATION_INFO, behind 20 bytes of NDR's own, has fields of a fixed length.
const KICK_OFF_TIME: usize = 20 + 16;
const USER_ACCOUNT_CONTROL: usize = 20 + 164;

/// The KDC may say so of whom it lets in: a computer need not have a name that ends in `$`.
#[tokio::test]
async fn an_account_that_the_pac_calls_a_computers_or_disabled_is_refused() {
    let test = "an_account_that_the_pac_calls_a_computers_or_disabled_is_refused";
    let Some(forge) = forge(test) else {
        return;
    };
    let site = forge.site();
    for (flag, kind) in [
        (0x1_u32, ErrorKind::UserDenied),
        (0x40, ErrorKind::NameNotAllowed),
        (0x80, ErrorKind::NameNotAllowed),
        (0x100, ErrorKind::NameNotAllowed),
    ] {
        let ticket = forge.alice.clone().change(|pac| {
            let flags = &mut pac.buffer(LOGON_INFO)[USER_ACCOUNT_CONTROL..][..4];
            assert_eq!(flags, 0x10_u32.to_le_bytes(), "an ordinary account");
            flags.copy_from_slice(&(0x10 | flag).to_le_bytes());
        });
        send(&site, &ticket.sign()).await.is_forbidden(kind);
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn a_login_ends_when_the_pac_says_that_sessions_are_ended_by_force() {
    let test = "a_login_ends_when_the_pac_says_that_sessions_are_ended_by_force";
    let Some(forge) = forge(test) else {
        return;
    };
    let site = forge.site();
    let filetime = |seconds: i64| (seconds + 11_644_473_600) * 10_000_000;
    let kicked_off = |after: i64| {
        let time = filetime(seconds_now() + after).to_le_bytes();
        let ticket = forge.alice.clone().change(|pac| {
            let kick_off = &mut pac.buffer(LOGON_INFO)[KICK_OFF_TIME..][..8];
            assert_eq!(kick_off, i64::MAX.to_le_bytes(), "never");
            kick_off.copy_from_slice(&time);
        });
        ticket.sign().token()
    };
    let layer = || layer(&forge.domain.ad);
    for site in [
        &site,
        &Site::new(layer().outlive_ticket()),
        &Site::new(layer().never_expire_login()),
    ] {
        let answer = site.browser().get_with("/login", &kicked_off(1000)).await;
        let seconds = answer.body.strip_prefix("alice@AD.EXAMPLE.TEST Some(");
        let seconds = seconds.and_then(|rest| rest.strip_suffix(")"));
        let seconds: u64 = seconds.expect("an end").parse().expect("seconds");
        assert!((900..=1000).contains(&seconds), "{answer:?}");
    }
    let answer = site.browser().get_with("/login", &kicked_off(-1000)).await;
    answer.is_forbidden(ErrorKind::UserDenied);
}

//! On Active Directory the name in a ticket is the client's choice (CVE-2020-25717 and its kin). Each
//! signs in as who the PAC says, or not at all.

use tower_sessions::MemoryStore;
use tower_spnego::{ErrorKind, PrincipalOnly};

use super::directories::{self, Seat};
use super::layer;
use super::people::{self, Domain, Holder, identity};
use crate::curl::curl_negotiate;
use crate::process;
use crate::served::{Served, outcomes};
use crate::site::Site;

async fn each_is_who_the_pac_says(domain: &Domain, seats: &[Seat]) {
    for seat in seats {
        let site = &seat.site;
        for ticket in &domain.tickets {
            let what = format!("{}: {}", seat.name, ticket.describe());
            let answer = site.browser().get_with("/", &ticket.token()).await;
            match ticket.holder {
                Holder::Person(person) => {
                    let expected = format!("{} 0", seat.expected(domain, person));
                    assert_eq!(answer.body, expected, "{what}: {answer:?}");
                }
                Holder::Computer => {
                    assert_eq!(answer.kind(), Some(ErrorKind::NameNotAllowed), "{what}");
                    answer.is_forbidden(ErrorKind::NameNotAllowed);
                }
            }
        }
    }
}

#[tokio::test]
async fn whatever_name_a_ticket_has_its_holder_signs_in_as_who_the_pac_says() {
    let test = "whatever_name_a_ticket_has_its_holder_signs_in_as_who_the_pac_says";
    let Some(domain) = people::domain(test) else {
        return;
    };
    each_is_who_the_pac_says(&domain, &directories::all(&domain)).await;
}

/// libkrb5 reads the rules from the process's own krb5.conf.
#[tokio::test]
async fn auth_to_local_is_asked_about_who_the_pac_says() {
    const TEST: &str = "active_directory::names::auth_to_local_is_asked_about_who_the_pac_says";
    // Each of these names would be another's, or nobody's, if it counted.
    const RULES: &str = r"
[libdefaults]
    default_realm = AD.EXAMPLE.TEST
[realms]
    AD.EXAMPLE.TEST = {
        auth_to_local_names = {
            alice = alice
            mallory = mallory
            root = root
            carol = carol
            ALICE = somebody-else
            ROOT = root
        }
    }
";
    if !process::is_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("krb5.conf");
        std::fs::write(&file, RULES).expect("written");
        return process::run(TEST, [("KRB5_CONFIG", file)]);
    }
    let Some(domain) = people::domain(TEST) else {
        return;
    };
    let seats = directories::by_auth_to_local(&domain);
    each_is_who_the_pac_says(&domain, &seats).await;
}

#[tokio::test]
async fn a_ticket_without_a_pac_is_refused_where_one_is_required() {
    let test = "a_ticket_without_a_pac_is_refused_where_one_is_required";
    let Some(domain) = people::domain(test) else {
        return;
    };
    let told = directories::with(&domain, |layer| layer.require_pac());
    let by_themselves = directories::all(&domain).into_iter();
    let by_themselves = by_themselves.filter(|seat| seat.requires_pac);
    for seat in by_themselves.chain(told) {
        for ticket in &domain.without_pac {
            let answer = seat.site.browser().get_with("/", &ticket.token()).await;
            let what = format!("{}: {}", seat.name, ticket.describe());
            assert_eq!(answer.kind(), Some(ErrorKind::PacMissing), "{what}");
            answer.is_forbidden(ErrorKind::PacMissing);
        }
        assert_eq!(seat.site.calls(), 0);
    }
}

/// What the documents of [`PrincipalOnly`] warn of: mallory and a computer, who had the PAC left out,
/// are root and carol.
#[tokio::test]
async fn a_ticket_without_a_pac_is_whose_name_it_has_where_none_is_required() {
    let test = "a_ticket_without_a_pac_is_whose_name_it_has_where_none_is_required";
    let Some(domain) = people::domain(test) else {
        return;
    };
    let site = Site::of(identity(), layer(&domain.ad));
    for ticket in &domain.without_pac {
        let answer = site.browser().get_with("/", &ticket.token()).await;
        let principal = format!("{}@AD.EXAMPLE.TEST", ticket.name);
        let username = ticket.name.replace('\\', "");
        let expected = format!("{username} {principal} {principal} {principal} 0");
        assert_eq!(answer.body, expected, "{}", ticket.describe());
    }
}

#[tokio::test]
async fn a_session_stays_its_owners_under_every_spelling_of_the_name() {
    let test = "a_session_stays_its_owners_under_every_spelling_of_the_name";
    let Some(domain) = people::domain(test) else {
        return;
    };
    for seat in directories::all(&domain) {
        let site = &seat.site;
        for account in ["alice", "mallory"] {
            let mut browser = site.browser();
            let mut cookie = None;
            let own = domain.tickets.iter().filter(|ticket| {
                matches!(ticket.holder, Holder::Person(person) if person.account == account)
            });
            for (visits, ticket) in own.enumerate() {
                let answer = browser.get_with("/", &ticket.token()).await;
                let what = format!("{}: {}", seat.name, ticket.describe());
                assert!(
                    answer.body.ends_with(&format!(" {visits}")),
                    "{what}: {answer:?}"
                );
                let first = cookie.get_or_insert_with(|| browser.cookie.clone());
                assert_eq!(browser.cookie, *first, "{what}");
            }
            assert!(matches!(cookie, Some(Some(_))), "{account}");
        }
    }
}

#[tokio::test]
async fn who_has_anothers_name_in_the_ticket_gets_nothing_of_the_others_session() {
    let test = "who_has_anothers_name_in_the_ticket_gets_nothing_of_the_others_session";
    let Some(domain) = people::domain(test) else {
        return;
    };
    let root = domain.ticket("root", "root");
    let mallory = domain.ticket("mallory", "root");
    for seat in directories::all(&domain) {
        let site = &seat.site;
        for (one, other) in [(root, mallory), (mallory, root)] {
            let mut browser = site.browser();
            browser.get_with("/", &one.token()).await;
            let before = browser.cookie.clone();
            let answer = browser.get("/").await;
            assert!(answer.body.ends_with(" 1"), "{}: {answer:?}", seat.name);
            let answer = browser.get_with("/", &other.token()).await;
            let Holder::Person(person) = other.holder else {
                panic!("a person");
            };
            let expected = format!("{} 0", seat.expected(&domain, person));
            assert_eq!(answer.body, expected, "{}: {answer:?}", seat.name);
            assert_ne!(browser.cookie, before, "{}", seat.name);
        }
    }
}

/// Who came before is not who goes on.
#[tokio::test]
async fn a_computer_that_is_refused_ends_the_login_of_the_session() {
    let test = "a_computer_that_is_refused_ends_the_login_of_the_session";
    let Some(domain) = people::domain(test) else {
        return;
    };
    let site = Site::with_store(layer(&domain.ad), MemoryStore::default());
    let alice = domain.ticket("alice", "alice");
    for ticket in &domain.tickets {
        if ticket.holder == Holder::Computer {
            let mut browser = site.browser();
            let answer = browser.get_with("/", &alice.token()).await;
            answer.is_hello("alice");
            let answer = browser.get_with("/", &ticket.token()).await;
            assert_eq!(answer.kind(), Some(ErrorKind::NameNotAllowed), "{answer:?}");
            browser.get("/").await.is_challenge();
        }
    }
}

#[test]
fn curl_signs_in_as_who_the_pac_says() {
    let Some(domain) = people::domain("curl_signs_in_as_who_the_pac_says") else {
        return;
    };
    let layer = layer(&domain.ad).directory(PrincipalOnly).require_pac();
    let served = Served::start(Site::of(identity(), layer).router);
    for ticket in domain.tickets.iter().chain(&domain.without_pac) {
        let printed = curl_negotiate(ticket.cache.command("curl"), &[&served.url("/")]).text;
        let what = format!("{}: {printed}", ticket.describe());
        let has_pac = domain
            .tickets
            .iter()
            .any(|other| std::ptr::eq(other, ticket));
        match ticket.holder {
            Holder::Person(person) if has_pac => {
                let body = printed.rsplit("\r\n").next().expect("a body");
                let expected = format!("{} {} ", person.account, domain.sid(person));
                assert!(body.starts_with(&expected), "{what}");
            }
            _ => assert!(printed.starts_with("HTTP/1.1 403 "), "{what}"),
        }
    }
    let all = domain.tickets.len() + domain.without_pac.len();
    assert_eq!(outcomes(&served.trips("/")).len(), all);
}

//! Users of a real LDAP server, remembered for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{Cached, Directory, DirectoryError, ErrorKind, Initiator, User};

use crate::ldap::people;
use crate::site::{SPN, Site, layer, realm, token};

/// Longer than any test.
pub const LONG: Duration = Duration::from_secs(3_600);

/// Counts how often a directory is asked.
#[derive(Clone)]
pub struct Counted<D> {
    directory: D,
    asked: Arc<AtomicUsize>,
}

impl<D: Directory> Counted<D> {
    pub fn new(directory: D) -> Self {
        let asked = Arc::default();
        Self { directory, asked }
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl<D: Directory> Directory for Counted<D> {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.directory.find(who).await
    }

    async fn recheck(&self, who: &Initiator, user: &User) -> Result<User, DirectoryError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.directory.recheck(who, user).await
    }
}

fn counted(ldap: &TestLdap) -> Counted<LdapDirectory> {
    let directory = people(ldap).timeout(Duration::from_secs(2));
    Counted::new(directory.build().expect("a directory"))
}

fn site(realm: &TestRealm, directory: &Cached<Counted<LdapDirectory>>) -> Site {
    Site::new(layer(realm).directory(directory.clone()))
}

/// What a new browser hears of a user.
async fn who(site: &Site, realm: &TestRealm, user: &str) -> String {
    let answer = site.browser().get_with("/who", &token(realm, user)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body
}

async fn is_refused(site: &Site, realm: &TestRealm, user: &str, kind: ErrorKind) {
    let answer = site.browser().get_with("/who", &token(realm, user)).await;
    assert_eq!(answer.kind(), Some(kind), "{answer:?}");
}

const ALICE: &str = "Alice Liddell <alice@example.test> in Engineers, Staff";

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_sign_ins_of_one_user_at_once_are_one_search() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let counted = counted(&ldap);
    let site = site(&realm, &Cached::new(counted.clone(), LONG));
    let cache = realm.ticket_cache("alice").expect("a ticket");
    let sign_ins = (0..100).map(|_| {
        let (mut browser, token) = (site.browser(), cache.token(SPN).expect("a token"));
        tokio::spawn(async move { browser.get_with("/who", &token).await.body })
    });
    // All under way before one is waited for.
    let sign_ins: Vec<_> = sign_ins.collect();
    for answer in join_all(sign_ins).await {
        assert_eq!(answer.expect("an answer"), ALICE);
    }
    assert_eq!(counted.asked(), 1);
    // From another ticket, too.
    assert_eq!(who(&site, &realm, "alice").await, ALICE);
    assert_eq!(counted.asked(), 1);
    let bob = who(&site, &realm, "bob").await;
    assert_eq!(bob, "Bob Cratchit <bob@example.test> in Staff");
    assert_eq!(counted.asked(), 2);
}

#[tokio::test]
async fn who_is_remembered_does_not_notice_that_slapd_is_down() {
    let (realm, mut ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = site(&realm, &Cached::new(counted(&ldap), LONG));
    assert_eq!(who(&site, &realm, "alice").await, ALICE);
    ldap.stop();
    assert_eq!(who(&site, &realm, "alice").await, ALICE);
    is_refused(&site, &realm, "bob", ErrorKind::DirectoryUnavailable).await;
    ldap.restart().expect("started");
    who(&site, &realm, "bob").await;
}

#[tokio::test]
async fn a_change_in_slapd_counts_at_once_where_the_application_says_so() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let directory = Cached::new(counted(&ldap), LONG).not_found_for(LONG);
    let site = site(&realm, &directory);
    assert_eq!(who(&site, &realm, "alice").await, ALICE);
    let dn = format!("uid=alice,{}", ldap.people());
    ldap.ldif(&format!(
        "dn: {dn}\nchangetype: modify\nreplace: displayName\ndisplayName: Alice Hargreaves\n"
    ))
    .expect("changed");
    assert_eq!(who(&site, &realm, "alice").await, ALICE);
    directory.invalidate(&"alice@EXAMPLE.TEST".parse().expect("a principal"));
    let alice = who(&site, &realm, "alice").await;
    assert!(alice.starts_with("Alice Hargreaves "), "{alice}");
    // Also that there is nobody.
    ldap.ldif(&format!("dn: {dn}\nchangetype: delete\n"))
        .expect("deleted");
    who(&site, &realm, "alice").await;
    directory.clear();
    is_refused(&site, &realm, "alice", ErrorKind::UserNotFound).await;
    ldap.add_person("alice", "Alice").expect("added");
    is_refused(&site, &realm, "alice", ErrorKind::UserNotFound).await;
    directory.clear();
    who(&site, &realm, "alice").await;
}

#[tokio::test]
async fn while_slapd_is_down_its_last_word_counts_only_where_that_is_asked_for() {
    let (realm, mut ldap) = (realm(), TestLdap::start().expect("a server"));
    let strict = site(&realm, &Cached::new(counted(&ldap), Duration::ZERO));
    let directory = Cached::new(counted(&ldap), Duration::ZERO).stale_if_unavailable(LONG);
    let lenient = site(&realm, &directory);
    for site in [&strict, &lenient] {
        assert_eq!(who(site, &realm, "alice").await, ALICE);
    }
    ldap.stop();
    let unavailable = ErrorKind::DirectoryUnavailable;
    is_refused(&strict, &realm, "alice", unavailable).await;
    assert_eq!(who(&lenient, &realm, "alice").await, ALICE);
    is_refused(&lenient, &realm, "bob", unavailable).await;
    // Whom it no longer has is not let in by the next outage.
    ldap.restart().expect("started");
    let dn = format!("uid=alice,{}", ldap.people());
    ldap.ldif(&format!("dn: {dn}\nchangetype: delete\n"))
        .expect("deleted");
    is_refused(&lenient, &realm, "alice", ErrorKind::UserNotFound).await;
    ldap.stop();
    is_refused(&lenient, &realm, "alice", unavailable).await;
}

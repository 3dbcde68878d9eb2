//! The directory is asked again in the middle of a login.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use http::StatusCode;
use http::header::SET_COOKIE;
use tower_sessions::MemoryStore;
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{
    Cached, Directory, DirectoryError, ErrorKind, GroupRule, Initiator, PrincipalOnly,
    SharedDirectory, SpnegoLayerBuilder, User,
};

use crate::cached::{Counted, LONG};
use crate::ldap::people;
use crate::site::{Answer, Browser, Site, TestClock, layer, own_routes, realm, token};

const MINUTE: Duration = Duration::from_secs(60);

/// How old an answer of the directory gets in these tests; the grace time is the same.
pub const INTERVAL: Duration = Duration::from_secs(300);

const ALICE: &str = "Alice Liddell <alice@example.test> in Engineers, Staff";

struct Rechecked {
    realm: Arc<TestRealm>,
    ldap: TestLdap,
    directory: Counted<LdapDirectory>,
    clock: TestClock,
}

impl Rechecked {
    fn start() -> Self {
        let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
        let directory = people(&ldap)
            .id_attribute("entryUUID")
            .timeout(Duration::from_secs(2));
        let directory = Counted::new(directory.build().expect("a directory"));
        Self {
            realm,
            ldap,
            directory,
            clock: TestClock::default(),
        }
    }

    fn layer(&self) -> SpnegoLayerBuilder {
        layer(&self.realm)
            .directory(self.directory.clone())
            .clock(self.clock.reader())
            .recheck_every(INTERVAL)
    }

    fn change(&self, what: &str) {
        let dn = format!("uid=alice,{}", self.ldap.people());
        let ldif = format!("dn: {dn}\nchangetype: {what}\n");
        self.ldap.ldif(&ldif).expect("changed");
    }

    fn call_her_hargreaves(&self) {
        self.change("modify\nreplace: displayName\ndisplayName: Alice Hargreaves");
    }

    fn lock(&self) {
        self.change(
            "modify\nadd: objectClass\nobjectClass: testAccount\n-\nadd: nsAccountLock\n\
             nsAccountLock: TRUE",
        );
    }

    fn unlock(&self) {
        self.change("modify\nreplace: nsAccountLock\nnsAccountLock: FALSE");
    }

    fn join(&self, group: &str) {
        let (groups, people) = (self.ldap.groups(), self.ldap.people());
        let ldif = format!(
            "dn: cn={group},{groups}\nchangetype: modify\nadd: member\nmember: uid=alice,{people}\n"
        );
        self.ldap.ldif(&ldif).expect("joined");
    }
}

async fn who(browser: &mut Browser) -> String {
    let answer = browser.get("/who").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn groups_and_names_are_those_of_now_once_the_interval_is_over() {
    let test = Rechecked::start();
    test.ldap.add_group("Board", ["bob"]).expect("added");
    let site = Site::new(test.layer());
    let mut alice = site.with_a_pear(&test.realm, "alice").await;
    let (cookie, login) = (alice.cookie.clone(), alice.get("/login").await.body);
    assert_eq!(who(&mut alice).await, ALICE);
    test.call_her_hargreaves();
    test.join("Board");
    test.clock.advance(INTERVAL - MINUTE);
    assert_eq!(who(&mut alice).await, ALICE);
    assert_eq!(test.directory.asked(), 1);

    test.clock.advance(MINUTE);
    const NOW: &str = "Alice Hargreaves <alice@example.test> in Board, Engineers, Staff";
    for _ in 0..3 {
        assert_eq!(who(&mut alice).await, NOW);
    }
    assert_eq!(test.directory.asked(), 2);
    // It is the same login.
    assert_eq!(alice.cookie, cookie);
    assert_eq!(alice.get("/login").await.body, login);
    assert_eq!(alice.get("/cart").await.body, "pear");
    test.clock.advance(INTERVAL);
    assert_eq!(who(&mut alice).await, NOW);
    assert_eq!(test.directory.asked(), 3);
    test.clock.advance(600 * MINUTE);
    alice.get("/").await.is_challenge();
}

#[tokio::test]
async fn a_layer_that_does_not_say_so_asks_once() {
    let test = Rechecked::start();
    let layer = layer(&test.realm).directory(test.directory.clone());
    let site = Site::new(layer.clock(test.clock.reader()));
    let mut alice = site.signed_in(&test.realm, "alice").await;
    test.change("delete");
    test.clock.advance(599 * MINUTE);
    assert_eq!(who(&mut alice).await, ALICE);
    assert_eq!(test.directory.asked(), 1);
}

#[tokio::test]
async fn who_may_in_no_longer_is_out_at_that_request_and_the_data_stays_theirs() {
    let denied: GroupRule = "cn=Suspended,ou=groups,dc=example,dc=test".into();
    type Case = (fn(&Rechecked), fn(&Rechecked));
    let cases: [Case; 2] = [
        (Rechecked::lock, Rechecked::unlock),
        (
            |test| test.join("Suspended"),
            |test| {
                let dn = format!("cn=Suspended,{}", test.ldap.groups());
                let delete = format!("dn: {dn}\nchangetype: delete\n");
                test.ldap.ldif(&delete).expect("deleted");
            },
        ),
    ];
    for (bar, admit) in cases {
        let test = Rechecked::start();
        test.ldap.add_group("Suspended", ["bob"]).expect("added");
        let site = Site::new(test.layer().deny_group(denied.clone()));
        let mut alice = site.with_a_pear(&test.realm, "alice").await;
        bar(&test);
        alice.get("/").await.is_hello("alice");
        test.clock.advance(INTERVAL);
        let (calls, cookie) = (site.calls(), alice.cookie.clone());
        let answer = alice.get("/").await;
        is_out(&answer, ErrorKind::UserDenied);
        let ticket = token(&test.realm, "alice");
        let at_sign_in = alice.get_with("/", &ticket).await;
        at_sign_in.is_forbidden(ErrorKind::UserDenied);
        assert_eq!(answer.body, at_sign_in.body);
        alice.get("/").await.is_challenge();
        assert_eq!(site.calls(), calls, "no handler");
        admit(&test);
        alice.get("/").await.is_challenge();
        let answer = alice.get_with("/cart", &token(&test.realm, "alice")).await;
        assert_eq!(answer.body, "pear", "{answer:?}");
        assert_eq!(alice.cookie, cookie);
    }
}

/// What a person gets whom a recheck has thrown out.
#[track_caller]
pub fn is_out(answer: &Answer, kind: ErrorKind) {
    assert_eq!(answer.kind(), Some(kind), "{answer:?}");
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.challenges().is_empty(), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn who_is_gone_is_out_and_so_is_who_has_the_name_of_another() {
    for (replaced, kind) in [
        (false, ErrorKind::UserNotFound),
        (true, ErrorKind::UserDiffers),
    ] {
        let test = Rechecked::start();
        let site = Site::new(test.layer());
        let mut alice = site.with_a_pear(&test.realm, "alice").await;
        test.change("delete");
        if replaced {
            test.ldap.add_person("alice", "Alice").expect("added");
        }
        test.clock.advance(INTERVAL);
        is_out(&alice.get("/").await, kind);
        alice.get("/").await.is_challenge();
        if replaced {
            let answer = alice.get_with("/cart", &token(&test.realm, "alice")).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.body, "", "another person's cart");
        }
    }
}

#[tokio::test]
async fn roles_are_given_and_taken() {
    let test = Rechecked::start();
    test.ldap.add_group("Board", ["bob"]).expect("added");
    let roles = async |user: User| user.roles().collect::<Vec<_>>().join(" ");
    let layer = test
        .layer()
        .role("director", "Board")
        .role("worker", !GroupRule::name("Board"));
    let site = Site::of(own_routes().route("/roles", get(roles)), layer);
    let mut alice = site.signed_in(&test.realm, "alice").await;
    assert_eq!(alice.get("/roles").await.body, "worker");
    test.join("Board");
    test.clock.advance(INTERVAL);
    for _ in 0..2 {
        assert_eq!(alice.get("/roles").await.body, "director");
    }
}

#[tokio::test]
async fn a_hook_on_sign_ins_is_called_again_and_what_it_adds_is_kept() {
    let test = Rechecked::start();
    let is_banned = Arc::<AtomicBool>::default();
    let banned = Arc::clone(&is_banned);
    let layer = test.layer().on_sign_in("members", move |_, user| {
        let banned = banned.load(Ordering::SeqCst);
        async move {
            match banned {
                true => Err(DirectoryError::denied()),
                false => Ok(user.into_builder().role("member").build()),
            }
        }
    });
    let roles = async |user: User| user.roles().collect::<Vec<_>>().join(" ");
    let site = Site::of(own_routes().route("/roles", get(roles)), layer);
    let mut alice = site.signed_in(&test.realm, "alice").await;
    test.clock.advance(INTERVAL);
    assert_eq!(alice.get("/roles").await.body, "member");
    is_banned.store(true, Ordering::SeqCst);
    assert_eq!(alice.get("/roles").await.body, "member");
    test.clock.advance(INTERVAL);
    is_out(&alice.get("/roles").await, ErrorKind::UserDenied);
}

#[tokio::test]
async fn while_slapd_is_down_the_last_answer_holds_for_the_grace_time_and_nothing_is_removed() {
    let mut test = Rechecked::start();
    let site = Site::new(test.layer().recheck_grace(2 * MINUTE));
    let mut alice = site.with_a_pear(&test.realm, "alice").await;
    test.ldap.stop();
    test.clock.advance(INTERVAL + MINUTE);
    for _ in 0..3 {
        alice.get("/").await.is_hello("alice");
    }
    assert_eq!(test.directory.asked(), 2, "not at each request");
    test.clock.advance(MINUTE / 2);
    // A ticket finds the directory down, too.
    let ticket = token(&test.realm, "alice");
    alice.get_with("/", &ticket).await.is_hello("alice");
    test.clock.advance(MINUTE / 2);
    let (calls, ticket) = (site.calls(), token(&test.realm, "alice"));
    for answer in [alice.get("/").await, alice.get_with("/", &ticket).await] {
        assert_eq!(answer.kind(), Some(ErrorKind::DirectoryUnavailable));
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert!(!answer.challenges().contains(&"Negotiate"), "{answer:?}");
    }
    assert_eq!(site.calls(), calls, "no handler");
    test.ldap.restart().expect("started");
    alice.get("/").await.is_hello("alice");
    assert_eq!(alice.get("/cart").await.body, "pear");
    // And it counts from there.
    let asked = test.directory.asked();
    test.clock.advance(INTERVAL - MINUTE);
    alice.get("/").await.is_hello("alice");
    assert_eq!(test.directory.asked(), asked);
}

#[tokio::test]
async fn a_directory_that_is_back_within_the_grace_time_is_asked_again() {
    let mut test = Rechecked::start();
    let site = Site::new(test.layer());
    let mut alice = site.signed_in(&test.realm, "alice").await;
    test.lock();
    test.ldap.stop();
    test.clock.advance(INTERVAL);
    alice.get("/").await.is_hello("alice");
    test.ldap.restart().expect("started");
    test.clock.advance(Duration::from_secs(10));
    is_out(&alice.get("/").await, ErrorKind::UserDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_requests_at_once_make_one_search_and_write_it_once() {
    let test = Rechecked::start();
    let site = Site::new(test.layer());
    let alice = site.signed_in(&test.realm, "alice").await;
    test.call_her_hargreaves();
    test.clock.advance(INTERVAL);
    let requests = (0..8).map(|_| {
        let mut browser = alice.clone();
        tokio::spawn(async move { browser.get("/who").await })
    });
    // All under way before one is waited for.
    let requests: Vec<_> = requests.collect();
    let mut written = 0;
    for answer in join_all(requests).await {
        let answer = answer.expect("an answer");
        assert!(answer.body.starts_with("Alice Hargreaves "), "{answer:?}");
        written += usize::from(answer.headers.contains_key(SET_COOKIE));
    }
    assert_eq!((test.directory.asked(), written), (2, 1));
}

#[tokio::test]
async fn an_answer_that_was_not_written_is_remembered_and_written_by_the_next_request() {
    let test = Rechecked::start();
    let store = MemoryStore::default();
    let site = Site::with_store(test.layer(), store.clone());
    let mut alice = site.signed_in(&test.realm, "alice").await;
    test.call_her_hargreaves();
    test.clock.advance(INTERVAL);
    let failed = alice.get("/status/500").await;
    assert_eq!(failed.headers.get(SET_COOKIE), None, "nothing stored");
    let written = alice.get("/who").await;
    assert!(written.body.starts_with("Alice Hargreaves "), "{written:?}");
    assert!(written.headers.contains_key(SET_COOKIE));
    let answer = alice.get("/who").await;
    assert!(answer.body.starts_with("Alice Hargreaves "), "{answer:?}");
    assert_eq!(answer.headers.get(SET_COOKIE), None, "once");
    assert_eq!(test.directory.asked(), 2);
}

#[tokio::test]
async fn another_server_need_not_ask_what_the_session_knows() {
    let test = Rechecked::start();
    let store = MemoryStore::default();
    // An own directory is another one in each process, unless both layers have this very one.
    let directory = SharedDirectory::new(test.directory.clone());
    let server = || {
        let layer = test.layer().directory(directory.clone());
        let layer = layer.session_store(store.clone()).as_another_process();
        Site::with_store(layer, store.clone())
    };
    let (here, there) = (server(), server());
    let mut alice = here.signed_in(&test.realm, "alice").await;
    test.call_her_hargreaves();
    test.clock.advance(INTERVAL);
    let first = alice.get("/who").await;
    assert!(first.body.starts_with("Alice Hargreaves "), "{first:?}");
    let mut elsewhere = there.browser();
    elsewhere.cookie.clone_from(&alice.cookie);
    let second = elsewhere.get("/who").await;
    assert!(second.body.starts_with("Alice Hargreaves "), "{second:?}");
    assert_eq!(test.directory.asked(), 2);
}

#[tokio::test]
async fn what_the_handler_does_to_the_session_is_not_undone_by_the_answer() {
    let test = Rechecked::start();
    let flush = async |session: tower_sessions::Session| {
        session.flush().await.expect("flushes");
    };
    let routes: Router = own_routes().route("/flush", get(flush));
    for path in ["/logout", "/flush"] {
        let site = Site::of(routes.clone(), test.layer());
        let mut alice = site.signed_in(&test.realm, "alice").await;
        test.clock.advance(INTERVAL);
        let answer = alice.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        let answer = alice.get("/").await;
        assert_ne!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn cached_is_asked_anew_and_lets_nobody_in_again_by_what_it_knew() {
    let test = Rechecked::start();
    let cached = Cached::new(test.directory.clone(), LONG);
    let site = Site::new(test.layer().directory(cached));
    let mut alice = site.signed_in(&test.realm, "alice").await;
    test.lock();
    let ticket = token(&test.realm, "alice");
    alice.get_with("/", &ticket).await.is_hello("alice");
    assert_eq!(test.directory.asked(), 1);
    test.clock.advance(INTERVAL);
    is_out(&alice.get("/").await, ErrorKind::UserDenied);
    let answer = alice.get_with("/", &token(&test.realm, "alice")).await;
    answer.is_forbidden(ErrorKind::UserDenied);
}

/// A defect of the application's.
struct PanicsLater;

impl Directory for PanicsLater {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        PrincipalOnly.find(who).await
    }

    async fn recheck(&self, _: &Initiator, _: &User) -> Result<User, DirectoryError> {
        panic!("in the directory")
    }
}

#[tokio::test]
async fn a_directory_that_panics_is_one_that_could_not_answer() {
    let (realm, clock) = (realm(), TestClock::default());
    let told = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&told);
    let layer = layer(&realm)
        .directory(PanicsLater)
        .clock(clock.reader())
        .recheck_every(INTERVAL)
        .recheck_grace(MINUTE)
        .on_directory_error(move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
        });
    let site = Site::new(layer);
    let mut alice = site.signed_in(&realm, "alice").await;
    clock.advance(INTERVAL);
    for _ in 0..3 {
        alice.get("/").await.is_hello("alice");
    }
    assert_eq!(told.load(Ordering::SeqCst), 1, "not at each request");
    clock.advance(MINUTE);
    let answer = alice.get("/").await;
    assert_eq!(answer.kind(), Some(ErrorKind::DirectoryUnavailable));
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

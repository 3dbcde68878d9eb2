//! Accept threads that can't go on: another process holds the replay cache's lock, as a busy
//! neighbour on the machine does.

use std::fs::File;
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use rustix::fs::{FlockOperation, fcntl_lock};
use tempfile::TempDir;
use tower_spnego::ErrorKind;
use tower_spnego::testing::TestRealm;

use crate::site::{Answer, SPN, Site, layer, lock_replay_cache, realm, token};

struct Blocked {
    // Dropped first: the site's threads are joined, and wait for the lock.
    lock: File,
    site: Site,
    _folder: TempDir,
}

impl Blocked {
    fn start(realm: &TestRealm, queue: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path().join("replays");
        let site = Site::new(
            layer(realm)
                .replay_cache(&cache)
                .accept_queue(queue)
                .accept_timeout(Duration::from_millis(300)),
        );
        Self {
            lock: lock_replay_cache(&cache),
            site,
            _folder: folder,
        }
    }
}

#[track_caller]
fn is_busy(answer: &Answer) {
    assert_eq!(answer.kind(), Some(ErrorKind::Busy), "{answer:?}");
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("set-cookie"), None);
    assert!(answer.challenges().is_empty());
}

#[tokio::test]
async fn a_token_that_waits_too_long_is_answered_503_and_the_next_one_accepted() {
    let realm = realm();
    let blocked = Blocked::start(&realm, 1024);
    let answer = blocked
        .site
        .browser()
        .get_with("/", &token(&realm, "alice"))
        .await;
    is_busy(&answer);
    assert_eq!(blocked.site.calls(), 0);
    fcntl_lock(&blocked.lock, FlockOperation::Unlock).expect("unlocks");
    let answer = blocked
        .site
        .browser()
        .get_with("/", &token(&realm, "alice"))
        .await;
    answer.is_hello("alice");
}

#[tokio::test]
async fn more_tokens_than_the_queue_holds_are_answered_503() {
    let realm = realm();
    let blocked = Blocked::start(&realm, 1);
    let cache = realm.ticket_cache("alice").expect("a ticket");
    // At most four threads have one each, and the queue one more.
    let answers = (0..12).map(|_| {
        let token = cache.token(SPN).expect("a token");
        let mut browser = blocked.site.browser();
        async move { browser.get_with("/", &token).await }
    });
    let answers = join_all(answers).await;
    answers.iter().for_each(is_busy);
    let full = |answer: &&Answer| {
        let error = answer.error.as_ref().expect("an error").to_string();
        error.contains("the queue of spnego-accept is full")
    };
    assert!(answers.iter().filter(full).count() >= 12 - 5);
}

#[tokio::test]
async fn a_live_login_goes_on_while_nobody_can_sign_in() {
    let realm = realm();
    let blocked = Blocked::start(&realm, 1024);
    fcntl_lock(&blocked.lock, FlockOperation::Unlock).expect("unlocks");
    let mut alice = blocked.site.browser();
    alice
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    fcntl_lock(&blocked.lock, FlockOperation::LockExclusive).expect("locks");
    is_busy(
        &blocked
            .site
            .browser()
            .get_with("/", &token(&realm, "bob"))
            .await,
    );
    alice.get("/").await.is_hello("alice");
    fcntl_lock(&blocked.lock, FlockOperation::Unlock).expect("unlocks");
}

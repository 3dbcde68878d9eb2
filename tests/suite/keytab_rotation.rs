//! The keytab changes under a running layer.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::StatusCode;
use tower_spnego::ErrorKind;
use tower_spnego::testing::TestRealm;

use crate::site::{Answer, SPN, Site, layer};
use crate::wait;

struct Rotating {
    realm: TestRealm,
    keytab: PathBuf,
    site: Site,
}

impl Rotating {
    fn start() -> Self {
        let realm = TestRealm::start().expect("a KDC");
        let keytab = realm.folder().join("rotating.keytab");
        std::fs::copy(realm.keytab(), &keytab).expect("copies");
        let site = Site::new(layer(&realm).keytab(&keytab));
        Self {
            realm,
            keytab,
            site,
        }
    }

    async fn sign_in(&self) -> Answer {
        let token = crate::site::token(&self.realm, "alice");
        self.site.browser().get_with("/", &token).await
    }

    /// Signs in until it works: a change of the file is seen within a second.
    async fn becomes_usable(&self) {
        let signs_in = async || self.sign_in().await.status == StatusCode::OK;
        wait::until("the new keys are taken", signs_in).await;
    }

    /// More often than the file is looked at.
    async fn stays_usable(&self) {
        let end = Instant::now() + Duration::from_millis(700);
        while Instant::now() < end {
            self.sign_in().await.is_hello("alice");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn a_new_key_is_taken_and_tickets_of_the_old_one_work_while_it_is_there() {
    let test = Rotating::start();
    let old = test.realm.ticket_cache("alice").expect("a ticket");
    old.token(SPN).expect("a token");
    test.realm.change_key(SPN).expect("changes");
    assert_eq!(test.sign_in().await.kind(), Some(ErrorKind::KeyMissing));
    test.realm
        .export_keytab(SPN, &test.keytab)
        .expect("appends");
    test.becomes_usable().await;
    let token = old.token(SPN).expect("a token");
    test.site
        .browser()
        .get_with("/", &token)
        .await
        .is_hello("alice");
}

#[tokio::test]
async fn a_keytab_that_is_replaced_by_a_link_is_taken() {
    let test = Rotating::start();
    test.realm.change_key(SPN).expect("changes");
    let next = test.realm.folder().join("next.keytab");
    test.realm.export_keytab(SPN, &next).expect("exports");
    std::fs::remove_file(&test.keytab).expect("removes");
    std::os::unix::fs::symlink(&next, &test.keytab).expect("links");
    test.becomes_usable().await;
}

#[tokio::test]
async fn a_keytab_that_is_missing_or_broken_keeps_its_last_good_keys() {
    let test = Rotating::start();
    std::fs::remove_file(&test.keytab).expect("removes");
    test.stays_usable().await;
    std::fs::write(&test.keytab, "half a key").expect("writes");
    test.stays_usable().await;
    let other = test.realm.folder().join("other.keytab");
    test.realm.add_service("HTTP/other").expect("adds");
    test.realm
        .export_keytab("HTTP/other", &other)
        .expect("exports");
    std::fs::rename(&other, &test.keytab).expect("moves");
    test.stays_usable().await;
    test.realm.change_key(SPN).expect("changes");
    std::fs::remove_file(&test.keytab).expect("removes");
    test.realm
        .export_keytab(SPN, &test.keytab)
        .expect("exports");
    test.becomes_usable().await;
}

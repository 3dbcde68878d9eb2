use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::StatusCode;
use tower_spnego::testing::TestRealm;
use tower_spnego::{
    Directory, DirectoryError, ErrorKind, Initiator, PrincipalOnly, SpnegoLayer, User,
};

use crate::realms::{token_from, trust};
use crate::site::{Site, layer, realm, token};

#[tokio::test]
async fn a_name_of_two_components_and_a_machines_name_are_refused() {
    let realm = realm();
    realm.add_principals(["alice/admin", "PC$"]).expect("adds");
    let site = Site::new(layer(&realm));
    for name in ["alice/admin", "PC$"] {
        let answer = site.browser().get_with("/", &token(&realm, name)).await;
        answer.is_forbidden(ErrorKind::NameNotAllowed);
        assert!(answer.token().is_some(), "the final token");
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn a_name_with_deceptive_characters_is_refused_and_one_that_merely_looks_odd_is_itself() {
    let realm = realm();
    realm
        .add_principals(["\u{202e}ecila", "al\u{1b}ice", "ａlice", " alice"])
        .expect("adds");
    let site = Site::new(layer(&realm));
    for name in ["\u{202e}ecila", "al\u{1b}ice"] {
        let answer = site.browser().get_with("/", &token(&realm, name)).await;
        answer.is_forbidden(ErrorKind::NameNotAllowed);
        let logged = answer.error.expect("an error").to_string();
        assert!(!logged.contains(['\u{202e}', '\u{1b}']), "{logged:?}");
    }
    for name in ["ａlice", " alice"] {
        let answer = site.browser().get_with("/", &token(&realm, name)).await;
        answer.is_hello(name);
    }
}

#[tokio::test]
async fn another_realms_people_are_refused_though_the_keytab_has_its_key() {
    let corp = realm();
    let lab = TestRealm::builder()
        .realm("LAB.TEST")
        .start()
        .expect("a KDC");
    // The administrator of LAB can name anybody of LAB, an "alice" of CORP's name among them.
    let site = Site::new(layer(&lab).realm("OTHER.TEST"));
    site.browser()
        .get_with("/", &token(&lab, "alice"))
        .await
        .is_hello("alice@LAB.TEST");
    let site = Site::new(
        SpnegoLayer::builder()
            .realm(corp.realm())
            .hostname("localhost")
            .keytab(lab.keytab())
            .directory(PrincipalOnly),
    );
    let answer = site.browser().get_with("/", &token(&lab, "alice")).await;
    answer.is_forbidden(ErrorKind::RealmNotAllowed);
    assert_eq!(site.calls(), 0);
}

/// A token in which LAB's own KDC names CORP's administrator: whoever runs LAB can start a KDC for a
/// CORP of their own, and have LAB trust it.
fn forged_administrator(lab: &TestRealm) -> Vec<u8> {
    let fake = TestRealm::builder()
        .realm("CORP.TEST")
        .principals(["administrator"])
        .start()
        .expect("a KDC");
    trust(&fake, lab);
    token_from(&fake, lab, "administrator")
}

/// With the keys of two realms in one keytab, the second realm's KDC can issue a ticket that names
/// the first realm's administrator. An acceptor without a name of its own takes it.
#[tokio::test]
async fn another_realms_kdc_cannot_speak_for_ours() {
    let corp = TestRealm::builder()
        .realm("CORP.TEST")
        .principals(["administrator"])
        .start()
        .expect("a KDC");
    let lab = TestRealm::builder()
        .realm("LAB.TEST")
        .start()
        .expect("a KDC");
    let keytab = corp.folder().join("both.keytab");
    corp.export_keytab("HTTP/localhost", &keytab)
        .expect("exports");
    lab.export_keytab("HTTP/localhost", &keytab)
        .expect("exports");

    let layer = || {
        SpnegoLayer::builder()
            .realm("CORP.TEST")
            .hostname("localhost")
            .keytab(&keytab)
            .directory(PrincipalOnly)
    };
    let error = layer()
        .build()
        .expect_err("which realm is ours?")
        .to_string();
    assert!(
        error.contains("CORP.TEST, LAB.TEST") && error.contains(".service_realm("),
        "{error}"
    );

    let site = Site::new(layer().service_realm("CORP.TEST"));
    let honest = token(&corp, "administrator");
    site.browser()
        .get_with("/", &honest)
        .await
        .is_hello("administrator");
    let forged = forged_administrator(&lab);
    let answer = site.browser().get_with("/", &forged).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
    let lab_alice = token(&lab, "alice");
    let answer = site.browser().get_with("/", &lab_alice).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
    assert_eq!(site.calls(), 1);
}

#[tokio::test]
async fn with_several_realms_the_whole_principal_is_the_name() {
    let realm = realm();
    let site = Site::new(layer(&realm).realms(["OTHER.TEST"]));
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    answer.is_hello("alice@EXAMPLE.TEST");
}

/// Answers as it is told.
#[derive(Clone)]
struct Told(Arc<Mutex<Result<(), DirectoryError>>>, Arc<AtomicBool>);

impl Told {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Ok(()))), Arc::default())
    }

    fn says(&self, answer: Result<(), DirectoryError>) {
        *self.0.lock().expect("lock") = answer;
    }
}

impl Directory for Told {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        self.1.store(true, Ordering::SeqCst);
        self.0.lock().expect("lock").clone()?;
        Ok(User::builder(who.principal().clone()).build())
    }
}

#[tokio::test]
async fn whom_the_directory_does_not_vouch_for_is_forbidden() {
    let realm = realm();
    let told = Told::new();
    let site = Site::new(layer(&realm).directory(told.clone()));
    for error in [
        DirectoryError::not_found(),
        DirectoryError::ambiguous(),
        DirectoryError::differs(),
        DirectoryError::denied(),
    ] {
        told.says(Err(error.clone()));
        let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
        answer.is_forbidden(error.kind());
        assert!(answer.token().is_some(), "the final token");
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn a_directory_that_answers_with_somebody_else_lets_nobody_in() {
    struct AlwaysBob;
    impl Directory for AlwaysBob {
        async fn find(&self, _: &Initiator) -> Result<User, DirectoryError> {
            let bob = "bob@EXAMPLE.TEST".parse().expect("a principal");
            Ok(User::builder(bob).build())
        }
    }
    let realm = realm();
    let site = Site::new(layer(&realm).directory(AlwaysBob));
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    answer.is_forbidden(ErrorKind::UserDiffers);
    site.browser()
        .get_with("/", &token(&realm, "bob"))
        .await
        .is_hello("bob");
}

#[tokio::test]
async fn the_order_and_the_number_of_times_that_realms_are_named_mean_nothing() {
    let realm = realm();
    let site = Site::new(layer(&realm).realm("EXAMPLE.TEST"));
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    answer.is_hello("alice");
    let store = tower_sessions::MemoryStore::default();
    let [one, other] = [["A", "B"], ["B", "A"]]
        .map(|realms| Site::with_store(layer(&realm).realms(realms), store.clone()));
    let browser = one.signed_in(&realm, "alice").await;
    let mut elsewhere = other.browser();
    elsewhere.cookie = browser.cookie;
    elsewhere.get("/").await.is_hello("alice@EXAMPLE.TEST");
}

#[tokio::test]
async fn a_stranger_of_another_realm_is_never_asked_about() {
    let lab = TestRealm::builder()
        .realm("LAB.TEST")
        .start()
        .expect("a KDC");
    let told = Told::new();
    let site = Site::new(
        SpnegoLayer::builder()
            .realm("CORP.TEST")
            .hostname("localhost")
            .keytab(lab.keytab())
            .directory(told.clone()),
    );
    let answer = site.browser().get_with("/", &token(&lab, "alice")).await;
    answer.is_forbidden(ErrorKind::RealmNotAllowed);
    assert!(!told.1.load(Ordering::SeqCst));
}

#[tokio::test]
async fn while_the_directory_is_down_nobody_new_gets_in_and_a_live_login_goes_on() {
    let realm = realm();
    let told = Told::new();
    let site = Site::new(layer(&realm).directory(told.clone()));
    let mut alice = site.signed_in(&realm, "alice").await;
    for error in [
        DirectoryError::unavailable(),
        DirectoryError::misconfigured(),
    ] {
        told.says(Err(error.clone()));
        let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.kind(), Some(error.kind()));
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(answer.header("set-cookie"), None);
        assert!(!answer.challenges().contains(&"Negotiate"));
        alice.get("/").await.is_hello("alice");
        alice
            .get_with("/", &token(&realm, "alice"))
            .await
            .is_hello("alice");
        let mut as_bob = alice.clone();
        let answer = as_bob.get_with("/", &token(&realm, "bob")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    told.says(Ok(()));
    site.browser()
        .get_with("/", &token(&realm, "bob"))
        .await
        .is_hello("bob");
}

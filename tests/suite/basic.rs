//! Basic beside Negotiate: people without a ticket, and the KDC that knows their passwords. The KDC
//! is found by krb5.conf, which is a process's own.

mod active_directory;
mod clients;
mod failures;
mod group_rules;
mod kdc;
mod over;
mod session;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::extract::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::AUTHORIZATION;
use tower_spnego::testing::TestRealm;
use tower_spnego::{BasicOver, Challenge, ChannelBinding, ErrorKind, NoLogin, SpnegoLayerBuilder};

use crate::process;
use crate::site::{Answer, Site, layer, request, token, with_header};

const PASSWORD: &str = "correct: horse, Grüße 😀";

const CHALLENGE: &str = r#"Basic realm="localhost", charset="UTF-8""#;

/// For the first line of a test: runs it in a process of its own, whose krb5.conf is still to be
/// written, and which has no tickets.
#[track_caller]
fn elsewhere(test: &str) -> bool {
    if process::is_own() {
        return false;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tickets")).expect("a folder");
    process::run(
        &format!("basic::{test}"),
        [
            ("KRB5_CONFIG", folder.path().join("krb5.conf")),
            ("KRB5CCNAME", folder.path().join("tickets/cache")),
        ],
    );
    true
}

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name).expect(name).into()
}

/// This process asks the KDC of this realm from now on.
fn ask(realm: &TestRealm) {
    std::fs::copy(realm.krb5_conf(), variable("KRB5_CONFIG")).expect("copies");
}

/// A realm where alice has a password and bob has a ticket.
fn realm() -> TestRealm {
    let realm = TestRealm::start().expect("a KDC");
    give_password(&realm, "alice", PASSWORD);
    ask(&realm);
    realm
}

fn give_password(realm: &TestRealm, user: &str, password: &str) {
    realm.set_password(user, password).expect("a password");
    let flags = ["modprinc", "+requires_preauth", user];
    realm.kadmin(flags).expect("a flag");
}

fn basic(realm: &TestRealm) -> SpnegoLayerBuilder {
    layer(realm).basic(BasicOver::always_tls())
}

fn with_password(request: Request, user: &str, password: &str) -> Request {
    let pair = STANDARD.encode(format!("{user}:{password}"));
    with_header(request, AUTHORIZATION.as_str(), &format!("Basic {pair}"))
}

fn typed(user: &str, password: &str) -> Request {
    with_password(request("/"), user, password)
}

/// How often the KDC was asked to check this user's password, whatever came of it.
fn checks(realm: &TestRealm, user: &str) -> usize {
    let client = format!("{user}@EXAMPLE.TEST for krbtgt/");
    realm
        .kdc_log()
        .lines()
        .filter(|line| line.contains("AS_REQ") && line.contains(&client))
        .filter(|line| !line.contains("NEEDED_PREAUTH"))
        .count()
}

impl Answer {
    /// A 401 that asks for another password, and says nothing of tokens.
    #[track_caller]
    fn is_refused_password(&self, kind: ErrorKind) {
        assert_eq!(self.kind(), Some(kind), "{self:?}");
        assert_eq!(self.status, StatusCode::UNAUTHORIZED);
        assert_eq!(self.challenges(), [CHALLENGE]);
        assert_eq!(self.header("set-cookie"), None, "nothing stored");
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert!(self.body.starts_with("You are not signed in."), "{self:?}");
    }

    #[track_caller]
    fn offers_both(&self) {
        assert_eq!(self.status, StatusCode::UNAUTHORIZED, "{self:?}");
        assert_eq!(self.kind(), Some(ErrorKind::NoCredentials));
        assert_eq!(self.challenges(), ["Negotiate", CHALLENGE]);
    }
}

#[tokio::test]
async fn a_person_without_a_ticket_signs_in_by_name_and_password() {
    if elsewhere("a_person_without_a_ticket_signs_in_by_name_and_password") {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm));
    let mut browser = site.browser();
    browser.get("/").await.offers_both();
    let answer = browser.send(typed("alice", PASSWORD)).await;
    answer.is_hello("alice");
    assert!(answer.challenges().is_empty(), "no token of anybody's");
    browser.get("/").await.is_hello("alice");
    let whole = typed("alice@EXAMPLE.TEST", PASSWORD);
    site.browser().send(whole).await.is_hello("alice");

    let login = with_password(request("/login"), "alice", PASSWORD);
    let answer = site.browser().send(login).await;
    assert_eq!(answer.body, "alice@EXAMPLE.TEST Some(36000)");
    // A ticket signs in as ever.
    let bob = token(&realm, "bob");
    site.browser().get_with("/", &bob).await.is_hello("bob");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    if elsewhere("a_wrong_password_and_an_unknown_user_are_told_the_same") {
        return;
    }
    let realm = realm();
    // Without preauthentication the KDC tells nobody that a password is wrong.
    realm.set_password("bob", "bob's own").expect("a password");
    let site = Site::new(basic(&realm));
    let mut bodies = Vec::new();
    for (user, password) in [
        ("alice", "wrong"),
        ("alice", "correct: horse, Grüße"),
        ("bob", PASSWORD),
        ("nobody", PASSWORD),
        ("alice/admin", PASSWORD),
        ("alice@example.com@EXAMPLE.TEST", PASSWORD),
    ] {
        let begun = Instant::now();
        let answer = site.browser().send(typed(user, password)).await;
        answer.is_refused_password(ErrorKind::WrongPassword);
        // Of a user it does not know, the KDC says so much sooner.
        assert!(begun.elapsed() >= Duration::from_millis(200), "{user}");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn a_name_that_may_not_sign_in_is_refused_before_the_kdc_is_asked() {
    if elsewhere("a_name_that_may_not_sign_in_is_refused_before_the_kdc_is_asked") {
        return;
    }
    let realm = realm();
    let one = Site::new(basic(&realm));
    let two = Site::new(basic(&realm).realm("OTHER.TEST"));
    let theirs = SpnegoLayerBuilder::realms(basic(&realm), ["OTHER.TEST"]);
    let theirs = Site::new(theirs);
    let before = realm.kdc_log();
    for (site, user) in [
        (&one, "alice@OTHER.TEST"),
        (&one, "alice@example.test"),
        (&one, "alice@"),
        (&one, "alice@EXAMPLE.TEST@OTHER.TEST"),
        (&two, "alice@ANOTHER.TEST"),
        (&theirs, "alice$"),
        (&one, "alice\u{200b}"),
    ] {
        let answer = site.browser().send(typed(user, PASSWORD)).await;
        answer.is_refused_password(ErrorKind::BasicNameNotAllowed);
    }
    for value in ["Basic !", "Basic YWxpY2U=", "Basic YWxpY2U6", "Basic Og=="] {
        let request = with_header(request("/"), "authorization", value);
        let answer = one.browser().send(request).await;
        answer.is_refused_password(ErrorKind::BasicUnreadable);
    }
    assert_eq!(realm.kdc_log(), before, "nobody asked the KDC");
    // Of several realms, a name alone is of the service's own.
    let answer = two.browser().send(typed("alice", PASSWORD)).await;
    answer.is_hello("alice@EXAMPLE.TEST");
}

#[tokio::test]
async fn where_the_services_own_realm_may_not_sign_in_a_name_needs_its_realm() {
    if elsewhere("where_the_services_own_realm_may_not_sign_in_a_name_needs_its_realm") {
        return;
    }
    let realm = realm();
    let layer = tower_spnego::SpnegoLayer::builder()
        .realms(["A.TEST", "B.TEST"])
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(tower_spnego::PrincipalOnly)
        .basic(BasicOver::always_tls());
    let site = Site::new(layer);
    let answer = site.browser().send(typed("alice", PASSWORD)).await;
    answer.is_refused_password(ErrorKind::BasicNameNotAllowed);
    let error = answer.error.expect("an error").to_string();
    assert!(
        error.contains(
            "The client is alice@EXAMPLE.TEST, and the realms that may sign in are A.TEST, B.TEST."
        ),
        "{error}"
    );
}

#[tokio::test]
async fn who_the_directory_does_not_admit_is_forbidden_and_not_asked_again() {
    use tower_spnego::{Directory, DirectoryError, Initiator, User};
    struct Nobody;
    impl Directory for Nobody {
        async fn find(&self, _: &Initiator) -> Result<User, DirectoryError> {
            Err(DirectoryError::not_found())
        }
    }
    if elsewhere("who_the_directory_does_not_admit_is_forbidden_and_not_asked_again") {
        return;
    }
    let realm = realm();
    let site = Site::new(basic(&realm).directory(Nobody));
    let answer = site.browser().send(typed("alice", PASSWORD)).await;
    answer.is_forbidden(ErrorKind::UserNotFound);
    assert!(answer.challenges().is_empty());
}

#[tokio::test]
async fn beside_a_refused_token_a_password_is_asked_for() {
    if elsewhere("beside_a_refused_token_a_password_is_asked_for") {
        return;
    }
    let realm = realm();
    let refuse = async |layer: SpnegoLayerBuilder| {
        let request = with_header(request("/"), "authorization", "Negotiate YBsG");
        let answer = Site::new(layer).browser().send(request).await;
        assert_eq!(answer.kind(), Some(ErrorKind::MalformedToken));
        answer
    };
    let answer = refuse(basic(&realm)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let reject = "Negotiate oQcwBaADCgEC";
    assert_eq!(answer.challenges(), [reject, CHALLENGE]);
    let answer = refuse(basic(&realm).negotiate_once()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.challenges(), [CHALLENGE]);
}

#[tokio::test]
async fn a_handlers_own_challenge_offers_it_too() {
    if elsewhere("a_handlers_own_challenge_offers_it_too") {
        return;
    }
    let realm = realm();
    let optional = Site::new(basic(&realm).optional());
    optional.browser().get("/").await.offers_both();
    let wrong = with_password(request("/maybe"), "alice", "wrong");
    let answer = optional.browser().send(wrong).await;
    answer.is_refused_password(ErrorKind::WrongPassword);
    optional.browser().get("/maybe").await.is_hello("stranger");
    let forbidding = Site::new(basic(&realm).without_login(|_| NoLogin::Forbid));
    let answer = forbidding.browser().get("/").await;
    answer.is_forbidden(ErrorKind::NotChallenged);
    let answer = forbidding.browser().send(typed("alice", PASSWORD)).await;
    answer.is_hello("alice");
}

#[tokio::test]
async fn a_handler_that_challenges_a_password_that_counts_asks_for_no_other() {
    if elsewhere("a_handler_that_challenges_a_password_that_counts_asks_for_no_other") {
        return;
    }
    let realm = realm();
    let routes = axum::Router::new().route("/", axum::routing::get(async || Challenge));
    let site = Site::of(routes, basic(&realm));
    let mut browser = site.browser();
    // The second one rides on the session of the first.
    for _ in 0..2 {
        let answer = browser.send(typed("alice", PASSWORD)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
        assert_eq!(answer.kind(), Some(ErrorKind::NotChallenged));
        assert!(answer.challenges().is_empty(), "{answer:?}");
    }
    assert_eq!(checks(&realm, "alice"), 1);
}

#[tokio::test]
async fn any_key_of_the_keytab_and_a_required_channel_binding_are_no_hindrance() {
    if elsewhere("any_key_of_the_keytab_and_a_required_channel_binding_are_no_hindrance") {
        return;
    }
    let realm = realm();
    let layer = tower_spnego::SpnegoLayer::builder()
        .realm(realm.realm())
        .whole_keytab_is_one_trust_domain()
        .keytab(realm.keytab())
        .directory(tower_spnego::PrincipalOnly)
        .basic(BasicOver::always_tls());
    let site = Site::new(layer);
    let with_host = |host| with_header(typed("alice", PASSWORD), "host", host);
    site.browser()
        .send(with_host("localhost:8443"))
        .await
        .is_hello("alice");
    let answer = site.browser().send(with_host("elsewhere")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_eq!(answer.kind(), Some(ErrorKind::KdcNotTrusted));

    let bound = basic(&realm).channel_binding(ChannelBinding::Required);
    let answer = Site::new(bound)
        .browser()
        .send(typed("alice", PASSWORD))
        .await;
    answer.is_hello("alice");
}

#[test]
fn settings_that_let_nobody_in_are_refused() {
    let realm = crate::site::realm();
    let second = std::time::Duration::from_secs(1);
    for (layer, text) in [
        (basic(&realm).basic_failures(0, second), "let nobody in"),
        (basic(&realm).basic_checks(0), "let nobody in"),
        (
            basic(&realm).basic_timeout(std::time::Duration::ZERO),
            "let nobody in",
        ),
        (
            layer(&realm).basic(BasicOver::forwarded_from(["proxy"])),
            "\"proxy\" is no address",
        ),
        (
            layer(&realm).sign_in_path("https://evil.example"),
            "is no path to sign in at",
        ),
    ] {
        let error = layer.build().expect_err("must not start").to_string();
        assert!(error.contains(text), "{error}");
    }
}

/// What a log has seen: all levels of all crates.
#[tokio::test]
async fn a_password_is_in_no_log_no_session_and_no_answer() {
    if elsewhere("a_password_is_in_no_log_no_session_and_no_answer") {
        return;
    }
    let log = crate::log::record();
    let realm = realm();
    let store = tower_sessions::MemoryStore::default();
    let site = Site::with_store(basic(&realm), store.clone());
    let mut seen = String::new();
    for (user, password) in [
        ("alice", PASSWORD),
        ("alice", "hunter2"),
        ("alice@OTHER.TEST", "hunter2"),
        ("nobody", "hunter2"),
    ] {
        let mut browser = site.browser();
        let answer = browser.send(typed(user, password)).await;
        seen += &format!("{answer:?}");
        seen += &browser.get("/").await.body;
    }
    seen += &format!("{store:?}");
    seen += &log.text();
    assert!(
        seen.contains("signed in principal=alice@EXAMPLE.TEST"),
        "{seen}"
    );
    assert!(seen.contains("tower-spnego.login"), "{seen}");
    for password in [PASSWORD, "hunter2"] {
        for user in ["alice", "alice@OTHER.TEST", "nobody"] {
            let pair = STANDARD.encode(format!("{user}:{password}"));
            assert!(!seen.contains(&pair), "{seen}");
        }
        assert!(!seen.contains(password), "{seen}");
    }
}

//! Forwarded tickets: who gets one, and how it goes.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use async_trait::async_trait;
use axum::routing::get;
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use tempfile::TempDir;
use tower_sessions::session::{Id, Record};
use tower_sessions::{MemoryStore, SessionStore, session_store};
use tower_spnego::testing::{TestRealm, token_from};
use tower_spnego::{
    ConfigError, DelegatedTicket, Directory, DirectoryError, ErrorKind, Initiator, PrincipalOnly,
    SharedDirectory, SpnegoConnection, SpnegoLayer, SpnegoLayerBuilder, User,
};

use crate::der;
use crate::forge::{Client, Flaw, Forgery};
use crate::process;
use crate::site::{SPN, Site, layer, realm, request, token, with_token};
use crate::wait;

/// What handlers keep beyond their request.
type Kept = Arc<Mutex<Vec<DelegatedTicket>>>;

fn site(layer: SpnegoLayerBuilder) -> Site {
    keeping(layer, &Kept::default())
}

fn keeping(layer: SpnegoLayerBuilder, kept: &Kept) -> Site {
    Site::of(routes(kept), layer)
}

fn routes(kept: &Kept) -> Router {
    let keep = async |ticket: DelegatedTicket, Extension(kept): Extension<Kept>| {
        let ccache = ticket.ccache().to_owned();
        kept.lock().expect("unpoisoned").push(ticket);
        ccache
    };
    Router::new()
        .route(
            "/ticket",
            get(async |ticket: DelegatedTicket| ticket.ccache().to_owned()),
        )
        .route(
            "/maybe",
            get(async |ticket: Option<DelegatedTicket>| match ticket {
                Some(ticket) => ticket.ccache().to_owned(),
                None => "none".to_owned(),
            }),
        )
        .route("/keep", get(keep))
        .route("/", get(async |user: User| user.username().to_owned()))
        .layer(Extension(Arc::clone(kept)))
}

/// A token of this user's with their own ticket in it.
fn forwarding(realm: &TestRealm, user: &str) -> Vec<u8> {
    let cache = realm.ticket_cache(user).expect("a ticket");
    cache.delegating_token(SPN).expect("curl makes a token")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn path_of(ccache: &str) -> PathBuf {
    PathBuf::from(ccache.strip_prefix("FILE:").expect("a file"))
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("metadata").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("chmod");
}

/// All that is below, by name.
fn below(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("reads");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            let inner = if path.is_dir() {
                below(&path)
            } else {
                BTreeSet::new()
            };
            inner.into_iter().chain([path])
        })
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let all = below(folder).into_iter();
    all.filter(|path| path.is_file()).collect()
}

#[tokio::test]
async fn a_program_that_the_handler_starts_acts_as_the_person() {
    let realm = Arc::new(TestRealm::start().expect("a KDC"));
    realm.add_service("HTTP/other.test").expect("adds");
    let folder = folder();
    let caches = folder.path().join("caches");
    let act = {
        let realm = Arc::clone(&realm);
        async move |ticket: DelegatedTicket| {
            let run = |program: &str, arguments: &[&str]| {
                let mut command = realm.command(program);
                command.env("KRB5CCNAME", ticket.ccache()).args(arguments);
                let output = command.output().expect("runs");
                assert!(output.status.success(), "{output:?}");
                String::from_utf8(output.stdout).expect("text")
            };
            let path = path_of(ticket.ccache());
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().expect("a folder")), 0o700);
            let left = ticket.expires().expect("an end");
            let left = left.duration_since(SystemTime::now()).expect("lives");
            // A day, and not the clock skew beyond it.
            assert!((86_000..=86_400).contains(&left.as_secs()), "{left:?}");
            let printed = format!("{ticket:?}");
            assert!(printed.contains("FILE:"), "{printed}");
            run("kvno", &["HTTP/other.test"]) + &run("klist", &[])
        }
    };
    let site = Site::of(
        Router::new().route("/act", get(act)),
        layer(&realm).accept_delegation_into(&caches),
    );
    assert_eq!(mode(&caches), 0o700);
    let spnego = forwarding(&realm, "alice");
    let other = forwarding(&realm, "alice");
    for token in [&spnego, der::kerberos_in(&other)] {
        let answer = site.browser().get_with("/act", token).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        for expected in [
            "HTTP/other.test@EXAMPLE.TEST: kvno = ",
            "Default principal: alice@EXAMPLE.TEST",
            "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
        ] {
            assert!(answer.body.contains(expected), "{}", answer.body);
        }
        wait::until("the cache is removed", async || files(&caches).is_empty()).await;
    }
    drop(site);
    assert!(below(&caches).is_empty(), "{:?}", below(&caches));
}

/// The handler's process finds the KDC by `KRB5_CONFIG`.
#[tokio::test]
async fn a_handler_acts_as_the_person_with_a_ticket_in_memory() {
    const TEST: &str = "delegation::a_handler_acts_as_the_person_with_a_ticket_in_memory";
    if !process::is_own() {
        let realm = TestRealm::start().expect("a KDC");
        realm.add_service("HTTP/other.test").expect("adds");
        let token = STANDARD.encode(forwarding(&realm, "alice"));
        return process::run(
            TEST,
            [
                ("KRB5_CONFIG", realm.krb5_conf().as_os_str()),
                ("TEST_KEYTAB", realm.keytab().as_os_str()),
                ("TEST_TOKEN", token.as_ref()),
            ],
        );
    }
    let variable = |name| std::env::var(name).expect("set");
    let layer = |host: &str| {
        SpnegoLayer::builder()
            .realm("EXAMPLE.TEST")
            .hostname(host)
            .keytab(variable("TEST_KEYTAB"))
            .directory(PrincipalOnly)
    };
    let other = |ccache: &str| token_from(ccache, "HTTP/other.test@EXAMPLE.TEST");
    let kept = Kept::default();
    let front = keeping(layer("localhost").accept_delegation(), &kept);
    let token = STANDARD.decode(variable("TEST_TOKEN")).expect("base64");
    let answer = front.browser().get_with("/keep", &token).await;
    let ccache = answer.body.as_str();
    assert!(ccache.starts_with("MEMORY:"), "{answer:?}");

    let token = other(ccache).expect("a token");
    let back = Site::new(layer("other.test"));
    back.browser().get_with("/", &token).await.is_hello("alice");

    // It is there until the last clone goes.
    let clone = kept.lock().expect("unpoisoned").pop().expect("a ticket");
    drop(clone.clone());
    // Whatever was dropped before is gone when the layer is.
    drop(front);
    other(ccache).expect("still there");
    drop(clone);
    wait::until("the cache is removed", async || other(ccache).is_err()).await;
}

/// The client's process finds the KDC by `KRB5_CONFIG`.
#[tokio::test]
async fn a_ticket_may_come_in_a_handshake_of_several_requests() {
    const TEST: &str = "delegation::a_ticket_may_come_in_a_handshake_of_several_requests";
    if !process::is_own() {
        let folder = folder();
        return process::run(TEST, [("KRB5_CONFIG", folder.path().join("krb5.conf"))]);
    }
    let realm = TestRealm::start().expect("a KDC");
    let krb5_conf = std::env::var_os("KRB5_CONFIG").expect("set");
    std::fs::copy(realm.krb5_conf(), krb5_conf).expect("copies");
    let site = site(layer(&realm).accept_delegation());
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let three = alice.handshake(SPN).ntlm_first().delegating();
    for (handshake, requests) in [
        (three.clone().without_mutual_authentication(), 2),
        (three, 3),
    ] {
        let mut handshake = handshake.start().expect("a token");
        let connection = SpnegoConnection::new(None);
        let mut token = handshake.token().to_vec();
        for number in 1..=requests {
            let mut asked = with_token(request("/ticket"), &token);
            asked.extensions_mut().insert(connection.clone());
            let answer = site.browser().send(asked).await;
            if number == requests {
                assert!(answer.body.starts_with("MEMORY:"), "{answer:?}");
            } else {
                let reply = answer.token().expect("a token");
                let next = handshake.reply(&reply).expect("a good reply");
                token = next.expect("another token");
            }
        }
    }
}

#[tokio::test]
async fn a_cache_lives_as_long_as_somebody_holds_it() {
    let realm = realm();
    let folder = folder();
    let kept = Kept::default();
    let site = keeping(layer(&realm).accept_delegation_into(folder.path()), &kept);
    let token = forwarding(&realm, "alice");
    let answer = site.browser().get_with("/keep", &token).await;
    let path = path_of(&answer.body);
    let another = forwarding(&realm, "alice");
    let answer = site.browser().get_with("/ticket", &another).await;
    assert_ne!(path_of(&answer.body), path);
    let one_is_left = async || files(folder.path()).len() == 1;
    wait::until("one cache is removed", one_is_left).await;
    assert!(path.exists());

    // A task keeps it, also when the layer is gone.
    let ticket = kept.lock().expect("unpoisoned").pop().expect("a ticket");
    let (go, may_end) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let _ = may_end.await;
        drop(ticket);
    });
    drop(site);
    assert!(path.exists());
    go.send(()).expect("it waits");
    task.await.expect("ends");
    assert!(below(folder.path()).is_empty(), "after the layer: at once");
}

#[tokio::test]
async fn without_accept_delegation_a_forwarded_ticket_is_dropped() {
    let realm = realm();
    let site = site(layer(&realm));
    let token = forwarding(&realm, "alice");
    let answer = site.browser().get_with("/maybe", &token).await;
    assert_eq!(answer.body, "none");
    let token = forwarding(&realm, "alice");
    let answer = site.browser().get_with("/ticket", &token).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        answer
            .body
            .contains("Perhaps you forgot `.accept_delegation()`")
    );
}

#[tokio::test]
async fn a_client_that_forwards_none_is_signed_in_without() {
    let realm = realm();
    let site = site(layer(&realm).accept_delegation());
    let answer = site
        .browser()
        .get_with("/maybe", &token(&realm, "alice"))
        .await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::OK, "none")
    );
    let mut browser = site.browser();
    let answer = browser.get_with("/ticket", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.kind(), Some(ErrorKind::TicketNotForwarded));
    assert!(!answer.challenges().contains(&"Negotiate"), "{answer:?}");
    assert_eq!(
        browser.get("/").await.body,
        "alice",
        "signed in all the same"
    );
}

#[tokio::test]
async fn it_is_there_in_the_request_that_signs_in_alone() {
    let realm = realm();
    let site = site(layer(&realm).accept_delegation());
    let mut browser = site.browser();
    let first = browser
        .get_with("/maybe", &forwarding(&realm, "alice"))
        .await;
    assert!(first.body.starts_with("MEMORY:"), "{first:?}");
    assert_eq!(browser.get("/maybe").await.body, "none");
    browser.get("/ticket").await.is_challenge();
    let answer = browser
        .get_with("/ticket", &forwarding(&realm, "alice"))
        .await;
    assert!(answer.body.starts_with("MEMORY:"), "{answer:?}");
    assert_ne!(answer.body, first.body);
}

#[tokio::test]
async fn in_optional_mode_a_handler_that_needs_a_ticket_challenges() {
    let realm = realm();
    let site = site(layer(&realm).accept_delegation().optional());
    assert_eq!(site.browser().get("/maybe").await.body, "none");
    site.browser().get("/ticket").await.is_challenge();
}

/// A challenge would make clients send tokens that nobody reads, for ever.
#[tokio::test]
async fn a_user_of_another_way_in_has_none_and_is_not_challenged() {
    let realm = realm();
    let mut site = site(layer(&realm).accept_delegation().respect_user());
    let alice = User::builder("alice@EXAMPLE.TEST".parse().expect("a principal")).build();
    site.router = site.router.layer(Extension(alice));
    let answer = site.browser().get("/ticket").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.kind(), Some(ErrorKind::TicketNotForwarded));
    assert_eq!(site.browser().get("/maybe").await.body, "none");
}

#[tokio::test]
async fn without_the_layer_it_gives_500_with_a_hint() {
    use axum::body::to_bytes;
    use tower::ServiceExt;
    for path in ["/ticket", "/maybe"] {
        let answer = routes(&Kept::default()).oneshot(request(path));
        let answer = answer.await.expect("infallible");
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = to_bytes(answer.into_body(), 1024).await.expect("a body");
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("`.layer(spnego)`"), "{body}");
    }
}

#[tokio::test]
async fn an_inner_layer_hands_on_what_the_outer_one_took() {
    let realm = realm();
    let inner = layer(&realm).accept_delegation().build().expect("starts");
    let routes = routes(&Kept::default()).layer(inner);
    let site = Site::of(routes, layer(&realm).accept_delegation().optional());
    let token = forwarding(&realm, "alice");
    let answer = site.browser().get_with("/ticket", &token).await;
    assert!(answer.body.starts_with("MEMORY:"), "{answer:?}");
}

/// Remembers what the folder held when it was asked.
#[derive(Clone)]
struct Watching {
    folder: PathBuf,
    seen: Arc<Mutex<Vec<PathBuf>>>,
    answer: Arc<Mutex<Option<DirectoryError>>>,
}

impl Watching {
    fn new(folder: &Path, answer: Option<DirectoryError>) -> Self {
        Self {
            folder: folder.to_owned(),
            seen: Arc::default(),
            answer: Arc::new(Mutex::new(answer)),
        }
    }

    fn says(&self, answer: Option<DirectoryError>) {
        *self.answer.lock().expect("unpoisoned") = answer;
    }

    fn saw_files(&self) -> bool {
        !self.seen.lock().expect("unpoisoned").is_empty()
    }
}

impl Directory for Watching {
    async fn find(&self, initiator: &Initiator) -> Result<User, DirectoryError> {
        let found = files(&self.folder);
        self.seen.lock().expect("unpoisoned").extend(found);
        match self.answer.lock().expect("unpoisoned").clone() {
            Some(error) => Err(error),
            None => Ok(User::builder(initiator.principal().clone()).build()),
        }
    }
}

/// When the layer's own folder was last written to: a file that comes and goes changes it.
fn written(folder: &Path) -> (i64, i64) {
    let entry = std::fs::read_dir(folder).expect("reads").next();
    let own = entry.expect("the layer's own folder").expect("an entry");
    let metadata = own.metadata().expect("metadata");
    (metadata.mtime(), metadata.mtime_nsec())
}

#[tokio::test]
async fn of_somebody_who_is_refused_nothing_is_ever_stored() {
    let realm = realm();
    let folder = folder();
    let folder = folder.path();
    let nobody = Watching::new(folder, Some(DirectoryError::not_found()));
    let site_of_nobody = site(
        layer(&realm)
            .directory(nobody.clone())
            .accept_delegation_into(folder),
    );
    let before = written(folder);
    let token = forwarding(&realm, "alice");
    let answer = site_of_nobody.browser().get_with("/maybe", &token).await;
    answer.is_forbidden(ErrorKind::UserNotFound);
    assert!(!nobody.saw_files());
    assert_eq!(written(folder), before);
    drop(site_of_nobody);

    let of_another_realm = SpnegoLayer::builder()
        .realm("OTHER.TEST")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly)
        .accept_delegation_into(folder);
    let site_of_another_realm = site(of_another_realm);
    let before = written(folder);
    let token = forwarding(&realm, "alice");
    let answer = site_of_another_realm
        .browser()
        .get_with("/maybe", &token)
        .await;
    answer.is_forbidden(ErrorKind::RealmNotAllowed);
    assert_eq!(written(folder), before);
    drop(site_of_another_realm);

    // Whoever is let in changes it.
    let everybody = Watching::new(folder, None);
    let site = site(
        layer(&realm)
            .directory(everybody.clone())
            .accept_delegation_into(folder),
    );
    let before = written(folder);
    let token = forwarding(&realm, "alice");
    let answer = site.browser().get_with("/maybe", &token).await;
    assert!(answer.body.starts_with("FILE:"), "{answer:?}");
    assert!(
        !everybody.saw_files(),
        "not before the directory has answered"
    );
    assert_ne!(written(folder), before);
}

#[tokio::test]
async fn while_the_directory_is_down_a_live_login_goes_on_and_no_ticket_is_taken() {
    let realm = realm();
    let folder = folder();
    let directory = Watching::new(folder.path(), None);
    let shared = SharedDirectory::new(directory.clone());
    let layer = || layer(&realm).directory(shared.clone()).accept_delegation();
    // Through one layer, and through two of which the outer one reads the token.
    let inner = layer().build().expect("starts");
    let outer = layer().accept_delegation_into(folder.path());
    let site = Site::of(
        routes(&Kept::default()).nest("/inner", routes(&Kept::default()).layer(inner)),
        outer,
    );
    let mut alice = site.browser();
    alice.get_with("/", &token(&realm, "alice")).await;
    directory.says(Some(DirectoryError::unavailable()));
    let before = written(folder.path());
    let answer = alice.get_with("/", &forwarding(&realm, "alice")).await;
    assert_eq!(answer.body, "alice");
    for path in ["/ticket", "/maybe", "/inner/ticket", "/inner/maybe"] {
        let answer = alice.get_with(path, &forwarding(&realm, "alice")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert_eq!(answer.kind(), Some(ErrorKind::DirectoryUnavailable));
    }
    assert_eq!(written(folder.path()), before);
}

#[tokio::test]
async fn a_ticket_that_can_not_be_stored_fails_the_handlers_that_want_it_and_no_other() {
    let realm = realm();
    let folder = folder();
    let site = site(layer(&realm).accept_delegation_into(folder.path().join("caches")));
    std::fs::remove_dir_all(folder.path().join("caches")).expect("removes");
    let answer = site
        .browser()
        .get_with("/", &forwarding(&realm, "alice"))
        .await;
    assert_eq!(answer.body, "alice");
    for path in ["/ticket", "/maybe"] {
        let token = forwarding(&realm, "alice");
        let answer = site.browser().get_with(path, &token).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.kind(), Some(ErrorKind::DelegationFailed));
    }
}

/// A store that remembers all it was ever given.
#[derive(Debug, Clone, Default)]
struct Remembering {
    store: MemoryStore,
    records: Arc<Mutex<Vec<String>>>,
}

impl Remembering {
    fn remember(&self, record: &Record) {
        let mut records = self.records.lock().expect("unpoisoned");
        records.push(format!("{record:?}"));
    }
}

#[async_trait]
impl SessionStore for Remembering {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        self.remember(record);
        self.store.create(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.remember(record);
        self.store.save(record).await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        self.store.load(id).await
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.store.delete(id).await
    }
}

#[tokio::test]
async fn the_sessions_record_tells_nothing_of_it() {
    let realm = realm();
    let folder = folder();
    let store = Remembering::default();
    let layer = layer(&realm).accept_delegation_into(folder.path());
    let site = Site::with_store(layer, store.clone());
    let token = forwarding(&realm, "alice");
    site.browser().get_with("/", &token).await.is_hello("alice");
    let records = store.records.lock().expect("unpoisoned").concat();
    assert!(records.contains("alice@EXAMPLE.TEST"), "{records}");
    for part in ["krb5cc", "tower-spnego-", "FILE:", "MEMORY:"] {
        assert!(!records.contains(part), "{part}: {records}");
    }
    let folder = folder.path().to_str().expect("text");
    assert!(!records.contains(folder), "{records}");
}

#[tokio::test]
async fn what_a_dead_process_left_is_purged_at_the_start_and_nothing_else() {
    const TEST: &str =
        "delegation::what_a_dead_process_left_is_purged_at_the_start_and_nothing_else";
    if process::is_own() {
        let variable = |name| std::env::var(name).expect("set");
        let kept = Kept::default();
        let layer = SpnegoLayer::builder()
            .realm("EXAMPLE.TEST")
            .hostname("localhost")
            .keytab(variable("TEST_KEYTAB"))
            .directory(PrincipalOnly)
            .accept_delegation_into(variable("TEST_FOLDER"));
        let site = keeping(layer, &kept);
        let token = STANDARD.decode(variable("TEST_TOKEN")).expect("base64");
        let answer = site.browser().get_with("/keep", &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        // As if it were killed.
        std::mem::forget((site, kept));
        return;
    }
    let realm = realm();
    let folder = folder();
    let folder = folder.path();
    let variables = || {
        let token = STANDARD.encode(forwarding(&realm, "alice"));
        [
            ("TEST_KEYTAB", realm.keytab().as_os_str().to_owned()),
            ("TEST_FOLDER", folder.as_os_str().to_owned()),
            ("TEST_TOKEN", token.into()),
        ]
    };
    // Another layer of this process is alive.
    let kept = Kept::default();
    let alive = keeping(layer(&realm).accept_delegation_into(folder), &kept);
    let token = forwarding(&realm, "alice");
    alive.browser().get_with("/keep", &token).await;
    // And people have things of their own there.
    for name in ["krb5cc_0", "tower-spnego-notes"] {
        std::fs::write(folder.join(name), "theirs").expect("writes");
    }
    for (name, file) in [
        ("tower-spnego-1-x", "krb5cc_0"),
        ("tower-spnego-1-2", "notes"),
    ] {
        std::fs::create_dir(folder.join(name)).expect("makes");
        std::fs::write(folder.join(name).join(file), "theirs").expect("writes");
    }
    let theirs = below(folder);

    process::run(TEST, variables());
    assert_eq!(
        files(folder).len(),
        theirs.iter().filter(|path| path.is_file()).count() + 1
    );
    // The next one purges what this one left, and leaves something itself.
    process::run(TEST, variables());
    assert_eq!(
        files(folder).len(),
        theirs.iter().filter(|path| path.is_file()).count() + 1
    );
    let site = site(layer(&realm).accept_delegation_into(folder));
    drop(site);
    assert_eq!(below(folder), theirs);
    drop(alive);
    kept.lock().expect("unpoisoned").clear();
    assert_eq!(files(folder).len(), 4);
}

#[track_caller]
fn refuses(folder: &Path, reason: &str) {
    let layer = SpnegoLayer::builder()
        .realm("EXAMPLE.TEST")
        .hostname("localhost")
        .directory(PrincipalOnly);
    let layer = match std::env::var_os("TEST_KEYTAB") {
        Some(keytab) => layer.keytab(keytab),
        None => layer.keytab(realm().keytab()),
    };
    let error = layer
        .accept_delegation_into(folder)
        .build()
        .expect_err("must not start");
    assert!(
        matches!(error, ConfigError::DelegationFolder { .. }),
        "{error}"
    );
    let text = error.to_string();
    for expected in [
        reason,
        ".accept_delegation_into(..)",
        &folder.display().to_string(),
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text:?}");
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let _realm = realm();
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("writes");
    refuses(&file, "");
    let open = folder.path().join("open");
    std::fs::create_dir(&open).expect("makes");
    set_mode(&open, 0o770);
    refuses(&open, "others may write into the folder");
    refuses(&open.join("below"), "open is theirs to write");
}

#[test]
fn a_folder_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        // Only root can make a folder that is another user's.
        return crate::not_run("a_folder_of_another_user_is_refused", "it needs root");
    }
    let _realm = realm();
    let folder = folder();
    let [own, link] = ["own", "link"].map(|name| folder.path().join(name));
    std::fs::create_dir(&own).expect("makes");
    std::os::unix::fs::symlink(&own, &link).expect("links");
    std::os::unix::fs::lchown(&link, Some(65534), None).expect("lchown");
    refuses(&link, "is a link that another user has made");
    std::os::unix::fs::chown(folder.path(), Some(65534), None).expect("chown");
    refuses(folder.path(), "the folder belongs to another user");
}

/// File modes stop nobody who is root.
#[test]
fn a_folder_that_can_not_be_written_is_refused() {
    const TEST: &str = "delegation::a_folder_that_can_not_be_written_is_refused";
    if process::is_own() {
        let folder = folder();
        let locked = folder.path().join("locked");
        std::fs::create_dir(&locked).expect("makes");
        set_mode(&locked, 0o500);
        refuses(&locked, "ermission denied");
        refuses(&locked.join("below"), "ermission denied");
        return;
    }
    let folder = folder();
    set_mode(folder.path(), 0o755);
    let keytab = folder.path().join("keytab");
    std::fs::copy(realm().keytab(), &keytab).expect("copies");
    set_mode(&keytab, 0o644);
    process::run_unprivileged(TEST, [("TEST_KEYTAB", &keytab)], folder.path());
}

#[tokio::test]
async fn modes_are_tight_whatever_the_umask_and_whoever_the_user() {
    const TEST: &str = "delegation::modes_are_tight_whatever_the_umask_and_whoever_the_user";
    if process::is_own() {
        rustix::process::umask(rustix::fs::Mode::empty());
        let variable = |name| std::env::var(name).expect("set");
        let folder = folder();
        set_mode(folder.path(), 0o700);
        let caches = folder.path().join("for/tickets");
        let layer = SpnegoLayer::builder()
            .realm("EXAMPLE.TEST")
            .hostname("localhost")
            .keytab(variable("TEST_KEYTAB"))
            .directory(PrincipalOnly)
            .accept_delegation_into(&caches);
        let kept = Kept::default();
        let site = keeping(layer, &kept);
        let token = STANDARD.decode(variable("TEST_TOKEN")).expect("base64");
        let answer = site.browser().get_with("/keep", &token).await;
        let path = path_of(&answer.body);
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("a folder")), 0o700);
        assert_eq!(mode(&caches), 0o700);
        kept.lock().expect("unpoisoned").clear();
        drop(site);
        assert!(below(&caches).is_empty());
        return;
    }
    let folder = folder();
    set_mode(folder.path(), 0o755);
    let keytab = folder.path().join("keytab");
    let realm = realm();
    std::fs::copy(realm.keytab(), &keytab).expect("copies");
    set_mode(&keytab, 0o644);
    let token = STANDARD.encode(forwarding(&realm, "alice"));
    let variables = [
        ("TEST_KEYTAB", keytab.as_os_str()),
        ("TEST_TOKEN", token.as_ref()),
    ];
    process::run_unprivileged(TEST, variables, folder.path());
}

/// Whose ticket a client forwards it says itself, and nothing else does until the ticket is used.
#[tokio::test]
async fn a_ticket_of_another_principal_is_none() {
    let realm = realm();
    let folder = folder();
    let memory = site(layer(&realm).accept_delegation());
    let files = site(layer(&realm).accept_delegation_into(folder.path()));
    for site in [memory, files] {
        for (client, is_own) in [
            (Client::new(&["alice"], realm.realm()), true),
            (Client::new(&["bob"], realm.realm()), false),
            (Client::new(&["alice"], "OTHER.TEST"), false),
            (Client::new(&["alice", "admin"], realm.realm()), false),
        ] {
            let mut forgery = Forgery::new(&realm);
            forgery.authenticator.forwards = Some(client);
            for token in forgery.all_forms() {
                let answer = site.browser().get_with("/ticket", &token).await;
                match is_own {
                    true => assert_eq!(answer.status, StatusCode::OK, "{answer:?}"),
                    false => {
                        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
                        assert_eq!(answer.kind(), Some(ErrorKind::TicketNotForwarded));
                    }
                }
            }
        }
    }
}

/// MIT Kerberos of Debian 12 follows null pointers there, whether or not the ticket is wanted.
#[tokio::test]
async fn a_broken_forwarded_ticket_does_not_end_the_process() {
    const TEST: &str = "delegation::a_broken_forwarded_ticket_does_not_end_the_process";
    if !process::is_own() {
        return process::run(TEST, [("TEST_BROKEN", "1")]);
    }
    let realm = realm();
    let sites = [layer(&realm), layer(&realm).accept_delegation()].map(site);
    for site in &sites {
        let mut forgery = Forgery::new(&realm);
        forgery.authenticator.forwards = Some(forgery.authenticator.client.clone());
        for (flaw, seals) in [
            Flaw::NoClient,
            Flaw::Mislabelled,
            Flaw::NoServer,
            Flaw::NoInfo,
            Flaw::MoreTickets,
            Flaw::Empty,
        ]
        .into_iter()
        .flat_map(|flaw| [(flaw, false), (flaw, true)])
        {
            forgery.authenticator.flaw = Some(flaw);
            forgery.authenticator.seals = seals;
            let unframed = der::offer(&[der::KRB5], Some(&forgery.unframed()[2..]));
            for token in forgery.all_forms().iter().chain([&unframed]) {
                let answer = site.browser().get_with("/", token).await;
                answer.is_rejected(ErrorKind::MalformedToken);
            }
        }
        forgery.authenticator.flaw = None;
        for seals in [false, true] {
            forgery.authenticator.seals = seals;
            let answer = site.browser().get_with("/", &forgery.spnego()).await;
            assert_eq!(answer.body, "alice");
        }
    }
}

/// GSSAPI, a moment later, might find that the time has come.
#[tokio::test]
async fn a_forwarded_ticket_that_was_not_looked_at_does_not_get_to_gssapi() {
    const HOUR: i64 = 3600;
    let realm = realm();
    let site = site(layer(&realm));
    let forwarding = || {
        let mut forgery = Forgery::new(&realm);
        forgery.authenticator.forwards = Some(forgery.authenticator.client.clone());
        forgery
    };
    let mut early = forwarding();
    early.authenticator.time += HOUR;
    let mut not_yet_valid = forwarding();
    not_yet_valid.ticket.starts += HOUR;
    not_yet_valid.ticket.ends += HOUR;
    let mut expired = forwarding();
    expired.ticket.ends = expired.authenticator.time - HOUR;
    for (mut forgery, kind) in [
        (early, ErrorKind::ClockSkew),
        (not_yet_valid, ErrorKind::TicketNotYetValid),
        (expired, ErrorKind::TicketExpired),
    ] {
        for forwards in [true, false] {
            if !forwards {
                forgery.authenticator.forwards = None;
            }
            let answer = site.browser().get_with("/", &forgery.spnego()).await;
            answer.is_rejected(kind);
            // Only GSSAPI answers a client that wants a proof with a KRB-ERROR.
            let token = answer.token().expect("a reject token");
            let is_of_gssapi = token.windows(3).any(|bytes| bytes == [3, 0, 0x7e]);
            assert_eq!(is_of_gssapi, !forwards, "{kind:?}");
        }
    }
}

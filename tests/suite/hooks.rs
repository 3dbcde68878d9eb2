//! What an application does of its own at a sign-in, a refusal, an outage and a logout.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use futures_util::FutureExt;
use http::StatusCode;
use tokio::sync::Notify;
use tower_sessions::MemoryStore;
use tower_spnego::testing::TestLdap;
use tower_spnego::{
    ConfigError, Directory, DirectoryError, ErrorKind, Group, Initiator, RequireGroup,
    SpnegoLayerBuilder, User,
};

use crate::group_rules::with;
use crate::login::Failing;
use crate::site::{Site, layer, own_routes, post, realm, token, with_header};

/// What a hook was told, one line each.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn add(&self, line: impl ToString) {
        self.0.lock().expect("no panic").push(line.to_string());
    }

    /// Since the last time.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

fn with_role(user: User, role: &str) -> User {
    user.into_builder().role(role).build()
}

/// Says which roles the user has.
fn roles() -> Router {
    let roles = async |user: User| user.roles().collect::<Vec<_>>().join(" ");
    own_routes().route("/roles", get(roles))
}

#[tokio::test]
async fn what_it_adds_to_a_user_is_kept_and_it_is_not_called_again_for_the_session() {
    let (realm, told) = (realm(), Told::default());
    let hook = told.clone();
    let layer = layer(&realm).on_sign_in("members", move |who, user| {
        hook.add(format!("{} {}", who.principal(), user.id()));
        async move { Ok(with_role(user, "member")) }
    });
    let site = Site::of(roles(), layer);
    let mut alice = site.browser();
    let answer = alice.get_with("/roles", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "member", "{answer:?}");
    assert_eq!(alice.get("/roles").await.body, "member");
    assert_eq!(told.take(), ["alice@EXAMPLE.TEST alice@EXAMPLE.TEST"]);
    // A fresh token renews the login.
    alice.get_with("/", &token(&realm, "alice")).await;
    assert_eq!(told.take().len(), 1);
}

#[tokio::test]
async fn several_are_called_in_order_after_the_directory_and_the_rules_on_groups() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let told = Told::default();
    let hook = |name: &'static str| {
        let told = told.clone();
        move |_: Initiator, user: User| {
            let roles: Vec<_> = user.roles().collect();
            told.add(format!("{name} {} {roles:?}", user.display_name()));
            let user = with_role(user, name);
            async { Ok(user) }
        }
    };
    let layer = with(&realm, &ldap)
        .require_group("Engineers")
        .role("engineer", "Engineers")
        .on_sign_in("one", hook("one"))
        .on_sign_in("two", hook("two"));
    let site = Site::of(roles(), layer);
    let answer = site.browser().get_with("/", &token(&realm, "bob")).await;
    answer.is_forbidden(ErrorKind::UserDenied);
    assert_eq!(told.take(), [""; 0]);
    let mut alice = site.browser();
    let answer = alice.get_with("/roles", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "engineer one two", "{answer:?}");
    let expected = [
        r#"one Alice Liddell ["engineer"]"#,
        r#"two Alice Liddell ["engineer", "one"]"#,
    ];
    assert_eq!(told.take(), expected);
}

#[tokio::test]
async fn it_refuses_a_user_of_whom_nothing_is_stored() {
    let realm = realm();
    let site =
        Site::new(layer(&realm).on_sign_in(
            "members",
            async |_, user: User| match user.username() {
                "bob" => Err(DirectoryError::denied().with_detail("banned")),
                _ => Ok(user),
            },
        ));
    let mut bob = site.browser();
    let answer = bob.get_with("/", &token(&realm, "bob")).await;
    answer.is_forbidden(ErrorKind::UserDenied);
    assert!(answer.token().is_some(), "the final token");
    let error = answer.error.expect("an error").to_string();
    assert!(error.contains("banned"), "{error}");
    bob.get("/").await.is_challenge();
    assert_eq!(site.calls(), 0);
    // Alice's session is not his either.
    let mut alice = site.with_a_pear(&realm, "alice").await;
    let answer = alice.get_with("/cart", &token(&realm, "bob")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::UserDenied));
    alice.get("/cart").await.is_challenge();
}

#[tokio::test]
async fn whom_it_can_not_judge_now_goes_on_with_a_live_login_and_else_gets_503() {
    let (realm, down) = (realm(), Arc::new(AtomicBool::new(false)));
    let is_down = Arc::clone(&down);
    let site = Site::new(layer(&realm).on_sign_in("members", move |_, user| {
        let down = is_down.load(Ordering::SeqCst);
        async move {
            match down {
                true => Err(DirectoryError::unavailable()),
                false => Ok(user),
            }
        }
    }));
    let mut alice = site.with_a_pear(&realm, "alice").await;
    down.store(true, Ordering::SeqCst);
    let answer = alice.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "pear", "{answer:?}");
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::DirectoryUnavailable));
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("set-cookie"), None, "nothing stored");
}

#[tokio::test]
async fn it_can_not_make_another_user_of_the_one_who_signs_in() {
    let realm = realm();
    for (what, site) in [
        (
            "an id",
            Site::new(layer(&realm).on_sign_in("x", async |_, user: User| {
                Ok(user.into_builder().id("4711").build())
            })),
        ),
        (
            "a principal",
            Site::new(layer(&realm).on_sign_in("x", async |_, user: User| {
                let root = "root@EXAMPLE.TEST".parse().expect("a principal");
                Ok(User::builder(root).id(user.id()).build())
            })),
        ),
    ] {
        let mut alice = site.browser();
        let answer = alice.get_with("/", &token(&realm, "alice")).await;
        assert_eq!(answer.kind(), Some(ErrorKind::UserChanged), "{what}");
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.header("set-cookie"), None, "nothing stored");
        alice.get("/").await.is_challenge();
        assert_eq!(site.calls(), 0);
    }
}

#[tokio::test]
async fn a_panic_in_it_lets_nobody_in_and_the_next_request_is_served() {
    let (realm, calls) = (realm(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&calls);
    let site = Site::new(layer(&realm).on_sign_in("x", move |_, user| {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            assert!(!first, "the first");
            Ok(user)
        }
    }));
    let mut alice = site.browser();
    let token_of_alice = token(&realm, "alice");
    let request = alice.get_with("/", &token_of_alice);
    assert!(AssertUnwindSafe(request).catch_unwind().await.is_err());
    assert_eq!(site.calls(), 0);
    alice.get("/").await.is_challenge();
    let answer = alice.get_with("/", &token(&realm, "alice")).await;
    answer.is_hello("alice");
}

#[tokio::test]
async fn it_is_dropped_when_the_client_goes_away_and_nobody_is_signed_in() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let (realm, begun) = (realm(), Arc::new(Notify::new()));
    let dropped = Arc::new(AtomicBool::new(false));
    let (here, gone) = (Arc::clone(&begun), Arc::clone(&dropped));
    let site = Site::new(layer(&realm).on_sign_in("x", move |_, _| {
        let (begun, gone) = (Arc::clone(&here), Dropped(Arc::clone(&gone)));
        async move {
            let _gone = gone;
            begun.notify_one();
            pending().await
        }
    }));
    let mut alice = site.browser();
    let token = token(&realm, "alice");
    tokio::select! {
        answer = alice.get_with("/", &token) => panic!("answered: {answer:?}"),
        () = begun.notified() => {}
    }
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!(site.calls(), 0);
    alice.get("/").await.is_challenge();
}

#[tokio::test]
async fn the_handler_may_still_fail_after_it_and_no_login_is_written() {
    let (realm, told) = (realm(), Told::default());
    let hook = told.clone();
    let site = Site::new(layer(&realm).on_sign_in("x", move |_, user: User| {
        hook.add(user.username());
        async { Ok(user) }
    }));
    let mut alice = site.browser();
    let answer = alice.get_with("/status/500", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(told.take(), ["alice"]);
    alice.get("/").await.is_challenge();
}

#[tokio::test]
async fn a_login_counts_only_where_the_same_hooks_have_let_it_in() {
    let realm = realm();
    let store = MemoryStore::default();
    let site = |names: &[&str]| {
        let layer = names.iter().fold(layer(&realm), |layer, name| {
            layer.on_sign_in(*name, async |_, user| Ok(user))
        });
        Site::with_store(layer, store.clone())
    };
    let alice = site(&["a", "b"]).signed_in(&realm, "alice").await;
    let mut there = site(&["a", "b"]).browser();
    there.cookie.clone_from(&alice.cookie);
    there.get("/").await.is_hello("alice");
    for names in [&[] as &[&str], &["a"], &["c"], &["b", "a"]] {
        let mut there = site(names).browser();
        there.cookie.clone_from(&alice.cookie);
        there.get("/").await.is_challenge();
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_its_request_and_a_challenge_is_not() {
    let (realm, told) = (realm(), Told::default());
    let hook = told.clone();
    let layer = layer(&realm).on_refusal(move |error, request| {
        hook.add(format!("{:?} {}", error.kind(), request.uri.path()));
    });
    let nobody = RequireGroup::when(|_| false);
    let routes = own_routes().route("/inside", get(async || "in").layer(nobody));
    let site = Site::of(routes, layer);
    let mut alice = site.browser();
    alice.get("/").await.is_challenge();
    alice
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    assert_eq!(told.take(), [""; 0]);
    let foreign = with_header(post("/cart"), "sec-fetch-site", "cross-site");
    alice.send(foreign).await.is_forbidden(ErrorKind::CrossSite);
    let answer = alice.get_with("/login", b"no token").await;
    answer.is_rejected(ErrorKind::NotKerberos);
    let answer = alice.get("/inside").await;
    assert_eq!(answer.kind(), Some(ErrorKind::RouteDenied));
    let expected = [
        "CrossSite /cart",
        "NotKerberos /login",
        "RouteDenied /inside",
    ];
    assert_eq!(told.take(), expected);
    // Of the handler's own answers it is not told.
    alice.get("/status/403").await;
    assert_eq!(told.take(), [""; 0]);
}

#[tokio::test]
async fn a_session_store_that_is_down_is_told() {
    let (realm, told) = (realm(), Told::default());
    let hook = told.clone();
    let layer = layer(&realm).on_refusal(move |error, request| {
        hook.add(format!("{:?} {}", error.kind(), request.uri.path()));
    });
    let site = Site::with_store(layer, Failing::always());
    let mut alice = site.browser();
    alice.cookie = Some("id=AAAAAAAAAAAAAAAAAAAAAA".to_owned());
    let answer = alice.get_with("/login", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(told.take(), ["SessionStore /login"]);
}

#[tokio::test]
async fn an_outage_of_the_directory_is_told_also_where_a_live_login_goes_on() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let told = Told::default();
    let hook = told.clone();
    let layer = with(&realm, &ldap).on_directory_error(move |error, who| {
        hook.add(format!("{:?} {}", error.kind(), who.principal()));
    });
    let site = Site::new(layer);
    let mut alice = site.signed_in(&realm, "alice").await;
    assert_eq!(told.take(), [""; 0]);
    drop(ldap);
    let expected = ["DirectoryUnavailable alice@EXAMPLE.TEST"];
    let answer = alice.get_with("/", &token(&realm, "alice")).await;
    answer.is_hello("alice");
    assert_eq!(told.take(), expected);
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told.take(), expected);
}

#[tokio::test]
async fn a_person_whom_the_directory_does_not_know_is_no_outage() {
    let (realm, told) = (realm(), Told::default());
    let hook = told.clone();
    let layer = layer(&realm)
        .on_sign_in("x", async |_, _| Err(DirectoryError::not_found()))
        .on_directory_error(move |error, _| hook.add(error));
    let site = Site::new(layer);
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    answer.is_forbidden(ErrorKind::UserNotFound);
    assert_eq!(told.take(), [""; 0]);
}

fn telling_logouts(layer: SpnegoLayerBuilder, told: &Told) -> SpnegoLayerBuilder {
    let told = told.clone();
    layer.on_logout(move |user| told.add(user.username()))
}

#[tokio::test]
async fn a_logout_is_told_in_the_session_and_in_the_request_that_signs_in() {
    let (realm, told) = (realm(), Told::default());
    let site = Site::new(telling_logouts(layer(&realm), &told));
    let mut alice = site.signed_in(&realm, "alice").await;
    // Bob's sign-in ends hers, and is none of her logouts.
    alice.get_with("/", &token(&realm, "bob")).await;
    assert_eq!(told.take(), [""; 0]);
    assert_eq!(alice.get("/logout").await.body, "Goodbye");
    assert_eq!(told.take(), ["bob"]);
    let mut alice = site.browser();
    let answer = alice.get_with("/logout", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "Goodbye", "{answer:?}");
    assert_eq!(told.take(), ["alice"]);
}

#[tokio::test]
async fn a_panic_in_a_hook_on_logouts_leaves_nobody_signed_in() {
    let realm = realm();
    let site = Site::new(layer(&realm).on_logout(|_| panic!("told")));
    let mut alice = site.signed_in(&realm, "alice").await;
    let logout = alice.get("/logout");
    assert!(AssertUnwindSafe(logout).catch_unwind().await.is_err());
    let answer = alice.get("/").await;
    assert_ne!(answer.status, StatusCode::OK, "{answer:?}");
}

/// Knows whoever has a ticket, and no groups of theirs.
struct Everybody;

impl Directory for Everybody {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        Ok(User::builder(who.principal().clone()).build())
    }
}

#[tokio::test]
async fn a_group_that_it_adds_counts_for_routes() {
    let realm = realm();
    let layer = layer(&realm)
        .directory(Everybody)
        .on_sign_in("board", async |_, user: User| {
            Ok(user.into_builder().group(Group::new("Board")).build())
        });
    let board = RequireGroup::new("Board").expect("a rule");
    let routes = Router::new().route("/", get(async || "in").layer(board));
    let site = Site::of(routes, layer);
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "in", "{answer:?}");
}

#[test]
fn a_hook_on_sign_ins_needs_a_name() {
    let realm = realm();
    let layer = layer(&realm).on_sign_in("", async |_, user| Ok(user));
    let error = layer.build().map(drop).expect_err("a mistake");
    assert!(matches!(error, ConfigError::UnnamedHook), "{error}");
}

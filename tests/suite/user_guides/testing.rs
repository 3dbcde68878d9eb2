//! The code of `guide::testing`, each block a file that runs here.

use std::process::Command;

use axum::{Router, routing::get};
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::TestRealm;
use tower_spnego::{PrincipalOnly, SpnegoLayer, User};

use crate::markdown::texts;

mod groups;
mod no_kdc;
mod programs;
mod samba;
mod ticket;

const GUIDE: &str = include_str!("../../../src/guide/testing.md");

const FILES: [&str; 5] = [
    include_str!("testing/ticket.rs"),
    include_str!("testing/groups.rs"),
    include_str!("testing/programs.rs"),
    include_str!("testing/samba.rs"),
    include_str!("testing/no_kdc.rs"),
];

#[test]
fn the_code_that_is_shown_is_what_runs_here() {
    let shown = texts(GUIDE, "rust");
    assert_eq!(shown.len(), FILES.len());
    for (shown, file) in shown.into_iter().zip(FILES) {
        assert_eq!(shown, file);
    }
}

#[test]
fn a_test_against_a_real_kdc_takes_20_lines() {
    let lines = FILES[0].lines().filter(|line| !line.trim().is_empty());
    assert_eq!(lines.count(), 20);
}

/// Nobody's DNS has it: the domain is one for examples.
#[tokio::test]
async fn a_test_may_have_the_real_names_and_asks_no_dns() {
    let realm = TestRealm::builder()
        .realm("CORP.EXAMPLE.COM")
        .service("HTTP/intranet.corp.example.com")
        .start()
        .expect("a KDC");
    let spnego = SpnegoLayer::builder()
        .realm("CORP.EXAMPLE.COM")
        .hostname("intranet.corp.example.com")
        .keytab(realm.keytab())
        .directory(PrincipalOnly)
        .build()
        .expect("a layer");
    let app: Router = Router::new()
        .route("/", get(async |user: User| user.username().to_owned()))
        .layer(spnego)
        .layer(SessionManagerLayer::new(MemoryStore::default()));
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let answer = alice.open(&app, "http://intranet.corp.example.com/").await;
    assert_eq!(answer.expect("an answer").status(), 200);
}

#[test]
fn the_keytab_that_opens_nothing_is_made_as_the_guide_says() {
    let [shell] = texts(GUIDE, "sh").try_into().expect("ktutil's commands");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tests")).expect("a folder");
    let mut bash = Command::new("bash");
    let made = bash
        .args(["-ec", &shell])
        .current_dir(folder.path())
        .env("KRB5_CONFIG", "/dev/null")
        .output();
    let made = made.expect("runs");
    let keys = |path| {
        let mut klist = Command::new("klist");
        klist
            .args(["-k", "-e", "-K", path])
            .env("KRB5_CONFIG", "/dev/null");
        let list = klist.output().expect("runs").stdout;
        let list = String::from_utf8(list).expect("text");
        let (_, keys) = list.split_once('\n').expect("a heading");
        keys.to_owned()
    };
    let of_guide = folder.path().join("tests/localhost.keytab");
    let of_guide = keys(of_guide.to_str().expect("text"));
    assert!(of_guide.contains("HTTP/localhost@EXAMPLE.TEST"), "{made:?}");
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/localhost.keytab");
    assert_eq!(of_guide, keys(ours));
}

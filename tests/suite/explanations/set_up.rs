//! What of the server's own set-up refuses everybody.

use std::path::Path;

use tower_spnego::explain::Cause;
use tower_spnego::{ErrorKind, PrincipalOnly, SpnegoLayer};

use super::{KEYTAB, explains, is_text};
use crate::process;
use crate::refused_tokens::all_forms;
use crate::site::{SPN, Site, layer, realm, token};

#[tokio::test]
async fn a_replay_cache_that_goes_missing_is_explained() {
    let realm = realm();
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("replays");
    let site = Site::new(layer(&realm).replay_cache(&cache));
    site.browser()
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    std::fs::remove_dir_all(&cache).expect("removes");
    for token in all_forms(&realm.ticket_cache("alice").expect("a ticket"), SPN) {
        let answer = site.browser().get_with("/", &token).await;
        answer.is_rejected(ErrorKind::ReplayCacheUnusable);
        let file = format!("krb5_{}.rcache2", rustix::process::geteuid().as_raw());
        let files = [
            (cache.as_path(), "/var/lib/web"),
            (Path::new(&file), "krb5_0.rcache2"),
        ];
        explains(
            &answer,
            Cause::ReplayCacheUnusable,
            &files,
            "replay_cache_gone",
        );
    }
    // As the text says, for the user that this process runs as.
    std::fs::create_dir(&cache).expect("makes");
    site.browser()
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
}

#[tokio::test]
async fn a_replay_cache_of_another_user_is_explained() {
    if !rustix::process::geteuid().is_root() {
        // Only root can make a file that is another user's.
        crate::not_run(
            "a_replay_cache_of_another_user_is_explained",
            "it needs root",
        );
        return;
    }
    const TEST: &str = "explanations::set_up::a_replay_cache_of_another_user_is_explained";
    if !process::is_own() {
        let folder = tempfile::tempdir().expect("a folder");
        // Where MIT's default cache is then; in a folder of our own nobody else has a file.
        return process::run(TEST, [("KRB5RCACHEDIR", folder.path())]);
    }
    let realm = realm();
    let cache = std::env::var_os("KRB5RCACHEDIR").map(std::path::PathBuf::from);
    let cache = cache.expect("a folder");
    let site = Site::new(layer(&realm));
    let file = cache.join("krb5_0.rcache2");
    std::os::unix::fs::chown(&file, Some(65534), None).expect("chown");
    for token in all_forms(&realm.ticket_cache("alice").expect("a ticket"), SPN) {
        let answer = site.browser().get_with("/", &token).await;
        answer.is_rejected(ErrorKind::ReplayCacheUnusable);
        let files = [(cache.as_path(), "/var/lib/web")];
        explains(
            &answer,
            Cause::ReplayCacheUnusable,
            &files,
            "replay_cache_of_another",
        );
    }
    std::fs::remove_file(&file).expect("rm");
    site.browser()
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
}

#[tokio::test]
async fn a_ticket_without_a_pac_of_mits_is_explained() {
    let realm = realm();
    let site = Site::new(layer(&realm).require_pac());
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    answer.is_forbidden(ErrorKind::PacMissing);
    explains(&answer, Cause::PacMissing, &[], "pac_missing");
}

/// Nothing is signed in with yet: a layer that can't start says so itself.
#[test]
fn a_keytab_that_is_missing_or_lacks_the_spn_at_the_start_is_explained() {
    let layer = SpnegoLayer::builder()
        .realm("CORP.EXAMPLE.COM")
        .hostname("intranet.corp.example.com")
        .keytab("/nowhere/web.keytab")
        .directory(PrincipalOnly);
    let error = layer.build().expect_err("no keytab");
    is_text(&error.to_string(), &[], "keytab_missing_at_start");
    // Of several hosts, the commands are for the first.
    let several = SpnegoLayer::builder()
        .realm("CORP.EXAMPLE.COM")
        .hostnames(["intranet.corp.example.com", "wiki.corp.example.com"])
        .keytab("/nowhere/web.keytab")
        .directory(PrincipalOnly);
    let error = several.build().expect_err("no keytab").to_string();
    let ktpass = "ktpass /princ HTTP/intranet.corp.example.com@CORP.EXAMPLE.COM /mapuser";
    assert!(error.contains(ktpass), "{error}");
    let realm = realm();
    let other = self::layer(&realm).hostname("intranet.corp.example.com");
    let error = other.build().expect_err("no key");
    let files = [(realm.keytab(), KEYTAB)];
    is_text(&error.to_string(), &files, "spn_missing_at_start");
}

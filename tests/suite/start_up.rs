//! What keeps a layer from starting, and what its text says to do.

use std::path::Path;
use std::time::Duration;

use tower_spnego::testing::TestRealm;
use tower_spnego::{ConfigError, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder};

use crate::ntlm::Log;
use crate::process;
use crate::site::{SPN, Site, layer, realm, token};

#[track_caller]
fn refuses(layer: SpnegoLayerBuilder, texts: &[&str]) {
    let error = layer.build().expect_err("must not start");
    let text = error.to_string();
    for expected in texts {
        assert!(text.contains(expected), "{expected:?} is not in {text:?}");
    }
}

#[test]
fn a_missing_setting_is_named_with_its_mend() {
    let realm = realm();
    let builder = SpnegoLayer::builder;
    refuses(builder(), &["no realm", ".realm(\"CORP.EXAMPLE.COM\")"]);
    refuses(builder().realm("A"), &["no host name", ".hostname(\""]);
    let complete = builder()
        .realm("A")
        .hostname("localhost")
        .keytab(realm.keytab());
    refuses(
        complete,
        &["no directory", "LdapDirectory", "PrincipalOnly"],
    );
}

#[test]
fn a_setting_that_cannot_be_is_refused() {
    let realm = realm();
    refuses(
        layer(&realm).realm("a@b"),
        &["\"a@b\" can't be a Kerberos realm"],
    );
    refuses(
        layer(&realm).hostname("https://intranet/"),
        &[
            "\"https://intranet/\" can't be a host name",
            "no scheme, port or path",
        ],
    );
    refuses(
        layer(&realm).recheck_every(Duration::ZERO),
        &["asked at every request", ".recheck_every(..)"],
    );
    refuses(
        layer(&realm).recheck_grace(Duration::from_secs(60)),
        &["say .recheck_every(..), too"],
    );
    refuses(
        layer(&realm).expire_login(Duration::ZERO),
        &[".never_expire_login()"],
    );
    refuses(
        layer(&realm).allow_origin("portal"),
        &["\"portal\" is no origin"],
    );
}

#[test]
fn a_keytab_that_is_missing_or_none_is_refused() {
    let realm = realm();
    refuses(
        layer(&realm).keytab("/nowhere/web.keytab"),
        &[
            "/nowhere/web.keytab does not exist",
            "HTTP/localhost",
            ".keytab(..)",
        ],
    );
    let file = realm.krb5_conf();
    refuses(
        layer(&realm).keytab(file),
        &["is not a keytab of MIT Kerberos"],
    );
    refuses(
        layer(&realm).keytab(realm.folder()),
        &["can't be read", "name the keytab's file, not its folder"],
    );
}

/// File modes stop nobody who is root.
#[test]
fn a_keytab_that_this_user_may_not_read_is_refused() {
    if let Some(keytab) = std::env::var_os("UNREADABLE_KEYTAB") {
        let layer = SpnegoLayer::builder()
            .realm("EXAMPLE.TEST")
            .hostname("localhost")
            .keytab(keytab)
            .directory(PrincipalOnly);
        return refuses(
            layer,
            &["can't be read", "ermission denied", "make it readable"],
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    set_mode(folder.path(), 0o755);
    let keytab = folder.path().join("secret.keytab");
    std::fs::copy(realm().keytab(), &keytab).expect("copies");
    set_mode(&keytab, 0o000);
    process::run_unprivileged(
        "start_up::a_keytab_that_this_user_may_not_read_is_refused",
        [("UNREADABLE_KEYTAB", &keytab)],
        folder.path(),
    );
}

#[test]
fn a_keytab_without_the_spn_is_refused_with_what_it_has() {
    let realm = realm();
    refuses(
        layer(&realm).hostname("intranet.example.test"),
        &[
            "no key for HTTP/intranet.example.test",
            "it has HTTP/localhost@EXAMPLE.TEST",
        ],
    );
    refuses(
        layer(&realm).service_realm("LAB.TEST"),
        &["no key for HTTP/localhost@LAB.TEST"],
    );
    let empty = realm.folder().join("empty.keytab");
    std::fs::write(&empty, [5, 2]).expect("writes");
    refuses(
        layer(&realm).keytab(&empty),
        &["it has no principals at all"],
    );
}

#[test]
fn the_host_name_is_taken_in_lower_case_as_browsers_ask_for_it() {
    layer(&realm())
        .hostname("LocalHost")
        .build()
        .expect("starts");
}

#[test]
fn a_realm_in_another_case_than_the_services_own_is_refused() {
    let realm = realm();
    let layer = SpnegoLayer::builder()
        .realm("example.test")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly);
    refuses(
        layer,
        &["\"example.test\" is written \"EXAMPLE.TEST\" in the keytab"],
    );
}

#[test]
fn a_main_that_returns_the_error_prints_its_text() {
    let error = SpnegoLayer::builder().build().expect_err("must not start");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[tokio::test]
async fn the_services_realm_need_not_be_one_that_may_sign_in() {
    let lab = TestRealm::builder()
        .realm("LAB.TEST")
        .start()
        .expect("a KDC");
    let site = Site::new(
        SpnegoLayer::builder()
            .realm("CORP.TEST")
            .hostname("localhost")
            .keytab(lab.keytab())
            .directory(PrincipalOnly),
    );
    let answer = site.browser().get_with("/", &token(&lab, "alice")).await;
    assert_eq!(answer.status, http::StatusCode::FORBIDDEN);
}

#[test]
fn a_replay_cache_that_can_not_be_written_is_refused() {
    let realm = realm();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("writes");
    refuses(
        layer(&realm).replay_cache(&file),
        &["can't be used", ".replay_cache(..)"],
    );

    let open = folder.path().join("open");
    std::fs::create_dir(&open).expect("makes");
    set_mode(&open, 0o777);
    refuses(
        layer(&realm).replay_cache(&open),
        &["others may write into the folder"],
    );

    refuses(
        layer(&realm).replay_cache(open.join("below")),
        &[
            "another user can put a folder of theirs in its place",
            "open is theirs to write",
        ],
    );

    let made = folder.path().join("made/by/us");
    layer(&realm).replay_cache(&made).build().expect("starts");
    assert_eq!(mode(&made), 0o700);
}

/// Anybody can make MIT's default file in /var/tmp first, and GSSAPI then refuses every token.
#[test]
fn a_replay_cache_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        // Only root can make a file that is another user's.
        crate::not_run("a_replay_cache_of_another_user_is_refused", "it needs root");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("krb5_0.rcache2");
    std::fs::write(&path, "").expect("writes");
    std::os::unix::fs::chown(&path, Some(65534), None).expect("chown");
    set_mode(folder.path(), 0o700);
    refuses(
        layer(&realm()).replay_cache(folder.path()),
        &["it belongs to the user with uid 65534"],
    );
}

#[tokio::test]
async fn it_starts_while_the_kdc_is_down() {
    let mut realm = TestRealm::start().expect("a KDC");
    let token = token(&realm, "alice");
    realm.stop_kdc();
    let site = Site::new(layer(&realm));
    site.browser().get_with("/", &token).await.is_hello("alice");
}

#[test]
fn several_realms_need_a_directory_that_tells_them_apart() {
    use tower_spnego::{Directory, DirectoryError, Initiator, User};
    struct ByName;
    impl Directory for ByName {
        async fn find(&self, _: &Initiator) -> Result<User, DirectoryError> {
            Err(DirectoryError::not_found())
        }
        fn tells_realms_apart(&self) -> bool {
            false
        }
    }
    let realm = realm();
    layer(&realm).directory(ByName).build().expect("one realm");
    let error = layer(&realm)
        .directory(ByName)
        .realm("B")
        .build()
        .expect_err("two");
    assert!(matches!(error, ConfigError::RealmsNotToldApart), "{error}");
    assert!(
        error.to_string().contains("{principal} or {realm}"),
        "{error}"
    );
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("chmod");
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().expect("metadata").permissions().mode() & 0o777
}

#[tokio::test]
async fn without_a_keytab_the_systems_default_is_used() {
    if !process::is_own() {
        let folder = tempfile::tempdir().expect("a folder");
        return process::run(
            "start_up::without_a_keytab_the_systems_default_is_used",
            [("KRB5_KTNAME", folder.path().join("default.keytab"))],
        );
    }
    let realm = realm();
    let layer = || {
        SpnegoLayer::builder()
            .realm(realm.realm())
            .hostname("localhost")
            .directory(PrincipalOnly)
    };
    refuses(layer(), &["default.keytab does not exist"]);
    let keytab = std::env::var_os("KRB5_KTNAME").expect("set");
    std::fs::copy(realm.keytab(), keytab).expect("copies");
    let site = Site::new(layer());
    site.browser()
        .get_with("/", &token(&realm, "alice"))
        .await
        .is_hello("alice");
}

#[test]
fn a_keytab_that_strangers_may_read_or_that_is_weak_is_warned_of() {
    const TEST: &str = "start_up::a_keytab_that_strangers_may_read_or_that_is_weak_is_warned_of";
    if !process::is_own() {
        return process::run(TEST, [("RUST_BACKTRACE", "0")]);
    }
    let log = Log::start();
    let realm = realm();
    let keytab = realm.folder().join("web.keytab");
    std::fs::copy(realm.keytab(), &keytab).expect("copies");
    for (mode, words) in [
        (0o600, None),
        (0o640, None),
        (
            0o644,
            Some("every user of this machine may read the keytab"),
        ),
    ] {
        set_mode(&keytab, mode);
        layer(&realm).keytab(&keytab).build().expect("starts");
        let lines = log.take();
        let warned = lines.lines().find(|line| line.contains("WARN"));
        assert_eq!(warned.is_some(), words.is_some(), "{lines}");
        assert!(
            warned
                .unwrap_or_default()
                .contains(words.unwrap_or_default()),
            "{lines}"
        );
    }
    set_mode(&keytab, 0o600);
    std::fs::remove_file(&keytab).expect("removes");
    let path = keytab.to_str().expect("text");
    let rc4 = ["ktadd", "-k", path, "-e", "arcfour-hmac:normal", SPN];
    realm.kadmin(rc4).expect("exported");
    layer(&realm).keytab(&keytab).build().expect("starts");
    let lines = log.take();
    assert!(
        lines.contains("has keys of HTTP/localhost@EXAMPLE.TEST of weak types alone"),
        "{lines}"
    );
}

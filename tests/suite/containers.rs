//! The guide for containers: what of it can run here.

use std::fs::{self, Permissions};
use std::io::ErrorKind::ReadOnlyFilesystem;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{BasicOver, ErrorKind, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder};

use crate::process;
use crate::site::{SPN, Site, layer, request, token, with_header};
use crate::wait;

const PASSWORD: &str = "correct horse battery staple";

/// The user of the container.
const NOBODY: u32 = 65534;

/// All file systems are read-only but two: `run` as with `docker run --tmpfs`, `pod` as Kubernetes
/// makes an `emptyDir`. Then another user goes on.
const CONTAINER: &str = r#"
    mount -t tmpfs -o mode=0700,uid=65534,gid=65534 run "$1/run"
    mount -t tmpfs -o mode=0777 pod "$1/pod"
    cut -d ' ' -f 5 /proc/self/mountinfo | while read -r place; do
        case $place in "$1"/*) continue ;; esac
        mount -o remount,bind,ro "$place" 2>/dev/null || true
    done
    shift
    exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "$@""#;

/// For the first line of a test: runs it in such a container, with a KDC and an LDAP server in reach that
/// know alice.
#[track_caller]
fn elsewhere(test: &str, variables: &[(&str, &str)]) -> bool {
    if process::is_own() {
        return false;
    }
    let test = format!("containers::{test}");
    let tried = Command::new("unshare").args(["--mount", "true"]).output();
    let may_mount = tried.is_ok_and(|output| output.status.success());
    if !may_mount || !rustix::process::geteuid().is_root() {
        crate::not_run(
            &test,
            "it needs root and namespaces, for file systems that are read-only",
        );
        return true;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    set_mode(folder.path(), 0o755);
    for name in ["run", "pod"] {
        fs::create_dir(path(name)).expect("a folder");
    }
    let realm = TestRealm::start().expect("a KDC");
    let ldap = TestLdap::builder().realm(&realm).expect("a service");
    let ldap = ldap.start().expect("an LDAP server");
    fs::copy(ldap.ca_file(), path("ca.pem")).expect("copies");
    fs::copy(ldap.service_keytab().expect("a keytab"), path("web.keytab")).expect("copies");
    set_mode(&path("web.keytab"), 0o644);
    let token = STANDARD.encode(token(&realm, "alice"));
    realm.set_password("alice", PASSWORD).expect("a password");
    fs::copy(realm.krb5_conf(), path("krb5.conf")).expect("copies");
    // As a secret is with `fsGroup`.
    fs::copy(realm.keytab(), path("keytab")).expect("copies");
    chown(path("keytab"), Some(0), Some(NOBODY)).expect("chown");
    set_mode(&path("keytab"), 0o440);
    // Not in this process: a program that another test starts meanwhile would inherit the open
    // file, and what is open for writing can't be run.
    let program = path("suite");
    let this = std::env::current_exe().expect("this program");
    let copied = Command::new("cp").arg(this).arg(&program).status();
    assert!(copied.expect("cp runs").success());

    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-ec", CONTAINER, "sh"])
        .arg(folder.path())
        .arg(program)
        .env("FOLDER", folder.path())
        .env("TOKEN", token)
        .env("LDAP", ldap.tls_url())
        .env("KRB5_CONFIG", path("krb5.conf"))
        .env_remove("TMPDIR")
        .env_remove("KRB5RCACHEDIR")
        .current_dir("/");
    for (name, value) in variables {
        command.env(
            name,
            value.replace("FOLDER", &folder.path().display().to_string()),
        );
    }
    let output = process::alone(&mut command, &test)
        .output()
        .expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("1 passed"), "{text}");
    true
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// A place in the container.
fn place(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("FOLDER").expect("a folder")).join(name)
}

fn bare() -> SpnegoLayerBuilder {
    SpnegoLayer::builder()
        .realm("EXAMPLE.TEST")
        .hostname("localhost")
        .keytab(place("keytab"))
        .directory(PrincipalOnly)
}

/// One that signs in to its server by Kerberos, where that is built.
fn directory() -> LdapDirectory {
    let url = std::env::var("LDAP").expect("a URL");
    let directory = LdapDirectory::openldap("dc=example,dc=test")
        .server(url)
        .ca_file(place("ca.pem"));
    #[cfg(feature = "ldap-gssapi")]
    let directory = directory.bind_gssapi("web@EXAMPLE.TEST", place("web.keytab"));
    directory.build().expect("a directory")
}

/// The token signs in, and once only.
async fn signs_in_once(site: &Site) {
    let token = STANDARD.decode(std::env::var("TOKEN").expect("a token"));
    let token = token.expect("base64");
    site.browser().get_with("/", &token).await.is_hello("alice");
    let again = site.browser().get_with("/", &token).await;
    assert_eq!(again.kind(), Some(ErrorKind::Replay));
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(place(folder)).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("text")
    };
    entries.map(name).collect()
}

#[track_caller]
fn refuses(layer: SpnegoLayerBuilder, texts: &[&str]) {
    let error = layer.build().map(drop).expect_err("refused").to_string();
    for text in texts {
        assert!(error.contains(text), "{text}: {error}");
    }
}

#[tokio::test]
async fn with_nothing_but_a_tmpfs_to_write_it_signs_in_and_writes_the_replay_cache_alone() {
    let test = "with_nothing_but_a_tmpfs_to_write_it_signs_in_and_writes_the_replay_cache_alone";
    if elsewhere(test, &[]) {
        return;
    }
    for folder in ["/tmp", "/var/tmp", "/dev/shm"] {
        let written = fs::write(Path::new(folder).join("tower-spnego"), "");
        assert_eq!(
            written.expect_err(folder).kind(),
            ReadOnlyFilesystem,
            "{folder}"
        );
    }
    refuses(
        bare(),
        &[
            "/var/tmp/krb5_65534.rcache2",
            "Read-only file system",
            ".replay_cache(..)",
        ],
    );
    refuses(
        bare().replay_cache(place("not there")),
        &["Read-only file system"],
    );

    let layer = || {
        bare()
            .replay_cache(place("run"))
            .basic(BasicOver::always_tls())
    };
    signs_in_once(&Site::new(layer())).await;
    // The tickets that check the password, and those that bind to the LDAP server, are in memory.
    let site = Site::new(layer().directory(directory()));
    let pair = STANDARD.encode(format!("alice:{PASSWORD}"));
    let password = with_header(request("/who"), "authorization", &format!("Basic {pair}"));
    let answer = site.browser().send(password).await;
    assert!(answer.body.starts_with("Alice Liddell <"), "{answer:?}");
    assert_eq!(names_in("run"), ["krb5_65534.rcache2"]);
}

#[tokio::test]
async fn in_a_pod_it_keeps_mits_own_replay_cache_in_a_folder_that_all_may_write() {
    let test = "in_a_pod_it_keeps_mits_own_replay_cache_in_a_folder_that_all_may_write";
    // In place of /var/tmp, which other tests use.
    if elsewhere(test, &[("KRB5RCACHEDIR", "FOLDER/pod")]) {
        return;
    }
    refuses(
        bare().replay_cache(place("pod/below")),
        &["another user can put a folder of theirs in its place"],
    );
    fs::remove_dir(place("pod/below")).expect("empty");
    signs_in_once(&Site::new(bare())).await;
    assert_eq!(names_in("pod"), ["krb5_65534.rcache2"]);
}

#[tokio::test]
async fn a_token_is_accepted_without_a_krb5_conf() {
    let test = "a_token_is_accepted_without_a_krb5_conf";
    if elsewhere(test, &[("KRB5_CONFIG", "FOLDER/no krb5.conf")]) {
        return;
    }
    signs_in_once(&Site::new(bare().replay_cache(place("run")))).await;
}

/// The kubelet's way (its `AtomicWriter`): a new folder, and a link to it that takes the old one's place.
fn write_secret(volume: &Path, version: &str, keytab: &Path) {
    let folder = volume.join(version);
    fs::create_dir(&folder).expect("a folder");
    fs::copy(keytab, folder.join("intranet.keytab")).expect("copies");
    let next = volume.join("..data_tmp");
    symlink(version, &next).expect("links");
    let data = volume.join("..data");
    let before = fs::read_link(&data).ok();
    fs::rename(&next, &data).expect("renames");
    if let Some(before) = before {
        fs::remove_dir_all(volume.join(before)).expect("removes");
    }
}

#[tokio::test]
async fn a_secret_that_kubernetes_replaces_is_taken_with_no_restart() {
    let realm = TestRealm::start().expect("a KDC");
    let volume = realm.folder().join("secret");
    fs::create_dir(&volume).expect("a folder");
    write_secret(&volume, "..2026_11_24_08_00_00.1", realm.keytab());
    let keytab = volume.join("intranet.keytab");
    symlink("..data/intranet.keytab", &keytab).expect("links");
    let site = Site::new(layer(&realm).keytab(&keytab));
    let old = realm.ticket_cache("alice").expect("a ticket");
    let sign_in = async |token: Vec<u8>| site.browser().get_with("/", &token).await;
    sign_in(old.token(SPN).expect("a token"))
        .await
        .is_hello("alice");

    realm.change_key(SPN).expect("changes");
    let refused = sign_in(token(&realm, "alice")).await;
    assert_eq!(refused.kind(), Some(ErrorKind::KeyMissing));
    realm.export_keytab(SPN, realm.keytab()).expect("appends");
    write_secret(&volume, "..2026_11_24_09_00_00.2", realm.keytab());
    let signs_in = async || sign_in(token(&realm, "alice")).await.status == StatusCode::OK;
    wait::until("the new key is taken", signs_in).await;
    sign_in(old.token(SPN).expect("a token"))
        .await
        .is_hello("alice");
}

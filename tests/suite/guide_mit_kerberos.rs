//! The guide for MIT Kerberos: its commands, in its order and as they stand.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use rustix::process::geteuid;
use tempfile::TempDir;
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{TestLdap, TestRealm, TicketCache};
use tower_spnego::{ErrorKind, SpnegoLayer, User};

use crate::daemon::{Daemon, find};
use crate::markdown::{blocks, texts};
use crate::served::Served;
use crate::site::{Answer, Site};
use crate::tls::Tls;
use crate::wait;

const GUIDE: &str = include_str!("../../src/guide/mit_kerberos.md");

const SPN: &str = "HTTP/intranet.corp.example.com";

/// Whoever is asked for a password in the guide has the one that slapd knows the application by.
const PASSWORD: &str = "correct horse battery staple";

/// `sudo` may not be here. It takes the person's tickets away, as the true one does.
const SUDO: &str = r#"#!/bin/sh
unset KRB5CCNAME
if [ "$1" = -u ]; then
    user=$2
    shift 2
    [ "$(id -u)" != 0 ] || exec runuser -u "$user" -- "$@"
fi
exec "$@"
"#;

/// The machine on which the commands are typed, and the servers that they are about.
struct Machine {
    realm: TestRealm,
    ldap: TestLdap,
    _kadmind: Daemon,
    tls: Tls,
    folder: TempDir,
    /// What the guide calls a place, and what it is here.
    places: Vec<(&'static str, String)>,
}

impl Machine {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let realm = TestRealm::builder()
            .realm("CORP.EXAMPLE.COM")
            .start()
            .expect("a KDC");
        let (kadmind, admin_server) = start_kadmind(&realm, folder.path()).await;
        for name in ["admin/admin", "alice"] {
            let _ = realm.add_principal(name);
            realm.set_password(name, PASSWORD).expect("a password");
        }
        let ldap = TestLdap::start().expect("an LDAP server");
        assert_eq!(ldap.service_password(), PASSWORD);
        let krb5_conf = fs::read_to_string(realm.krb5_conf()).expect("a krb5.conf");
        let kdc = krb5_conf
            .lines()
            .find_map(|line| line.trim().strip_prefix("kdc = "));
        let mut places = vec![
            ("/etc/", format!("{}/etc/", folder.path().display())),
            (
                "    kdc = kdc.corp.example.com",
                format!("    kdc = {}", kdc.expect("a KDC")),
            ),
            (
                "admin_server = kdc.corp.example.com",
                format!("admin_server = {admin_server}"),
            ),
            ("ldaps://ldap.corp.example.com", ldap.tls_url()),
            ("dc=corp,dc=example,dc=com", ldap.base().to_owned()),
        ];
        if !geteuid().is_root() {
            // Files can't be given to another user then.
            places.push(("root:www-data", "$(id -u):$(id -g)".to_owned()));
            places.push(("-o root -g www-data", String::new()));
        }
        let machine = Self {
            realm,
            ldap,
            _kadmind: kadmind,
            tls: Tls::new(),
            folder,
            places,
        };
        machine.write_files();
        machine
    }

    /// What is there before the guide begins: the authority's certificate, and programs.
    fn write_files(&self) {
        let path = |name: &str| self.folder.path().join(name);
        for folder in ["etc", "etc/ssl", "bin"] {
            fs::create_dir(path(folder)).expect("a folder");
        }
        // Another user is to look in.
        set_mode(self.folder.path(), 0o755);
        fs::copy(self.ldap.ca_file(), path("etc/ssl/corp-ca.pem")).expect("copies");
        set_mode(&path("etc/ssl/corp-ca.pem"), 0o644);
        // Not in this process: a program that another test starts meanwhile would inherit the open
        // file, and what is open for writing can't be run.
        let write =
            r#"printf %s "$1" >bin/sudo && chmod 755 bin/sudo && cp "$2" bin/spnego-doctor"#;
        let written = Command::new("sh")
            .current_dir(self.folder.path())
            .args([
                "-ec",
                write,
                "sh",
                SUDO,
                env!("CARGO_BIN_EXE_spnego-doctor"),
            ])
            .status();
        assert!(written.expect("sh").success());
    }

    /// The site is where curl looks for it, by the certificate that it has there.
    fn point_curl_to(&self, served: &Served) {
        let (port, ca) = (served.port(), self.tls.ca_file());
        let curlrc = format!(
            "silent\nshow-error\nmax-time = 60\nnoproxy = \"*\"\ncacert = \"{}\"\n\
             connect-to = \"intranet.corp.example.com:443:127.0.0.1:{port}\"\n",
            ca.display()
        );
        fs::write(self.folder.path().join(".curlrc"), curlrc).expect("written");
    }

    /// As it stands, but for the places.
    fn here(&self, text: &str) -> String {
        let replace = |text: String, (from, to): &(&str, String)| text.replace(from, to);
        self.places.iter().fold(text.to_owned(), replace)
    }

    /// Runs these commands by a shell that stops at the first failure: what they print.
    fn run(&self, commands: &str) -> String {
        let folder = self.folder.path();
        let answers = folder.join("answers");
        fs::write(&answers, format!("{PASSWORD}\n").repeat(9)).expect("written");
        let mut path = OsString::from(folder.join("bin"));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        path.push(":/usr/sbin:/sbin");
        let output = Command::new("timeout")
            .args(["120", "bash", "-euo", "pipefail", "-c"])
            .arg(format!("exec 2>&1\n{}", self.here(commands)))
            .current_dir(folder)
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env("KRB5_CONFIG", folder.join("etc/krb5.conf"))
            .env("KRB5_KDC_PROFILE", kdc_profile(folder))
            .env("KRB5CCNAME", folder.join("tickets"))
            .env("CURL_HOME", folder)
            .stdin(pipe(&answers))
            .stderr(Stdio::inherit())
            .output()
            .expect("a shell");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{commands}\n{printed}");
        printed
    }

    /// Runs a block, which prints what the guide says.
    #[track_caller]
    fn follow(&self, step: &Step) {
        let printed = self.run(&step.commands);
        for line in &step.prints {
            let parts: Vec<_> = self.here(line).split('…').map(str::to_owned).collect();
            let has_parts = |printed: &str| {
                let mut rest = Some(printed);
                for part in &parts {
                    rest = rest.and_then(|rest| Some(rest.split_once(part.as_str())?.1));
                }
                rest.is_some()
            };
            let is_there = printed.lines().any(has_parts);
            assert!(
                is_there,
                "{line}\n is not in what came of\n{}\n{printed}",
                step.commands
            );
        }
    }

    /// The guide's application.
    fn site(&self) -> Site {
        let etc = self.folder.path().join("etc");
        let password = fs::read_to_string(etc.join("intranet.ldap")).expect("a password");
        let directory = LdapDirectory::openldap(self.ldap.base())
            .server(self.ldap.tls_url())
            .ca_file(etc.join("ssl/corp-ca.pem"))
            .bind_simple(self.ldap.service_dn(), password)
            .build()
            .expect("a directory");
        let layer = SpnegoLayer::builder()
            .realm("CORP.EXAMPLE.COM")
            .hostname("intranet.corp.example.com")
            .keytab(etc.join("intranet.keytab"))
            .directory(directory);
        let hello = async |user: User| format!("Hello, {}", user.display_name());
        Site::of(Router::new().route("/", get(hello)), layer)
    }

    fn new_ticket(&self) -> TicketCache {
        self.realm.ticket_cache("bob").expect("a ticket")
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Each program takes its line, and leaves the rest.
fn pipe(answers: &Path) -> Stdio {
    let cat = Command::new("cat")
        .arg(answers)
        .stdout(Stdio::piped())
        .spawn();
    cat.expect("cat").stdout.expect("piped").into()
}

/// The KDC's settings, with kadmind's.
fn kdc_profile(folder: &Path) -> PathBuf {
    folder.join("kdc.conf")
}

/// As on every KDC that is administered from elsewhere: the daemon, and where it is.
async fn start_kadmind(realm: &TestRealm, folder: &Path) -> (Daemon, String) {
    // An address of its own, from which no client's connection takes a port meanwhile.
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.3:0").expect("a port"));
    let [admin, passwords] = ports.map(|port| port.local_addr().expect("bound"));
    let settings = fs::read_to_string(realm.folder().join("kdc.conf")).expect("settings");
    // In the realm's own section: of two with one name MIT takes some lines, and leaves others.
    let listens = format!("kadmind_listen = {admin}\nkpasswd_listen = {passwords}\nacl_file");
    fs::write(
        kdc_profile(folder),
        settings.replacen("acl_file", &listens, 1),
    )
    .expect("written");
    fs::write(realm.folder().join("acl"), "*/admin@CORP.EXAMPLE.COM *\n").expect("written");
    let variable = |name: &str, value: OsString| {
        let mut variable = OsString::from(name);
        variable.push("=");
        variable.push(value);
        variable
    };
    let mut command = Command::new("env");
    command
        .arg(variable("KRB5_CONFIG", realm.krb5_conf().into()))
        .arg(variable("KRB5_KDC_PROFILE", kdc_profile(folder).into()))
        .arg(find("kadmind").expect("krb5-admin-server"))
        .arg("-nofork");
    let kadmind = Daemon::start(&command, folder, "TERM");
    let connect = async || tokio::net::TcpStream::connect(admin).await.map(drop);
    kadmind.wait_for(&["aborting", "rror"], connect).await;
    (kadmind, admin.to_string())
}

/// A block that is run.
struct Step {
    heading: String,
    commands: String,
    /// Lines of what it prints; `…` is anything.
    prints: Vec<String>,
}

fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    let mut blocks = blocks(GUIDE).into_iter().peekable();
    while let Some(block) = blocks.next() {
        if block.language != "sh" || block.not_run().is_some() {
            continue;
        }
        let prints = blocks.next_if(|next| next.language == "text");
        let prints = prints.map_or_else(Vec::new, |prints| {
            prints.text.lines().map(str::to_owned).collect()
        });
        steps.push(Step {
            heading: block.heading,
            commands: block.text,
            prints,
        });
    }
    steps
}

#[test]
fn every_expectation_is_of_a_block_that_is_run() {
    let expectations = blocks(GUIDE)
        .iter()
        .filter(|block| block.language == "text")
        .count();
    let met = steps()
        .iter()
        .filter(|step| !step.prints.is_empty())
        .count();
    assert_eq!(met, expectations);
}

#[test]
fn its_commands_lead_to_a_signed_in_curl_and_to_a_new_key_without_a_restart() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let machine = runtime.block_on(Machine::new());
    let [krb5_conf] = texts(GUIDE, "ini").try_into().expect("a krb5.conf");
    let file: PathBuf = machine.folder.path().join("etc/krb5.conf");
    fs::write(&file, machine.here(&krb5_conf)).expect("written");
    set_mode(&file, 0o644);

    let (rotation, steps): (Vec<_>, Vec<_>) = steps()
        .into_iter()
        .partition(|step| step.heading == "A new key");
    let (client, steps): (Vec<_>, Vec<_>) = steps
        .into_iter()
        .partition(|step| step.heading == "A client");
    for step in &steps {
        machine.follow(step);
    }
    let site = machine.site();
    // On threads of its own: this one waits for programs.
    let served = Served::start_tls(site.router.clone(), &machine.tls);
    machine.point_curl_to(&served);
    for step in &client {
        machine.follow(step);
    }

    let sign_in = async |cache: &TicketCache| -> Answer {
        let token = cache.token(SPN).expect("a token");
        site.browser().get_with("/", &token).await
    };
    let old = machine.new_ticket();
    let mut signed_in = site.browser();
    let token = old.token(SPN).expect("a token");
    let answer = runtime.block_on(signed_in.get_with("/", &token));
    assert_eq!(answer.body, "Hello, Bob Cratchit");

    let [new_key, new_ticket, removal] = rotation.as_slice() else {
        panic!("the steps of a new key are another number now");
    };
    machine.follow(new_key);
    let new = machine.new_ticket();
    runtime.block_on(async {
        let is_taken = async || sign_in(&new).await.status == StatusCode::OK;
        wait::until("the new key is taken", is_taken).await;
    });
    machine.follow(new_ticket);
    let answer = runtime.block_on(sign_in(&old));
    assert_eq!(answer.status, StatusCode::OK, "a ticket of the old key");

    machine.follow(removal);
    runtime.block_on(async {
        let is_gone = async || sign_in(&old).await.kind() == Some(ErrorKind::KeyMissing);
        wait::until("the old key counts no more", is_gone).await;
        assert_eq!(sign_in(&new).await.status, StatusCode::OK);
        assert_eq!(signed_in.get("/").await.body, "Hello, Bob Cratchit");
    });
}

//! The command itself.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{DOCTOR, SetUp, printed};

#[test]
fn people_read_what_was_seen_what_it_means_and_the_command() {
    let set_up = SetUp::new();
    let text = printed(&mut set_up.doctor());
    assert!(
        text.contains("ok       SPN: HTTP/localhost@EXAMPLE.TEST\n"),
        "{text}"
    );
    assert!(
        text.ends_with("\nNothing was found that keeps people from signing in.\n"),
        "{text}"
    );
    // Another environment than the service's is seen.
    let seen = format!("KRB5RCACHEDIR={}", set_up.replays.display());
    assert!(
        text.contains("ok       environment: KRB5_CONFIG=/"),
        "{text}"
    );
    assert!(text.contains(&seen), "{text}");
    // No colours go into a file.
    assert!(!text.contains('\u{1b}'), "{text}");
    std::fs::remove_file(&set_up.keytab).expect("removes");
    let text = printed(&mut set_up.doctor());
    let path = set_up.keytab.display();
    let expected = format!(
        "error    keytab: there is no {path}\n         \
         Put it back, or copy it from another server of the site, or name another with .keytab(..). \
         If there is no copy, export the SPN's key to it.\n           \
         Active Directory: (only if no copy is left) ktpass /princ HTTP/localhost@EXAMPLE.TEST \
         /mapuser ACCOUNT /pass * /crypto AES256-SHA1 /ptype KRB5_NT_PRINCIPAL /out web.keytab (this \
         sets the account's password and UPN anew: every other keytab of it ends)\n           \
         Samba: (only if no copy is left) samba-tool domain exportkeytab {path} \
         --principal=HTTP/localhost\n           \
         FreeIPA: (only if no copy is left) ipa-getkeytab -r -p HTTP/localhost -k {path}\n           \
         MIT Kerberos: (only if no copy is left) kadmin.local -q \"ktadd -norandkey -k {path} \
         HTTP/localhost\"\n           \
         Linux: (last, on the server) chown USER {path} && chmod 600 {path}\n"
    );
    assert!(text.contains(&expected), "{text}");
    assert!(
        text.ends_with("People can't sign in until the errors are mended.\n"),
        "{text}"
    );
}

#[test]
fn a_terminal_has_colours_unless_they_are_unwanted() {
    let mut script = Command::new("script");
    script.args(["-qec", "true", "/dev/null"]);
    let tried = script.stdin(Stdio::null()).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        return crate::not_run(
            "doctor::command::a_terminal_has_colours_unless_they_are_unwanted",
            "script(1) gets no terminal: it is missing (Debian: bsdutils), or /dev/pts is not mounted",
        );
    }
    // What it looks at can't be a name, so that it ends at once.
    let command = format!("{DOCTOR} --hostname - --realm A");
    let on_a_terminal = |no_color: &str| {
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]);
        printed(script.env("NO_COLOR", no_color).stdin(Stdio::null()))
    };
    let text = on_a_terminal("");
    assert!(
        text.contains("\u{1b}[1;31merror\u{1b}[0m    host name: "),
        "{text:?}"
    );
    let text = on_a_terminal("1");
    assert!(
        text.contains("error    host name: ") && !text.contains('\u{1b}'),
        "{text:?}"
    );
}

/// The files below a folder, and when each was last changed.
fn changes(folder: &Path, seen: &mut BTreeMap<std::path::PathBuf, (i64, i64, u64)>) {
    let metadata = folder.symlink_metadata().expect("metadata");
    let stamp = (metadata.ctime(), metadata.ctime_nsec(), metadata.ino());
    seen.insert(folder.to_owned(), stamp);
    if metadata.is_dir() {
        for entry in folder.read_dir().expect("lists") {
            changes(&entry.expect("an entry").path(), seen);
        }
    }
}

#[test]
fn it_changes_nothing() {
    let mut set_up = SetUp::new();
    // Its log is the KDC's to write.
    let before = |set_up: &SetUp| {
        let mut seen = BTreeMap::new();
        changes(set_up.realm.folder(), &mut seen);
        seen.retain(|path, _| !path.ends_with("kdc.log") && !path.ends_with("lockout"));
        seen
    };
    let files = before(&set_up);
    set_up.look().are_sound();
    assert_eq!(before(&set_up), files);
    // Nor a folder that the layer would make.
    let folder = set_up.realm.folder().join("not/yet");
    let mut command = set_up.doctor();
    let findings = super::Findings::of(command.arg("--replay-cache").arg(&folder));
    findings.are_sound();
    assert!(!folder.exists());
    assert_eq!(before(&set_up), files);
    set_up.realm.stop_kdc();
}

#[test]
fn a_captured_header_is_explained() {
    let set_up = SetUp::new();
    let realm = &set_up.realm;
    realm
        .kadmin(["addprinc", "-randkey", "HTTP/alias"])
        .expect("added");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let header = |spn: &str| {
        alice
            .handshake(spn)
            .start()
            .expect("a token")
            .authorization()
    };
    let explained = |header: &str| {
        let mut command = Command::new(DOCTOR);
        command
            .args(["--token", header, "--keytab"])
            .arg(&set_up.keytab);
        printed(&mut command)
    };
    let text = explained(&header("HTTP/localhost"));
    assert!(
        text.contains("a Kerberos ticket for HTTP/localhost@EXAMPLE.TEST, kvno 1"),
        "{text}"
    );
    assert!(
        text.contains("Nothing in clear text speaks against it"),
        "{text}"
    );
    let text = explained(&header("HTTP/alias"));
    assert!(
        text.contains("setspn -Q HTTP/alias, then (only if nobody has it) setspn -S HTTP/HOSTNAME"),
        "{text}"
    );

    // As a browser's tools copy it, with its name; and field by field for a program.
    let mut command = Command::new(DOCTOR);
    command
        .arg("--token")
        .arg(format!("Authorization: {}", header("HTTP/alias")))
        .args(["--json", "--keytab"])
        .arg(&set_up.keytab);
    let token = &super::Findings::of(&mut command).report["token"];
    assert_eq!(
        token["token"]["ticket"]["service"],
        "HTTP/alias@EXAMPLE.TEST"
    );
    assert_eq!(token["token"]["mechanisms"][0], "kerberos");
    let why = &token["explanation"];
    assert_eq!(why["cause"], "wrong-spn");
    assert_eq!(why["mends"][0]["command"], "setspn -Q HTTP/alias");
    assert_eq!(why["mends"][1]["when"], "only if nobody has it");

    // A keytab that can't be read is not told as a layer's would be.
    let mut command = Command::new(DOCTOR);
    command.args(["--token", &header("HTTP/alias"), "--keytab", "/nowhere"]);
    let output = command.output().expect("starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("the keytab /nowhere: No such file"), "{text}");
    assert!(!text.contains(".keytab("), "{text}");

    // A header as long as some are does not fit everywhere.
    let mut child = Command::new(DOCTOR)
        .args(["--token", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("piped");
    std::io::Write::write_all(&mut input, header("HTTP/localhost").as_bytes()).expect("writes");
    drop(input);
    let output = child.wait_with_output().expect("ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("The token is SPNEGO that offers Kerberos"),
        "{text}"
    );
    assert!(output.status.success());
}

#[test]
fn a_command_line_that_says_too_little_is_refused() {
    for (arguments, words) in [
        (&[][..], "name the site with --hostname"),
        (
            &["--hostname", "localhost"],
            "name the SPN's realm with --realm",
        ),
        (&["--password", "x"], "invalid option '--password'"),
        (&["--token", "?"], "--token: that is no token"),
        (
            &["--hostname", "a", "--realm", "A", "--user", "alice"],
            "name its server with --ldap",
        ),
        (
            &[
                "--hostname",
                "a",
                "--realm",
                "A",
                "--ldap",
                "ldaps://a",
                "--ldap-bind",
                "x",
            ],
            "--ldap-bind needs --ldap-password-file",
        ),
        (
            &[
                "--hostname",
                "a",
                "--realm",
                "A",
                "--ldap-domain",
                "a.test",
                "--ldap-dns-server",
                "dc1",
            ],
            "--ldap-dns-server: \"dc1\" is no address",
        ),
        (
            &["--hostname", "a", "--realm", "A", "--ldap-base", "dc=a"],
            "--ldap-base is of a directory: name its server with --ldap",
        ),
        (
            &["--hostname", "a", "--realm", "A", "--ldap-bind", "x"],
            "--ldap-bind is of a directory",
        ),
        (
            &["--hostname", "a", "--realm", "A", "--ldap", "http://a"],
            "the scheme http is not known",
        ),
    ] {
        let output = Command::new(DOCTOR)
            .args(arguments)
            .output()
            .expect("starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(words), "{arguments:?}: {text}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    for option in ["--help", "--version"] {
        let output = Command::new(DOCTOR).arg(option).output().expect("starts");
        assert!(output.status.success(), "{option}");
    }
}

#[test]
fn what_can_be_no_name_is_said_at_once() {
    for (host, realm, check) in [
        ("https://intranet/", "EXAMPLE.TEST", "hostname"),
        ("intranet", "EXAMPLE@TEST", "realm"),
    ] {
        let mut command = Command::new(DOCTOR);
        let findings = super::Findings::of(command.args(["--hostname", host, "--realm", realm]));
        assert_eq!(findings.of_check(check)["level"], "error", "{findings:#?}");
        assert_eq!(findings.all().count(), 1);
    }
}

//! Faults on Samba, mended as printed.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tower_spnego::testing::{TestActiveDirectory, active_directory_or_skip};

use super::{DOCTOR, Findings, path_with_sbin, set_mode};

/// A set-up on a domain, whose service is the account `svc-web`.
struct Domain {
    ad: TestActiveDirectory,
    keytab: PathBuf,
    /// Alice's, who can log in.
    clients: PathBuf,
    /// `samba-tool` and `ldbsearch` for this domain, where a machine has its own.
    programs: TempDir,
}

impl Domain {
    fn of(test: &str) -> Option<Self> {
        if !active_directory_or_skip(test) {
            return None;
        }
        let searches = Command::new("ldbsearch").arg("--version").output();
        if searches.is_err() {
            crate::not_run(test, "there is no ldbsearch (Debian: ldb-tools)");
            return None;
        }
        let ad = TestActiveDirectory::start().expect("a domain");
        let keytab = ad.folder().join("web.keytab");
        std::fs::copy(ad.keytab(), &keytab).expect("copies");
        set_mode(&keytab, 0o600);
        let clients = ad.folder().join("alice.keytab");
        ad.export_keytab("alice", &clients).expect("exported");
        let programs = tempfile::tempdir().expect("a folder");
        let folder = ad.folder().display();
        let own = "PATH=${PATH#*:}";
        for (name, command) in [
            (
                "samba-tool",
                format!("exec samba-tool \"$@\" -s {folder}/smb.conf"),
            ),
            (
                "ldbsearch",
                format!("shift 2; exec ldbsearch -H {folder}/private/sam.ldb \"$@\""),
            ),
        ] {
            let path = programs.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{own}\n{command}\n")).expect("writes");
            set_mode(&path, 0o700);
        }
        Some(Self {
            ad,
            keytab,
            clients,
            programs,
        })
    }

    fn doctor(&self) -> Command {
        let mut command = self.ad.command(DOCTOR);
        command
            .env("KRB5RCACHEDIR", self.ad.folder())
            .args(["--hostname", "localhost", "--realm", self.ad.realm()])
            .arg("--keytab")
            .arg(&self.keytab)
            .arg("--client-keytab")
            .arg(&self.clients);
        command
    }

    fn look(&self) -> Findings {
        Findings::of(&mut self.doctor())
    }

    /// Runs the mends for Samba, with this account's name for the placeholder. Returns what they print.
    #[track_caller]
    fn apply(&self, findings: &Findings, check: &str) -> String {
        self.apply_with(findings, check, &[("ACCOUNT", "svc-web")])
    }

    #[track_caller]
    fn apply_with(&self, findings: &Findings, check: &str, replace: &[(&str, &str)]) -> String {
        let commands = findings.mends(check, "samba");
        assert!(!commands.is_empty(), "{check} has no mend: {findings:?}");
        let mut path = self.programs.path().as_os_str().to_owned();
        path.push(":");
        path.push(path_with_sbin());
        let mut printed = String::new();
        for mut command in commands {
            for (what, by) in replace {
                command = command.replace(what, by);
            }
            let mut shell = self.ad.command("sh");
            let output = shell.args(["-ec", &command]).env("PATH", &path).output();
            let output = output.expect("runs");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}: {errors}");
            printed.push_str(&String::from_utf8_lossy(&output.stdout));
        }
        printed
    }
}

/// An SPN can't log in there; whoever can gets a ticket for it.
#[test]
fn an_accounts_keytab_stands_in_for_an_spn_that_can_t_log_in() {
    let Some(domain) =
        Domain::of("doctor::samba::an_accounts_keytab_stands_in_for_an_spn_that_can_t_log_in")
    else {
        return;
    };
    let findings = domain.look();
    findings.are_sound();
    for check in ["key-version", "handshake"] {
        assert_eq!(findings.of_check(check)["level"], "ok", "{findings:#?}");
    }
    assert_eq!(
        findings.seen("handshake"),
        "alice@AD.EXAMPLE.TEST signed in to HTTP/localhost@AD.EXAMPLE.TEST, and both proved who they \
         are"
    );

    // What can't log in does not, and is said to be so.
    let mut command = domain.doctor();
    let findings = Findings::of(command.arg("--client-keytab").arg(&domain.keytab));
    findings.blame(&[("client-keytab", "warning")]);
    let seen = findings.seen("client-keytab");
    assert!(
        seen.starts_with("nobody of the clients' keytab can log in: HTTP/localhost@"),
        "{seen}"
    );
    let mut command = domain.doctor();
    let findings = Findings::of(command.args(["--client-keytab", "/nowhere"]));
    findings.blame(&[("client-keytab", "warning")]);
    let seen = findings.seen("client-keytab");
    assert!(seen.starts_with("/nowhere can't be read"), "{seen}");
}

#[test]
fn a_keytab_that_is_missing_is_exported() {
    let Some(domain) = Domain::of("doctor::samba::a_keytab_that_is_missing_is_exported") else {
        return;
    };
    std::fs::remove_file(&domain.keytab).expect("removes");
    let findings = domain.look();
    findings.blame(&[("keytab", "error")]);
    domain.apply(&findings, "keytab");
    // samba-tool lets everybody read it whom the umask does not keep from it.
    let findings = domain.look();
    if findings.of_check("keytab-access")["level"] == "warning" {
        let chmod = &findings.mends("keytab-access", "linux")[0];
        let status = Command::new("sh").args(["-ec", chmod]).status();
        assert!(status.expect("runs").success(), "{chmod}");
    }
    domain.look().are_sound();
}

#[test]
fn an_spn_that_the_account_and_the_keytab_lack_is_added() {
    let Some(domain) =
        Domain::of("doctor::samba::an_spn_that_the_account_and_the_keytab_lack_is_added")
    else {
        return;
    };
    let look = || {
        let mut command = domain.doctor();
        Findings::of(command.args(["--hostname", "localhost.localdomain"]))
    };
    let findings = look();
    assert_eq!(findings.of_check("spn")["level"], "error");
    domain.apply(&findings, "spn");
    let findings = look();
    for check in ["spn", "keys", "credential", "key-version", "handshake"] {
        assert_eq!(findings.of_check(check)["level"], "ok", "{findings:#?}");
    }
}

#[test]
fn a_password_that_was_changed_since_is_exported_again() {
    let Some(domain) =
        Domain::of("doctor::samba::a_password_that_was_changed_since_is_exported_again")
    else {
        return;
    };
    let password = "--newpassword=an0ther-Passw0rd";
    let change = ["user", "setpassword", "svc-web", password];
    domain.ad.samba_tool(change).expect("changed");
    let findings = domain.look();
    findings.blame(&[("key-version", "error")]);
    let means = findings.means("key-version");
    assert!(means.contains("The keytab is out of date"), "{means}");
    let printed = domain.apply(&findings, "key-version");
    assert!(printed.contains("sAMAccountName: svc-web"), "{printed}");
    domain.look().are_sound();
}

#[test]
fn an_spn_on_another_account_is_found_and_exported() {
    let Some(domain) = Domain::of("doctor::samba::an_spn_on_another_account_is_found_and_exported")
    else {
        return;
    };
    let spn = "HTTP/localhost";
    let ad = &domain.ad;
    ad.samba_tool(["spn", "delete", spn, "svc-web"])
        .expect("taken off");

    // No account has it.
    let findings = domain.look();
    findings.blame(&[("key-version", "error")]);
    let seen = findings.seen("key-version");
    assert!(
        seen.contains("gives no ticket for HTTP/localhost@"),
        "{seen}"
    );

    // Another one has it, whose password was set as often.
    ad.add_service_account("svc-other", [spn]).expect("added");
    let findings = domain.look();
    let fault = findings.all().find(|one| one["level"] == "error");
    let check = super::text(&fault.expect("a fault")["check"]);
    assert!(["key-version", "handshake"].contains(&check), "{check}");
    findings.blame(&[(check, "error")]);
    let printed = domain.apply(&findings, check);
    assert!(printed.contains("sAMAccountName: svc-other"), "{printed}");
    domain.look().are_sound();
}

#[test]
fn an_spn_that_no_account_has_is_given_to_the_services() {
    let Some(domain) =
        Domain::of("doctor::samba::an_spn_that_no_account_has_is_given_to_the_services")
    else {
        return;
    };
    let take_off = ["spn", "delete", "HTTP/localhost", "svc-web"];
    domain.ad.samba_tool(take_off).expect("taken off");
    let findings = domain.look();
    findings.blame(&[("key-version", "error")]);
    domain.apply(&findings, "key-version");
    domain.look().are_sound();
}

#[test]
fn a_password_of_the_bind_that_is_wrong_is_set_anew() {
    let Some(domain) =
        Domain::of("doctor::samba::a_password_of_the_bind_that_is_wrong_is_set_anew")
    else {
        return;
    };
    let ad = &domain.ad;
    let password = "an0ther-Passw0rd";
    let bind = domain.ad.folder().join("password");
    std::fs::write(&bind, password).expect("writes");
    // Not that of the service: its keys would change, too.
    let account = "bob";
    let look = || {
        let mut command = domain.doctor();
        command
            .args([
                "--ldap-domain",
                "ad.example.test",
                "--ldap",
                &ad.ldaps_url(),
            ])
            .arg("--ldap-ca")
            .arg(ad.ca_file())
            .args(["--ldap-bind", "bob@AD.EXAMPLE.TEST", "--ldap-password-file"])
            .arg(&bind)
            .args(["--user", "alice"]);
        Findings::of(&mut command)
    };
    let findings = look();
    findings.blame(&[("directory-bind", "error")]);
    // It asks for the password otherwise.
    let answer = format!("setpassword {account} --newpassword={password}");
    let replace = [("setpassword ACCOUNT", &*answer), ("ACCOUNT", account)];
    domain.apply_with(&findings, "directory-bind", &replace);
    look().are_sound();
}

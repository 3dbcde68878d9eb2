//! The doctor, run as the command: faults are planted one at a time, and their printed mends applied, in
//! the doctor's own words but for the placeholders, which are in capitals.
//!
//! | planted | found by | mended by what is printed |
//! |---|---|---|
//! | krb5.conf, or another of several, is broken | `krb5-conf` | what it shows is run, and finds the file |
//! | krb5.conf can't be read by the service's user | `krb5-conf` | yes |
//! | another default realm, or none | `default-realm` | a note: others may need it |
//! | the keytab is missing | `keytab` | yes, MIT and Samba |
//! | the keytab is none | `keytab` | yes, MIT |
//! | the keytab can't be read by the service's user | `keytab` | yes |
//! | others may read or write the keytab | `keytab-access` | yes |
//! | the keytab lacks the SPN | `spn` | yes, MIT and Samba |
//! | the SPN is there in another case, or realm | `spn` | it takes another SPN, or a setting |
//! | keys of weak types alone | `keys` | yes, MIT |
//! | the replay cache can't be written | `replay-cache` | yes |
//! | the replay cache is another user's | `replay-cache` | yes |
//! | the KDC's key is newer than the keytab's | `key-version` | yes, MIT and Samba |
//! | the SPN is on another account | `handshake`, `key-version` | yes, MIT and Samba |
//! | no account has the SPN | `key-version` | yes, MIT and Samba |
//! | the KDC is down, or silent | `kdc` | no: it is no service of systemd here |
//! | the clock is off | `clock` | no: a fake clock can't be set |
//! | the host name is an alias | `alias` | no: there is no DNS server of Samba's |
//! | the host name is unknown | `address` | no, likewise |
//! | the DNS names no server for the directory's domain, or no address | `directory-address` | no, likewise; named, it is found |
//! | the directory's server is down | `directory-connection` | no: it is no service of systemd here |
//! | another authority, or name, than the certificate's | `directory-tls` | what it shows is run; the option is put right |
//! | a wrong password for the bind | `directory-bind` | yes, Samba; on OpenLDAP what it shows is run |
//! | a search base that is not there | `directory-base` | what it shows is run; the option is put right |
//! | somebody whom the directory has not | `directory-user` | no command; the person is added |

mod command;
mod directory;
mod faults;
mod kdc;
mod names;
mod samba;
mod sound;

use std::ffi::OsStr;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tower_spnego::testing::TestRealm;

const DOCTOR: &str = env!("CARGO_BIN_EXE_spnego-doctor");

/// A set-up that is sound until a test spoils it.
struct SetUp {
    realm: TestRealm,
    /// Its own, with the key of `HTTP/localhost`.
    keytab: PathBuf,
    krb5_conf: PathBuf,
    /// Where MIT's default replay cache is.
    replays: PathBuf,
}

impl SetUp {
    fn new() -> Self {
        let realm = TestRealm::start().expect("a KDC");
        // Others may look in, as into /etc.
        set_mode(realm.folder(), 0o755);
        let keytab = realm.folder().join("web.keytab");
        std::fs::copy(realm.keytab(), &keytab).expect("copies");
        set_mode(&keytab, 0o600);
        let krb5_conf = realm.folder().join("web.krb5.conf");
        std::fs::copy(realm.krb5_conf(), &krb5_conf).expect("copies");
        set_mode(&krb5_conf, 0o644);
        let replays = realm.folder().join("replays");
        std::fs::create_dir(&replays).expect("makes");
        set_mode(&replays, 0o1777);
        Self {
            realm,
            keytab,
            krb5_conf,
            replays,
        }
    }

    /// The doctor for this set-up, started by this program with these arguments; by itself if none.
    fn doctor_by(&self, words: &[&str]) -> Command {
        let mut command = match words {
            [] => self.realm.command(DOCTOR),
            [program, arguments @ ..] => {
                let mut command = self.realm.command(program);
                command.args(arguments).arg(DOCTOR);
                command
            }
        };
        command
            .env("KRB5_CONFIG", &self.krb5_conf)
            .env("KRB5RCACHEDIR", &self.replays)
            .args(["--hostname", "localhost", "--realm", "EXAMPLE.TEST"])
            .arg("--keytab")
            .arg(&self.keytab);
        command
    }

    fn doctor(&self) -> Command {
        self.doctor_by(&[])
    }

    fn look(&self) -> Findings {
        Findings::of(&mut self.doctor())
    }

    /// Runs the mends for this system as they are printed; only what differs here is replaced.
    #[track_caller]
    fn apply(&self, findings: &Findings, check: &str, system: &str, replace: &[(&str, &str)]) {
        let commands = findings.mends(check, system);
        assert!(!commands.is_empty(), "{check} has no mend: {findings:?}");
        for command in commands {
            self.run(&command, replace);
        }
    }

    #[track_caller]
    fn run(&self, command: &str, replace: &[(&str, &str)]) {
        let mut command = command.to_owned();
        // The realm has no kadmind to ask.
        for (what, by) in [("kadmin -q", "kadmin.local -q")].iter().chain(replace) {
            command = command.replace(what, by);
        }
        let output = self
            .realm
            .command("sh")
            .args(["-ec", &command])
            .env("PATH", path_with_sbin())
            .output()
            .expect("runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {errors}");
    }

    /// The version of a service's key at the KDC, as `vno 1`.
    fn kvno(&self, service: &str) -> String {
        let known = self.realm.kadmin(["getprinc", service]).expect("getprinc");
        let version = known.split("vno ").nth(1).expect("a key");
        version.split(',').next().expect("a number").to_owned()
    }

    /// That a fault is found with this level, and by no other check; and gone once `mend` has run.
    #[track_caller]
    fn is_found_and_mended(&self, check: &str, level: &str, mend: impl FnOnce(&Findings)) {
        let findings = self.look();
        findings.blame(&[(check, level)]);
        mend(&findings);
        self.look().are_sound();
    }
}

fn path_with_sbin() -> std::ffi::OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
}

/// What `--json` printed.
#[derive(Debug)]
struct Findings {
    report: Value,
    status: Option<i32>,
}

impl Findings {
    #[track_caller]
    fn of(command: &mut Command) -> Self {
        let output = command.arg("--json").output().expect("starts");
        let Output {
            status,
            stdout,
            stderr,
        } = &output;
        let errors = String::from_utf8_lossy(stderr);
        let report = serde_json::from_slice(stdout);
        let findings = Self {
            report: report.unwrap_or_else(|error| panic!("{error}: {stdout:?} {errors}")),
            status: status.code(),
        };
        findings.do_no_harm();
        findings
    }

    /// No printed command is one that a domain or a machine is worse off for; whatever a test plants.
    #[track_caller]
    fn do_no_harm(&self) {
        let all = self.all().flat_map(|one| one["mends"].as_array());
        for mend in all.flatten() {
            let command = text(&mend["command"]);
            let is = |parts: &[&str]| parts.iter().any(|part| command.contains(part));
            // What everybody shares is nobody's to have: one file of it is removed at most.
            let shared = ["/var/tmp", "/tmp ", "/etc/krb5.keytab"];
            assert!(
                !is(&shared) || !is(&["chown", "chmod", "install"]),
                "{command}"
            );
            let adds = is(&["dns add", "dnsrecord-add", "Add-Dns", "ktadd", "setspn -S"]);
            assert!(!adds || !is(&["127.0.0.", "::1"]), "{command}");
            // Without a question, or in place of all that was there.
            assert!(!is(&["-Force", ">/etc", "sed -i"]), "{command}");
            // What makes a new key is never the first thing to do, and says what it ends.
            let keeps = ["-norandkey", "getkeytab -r"];
            if is(&["ktadd", "getkeytab", "ktpass", "-Reset"]) && !is(&keeps) {
                let is_new = command.contains("service-add");
                assert!(is_new || mend["warning"].is_string(), "{mend}");
                assert!(mend["when"].is_string(), "{mend}");
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Value> {
        self.report["findings"].as_array().into_iter().flatten()
    }

    /// Those that are no mere notes, with their level.
    #[track_caller]
    fn blame(&self, expected: &[(&str, &str)]) {
        let faults: Vec<_> = self
            .all()
            .map(|one| (text(&one["check"]), text(&one["level"])))
            .filter(|(_, level)| !["ok", "note"].contains(level))
            .collect();
        assert_eq!(faults, expected, "{self:#?}");
        let is_faulty = expected.iter().any(|(_, level)| *level == "error");
        assert_eq!(self.status, Some(i32::from(is_faulty)), "{self:#?}");
        for fault in self.all().filter(|one| one["level"] == "error") {
            assert!(fault["means"].is_string(), "{fault}");
        }
    }

    #[track_caller]
    fn are_sound(&self) {
        self.blame(&[]);
        assert!(self.all().count() > 8, "{self:#?}");
    }

    #[track_caller]
    fn of_check(&self, check: &str) -> &Value {
        let found = self.all().find(|one| one["check"] == check);
        found.unwrap_or_else(|| panic!("nothing of {check}: {self:#?}"))
    }

    #[track_caller]
    fn seen(&self, check: &str) -> &str {
        text(&self.of_check(check)["seen"])
    }

    #[track_caller]
    fn means(&self, check: &str) -> &str {
        text(&self.of_check(check)["means"])
    }

    #[track_caller]
    fn mends(&self, check: &str, system: &str) -> Vec<String> {
        let mends = self.of_check(check)["mends"].as_array();
        let of_system = mends
            .into_iter()
            .flatten()
            .filter(|mend| mend["system"] == system);
        of_system
            .map(|mend| text(&mend["command"]).to_owned())
            .collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// What the doctor prints for people.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.output().expect("starts");
    String::from_utf8(output.stdout).expect("text")
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Starts what follows as `nobody`, who may look at what anybody may.
const AS_NOBODY: [&str; 4] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
];

/// A copy of the doctor where `nobody` can run it.
fn doctor_for_nobody(folder: &Path) -> PathBuf {
    let copy = folder.join("spnego-doctor");
    // Not in this process: a program that another test starts meanwhile would inherit the open file,
    // and what is open for writing can't be run.
    let copied = Command::new("cp")
        .args([OsStr::new(DOCTOR), copy.as_os_str()])
        .status();
    assert!(copied.expect("cp runs").success());
    copy
}

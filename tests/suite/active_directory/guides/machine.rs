//! A machine of a newcomer's: an `/etc` of its own, on the network of a bare domain.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tower_spnego::testing::TestActiveDirectory;

use crate::daemon::{Daemon, find};
use crate::markdown::Block;

pub const SITE: &str = "intranet.ad.example.test";

/// Set in the process that has an `/etc` of its own.
const VARIABLE: &str = "TOWER_SPNEGO_GUIDE_MACHINE";

/// Becomes the program that it is given, where `/etc` and `/var/tmp` are copies, seen by nobody else.
const ENTER: &str = r#"
    cp -a /etc/. "$1/etc"
    mount --bind "$1/etc" /etc
    mount --bind "$1/var-tmp" /var/tmp
    shift
    exec "$@""#;

pub fn has_programs(test: &str, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| find(program).is_none());
    if let Some(missing) = missing {
        crate::not_run(
            test,
            &format!("{missing} is missing: tests/run.sh installs it"),
        );
    }
    missing.is_none()
}

/// Runs `test` once more, in a process that may change `/etc` as it likes; there the answer is yes.
pub fn in_a_machine_of_ones_own(test: &str) -> bool {
    if std::env::var_os(VARIABLE).is_some() {
        return true;
    }
    let mut unshare = Command::new("unshare");
    let allowed = unshare.args(["--mount", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        crate::not_run(
            test,
            "unshare(2) is not allowed here: it needs CAP_SYS_ADMIN",
        );
        return false;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["etc", "var-tmp"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    let everybodys = Permissions::from_mode(0o1777);
    fs::set_permissions(folder.path().join("var-tmp"), everybodys).expect("chmod");
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-ec", ENTER, "sh"])
        .arg(folder.path())
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "--nocapture", test])
        .env(VARIABLE, "1")
        .env_remove("KRB5_CONFIG")
        .env_remove("KRB5_KTNAME")
        .env_remove("KRB5_CLIENT_KTNAME")
        .output()
        .expect("unshare runs");
    let [printed, errors] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}{errors}"
    );
    false
}

/// A web server that is about to be one of the domain's. Nothing is replaced in what is typed here:
/// the guides' names are those of this domain.
pub struct Machine {
    pub domain: TestActiveDirectory,
    /// Where everything is typed.
    folder: TempDir,
    _dns: Daemon,
}

impl Machine {
    /// Only where `/etc` is one's own.
    pub fn start() -> Self {
        assert!(std::env::var_os(VARIABLE).is_some(), "it changes /etc");
        let domain = TestActiveDirectory::start().expect("a domain");
        // What a domain controller does for itself when it serves DNS.
        domain
            .samba_tool(["spn", "add", "ldap/dc1.ad.example.test", "DC1$"])
            .expect("added");
        let folder = tempfile::tempdir().expect("a folder");
        let everybodys = Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), everybodys).expect("chmod");
        // Where README says to put it, but for the folder's name.
        let installed = Command::new("install")
            .args(["-D", "-t"])
            .arg(folder.path().join("bin"))
            .arg(env!("CARGO_BIN_EXE_spnego-doctor"))
            .status();
        assert!(installed.expect("install runs").success());
        let dns = serve_dns(domain.address(), folder.path());
        let machine = Self {
            domain,
            folder,
            _dns: dns,
        };
        machine.prepare_etc();
        machine
    }

    fn prepare_etc(&self) {
        let address = self.domain.address();
        replace("/etc/resolv.conf", &format!("nameserver {address}\n"));
        replace(
            "/etc/nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files dns\n",
        );
        let _ = fs::remove_file("/etc/krb5.conf");
        // For `samba-tool` and `net`, which the machine has if it is a domain controller.
        fs::create_dir_all("/etc/samba").expect("a folder");
        let _ = fs::remove_file("/etc/samba/smb.conf");
        let settings = self.domain.folder().join("smb.conf");
        symlink(settings, "/etc/samba/smb.conf").expect("a link");
        fs::create_dir_all("/etc/cron.daily").expect("a folder");
    }

    /// Brings a file to it that everybody may read.
    pub fn copy(&self, from: &Path, to: &str) {
        fs::copy(from, to).expect("copies");
        fs::set_permissions(to, Permissions::from_mode(0o644)).expect("chmod");
    }

    /// Types the blocks that are on this way, in order, and compares what they print.
    pub fn run_all(&self, blocks: &[Block], way: &str) {
        let mut printed = None;
        for block in blocks {
            let is_on_another = block.way().is_some_and(|its| its != way);
            if is_on_another || block.not_run().is_some() {
                continue;
            }
            match block.language.as_str() {
                "sh" => {
                    let said = self.run_or_panic(&block.text);
                    // The doctor's: errors it tells by its status.
                    assert!(!said.contains("\nwarning"), "{block}{said}");
                    printed = Some(said);
                }
                "text" => {
                    let printed = printed.as_deref().expect("something was typed before");
                    for line in block.text.lines() {
                        assert!(printed.contains(line), "no {line:?}: {block}{printed}");
                    }
                }
                _ => {}
            }
        }
    }

    /// What root's shell prints, both outputs, with spaces as single ones. Whoever asks for a
    /// password is given the administrator's.
    pub fn run_or_panic(&self, typed: &str) -> String {
        let path = std::env::var("PATH").expect("a path");
        let bin = self.folder.path().join("bin");
        let mut shell = Command::new("timeout")
            .args(["120", "bash", "-euo", "pipefail", "-c"])
            .arg(format!("exec 2>&1\n{typed}"))
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}:/usr/sbin:/sbin", bin.display()))
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C")
            .env("KRB5CCNAME", self.folder.path().join("tickets"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut keyboard = shell.stdin.take().expect("a pipe");
        // Most commands ask for nothing.
        let _ = writeln!(keyboard, "{}", TestActiveDirectory::PASSWORD);
        drop(keyboard);
        let output = shell.wait_with_output().expect("it ends");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{}: {typed}{printed}",
            output.status
        );
        let lines = printed.lines().map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words.join(" ") + "\n"
        });
        lines.collect()
    }
}

/// A file of this content, and never one that a link leads to.
fn replace(path: &str, content: &str) {
    let _ = fs::remove_file(path);
    fs::write(path, content).expect("written");
}

/// The records of a domain, at its controller's address, and the site's.
fn serve_dns(address: Ipv4Addr, folder: &Path) -> Daemon {
    let program = find("dnsmasq").expect("dnsmasq");
    let mut command = Command::new(program);
    command
        .args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--pid-file=",
            "--user=root",
        ])
        .args([
            "--no-resolv",
            "--no-hosts",
            "--local=/test/",
            "--bind-interfaces",
        ])
        .arg(format!("--listen-address={address}"))
        .arg(format!("--host-record=dc1.ad.example.test,{address}"))
        .arg(format!("--host-record={SITE},127.0.0.1"));
    for (service, port) in [
        ("_ldap._tcp", 389),
        ("_ldap._tcp.dc._msdcs", 389),
        ("_kerberos._tcp", 88),
        ("_kerberos._udp", 88),
        ("_kerberos._tcp.dc._msdcs", 88),
        ("_kpasswd._tcp", 464),
        ("_kpasswd._udp", 464),
    ] {
        command.arg(format!(
            "--srv-host={service}.ad.example.test,dc1.ad.example.test,{port}"
        ));
    }
    let dns = Daemon::start(&command, folder, "TERM");
    let runtime = Runtime::new().expect("a runtime");
    let connect = async || TcpStream::connect((address, 53)).await;
    runtime.block_on(dns.wait_for(&["dnsmasq:"], connect));
    dns
}

//! What the host name is to others.

use std::path::Path;
use std::process::Command;

use tower_spnego::testing::TestDns;

use super::{Findings, SetUp};

/// Has a program see this file as `/etc/hosts`. The C library's own look-ups are replaced, with no
/// privilege and no namespace (<https://cwrap.org/nss_wrapper.html>).
pub(super) fn sees_hosts<'a>(command: &'a mut Command, file: &Path) -> &'a mut Command {
    command
        .env("LD_PRELOAD", "libnss_wrapper.so")
        .env("NSS_WRAPPER_HOSTS", file)
}

/// The doctor on a machine with these hosts.
fn with_hosts(set_up: &SetUp, hosts: &str, host: &str) -> Findings {
    let file = set_up.realm.folder().join("hosts");
    std::fs::write(&file, hosts).expect("writes");
    let mut command = set_up.doctor();
    Findings::of(sees_hosts(command.args(["--hostname", host]), &file))
}

/// Where the library is missing, programs run without it, and warn.
pub(super) fn can_see_hosts(test: &str) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hosts");
    std::fs::write(&file, "127.0.0.9 seen.example.test\n").expect("writes");
    let mut command = Command::new("getent");
    let output = sees_hosts(command.args(["ahosts", "seen.example.test"]), &file).output();
    let can = output.is_ok_and(|output| output.status.success());
    if !can {
        crate::not_run(
            test,
            "there is no nss_wrapper, for other names of this machine (Debian: libnss-wrapper)",
        );
    }
    can
}

#[test]
fn an_alias_is_a_warning() {
    if !can_see_hosts("doctor::names::an_alias_is_a_warning") {
        return;
    }
    let set_up = SetUp::new();
    let (realm, host) = (&set_up.realm, "intranet.example.test");
    realm
        .kadmin(["addprinc", "-randkey", "HTTP/intranet.example.test"])
        .expect("added");
    realm
        .export_keytab("HTTP/intranet.example.test", &set_up.keytab)
        .expect("exported");
    let hosts = "127.0.0.1 localhost\n127.0.0.7 web1.example.test intranet.example.test\n";
    // An alias in the machine's own file is nobody else's: nothing is to be done in the domain's DNS.
    let dns = TestDns::start().expect("a DNS server");
    let server = dns.address().to_string();
    let look = |hosts: &str| {
        let file = set_up.realm.folder().join("hosts");
        std::fs::write(&file, hosts).expect("writes");
        let mut command = set_up.doctor();
        command.args(["--hostname", host, "--dns-server", &server]);
        Findings::of(sees_hosts(&mut command, &file))
    };
    let findings = look(hosts);
    findings.are_sound();
    assert_eq!(findings.of_check("alias")["level"], "note");
    assert_eq!(
        findings.seen("alias"),
        "intranet.example.test is called web1.example.test by this machine; the DNS has no alias of \
         that name"
    );
    assert!(
        findings.of_check("alias")["mends"].is_null(),
        "{findings:#?}"
    );

    dns.set_alias(host, "web1.example.test").expect("named");
    let findings = look(hosts);
    findings.blame(&[("alias", "warning")]);
    assert_eq!(
        findings.seen("alias"),
        "intranet.example.test is an alias of web1.example.test"
    );
    // Which address is its own, only a person knows: here it is one of this machine alone.
    assert_eq!(
        findings.mends("alias", "samba"),
        [
            "samba-tool dns delete DNS_SERVER example.test intranet CNAME web1.example.test",
            "samba-tool dns add DNS_SERVER example.test intranet A ADDRESS",
        ]
    );
    // In place of a DNS server's, the machine's own record.
    let hosts = "127.0.0.1 localhost\n127.0.0.7 intranet.example.test\n";
    with_hosts(&set_up, hosts, host).are_sound();
    // A load balancer's address has a name of its own.
    let hosts = "127.0.0.7 lb.example.test\n127.0.0.7 intranet.example.test\n127.0.0.1 localhost\n";
    let findings = with_hosts(&set_up, hosts, host);
    findings.are_sound();
    assert_eq!(findings.of_check("reverse-name")["level"], "note");
    assert_eq!(
        findings.seen("reverse-name"),
        "127.0.0.7 is called lb.example.test"
    );
}

#[test]
fn a_name_that_is_not_found_is_a_warning() {
    let set_up = SetUp::new();
    let realm = &set_up.realm;
    realm
        .kadmin(["addprinc", "-randkey", "HTTP/nowhere.invalid"])
        .expect("added");
    realm
        .export_keytab("HTTP/nowhere.invalid", &set_up.keytab)
        .expect("exported");
    let mut command = set_up.doctor();
    let findings = Findings::of(command.args(["--hostname", "nowhere.invalid"]));
    findings.blame(&[("address", "warning")]);
    assert_eq!(
        findings.mends("address", "free-ipa"),
        ["ipa dnsrecord-add invalid nowhere --a-rec=ADDRESS"]
    );
}

#[test]
fn an_address_is_no_name_of_a_site() {
    let set_up = SetUp::new();
    let mut command = set_up.doctor();
    let findings = Findings::of(command.args(["--hostname", "127.0.0.1"]));
    assert_eq!(findings.of_check("hostname")["level"], "warning");
}

//! Faults of a directory.

use std::net::IpAddr;
use std::process::Command;

use tower_spnego::testing::{TestActiveDirectory, TestDns, TestLdap, active_directory_or_skip};

use super::names::{can_see_hosts, sees_hosts};
use super::{DOCTOR, Findings, SetUp, set_mode};

/// The variable that has the password.
const PASSWORD: &str = "LDAP_PASSWORD";

fn doctor(set_up: &SetUp, ldap: &TestLdap) -> Command {
    let mut command = set_up.doctor();
    command
        .env(PASSWORD, ldap.service_password())
        .args(["--ldap", &ldap.tls_url()])
        .arg("--ldap-ca")
        .arg(ldap.ca_file())
        .args(["--ldap-bind", &ldap.service_dn()])
        .args(["--ldap-password-env", PASSWORD])
        .args(["--ldap-base", &ldap.people()])
        .args(["--ldap-filter", "(uid={user})"])
        .args(["--user", "alice"]);
    command
}

/// The last of an option's values counts.
#[track_caller]
fn blames(set_up: &SetUp, ldap: &TestLdap, instead: &[&str], check: &str) -> Findings {
    let findings = Findings::of(doctor(set_up, ldap).args(instead));
    findings.blame(&[(check, "error")]);
    Findings::of(&mut doctor(set_up, ldap)).are_sound();
    findings
}

fn parts() -> (SetUp, TestLdap) {
    (SetUp::new(), TestLdap::start().expect("a server"))
}

#[test]
fn a_directory_that_is_sound_gives_no_warning() {
    let (set_up, ldap) = parts();
    let findings = Findings::of(&mut doctor(&set_up, &ldap));
    findings.are_sound();
    let seen = findings.seen("directory-user");
    let expected = "alice@EXAMPLE.TEST is Alice Liddell, uid=alice,ou=people,dc=example,dc=test, in 2 \
                    groups: Engineers, Staff (";
    assert!(seen.starts_with(expected), "{seen}");
    // The password in a file, and TLS on the other port.
    let file = set_up.realm.folder().join("password");
    std::fs::write(&file, format!("{}\n", ldap.service_password())).expect("writes");
    let mut command = set_up.doctor();
    command
        .args(["--ldap", &ldap.url(), "--ldap-start-tls", "--ldap-ca"])
        .arg(ldap.ca_file())
        .args(["--ldap-bind", &ldap.service_dn()])
        .arg("--ldap-password-file")
        .arg(&file)
        .args(["--ldap-openldap", ldap.base(), "--user", "bob"]);
    let findings = Findings::of(&mut command);
    findings.are_sound();
    assert_eq!(findings.of_check("directory-tls")["level"], "ok");
    let seen = findings.seen("directory-user");
    assert!(seen.contains("is Bob Cratchit"), "{seen}");
}

#[test]
fn an_authority_that_did_not_sign_the_servers_certificate_is_named() {
    let (set_up, ldap) = parts();
    let other = TestLdap::start().expect("a server");
    let ca = other.ca_file();
    let ca = ["--ldap-ca", ca.to_str().expect("text")];
    let findings = blames(&set_up, &ldap, &ca, "directory-tls");
    let shows = findings.mends("directory-tls", "linux");
    let output = Command::new("sh")
        .args(["-ec", &shows[0]])
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("BEGIN CERTIFICATE"), "{shows:?}: {text}");
}

#[test]
fn a_name_that_is_not_in_the_servers_certificate_is_named() {
    if !can_see_hosts("doctor::directory::a_name_that_is_not_in_the_servers_certificate_is_named") {
        return;
    }
    let (set_up, ldap) = parts();
    let hosts = set_up.realm.folder().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 localhost ldap.elsewhere.test\n").expect("writes");
    let url = format!("ldaps://ldap.elsewhere.test:{}", ldap.tls_port());
    // Of several, the first that is sound would do for a sign-in; each is looked at.
    let mut command = doctor(&set_up, &ldap);
    let findings = Findings::of(sees_hosts(command.args(["--ldap", &url]), &hosts));
    findings.blame(&[("directory-tls", "error")]);
    let fault = findings.all().find(|one| one["level"] == "error");
    let fault = fault.expect("a fault");
    let means = super::text(&fault["means"]);
    assert!(
        means.contains("write the URL with a name that is in the certificate"),
        "{means}"
    );
    // As the mend says: with a name that is in it.
    Findings::of(&mut doctor(&set_up, &ldap)).are_sound();
}

#[test]
fn a_bind_that_is_refused_is_tried_by_the_mend() {
    let (set_up, ldap) = parts();
    let file = set_up.realm.folder().join("password");
    std::fs::write(&file, "wrong").expect("writes");
    let wrong = ["--ldap-password-file", file.to_str().expect("text")];
    let findings = blames(&set_up, &ldap, &wrong, "directory-bind");
    let seen = findings.seen("directory-bind");
    assert!(seen.contains("LDAP result 49"), "{seen}");
    assert!(!seen.contains(ldap.service_password()), "{seen}");
    // Each try with a wrong one counts towards a lock, and a reset may end a keytab.
    let means = findings.means("directory-bind");
    assert!(!means.contains("until"), "{means}");
    let ad = findings.mends("directory-bind", "active-directory");
    let looks = "Get-ADUser ACCOUNT -Properties LockedOut,PasswordExpired";
    assert_eq!(ad[0], looks);
    assert!(
        ad[1].starts_with("Set-ADAccountPassword ACCOUNT -Reset"),
        "{ad:?}"
    );
    let name = format!("dn:{}", ldap.service_dn());
    let text = asks(&ldap, &findings.mends("directory-bind", "linux")[0]);
    assert!(text.contains(&name), "{text}");
}

/// Runs a client of OpenLDAP's as printed, with the names that nobody may put into a command.
fn asks(ldap: &TestLdap, command: &str) -> String {
    let command = command
        .replace("BIND_NAME", &ldap.service_dn())
        .replace("-W", &format!("-w '{}'", ldap.service_password()));
    let output = Command::new("sh")
        .args(["-ec", &command])
        .env("LDAPCONF", "/dev/null")
        .env("LDAPTLS_CACERT", ldap.ca_file())
        .output()
        .expect("runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_base_that_is_not_there_is_named_with_those_that_are() {
    let (set_up, ldap) = parts();
    let base = ["--ldap-base", "ou=nobody,dc=example,dc=test"];
    let findings = blames(&set_up, &ldap, &base, "directory-base");
    let command = &findings.mends("directory-base", "linux")[0];
    let text = asks(&ldap, command);
    assert!(
        text.contains("namingContexts: dc=example,dc=test"),
        "{command}: {text}"
    );
}

#[test]
fn a_user_whom_the_directory_does_not_have_is_an_error() {
    let (set_up, ldap) = parts();
    let findings = blames(&set_up, &ldap, &["--user", "carol"], "directory-user");
    let seen = findings.seen("directory-user");
    assert!(seen.contains("no entry below"), "{seen}");
    ldap.add_person("carol", "Carol").expect("added");
    Findings::of(doctor(&set_up, &ldap).args(["--user", "carol"])).are_sound();
}

#[test]
fn a_server_that_is_down_or_unknown_is_told_apart() {
    let (set_up, mut ldap) = parts();
    ldap.stop();
    let findings = Findings::of(&mut doctor(&set_up, &ldap));
    findings.blame(&[("directory-connection", "error")]);
    assert_eq!(
        findings.mends("directory-connection", "linux"),
        ["systemctl start slapd"]
    );
    // It is no service of this machine's.
    ldap.restart().expect("started");
    Findings::of(&mut doctor(&set_up, &ldap)).are_sound();

    let mut command = set_up.doctor();
    command.args([
        "--ldap",
        "ldaps://nowhere.invalid",
        "--ldap-openldap",
        ldap.base(),
    ]);
    let findings = Findings::of(&mut command);
    findings.blame(&[("directory-address", "error")]);
    assert_eq!(
        findings.mends("directory-address", "linux"),
        ["getent hosts nowhere.invalid"]
    );
}

#[test]
fn a_domain_that_dns_does_not_know_is_an_error() {
    let set_up = SetUp::new();
    let dns = TestDns::start().expect("a DNS server");
    let mut command = set_up.doctor();
    command
        .args(["--ldap-domain", "corp.exmaple.test", "--user", "alice"])
        .args(["--ldap-dns-server", &dns.address().to_string()]);
    let findings = Findings::of(&mut command);
    findings.blame(&[("directory-address", "error")]);
    let seen = findings.seen("directory-address");
    assert!(seen.contains("_ldap._tcp.corp.exmaple.test"), "{seen}");
    let means = findings.means("directory-address");
    assert!(means.contains("the domain is spelled right"), "{means}");
    let address = dns.address();
    let dig = format!(
        "dig @{} -p {} +short SRV _ldap._tcp.corp.exmaple.test",
        address.ip(),
        address.port()
    );
    assert_eq!(findings.mends("directory-address", "linux"), [dig]);
}

#[test]
fn the_servers_of_a_domain_are_those_of_dns() {
    if !active_directory_or_skip("doctor::directory::the_servers_of_a_domain_are_those_of_dns") {
        return;
    }
    let ad = TestActiveDirectory::start().expect("a domain");
    set_mode(&ad.keytab(), 0o600);
    let dns = TestDns::start().expect("a DNS server");
    let (domain, controller) = ("ad.example.test", "dc1.ad.example.test");
    let look = || {
        let mut command = ad.command(DOCTOR);
        command
            .env("KRB5RCACHEDIR", ad.folder())
            .env(PASSWORD, TestActiveDirectory::PASSWORD)
            .args(["--hostname", "localhost", "--realm", ad.realm(), "--keytab"])
            .arg(ad.keytab())
            .args(["--ldap-domain", domain, "--ldap-ca"])
            .arg(ad.ca_file())
            .args(["--ldap-dns-server", &dns.address().to_string()])
            .args(["--ldap-bind", "svc-web@AD.EXAMPLE.TEST"])
            .args(["--ldap-password-env", PASSWORD, "--user", "alice"]);
        Findings::of(&mut command)
    };
    // As Active Directory has it: the port of LDAP, and no word of TLS.
    dns.set_ldap_servers(domain, [(0, 100, 389, controller)])
        .expect("named");
    let findings = look();
    findings.blame(&[("directory-address", "error")]);
    let seen = findings.seen("directory-address");
    assert!(seen.contains("dc1.ad.example.test is not found"), "{seen}");
    dns.set_addresses(controller, [IpAddr::from(ad.address())])
        .expect("named");
    let findings = look();
    findings.are_sound();
    let seen = findings.seen("directory-connection");
    assert!(
        seen.contains("dc1.ad.example.test takes connections on port 636"),
        "{seen}"
    );
    let seen = findings.seen("directory-user");
    assert!(seen.contains("Domain Users"), "{seen}");
}

#[test]
fn a_domain_is_a_directory_too() {
    if !active_directory_or_skip("doctor::directory::a_domain_is_a_directory_too") {
        return;
    }
    let ad = TestActiveDirectory::start().expect("a domain");
    set_mode(&ad.keytab(), 0o600);
    let mut command = ad.command(DOCTOR);
    command
        .env("KRB5RCACHEDIR", ad.folder())
        .env(PASSWORD, TestActiveDirectory::PASSWORD)
        .args(["--hostname", "localhost", "--realm", ad.realm(), "--keytab"])
        .arg(ad.keytab())
        .args([
            "--ldap-domain",
            "ad.example.test",
            "--ldap",
            &ad.ldaps_url(),
        ])
        .arg("--ldap-ca")
        .arg(ad.ca_file())
        .args(["--ldap-bind", "svc-web@AD.EXAMPLE.TEST"])
        .args(["--ldap-password-env", PASSWORD, "--user", "alice"]);
    let findings = Findings::of(&mut command);
    findings.are_sound();
    let seen = findings.seen("directory-user");
    assert!(seen.contains("Domain Users"), "{seen}");
}

//! Set-ups that are sound.

use tower_spnego::testing::{TestActiveDirectory, active_directory_or_skip};

use super::{DOCTOR, Findings, SetUp, set_mode};

#[test]
fn a_realm_of_mit_kerberos_gives_no_warning() {
    let set_up = SetUp::new();
    let findings = set_up.look();
    findings.are_sound();
    for check in [
        "krb5-conf",
        "spn",
        "keys",
        "kdc",
        "clock",
        "key-version",
        "handshake",
    ] {
        assert_eq!(findings.of_check(check)["level"], "ok", "{findings:#?}");
    }
    assert_eq!(
        findings.seen("handshake"),
        "HTTP/localhost@EXAMPLE.TEST signed in to HTTP/localhost@EXAMPLE.TEST, and both proved who \
         they are"
    );
}

fn on_the_domain(ad: &TestActiveDirectory) -> std::process::Command {
    let mut command = ad.command(DOCTOR);
    command
        .env("KRB5RCACHEDIR", ad.folder())
        .args(["--hostname", "localhost", "--realm", ad.realm()])
        .arg("--keytab")
        .arg(ad.keytab());
    command
}

#[test]
fn a_domain_gives_no_warning() {
    if !active_directory_or_skip("doctor::sound::a_domain_gives_no_warning") {
        return;
    }
    let ad = TestActiveDirectory::start().expect("a domain");
    set_mode(&ad.keytab(), 0o600);
    // An SPN is no account there.
    let findings = Findings::of(&mut on_the_domain(&ad));
    findings.are_sound();
    assert_eq!(findings.of_check("clock")["level"], "ok", "{findings:#?}");
    let version = findings.of_check("key-version");
    assert_eq!(version["level"], "note", "{findings:#?}");
    assert_eq!(
        findings.mends("key-version", "windows"),
        ["klist get HTTP/localhost"]
    );

    ad.export_keytab("svc-web", ad.keytab()).expect("exported");
    let findings = Findings::of(&mut on_the_domain(&ad));
    findings.are_sound();
    for check in ["key-version", "handshake"] {
        assert_eq!(findings.of_check(check)["level"], "ok", "{findings:#?}");
    }
    let seen = findings.seen("handshake");
    assert!(
        seen.starts_with("svc-web@AD.EXAMPLE.TEST signed in"),
        "{seen}"
    );
}

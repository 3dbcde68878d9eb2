//! Faults that the KDC shows.

use super::{Findings, SetUp};

#[test]
fn a_key_that_was_changed_since_is_exported_again() {
    let set_up = SetUp::new();
    set_up.realm.change_key("HTTP/localhost").expect("changed");
    set_up.is_found_and_mended("key-version", "error", |findings| {
        assert_eq!(
            findings.seen("key-version"),
            "the KDC has another key of HTTP/localhost@EXAMPLE.TEST than the keytab"
        );
        set_up.apply(findings, "key-version", "mit", &[]);
    });
}

/// A ticket got as somebody else tells the version, too, as on Active Directory.
#[test]
fn the_ticket_of_another_principal_tells_the_version() {
    let set_up = SetUp::new();
    let realm = &set_up.realm;
    realm
        .kadmin(["addprinc", "-randkey", "web"])
        .expect("added");
    realm
        .export_keytab("web", &set_up.keytab)
        .expect("exported");
    realm.change_key("HTTP/localhost").expect("changed");
    set_up.is_found_and_mended("key-version", "error", |findings| {
        let seen = findings.seen("key-version");
        assert!(
            seen.contains("HTTP/localhost@EXAMPLE.TEST, kvno 2"),
            "{seen}"
        );
        set_up.apply(findings, "key-version", "mit", &[]);
    });
}

/// As where the keytabs of all servers get the new key before the KDC does.
#[test]
fn a_newer_key_that_waits_in_the_keytab_is_no_fault() {
    let set_up = SetUp::new();
    let mut entry = Vec::new();
    for part in ["EXAMPLE.TEST", "HTTP", "localhost"] {
        entry.extend(u16::try_from(part.len()).expect("short").to_be_bytes());
        entry.extend(part.bytes());
    }
    // A name's type, no time, the version, and a key of AES-256.
    entry.extend([0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 18, 0, 32]);
    entry.extend([7; 32]);
    let mut keytab = std::fs::read(&set_up.keytab).expect("reads");
    let length = 2 + u32::try_from(entry.len()).expect("short");
    keytab.extend(length.to_be_bytes());
    keytab.extend([0, 2]);
    keytab.extend(entry);
    std::fs::write(&set_up.keytab, keytab).expect("writes");
    let findings = set_up.look();
    findings.are_sound();
    assert_eq!(
        findings.of_check("handshake")["level"],
        "ok",
        "{findings:#?}"
    );
    assert_eq!(findings.of_check("key-version")["level"], "note");
    let seen = findings.seen("key-version");
    assert!(seen.contains("its newer key, kvno 2, waits"), "{seen}");
    // Once the KDC has another one than either, it is one.
    set_up.realm.change_key("HTTP/localhost").expect("changed");
    set_up.look().blame(&[("key-version", "error")]);
}

/// As where the SPN was moved to another account: the version is the same, and the key another.
#[test]
fn the_key_of_another_account_is_exported_again() {
    let set_up = SetUp::new();
    let realm = &set_up.realm;
    realm
        .kadmin(["addprinc", "-randkey", "web"])
        .expect("added");
    realm
        .export_keytab("web", &set_up.keytab)
        .expect("exported");
    realm
        .kadmin(["delprinc", "-force", "HTTP/localhost"])
        .expect("removed");
    realm
        .kadmin(["addprinc", "-randkey", "HTTP/localhost"])
        .expect("added");
    let findings = set_up.look();
    findings.blame(&[("handshake", "error")]);
    let seen = findings.seen("handshake");
    assert!(
        seen.contains("can't be decrypted with the keytab's key"),
        "{seen}"
    );
    set_up.apply(&findings, "handshake", "mit", &[]);
    set_up.look().are_sound();
}

#[test]
fn an_spn_that_the_kdc_does_not_know_is_added() {
    let set_up = SetUp::new();
    let realm = &set_up.realm;
    realm
        .kadmin(["addprinc", "-randkey", "web"])
        .expect("added");
    realm
        .export_keytab("web", &set_up.keytab)
        .expect("exported");
    realm
        .kadmin(["delprinc", "-force", "HTTP/localhost"])
        .expect("removed");
    let findings = set_up.look();
    findings.blame(&[("key-version", "error")]);
    let seen = findings.seen("key-version");
    assert!(
        seen.contains("gives no ticket for HTTP/localhost@EXAMPLE.TEST"),
        "{seen}"
    );
    set_up.apply(
        &findings,
        "key-version",
        "mit",
        &[("getprinc", "listprincs")],
    );
    // The keys of the SPN that is gone are in the keytab still, with other versions.
    let findings = set_up.look();
    assert_eq!(
        findings.of_check("key-version")["level"],
        "ok",
        "{findings:#?}"
    );
}

#[test]
fn a_kdc_that_is_down_is_started() {
    let mut set_up = SetUp::new();
    set_up.realm.stop_kdc();
    let findings = set_up.look();
    // Tickets are accepted without it: so it is where a firewall is between.
    findings.blame(&[("kdc", "warning")]);
    assert_eq!(findings.mends("kdc", "mit"), ["systemctl start krb5-kdc"]);
    // It is no service of this machine's.
    set_up.realm.start_kdc().expect("started");
    set_up.look().are_sound();
}

/// libkrb5 would wait for 27 s, once for each question, and say it in other words.
#[test]
fn a_kdc_that_is_silent_is_asked_once_and_not_waited_for() {
    let set_up = SetUp::new();
    set_up.realm.freeze_kdc().expect("frozen");
    let principal = "HTTP/localhost@EXAMPLE.TEST";
    let mut command = set_up.doctor();
    // A directory that is bound to with a ticket.
    command
        .args(["--ldap", "ldaps://localhost", "--ldap-gssapi", principal])
        .args(["--ldap-openldap", "dc=example,dc=test", "--user", "alice"]);
    let findings = Findings::of(&mut command);
    findings.blame(&[("kdc", "error")]);
    assert_eq!(
        findings.seen("kdc"),
        "no KDC of EXAMPLE.TEST answers: asked for a first ticket of HTTP/localhost@EXAMPLE.TEST, it \
         was silent for 10 s"
    );
    let means = findings.means("kdc");
    assert!(means.contains("no sign-in was tried"), "{means}");
    assert_eq!(findings.mends("kdc", "mit"), ["systemctl restart krb5-kdc"]);
    let checks = findings.all().map(|one| super::text(&one["check"]));
    let checks: Vec<_> = checks.collect();
    for left_out in ["key-version", "handshake", "directory-address"] {
        assert!(!checks.contains(&left_out), "{findings:#?}");
    }
    assert_eq!(findings.of_check("directory-bind")["level"], "note");
    let seen = findings.seen("directory-bind");
    assert!(seen.contains("the directory was not asked"), "{seen}");
    // It is no service of this machine's.
    set_up.realm.thaw_kdc().expect("thawed");
    set_up.look().are_sound();
}

#[test]
fn a_clock_that_is_off_is_set() {
    let has_faketime = std::process::Command::new("faketime")
        .arg("--version")
        .output();
    if !has_faketime.is_ok_and(|output| output.status.success()) {
        return crate::not_run(
            "doctor::kdc::a_clock_that_is_off_is_set",
            "there is no faketime (Debian: faketime)",
        );
    }
    let set_up = SetUp::new();
    for (offset, words, level) in [
        ("+20m", "s ahead of the KDC's", "error"),
        ("-20m", "s behind the KDC's", "error"),
        ("+2m", "s ahead of the KDC's", "warning"),
    ] {
        let mut command = set_up.doctor_by(&["faketime", "-f", offset]);
        let findings = Findings::of(&mut command);
        assert_eq!(findings.of_check("clock")["level"], level, "{findings:#?}");
        let seen = findings.seen("clock");
        assert!(seen.ends_with(words), "{seen}");
        let seconds: u64 = seen
            .split(' ')
            .nth(2)
            .expect("a number")
            .parse()
            .expect("a number");
        let minutes = if level == "error" { 1200 } else { 120 };
        assert!(seconds.abs_diff(minutes) < 30, "{seen}");
        assert_eq!(findings.mends("clock", "linux"), ["chronyc makestep"]);
        assert_eq!(findings.status, Some(i32::from(level == "error")));
    }
    // Nothing here may set the machine's clock; without the fake it is right.
    set_up.look().are_sound();
}

//! Faults of this machine, and of its keytab.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use super::{AS_NOBODY, Findings, SetUp, doctor_for_nobody, is_root, set_mode};

/// What else is in the file is needed by others of the machine, so that nothing writes a new one.
#[test]
fn a_krb5_conf_that_is_broken_is_found_among_several() {
    let set_up = SetUp::new();
    let sound = std::fs::read_to_string(&set_up.krb5_conf).expect("reads");
    let broken = set_up.realm.folder().join("broken.krb5.conf");
    std::fs::write(&broken, sound.replacen(']', "", 1)).expect("writes");
    let both = format!("{}:{}", set_up.krb5_conf.display(), broken.display());
    let mut command = set_up.doctor();
    let findings = Findings::of(command.env("KRB5_CONFIG", both));
    findings.blame(&[("krb5-conf", "error")]);
    let seen = findings.seen("krb5-conf");
    assert!(seen.contains("krb5.conf: Improper format"), "{seen}");
    let looks = findings.mends("krb5-conf", "linux");
    let blamed: Vec<_> = looks
        .iter()
        .filter(|look| {
            let output = set_up.realm.command("sh").args(["-c", look]).output();
            let output = output.expect("runs");
            String::from_utf8_lossy(&output.stderr).contains("Improper format")
        })
        .collect();
    let [look] = blamed[..] else {
        panic!("{looks:?}: {blamed:?}");
    };
    assert!(look.contains("broken.krb5.conf"), "{look}");
    set_up.look().are_sound();
}

#[test]
fn another_default_realm_is_a_note_for_others_may_need_it() {
    let set_up = SetUp::new();
    let sound = std::fs::read_to_string(&set_up.krb5_conf).expect("reads");
    for (default, words) in [
        (
            "default_realm = OTHER",
            "it is OTHER.TEST, and not EXAMPLE.TEST",
        ),
        ("no_such_thing = EXAMPLE", "default realm"),
    ] {
        let other = sound.replace("default_realm = EXAMPLE", default);
        std::fs::write(&set_up.krb5_conf, other).expect("writes");
        let findings = set_up.look();
        findings.are_sound();
        let found = findings.of_check("default-realm");
        assert_eq!(found["level"], "note", "{found}");
        assert!(found["mends"].is_null(), "{found}");
        assert!(findings.seen("default-realm").contains(words), "{found}");
    }
}

#[test]
fn a_keytab_that_is_missing_is_exported() {
    let set_up = SetUp::new();
    std::fs::remove_file(&set_up.keytab).expect("removes");
    set_up.is_found_and_mended("keytab", "error", |findings| {
        set_up.apply(findings, "keytab", "mit", &[]);
        set_up.apply(findings, "keytab", "linux", &[("USER", "$(id -u)")]);
    });
    // The keytab of any other server of the site goes on as before.
    assert_eq!(set_up.kvno("HTTP/localhost"), "1");
}

#[test]
fn a_keytab_that_is_none_is_moved_away_and_exported() {
    let set_up = SetUp::new();
    std::fs::write(&set_up.keytab, "no keytab").expect("writes");
    set_up.is_found_and_mended("keytab", "error", |findings| {
        let [away, give] = &findings.mends("keytab", "linux")[..] else {
            panic!("{findings:?}");
        };
        set_up.run(away, &[]);
        set_up.apply(findings, "keytab", "mit", &[]);
        set_up.run(give, &[("USER", "$(id -u)")]);
    });
    assert_eq!(set_up.kvno("HTTP/localhost"), "1");
}

/// File modes stop nobody who is root.
#[test]
fn what_the_services_user_may_not_read_or_write_is_given_to_it() {
    const TEST: &str =
        "doctor::faults::what_the_services_user_may_not_read_or_write_is_given_to_it";
    if !is_root() {
        return crate::not_run(TEST, "it needs root, to be somebody else");
    }
    let set_up = SetUp::new();
    let copy = doctor_for_nobody(set_up.realm.folder());
    let look_with = |more: &[&str]| {
        let mut command = set_up.doctor_by(&AS_NOBODY);
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut as_nobody = set_up.realm.command(AS_NOBODY[0]);
        as_nobody
            .args(&arguments[..3])
            .arg(&copy)
            .args(&arguments[4..])
            .args(more);
        for (name, value) in command.env("UNUSED", "").get_envs() {
            as_nobody.env(name, value.unwrap_or_default());
        }
        as_nobody.env_remove("KRB5_KTNAME").env_remove("KRB5_TRACE");
        Findings::of(&mut as_nobody)
    };
    let look = || look_with(&[]);
    let findings = look();
    findings.blame(&[("keytab", "error")]);
    let seen = findings.seen("keytab");
    assert!(seen.contains("Permission denied"), "{seen}");
    // Whose keys it has is looked at first.
    let [list, chown] = &findings.mends("keytab", "linux")[..] else {
        panic!("{findings:?}");
    };
    assert!(list.starts_with("klist -k /"), "{list}");
    assert!(chown.starts_with("chown nobody /"), "{chown}");
    set_up.apply(&findings, "keytab", "linux", &[]);
    look().are_sound();

    set_mode(&set_up.krb5_conf, 0o600);
    let findings = look();
    findings.blame(&[("krb5-conf", "error")]);
    set_up.apply(&findings, "krb5-conf", "linux", &[]);
    look().are_sound();

    // The folder of all is left as it is.
    set_mode(&set_up.replays, 0o755);
    let findings = look();
    findings.blame(&[("replay-cache", "error")]);
    let means = findings.means("replay-cache");
    assert!(
        means.contains(".replay_cache(\"/var/lib/SERVICE\")"),
        "{means}"
    );
    let own = set_up.realm.folder().join("own");
    let own = own.to_str().expect("text");
    set_up.apply(
        &findings,
        "replay-cache",
        "linux",
        &[("/var/lib/SERVICE", own)],
    );
    look_with(&["--replay-cache", own]).are_sound();
    let folder = std::fs::metadata(&set_up.replays).expect("metadata");
    assert_eq!((folder.uid(), folder.mode() & 0o7777), (0, 0o755));
    look().blame(&[("replay-cache", "error")]);

    // That of the layer's own is given to it.
    std::os::unix::fs::chown(own, Some(0), None).expect("chown");
    // One with other files in it, or that can't be looked into, may be anybody's.
    set_mode(Path::new(own), 0o755);
    let other = Path::new(own).join("other");
    std::fs::write(&other, "").expect("writes");
    let findings = look_with(&["--replay-cache", own]);
    let mends = findings.mends("replay-cache", "linux");
    assert!(mends[1].ends_with(" /var/lib/SERVICE"), "{mends:?}");
    std::fs::remove_file(&other).expect("removes");
    let findings = look_with(&["--replay-cache", own]);
    findings.blame(&[("replay-cache", "error")]);
    set_up.apply(&findings, "replay-cache", "linux", &[]);
    look_with(&["--replay-cache", own]).are_sound();

    // A file that somebody else has made can't be opened either, and is what is in the way.
    set_mode(&set_up.replays, 0o1777);
    let file = set_up.replays.join("krb5_65534.rcache2");
    std::fs::write(&file, "").expect("writes");
    set_mode(&file, 0o600);
    let findings = look();
    findings.blame(&[("replay-cache", "error")]);
    let seen = findings.seen("replay-cache");
    assert!(seen.contains("it belongs to the user with uid 0"), "{seen}");
    let rm = format!("rm {}", file.display());
    assert_eq!(findings.mends("replay-cache", "linux"), [rm]);
    set_up.apply(&findings, "replay-cache", "linux", &[]);
    look().are_sound();
}

#[test]
fn a_keytab_that_everybody_may_read_is_a_warning() {
    let set_up = SetUp::new();
    for mode in [0o644, 0o660, 0o666] {
        set_mode(&set_up.keytab, mode);
        set_up.is_found_and_mended("keytab-access", "warning", |findings| {
            set_up.apply(findings, "keytab-access", "linux", &[]);
        });
    }
}

#[test]
fn an_spn_that_the_keytab_lacks_is_added() {
    let set_up = SetUp::new();
    let look = |host: &str| {
        let mut command: Command = set_up.doctor();
        Findings::of(command.args(["--hostname", host]))
    };
    // The machine's own files or the DNS know it; what it is called in reverse is a note.
    let findings = look("localhost.localdomain");
    let spn = findings.of_check("spn");
    assert_eq!(spn["level"], "error");
    assert_eq!(
        findings.seen("spn"),
        "there is no key of HTTP/localhost.localdomain@EXAMPLE.TEST; there is \
         HTTP/localhost@EXAMPLE.TEST"
    );
    assert_eq!(
        findings.mends("spn", "active-directory")[..2],
        [
            "setspn -Q HTTP/localhost.localdomain",
            "setspn -S HTTP/localhost.localdomain ACCOUNT"
        ]
    );
    // What is looked for is not there.
    set_up.apply(&findings, "spn", "mit", &[("getprinc", "listprincs")]);
    let findings = look("localhost.localdomain");
    for check in ["spn", "keys", "credential", "key-version", "handshake"] {
        assert_eq!(findings.of_check(check)["level"], "ok", "{findings:#?}");
    }
}

#[test]
fn an_spn_in_another_case_or_realm_is_told_apart() {
    let set_up = SetUp::new();
    std::fs::remove_file(&set_up.keytab).expect("removes");
    let realm = &set_up.realm;
    realm
        .kadmin(["addprinc", "-randkey", "http/localhost"])
        .expect("added");
    realm
        .export_keytab("http/localhost", &set_up.keytab)
        .expect("exported");
    let findings = set_up.look();
    findings.blame(&[("spn", "error")]);
    let means = findings.means("spn");
    assert!(
        means.contains("http/localhost@EXAMPLE.TEST is another principal"),
        "{means}"
    );

    std::fs::copy(realm.keytab(), &set_up.keytab).expect("copies");
    let mut command = set_up.doctor();
    let findings = Findings::of(command.args(["--realm", "example.test"]));
    let means = findings.means("spn");
    assert!(means.contains("in the realm EXAMPLE.TEST there"), "{means}");
}

#[test]
fn keys_of_weak_types_alone_are_a_warning() {
    let set_up = SetUp::new();
    std::fs::remove_file(&set_up.keytab).expect("removes");
    let keytab = set_up.keytab.to_str().expect("text");
    let rc4 = [
        "ktadd",
        "-k",
        keytab,
        "-e",
        "arcfour-hmac:normal",
        "HTTP/localhost",
    ];
    set_up.realm.kadmin(rc4).expect("exported");
    set_up.is_found_and_mended("keys", "warning", |findings| {
        let seen = findings.seen("keys");
        assert!(seen.contains("arcfour-hmac (weak)"), "{seen}");
        let aes = findings.mends("keys", "active-directory");
        assert!(
            aes[2].contains("-KerberosEncryptionType AES128,AES256"),
            "{aes:?}"
        );
        set_up.apply(findings, "keys", "mit", &[]);
    });
}

/// Anybody can make MIT's default file in /var/tmp first.
#[test]
fn a_replay_cache_of_another_user_is_removed() {
    if !is_root() {
        return crate::not_run(
            "doctor::faults::a_replay_cache_of_another_user_is_removed",
            "it needs root, to make a file that is another user's",
        );
    }
    let set_up = SetUp::new();
    let file = set_up.replays.join("krb5_0.rcache2");
    std::fs::write(&file, "").expect("writes");
    std::os::unix::fs::chown(&file, Some(65534), None).expect("chown");
    set_up.is_found_and_mended("replay-cache", "error", |findings| {
        let seen = findings.seen("replay-cache");
        assert!(
            seen.contains("it belongs to the user with uid 65534"),
            "{seen}"
        );
        set_up.apply(findings, "replay-cache", "linux", &[]);
    });
}

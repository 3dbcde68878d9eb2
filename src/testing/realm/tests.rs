use std::time::{Duration, Instant};

use super::*;

fn klist(realm: &TestRealm, keytab: &Path) -> String {
    let output = run(realm.command("klist").arg("-k").arg(keytab)).expect("klist");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_realm_starts_and_goes_away() {
    let began = Instant::now();
    let realm = TestRealm::start().expect("a realm");
    eprintln!("started in {:?}", began.elapsed());
    assert_eq!(realm.realm(), "EXAMPLE.TEST");
    assert!(klist(&realm, realm.keytab()).contains(" HTTP/localhost@EXAMPLE.TEST"));

    let alice = realm.ticket_cache("alice").expect("a ticket");
    alice.service_ticket("HTTP/localhost").expect("a ticket");
    let tickets = run(&mut alice.command("klist")).expect("klist").stdout;
    let tickets = String::from_utf8(tickets).expect("UTF-8");
    assert!(tickets.contains("Default principal: alice@EXAMPLE.TEST"));
    assert!(tickets.contains("HTTP/localhost@EXAMPLE.TEST"));

    let folder = realm.folder().to_owned();
    drop(realm);
    assert!(folder.exists(), "the cache still needs it");
    drop(alice);
    assert!(!folder.exists());
}

#[test]
fn a_stopped_kdc_gives_no_ticket() {
    let mut realm = TestRealm::start().expect("a realm");
    realm.stop_kdc();
    let began = Instant::now();
    let error = realm.ticket_cache("alice").expect_err("no KDC");
    assert!(
        error.to_string().contains("Cannot contact any KDC"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    realm.start_kdc().expect("a KDC");
    realm.ticket_cache("alice").expect("a ticket");
}

#[test]
fn one_keytab_holds_the_keys_of_two_realms() {
    let realm = TestRealm::start().expect("a realm");
    let lab = TestRealm::builder().realm("LAB.TEST").start();
    let lab = lab.expect("a second realm");
    lab.export_keytab("HTTP/localhost", realm.keytab())
        .expect("exported");
    let keys = klist(&realm, realm.keytab());
    assert!(keys.contains("   1 HTTP/localhost@EXAMPLE.TEST"), "{keys}");
    assert!(keys.contains("   1 HTTP/localhost@LAB.TEST"), "{keys}");
}

#[test]
fn a_changed_key_has_the_next_kvno() {
    let realm = TestRealm::start().expect("a realm");
    realm.change_key("HTTP/localhost").expect("changed");
    let other = realm.folder().join("other.keytab");
    realm
        .export_keytab("HTTP/localhost", &other)
        .expect("exported");
    assert!(klist(&realm, &other).contains("   2 HTTP/localhost@"));
    assert!(!klist(&realm, realm.keytab()).contains("   2 HTTP/localhost@"));
}

#[test]
fn unusual_names_are_principals_too() {
    let realm = TestRealm::start().expect("a realm");
    let names = [
        r#"q"uo"te"#,
        "two words",
        r"back\\slash",
        r"at\@sign",
        "alice/admin",
        "do$llar!~'`",
        "Zoë",
        "right\u{202e}left",
        "escape\u{1b}[31m",
        "tab\there",
        r"line\nbreak",
        "ｆｕｌｌ",
        " leading",
    ];
    realm.add_principals(names).expect("added");
    for name in names {
        let cache = realm.ticket_cache(name);
        cache.unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
    realm.add_principal("alice").expect_err("she exists");
    realm
        .export_keytab("HTTP/nowhere", realm.keytab())
        .expect_err("no such service");
}

#[test]
fn many_realms_start_at_once() {
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                let name = format!("R{number}.TEST");
                let realm = TestRealm::builder().realm(&name).start().expect("a realm");
                let alice = realm.ticket_cache("alice").expect("a ticket");
                alice.service_ticket("HTTP/localhost").expect("a ticket");
                assert!(realm.kdc_log().contains(&format!("alice@{name}")));
            });
        }
    });
}

#[test]
fn a_thousand_principals_are_added_in_one_run() {
    let realm = TestRealm::start().expect("a realm");
    let began = Instant::now();
    let names = (0..1000).map(|number| format!("user{number}"));
    realm.add_principals(names).expect("added");
    eprintln!("added in {:?}", began.elapsed());
    realm.ticket_cache("user999").expect("a ticket");
}

#[test]
/// Not a test by itself: the next one runs it in a process of its own.
fn dies_with_a_kdc() {
    if std::env::var_os("DIE").is_none() {
        return;
    }
    let realm = TestRealm::start().expect("a realm");
    println!("\nfolder:{}", realm.folder().display());
    println!("port:{}", realm.port.number());
    std::process::abort();
}

#[test]
fn an_aborted_test_leaves_no_kdc() {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "testing::realm::tests::dies_with_a_kdc"])
        .arg("--nocapture")
        .env("DIE", "1")
        .output()
        .expect("run");
    assert!(!output.status.success());
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = |key: &str| {
        let value = output.lines().find_map(|line| line.strip_prefix(key));
        value.expect(key).to_owned()
    };
    let folder = PathBuf::from(value("folder:"));
    let port = value("port:").parse().expect("a number");
    let kdc = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let deadline = Instant::now() + Duration::from_secs(10);
    while folder.exists() || std::net::TcpStream::connect(kdc).is_ok() {
        assert!(Instant::now() < deadline, "{output} is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

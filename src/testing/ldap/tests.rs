use std::time::{Duration, Instant};

use super::*;
use crate::testing::process::run;

/// As the service account.
fn search(ldap: &TestLdap, url: &str, filter: &str) -> io::Result<String> {
    let output = run(Command::new("ldapsearch")
        .env("LDAPCONF", "/dev/null")
        .env("LDAPTLS_CACERT", ldap.ca_file())
        .args([
            "-x",
            "-N",
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-o",
            "nettimeout=2",
            "-l",
            "2",
        ])
        .args(["-H", url, "-b", ldap.base()])
        .args(["-D", &ldap.service_dn(), "-w", ldap.service_password()])
        .args([filter, "*", "memberOf"]))?;
    Ok(String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn it_answers_with_and_without_tls_and_knows_groups() {
    let began = Instant::now();
    let ldap = TestLdap::start().expect("a server");
    eprintln!("started in {:?}", began.elapsed());
    for url in [ldap.url(), ldap.tls_url()] {
        let alice = search(&ldap, &url, "(uid=alice)").expect("found");
        assert!(alice.contains("displayName: Alice Liddell\n"), "{alice}");
        for group in ["Engineers", "Staff"] {
            let value = format!("memberOf: cn={group},ou=groups,dc=example,dc=test\n");
            assert!(alice.contains(&value), "{alice}");
        }
        let bob = search(&ldap, &url, "(uid=bob)").expect("found");
        assert!(!bob.contains("Engineers"), "{bob}");
    }
    let folder = ldap.folder().to_owned();
    drop(ldap);
    assert!(!folder.exists());
}

#[test]
fn nobody_else_may_read() {
    let ldap = TestLdap::start().expect("a server");
    let output = run(Command::new("ldapsearch").env("LDAPNOINIT", "1").args([
        "-x",
        "-LLL",
        "-H",
        &ldap.url(),
        "-b",
        ldap.base(),
    ]));
    output.expect_err("no such object");
}

#[test]
fn entries_are_added_and_changed() {
    let ldap = TestLdap::start().expect("a server");
    let dn = ldap.add_person("a,b=c *é", "Odd Name").expect("added");
    ldap.add_group("Odd, ones", ["a,b=c *é", "bob"])
        .expect("added");
    let entry = search(&ldap, &ldap.url(), "(cn=Odd Name)").expect("found");
    assert!(entry.contains("memberOf: cn=Odd\\2C ones,"), "{entry}");
    ldap.ldif(&format!("{}changetype: delete\n", attribute("dn", dn)))
        .expect("deleted");
    let entry = search(&ldap, &ldap.url(), "(cn=Odd Name)").expect("searched");
    assert_eq!(entry, "");
    ldap.add_person("alice", "Another").expect_err("she exists");
}

#[test]
fn it_stops_starts_freezes_and_thaws() {
    let mut ldap = TestLdap::start().expect("a server");
    let url = ldap.url();
    ldap.stop();
    search(&ldap, &url, "(uid=alice)").expect_err("stopped");
    ldap.freeze().expect_err("stopped");
    ldap.restart().expect("started");
    assert_eq!(ldap.url(), url);
    search(&ldap, &url, "(uid=alice)").expect("found");

    ldap.freeze().expect("frozen");
    let began = Instant::now();
    let thaws = std::thread::scope(|scope| {
        let search = scope.spawn(|| search(&ldap, &url, "(uid=alice)"));
        std::thread::sleep(Duration::from_millis(300));
        ldap.thaw().expect("thawed");
        search.join().expect("joined")
    });
    thaws.expect("found");
    assert!(began.elapsed() >= Duration::from_millis(300));

    ldap.freeze().expect("frozen");
    let folder = ldap.folder().to_owned();
    drop(ldap);
    assert!(!folder.exists());
}

#[test]
fn several_servers_run_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let ldap = TestLdap::start().expect("a server");
                search(&ldap, &ldap.tls_url(), "(uid=bob)").expect("found");
            });
        }
    });
}

#[cfg(feature = "ldap")]
#[test]
fn rustls_takes_the_certificate_for_all_its_names() {
    use std::sync::Arc;

    use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    let ldap = TestLdap::start().expect("a server");
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(ldap.ca_file()).expect("PEM");
    roots.add(ca).expect("a CA");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let handshake = |name: &'static str| {
        let name = ServerName::try_from(name).expect("a name");
        let mut tls = ClientConnection::new(config.clone(), name).expect("a client");
        let tcp = std::net::TcpStream::connect(ldap.tls.as_ref().expect("TLS").address());
        let mut tcp = tcp.expect("connected");
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp)?;
        }
        std::io::Result::Ok(())
    };
    handshake("localhost").expect("its name");
    handshake("127.0.0.1").expect("its address");
    handshake("elsewhere.test").expect_err("another name");
}

/// Whom the server takes this client for.
fn who_am_i(ldap: &TestLdap, url: &str, arguments: &[&str]) -> io::Result<String> {
    let (certificate, key) = ldap.client_certificate();
    let output = run(Command::new("ldapwhoami")
        .env("LDAPCONF", "/dev/null")
        .env("LDAPTLS_CACERT", ldap.ca_file())
        .env("LDAPTLS_CERT", certificate)
        .env("LDAPTLS_KEY", key)
        .args(["-Q", "-N", "-Y", "EXTERNAL", "-H", url])
        .args(arguments))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn who_runs_the_test_and_who_has_the_certificate_is_the_service_account() {
    let ldap = TestLdap::start().expect("a server");
    let service = format!("dn:{}\n", ldap.service_dn());
    for (url, arguments) in [
        (ldap.ldapi_url(), &[][..]),
        (ldap.tls_url(), &[]),
        (ldap.url(), &["-ZZ"]),
    ] {
        let answer = who_am_i(&ldap, &url, arguments).expect(&url);
        assert_eq!(answer, service, "{url}");
    }
    who_am_i(&ldap, &ldap.url(), &[]).expect_err("no certificate without TLS");
}

#[test]
fn a_server_without_tls_refuses_start_tls() {
    let ldap = TestLdap::builder().without_tls().start().expect("a server");
    let refused = who_am_i(&ldap, &ldap.url(), &["-ZZ"]).expect_err("refused");
    assert!(refused.to_string().contains("ldap_start_tls"), "{refused}");
    search(&ldap, &ldap.url(), "(uid=alice)").expect("found");
}

#[test]
fn a_realm_gets_a_service_and_an_account() {
    let realm = crate::testing::TestRealm::start().expect("a KDC");
    let builder = TestLdap::builder().realm(&realm).expect("a service");
    let ldap = builder.start().expect("a server");
    let keytab = ldap.service_keytab().expect("a keytab");
    assert!(keytab.exists());
    let arguments = ["-x", "-LLL", "-H", &ldap.url(), "-b", "", "-s", "base"];
    let output = run(Command::new("ldapsearch")
        .env("LDAPNOINIT", "1")
        .args(arguments)
        .arg("supportedSASLMechanisms"))
    .expect("an answer");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("GSSAPI"), "{text}");
}

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;
use crate::testing::BareAcceptor;

/// A domain, or none where none can start.
fn start(test: &str) -> Option<TestActiveDirectory> {
    let can_run = active_directory_or_skip(test);
    can_run.then(|| TestActiveDirectory::start().expect("a domain"))
}

fn klist(cache: &TicketCache) -> String {
    let output = run(&mut cache.command("klist")).expect("klist");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The client's name, as the ticket has it.
fn name_in(cache: &TicketCache) -> String {
    let tickets = klist(cache);
    let name = tickets
        .lines()
        .find_map(|line| line.strip_prefix("Default principal: "));
    name.expect("a principal").to_owned()
}

/// Whether a service with the domain's keytab lets the client in.
fn is_accepted(ad: &TestActiveDirectory, client: &TicketCache) -> bool {
    let token = client.token("HTTP/localhost").expect("a token");
    let acceptor = BareAcceptor::new(&ad.keytab(), "localhost", ad.folder());
    acceptor.expect("an acceptor").accept(&token)
}

#[test]
fn a_domain_starts_gives_tickets_that_a_service_accepts_and_goes_away() {
    let test = "a_domain_starts_gives_tickets_that_a_service_accepts_and_goes_away";
    if !active_directory_or_skip(test) {
        return;
    }
    let began = Instant::now();
    provision::image().expect("provisioned");
    eprintln!("provisioned, or waited for it, in {:?}", began.elapsed());
    let began = Instant::now();
    let ad = TestActiveDirectory::start().expect("a domain");
    eprintln!("unpacked and started in {:?}", began.elapsed());

    let began = Instant::now();
    let alice = ad.ticket_cache("alice").expect("a ticket");
    alice.service_ticket("HTTP/localhost").expect("a ticket");
    eprintln!("tickets in {:?}", began.elapsed());
    assert_eq!(name_in(&alice), "alice@AD.EXAMPLE.TEST");
    assert!(is_accepted(&ad, &alice));

    let folder = ad.folder().to_owned();
    let pid = ad.samba.as_ref().map(Daemon::id).expect("it runs");
    let kdc = ad.address.port(KERBEROS);
    drop(ad);
    assert!(folder.exists(), "the cache still needs it");
    TcpStream::connect(kdc).expect_err("nothing listens");
    let processes = run(Command::new("ps").args(["-eo", "pgid"])).expect("ps");
    let processes = String::from_utf8(processes.stdout).expect("UTF-8");
    let is_ours = |group: &str| group.trim() == pid.to_string();
    assert!(!processes.lines().any(is_ours), "{pid}: {processes}");
    drop(alice);
    assert!(!folder.exists());
}

#[test]
fn two_domains_run_at_once_and_know_nothing_of_each_other() {
    let test = "two_domains_run_at_once_and_know_nothing_of_each_other";
    let Some(one) = start(test) else {
        return;
    };
    let other = TestActiveDirectory::start().expect("a second domain");
    assert_ne!(one.address(), other.address());
    one.add_user("carol", "hers").expect("added");
    one.ticket("carol").password("hers").get().expect("known");
    let error = other.ticket("carol").password("hers").get();
    let error = error.expect_err("unknown").to_string();
    assert!(error.contains("not found in Kerberos database"), "{error}");
    other.add_user("carol", "another").expect("added");
    other.ticket_cache("alice").expect("a ticket");
}

#[test]
fn a_stopped_domain_comes_back_as_it_was() {
    let Some(mut ad) = start("a_stopped_domain_comes_back_as_it_was") else {
        return;
    };
    ad.add_user("carol", "hers").expect("added");
    let carol = ad.ticket("carol").password("hers");
    ad.stop();
    let error = carol.get().expect_err("no KDC").to_string();
    assert!(error.contains("Cannot contact any KDC"), "{error}");
    ad.sid("carol").expect_err("no LDAP server");
    ad.restart().expect("started");
    carol.get().expect("a ticket");
}

#[test]
fn the_kdc_refuses_wrong_passwords_and_disabled_users() {
    let Some(ad) = start("the_kdc_refuses_wrong_passwords_and_disabled_users") else {
        return;
    };
    let refusal = |request: TicketRequest| request.get().expect_err("no ticket").to_string();
    let error = refusal(ad.ticket("bob").password("wrong"));
    assert!(error.contains("Password incorrect"), "{error}");
    ad.ticket_cache("bob").expect("a ticket");
    ad.disable("bob").expect("disabled");
    let error = refusal(ad.ticket("bob"));
    assert!(error.contains("credentials have been revoked"), "{error}");
}

#[test]
fn a_client_chooses_the_name_in_its_ticket() {
    let Some(ad) = start("a_client_chooses_the_name_in_its_ticket") else {
        return;
    };
    ad.add_computer("carol", "its own").expect("added");
    ad.add_user("mallory", "his own").expect("added");
    ad.set_upn("mallory", "root@AD.EXAMPLE.TEST").expect("set");
    let carol = |name| ad.ticket(name).password("its own");
    let mallory = |name| ad.ticket(name).password("his own");
    let cases = [
        (carol("carol$"), "carol$"),
        (carol("carol"), "carol"),
        (carol("carol").canonicalize(), "carol$"),
        (mallory("root"), "root"),
        (mallory("root").canonicalize(), "mallory"),
        (
            mallory("root@AD.EXAMPLE.TEST").enterprise(),
            r"root\@AD.EXAMPLE.TEST",
        ),
        (
            mallory("root@AD.EXAMPLE.TEST").enterprise().canonicalize(),
            "mallory",
        ),
        (ad.ticket("ALICE"), "ALICE"),
        (ad.ticket("ALICE").canonicalize(), "alice"),
        (ad.ticket("alice@EXAMPLE").enterprise(), r"alice\@EXAMPLE"),
        (
            ad.ticket("alice@EXAMPLE").enterprise().canonicalize(),
            "alice",
        ),
    ];
    for (request, name) in cases {
        let client = request.get().expect("a ticket");
        assert_eq!(name_in(&client), format!("{name}@AD.EXAMPLE.TEST"));
        assert!(is_accepted(&ad, &client), "{name}");
    }
}

#[test]
fn a_ticket_can_be_without_a_pac() {
    let Some(ad) = start("a_ticket_can_be_without_a_pac") else {
        return;
    };
    let length = |request: TicketRequest| {
        let cache = request.get().expect("a ticket");
        cache.token("HTTP/localhost").expect("a token").len()
    };
    let with = length(ad.ticket("alice"));
    let without = length(ad.ticket("alice").without_pac());
    assert!(without + 500 < with, "{without}, {with}");
    let bare = ad.ticket("alice").without_pac().get().expect("a ticket");
    assert!(is_accepted(&ad, &bare));
}

#[test]
fn groups_count_through_groups_whatever_their_scope() -> io::Result<()> {
    let Some(ad) = start("groups_count_through_groups_whatever_their_scope") else {
        return Ok(());
    };
    ad.add_group("staff", GroupScope::Global)?;
    ad.add_group("readers", GroupScope::Universal)?;
    ad.add_group("printers", GroupScope::DomainLocal)?;
    ad.add_members("staff", ["alice", "bob"])?;
    ad.add_members("readers", ["staff"])?;
    ad.add_members("printers", ["readers"])?;
    let groups = ad.token_groups("alice")?;
    for group in ["staff", "readers", "printers", "Domain Users"] {
        let sid = ad.sid(group)?;
        assert!(groups.contains(&sid), "{group}: {sid} in {groups:?}");
    }
    let shown = ad.samba_tool(["group", "show", "printers"])?;
    assert!(shown.contains("groupType: -2147483644\n"), "{shown}");

    let alice = ad.sid("alice")?;
    assert!(alice.starts_with("S-1-5-21-"), "{alice}");
    let shown = ad.samba_tool(["user", "show", "alice"])?;
    assert!(shown.contains(&format!("objectSid: {alice}\n")), "{shown}");
    assert!(!groups.contains(&alice));

    ad.ldif(&format!(
        "dn: {}\nchangetype: modify\nreplace: mail\nmail: alice@example.test\n",
        ad.dn("alice")?
    ))?;
    let shown = ad.samba_tool(["user", "show", "alice"])?;
    assert!(shown.contains("mail: alice@example.test\n"), "{shown}");
    let missing = ad.sid("nobody at all").expect_err("no such account");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    Ok(())
}

#[test]
fn a_user_can_be_in_1200_groups() -> io::Result<()> {
    let Some(ad) = start("a_user_can_be_in_1200_groups") else {
        return Ok(());
    };
    let before = ad.token_groups("alice")?.len();
    let began = Instant::now();
    let names = (0..1200).map(|number| format!("group-{number}"));
    ad.add_groups_of("alice", GroupScope::Global, names)?;
    eprintln!("added in {:?}", began.elapsed());
    assert_eq!(ad.token_groups("alice")?.len(), before + 1200);
    let alice = ad.ticket_cache("alice")?;
    assert!(alice.token("HTTP/localhost")?.len() > 10_000);
    assert!(is_accepted(&ad, &alice));
    Ok(())
}

#[test]
fn a_service_of_ones_own_has_a_keytab_of_aes_keys() -> io::Result<()> {
    let Some(ad) = start("a_service_of_ones_own_has_a_keytab_of_aes_keys") else {
        return Ok(());
    };
    let spn = "HTTP/intranet.ad.example.test";
    ad.add_service_account("svc-intranet", [spn])?;
    let keytab = ad.folder().join("intranet.keytab");
    ad.export_keytab(spn, &keytab)?;
    let keys = run(ad.command("klist").arg("-ke").arg(&keytab))?;
    let keys = String::from_utf8(keys.stdout).expect("UTF-8");
    for cipher in ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"] {
        let key = format!("{spn}@AD.EXAMPLE.TEST ({cipher})");
        assert!(keys.contains(&key), "{keys}");
    }
    assert!(!keys.contains("arcfour"), "{keys}");
    let token = ad.ticket_cache("alice")?.token(spn)?;
    let acceptor = BareAcceptor::new(&keytab, "intranet.ad.example.test", ad.folder());
    assert!(acceptor.expect("an acceptor").accept(&token));
    ad.export_keytab("HTTP/nowhere", &keytab)
        .expect_err("no such service");
    ad.add_service_account("other", [spn])
        .expect_err("the SPN is taken");
    Ok(())
}

/// Not a test by itself: the next one runs it in a process of its own.
#[test]
fn dies_with_a_domain() {
    if std::env::var_os("DIE").is_none() {
        return;
    }
    let ad = TestActiveDirectory::start().expect("a domain");
    println!("\nfolder:{}", ad.folder().display());
    println!("kdc:{}", ad.address.port(KERBEROS));
    std::process::abort();
}

#[test]
fn an_aborted_test_leaves_no_domain() {
    if !active_directory_or_skip("an_aborted_test_leaves_no_domain") {
        return;
    }
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "testing::active_directory::tests::dies_with_a_domain",
        ])
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
    let kdc: std::net::SocketAddr = value("kdc:").parse().expect("an address");
    let deadline = Instant::now() + Duration::from_secs(10);
    while folder.exists() || TcpStream::connect(kdc).is_ok() {
        assert!(Instant::now() < deadline, "{output} is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

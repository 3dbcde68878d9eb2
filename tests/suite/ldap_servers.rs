//! Several LDAP servers, and those that DNS names.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::task::{JoinSet, block_in_place};
use tower_spnego::ErrorKind;
use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};
use tower_spnego::testing::{TestDns, TestLdap, TestRealm};

use crate::site::{Answer, SPN, Site, layer, realm, token};

/// Servers that say of alice which of them they are: `Alice of 0`, `Alice of 1`…
fn start<const N: usize>() -> [TestLdap; N] {
    std::array::from_fn(|number| {
        let ldap = TestLdap::start().expect("a server");
        let alice = format!("uid=alice,{}", ldap.people());
        let name = format!("replace: displayName\ndisplayName: Alice of {number}\n");
        let change = format!("dn: {alice}\nchangetype: modify\n{name}");
        ldap.ldif(&change).expect("named");
        ldap
    })
}

/// With the authorities of all.
fn settings(builder: LdapDirectoryBuilder, servers: &[TestLdap]) -> LdapDirectoryBuilder {
    let one = &servers[0];
    let authorities = servers.iter().map(|ldap| fs::read(ldap.ca_file()));
    let authorities: Result<Vec<_>, _> = authorities.collect();
    let file = one.folder().join("authorities.pem");
    fs::write(&file, authorities.expect("read").concat()).expect("written");
    builder
        .ca_file(file)
        .bind_simple(one.service_dn(), one.service_password())
        .search(one.people(), "(uid={user})")
}

/// By their URLs, in this order.
fn named(servers: &[TestLdap]) -> LdapDirectoryBuilder {
    let builder = LdapDirectory::builder(servers[0].tls_url());
    let others = servers[1..].iter().map(TestLdap::tls_url);
    settings(others.fold(builder, LdapDirectoryBuilder::server), servers)
}

/// As the domain `example.test`.
fn of_domain(dns: &TestDns, servers: &[TestLdap]) -> LdapDirectoryBuilder {
    let builder = LdapDirectory::from_dns("example.test").dns_server(dns.address());
    settings(builder, servers)
}

/// Each is a host of the domain, and has the priority of its place; those that are left out keep
/// their names.
fn name_in_dns(dns: &TestDns, servers: &[(&TestLdap, &str)]) {
    let records = servers
        .iter()
        .zip(0..)
        .map(|((ldap, host), priority)| (priority, 0, ldap.tls_port(), *host));
    let named = dns.set_ldap_servers("example.test", records);
    named.expect("named");
    for (_, host) in servers {
        let here = [IpAddr::from(Ipv4Addr::LOCALHOST)];
        dns.set_addresses(host, here).expect("named");
    }
}

fn site(realm: &TestRealm, directory: LdapDirectoryBuilder) -> Site {
    Site::new(layer(realm).directory(directory.build().expect("a directory")))
}

async fn alice(site: &Site, realm: &TestRealm) -> Answer {
    let token = token(realm, "alice");
    site.browser().get_with("/who", &token).await
}

/// The server that answers.
async fn who_answers(site: &Site, realm: &TestRealm) -> usize {
    let answer = alice(site, realm).await;
    let name = answer.body.split(" <").next().and_then(|name| {
        let number = name.strip_prefix("Alice of ")?;
        number.parse().ok()
    });
    name.unwrap_or_else(|| panic!("{answer:?}"))
}

#[track_caller]
fn is_unavailable(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_eq!(answer.kind(), Some(ErrorKind::DirectoryUnavailable));
    answer.error.as_ref().expect("an error").to_string()
}

/// On a machine under load.
const WHILE_NOBODY_WAITS: Duration = Duration::from_secs(90);

/// Asks until this server answers, which must be noticed with no restart of ours.
async fn answers_again(site: &Site, realm: &TestRealm, server: usize) {
    let start = Instant::now();
    while who_answers(site, realm).await != server {
        assert!(
            start.elapsed() < WHILE_NOBODY_WAITS,
            "server {server} is not asked"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_server_that_answers_is_asked_and_the_first_again_when_it_is_back() {
    let (realm, mut servers) = (realm(), start::<2>());
    let site = site(&realm, named(&servers));
    assert_eq!(who_answers(&site, &realm).await, 0);
    servers[0].stop();
    for _ in 0..3 {
        assert_eq!(who_answers(&site, &realm).await, 1);
    }
    block_in_place(|| servers[0].restart()).expect("started");
    answers_again(&site, &realm, 0).await;
    servers[1].stop();
    assert_eq!(who_answers(&site, &realm).await, 0);
}

#[tokio::test]
async fn a_frozen_server_fails_over_inside_the_time_budget() {
    let (realm, servers) = (realm(), start::<2>());
    let budget = Duration::from_secs(8);
    let site = site(&realm, named(&servers).timeout(budget));
    // In the first round the search hangs, in the second the TLS handshake.
    for connected in [true, false] {
        let site = match connected {
            true => {
                assert_eq!(who_answers(&site, &realm).await, 0);
                site.clone()
            }
            false => self::site(&realm, named(&servers).timeout(budget)),
        };
        servers[0].freeze().expect("frozen");
        let start = Instant::now();
        assert_eq!(who_answers(&site, &realm).await, 1);
        assert!(start.elapsed() < budget, "{:?}", start.elapsed());
        // Nobody else waits for it.
        let start = Instant::now();
        assert_eq!(who_answers(&site, &realm).await, 1);
        assert!(start.elapsed() < budget / 3, "{:?}", start.elapsed());
        servers[0].thaw().expect("thawed");
    }
}

#[tokio::test]
async fn while_all_are_down_each_is_named_and_the_first_that_is_back_answers() {
    let (realm, mut servers) = (realm(), start::<2>());
    let site = site(&realm, named(&servers));
    for server in &mut servers {
        server.stop();
    }
    for _ in 0..2 {
        let error = is_unavailable(&alice(&site, &realm).await);
        for server in &servers {
            let url = server.tls_url();
            assert!(
                error.contains(&format!("no connection to {url}")),
                "{error}"
            );
        }
    }
    servers[1].restart().expect("started");
    assert_eq!(who_answers(&site, &realm).await, 1);
}

#[tokio::test]
async fn in_random_order_the_servers_share_the_sign_ins() {
    let (realm, servers) = (realm(), start::<2>());
    let site = site(&realm, named(&servers).servers_in_random_order());
    let mut answers = [0; 2];
    while answers.contains(&0) {
        answers[who_answers(&site, &realm).await] += 1;
        assert!(answers.iter().sum::<i32>() < 64, "{answers:?}");
    }
}

const BUDGET: Duration = Duration::from_secs(5);

/// For the rest of a sign-in, on a machine under load.
const MARGIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_killed_frozen_and_swapped_let_nobody_in_wrongly_and_nobody_wait() {
    let (realm, mut servers) = (realm(), start::<3>());
    let site = site(&realm, named(&servers).timeout(BUDGET));
    let people = ["alice", "bob"];
    let caches = people.map(|name| realm.ticket_cache(name).expect("a ticket"));
    let mut sign_ins = JoinSet::new();
    // Half a second of each: all are well, and then what becomes of them.
    const EACH: usize = 56;
    type Change = fn(&mut [TestLdap; 3]);
    let changes: [(&str, Change); 9] = [
        ("nothing", |_| {}),
        ("one is killed", |servers| servers[0].stop()),
        ("another is frozen", |servers| {
            servers[1].freeze().expect("frozen");
        }),
        ("the first is back", |servers| {
            servers[0].restart().expect("started");
        }),
        (
            "the frozen one goes on, and the last is killed",
            |servers| {
                servers[1].thaw().expect("thawed");
                servers[2].stop();
            },
        ),
        ("two are swapped", |servers| {
            servers[2].restart().expect("started");
            servers[0].stop();
            servers[1].stop();
        }),
        ("none is left", |servers| servers[2].stop()),
        ("all are back", |servers| {
            for server in servers {
                server.restart().expect("started");
            }
        }),
        ("all are frozen but one", |servers| {
            servers[0].freeze().expect("frozen");
            servers[1].freeze().expect("frozen");
        }),
    ];
    let mut phases = Vec::new();
    for (name, change) in changes {
        // Those under way meet the change, too.
        block_in_place(|| change(&mut servers));
        phases.push((name, Instant::now()));
        for number in 0..EACH {
            let user = number % people.len();
            let token = caches[user].token(SPN).expect("a token");
            let mut browser = site.browser();
            sign_ins.spawn(async move {
                let start = Instant::now();
                let answer = browser.get_with("/", &token).await;
                (people[user], start, start.elapsed(), answer)
            });
            tokio::time::sleep(Duration::from_millis(8)).await;
        }
    }
    let mut unavailable = 0;
    let outcomes = sign_ins.join_all().await;
    assert!(outcomes.len() >= 500);
    for (name, start, time, answer) in outcomes {
        assert!(time < BUDGET + MARGIN, "{time:?}: {answer:?}");
        if answer.status == StatusCode::OK {
            answer.is_hello(name);
            continue;
        }
        is_unavailable(&answer);
        unavailable += 1;
        // Only where there was a time at which no server answered.
        let none_left = phases[6].1..phases[7].1;
        let overlaps = start < none_left.end && start + time >= none_left.start - BUDGET;
        let phase = phases.iter().rfind(|(_, begun)| *begun <= start);
        assert!(overlaps, "{phase:?}, after {time:?}: {answer:?}");
    }
    assert!(unavailable >= EACH / 2, "{unavailable}");
    for server in &servers[..2] {
        server.thaw().expect("thawed");
    }
    answers_again(&site, &realm, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_dns_names_are_asked_by_their_priority() {
    let (realm, mut servers) = (realm(), start::<2>());
    let dns = TestDns::start().expect("a DNS server");
    let names = ["ldap0.example.test", "ldap1.example.test"];
    name_in_dns(&dns, &[(&servers[1], names[1]), (&servers[0], names[0])]);
    let site = site(&realm, of_domain(&dns, &servers));
    assert_eq!(who_answers(&site, &realm).await, 1);
    servers[1].stop();
    assert_eq!(who_answers(&site, &realm).await, 0);
    block_in_place(|| servers[1].restart()).expect("started");
    answers_again(&site, &realm, 1).await;
    // A new list is asked for in time.
    name_in_dns(&dns, &[(&servers[0], names[0])]);
    answers_again(&site, &realm, 0).await;
}

#[tokio::test]
async fn a_list_of_servers_outlives_dns() {
    let (realm, servers) = (realm(), start::<1>());
    let mut dns = TestDns::start().expect("a DNS server");
    name_in_dns(&dns, &[(&servers[0], "ldap0.example.test")]);
    let site = site(&realm, of_domain(&dns, &servers));
    assert_eq!(who_answers(&site, &realm).await, 0);
    dns.stop();
    // Past the time to live of the records, and past the shortest time that a list holds.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(7) {
        assert_eq!(who_answers(&site, &realm).await, 0);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
async fn while_dns_was_never_there_nobody_gets_in_and_it_is_found_when_it_is() {
    let (realm, servers) = (realm(), start::<1>());
    let mut dns = TestDns::start().expect("a DNS server");
    name_in_dns(&dns, &[(&servers[0], "ldap0.example.test")]);
    dns.stop();
    let site = site(&realm, of_domain(&dns, &servers));
    let error = is_unavailable(&alice(&site, &realm).await);
    assert!(error.contains("_ldap._tcp.example.test"), "{error}");
    dns.restart().expect("started");
    assert_eq!(who_answers(&site, &realm).await, 0);
}

#[tokio::test]
async fn a_server_outside_of_the_domain_is_not_asked_whatever_dns_says() {
    let (realm, servers) = (realm(), start::<1>());
    let dns = TestDns::start().expect("a DNS server");
    // With a certificate that is in order.
    name_in_dns(&dns, &[(&servers[0], "localhost")]);
    let site = site(&realm, of_domain(&dns, &servers));
    let error = is_unavailable(&alice(&site, &realm).await);
    assert!(error.contains("are none in it: localhost"), "{error}");
}

#[tokio::test]
async fn a_server_without_a_certificate_for_the_name_in_dns_is_not_asked() {
    let (realm, servers) = (realm(), start::<1>());
    let dns = TestDns::start().expect("a DNS server");
    for host in ["example.test", "ldap0.elsewhere.example.test"] {
        // The certificate has *.example.test.
        name_in_dns(&dns, &[(&servers[0], host)]);
        let site = site(&realm, of_domain(&dns, &servers));
        let error = is_unavailable(&alice(&site, &realm).await);
        assert!(error.contains("its certificate is not trusted"), "{error}");
    }
}

#[tokio::test]
async fn a_port_of_ldap_without_tls_is_spoken_to_by_start_tls_or_not_at_all() {
    let (realm, servers) = (realm(), start::<1>());
    let dns = TestDns::start().expect("a DNS server");
    let plain = servers[0].url().rsplit(':').next().expect("a port").parse();
    let plain = plain.expect("a number");
    for host in ["ldap0.example.test", "example.test"] {
        name_in_dns(&dns, &[(&servers[0], host)]);
        let named = dns.set_ldap_servers("example.test", [(0, 0, plain, host)]);
        named.expect("named");
        let from_the_start = site(&realm, of_domain(&dns, &servers));
        is_unavailable(&alice(&from_the_start, &realm).await);
        let by_start_tls = site(&realm, of_domain(&dns, &servers).start_tls());
        if host == "ldap0.example.test" {
            assert_eq!(who_answers(&by_start_tls, &realm).await, 0);
            continue;
        }
        let error = is_unavailable(&alice(&by_start_tls, &realm).await);
        assert!(error.contains("its certificate is not trusted"), "{error}");
    }
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_said_to_be_so() {
    let (realm, servers) = (realm(), start::<1>());
    let unknown = LdapDirectory::builder("ldaps://ldap.exmaple.invalid");
    let answer = alice(&site(&realm, settings(unknown, &servers)), &realm).await;
    let error = is_unavailable(&answer);
    assert!(error.contains("ldaps://ldap.exmaple.invalid"), "{error}");
    assert!(
        error.contains("the host of the URL is not found"),
        "{error}"
    );
    assert!(!error.contains("firewall"), "{error}");
}

//! Lists of servers from a real DNS server.

use super::*;
use crate::directory::ldap::connection::addresses::Names;
use crate::testing::TestDns;

const DOMAIN: &str = "corp.example.test";
const BUDGET: Duration = Duration::from_secs(8);

fn srv(dns: &TestDns) -> Arc<Srv> {
    let dns = Dns {
        server: Some(dns.address()),
    };
    let endpoint = Endpoint {
        address: Address::parse("ldaps://corp.example.test").unwrap(),
        tls: None,
        names: Names::Dns(dns),
        bind: None,
        refused_secret: Arc::default(),
        connection_age: Duration::from_secs(3600),
    };
    Arc::new(Srv::new(DOMAIN.to_owned(), dns, endpoint))
}

async fn urls(srv: &Arc<Srv>) -> Result<Vec<String>, String> {
    let servers = srv.draw(Instant::now() + BUDGET).await;
    let servers = servers.map_err(|error| error.to_string())?;
    Ok(servers
        .iter()
        .map(|server| server.url().to_owned())
        .collect())
}

/// As if so much time had passed.
fn grow_old(srv: &Srv, age: Duration) {
    let mut known = srv.known();
    known.again = None;
    let list = known.list.as_mut().expect("a list");
    list.came = Instant::now() - age;
}

#[tokio::test]
async fn servers_are_tried_by_their_priority() {
    let dns = TestDns::start().unwrap();
    let records = [
        (20, 0, 389, "dc3.corp.example.test"),
        (0, 100, 389, "DC1.corp.example.test"),
        (10, 0, 1636, "dc2.corp.example.test"),
        (0, 100, 389, "dc.elsewhere.test"),
    ];
    dns.set_ldap_servers(DOMAIN, records).unwrap();
    let expected = [
        "ldaps://dc1.corp.example.test:636",
        "ldaps://dc2.corp.example.test:1636",
        "ldaps://dc3.corp.example.test:636",
    ];
    assert_eq!(urls(&srv(&dns)).await.unwrap(), expected);
}

#[tokio::test]
async fn without_a_server_to_believe_in_the_reason_is_told() {
    let mut dns = TestDns::start().unwrap();
    let reason = async |dns: &TestDns| urls(&srv(dns)).await.unwrap_err();
    let text = reason(&dns).await;
    assert!(
        text.contains("DNS names no servers for _ldap._tcp.corp.example.test"),
        "{text}"
    );

    dns.set_ldap_servers(DOMAIN, [(0, 0, 389, "dc.elsewhere.test")])
        .unwrap();
    let text = reason(&dns).await;
    assert!(text.contains("are none in it: dc.elsewhere.test"), "{text}");

    dns.set_ldap_servers(DOMAIN, [(0, 0, 0, ".")]).unwrap();
    let text = reason(&dns).await;
    assert!(text.contains("has no LDAP server, says DNS"), "{text}");

    dns.stop();
    let started = Instant::now();
    let text = reason(&dns).await;
    assert!(text.contains("DNS"), "{text}");
    assert!(started.elapsed() < BUDGET);
}

#[tokio::test]
async fn while_dns_is_down_the_old_list_serves_for_a_day() {
    let mut dns = TestDns::start().unwrap();
    let server = (0, 0, 389, "dc1.corp.example.test");
    dns.set_ldap_servers(DOMAIN, [server]).unwrap();
    let srv = srv(&dns);
    let list = urls(&srv).await.unwrap();
    dns.stop();
    grow_old(&srv, LAST_RESORT - Duration::from_secs(60));
    assert_eq!(urls(&srv).await.unwrap(), list);
    assert!(srv.known().failures > 0, "DNS was asked");
    let started = Instant::now();
    assert_eq!(urls(&srv).await.unwrap(), list);
    assert!(started.elapsed() < BUDGET / 4, "and is not, each time");
    grow_old(&srv, LAST_RESORT + Duration::from_secs(60));
    urls(&srv).await.unwrap_err();
    dns.restart().unwrap();
    assert_eq!(urls(&srv).await.unwrap(), list);
}

#[tokio::test]
async fn a_list_whose_time_has_come_is_asked_for_anew_and_servers_that_stay_are_kept() {
    let dns = TestDns::start().unwrap();
    let (one, two) = (
        (0, 0, 389, "dc1.corp.example.test"),
        (1, 0, 389, "dc2.corp.example.test"),
    );
    dns.set_ldap_servers(DOMAIN, [one]).unwrap();
    let srv = srv(&dns);
    let deadline = || Instant::now() + BUDGET;
    let before = srv.draw(deadline()).await.unwrap();
    dns.set_ldap_servers(DOMAIN, [two, one]).unwrap();
    assert_eq!(srv.draw(deadline()).await.unwrap().len(), 1, "not yet");

    grow_old(&srv, SHORTEST);
    let after = srv.draw(deadline()).await.unwrap();
    assert_eq!(after.len(), 2);
    assert!(Arc::ptr_eq(&before[0], &after[0]));

    // A little before that, it is asked for while nobody waits.
    dns.set_ldap_servers(DOMAIN, [two]).unwrap();
    grow_old(&srv, SHORTEST * 7 / 8);
    let started = Instant::now();
    while srv.draw(deadline()).await.unwrap().len() != 1 {
        assert!(started.elapsed() < 4 * BUDGET);
        grow_old(&srv, SHORTEST * 7 / 8);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_domain_that_says_it_has_no_server_any_more_has_none() {
    let dns = TestDns::start().unwrap();
    let server = (0, 0, 389, "dc1.corp.example.test");
    dns.set_ldap_servers(DOMAIN, [server]).unwrap();
    let srv = srv(&dns);
    urls(&srv).await.unwrap();
    dns.set_ldap_servers(DOMAIN, [(0, 0, 0, ".")]).unwrap();
    grow_old(&srv, SHORTEST);
    let text = urls(&srv).await.unwrap_err();
    assert!(text.contains("has no LDAP server, says DNS"), "{text}");
}

#[tokio::test]
async fn a_burst_of_sign_ins_asks_once() {
    let dns = TestDns::start().unwrap();
    let server = (0, 0, 389, "dc1.corp.example.test");
    dns.set_ldap_servers(DOMAIN, [server]).unwrap();
    let srv = srv(&dns);
    let draws = futures_util::future::join_all((0..50).map(|_| urls(&srv))).await;
    assert!(draws.iter().all(Result::is_ok));
    let asked = srv.known().asked;
    urls(&srv).await.unwrap();
    assert_eq!(srv.known().asked, asked);
}

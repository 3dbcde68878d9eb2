//! Servers that fail in ways that a real one can't be made to; real ones are in `tests/suite`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ldap3::Scope;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::directory::ldap::bind::Bind;
use crate::directory::ldap::connection::addresses::Names;
use crate::directory::ldap::server::Address;
use crate::error::ErrorKind;

/// What a server does with a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    /// Finds nobody.
    Works,
    /// Takes the connection, and says nothing.
    Hangs,
    /// Ends the connection at the first request.
    HangsUp,
    RefusesBind(u8),
    RefusesSearch(u8),
    IsNoLdap,
}

use Mood::*;

struct FakeServer {
    port: u16,
    mood: Arc<Mutex<Mood>>,
    /// Connections, and with them binds.
    accepted: Arc<AtomicUsize>,
}

impl FakeServer {
    async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            mood: Arc::new(Mutex::new(mood)),
            accepted: Arc::default(),
        };
        let (mood, accepted) = (server.mood.clone(), server.accepted.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                let mood = mood.clone();
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.unwrap_or(0) > 0 {
                        // The head of an LDAPMessage with a short length.
                        let (id, is_bind) = (request[4], request[5] == 0x60);
                        let mood = *mood.lock().unwrap();
                        let code = match mood {
                            Hangs => continue,
                            HangsUp => return,
                            IsNoLdap => {
                                stream.write_all(b"HTTP/1.1 400\r\n\r\n").await.unwrap();
                                return;
                            }
                            RefusesBind(code) if is_bind => code,
                            RefusesSearch(code) if !is_bind => code,
                            _ => 0,
                        };
                        let operation = if is_bind { 0x61 } else { 0x65 };
                        let answer = [48, 12, 2, 1, id, operation, 7, 10, 1, code, 4, 0, 4, 0];
                        stream.write_all(&answer).await.unwrap();
                    }
                });
            }
        });
        server
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Long, for machines under load.
const BUDGET: Duration = Duration::from_secs(8);

fn servers(fakes: &[&FakeServer], in_random_order: bool) -> Servers {
    let refused_secret = Arc::default();
    let endpoint = |fake: &&FakeServer| Endpoint {
        address: Address::parse(&format!("ldap://127.0.0.1:{}", fake.port)).unwrap(),
        tls: None,
        names: Names::System,
        bind: Some(Bind::Simple {
            name: "cn=web".into(),
            password: "s3cret".into(),
        }),
        refused_secret: Arc::clone(&refused_secret),
        connection_age: Duration::from_secs(3600),
    };
    let list = List::named(fakes.iter().map(endpoint).collect(), in_random_order);
    Servers::new(list, BUDGET, None)
}

/// One question to the directory: the result code, or the error's kind and text.
async fn ask(servers: &Servers) -> Result<u32, (ErrorKind, String)> {
    let query = Query {
        base: "",
        scope: Scope::Base,
        filter: "(a=b)",
        attributes: &[],
        limit: 1,
    };
    let deadline = Instant::now() + BUDGET;
    let order = Order::new();
    let answer = servers.search(&order, &query, deadline);
    let answer = timeout(2 * BUDGET, answer).await.expect("in time");
    answer
        .map(|answer| answer.code)
        .map_err(|error| (error.kind(), error.to_string()))
}

#[tokio::test]
async fn the_next_server_is_asked_where_one_fails() {
    for mood in [
        Hangs,
        HangsUp,
        IsNoLdap,
        RefusesBind(51),
        RefusesBind(52),
        RefusesSearch(51),
        RefusesSearch(52),
        RefusesSearch(80),
    ] {
        let bad = FakeServer::start(mood).await;
        let good = FakeServer::start(Works).await;
        let servers = servers(&[&bad, &good], false);
        let started = Instant::now();
        assert_eq!(ask(&servers).await, Ok(0), "{mood:?}");
        assert!(started.elapsed() < BUDGET, "{mood:?}");
        // From now on it is passed over.
        let (tried, started) = (bad.accepted(), Instant::now());
        for _ in 0..3 {
            assert_eq!(ask(&servers).await, Ok(0), "{mood:?}");
        }
        assert!(started.elapsed() < BUDGET / 2, "{mood:?}");
        assert!(bad.accepted() <= tried + 1, "{mood:?}: at most a trial");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_failure_of_the_server_is_the_answer() {
    for mood in [
        RefusesSearch(32),
        RefusesSearch(50),
        RefusesBind(49),
        RefusesBind(53),
    ] {
        let first = FakeServer::start(mood).await;
        let second = FakeServer::start(Works).await;
        let servers = servers(&[&first, &second], false);
        let answer = ask(&servers).await;
        match mood {
            RefusesSearch(code) => assert_eq!(answer, Ok(code.into())),
            _ => assert_eq!(answer.unwrap_err().0, ErrorKind::DirectoryMisconfigured),
        }
        assert_eq!(second.accepted(), 0, "{mood:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_whatever_the_number_of_sign_ins_and_servers() {
    let first = FakeServer::start(RefusesBind(49)).await;
    let second = FakeServer::start(RefusesBind(49)).await;
    let in_order = servers(&[&first, &second], false);
    for _ in 0..5 {
        let answers = futures_util::future::join_all((0..20).map(|_| ask(&in_order))).await;
        for answer in answers {
            let (kind, text) = answer.unwrap_err();
            assert_eq!(kind, ErrorKind::DirectoryMisconfigured, "{text}");
            assert!(text.contains(".bind_simple(..)"), "{text}");
        }
    }
    assert_eq!((first.accepted(), second.accepted()), (1, 0));

    let at_random = servers(&[&first, &second], true);
    for _ in 0..20 {
        assert!(ask(&at_random).await.is_err());
    }
    assert_eq!(first.accepted() + second.accepted(), 2);
}

#[tokio::test]
async fn where_none_answers_each_is_named_with_its_reason() {
    let first = FakeServer::start(HangsUp).await;
    let second = FakeServer::start(RefusesSearch(52)).await;
    let servers = servers(&[&first, &second], false);
    for _ in 0..2 {
        let (kind, text) = ask(&servers).await.unwrap_err();
        assert_eq!(kind, ErrorKind::DirectoryUnavailable);
        assert!(text.contains("none of the 2 servers"), "{text}");
        for reason in [
            format!("no connection to ldap://127.0.0.1:{} (", first.port),
            format!("ldap://127.0.0.1:{} can't answer now", second.port),
            "LDAP result 52".to_owned(),
        ] {
            assert!(text.contains(&reason), "{reason}: {text}");
        }
        assert!(!text.contains("s3cret"), "{text}");
    }
    // Though all are passed over, they are asked.
    second.set(Works);
    assert_eq!(ask(&servers).await, Ok(0));
}

#[tokio::test]
async fn a_server_that_is_back_is_asked_again_and_nobody_waits_for_it() {
    let first = FakeServer::start(Hangs).await;
    let second = FakeServer::start(Works).await;
    let servers = servers(&[&first, &second], false);
    assert_eq!(ask(&servers).await, Ok(0));
    first.set(Works);
    // Only the first of them says so.
    second.set(RefusesSearch(32));
    let started = Instant::now();
    loop {
        let asked = Instant::now();
        let answer = ask(&servers).await;
        assert!(asked.elapsed() < BUDGET / 2);
        if answer == Ok(0) {
            break;
        }
        assert_eq!(answer, Ok(32));
        assert!(started.elapsed() < 8 * BUDGET, "it is not asked again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn in_random_order_each_server_has_its_share() {
    let fakes = [
        FakeServer::start(RefusesSearch(32)).await,
        FakeServer::start(RefusesSearch(50)).await,
    ];
    let servers = servers(&[&fakes[0], &fakes[1]], true);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..64 {
        seen.insert(ask(&servers).await);
    }
    assert_eq!(seen, [Ok(32), Ok(50)].into());
    assert_eq!((fakes[0].accepted(), fakes[1].accepted()), (1, 1));
}

//! Servers that misbehave; the well-behaved are tested with a real one.

use std::sync::atomic::{AtomicUsize, Ordering};

use ldap3::Scope;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::Names;
use super::*;
use crate::directory::DirectoryError;
use crate::directory::ldap::server::Address;
use crate::error::ErrorKind;

const BIND_SUCCEEDED: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
const BIND_REFUSED: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00";
/// The result code is a list.
const BIND_GARBLED: &[u8] = b"\x30\x05\x02\x01\x01\x61\x00";
/// The diagnostic message is not UTF-8.
const SEARCH_GARBLED: &[u8] = b"\x30\x0d\x02\x01\x02\x65\x08\x0a\x01\x00\x04\x00\x04\x01\xff";
const SEARCH_FOUND_NOTHING: &[u8] = b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\x00\x04\x00\x04\x00";

/// Answers the requests of each connection with these bytes in turn. After `None` it closes the
/// connection; after the last answer it stays silent.
async fn server(script: &'static [Option<&'static [u8]>]) -> (SharedConnection, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let mut answers = script.iter();
                while stream.read(&mut request).await.unwrap_or(0) > 0 {
                    match answers.next() {
                        Some(Some(answer)) => stream.write_all(answer).await.unwrap(),
                        Some(None) => return,
                        None => {}
                    }
                }
            });
        }
    });
    (connection_to(port), accepted)
}

fn connection_to(port: u16) -> SharedConnection {
    SharedConnection::new(Endpoint {
        address: Address::parse(&format!("ldap://127.0.0.1:{port}")).unwrap(),
        tls: None,
        bind: Some(Bind::Simple {
            name: "cn=web".into(),
            password: "s3cret".into(),
        }),
        names: Names::System,
        refused_secret: Arc::default(),
        connection_age: Duration::from_secs(3600),
    })
}

const PATIENCE: Duration = Duration::from_millis(300);

async fn search(connection: &SharedConnection) -> Result<Answer, DirectoryError> {
    let query = Query {
        base: "dc=example",
        scope: Scope::Subtree,
        filter: "(uid=alice)",
        attributes: &["uid".to_owned()],
        limit: 2,
    };
    let deadline = Instant::now() + PATIENCE;
    let answer = connection.search(&query, deadline, Reconnect::Wait).await;
    let url = connection.endpoint().address.url();
    answer.map_err(|failure| failure.explain(url.as_str()))
}

/// The error's kind and text.
async fn failure(connection: &SharedConnection) -> (ErrorKind, String) {
    let error = search(connection).await.expect_err("no answer");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("s3cret"), "{text}");
    (error.kind(), text)
}

#[tokio::test]
async fn a_server_that_never_answers_is_unavailable_within_the_time_budget() {
    for script in [&[][..], &[Some(BIND_SUCCEEDED)]] {
        let (connection, _) = server(script).await;
        let started = Instant::now();
        let waiters = (0..8).map(|_| failure(&connection));
        for (kind, text) in futures_util::future::join_all(waiters).await {
            assert_eq!(kind, ErrorKind::DirectoryUnavailable);
            assert!(text.contains("no answer from ldap://127.0.0.1"), "{text}");
        }
        assert!(started.elapsed() < Duration::from_millis(1500));
        assert!(connection.kept().is_none());
    }
}

#[tokio::test]
async fn no_server_is_unavailable_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (kind, text) = failure(&connection_to(port)).await;
    assert_eq!(kind, ErrorKind::DirectoryUnavailable);
    assert!(text.contains("is it running"), "{text}");
}

#[tokio::test]
async fn a_refused_bind_is_a_mistake_of_the_set_up() {
    let (connection, _) = server(&[Some(BIND_REFUSED)]).await;
    let (kind, text) = failure(&connection).await;
    assert_eq!(kind, ErrorKind::DirectoryMisconfigured);
    assert!(text.contains("cn=web"), "{text}");
}

#[tokio::test]
async fn a_refused_secret_is_tried_once_however_many_sign_in() {
    let (connection, accepted) = server(&[Some(BIND_REFUSED)]).await;
    let sign_ins = (0..16).map(|_| failure(&connection));
    let failures = futures_util::future::join_all(sign_ins).await;
    for (kind, text) in [failures, vec![failure(&connection).await]].concat() {
        assert_eq!(kind, ErrorKind::DirectoryMisconfigured, "{text}");
        assert!(text.contains("cn=web"), "{text}");
    }
    let (_, text) = failure(&connection).await;
    assert!(text.contains("not tried again for "), "{text}");
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_has_served_long_enough_is_made_anew() {
    let (mut connection, accepted) =
        server(&[Some(BIND_SUCCEEDED), Some(SEARCH_FOUND_NOTHING)]).await;
    connection.endpoint.connection_age = Duration::ZERO;
    for _ in 0..3 {
        search(&connection).await.unwrap();
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn whoever_waited_for_an_attempt_to_connect_has_its_outcome_too() {
    // Each connection is closed after a while.
    let (connection, accepted) = server(&[None]).await;
    let waiters = (0..16).map(|_| failure(&connection));
    for (kind, text) in futures_util::future::join_all(waiters).await {
        assert_eq!(kind, ErrorKind::DirectoryUnavailable, "{text}");
    }
    assert!(accepted.load(Ordering::SeqCst) <= 2, "{accepted:?}");
}

#[tokio::test]
async fn a_server_that_is_down_is_tried_again_after_a_pause_or_left_to_others() {
    let (connection, accepted) = server(&[None]).await;
    for _ in 0..3 {
        failure(&connection).await;
    }
    let tried = accepted.load(Ordering::SeqCst);
    assert_eq!(tried, 3);
    let later = connection.connection(Reconnect::Later).await;
    assert!(later.is_err());
    assert_eq!(accepted.load(Ordering::SeqCst), tried, "not even tried");
    let started = Instant::now();
    assert!(connection.connection(Reconnect::Wait).await.is_err());
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert_eq!(accepted.load(Ordering::SeqCst), tried + 1);
}

#[tokio::test]
async fn what_is_no_ldap_is_unavailable_and_no_panic() {
    for script in [
        &[Some(BIND_GARBLED)][..],
        &[Some(b"HTTP/1.1 400 Bad Request\r\n\r\n")],
        &[Some(BIND_SUCCEEDED), Some(SEARCH_GARBLED)],
        &[Some(BIND_SUCCEEDED), Some(b"\x30\x00")],
    ] {
        let (connection, _) = server(script).await;
        let (kind, _) = failure(&connection).await;
        assert_eq!(kind, ErrorKind::DirectoryUnavailable, "{script:?}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_once() {
    let (connection, accepted) = server(&[Some(BIND_SUCCEEDED), None]).await;
    let (kind, text) = failure(&connection).await;
    assert_eq!(kind, ErrorKind::DirectoryUnavailable);
    assert!(text.contains("closed the connection twice"), "{text}");
    assert_eq!(accepted.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_request_that_gives_up_leaves_nothing_half_made() {
    let (connection, accepted) = server(&[Some(BIND_SUCCEEDED), Some(SEARCH_FOUND_NOTHING)]).await;
    for patience in [0, 50, 200, 1000] {
        let _ = tokio::time::timeout(Duration::from_micros(patience), search(&connection)).await;
    }
    *connection.lock() = None;
    let answer = search(&connection).await.unwrap();
    assert_eq!((answer.entries.len(), answer.code), (0, 0));
    assert!(accepted.load(Ordering::SeqCst) >= 1);
}

#[tokio::test]
async fn a_burst_of_requests_makes_one_connection() {
    let (connection, accepted) = server(&[Some(BIND_SUCCEEDED)]).await;
    futures_util::future::join_all((0..16).map(|_| failure(&connection))).await;
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[test]
fn a_connection_of_a_runtime_that_is_gone_is_made_anew() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let servers = runtime();
    let (connection, accepted) =
        servers.block_on(server(&[Some(BIND_SUCCEEDED), Some(SEARCH_FOUND_NOTHING)]));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || servers.block_on(stopped));
    for _ in 0..2 {
        assert_eq!(
            runtime()
                .block_on(search(&connection))
                .unwrap()
                .entries
                .len(),
            0
        );
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 2);
    drop(stop);
    let _ = serving.join();
}

#[tokio::test]
async fn the_connection_ends_with_the_directory() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut connection = connection_to(listener.local_addr().unwrap().port());
    connection.endpoint.bind = None;
    assert!(search(&connection).await.is_err(), "it never answers");
    drop(connection);
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest))
        .await
        .expect("the socket is closed")
        .unwrap();
}

/// Lists in lists, so many that who reads them by recursion has no stack left.
fn nested(depth: usize) -> &'static [u8] {
    let mut message = Vec::new();
    for level in 0..depth {
        let inner = u32::try_from(5 * (depth - level - 1))
            .unwrap()
            .to_be_bytes();
        message.extend([0x30, 0x83, inner[1], inner[2], inner[3]]);
    }
    message.leak()
}

#[tokio::test]
async fn whoever_is_on_the_way_can_not_stop_the_process_before_tls() {
    const GARBLED: &[u8] = b"\x30\x05\x02\x01\x01\x78\x00";
    for answer in [GARBLED, nested(40_000), nested(400_000)] {
        let (mut connection, _) = server(Box::leak(Box::new([Some(answer)]))).await;
        let address = connection.endpoint.address.clone();
        connection.endpoint.address = address.starting_tls().unwrap();
        let (kind, text) = failure(&connection).await;
        assert_eq!(kind, ErrorKind::DirectoryUnavailable);
        assert!(text.contains("no LDAP"), "{text}");
    }
}

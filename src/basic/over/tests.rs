use std::sync::Mutex;

use http::Request;

use super::*;

fn request(peer: Option<&str>, headers: &[(&'static str, &str)]) -> Parts {
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut parts = request.body(()).unwrap().into_parts().0;
    if let Some(peer) = peer {
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        parts.extensions.insert(SpnegoConnection::new(Some(peer)));
    }
    parts
}

#[test]
fn only_a_listed_proxys_one_word_of_https_counts() {
    const PROTO: &str = FORWARDED_PROTO;
    let over = BasicOver::forwarded_from(["10.0.0.1", "fd00::/8"])
        .check()
        .unwrap();
    for (peer, headers, covered) in [
        (Some("10.0.0.1"), &[(PROTO, "https")][..], true),
        (Some("::ffff:10.0.0.1"), &[(PROTO, "https")], true),
        (Some("fd00::7"), &[(PROTO, "https")], true),
        (Some("10.0.0.2"), &[(PROTO, "https")], false),
        (None, &[(PROTO, "https")], false),
        (Some("10.0.0.1"), &[], false),
        (Some("10.0.0.1"), &[(PROTO, "http")], false),
        (Some("10.0.0.1"), &[(PROTO, "https, http")], false),
        (
            Some("10.0.0.1"),
            &[(PROTO, "https"), (PROTO, "https")],
            false,
        ),
        (Some("10.0.0.1"), &[("forwarded", "proto=https")], false),
    ] {
        let request = request(peer, headers);
        assert_eq!(over.covers(&request), covered, "{peer:?} {headers:?}");
    }
}

#[test]
fn the_client_is_the_last_one_that_is_no_proxy_of_ours() {
    const FOR: &str = FORWARDED_FOR;
    let over = BasicOver::always_tls()
        .behind(["10.0.0.0/24"])
        .check()
        .unwrap();
    for (peer, headers, client) in [
        (
            Some("192.0.2.1"),
            &[(FOR, "192.0.2.9")][..],
            Some("192.0.2.1"),
        ),
        (Some("10.0.0.1"), &[(FOR, "192.0.2.9")], Some("192.0.2.9")),
        (
            Some("10.0.0.1"),
            &[(FOR, "192.0.2.8, 192.0.2.9")],
            Some("192.0.2.9"),
        ),
        (
            Some("10.0.0.1"),
            &[(FOR, "192.0.2.8"), (FOR, "192.0.2.9")],
            Some("192.0.2.9"),
        ),
        (
            Some("10.0.0.1"),
            &[(FOR, "192.0.2.9,10.0.0.2")],
            Some("192.0.2.9"),
        ),
        (
            Some("10.0.0.1"),
            &[(FOR, "192.0.2.9:4711")],
            Some("192.0.2.9"),
        ),
        (
            Some("10.0.0.1"),
            &[(FOR, "[2001:db8::1]:4711")],
            Some("2001:db8::1"),
        ),
        (
            Some("10.0.0.1"),
            &[(FOR, "192.0.2.9, unknown")],
            Some("10.0.0.1"),
        ),
        (
            Some("10.0.0.1"),
            &[(FOR, "\u{ff}, 192.0.2.9")],
            Some("192.0.2.9"),
        ),
        (Some("10.0.0.1"), &[(FOR, "")], Some("10.0.0.1")),
        (Some("10.0.0.1"), &[], Some("10.0.0.1")),
        (None, &[(FOR, "192.0.2.9")], None),
    ] {
        let found = over.client(&request(peer, headers));
        let expected = client.map(|client| client.parse().unwrap());
        assert_eq!(found, expected, "{peer:?} {headers:?}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is logged meanwhile.
fn logged(act: impl FnOnce()) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, act);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn a_proxy_that_is_not_listed_is_told_of_once() {
    let over = BasicOver::always_tls().behind(["10.0.0.1"]);
    let over = over.check().unwrap();
    let forwarded = &[(FORWARDED_FOR, "192.0.2.9")];
    let said = logged(|| {
        over.client(&request(Some("10.0.0.1"), forwarded));
        over.client(&request(Some("10.0.0.2"), &[]));
    });
    assert_eq!(said, "");
    let said = logged(|| {
        for peer in ["10.0.0.2", "10.0.0.2", "10.0.0.3"] {
            over.client(&request(Some(peer), forwarded));
        }
    });
    let warning = "10.0.0.2 sends X-Forwarded-For and is no listed proxy";
    assert!(said.contains(warning), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_proxy_that_is_not_listed_and_says_https_is_told_of_once() {
    let over = BasicOver::forwarded_from(["10.0.0.1"]).check().unwrap();
    let https = &[(FORWARDED_PROTO, "https")];
    let said = logged(|| {
        over.covers(&request(Some("10.0.0.1"), https));
        over.covers(&request(Some("10.0.0.2"), &[]));
    });
    assert_eq!(said, "");
    let said = logged(|| {
        for peer in ["10.0.0.2", "10.0.0.2", "10.0.0.3"] {
            assert!(!over.covers(&request(Some(peer), https)));
        }
    });
    let warning = "10.0.0.2 sends X-Forwarded-Proto: https and is no listed proxy";
    assert!(said.contains(warning), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn forwarded_requests_want_a_proxy() {
    let none: [&str; 0] = [];
    let refused = BasicOver::forwarded_from(none).check();
    assert!(matches!(refused, Err(ConfigError::NoProxy)));
}

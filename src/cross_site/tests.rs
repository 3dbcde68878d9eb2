use super::*;

type Headers = [(&'static str, &'static str)];

fn check(guard: &CrossSite, method: &str, uri: &str, headers: &Headers) -> bool {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    match guard.check(&parts) {
        Ok(()) => true,
        Err(kind) => {
            assert_eq!(kind, ErrorKind::CrossSite);
            false
        }
    }
}

fn post(headers: &Headers) -> bool {
    let headers = [headers, &[("host", "app.corp")]].concat();
    check(&CrossSite::default(), "POST", "/", &headers)
}

const FROM_ELSEWHERE: &Headers = &[
    ("host", "app.corp"),
    ("origin", "https://evil.test"),
    ("sec-fetch-site", "cross-site"),
];

#[test]
fn only_methods_that_change_nothing_pass_unseen() {
    for (method, passes) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("TRACE", false),
        ("POST", false),
        ("PUT", false),
        ("PATCH", false),
        ("DELETE", false),
        ("CONNECT", false),
        ("get", false),
        ("FROBNICATE", false),
    ] {
        let uri = if method == "CONNECT" {
            "app.corp:443"
        } else {
            "/"
        };
        let guard = CrossSite::default();
        assert_eq!(
            check(&guard, method, uri, FROM_ELSEWHERE),
            passes,
            "{method}"
        );
    }
}

#[test]
fn a_websocket_upgrade_is_judged_though_it_is_a_get() {
    for (upgrade, passes) in [
        ("websocket", false),
        ("WebSocket", false),
        ("h2c, websocket", false),
        ("h2c ,\tWEBSOCKET , x", false),
        ("websocket/13", false),
        ("h2c", true),
        ("notwebsocket", true),
    ] {
        for method in ["GET", "OPTIONS"] {
            let headers = [FROM_ELSEWHERE, &[("upgrade", upgrade)]].concat();
            let passed = check(&CrossSite::default(), method, "/", &headers);
            assert_eq!(passed, passes, "{method} {upgrade}");
        }
    }
    let two = [
        FROM_ELSEWHERE,
        &[("upgrade", "h2c"), ("upgrade", "websocket")],
    ]
    .concat();
    assert!(!check(&CrossSite::default(), "GET", "/", &two));
}

#[test]
fn without_sec_fetch_site_the_origin_decides_on_a_websocket() {
    for (origin, passes) in [
        (Some("http://app.corp"), true),
        (Some("http://evil.test"), false),
        (Some("null"), false),
        (None, true),
    ] {
        let mut headers = vec![("host", "app.corp"), ("upgrade", "websocket")];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let passed = check(&CrossSite::default(), "GET", "/", &headers);
        assert_eq!(passed, passes, "{origin:?}");
    }
}

#[test]
fn sec_fetch_site_is_believed_before_the_origin() {
    for (site, passes) in [
        ("same-origin", true),
        ("none", true),
        ("same-site", false),
        ("cross-site", false),
        ("Same-Origin", false),
        ("same-origin, none", false),
        ("", false),
    ] {
        for origin in ["https://app.corp", "https://evil.test", "null"] {
            let passed = post(&[("sec-fetch-site", site), ("origin", origin)]);
            assert_eq!(passed, passes, "{site:?} {origin}");
        }
        assert_eq!(post(&[("sec-fetch-site", site)]), passes, "{site:?}");
    }
}

#[test]
fn a_client_that_is_no_browser_passes() {
    assert!(post(&[]));
}

#[test]
fn an_origin_passes_if_it_is_the_requests_own_host() {
    for (uri, host, origin, passes) in [
        ("/", "app.corp", "https://app.corp", true),
        ("/", "app.corp", "http://app.corp", true),
        ("/", "APP.corp", "https://app.CORP", true),
        ("/", "app.corp:443", "https://app.corp", true),
        ("/", "app.corp:80", "http://app.corp", true),
        ("/", "app.corp", "https://app.corp:443", true),
        ("/", "app.corp:80", "https://app.corp", false),
        ("/", "app.corp:443", "http://app.corp", false),
        ("/", "app.corp:8443", "https://app.corp:8443", true),
        ("/", "app.corp", "https://app.corp:8443", false),
        ("/", "app.corp:8443", "https://app.corp", false),
        ("/", "app.corp:8443", "https://app.corp:8444", false),
        ("/", "[::1]:8080", "http://[::1]:8080", true),
        ("/", "[::1]", "http://[::1]", true),
        ("/", "[::1]", "http://[::2]", false),
        ("/", "app.corp", "https://app.corp.evil.test", false),
        ("/", "app.corp", "https://evil.test", false),
        ("/", "app.corp", "https://app.corp.", false),
        ("/", "app.corp", "https://app.corp/", false),
        ("/", "app.corp", "https://app.corp@evil.test", false),
        ("/", "app.corp", "https://app.corp evil.test", false),
        ("/", "app.corp", "https://app.corp:", false),
        ("/", "app.corp", "https://app.corp:+443", false),
        ("/", "app.corp", "https://app.corp:99999", false),
        ("/", "app.corp", "HTTPS://app.corp", false),
        ("/", "app.corp", "ftp://app.corp", false),
        ("/", "app.corp", "chrome-extension://app.corp", false),
        ("/", "app.corp", "app.corp", false),
        ("/", "app.corp", "//app.corp", false),
        ("/", "app.corp", "https://", false),
        ("/", "", "https://", false),
        ("/", "null", "null", false),
        ("/", "app.corp", "", false),
        ("/", "[", "https://[", false),
        ("/", "[app.corp]", "https://[app.corp]", false),
        ("https://app.corp/x", "evil.test", "https://app.corp", true),
        (
            "https://app.corp/x",
            "evil.test",
            "https://evil.test",
            false,
        ),
    ] {
        let headers = [("host", host), ("origin", origin)];
        let passed = check(&CrossSite::default(), "POST", uri, &headers);
        assert_eq!(passed, passes, "{uri} {host} {origin}");
    }
}

#[test]
fn with_no_host_no_origin_is_its_own() {
    let headers = [("origin", "https://app.corp")];
    assert!(!check(&CrossSite::default(), "POST", "/", &headers));
}

#[test]
fn what_is_not_text_is_no_own_origin() {
    let request = http::Request::post("/")
        .header("host", HeaderValue::from_bytes(b"app\xff").unwrap())
        .header(
            "origin",
            HeaderValue::from_bytes(b"https://app\xff").unwrap(),
        );
    let (parts, ()) = request.body(()).unwrap().into_parts();
    assert_eq!(
        CrossSite::default().check(&parts),
        Err(ErrorKind::CrossSite)
    );
}

#[test]
fn headers_that_no_browser_sends_twice_are_refused() {
    for headers in [
        [
            ("origin", "https://app.corp"),
            ("origin", "https://app.corp"),
        ],
        [("sec-fetch-site", "none"), ("sec-fetch-site", "none")],
        [("host", "app.corp"), ("origin", "https://app.corp")],
    ] {
        assert!(!post(&headers), "{headers:?}");
    }
}

#[test]
fn an_allowed_origin_passes_to_the_letter() {
    let mut guard = CrossSite::default();
    guard.allow_origin("https://portal.corp").unwrap();
    for (origin, passes) in [
        ("https://portal.corp", true),
        ("http://portal.corp", false),
        ("https://portal.corp:443", false),
        ("https://PORTAL.corp", false),
        ("https://portal.corp.evil.test", false),
    ] {
        for site in ["same-site", "cross-site"] {
            let headers = [
                ("host", "app.corp"),
                ("origin", origin),
                ("sec-fetch-site", site),
            ];
            assert_eq!(
                check(&guard, "POST", "/", &headers),
                passes,
                "{origin} {site}"
            );
        }
    }
    let twice = [("origin", "https://portal.corp"); 2];
    assert!(!check(&guard, "POST", "/", &twice));
}

#[test]
fn only_what_a_browser_sends_can_be_allowed() {
    for (origin, good) in [
        ("https://portal.corp", true),
        ("http://portal", true),
        ("https://portal.corp:8443", true),
        ("https://portal.corp:80", true),
        ("http://portal.corp:443", true),
        ("https://xn--bcher-kva.example", true),
        ("https://my_host.corp", true),
        ("https://portal.corp.", true),
        ("http://127.0.0.1:8080", true),
        ("http://[::1]:8080", true),
        ("https://1password.corp", true),
        ("", false),
        ("null", false),
        ("*", false),
        ("portal.corp", false),
        ("https://", false),
        ("https://portal.corp/", false),
        ("https://portal.corp/path", false),
        ("https://portal.corp?x", false),
        ("https://portal.corp#x", false),
        ("https://alice@portal.corp", false),
        ("https://portal.corp:443", false),
        ("http://portal.corp:80", false),
        ("https://portal.corp:", false),
        ("https://portal.corp:0", false),
        ("https://portal.corp:08443", false),
        ("https://portal.corp:65536", false),
        ("https://Portal.corp", false),
        ("HTTPS://portal.corp", false),
        ("wss://portal.corp", false),
        ("https://b\u{fc}cher.example", false),
        ("https://*.corp", false),
        ("https://portal..corp", false),
        ("https://.corp", false),
        ("https://portal.corp ", false),
        ("http://127.1", false),
        ("http://127.0.0.01", false),
        ("http://[0:0::1]", false),
        ("http://[::A]", false),
        ("http://[::1", false),
    ] {
        let outcome = CrossSite::default().allow_origin(origin);
        assert_eq!(outcome.is_ok(), good, "{origin}");
    }
}

#[test]
fn a_guard_that_is_off_lets_everything_pass() {
    let mut guard = CrossSite::default();
    guard.disable();
    assert!(check(&guard, "POST", "/", FROM_ELSEWHERE));
}

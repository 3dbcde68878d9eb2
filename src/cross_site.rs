//! The guard against other sites: Negotiate is ambient like a cookie, so a page anywhere can make
//! a browser send requests that we would sign in.
//!
//! The rules are those of tower-http's `csrf`, which lets every GET pass and with it the WebSocket
//! upgrade; here an upgrade is judged like a POST.
//!
//! 1. `GET`, `HEAD` and `OPTIONS` pass, unless they upgrade to a WebSocket.
//! 2. An `Origin` that is allowed by name passes.
//! 3. `Sec-Fetch-Site` decides where the browser sends it: `same-origin` and `none` (the person
//!    typed the address) pass. Chromium sends none with a WebSocket handshake, nor over plain http.
//! 4. With no `Origin` either, it is no browser, and passes.
//! 5. An `Origin` whose host and port are the request's passes.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{Method, Uri};

use crate::error::{ConfigError, ErrorKind};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[derive(Debug, Clone)]
pub(crate) struct CrossSite {
    enabled: bool,
    allowed: Vec<String>,
}

impl Default for CrossSite {
    fn default() -> Self {
        Self {
            enabled: true,
            allowed: Vec::new(),
        }
    }
}

impl CrossSite {
    /// Lets every request pass.
    pub(crate) fn disable(&mut self) {
        self.enabled = false;
    }

    /// Lets requests of another origin pass, written as browsers do (RFC 6454 section 6.2), for
    /// it is compared byte by byte.
    pub(crate) fn allow_origin(&mut self, origin: &str) -> Result<(), ConfigError> {
        if !is_canonical_origin(origin) {
            return Err(ConfigError::BadOrigin(origin.to_owned()));
        }
        self.allowed.push(origin.to_owned());
        Ok(())
    }

    pub(crate) fn check(&self, parts: &Parts) -> Result<(), ErrorKind> {
        if !self.enabled || is_harmless(&parts.method, &parts.headers) {
            return Ok(());
        }
        let origin = single(&parts.headers, ORIGIN)?;
        let site = single(&parts.headers, SEC_FETCH_SITE)?;
        let passes = match (origin, site) {
            (Some(origin), _) if self.is_allowed(origin) => true,
            (_, Some(site)) => site == "same-origin" || site == "none",
            (Some(origin), None) => is_own(origin, &parts.uri, &parts.headers),
            (None, None) => true,
        };
        if passes {
            Ok(())
        } else {
            Err(ErrorKind::CrossSite)
        }
    }

    fn is_allowed(&self, origin: &HeaderValue) -> bool {
        self.allowed.iter().any(|allowed| origin == allowed)
    }
}

/// No browser sends `TRACE`, so that it needs no pass.
fn is_harmless(method: &Method, headers: &HeaderMap) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) && !is_websocket(headers)
}

/// RFC 6455 section 4.1. Over HTTP/2 the method is `CONNECT` (RFC 8441).
fn is_websocket(headers: &HeaderMap) -> bool {
    headers
        .get_all(UPGRADE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b',' || byte == b'/'))
        .any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

/// A header that browsers send once: two were not written by one.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, ErrorKind> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(ErrorKind::CrossSite),
    }
}

fn is_own(origin: &HeaderValue, uri: &Uri, headers: &HeaderMap) -> bool {
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => single(headers, HOST)
            .ok()
            .flatten()
            .and_then(|host| host.to_str().ok()),
    };
    let is_own = || {
        let (default_port, authority) = split_scheme(origin.to_str().ok()?)?;
        let (origin_host, origin_port) = split_port(authority)?;
        let (host, port) = split_port(host?)?;
        Some(
            origin_host.eq_ignore_ascii_case(host)
                && origin_port.unwrap_or(default_port) == port.unwrap_or(default_port),
        )
    };
    is_own().unwrap_or(false)
}

/// The scheme's default port, and what follows `://`.
fn split_scheme(origin: &str) -> Option<(u16, &str)> {
    match origin.split_once("://")? {
        ("http", authority) => Some((80, authority)),
        ("https", authority) => Some((443, authority)),
        _ => None,
    }
}

/// The host, with the brackets of an IPv6 address, and the port.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let inside_brackets = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_host = match inside_brackets {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        }
    };
    let port = match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    is_host.then_some((host, port))
}

fn is_canonical_origin(origin: &str) -> bool {
    let is_canonical = || {
        let (default_port, authority) = split_scheme(origin)?;
        let (host, port) = split_port(authority)?;
        let has_canonical_port = match port {
            Some(port) => {
                port != 0 && port != default_port && authority == format!("{host}:{port}")
            }
            None => true,
        };
        Some(has_canonical_port && is_canonical_host(host))
    };
    is_canonical().unwrap_or(false)
}

/// Whether a browser keeps the host as it is: in lower case, and an address in its shortest form
/// (<https://url.spec.whatwg.org/#host-parsing>).
fn is_canonical_host(host: &str) -> bool {
    if host.contains(|c: char| c.is_ascii_uppercase()) {
        return false;
    }
    if let Some(address) = host.strip_prefix('[') {
        let address = address.trim_end_matches(']');
        return address
            .parse::<Ipv6Addr>()
            .is_ok_and(|parsed| parsed.to_string() == address);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.split('.').any(str::is_empty) {
        return false;
    }
    let ends_in_number = name
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    !ends_in_number || host.parse::<Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
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
}

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

use http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{Method, Uri};

use crate::error::{ConfigError, ErrorKind};
use crate::host::{authority, split_port};

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
    let host = authority(uri, headers);
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
mod tests;

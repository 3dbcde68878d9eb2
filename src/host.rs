//! The host of a request, as it is named in `Host` and in origins.

use std::net::Ipv6Addr;

use http::Uri;
use http::header::{HOST, HeaderMap};
use http::request::Parts;

/// The request's host and port as the client wrote them. Of two `Host` headers neither counts.
pub(crate) fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    if let Some(authority) = uri.authority() {
        return Some(authority.as_str());
    }
    let mut values = headers.get_all(HOST).iter();
    match (values.next(), values.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

/// The name of the request's host: in lower case, with no port and no dot at its end. None where
/// its target and its `Host` name two, of which what is behind us may take the other.
pub(crate) fn name(parts: &Parts) -> Option<String> {
    let host = normal(authority(&parts.uri, &parts.headers)?)?;
    let mut headers = parts.headers.get_all(HOST).iter();
    let agrees =
        headers.all(|header| header.to_str().ok().and_then(normal).as_ref() == Some(&host));
    agrees.then_some(host)
}

fn normal(authority: &str) -> Option<String> {
    let (host, _) = split_port(authority)?;
    let host = host.strip_suffix('.').unwrap_or(host);
    Some(host.to_ascii_lowercase())
}

/// The host, with the brackets of an IPv6 address, and the port.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
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

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn name_of(uri: &str, hosts: &[&str]) -> Option<String> {
        let request = hosts.iter().fold(Request::get(uri), |request, host| {
            request.header(HOST, *host)
        });
        name(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_host_is_compared_without_case_port_and_last_dot() {
        for host in [
            "intranet.corp",
            "INTRANET.corp",
            "intranet.corp:8443",
            "Intranet.Corp.:80",
        ] {
            assert_eq!(
                name_of("/", &[host]).as_deref(),
                Some("intranet.corp"),
                "{host}"
            );
        }
        let http2 = name_of("https://Intranet.corp:444/", &[]);
        assert_eq!(http2.as_deref(), Some("intranet.corp"));
    }

    #[test]
    fn what_names_no_host_or_two_is_none() {
        for hosts in [
            &[][..],
            &[""],
            &["a", "a"],
            &["a b"],
            &["a:b"],
            &["user@a"],
            &["a/"],
        ] {
            assert_eq!(name_of("/", hosts), None, "{hosts:?}");
        }
        for hosts in [&["b"][..], &["a", "b"], &["b", "a"], &["a b"]] {
            assert_eq!(name_of("http://a/", hosts), None, "{hosts:?}");
        }
        for hosts in [&[][..], &["a"], &["A.:80"]] {
            assert_eq!(
                name_of("http://a/", hosts).as_deref(),
                Some("a"),
                "{hosts:?}"
            );
        }
    }
}

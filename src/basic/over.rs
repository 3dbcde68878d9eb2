//! Which requests came over TLS, and from whom.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Once};

use http::HeaderMap;
use http::request::Parts;

use super::network::Network;
use crate::connection::SpnegoConnection;
use crate::error::ConfigError;

const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Over what a password may come: Basic sends it in clear text, and a layer can't see TLS.
///
/// ```
/// use tower_spnego::{BasicOver, SpnegoLayer};
///
/// // Behind a proxy, at this address, that does TLS and says so in `X-Forwarded-Proto`.
/// let builder = SpnegoLayer::builder().basic(BasicOver::forwarded_from(["10.0.0.7"]));
/// ```
///
/// Wrong passwords are counted for each address. Behind a proxy that is the client's, as the proxy
/// says: the last address in `X-Forwarded-For` that is not a listed proxy's own. For it, and for
/// `X-Forwarded-Proto`, the request must have a [`SpnegoConnection`].
#[derive(Clone)]
#[must_use]
pub struct BasicOver {
    rule: Rule,
    proxies: Vec<String>,
}

#[derive(Clone)]
enum Rule {
    AlwaysTls,
    When(Arc<dyn Fn(&Parts) -> bool + Send + Sync>),
    ForwardedProto,
}

impl BasicOver {
    /// The application asserts that every request comes over TLS, all the way from the client or
    /// from a proxy that the network between can be trusted with. If that is wrong, passwords go
    /// over the network in clear text.
    pub fn always_tls() -> Self {
        Self {
            rule: Rule::AlwaysTls,
            proxies: Vec::new(),
        }
    }

    /// The requests for which the rule is true, as where a server's own TLS acceptor leaves a mark
    /// in the extensions. In the others Basic is neither offered nor read.
    pub fn when(rule: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self {
            rule: Rule::When(Arc::new(rule)),
            proxies: Vec::new(),
        }
    }

    /// The requests that one of these proxies sends with the one header
    /// `X-Forwarded-Proto: https`. Each is an IP address, or a network such as `10.0.0.8/30`.
    ///
    /// List the proxies' own addresses, and none that a client may have: from such a one anybody
    /// can claim TLS, and an address for each guess. The proxy must set the header itself, and not
    /// pass on the client's.
    ///
    /// Where Basic is not offered, the server sees another address than is listed here, of which the
    /// log warns once, or there is no such header, or several.
    pub fn forwarded_from(proxies: impl IntoIterator<Item: ToString>) -> Self {
        Self {
            rule: Rule::ForwardedProto,
            proxies: Vec::new(),
        }
        .behind(proxies)
    }

    /// The proxies that append the client's address to `X-Forwarded-For`: their own addresses, and
    /// no client's. Without them, all people behind a proxy are one address, and share its wrong
    /// passwords.
    pub fn behind(mut self, proxies: impl IntoIterator<Item: ToString>) -> Self {
        let proxies = proxies.into_iter().map(|proxy| proxy.to_string());
        self.proxies.extend(proxies);
        self
    }

    pub(super) fn check(self) -> Result<Over, ConfigError> {
        if matches!(self.rule, Rule::ForwardedProto) && self.proxies.is_empty() {
            return Err(ConfigError::NoProxy);
        }
        let parse = |proxy: &String| Network::parse(proxy);
        Ok(Over {
            rule: self.rule,
            proxies: self.proxies.iter().map(parse).collect::<Result<_, _>>()?,
            warned_of_proxy: Once::new(),
            warned_of_ignored: Once::new(),
        })
    }
}

impl fmt::Debug for BasicOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self.rule {
            Rule::AlwaysTls => "always TLS",
            Rule::When(_) => "a rule",
            Rule::ForwardedProto => "X-Forwarded-Proto",
        };
        f.debug_struct("BasicOver")
            .field("rule", &rule)
            .field("proxies", &self.proxies)
            .finish()
    }
}

/// The same with its proxies read.
pub(super) struct Over {
    rule: Rule,
    proxies: Vec<Network>,
    warned_of_proxy: Once,
    warned_of_ignored: Once,
}

impl Over {
    pub(super) fn covers(&self, request: &Parts) -> bool {
        match &self.rule {
            Rule::AlwaysTls => true,
            Rule::When(rule) => rule(request),
            Rule::ForwardedProto => {
                if SpnegoConnection::of(&request.extensions).is_none() {
                    warn_of_no_connection();
                }
                match peer(request) {
                    Some(peer) if is_https(&request.headers) => {
                        let is_proxy = self.is_proxy(peer);
                        if !is_proxy {
                            self.warn_of_ignored(peer);
                        }
                        is_proxy
                    }
                    _ => false,
                }
            }
        }
    }

    /// The address of the client, where the server or a proxy of ours knows it.
    pub(super) fn client(&self, request: &Parts) -> Option<IpAddr> {
        let peer = peer(request)?;
        if !self.is_proxy(peer) {
            if request.headers.contains_key(FORWARDED_FOR) {
                self.warn_of_unlisted(peer);
            }
            return Some(peer);
        }
        let values = request.headers.get_all(FORWARDED_FOR).iter().rev();
        // As bytes: what a proxy appends to may be no text.
        let hops = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        let mut hops = hops.map(|hop| str::from_utf8(hop.trim_ascii()).ok());
        let first_other = loop {
            match hops.next().map(|hop| hop.and_then(address)) {
                Some(Some(hop)) if self.is_proxy(hop) => {}
                Some(hop) => break hop,
                None => break None,
            }
        };
        Some(first_other.unwrap_or(peer))
    }

    /// Once: a client can send the header, too.
    fn warn_of_ignored(&self, peer: IpAddr) {
        self.warned_of_ignored.call_once(|| {
            tracing::warn!(
                "{peer} sends X-Forwarded-Proto: https and is no listed proxy: if it is one, Basic \
                 is offered to nobody behind it until it is in BasicOver::forwarded_from(..)"
            );
        });
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(address))
    }

    /// Once: all people behind a proxy come from it, and a client can invent the header.
    fn warn_of_unlisted(&self, peer: IpAddr) {
        self.warned_of_proxy.call_once(|| {
            tracing::warn!(
                "{peer} sends X-Forwarded-For and is no listed proxy: if it is one, all people \
                 behind it share one count of wrong passwords until it is in \
                 BasicOver's .behind(..)"
            );
        });
    }
}

/// Once: it is the same for every request.
fn warn_of_no_connection() {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            "Basic is offered to nobody: requests have no SpnegoConnection, and so no proxy; serve \
             the application with into_make_service_with_connect_info::<SpnegoConnection>(), or \
             with Connections(..)"
        );
    });
}

fn peer(request: &Parts) -> Option<IpAddr> {
    let peer = SpnegoConnection::of(&request.extensions)?.peer()?;
    Some(peer.ip())
}

fn is_https(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(FORWARDED_PROTO).iter();
    matches!((values.next(), values.next()), (Some(value), None) if value == "https")
}

/// An address as proxies write it, some with the port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || {
        text.parse()
            .ok()
            .map(|with_port: SocketAddr| with_port.ip())
    };
    text.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests;

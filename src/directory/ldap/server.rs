//! Where an LDAP server is, and what the way to it is worth.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustls::pki_types::ServerName;
use url::Url;

use crate::error::ConfigError;

/// What an `ldaps://`, `ldap://` or `ldapi://` URL names.
#[derive(Debug, Clone)]
pub(super) struct Address {
    url: Url,
    place: Place,
    tls: TlsFrom,
}

#[derive(Debug, Clone)]
pub(super) enum Place {
    Network {
        /// Without the brackets of an IPv6 address.
        host: String,
        port: u16,
    },
    /// A socket of this machine.
    Socket(PathBuf),
}

/// Since when the connection is TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsFrom {
    TheStart,
    /// Since the StartTLS operation (RFC 4511 section 4.14), which is the first.
    StartTls,
    Never,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        // A password in the URL must not come out in the error's text, so that it quotes nothing.
        let url = Url::parse(text)
            .map_err(|error| wrong(format!("{error}; write it as in ldaps://ldap.example.com")))?;
        let (tls, default_port) = match url.scheme() {
            "ldaps" => (TlsFrom::TheStart, 636),
            "ldap" => (TlsFrom::Never, 389),
            "ldapi" => return Self::socket(url),
            scheme => {
                return Err(wrong(format!(
                    "the scheme {scheme} is not known; write ldaps:// (TLS), ldap://, or ldapi:// \
                     (a socket of this machine)"
                )));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "it holds a name or a password; give them to .bind_simple(..)",
            ));
        }
        let host = url.host_str().unwrap_or_default();
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
            .to_owned();
        if ServerName::try_from(host.as_str()).is_err() {
            return Err(wrong(format!(
                "{host:?} can't be a host; write it as in ldaps://ldap.example.com"
            )));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "it goes on after the host; give the base and the filter to .search(..)",
            ));
        }
        let address = Self {
            place: Place::Network {
                host,
                port: url.port().unwrap_or(default_port),
            },
            tls,
            url,
        };
        address.check_tls()
    }

    fn socket(url: Url) -> Result<Self, ConfigError> {
        const FORM: &str = "write the socket's path, percent-encoded, in the host's place, as in \
                            ldapi://%2Frun%2Fslapd%2Fldapi";
        let is_bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
        if !is_bare || !matches!(url.path(), "" | "/") {
            return Err(wrong(FORM));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "it goes on after the socket; give the base and the filter to .search(..)",
            ));
        }
        let path = percent_decoded(url.host_str().unwrap_or_default());
        let path = path.filter(|path| path.is_absolute() && path.file_name().is_some());
        Ok(Self {
            place: Place::Socket(path.ok_or_else(|| wrong(FORM))?),
            tls: TlsFrom::Never,
            url,
        })
    }

    /// With StartTLS.
    pub(super) fn starting_tls(mut self) -> Result<Self, ConfigError> {
        match (&self.place, self.tls) {
            (Place::Socket(_), _) => Err(wrong_start_tls(
                "it stands beside an ldapi:// URL, whose socket does not leave this machine; leave \
                 it out",
            )),
            (_, TlsFrom::TheStart) => Err(wrong_start_tls(
                "it stands beside an ldaps:// URL, which is TLS already; leave it out, or write \
                 ldap://",
            )),
            _ => {
                self.tls = TlsFrom::StartTls;
                self.check_tls()
            }
        }
    }

    fn check_tls(self) -> Result<Self, ConfigError> {
        match &self.place {
            Place::Network { host, .. } if self.uses_tls() && host.parse::<Ipv6Addr>().is_ok() => {
                Err(wrong(
                    "TLS to an IPv6 address is not possible here; write the host's name, which is \
                     in its certificate",
                ))
            }
            _ => Ok(self),
        }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// That of a connection on which TLS begins now. None, never one without TLS, where there is none.
    pub(super) fn ldaps_url(&self) -> Option<Url> {
        let mut url = self.url.clone();
        url.set_scheme("ldaps").ok()?;
        Some(url)
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn tls(&self) -> TlsFrom {
        self.tls
    }

    pub(super) fn uses_tls(&self) -> bool {
        self.tls != TlsFrom::Never
    }

    /// Whether what is sent stays on this machine.
    pub(super) fn is_local(&self) -> bool {
        match &self.place {
            Place::Socket(_) => true,
            Place::Network { host, .. } => match host.parse::<IpAddr>() {
                Ok(address) => address.is_loopback(),
                Err(_) => host.eq_ignore_ascii_case("localhost"),
            },
        }
    }
}

/// None where an escape is broken, or the path can't be one.
fn percent_decoded(text: &str) -> Option<PathBuf> {
    let mut path = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        };
        if byte == 0 {
            return None;
        }
        path.push(byte);
    }
    Some(PathBuf::from(OsString::from_vec(path)))
}

fn wrong(reason: impl Into<String>) -> ConfigError {
    ConfigError::Ldap {
        setting: "URL",
        reason: reason.into(),
    }
}

fn wrong_start_tls(reason: &str) -> ConfigError {
    ConfigError::Ldap {
        setting: "start_tls",
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;

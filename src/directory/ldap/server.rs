//! The LDAP server: where it is, and whom TLS trusts to be it.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use crate::error::ConfigError;

/// What an `ldap://` or `ldaps://` URL names.
#[derive(Debug, Clone)]
pub(super) struct Address {
    url: Url,
    host: String,
    port: u16,
    tls: bool,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        // A password in the URL must not come out in the error's text, so that it quotes nothing.
        let url = Url::parse(text)
            .map_err(|error| wrong(format!("{error}; write it as in ldaps://ldap.example.com")))?;
        let (tls, default_port) = match url.scheme() {
            "ldaps" => (true, 636),
            "ldap" => (false, 389),
            scheme => {
                return Err(wrong(format!(
                    "the scheme {scheme} is not known; write ldaps:// (TLS), or ldap://"
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
        if tls && host.parse::<Ipv6Addr>().is_ok() {
            return Err(wrong(
                "TLS to an IPv6 address is not possible here; write the host's name, which is in \
                 its certificate",
            ));
        }
        Ok(Self {
            host,
            port: url.port().unwrap_or(default_port),
            tls,
            url,
        })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Host, without the brackets of an IPv6 address, and port.
    pub(super) fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    pub(super) fn uses_tls(&self) -> bool {
        self.tls
    }

    /// Whether what is sent leaves this machine.
    pub(super) fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// TLS that trusts the system's roots, or those of a file.
///
/// It names its cryptography (ring): with two providers in a program rustls has no default, and
/// panics.
pub(super) fn client_config(roots: RootCertStore) -> Result<Arc<ClientConfig>, ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Ldap {
            setting: "TLS",
            reason: error.to_string(),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

pub(super) fn system_roots() -> Result<RootCertStore, ConfigError> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Old roots that rustls can't read are common, and no reason to distrust the others.
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        let reasons: Vec<_> = loaded.errors.iter().map(ToString::to_string).collect();
        return Err(wrong_ca(format!(
            "the system has no certificates of authorities to trust ({}); install them \
             (ca-certificates), or name your authority's with .ca_file(..)",
            reasons.join("; ")
        )));
    }
    Ok(roots)
}

pub(super) fn roots_of(path: &Path) -> Result<RootCertStore, ConfigError> {
    let shown = path.display();
    let pem = std::fs::read(path).map_err(|error| {
        wrong_ca(format!(
            "{shown} can't be read ({error}); name a PEM file with the certificate of the \
             authority that signed the server's"
        ))
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        if let Err(error) = added {
            return Err(wrong_ca(format!(
                "{shown} has a certificate that can't be read ({error}); export it again, as PEM"
            )));
        }
    }
    if roots.is_empty() {
        return Err(wrong_ca(format!(
            "{shown} has no certificate in it; export it as PEM, between BEGIN CERTIFICATE and \
             END CERTIFICATE"
        )));
    }
    Ok(roots)
}

fn wrong(reason: impl Into<String>) -> ConfigError {
    ConfigError::Ldap {
        setting: "URL",
        reason: reason.into(),
    }
}

fn wrong_ca(reason: String) -> ConfigError {
    ConfigError::Ldap {
        setting: "CA file",
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_host_port_and_tls() {
        for (url, host, port, tls, loopback) in [
            (
                "ldaps://ldap.example.com",
                "ldap.example.com",
                636,
                true,
                false,
            ),
            (
                "ldap://ldap.example.com/",
                "ldap.example.com",
                389,
                false,
                false,
            ),
            ("LDAP://10.0.0.1:1389", "10.0.0.1", 1389, false, false),
            ("ldap://localhost:1389", "localhost", 1389, false, true),
            ("ldap://LocalHost", "LocalHost", 389, false, true),
            ("ldap://127.8.9.1", "127.8.9.1", 389, false, true),
            ("ldap://[::1]:1389", "::1", 1389, false, true),
            ("ldap://[2001:db8::1]", "2001:db8::1", 389, false, false),
            (
                "ldap://127.0.0.1.example.com",
                "127.0.0.1.example.com",
                389,
                false,
                false,
            ),
            (
                "ldap://localhost.example.com",
                "localhost.example.com",
                389,
                false,
                false,
            ),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!(address.host_and_port(), (host, port), "{url}");
            assert_eq!(address.uses_tls(), tls, "{url}");
            assert_eq!(address.is_loopback(), loopback, "{url}");
        }
    }

    #[test]
    fn other_urls_say_what_to_write() {
        for (url, reason) in [
            ("ldap.example.com", "ldaps://ldap.example.com"),
            ("ldapi:///", "the scheme ldapi is not known"),
            ("https://ldap.example.com", "the scheme https is not known"),
            ("ldap:example", "can't be a host"),
            ("ldap:///", "can't be a host"),
            ("ldap://a%20b", "can't be a host"),
            ("ldaps://[::1]", "write the host's name"),
            ("ldap://web:s3cret@host", ".bind_simple(..)"),
            ("ldap://host/dc=example", ".search(..)"),
            ("ldap://host?uid", ".search(..)"),
        ] {
            let error = Address::parse(url).expect_err(url).to_string();
            assert!(error.starts_with("the LDAP directory's URL is wrong: "));
            assert!(error.contains(reason), "{url}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_ca_file_must_hold_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.pem");
        let error = roots_of(&missing).unwrap_err().to_string();
        assert!(error.contains("missing.pem can't be read"), "{error}");
        for (text, reason) in [
            ("", "has no certificate in it"),
            ("no PEM", "has no certificate in it"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "has a certificate that can't be read",
            ),
            (
                "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
                "has a certificate that can't be read",
            ),
        ] {
            let file = folder.path().join("ca.pem");
            std::fs::write(&file, text).unwrap();
            let error = roots_of(&file).unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }
}

//! TLS with the servers: whom it trusts, and whom it says we are.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use self::client::ClientCertificate;
pub(super) use self::client::ClientFiles;
use crate::error::ConfigError;

mod client;

/// What each new connection speaks.
pub(super) struct Tls {
    roots: Arc<RootCertStore>,
    state: Mutex<State>,
}

struct State {
    client: Option<ClientCertificate>,
    config: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn new(
        roots: RootCertStore,
        client: Option<ClientFiles>,
    ) -> Result<Self, ConfigError> {
        let roots = Arc::new(roots);
        let client = client.map(ClientCertificate::read).transpose()?;
        let config = config(&roots, client.as_ref())?;
        Ok(Self {
            roots,
            state: Mutex::new(State { client, config }),
        })
    }

    /// With the client's certificate as its files have it now; as they had it when they were last
    /// sound, if they are not.
    pub(super) fn config(&self) -> Arc<ClientConfig> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = state.renew(&self.roots) {
            tracing::error!("{error}; the old certificate stays in use");
        }
        Arc::clone(&state.config)
    }
}

impl State {
    fn renew(&mut self, roots: &Arc<RootCertStore>) -> Result<(), ConfigError> {
        let Some(client) = &mut self.client else {
            return Ok(());
        };
        if let Some(renewed) = client.renewed()? {
            self.config = config(roots, Some(&renewed))?;
            *client = renewed;
        }
        Ok(())
    }
}

/// It names its cryptography (ring): with two providers in a program rustls has no default, and
/// panics.
fn config(
    roots: &Arc<RootCertStore>,
    client: Option<&ClientCertificate>,
) -> Result<Arc<ClientConfig>, ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Ldap {
            setting: "TLS",
            reason: error.to_string(),
        })?
        .with_root_certificates(Arc::clone(roots));
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(client) => client.authenticate(builder)?,
    };
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

fn wrong_ca(reason: String) -> ConfigError {
    ConfigError::Ldap {
        setting: "ca_file",
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

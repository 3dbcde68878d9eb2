//! The certificate that we show to a server.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder};

use crate::error::ConfigError;

/// Where certificate and key are, as PEM.
#[derive(Debug, Clone)]
pub(in crate::directory::ldap) struct ClientFiles {
    pub(in crate::directory::ldap) certificate: PathBuf,
    pub(in crate::directory::ldap) key: PathBuf,
}

/// As the files have it.
pub(super) struct ClientCertificate {
    files: ClientFiles,
    stamps: [Option<Stamp>; 2],
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// What changes when a file is written or replaced.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
}

impl ClientCertificate {
    pub(super) fn read(files: ClientFiles) -> Result<Self, ConfigError> {
        // Before the files are read: what changes meanwhile shows the next time.
        let stamps = files.stamps();
        Ok(Self {
            stamps,
            chain: read_chain(&files.certificate)?,
            key: read_key(&files.key)?,
            files,
        })
    }

    /// Read anew, if the files have changed.
    pub(super) fn renewed(&mut self) -> Result<Option<Self>, ConfigError> {
        let stamps = self.files.stamps();
        if stamps == self.stamps {
            return Ok(None);
        }
        // What is broken is complained about once.
        self.stamps = stamps;
        Self::read(self.files.clone()).map(Some)
    }

    pub(super) fn authenticate(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, ConfigError> {
        builder
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|error| {
                let ClientFiles { certificate, key } = &self.files;
                wrong(format!(
                    "{} and {} don't go together ({error}); name a certificate and the key that \
                     it is for, RSA, ECDSA or Ed25519",
                    certificate.display(),
                    key.display()
                ))
            })
    }
}

impl ClientFiles {
    fn stamps(&self) -> [Option<Stamp>; 2] {
        [&self.certificate, &self.key].map(|path| path.metadata().as_ref().map(Stamp::of).ok())
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let shown = path.display();
    let pem = read(path)?;
    // The cause is left out: it may quote the file, which often holds the key as well.
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| {
            wrong(format!(
                "{shown} has a certificate that can't be read; export it again, as PEM"
            ))
        })?;
    match chain.is_empty() {
        false => Ok(chain),
        true => Err(wrong(format!(
            "{shown} has no certificate in it; export it as PEM, between BEGIN CERTIFICATE and END \
             CERTIFICATE"
        ))),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, ConfigError> {
    let pem = read(path)?;
    // The cause is left out: it may quote the key.
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        wrong(format!(
            "{} has no private key that can be read; export it as PEM, without a passphrase",
            path.display()
        ))
    })
}

fn read(path: &Path) -> Result<secrecy::zeroize::Zeroizing<Vec<u8>>, ConfigError> {
    std::fs::read(path).map(Into::into).map_err(|error| {
        wrong(format!(
            "{} can't be read ({error}); name a PEM file that this process may read",
            path.display()
        ))
    })
}

fn wrong(reason: String) -> ConfigError {
    ConfigError::Ldap {
        setting: "client_certificate",
        reason,
    }
}

//! Whom we are to a server, and how it comes to believe that.

use std::fmt;
#[cfg(feature = "ldap-gssapi")]
use std::sync::Arc;

use ldap3::{Ldap, LdapResult};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;

use super::failure::Failure;
use super::outcome::Refused;
#[cfg(feature = "ldap-gssapi")]
use crate::kerberos::{Account, Stamp};

/// A way to bind that is not anonymous (RFC 4513 section 5).
#[derive(Clone)]
pub(super) enum Bind {
    Simple {
        name: String,
        password: SecretString,
    },
    /// SASL EXTERNAL: as whom TLS or the local socket knows us.
    External,
    /// SASL GSSAPI.
    #[cfg(feature = "ldap-gssapi")]
    Gssapi(Arc<Account>),
}

impl Bind {
    /// On a connection that is anonymous as yet. By GSSAPI it is done before ldap3 gets the
    /// connection.
    pub(super) async fn on(&self, ldap: &Ldap) -> Result<(), Failure> {
        let mut ldap = ldap.clone();
        let result = match self.clone() {
            Self::Simple { name, password } => {
                let bind = async move { ldap.simple_bind(&name, password.expose_secret()).await };
                fallen_alone(bind).await?
            }
            Self::External => fallen_alone(async move { ldap.sasl_external_bind().await }).await?,
            #[cfg(feature = "ldap-gssapi")]
            Self::Gssapi(_) => return Err(Failure::Unproved),
        };
        match result.rc {
            0 => Ok(()),
            code => Err(self.refused(code, result.text)),
        }
    }

    /// That the server refuses it.
    pub(super) fn refused(&self, code: u32, text: String) -> Failure {
        Failure::Bind {
            name: self.to_string(),
            method: self.method(),
            refused: Refused { code, text },
        }
    }

    /// By which secret.
    pub(super) fn secret(&self) -> Secret {
        match self {
            #[cfg(feature = "ldap-gssapi")]
            Self::Gssapi(account) => Secret::Keytab(account.keytab_stamp()),
            _ => Secret::OfSettings,
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Simple { .. } => Method::Simple,
            Self::External => Method::External,
            #[cfg(feature = "ldap-gssapi")]
            Self::Gssapi(_) => Method::Gssapi,
        }
    }
}

/// Names whom it binds as; no secret.
impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple { name, .. } => write!(f, "{name:?}"),
            Self::External => f.write_str("the owner of this connection (SASL EXTERNAL)"),
            #[cfg(feature = "ldap-gssapi")]
            Self::Gssapi(account) => write!(f, "{} (SASL GSSAPI)", account.principal()),
        }
    }
}

/// What tells whether a secret is another one than before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Secret {
    OfSettings,
    /// As its file is now.
    #[cfg(feature = "ldap-gssapi")]
    Keytab(Option<Stamp>),
}

/// How a bind is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Simple,
    External,
    #[cfg(feature = "ldap-gssapi")]
    Gssapi,
}

impl Method {
    /// What to do about a refusal with this result code.
    pub(super) fn mend(self, code: u32) -> &'static str {
        match (self, code) {
            (Self::Simple, 49) => {
                "check the name and the password of .bind_simple(..), and whether the account is \
                 locked or its password has expired"
            }
            (Self::Simple, 8 | 13) => {
                "the server wants TLS for a password: write ldaps://, or say .start_tls()"
            }
            (Self::Simple, 32 | 34) => {
                "the name of .bind_simple(..) is none that the server knows; write its DN"
            }
            (Self::Simple, _) => {
                "check the name of .bind_simple(..), and whether it may bind with a password"
            }
            (Self::External, 7) => {
                "the server takes no SASL EXTERNAL here: it must ask clients for their \
                 certificates (OpenLDAP: TLSVerifyClient) and trust the authority that signed \
                 ours, or be asked over ldapi://"
            }
            (Self::External, _) => {
                "map the certificate's subject, or this process's user, to an account of the \
                 server (OpenLDAP: authz-regexp; Active Directory: altSecurityIdentities)"
            }
            #[cfg(feature = "ldap-gssapi")]
            (Self::Gssapi, 7) => {
                "the server takes no SASL GSSAPI: it must have a keytab with its SPN and, if it is \
                 OpenLDAP, libsasl2's GSSAPI (Debian: libsasl2-modules-gssapi-mit)"
            }
            #[cfg(feature = "ldap-gssapi")]
            (Self::Gssapi, _) => {
                "look whether the server's keytab has the key of its SPN, whether its clock and \
                 this machine's agree, and into its log"
            }
        }
    }
}

/// ldap3 panics on an answer that is no LDAP: a task of its own takes that fall.
async fn fallen_alone(
    bind: impl Future<Output = ldap3::result::Result<LdapResult>> + Send + 'static,
) -> Result<LdapResult, Failure> {
    let mut task = JoinSet::new();
    task.spawn(bind);
    match task.join_next().await {
        Some(Ok(result)) => result.map_err(|error| Failure::Connect(error.into())),
        Some(Err(_)) | None => Err(Failure::Garbled),
    }
}

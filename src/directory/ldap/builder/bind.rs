//! Whom the directory is to the server.

use std::fmt;
#[cfg(feature = "ldap-gssapi")]
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::super::bind::Bind;
use super::super::server::{Address, Place};
use super::{LdapDirectoryBuilder, wrong};
use crate::error::ConfigError;

#[derive(Default)]
pub(super) enum BindSettings {
    #[default]
    Anonymous,
    Simple {
        name: String,
        password: SecretString,
    },
    External,
    #[cfg(feature = "ldap-gssapi")]
    Gssapi {
        principal: String,
        keytab: PathBuf,
    },
}

/// # Bind
///
/// The last of these counts; without any, the search is anonymous.
impl LdapDirectoryBuilder {
    /// Binds with a name, most often a DN, and a password (RFC 4513 section 5.1.3).
    pub fn bind_simple(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.bind = BindSettings::Simple {
            name: name.into(),
            password: SecretString::from(password.into()),
        };
        self
    }

    /// Binds as whom the connection proves us to be (SASL EXTERNAL, RFC 4422 appendix A): over TLS
    /// the owner of the [`client_certificate`](Self::client_certificate), over `ldapi://` the user of
    /// this process. The server has to map either to an account; OpenLDAP does it by `authz-regexp`,
    /// Active Directory by `altSecurityIdentities`.
    pub fn bind_external(mut self) -> Self {
        self.bind = BindSettings::External;
        self
    }

    /// Binds with Kerberos (SASL GSSAPI, RFC 4752) as this principal, written `name@REALM`, whose
    /// keys are in this keytab: there is no password anywhere. It may be the keytab of the layer, if
    /// the principal is in it.
    ///
    /// Name the account's own principal. On Active Directory that is `svc-web@CORP.EXAMPLE.COM`, with
    /// the account's `sAMAccountName`: an SPN such as `HTTP/intranet.corp.example.com` gets no ticket
    /// there.
    ///
    /// The server must have the SPN `ldap/<host>` in the same realm, with the host as the URL writes
    /// it: it is not looked up in the DNS. The KDC is found by krb5.conf. For each new connection the
    /// keytab is read anew and the KDC asked for new tickets, which are in memory alone; no ticket
    /// cache of this process's user is read or written. A connection ends with its ticket.
    ///
    /// ```no_run
    /// use tower_spnego::ldap::LdapDirectory;
    ///
    /// let directory = LdapDirectory::active_directory("corp.example.com")
    ///     .server("ldaps://dc1.corp.example.com")
    ///     .bind_gssapi("svc-web@CORP.EXAMPLE.COM", "/etc/intranet.keytab")
    ///     .build()?;
    /// # Ok::<_, tower_spnego::ConfigError>(())
    /// ```
    ///
    /// Both sides prove who they are, and over TLS the bind is tied to the server's certificate
    /// (`tls-server-end-point`, RFC 5929), as Active Directory can require. SASL's own encryption is
    /// not used: over `ldap://` to another machine it needs [`start_tls`](Self::start_tls), unless
    /// [`allow_clear_text`](Self::allow_clear_text) is said.
    #[cfg(feature = "ldap-gssapi")]
    #[cfg_attr(docsrs, doc(cfg(feature = "ldap-gssapi")))]
    pub fn bind_gssapi(mut self, principal: impl Into<String>, keytab: impl Into<PathBuf>) -> Self {
        self.bind = BindSettings::Gssapi {
            principal: principal.into(),
            keytab: keytab.into(),
        };
        self
    }
}

/// What the channel to a server is worth.
pub(super) struct Channel<'a> {
    pub(super) address: &'a Address,
    pub(super) allow_clear_text: bool,
    pub(super) has_client_certificate: bool,
}

impl BindSettings {
    /// Whether it can be done, and safely, on this channel.
    pub(super) fn check(&self, channel: &Channel<'_>) -> Result<(), ConfigError> {
        let address = channel.address;
        let is_protected = address.uses_tls() || address.is_local() || channel.allow_clear_text;
        match self {
            Self::Anonymous => Ok(()),
            // A server takes either for an unauthenticated bind, and says "success" (RFC 4513
            // section 5.1.2).
            Self::Simple { name, password }
                if name.is_empty() || password.expose_secret().is_empty() =>
            {
                Err(wrong(
                    "bind",
                    "the name or the password is empty, which binds as nobody and calls it success; \
                     give both to .bind_simple(..), or leave it out for an anonymous search",
                ))
            }
            Self::Simple { .. } if !is_protected => Err(wrong(
                "bind",
                "the password would go over the network in clear text; write the URL with ldaps://, \
                 say .start_tls(), or, if whoever is on the way may read it, .allow_clear_text()",
            )),
            Self::Simple { .. } => Ok(()),
            Self::External => match address.place() {
                Place::Socket(_) => Ok(()),
                Place::Network { .. } if !address.uses_tls() => Err(wrong(
                    "bind",
                    ".bind_external() needs TLS with a client certificate, or a socket of this \
                     machine: write the URL with ldaps:// or say .start_tls(), or write ldapi://",
                )),
                Place::Network { .. } if !channel.has_client_certificate => Err(wrong(
                    "bind",
                    ".bind_external() has nothing to show to the server; name a certificate and \
                     its key with .client_certificate(..)",
                )),
                Place::Network { .. } => Ok(()),
            },
            #[cfg(feature = "ldap-gssapi")]
            Self::Gssapi { .. } => match address.place() {
                Place::Socket(_) => Err(wrong(
                    "bind",
                    ".bind_gssapi(..) needs the server's host, whose SPN is ldap/<host>; write the \
                     URL with ldaps:// or ldap://, or say .bind_external()",
                )),
                Place::Network { .. } if !is_protected => Err(wrong(
                    "bind",
                    "the bind by GSSAPI would protect nothing that follows it: whoever is on the way \
                     could answer in the server's name; write the URL with ldaps://, say \
                     .start_tls(), or, if they may, .allow_clear_text()",
                )),
                Place::Network { .. } => Ok(()),
            },
        }
    }

    /// None is anonymous.
    pub(super) fn build(self) -> Result<Option<Bind>, ConfigError> {
        Ok(match self {
            Self::Anonymous => None,
            Self::Simple { name, password } => Some(Bind::Simple { name, password }),
            Self::External => Some(Bind::External),
            #[cfg(feature = "ldap-gssapi")]
            Self::Gssapi { principal, keytab } => Some(gssapi(&principal, &keytab)?),
        })
    }
}

#[cfg(feature = "ldap-gssapi")]
fn gssapi(principal: &str, keytab: &std::path::Path) -> Result<Bind, ConfigError> {
    use crate::kerberos::{Account, AccountError};
    let principal = principal.parse().map_err(|error| {
        wrong(
            "principal",
            format!("{error}; write the account's own, as in svc-web@CORP.EXAMPLE.COM"),
        )
    })?;
    match Account::open(principal, keytab) {
        Ok(account) => Ok(Bind::Gssapi(account.into())),
        Err(AccountError::Keytab(reason)) => Err(wrong("keytab", reason)),
        Err(AccountError::Thread(error)) => Err(error),
    }
}

/// No secret.
impl fmt::Debug for BindSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Simple { name, .. } => f.debug_tuple("Simple").field(name).finish(),
            Self::External => f.write_str("External"),
            #[cfg(feature = "ldap-gssapi")]
            Self::Gssapi { principal, keytab } => {
                let mut gssapi = f.debug_tuple("Gssapi");
                gssapi.field(principal).field(keytab).finish()
            }
        }
    }
}

//! The settings of an [`LdapDirectory`], checked before anything is asked.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::active_directory::Rules;
use super::connection::{Bind, Endpoint, SharedConnection};
use super::fields::Fields;
use super::filter::Filter;
use super::server::{self, Address};
use super::{LdapDirectory, active_directory, dn};
use crate::error::ConfigError;

const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Makes an [`LdapDirectory`]; from [`LdapDirectory::builder`] or
/// [`LdapDirectory::active_directory`].
#[must_use]
pub struct LdapDirectoryBuilder {
    servers: Vec<String>,
    /// Of Active Directory, by its DNS name.
    domain: Option<String>,
    trust_ticket_names: bool,
    ca_file: Option<PathBuf>,
    bind: Option<Bind>,
    allow_clear_text: bool,
    search: Option<(String, String)>,
    fields: Fields,
    timeout: Duration,
}

impl LdapDirectoryBuilder {
    pub(super) fn new() -> Self {
        Self {
            servers: Vec::new(),
            domain: None,
            trust_ticket_names: false,
            ca_file: None,
            bind: None,
            allow_clear_text: false,
            search: None,
            fields: Fields::default(),
            timeout: Duration::from_secs(5),
        }
    }

    pub(super) fn active_directory(domain: String) -> Self {
        Self {
            domain: Some(domain),
            fields: Fields::of_active_directory(),
            ..Self::new()
        }
    }

    /// The server, as an `ldaps://` or `ldap://` URL; the ports are 636 and 389 unless it names
    /// one. There can be one only, as yet.
    pub fn server(mut self, url: impl Into<String>) -> Self {
        self.servers.push(url.into());
        self
    }

    /// Trusts the authorities in this PEM file to sign the server's certificate, instead of those
    /// that the system trusts. It is read once, by [`build`](Self::build).
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Binds with a name, most often a DN, and a password (RFC 4513 section 5.1.3). Without it the
    /// search is anonymous.
    pub fn bind_simple(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.bind = Some(Bind {
            name: name.into(),
            password: SecretString::from(password.into()),
        });
        self
    }

    /// Sends the password over `ldap://` to other machines too, where whoever is on the way reads
    /// it, and can answer in the server's name with groups of their choice.
    pub fn allow_clear_text(mut self) -> Self {
        self.allow_clear_text = true;
        self
    }

    /// Where to search, the whole subtree of `base`, and by which filter (RFC 4515). In the filter
    /// `{user}` stands for the principal's name ([`Initiator::name`](crate::Initiator::name)),
    /// `{principal}` for the whole principal, `{realm}` for its realm and `{sid}` for the SID in
    /// the ticket's PAC, each escaped. A brace itself is written `\7b`.
    ///
    /// At least one `(attribute=value)`, not negated, must hold `{user}`, `{principal}` or `{sid}`.
    /// Those with a placeholder are compared with the entry to the letter, `{realm}` included, and
    /// of an OR one alternative must hold so as a whole. A value has one of the placeholders, or
    /// `{user}@{realm}`: joined in another way it could be two people's.
    ///
    /// `{sid}` is for Active Directory and Samba, and binary, as the value of `objectSid` is: it
    /// stands alone, as in `(objectSid={sid})`. With it, a ticket without a PAC is refused, and so
    /// is an entry whose `sAMAccountName` is not the PAC's account, ASCII case aside.
    pub fn search(mut self, base: impl Into<String>, filter: impl Into<String>) -> Self {
        self.search = Some((base.into(), filter.into()));
        self
    }

    /// Finds people of Active Directory whose ticket has no PAC by the ticket's name: where the
    /// filter has `{sid}`, by `sAMAccountName={user}`, to the letter. Without it they are refused.
    ///
    /// There, **the ticket's name is the client's choice**, and so is whether there is a PAC
    /// (`kinit --no-request-pac`). Whoever may create an account `carol$`, which by default is every
    /// user, or write an account's UPN, can get a ticket in the name `carol`, and signs in as her
    /// (CVE-2020-25717, CVE-2020-25719, CVE-2020-25721, CVE-2021-42278). Say it only where nobody but
    /// administrators can create accounts and change their names. A ticket that has a PAC still
    /// counts by it.
    pub fn trust_ticket_names(mut self) -> Self {
        self.trust_ticket_names = true;
        self
    }

    /// The attribute with the person's name, instead of `displayName` or else `cn`.
    pub fn display_name_attribute(mut self, name: impl Into<String>) -> Self {
        self.fields.display_name = vec![name.into()];
        self
    }

    /// The attribute with the mail address, instead of `mail`.
    pub fn email_attribute(mut self, name: impl Into<String>) -> Self {
        self.fields.email = name.into();
        self
    }

    /// The attribute with the DNs of the groups, instead of `memberOf`.
    pub fn group_attribute(mut self, name: impl Into<String>) -> Self {
        self.fields.groups = name.into();
        self
    }

    /// The attribute with what stays the same when a person is renamed, instead of `entryUUID`
    /// (RFC 4530): one value, text, which two entries never share and persons can't write. Of
    /// `objectSid` it is the SID's text, `S-1-5-…`.
    pub fn id_attribute(mut self, name: impl Into<String>) -> Self {
        self.fields.id = name.into();
        self
    }

    /// Further attributes to load into [`User::attributes`](crate::User::attributes), under the
    /// names given here. Values that are not text (UTF-8) are left out.
    pub fn attributes<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        for name in names.into_iter().map(Into::into) {
            let known = &mut self.fields.attributes;
            if !known.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
                known.push(name);
            }
        }
        self
    }

    /// How long a person waits at most for connect, bind and search together; 5 seconds unless
    /// said otherwise, and at most an hour.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The directory. It asks no server and no DNS: a server that is down keeps nobody from
    /// starting.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Ldap`] when a setting can't work or is not safe: it names the setting and
    /// what to write instead.
    pub fn build(self) -> Result<LdapDirectory, ConfigError> {
        let address = sole_server(&self.servers)?;
        if let Some(bind) = &self.bind {
            check_bind(bind, &address, self.allow_clear_text)?;
        }
        let preset = self.domain.as_deref().map(search_of).transpose()?;
        let (base, filter) = self.search.or(preset).ok_or_else(|| {
            wrong(
                "search",
                "there is none; write it as in \
                 .search(\"ou=people,dc=example,dc=com\", \"(uid={user})\")",
            )
        })?;
        check_base(&base)?;
        let filter = Filter::parse(&filter)?;
        let rules = rules(&filter, self.domain.is_some(), self.trust_ticket_names)?;
        self.fields.check()?;
        if self.timeout.is_zero() || self.timeout > LONGEST_TIMEOUT {
            return Err(wrong(
                "timeout",
                "nothing can be answered in no time, and nobody waits longer than an hour; leave \
                 it at 5 seconds, or give .timeout(..) another",
            ));
        }
        let own_roots = self.ca_file.as_deref().map(server::roots_of).transpose()?;
        let tls = match own_roots {
            _ if !address.uses_tls() => None,
            Some(roots) => Some(server::client_config(roots)?),
            None => Some(server::client_config(server::system_roots()?)?),
        };
        let mut requested: Vec<String> = Vec::new();
        let for_rules = rules.iter().flat_map(Rules::attributes);
        for name in filter
            .attributes()
            .chain(for_rules)
            .chain(self.fields.names())
        {
            if !requested.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                requested.push(name.to_owned());
            }
        }
        Ok(LdapDirectory {
            connection: Arc::new(SharedConnection::new(Endpoint {
                address,
                tls,
                bind: self.bind,
                timeout: self.timeout,
            })),
            base,
            filter,
            rules,
            fields: self.fields,
            requested,
        })
    }
}

impl fmt::Debug for LdapDirectoryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may still hold a password here.
        f.debug_struct("LdapDirectoryBuilder")
            .field("bind", &self.bind.as_ref().map(|bind| &bind.name))
            .field("search", &self.search)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn sole_server(urls: &[String]) -> Result<Address, ConfigError> {
    match urls {
        [url] => Address::parse(url),
        [] => Err(wrong(
            "server",
            "there is none, and a domain's are not looked up yet; name one, as in \
             .server(\"ldaps://dc1.corp.example.com\")",
        )),
        [_, ..] => Err(wrong(
            "server",
            "there are several, and one is supported yet; leave the others out",
        )),
    }
}

/// Base and filter for a domain.
fn search_of(domain: &str) -> Result<(String, String), ConfigError> {
    let base = active_directory::base(domain).ok_or_else(|| {
        wrong(
            "domain",
            format!("{domain:?} is no domain's DNS name; write it as in corp.example.com"),
        )
    })?;
    Ok((base, active_directory::FILTER.to_owned()))
}

fn rules(
    filter: &Filter,
    by_preset: bool,
    trust_ticket_names: bool,
) -> Result<Option<Rules>, ConfigError> {
    if !by_preset && !filter.has_sid() {
        return match trust_ticket_names {
            false => Ok(None),
            true => Err(wrong(
                "search",
                ".trust_ticket_names() stands beside a filter without {sid}, which trusts them \
                 anyway; leave it out, or search as in (objectSid={sid})",
            )),
        };
    }
    let ticket_names = trust_ticket_names.then(|| filter.by_account_name());
    Ok(Some(Rules {
        ticket_names: ticket_names.transpose()?,
        by_preset,
    }))
}

fn check_bind(bind: &Bind, address: &Address, allow_clear_text: bool) -> Result<(), ConfigError> {
    // A server takes either for an unauthenticated bind, and says "success" (RFC 4513 section
    // 5.1.2).
    if bind.name.is_empty() || bind.password.expose_secret().is_empty() {
        return Err(wrong(
            "bind",
            "the name or the password is empty, which binds as nobody and calls it success; give \
             both to .bind_simple(..), or leave it out for an anonymous search",
        ));
    }
    if !address.uses_tls() && !address.is_loopback() && !allow_clear_text {
        return Err(wrong(
            "bind",
            "the password would go over the network in clear text; write the URL with ldaps://, \
             or, if whoever is on the way may read it, say .allow_clear_text()",
        ));
    }
    Ok(())
}

fn check_base(base: &str) -> Result<(), ConfigError> {
    let is_dn = base.is_empty() || dn::first_value(base).is_some();
    if is_dn && !base.contains(|c: char| c.is_control()) {
        return Ok(());
    }
    Err(wrong(
        "search",
        format!("the base {base:?} is no DN; write it as in ou=people,dc=example,dc=com"),
    ))
}

fn wrong(setting: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Ldap {
        setting,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests;

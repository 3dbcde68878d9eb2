//! The settings of an [`LdapDirectory`], checked before anything is asked.

use std::fmt;
use std::sync::Arc;

use self::bind::BindSettings;
use self::groups::GroupSettings;
use self::people::{PeopleSettings, Preset};
use self::servers::ServerSettings;
use super::fields::{self, Fields};
use super::{LdapDirectory, dn, free_ipa};
use crate::error::ConfigError;

mod attributes;
mod bind;
mod groups;
mod people;
mod servers;

/// Makes an [`LdapDirectory`]; from [`LdapDirectory::builder`], its like for servers that DNS names, or
/// one of the [presets](crate::ldap#presets).
#[must_use]
#[derive(Default)]
pub struct LdapDirectoryBuilder {
    servers: ServerSettings,
    bind: BindSettings,
    people: PeopleSettings,
    groups: GroupSettings,
    fields: Fields,
}

impl LdapDirectoryBuilder {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn active_directory(domain: String) -> Self {
        Self {
            servers: ServerSettings::of_domain(domain.clone()),
            people: PeopleSettings::of(Preset::ActiveDirectory { domain }),
            fields: Fields::of_active_directory(),
            ..Self::default()
        }
    }

    pub(super) fn openldap(base: String) -> Self {
        Self {
            people: PeopleSettings::of(Preset::OpenLdap { base }),
            ..Self::default()
        }
    }

    pub(super) fn free_ipa(domain: String) -> Self {
        Self {
            servers: ServerSettings::of_domain(domain.clone()),
            people: PeopleSettings::of(Preset::FreeIpa { domain }),
            fields: free_ipa::fields(),
            ..Self::default()
        }
    }

    /// The directory. It asks no server and no DNS: a server that is down keeps nobody from
    /// starting.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Ldap`] when a setting can't work or is not safe: it names the setting and
    /// what to write instead.
    pub fn build(self) -> Result<LdapDirectory, ConfigError> {
        let servers = self.servers.build(self.bind)?;
        let groups = self.groups.build(self.people.group_defaults()?)?;
        let wanted: Vec<&str> = self.fields.names().chain(groups.attributes()).collect();
        check_names(wanted.iter().copied().chain(groups.own_attributes()))?;
        let people = self.people.build(&wanted, &self.fields.wildcards)?;
        Ok(LdapDirectory {
            servers: Arc::new(servers),
            people,
            groups,
            fields: self.fields,
        })
    }
}

impl fmt::Debug for LdapDirectoryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may still hold a password here.
        f.debug_struct("LdapDirectoryBuilder")
            .field("bind", &self.bind)
            .field("people", &self.people)
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}

fn check_names<'a>(attributes: impl Iterator<Item = &'a str>) -> Result<(), ConfigError> {
    for name in attributes {
        if !dn::is_attribute_name(name) {
            return Err(wrong(
                "attribute name",
                format!(
                    "{name:?} can't be one; write it as the schema does, as in displayName, with no \
                     options; * and + go into .attributes(..)"
                ),
            ));
        }
        if fields::is_secret(name) {
            return Err(wrong(
                "attribute name",
                format!(
                    "{name:?} holds passwords or keys, and what is loaded goes into the session; \
                     leave it out"
                ),
            ));
        }
    }
    Ok(())
}

fn no_domain(domain: &str) -> ConfigError {
    wrong(
        "domain",
        format!("{domain:?} is no domain's DNS name; write it as in corp.example.com"),
    )
}

fn wrong(setting: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Ldap {
        setting,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests;

//! Which attributes of an entry become which part of a [`User`].

use super::active_directory;
use super::entry::Entry;
use crate::directory::DirectoryError;
use crate::initiator::Initiator;
use crate::user::{Group, User};

mod secrets;

pub(super) use self::secrets::is_secret;

#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// Without one, the username is the name that was searched.
    pub(super) username: Option<String>,
    /// The first of these that has a value.
    pub(super) display_name: Vec<String>,
    pub(super) email: String,
    pub(super) id: String,
    pub(super) attributes: Vec<String>,
    /// Of `*` (RFC 4511 section 4.5.1.8) and `+` (RFC 3673), those asked for: all that the server
    /// then shows is loaded, too.
    pub(super) wildcards: Vec<String>,
}

/// All user attributes, and all operational ones.
pub(super) const WILDCARDS: [&str; 2] = ["*", "+"];

impl Default for Fields {
    fn default() -> Self {
        Self {
            username: None,
            display_name: vec!["displayName".to_owned(), "cn".to_owned()],
            email: "mail".to_owned(),
            id: "entryUUID".to_owned(),
            attributes: Vec::new(),
            wildcards: Vec::new(),
        }
    }
}

impl Fields {
    /// Those of Active Directory.
    pub(super) fn of_active_directory() -> Self {
        Self {
            username: Some(active_directory::ACCOUNT.to_owned()),
            id: active_directory::SID.to_owned(),
            ..Self::default()
        }
    }

    /// What the server is asked for by name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.username
            .iter()
            .chain(&self.display_name)
            .chain([&self.email, &self.id])
            .chain(&self.attributes)
            .map(String::as_str)
    }

    /// What tells these from others.
    pub(super) fn fingerprint(&self) -> impl Iterator<Item = &str> {
        let username = if self.username.is_some() {
            "username"
        } else {
            ""
        };
        let wildcards = self.wildcards.iter().map(String::as_str);
        [username].into_iter().chain(self.names()).chain(wildcards)
    }

    /// With all the groups that the person is in.
    pub(super) fn user(
        &self,
        who: &Initiator,
        entry: &Entry,
        groups: Vec<Group>,
    ) -> Result<User, DirectoryError> {
        let mut user = User::builder(who.principal().clone())
            .username(self.username(who, entry)?)
            .dn(entry.dn());
        if let Some(id) = self.id(entry) {
            user = user.id(id);
        }
        if let Some(name) = self.display_name.iter().find_map(|name| first(entry, name)) {
            user = user.display_name(name);
        }
        if let Some(email) = first(entry, &self.email) {
            user = user.email(email);
        }
        for group in groups {
            user = user.group(group);
        }
        if let Some(name) = self.attributes.iter().find(|name| entry.is_partial(name)) {
            return Err(DirectoryError::misconfigured().with_detail(format!(
                "the server gives only a part of {name} of {}, which has too many values: leave it out \
                 of .attributes(..); a user's groups are read to the end by .groups(..)",
                entry.dn()
            )));
        }
        for name in self.loaded(entry) {
            user = user.binary_attribute(name, entry.values(name));
        }
        Ok(user.build())
    }

    /// Those that were named, and with a wildcard all others that hold no secret, and are whole and
    /// text.
    fn loaded<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a str> {
        let others = entry.descriptions().filter(|name| {
            let is_named = self
                .attributes
                .iter()
                .any(|own| own.eq_ignore_ascii_case(name));
            let is_whole = !entry.is_partial(name.split(';').next().unwrap_or_default());
            let mut values = entry.values(name);
            !is_named
                && !is_secret(name)
                && is_whole
                && values.all(|value| str::from_utf8(value).is_ok())
        });
        let others = others.filter(|_| !self.wildcards.is_empty());
        self.attributes.iter().map(String::as_str).chain(others)
    }

    /// The directory's spelling of the name, or the name there of whom it has found by another, an
    /// alias say. Where the layer makes a name of its own of the person, for it allows several realms,
    /// say, that one counts.
    fn username<'a>(
        &'a self,
        who: &'a Initiator,
        entry: &'a Entry,
    ) -> Result<&'a str, DirectoryError> {
        let name = who.unique_name();
        let Some(attribute) = &self.username else {
            return Ok(name);
        };
        let spelled = || entry.texts(attribute);
        let own = spelled().find(|own| *own == name);
        if let Some(own) = own.or_else(|| spelled().find(|own| own.eq_ignore_ascii_case(name))) {
            return Ok(own);
        }
        if !who.has_plain_name() {
            return Ok(name);
        }
        sole(entry, attribute).ok_or_else(|| {
            DirectoryError::misconfigured().with_detail(format!(
                "the server does not show exactly one value of {attribute} of {}, which is to be the \
                 username: give the bind account the right to read it, or name another with \
                 .username_attribute(..)",
                entry.dn()
            ))
        })
    }

    fn id(&self, entry: &Entry) -> Option<String> {
        if self.id.eq_ignore_ascii_case(active_directory::SID) {
            return active_directory::sid(entry).map(|sid| sid.to_string());
        }
        sole(entry, &self.id).map(str::to_owned)
    }
}

fn first<'a>(entry: &'a Entry, name: &'a str) -> Option<&'a str> {
    entry.texts(name).find(|value| !value.trim().is_empty())
}

fn sole<'a>(entry: &'a Entry, name: &'a str) -> Option<&'a str> {
    let text = str::from_utf8(entry.sole(name)?).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;

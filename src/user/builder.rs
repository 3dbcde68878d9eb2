use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Group, Inner, User};
use crate::principal::Principal;

/// Makes a [`User`]; from [`User::builder`] or [`User::into_builder`].
#[derive(Clone)]
#[must_use]
pub struct UserBuilder {
    inner: Inner,
}

impl UserBuilder {
    pub(super) fn new(principal: Principal) -> Self {
        let inner = Inner {
            id: principal.to_string(),
            username: principal.short_name(),
            principal,
            display_name: None,
            email: None,
            dn: None,
            groups: Vec::new(),
            roles: BTreeSet::new(),
            attributes: BTreeMap::new(),
            binary: BTreeMap::new(),
        };
        Self { inner }
    }

    pub(super) fn of(user: User) -> Self {
        let inner = Arc::unwrap_or_clone(user.inner);
        Self { inner }
    }

    /// Sets what stays the same when the person is renamed. Two people must never share it.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.inner.id = id.into();
        self
    }

    /// Sets the name to sign in with.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.inner.username = username.into();
        self
    }

    /// Sets the name for people to read.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.inner.display_name = Some(name.into());
        self
    }

    /// Sets the mail address.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.inner.email = Some(email.into());
        self
    }

    /// Sets the distinguished name of the directory's entry.
    pub fn dn(mut self, dn: impl Into<String>) -> Self {
        self.inner.dn = Some(dn.into());
        self
    }

    /// Adds a group.
    pub fn group(mut self, group: Group) -> Self {
        self.inner.groups.push(group);
        self
    }

    /// Adds a role.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.inner.roles.insert(role.into());
        self
    }

    /// Sets the values of an attribute, in place of those that it had in whatever case of its name.
    pub fn attribute(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.set(name.into(), Some(values), None);
        self
    }

    /// The same for values that may be no text, such as a photo. They are stored in the session, like all
    /// of the user.
    pub fn binary_attribute(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<Vec<u8>>>,
    ) -> Self {
        let (mut texts, mut others) = (Vec::new(), Vec::new());
        for value in values {
            match String::from_utf8(value.into()) {
                Ok(text) => texts.push(text),
                Err(error) => others.push(error.into_bytes()),
            }
        }
        let texts = Some(texts).filter(|texts| !texts.is_empty());
        let others = Some(others).filter(|others| !others.is_empty());
        self.set(name.into(), texts, others);
        self
    }

    fn set(&mut self, name: String, texts: Option<Vec<String>>, others: Option<Vec<Vec<u8>>>) {
        let Inner {
            attributes, binary, ..
        } = &mut self.inner;
        attributes.retain(|own, _| !own.eq_ignore_ascii_case(&name));
        binary.retain(|own, _| !own.eq_ignore_ascii_case(&name));
        attributes.extend(texts.map(|texts| (name.clone(), texts)));
        binary.extend(others.map(|others| (name, others)));
    }

    /// The user.
    pub fn build(self) -> User {
        User {
            inner: Arc::new(self.inner),
        }
    }
}

impl fmt::Debug for UserBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserBuilder")
            .field("id", &self.inner.id)
            .finish_non_exhaustive()
    }
}

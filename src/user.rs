//! The user that handlers read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::builder::UserBuilder;
pub use self::group::Group;
use crate::attributes::{self, AttributesError, Values};
use crate::group_rule::GroupRule;
use crate::principal::Principal;

mod binary;
mod builder;
mod group;

/// The signed-in user: an extractor, and what a [`Directory`](crate::Directory) answers.
///
/// Cloning is cheap. `Debug` prints the id and the name only: attributes are the person's own.
///
/// ```
/// use tower_spnego::User;
///
/// async fn home(user: User) -> String {
///     format!("Hello, {}", user.display_name())
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    inner: Arc<Inner>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Inner {
    id: String,
    username: String,
    principal: Principal,
    display_name: Option<String>,
    email: Option<String>,
    dn: Option<String>,
    #[serde(with = "group::stored")]
    groups: Vec<Group>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    roles: BTreeSet<String>,
    attributes: BTreeMap<String, Vec<String>>,
    /// The values that are no UTF-8.
    #[serde(with = "binary", default, skip_serializing_if = "BTreeMap::is_empty")]
    binary: BTreeMap<String, Vec<Vec<u8>>>,
}

impl User {
    /// A user for an own [`Directory`](crate::Directory). Unless said otherwise, the id is the
    /// whole principal and the username is the principal's name.
    ///
    /// ```
    /// # use tower_spnego::{Group, Principal, User};
    /// # let principal: Principal = "alice@CORP.EXAMPLE.COM".parse()?;
    /// let user = User::builder(principal)
    ///     .id("4711")
    ///     .display_name("Alice Liddell")
    ///     .group(Group::new("Engineers"))
    ///     .build();
    /// assert_eq!(user.username(), "alice");
    /// assert!(user.is_in("Engineers"));
    /// # Ok::<_, tower_spnego::PrincipalError>(())
    /// ```
    pub fn builder(principal: Principal) -> UserBuilder {
        UserBuilder::new(principal)
    }

    /// The same user, to add to, as [`on_sign_in`](crate::SpnegoLayerBuilder::on_sign_in) may.
    pub fn into_builder(self) -> UserBuilder {
        UserBuilder::of(self)
    }

    /// The form in which the session stores a user. It is ours alone: `User` has no serde, so that
    /// no request's body can be read as one.
    pub(crate) fn to_stored(&self) -> serde_json::Result<String> {
        serde_json::to_string(&*self.inner)
    }

    pub(crate) fn from_stored(text: &str) -> serde_json::Result<Self> {
        let inner = Arc::new(serde_json::from_str(text)?);
        Ok(Self { inner })
    }

    /// What stays the same when the person is renamed: the directory's own id, else the principal.
    /// The session's data belongs to this id.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The name to sign in with, in the directory's spelling.
    pub fn username(&self) -> &str {
        &self.inner.username
    }

    /// The Kerberos principal that signed in.
    pub fn principal(&self) -> &Principal {
        &self.inner.principal
    }

    /// The person's name for people to read; the username where the directory has none.
    pub fn display_name(&self) -> &str {
        match &self.inner.display_name {
            Some(name) => name,
            None => &self.inner.username,
        }
    }

    /// The mail address, where the directory has one.
    pub fn email(&self) -> Option<&str> {
        self.inner.email.as_deref()
    }

    /// The distinguished name of the directory's entry.
    pub fn dn(&self) -> Option<&str> {
        self.inner.dn.as_deref()
    }

    /// The groups that the directory gave.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.inner.groups.iter()
    }

    /// Whether the user is surely in this group: a text that is a DN is compared with
    /// [`Group::dn`] as a DN, one that is a SID with [`Group::sid`], and every other with
    /// [`Group::name`], to the letter. [`GroupRule`] says what that means, and asks for more than one
    /// group; [`has_role`](Self::has_role) asks for what the layer has made of them.
    ///
    /// A name is unique only where one administrator owns all groups. Where parts of the directory
    /// are delegated, as on Active Directory, whoever owns one organizational unit can create a
    /// second `CN=Admins` there. So a name counts only of a group whose
    /// [name counts](Group::name_counts); where that is every group, give the DN or the SID.
    ///
    /// ```
    /// # use tower_spnego::{Group, Principal, User};
    /// # let principal: Principal = "alice@CORP.EXAMPLE.COM".parse()?;
    /// let admins = Group::new("Admins").with_dn("CN=Admins,OU=Groups,DC=corp,DC=example");
    /// let user = User::builder(principal).group(admins).build();
    /// assert!(user.is_in("Admins"));
    /// assert!(user.is_in("cn=admins, ou=groups, dc=corp, dc=example"));
    /// assert!(!user.is_in("CN=Admins,OU=Mallory,DC=corp,DC=example"));
    /// # Ok::<_, tower_spnego::PrincipalError>(())
    /// ```
    pub fn is_in(&self, group: &str) -> bool {
        GroupRule::from(group).admits(self)
    }

    /// Whether the user has this role, to the letter: one that the layer's
    /// [`role`](crate::SpnegoLayerBuilder::role) or an own directory gave at the sign-in.
    pub fn has_role(&self, role: &str) -> bool {
        self.inner.roles.contains(role)
    }

    /// All roles, in order.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &str> {
        self.inner.roles.iter().map(String::as_str)
    }

    /// The same user with these roles, too.
    pub(crate) fn with_roles<'a>(mut self, roles: impl Iterator<Item = &'a str>) -> Self {
        let mut roles = roles.map(str::to_owned).peekable();
        if roles.peek().is_some() {
            Arc::make_mut(&mut self.inner).roles.extend(roles);
        }
        self
    }

    /// The values of one attribute that are text (UTF-8). Its name is compared without regard to ASCII
    /// case, as LDAP does (RFC 4512 section 2.5).
    pub fn attribute(&self, name: &str) -> &[String] {
        values(&self.inner.attributes, name)
    }

    /// All values of one attribute, those that are text and those that are not: a photo (`jpegPhoto`),
    /// say, or an `objectGUID`, which may be either. LDAP has no order among values.
    ///
    /// ```
    /// # use tower_spnego::{Principal, User};
    /// # let principal: Principal = "alice@CORP.EXAMPLE.COM".parse()?;
    /// let user = User::builder(principal)
    ///     .binary_attribute("jpegPhoto", [b"\xff\xd8\xff\xe0".to_vec()])
    ///     .build();
    /// let photo: Option<&[u8]> = user.binary_attribute("jpegPhoto").next();
    /// assert!(photo.is_some_and(|photo| photo.starts_with(b"\xff\xd8")));
    /// # Ok::<_, tower_spnego::PrincipalError>(())
    /// ```
    pub fn binary_attribute(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let texts = self.attribute(name).iter().map(String::as_bytes);
        let others = values(&self.inner.binary, name).iter();
        texts.chain(others.map(Vec::as_slice))
    }

    /// All attributes that the directory loaded with their values that are text, in order of their
    /// names.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.inner
            .attributes
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// The attributes as a type of the application's own; [`attributes`](crate::attributes) says what can
    /// be read into what.
    ///
    /// ```
    /// use serde::Deserialize;
    /// # use tower_spnego::{Principal, User};
    ///
    /// #[derive(Deserialize)]
    /// #[serde(rename_all = "camelCase")]
    /// struct Employee {
    ///     employee_number: u32,
    ///     department_number: Vec<String>,
    ///     title: Option<String>,
    /// }
    ///
    /// # let principal: Principal = "alice@CORP.EXAMPLE.COM".parse()?;
    /// # let user = User::builder(principal)
    /// #     .attribute("employeeNumber", ["4711"])
    /// #     .attribute("departmentnumber", ["R&D", "Board"])
    /// #     .build();
    /// let employee: Employee = user.attributes_as()?;
    /// assert_eq!(employee.employee_number, 4711);
    /// assert_eq!(employee.department_number, ["R&D", "Board"]);
    /// assert_eq!(employee.title, None);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An attribute is missing, or its values don't fit; the error names it, and does not print them.
    pub fn attributes_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, AttributesError> {
        attributes::read(self)
    }

    /// All attributes with all their values.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, Values<'_>)> {
        let Inner {
            attributes, binary, ..
        } = &*self.inner;
        let binary_alone = binary.keys().filter(|name| !attributes.contains_key(*name));
        attributes.keys().chain(binary_alone).map(|name| {
            let values = Values {
                texts: attributes.get(name).map_or(&[], Vec::as_slice),
                others: binary.get(name).map_or(&[], Vec::as_slice),
            };
            (name.as_str(), values)
        })
    }
}

fn values<'a, T>(attributes: &'a BTreeMap<String, Vec<T>>, name: &str) -> &'a [T] {
    attributes
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map_or(&[], |(_, values)| values)
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id())
            .field("username", &self.username())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

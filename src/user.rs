//! The user that handlers read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::group::Group;
use crate::group_rule::GroupRule;
use crate::principal::Principal;

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
        UserBuilder {
            inner: Inner {
                id: principal.to_string(),
                username: principal.short_name(),
                principal,
                display_name: None,
                email: None,
                dn: None,
                groups: Vec::new(),
                roles: BTreeSet::new(),
                attributes: BTreeMap::new(),
            },
        }
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

    /// The values of one attribute, whose name is compared without regard to ASCII case, as LDAP
    /// does (RFC 4512 section 2.5).
    pub fn attribute(&self, name: &str) -> &[String] {
        self.inner
            .attributes
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map_or(&[], |(_, values)| values)
    }

    /// All attributes that the directory loaded, in order of their names.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.inner
            .attributes
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id())
            .field("username", &self.username())
            .finish_non_exhaustive()
    }
}

/// Makes a [`User`]; from [`User::builder`].
#[derive(Clone)]
#[must_use]
pub struct UserBuilder {
    inner: Inner,
}

impl UserBuilder {
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

    /// Sets the values of an attribute.
    pub fn attribute(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.inner.attributes.insert(name.into(), values);
        self
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sid::Sid;

    fn alice() -> UserBuilder {
        User::builder("alice@CORP".parse().unwrap())
    }

    #[test]
    fn a_session_gives_groups_back_with_dn_sid_and_what_their_name_is_worth() {
        let sid: Sid = "S-1-5-21-1-2-3-513".parse().unwrap();
        let user = alice()
            .group(Group::new("a"))
            .group(Group::new("b").with_dn("cn=b"))
            .group(Group::new("c").with_sid(sid))
            .group(Group::new("d").with_dn("cn=d").with_sid(sid))
            .group(Group::new("e").with_uncounted_name())
            .build();
        let read = User::from_stored(&user.to_stored().unwrap()).unwrap();
        assert_eq!(read, user);
        let sids: Vec<_> = read.groups().map(Group::sid).collect();
        assert_eq!(sids, [None, None, Some(sid), Some(sid), None]);
        let counts: Vec<_> = read.groups().map(Group::name_counts).collect();
        assert_eq!(counts, [true, true, true, true, false]);
        assert!(user.to_stored().unwrap().contains(r#"["a",null,null]"#));
    }

    #[test]
    fn a_session_gives_roles_back() {
        let user = alice().role("admin").build();
        let user = user.with_roles(["editor", "admin"].into_iter());
        let read = User::from_stored(&user.to_stored().unwrap()).unwrap();
        assert_eq!(read.roles().collect::<Vec<_>>(), ["admin", "editor"]);
        assert!(read.has_role("admin") && !read.has_role("Admin"));
        assert!(!alice().build().to_stored().unwrap().contains("roles"));
    }

    #[test]
    fn a_stored_group_whose_sid_is_none_makes_no_user() {
        let sid: Sid = "S-1-5-32-544".parse().unwrap();
        let user = alice().group(Group::new("c").with_sid(sid)).build();
        let stored = user.to_stored().unwrap();
        let broken = stored.replace("S-1-5-32-544", "S-1-5-032-544");
        assert_ne!(stored, broken);
        assert!(User::from_stored(&broken).is_err());
    }
}

//! [`GroupRule`]: which groups somebody must be in, or must not.

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};

pub(crate) use self::key::Doubt;
use self::key::Key;
use crate::error::{ConfigError, Error, ErrorKind};
use crate::sid::Sid;
use crate::truth::Truth;
use crate::user::User;

mod key;

/// A condition on the groups of a [`User`]: for
/// [`require_group`](crate::SpnegoLayerBuilder::require_group),
/// [`deny_group`](crate::SpnegoLayerBuilder::deny_group) and
/// [`role`](crate::SpnegoLayerBuilder::role), or for a handler to ask by [`admits`](Self::admits).
///
/// Rules are joined by `&`, `|` and `!`, or by [`all`](Self::all) and [`any`](Self::any):
///
/// ```
/// use tower_spnego::{Group, GroupRule, Principal, User};
///
/// let staff = GroupRule::dn("CN=Staff,OU=Groups,DC=corp,DC=example");
/// let contractors = GroupRule::dn("CN=Contractors,OU=Groups,DC=corp,DC=example");
/// let rule = staff & !contractors;
///
/// # let principal: Principal = "alice@CORP.EXAMPLE.COM".parse()?;
/// let alice = User::builder(principal)
///     .group(Group::new("Staff").with_dn("cn=staff,ou=groups,dc=corp,dc=example"))
///     .build();
/// assert!(rule.admits(&alice));
/// # Ok::<_, tower_spnego::PrincipalError>(())
/// ```
///
/// # What names a group
///
/// A text stands for a rule, too: one that begins like a SID (`S-1-`) for [`sid`](Self::sid), one
/// with a `=` for [`dn`](Self::dn), and every other for [`name`](Self::name). What begins like a SID
/// or a DN and is none is a mistake, which the layer's `build()` tells.
///
/// - **A DN** is compared as LDAP does (RFC 4514, RFC 4517 section 4.2.15), not as text.
/// - **A SID** is a group of Windows, through every renaming.
/// - **A name** is compared to the letter, and counts only of a group whose
///   [name counts](crate::Group::name_counts). Where that is every group, and parts of the directory
///   are delegated, anybody who may create a group can give it any name: go by DN or SID there.
///
/// # What is not known
///
/// Each rule holds, does not hold, or is not known to do either, and only what surely holds admits.
/// `!` leaves what is not known as it is, so that a rule and its contrary can both admit nobody. Not
/// known is:
///
/// - whether two texts are one group that differ in the case or form of letters beyond ASCII, or in
///   the number of spaces inside of them: servers differ there. So is a name that differs only in case;
/// - whether a group without a DN is the one that a DN names, and whether one without a SID is the
///   one that a SID names, where the user is not in that group by another.
#[derive(Clone)]
pub struct GroupRule(Node);

#[derive(Clone)]
enum Node {
    In(Key),
    All(Vec<GroupRule>),
    Any(Vec<GroupRule>),
    Not(Box<GroupRule>),
}

const OVER_NOTHING: &str = "it is made of no rules at all; leave it out, or name a group";

/// What names a group in a [`GroupRule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupKey<'a> {
    /// Its name.
    Name(&'a str),
    /// Its distinguished name, as it was written.
    Dn(&'a str),
    /// Its security identifier.
    Sid(Sid),
}

impl GroupRule {
    /// Who is in the group with this distinguished name.
    pub fn dn(dn: impl Into<String>) -> Self {
        Self(Node::In(Key::dn(dn.into())))
    }

    /// Who is in the group with this security identifier.
    pub fn sid(sid: Sid) -> Self {
        Self(Node::In(Key::Sid(sid)))
    }

    /// Who is in a group of this name, whatever characters it has.
    pub fn name(name: impl Into<String>) -> Self {
        Self(Node::In(Key::name(name.into())))
    }

    /// Whoever one of these rules holds for.
    pub fn any<R: Into<Self>>(rules: impl IntoIterator<Item = R>) -> Self {
        Self(Node::Any(rules.into_iter().map(Into::into).collect()))
    }

    /// Whoever all of these rules hold for.
    pub fn all<R: Into<Self>>(rules: impl IntoIterator<Item = R>) -> Self {
        Self(Node::All(rules.into_iter().map(Into::into).collect()))
    }

    /// Whether the rule surely holds for the user. A rule with a mistake in it (a DN that is none, an
    /// [`all`](Self::all) of no rules) admits nobody.
    pub fn admits(&self, user: &User) -> bool {
        self.judge(user) == Truth::Yes
    }

    pub(crate) fn judge(&self, user: &User) -> Truth {
        match &self.0 {
            Node::In(key) => key.judge(user),
            Node::All(rules) | Node::Any(rules) if rules.is_empty() => Truth::Maybe,
            Node::All(rules) => Truth::all(rules.iter().map(|rule| rule.judge(user))),
            Node::Any(rules) => Truth::any(rules.iter().map(|rule| rule.judge(user))),
            Node::Not(rule) => !rule.judge(user),
        }
    }

    /// Why nobody knows whether it holds; nothing where that is known.
    pub(crate) fn doubt(&self, user: &User) -> Option<Doubt> {
        if self.judge(user) != Truth::Maybe {
            return None;
        }
        match &self.0 {
            Node::In(key) => key.doubt(user),
            Node::All(rules) | Node::Any(rules) if rules.is_empty() => {
                Some(Doubt::Missing(OVER_NOTHING.to_owned()))
            }
            Node::All(rules) | Node::Any(rules) => rules.iter().find_map(|rule| rule.doubt(user)),
            Node::Not(rule) => rule.doubt(user),
        }
    }

    /// Why the user is refused, by whoever says so in `whom`. What nobody can know of them is the
    /// directory's fault; what is known is of this kind.
    pub(crate) fn refusal(&self, kind: ErrorKind, user: &User, whom: &str) -> Error {
        let principal = user.principal();
        match self.doubt(user) {
            None => {
                let given = given(user);
                Error::new(kind).with_detail(format!("{principal}; {whom}: {self}; {given}"))
            }
            Some(Doubt::Spelling(why)) => {
                Error::new(kind).with_detail(format!("{principal}; {whom}: {self}; {why}"))
            }
            Some(Doubt::Missing(why)) => Error::new(ErrorKind::DirectoryMisconfigured).with_detail(
                format!("for {principal}, of whom nobody knows whether {whom}: {self}; {why}"),
            ),
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |reason: String| ConfigError::GroupRule {
            rule: self.to_string(),
            reason,
        };
        match &self.0 {
            Node::In(key) => key.check().map_err(wrong),
            Node::All(rules) | Node::Any(rules) if rules.is_empty() => {
                Err(wrong(OVER_NOTHING.to_owned()))
            }
            Node::All(rules) | Node::Any(rules) => rules.iter().try_for_each(Self::check),
            Node::Not(rule) => rule.check(),
        }
    }

    /// The first group that is not known, in words.
    pub(crate) fn unknown(&self, is_known: &dyn Fn(GroupKey<'_>) -> bool) -> Option<String> {
        match &self.0 {
            Node::In(key) => match key.as_group_key() {
                Some(group) if !is_known(group) => Some(key.to_string()),
                _ => None,
            },
            Node::All(rules) | Node::Any(rules) => {
                rules.iter().find_map(|rule| rule.unknown(is_known))
            }
            Node::Not(rule) => rule.unknown(is_known),
        }
    }
}

/// What a rule was held against, for whoever has written it.
fn given(user: &User) -> String {
    const SHOWN: usize = 5;
    let shown = user.groups().take(SHOWN).map(|group| {
        let named = group.dn().unwrap_or(group.name());
        match group.name_counts() {
            true => format!("{named:?}"),
            false => format!("{named:?} (whose name does not count)"),
        }
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match user.groups().len() {
        0 => "the directory gave no groups".to_owned(),
        count if count > SHOWN => {
            format!("the directory gave {shown} and {} more", count - SHOWN)
        }
        _ => format!("the directory gave {shown}"),
    }
}

impl From<&str> for GroupRule {
    fn from(text: &str) -> Self {
        Self(Node::In(Key::of_text(text)))
    }
}

impl From<String> for GroupRule {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Sid> for GroupRule {
    fn from(sid: Sid) -> Self {
        Self::sid(sid)
    }
}

impl BitAnd for GroupRule {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::all([self, other])
    }
}

impl BitOr for GroupRule {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self::any([self, other])
    }
}

impl Not for GroupRule {
    type Output = Self;

    fn not(self) -> Self {
        Self(Node::Not(Box::new(self)))
    }
}

/// In words: `(DN "cn=Staff,dc=example" and not name "Guests")`. Two rules that are not the same
/// differ in it.
impl fmt::Display for GroupRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut joined = |rules: &[Self], word: &str| match rules {
            [] => write!(f, "({word} of nothing)"),
            [first, others @ ..] => {
                write!(f, "({first}")?;
                for other in others {
                    write!(f, " {word} {other}")?;
                }
                f.write_str(")")
            }
        };
        match &self.0 {
            Node::In(key) => key.fmt(f),
            Node::All(rules) => joined(rules, "and"),
            Node::Any(rules) => joined(rules, "or"),
            Node::Not(rule) => write!(f, "not {rule}"),
        }
    }
}

impl fmt::Debug for GroupRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupRule({self})")
    }
}

#[cfg(test)]
mod tests;

//! What names one group, and whether somebody is in it.

use std::fmt;

use super::GroupKey;
use crate::dn::Dn;
use crate::sid::Sid;
use crate::spelling::alike;
use crate::truth::Truth;
use crate::user::{Group, User};

#[derive(Clone)]
pub(super) enum Key {
    Name(String),
    Dn(Dn),
    Sid(Sid),
    /// A mistake in the setting.
    Wrong {
        text: String,
        reason: String,
    },
}

/// Why nobody knows whether somebody is in a group, and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// A group of theirs is spelled nearly so.
    Spelling(String),
    /// The directory does not tell.
    Missing(String),
}

impl Key {
    pub(super) fn name(text: String) -> Self {
        match text.trim().is_empty() {
            false => Self::Name(text),
            true => Self::Wrong {
                text,
                reason: "no group has an empty name".to_owned(),
            },
        }
    }

    pub(super) fn dn(text: String) -> Self {
        match text.parse::<Dn>() {
            Ok(dn) if !dn.is_root() => Self::Dn(dn),
            Ok(_) => Self::Wrong {
                text,
                reason: "an empty DN is no group's".to_owned(),
            },
            Err(error) => Self::Wrong {
                text,
                reason: format!(
                    "it is no DN: {error}; write it as the directory does, as in \
                     CN=Staff,OU=Groups,DC=corp,DC=example"
                ),
            },
        }
    }

    pub(super) fn of_text(text: &str) -> Self {
        if text.starts_with("S-1-") {
            return match text.parse() {
                Ok(sid) => Self::Sid(sid),
                Err(error) => Self::Wrong {
                    text: text.to_owned(),
                    reason: format!("{error}; a name that begins so goes into GroupRule::name(..)"),
                },
            };
        }
        if !text.contains('=') {
            return Self::name(text.to_owned());
        }
        match Self::dn(text.to_owned()) {
            Self::Wrong { text, reason } => Self::Wrong {
                text,
                reason: format!("{reason}; a name with a = in it goes into GroupRule::name(..)"),
            },
            dn => dn,
        }
    }

    pub(super) fn as_group_key(&self) -> Option<GroupKey<'_>> {
        match self {
            Self::Name(name) => Some(GroupKey::Name(name)),
            Self::Dn(dn) => Some(GroupKey::Dn(dn.as_str())),
            Self::Sid(sid) => Some(GroupKey::Sid(*sid)),
            Self::Wrong { .. } => None,
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Wrong { reason, .. } => Err(reason.clone()),
            _ => Ok(()),
        }
    }

    pub(super) fn judge(&self, user: &User) -> Truth {
        match self {
            Self::Wrong { .. } => Truth::Maybe,
            _ => Truth::any(user.groups().map(|group| self.is(group))),
        }
    }

    /// Whether this names the group.
    fn is(&self, group: &Group) -> Truth {
        match self {
            Self::Name(name) => {
                let spelled = if group.name() == name {
                    Truth::Yes
                } else if alike(group.name(), name) {
                    Truth::Maybe
                } else {
                    Truth::No
                };
                spelled.min(group.if_name_counts())
            }
            Self::Dn(wanted) => match group.dn().map(str::parse::<Dn>) {
                Some(Ok(dn)) => dn.is(wanted),
                // Such as "authenticated by the KDC", which a ticket lists among the groups.
                None if group.sid().is_some_and(|sid| sid.is_of_no_group()) => Truth::No,
                Some(Err(_)) | None => Truth::Maybe,
            },
            Self::Sid(wanted) => match group.sid() {
                Some(sid) if sid == *wanted => Truth::Yes,
                Some(_) => Truth::No,
                None => Truth::Maybe,
            },
            Self::Wrong { .. } => Truth::Maybe,
        }
    }

    pub(super) fn doubt(&self, user: &User) -> Option<Doubt> {
        if let Self::Wrong { text, reason } = self {
            return Some(Doubt::Missing(format!("of {text:?}, {reason}")));
        }
        let group = user.groups().find(|group| self.is(group) == Truth::Maybe)?;
        let name = group.name();
        let spelled = |own: &str| {
            Doubt::Spelling(format!(
                "the directory spells a group of theirs {own:?}, and whether that is {self} only the \
                 server knows: write it in the rule as the directory does"
            ))
        };
        Some(match (self, group.dn()) {
            (Self::Name(wanted), _) if name != wanted => spelled(name),
            (Self::Name(_), _) => Doubt::Missing(format!(
                "the group {name:?} may be below a group base, or not: write the bases as the \
                 directory spells them, or the rule with the group's DN"
            )),
            (Self::Dn(_), Some(dn)) if dn.parse::<Dn>().is_ok() => spelled(dn),
            (Self::Dn(_), Some(dn)) => Doubt::Missing(format!(
                "{dn:?}, the DN of the group {name:?}, can't be read: write the rule with a SID or \
                 a name"
            )),
            (Self::Dn(_), None) => Doubt::Missing(format!(
                "the group {name:?} has no DN in this directory, so that it may be {self}: write \
                 the rule with GroupRule::sid(..) or GroupRule::name(..); a TicketDirectory knows \
                 the DNs of groups below the base of .names_from(..)"
            )),
            (Self::Sid(_) | Self::Wrong { .. }, _) => Doubt::Missing(format!(
                "the group {name:?} has no SID in this directory, so that it may be {self}: write \
                 the rule with GroupRule::dn(..)"
            )),
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "name {name:?}"),
            Self::Dn(dn) => write!(f, "DN {:?}", dn.as_str()),
            Self::Sid(sid) => write!(f, "SID {sid}"),
            Self::Wrong { text, .. } => write!(f, "{text:?}"),
        }
    }
}

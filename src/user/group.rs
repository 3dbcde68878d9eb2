//! The groups of a user.

#[cfg(feature = "ldap")]
use crate::dn::Dn;
use crate::sid::Sid;
use crate::truth::Truth;

/// A group of a [`User`](crate::User).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    name: String,
    dn: Option<String>,
    sid: Option<Sid>,
    /// Whether the name tells it from all other groups.
    name_counts: Truth,
}

impl Group {
    /// A group known by its name alone.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            dn: None,
            sid: None,
            name_counts: Truth::Yes,
        }
    }

    /// The same group with its distinguished name.
    #[must_use]
    pub fn with_dn(mut self, dn: impl Into<String>) -> Self {
        self.dn = Some(dn.into());
        self
    }

    /// The same group with its security identifier.
    #[must_use]
    pub fn with_sid(mut self, sid: Sid) -> Self {
        self.sid = Some(sid);
        self
    }

    /// The same group with a name that is only for people to read: somebody else than the
    /// administrator can give another group this name. [`User::is_in`](crate::User::is_in) and
    /// [`GroupRule::name`](crate::GroupRule::name) pass it over.
    #[must_use]
    pub fn with_uncounted_name(mut self) -> Self {
        self.name_counts = Truth::No;
        self
    }

    /// The same group, whose name counts only below one of these bases; where there are none, every
    /// name does. Where nobody knows whether it is below one, for a base is spelled otherwise than the
    /// directory does it, neither does the name count nor is it passed over.
    #[cfg(feature = "ldap")]
    #[must_use]
    pub(crate) fn with_name_counted_below(mut self, bases: &[Dn]) -> Self {
        if !bases.is_empty() {
            let dn: Option<Dn> = self.dn().and_then(|dn| dn.parse().ok());
            self.name_counts = match dn {
                Some(dn) => Truth::any(bases.iter().map(|base| dn.is_below(base))),
                None => Truth::Maybe,
            };
        }
        self
    }

    /// The name, such as `Engineers`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The distinguished name, where the directory has one.
    pub fn dn(&self) -> Option<&str> {
        self.dn.as_deref()
    }

    /// The security identifier, where the directory has one: a group of Windows, which keeps it
    /// through every renaming.
    pub fn sid(&self) -> Option<Sid> {
        self.sid
    }

    /// Whether the name surely tells this group from all others, as far as the directory knows.
    pub fn name_counts(&self) -> bool {
        self.name_counts == Truth::Yes
    }

    pub(crate) fn if_name_counts(&self) -> Truth {
        self.name_counts
    }
}

/// Groups as lists of name, DN, the SID's text, and what else there is to say.
pub(super) mod stored {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Group, Truth};

    #[derive(Serialize)]
    struct Written<'a>(
        &'a str,
        Option<&'a str>,
        Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")] Option<bool>,
    );

    #[derive(Deserialize)]
    struct Read(
        String,
        Option<String>,
        Option<String>,
        #[serde(default)] Option<bool>,
    );

    pub(in super::super) fn serialize<S: Serializer>(
        groups: &[Group],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(groups.iter().map(|group| {
            let sid = group.sid.map(|sid| sid.to_string());
            // Whether the name may count, where it does not surely.
            let name_counts = match group.name_counts {
                Truth::Yes => None,
                Truth::Maybe => Some(true),
                Truth::No => Some(false),
            };
            Written(group.name(), group.dn(), sid, name_counts)
        }))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Group>, D::Error> {
        let read = |Read(name, dn, sid, name_counts)| {
            let sid = sid.map(|sid| sid.parse().map_err(D::Error::custom));
            Ok(Group {
                name,
                dn,
                sid: sid.transpose()?,
                name_counts: match name_counts {
                    None => Truth::Yes,
                    Some(true) => Truth::Maybe,
                    Some(false) => Truth::No,
                },
            })
        };
        let stored = Vec::<Read>::deserialize(from)?;
        stored.into_iter().map(read).collect()
    }
}

#[cfg(all(test, feature = "ldap"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_below_a_base_and_nowhere_else() {
        let bases: [Dn; 2] =
            ["ou=Groups,dc=corp", "ou=Größe,dc=corp"].map(|dn| dn.parse().unwrap());
        let counts = |group: Group, bases| group.with_name_counted_below(bases).if_name_counts();
        for (dn, expected) in [
            ("cn=a,OU=groups,DC=corp", Truth::Yes),
            ("cn=a,ou=b,ou=groups,dc=corp", Truth::Yes),
            ("cn=a,ou=größe,dc=corp", Truth::Yes),
            ("cn=a,ou=GRÖSSE,dc=corp", Truth::Maybe),
            ("cn=a,ou=Mallory,dc=corp", Truth::No),
            ("cn=a,ou=Groups", Truth::No),
            ("no DN", Truth::Maybe),
        ] {
            let group = Group::new("a").with_dn(dn);
            assert_eq!(counts(group.clone(), &bases), expected, "{dn}");
            assert_eq!(counts(group, &[]), Truth::Yes, "{dn}");
        }
        assert_eq!(counts(Group::new("a"), &bases), Truth::Maybe);
    }
}

//! How far below its base a search goes.

/// Which entries below a base are searched (RFC 4511 section 4.5.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Scope {
    /// The base alone (`baseObject`).
    Base,
    /// Those right below the base (`singleLevel`).
    OneLevel,
    /// The base, and all below it (`wholeSubtree`).
    #[default]
    Subtree,
}

impl From<Scope> for ldap3::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Base => Self::Base,
            Scope::OneLevel => Self::OneLevel,
            Scope::Subtree => Self::Subtree,
        }
    }
}

//! By which name a layer has its people looked for.

use crate::error::{ConfigError, Error, ErrorKind};
use crate::principal::{AllowedRealms, Principal, is_deceptive};

/// How a principal becomes the name that a directory looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameMapping {
    /// `alice@CORP.EXAMPLE.COM` is `alice`. With several realms that would be another person's
    /// name, too, so that the layer does not start.
    StripRealm,
    /// `alice@CORP.EXAMPLE.COM` stays so.
    FullPrincipal,
    /// What the `auth_to_local` rules of `krb5.conf` make of it. A principal that no rule fits is
    /// refused: [`ErrorKind::NoLocalName`]. That no two people get one name is on the rules.
    AuthToLocal,
}

impl NameMapping {
    /// For a layer's fingerprint. No realm has a space.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::StripRealm => "strip realm",
            Self::FullPrincipal => "full principal",
            Self::AuthToLocal => "auth to local",
        }
    }

    pub(crate) fn check(self, realms: &AllowedRealms) -> Result<(), ConfigError> {
        match self {
            Self::StripRealm if !realms.is_single() => Err(ConfigError::StrippingSeveralRealms),
            _ => Ok(()),
        }
    }
}

/// What a layer calls its people.
#[derive(Clone, Copy)]
pub(crate) struct Naming<'a> {
    pub(crate) realms: &'a AllowedRealms,
    pub(crate) mapping: Option<NameMapping>,
}

impl Naming<'_> {
    /// [`Initiator::name`] and [`Initiator::unique_name`].
    pub(super) fn names(
        self,
        principal: &Principal,
        local: Option<&str>,
    ) -> Result<(String, String), Error> {
        let whole = || principal.to_string();
        Ok(match self.mapping {
            None if !self.realms.is_single() => (principal.short_name(), whole()),
            None | Some(NameMapping::StripRealm) => {
                (principal.short_name(), principal.short_name())
            }
            Some(NameMapping::FullPrincipal) => (whole(), whole()),
            Some(NameMapping::AuthToLocal) => {
                let name = local_name(principal, local)?;
                (name.clone(), name)
            }
        })
    }

    pub(super) fn is_plain(self) -> bool {
        match self.mapping {
            None => self.realms.is_single(),
            Some(mapping) => mapping == NameMapping::StripRealm,
        }
    }
}

fn local_name(principal: &Principal, local: Option<&str>) -> Result<String, Error> {
    match local {
        Some(name) if name.contains(is_deceptive) => {
            Err(Error::new(ErrorKind::NameNotAllowed).with_detail(name))
        }
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(Error::new(ErrorKind::NoLocalName).with_detail(principal.to_string())),
    }
}

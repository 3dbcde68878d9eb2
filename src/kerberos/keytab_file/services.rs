//! Whose keys count, and in which realm.

use std::path::Path;

use super::super::keytab::Keytab;
use crate::error::ConfigError;
use crate::principal::Principal;

/// Which of the keytab's keys count.
#[derive(Debug, Clone)]
pub(crate) enum Services {
    /// That of `HTTP/<hostname>`, whatever host a request is for.
    Host(String),
    /// Those of `HTTP/<hostname>` for each of these, in requests to that host.
    Hosts(Vec<String>),
    /// All of them, in every request.
    WholeKeytab,
}

impl Services {
    pub(super) fn hosts(&self) -> &[String] {
        match self {
            Self::Host(host) => std::slice::from_ref(host),
            Self::Hosts(hosts) => hosts,
            Self::WholeKeytab => &[],
        }
    }
}

/// [`Services`] as principals.
pub(super) enum Wanted {
    /// In the order of the host names.
    Principals(Vec<String>),
    AllOf {
        realm: String,
    },
}

impl Wanted {
    /// The principals that count, if the keytab has a key for each.
    pub(super) fn find(&self, keytab: &Keytab) -> Result<Vec<String>, String> {
        match self {
            Self::Principals(principals) => {
                let held: Vec<_> = keytab.principals().map(ToString::to_string).collect();
                match principals.iter().find(|wanted| !held.contains(wanted)) {
                    Some(missing) => Err(format!("it has no key for {missing}")),
                    None => Ok(principals.clone()),
                }
            }
            Self::AllOf { realm } => {
                let held = keytab
                    .principals()
                    .filter(|principal| principal.realm() == realm);
                let held: Vec<_> = held.map(ToString::to_string).collect();
                match held.is_empty() {
                    true => Err(format!("it has no key of the realm {realm}")),
                    false => Ok(held),
                }
            }
        }
    }
}

pub(super) fn spn_of(hostname: &String) -> String {
    format!("HTTP/{hostname}")
}

/// The one principal `HTTP/<hostname>` that the keytab has a key for.
pub(super) fn principal_of(
    path: &Path,
    keytab: &Keytab,
    hostname: &String,
    wanted: Option<&str>,
) -> Result<String, ConfigError> {
    let spn = spn_of(hostname);
    let realms = keytab.realms_of("HTTP", hostname);
    let realm = match (wanted, realms.as_slice()) {
        (Some(wanted), realms) if realms.iter().any(|realm| realm == wanted) => wanted,
        (Some(wanted), _) => return Err(missing(path, keytab, format!("{spn}@{wanted}"))),
        (None, []) => return Err(missing(path, keytab, spn)),
        (None, [realm]) => realm,
        (None, _) => return Err(ConfigError::ServiceRealmAmbiguous { spn, realms }),
    };
    Ok(format!("{spn}@{realm}"))
}

/// The one realm of all the keytab's principals.
pub(super) fn sole_realm(
    path: &Path,
    keytab: &Keytab,
    wanted: Option<&str>,
) -> Result<String, ConfigError> {
    let mut realms: Vec<_> = keytab.principals().map(Principal::realm).collect();
    realms.sort_unstable();
    realms.dedup();
    match (wanted, realms.as_slice()) {
        (Some(wanted), realms) if realms.contains(&wanted) => Ok(wanted.to_owned()),
        (Some(wanted), _) => Err(missing(path, keytab, format!("any service@{wanted}"))),
        (None, []) => Err(missing(path, keytab, "any service".to_owned())),
        (None, [realm]) => Ok((*realm).to_owned()),
        (None, _) => Err(ConfigError::ServiceRealmAmbiguous {
            spn: "principals".to_owned(),
            realms: realms.into_iter().map(str::to_owned).collect(),
        }),
    }
}

fn missing(path: &Path, keytab: &Keytab, spn: String) -> ConfigError {
    ConfigError::SpnNotInKeytab {
        path: path.to_owned(),
        spn,
        realm: None,
        principals: keytab.principals().map(ToString::to_string).collect(),
    }
}

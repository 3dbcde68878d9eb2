//! The service that tickets are for: its host names and its keys.

use std::path::PathBuf;
use std::time::Duration;

use super::SpnegoLayerBuilder;
use crate::error::ConfigError;
use crate::kerberos::Services;

/// # The service
impl SpnegoLayerBuilder {
    /// The name by which browsers open the site. The service's principal (SPN) is
    /// `HTTP/<hostname>`, in lower case as browsers ask for it.
    ///
    /// A ticket for it counts whatever `Host` a request names, as where a browser looks up an alias
    /// and asks for a ticket for the true name. Over plain http that lets a page of another name in
    /// the browser's trusted zone, which points here, act as the person who has it open:
    /// [`hostnames`](Self::hostnames) shuts it out.
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hosts.names.push(hostname.into());
        self
    }

    /// The names by which browsers open the site, each with a key for `HTTP/<hostname>` in the
    /// keytab. A ticket counts only in a request to the host that it is for: the one that `Host`
    /// names, which a proxy must pass on unchanged.
    pub fn hostnames<H: Into<String>>(mut self, hostnames: impl IntoIterator<Item = H>) -> Self {
        self.hosts
            .names
            .extend(hostnames.into_iter().map(Into::into));
        self.hosts.checked = true;
        self
    }

    /// Accepts tickets for any principal of the keytab (of [one realm](Self::service_realm)), and
    /// says that all of them are one trust domain: whoever holds one of these keys, another
    /// application, say, can forward a token that a person sent there to this site, and is taken
    /// for the person. In place of [`hostname`](Self::hostname).
    pub fn whole_keytab_is_one_trust_domain(mut self) -> Self {
        self.hosts.any = true;
        self
    }

    /// The realm of the service's own principal, where the keytab has keys for the SPN in several.
    /// It need not be one whose principals may sign in.
    pub fn service_realm(mut self, realm: impl Into<String>) -> Self {
        self.service_realm = Some(realm.into());
        self
    }

    /// The keytab with the SPN's key. Without it, the system's default keytab: `KRB5_KTNAME`, else
    /// `default_keytab_name` of krb5.conf, else `/etc/krb5.keytab`.
    ///
    /// A new key in it counts within a second, with no restart. While the file is missing or
    /// broken, the last good keys stay in use, and the log says so.
    pub fn keytab(mut self, path: impl Into<PathBuf>) -> Self {
        self.keytab = Some(path.into());
        self
    }

    /// A folder for the replay cache, made with mode 0700 where it is missing. Neither it nor what
    /// is above it may be another user's to write. Without it, the
    /// cache is MIT Kerberos's own in `/var/tmp`, which any local user can block by making a file
    /// of its name first. It can't be turned off: it is what refuses a stolen token.
    pub fn replay_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.replay_cache = Some(folder.into());
        self
    }

    /// How many tokens may wait for an accept thread: 1,024 unless said otherwise. One more is
    /// answered 503.
    pub fn accept_queue(mut self, length: usize) -> Self {
        self.accept_queue = length;
        self
    }

    /// How long a request waits for an accept thread before it is answered 503: 10 seconds unless
    /// said otherwise.
    pub fn accept_timeout(mut self, timeout: Duration) -> Self {
        self.accept_timeout = timeout;
        self
    }
}

/// Which hosts' tickets count.
#[derive(Default)]
pub(super) struct Hosts {
    pub(super) names: Vec<String>,
    /// A ticket must be for the host of its request.
    checked: bool,
    any: bool,
}

impl Hosts {
    pub(super) fn services(self) -> Result<Services, ConfigError> {
        if let Some(name) = self.names.iter().find(|name| !is_hostname(name)) {
            return Err(ConfigError::BadHostname(name.clone()));
        }
        let mut names: Vec<_> = self
            .names
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        names.sort();
        names.dedup();
        match (self.any, names.as_slice()) {
            (true, []) => Ok(Services::WholeKeytab),
            (true, _) => Err(ConfigError::HostnameBesideWholeKeytab),
            (false, []) => Err(ConfigError::NoHostname),
            (false, [_]) if !self.checked => Ok(Services::Host(names.remove(0))),
            (false, _) => Ok(Services::Hosts(names)),
        }
    }
}

/// A host name by RFC 1123 section 2.1, and the underscore that Windows allows.
pub(crate) fn is_hostname(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_has_no_scheme_port_or_path() {
        for name in [
            "localhost",
            "intranet.corp.example.com",
            "WEB_1.corp",
            "10.0.0.1",
        ] {
            assert!(is_hostname(name), "{name}");
        }
        for name in [
            "",
            ".",
            "a..b",
            "intranet.",
            "https://intranet",
            "intranet:8080",
            "intranet/x",
            "-a",
            "a-",
            "in tranet",
            "intränet",
            "[::1]",
            "HTTP/intranet",
        ] {
            assert!(!is_hostname(name), "{name}");
        }
        assert!(!is_hostname(&"a".repeat(64)));
        assert!(!is_hostname(&["abcdefg"; 32].join(".")));
    }
}

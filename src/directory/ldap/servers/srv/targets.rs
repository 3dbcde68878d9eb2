//! What SRV records say (RFC 2782), and what is believed of it.

use hickory_resolver::proto::rr::rdata::SRV;

/// A server of the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    priority: u16,
    weight: u16,
    /// In lower case, without the last dot.
    host: String,
    port: u16,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum TargetError {
    /// The one target is the root, which says that there is no such service.
    None,
    /// No target is in the domain.
    Outside(Vec<String>),
}

/// The ports that are registered, without TLS and with it from the start.
const LDAP: u16 = 389;
const LDAPS: u16 = 636;

impl Target {
    fn of(record: &SRV) -> Self {
        let host = record.target.to_ascii().to_ascii_lowercase();
        Self {
            priority: record.priority,
            weight: record.weight,
            host: host.trim_end_matches('.').to_owned(),
            port: record.port,
        }
    }

    /// For TLS from the start.
    pub(super) fn ldaps_url(&self) -> String {
        let port = match self.port {
            LDAP => LDAPS,
            other => other,
        };
        format!("ldaps://{}:{port}", self.host)
    }

    /// For StartTLS.
    pub(super) fn ldap_url(&self) -> String {
        format!("ldap://{}:{}", self.host, self.port)
    }

    pub(super) fn is_same_server(&self, other: &Self) -> bool {
        self.host == other.host && self.port == other.port
    }

    /// Whether it is the domain's host, or one below it. A label may hold any byte: those of host
    /// names alone go into a URL.
    fn is_in(&self, domain: &str) -> bool {
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let is_below = self
            .host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        is_below && self.port != 0 && self.host.chars().all(is_host)
    }
}

/// The targets that are in the domain. DNS is not authenticated: whoever forges an answer could
/// else send us, and our password, to a host of theirs with a certificate of its own.
pub(super) fn targets_of(domain: &str, records: &[SRV]) -> Result<Vec<Target>, TargetError> {
    if records.iter().all(|record| record.target.is_root()) {
        return Err(TargetError::None);
    }
    let targets = records.iter().map(Target::of);
    let (inside, outside): (Vec<_>, Vec<_>) = targets.partition(|target| target.is_in(domain));
    let outside: Vec<_> = outside.into_iter().map(|target| target.host).collect();
    if inside.is_empty() {
        return Err(TargetError::Outside(outside));
    }
    if !outside.is_empty() {
        tracing::warn!(
            domain,
            ?outside,
            "DNS names LDAP servers outside of the domain; ignored"
        );
    }
    Ok(inside)
}

/// Indices of the targets in the order in which to try them. `random_below` gives a number below its
/// argument.
pub(super) fn by_rfc_2782(
    targets: &[Target],
    mut random_below: impl FnMut(u32) -> u32,
) -> Vec<usize> {
    let mut left: Vec<(usize, &Target)> = targets.iter().enumerate().collect();
    // Those of weight 0 come first in each priority, so that they are chosen seldom, yet at times.
    left.sort_by_key(|(_, target)| (target.priority, target.weight != 0));
    let mut order = Vec::with_capacity(left.len());
    while let Some(&(_, first)) = left.first() {
        let same = left
            .iter()
            .take_while(|(_, target)| target.priority == first.priority);
        let weights: Vec<u32> = same.map(|(_, target)| target.weight.into()).collect();
        let chosen = random_below(weights.iter().sum::<u32>().saturating_add(1));
        let mut sum = 0;
        let place = weights.iter().position(|weight| {
            sum += weight;
            sum >= chosen
        });
        order.push(left.remove(place.unwrap_or_default()).0);
    }
    order
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::Name;

    use super::*;

    fn record(priority: u16, weight: u16, port: u16, target: &str) -> SRV {
        SRV::new(priority, weight, port, Name::from_ascii(target).unwrap())
    }

    #[test]
    fn only_hosts_of_the_domain_are_believed() {
        let domain = "corp.example.com";
        for (target, is_in) in [
            ("dc1.corp.example.com.", true),
            ("DC1.Corp.Example.COM.", true),
            ("a.b.corp.example.com.", true),
            ("corp.example.com.", true),
            ("dc_1.corp.example.com.", true),
            ("evilcorp.example.com.", false),
            ("example.com.", false),
            ("corp.example.com.evil.test.", false),
            ("dc1.corp.example.org.", false),
            ("127.0.0.1.", false),
        ] {
            let believed = targets_of(domain, &[record(0, 0, 389, target)]);
            assert_eq!(believed.is_ok(), is_in, "{target}: {believed:?}");
        }
        // DNS may hold any byte.
        for label in [
            &b"a@b"[..],
            b"evil.test/",
            b"evil.test#",
            b"evil.test:1\\",
            b"\xff",
            b" ",
        ] {
            let mut odd = record(0, 0, 389, ".");
            let labels = [label, b"corp", b"example", b"com"];
            odd.target = Name::from_labels(labels).unwrap();
            assert!(targets_of(domain, &[odd]).is_err(), "{label:?}");
        }
        let some = [
            record(0, 0, 389, "dc1.corp.example.com."),
            record(0, 0, 389, "dc1.evil.test."),
            record(0, 0, 0, "dc2.corp.example.com."),
        ];
        let believed = targets_of(domain, &some).unwrap();
        assert_eq!(believed.len(), 1);
        assert_eq!(believed[0].ldaps_url(), "ldaps://dc1.corp.example.com:636");
        assert_eq!(believed[0].ldap_url(), "ldap://dc1.corp.example.com:389");
        let odd_port = targets_of(domain, &[record(0, 0, 1636, "dc1.corp.example.com.")]);
        assert_eq!(
            odd_port.unwrap()[0].ldaps_url(),
            "ldaps://dc1.corp.example.com:1636"
        );
    }

    #[test]
    fn the_root_as_target_says_that_there_is_no_server() {
        let none = targets_of("corp.example.com", &[record(0, 0, 0, ".")]);
        assert_eq!(none, Err(TargetError::None));
        let outside = targets_of("corp.example.com", &[record(0, 0, 389, "evil.test.")]);
        assert_eq!(outside, Err(TargetError::Outside(vec!["evil.test".into()])));
    }

    fn targets(records: &[(u16, u16)]) -> Vec<Target> {
        let names = records
            .iter()
            .enumerate()
            .map(|(index, &(priority, weight))| {
                Target::of(&record(
                    priority,
                    weight,
                    389,
                    &format!("dc{index}.corp.test."),
                ))
            });
        names.collect()
    }

    #[test]
    fn priority_counts_before_weight() {
        let targets = targets(&[(20, 100), (10, 0), (10, 5), (0, 0)]);
        for chance in 0..200 {
            let order = by_rfc_2782(&targets, |bound| chance % bound);
            assert_eq!((order[0], order[3]), (3, 0), "{order:?}");
        }
    }

    #[test]
    fn weights_are_chances() {
        let targets = targets(&[(0, 0), (0, 10), (0, 30)]);
        let mut first = [0; 3];
        // Each number that there can be.
        for chance in 0..=40 {
            let order = by_rfc_2782(&targets, |bound| chance.min(bound - 1));
            first[order[0]] += 1;
            let mut all = order.clone();
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2]);
        }
        assert_eq!(first, [1, 10, 30]);
    }
}

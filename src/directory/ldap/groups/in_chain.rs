//! Groups of groups that Active Directory follows itself.

use ldap3::ldap_escape;

use super::super::entry::Entry;
use super::super::lookup::Lookup;
use super::Groups;
use super::collected::Collected;
use crate::directory::DirectoryError;

/// `LDAP_MATCHING_RULE_IN_CHAIN` (MS-ADTS section 3.1.1.3.4.4.3).
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// `LDAP_CAP_ACTIVE_DIRECTORY_OID` (MS-ADTS section 3.1.1.3.4.3.1).
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";

const CAPABILITIES: &str = "supportedCapabilities";

impl Groups {
    pub(super) async fn in_chain(
        &self,
        lookup: &Lookup<'_>,
        entry: &Entry,
        found: &mut Collected,
    ) -> Result<(), DirectoryError> {
        check_server(lookup).await?;
        let primary = self.primary_group(lookup, entry).await?;
        let filter = filter([entry.dn()].into_iter().chain(primary.dn()));
        found.add(primary)?;
        let attributes = self.attributes_of_group();
        for group in self.search_groups(lookup, &filter, &attributes).await? {
            found.add(self.group(&group)?)?;
        }
        Ok(())
    }
}

/// A server that does not know the rule finds nothing, and calls it success (RFC 4511 section
/// 4.5.1.7). It is asked each time, since another server may answer than the last time.
async fn check_server(lookup: &Lookup<'_>) -> Result<(), DirectoryError> {
    let root = lookup.read("", &[CAPABILITIES.to_owned()]).await?;
    let says_so = |own: &str| own == ACTIVE_DIRECTORY;
    if root.is_some_and(|root| root.texts(CAPABILITIES).any(says_so)) {
        return Ok(());
    }
    Err(DirectoryError::misconfigured().with_detail(
        "the server does not say that it is Active Directory, and no other knows the rule of \
         GroupSearch::InChain: use GroupSearch::GroupOfNames and .nested_groups()",
    ))
}

fn filter<'a>(members: impl Iterator<Item = &'a str>) -> String {
    let alternatives: String = members
        .map(|dn| format!("(member:{IN_CHAIN}:={})", ldap_escape(dn)))
        .collect();
    format!("(&(objectClass=group)(|{alternatives}))")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_dn_stays_in_the_filter_s_value() {
        let filter = filter(["CN=*)(CN=*", r"CN=a\2Cb"].into_iter());
        assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
        assert!(filter.contains(r":=CN=\2a\29\28CN=\2a)"), "{filter}");
        assert!(filter.contains(r":=CN=a\5c2Cb)"), "{filter}");
    }
}

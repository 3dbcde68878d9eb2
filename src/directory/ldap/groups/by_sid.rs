//! Groups by their SIDs.

use std::collections::HashMap;

use ldap3::Scope;

use super::super::LdapDirectory;
use super::super::active_directory::{self, ACCOUNT, SID};
use super::super::entry::parse;
use super::super::filter::escaped_sid;
use super::super::lookup::{Lookup, Query};
use super::Groups;
use crate::directory::DirectoryError;
use crate::sid::Sid;
use crate::user::Group;

/// How many groups one search is for: ten kilobytes of filter, and a tenth of the entries that Active
/// Directory gives at once.
const BATCH: u16 = 100;

impl LdapDirectory {
    /// Those of these groups that are below the base, within the time of one search.
    ///
    /// The name is `sAMAccountName`, which no other account of the domain has, and not `cn`, which
    /// is another's in another organizational unit.
    pub(crate) async fn groups_by_sid(
        &self,
        sids: &[Sid],
    ) -> Result<HashMap<Sid, Group>, DirectoryError> {
        let bases = self.people.bases();
        if bases.is_empty() {
            return Err(DirectoryError::misconfigured().with_detail(
                "groups are searched where people are, and .dn_template(..) searches nowhere; use \
                 .search(..)",
            ));
        }
        let groups = Groups {
            bases: bases.into_iter().map(str::to_owned).collect(),
            of_windows: true,
            name: ACCOUNT.to_owned(),
            names_count_below: Vec::new(),
            ..self.groups.clone()
        };
        groups.by_sids(&Lookup::new(&self.servers), sids).await
    }
}

impl Groups {
    /// Those of these groups that are below the bases.
    pub(super) async fn by_sids(
        &self,
        lookup: &Lookup<'_>,
        sids: &[Sid],
    ) -> Result<HashMap<Sid, Group>, DirectoryError> {
        let attributes = self.attributes_of_group();
        let sids: Vec<Sid> = sids
            .iter()
            .copied()
            .filter(|sid| !sid.is_of_no_group())
            .collect();
        let mut groups = HashMap::new();
        for base in &self.bases {
            for batch in sids.chunks(BATCH.into()) {
                let query = Query {
                    base,
                    scope: Scope::Subtree,
                    filter: &filter(batch),
                    attributes: &attributes,
                    // One more tells that something is wrong.
                    limit: BATCH + 1,
                };
                let answer = lookup.search(query).await?;
                let searched = format!("below {base:?} for groups by their SIDs");
                for entry in answer.all_entries(&searched)? {
                    let entry = parse(entry)?;
                    let sid = active_directory::sid(&entry)
                        .ok_or_else(|| active_directory::unreadable(&entry, SID))?;
                    let before = groups.insert(sid, self.group(&entry)?);
                    // Bases may lie within each other.
                    let is_another = |own: Group| own.dn() != Some(entry.dn());
                    if !batch.contains(&sid) || before.is_some_and(is_another) {
                        return Err(DirectoryError::misconfigured().with_detail(format!(
                            "{} has the SID {sid}, and was not asked for, or is not the only one",
                            entry.dn()
                        )));
                    }
                }
            }
        }
        Ok(groups)
    }
}

fn filter(sids: &[Sid]) -> String {
    let alternatives: String = sids
        .iter()
        .map(|sid| format!("({SID}={})", escaped_sid(*sid)))
        .collect();
    format!("(&(objectClass=group)(|{alternatives}))")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_one_filter() {
        let sids: Vec<Sid> = (0..BATCH)
            .map(|rid| format!("S-1-5-21-1-2-3-{rid}").parse().unwrap())
            .collect();
        let filter = filter(&sids);
        assert!(ldap3::parse_filter(&filter).is_ok());
        assert_eq!(filter.matches(r"(objectSid=\01\05\00").count(), 100);
    }
}

//! Groups that a person's entry names itself.

use futures_util::future::try_join_all;

use super::super::dn;
use super::super::entry::Entry;
use super::super::lookup::Lookup;
use super::super::ranges::all_values;
use super::Groups;
use super::collected::Collected;
use crate::directory::DirectoryError;
use crate::user::Group;

/// How many entries are read at once, over the one connection.
const AT_ONCE: usize = 32;

impl Groups {
    pub(super) async fn by_member_of(
        &self,
        lookup: &Lookup<'_>,
        entry: &Entry,
        found: &mut Collected,
    ) -> Result<(), DirectoryError> {
        let mut dns = self.named_by(lookup, entry).await?;
        if self.of_windows {
            let primary = self.primary_group(lookup, entry).await?;
            dns.extend(primary.dn().map(str::to_owned));
        }
        loop {
            let mut above = Vec::new();
            for some in dns.chunks(AT_ONCE) {
                let mut asked = Vec::new();
                for dn in some {
                    asked.push(self.behind(lookup, dn));
                }
                for (group, dns) in try_join_all(asked).await? {
                    if found.add(group)? {
                        above.extend(dns);
                    }
                }
            }
            above.sort_unstable();
            above.dedup();
            above.retain(|dn| !found.has(dn));
            if above.is_empty() {
                return Ok(());
            }
            found.next_level();
            dns = above;
        }
    }

    /// The group of this DN, and the groups that it is in, where that matters.
    async fn behind(
        &self,
        lookup: &Lookup<'_>,
        dn: &str,
    ) -> Result<(Group, Vec<String>), DirectoryError> {
        // Attributes that hold names, not DNs, have no entries behind them.
        let known = match dn::first_value(dn) {
            None if !dn.contains('=') => Some(dn.to_owned()),
            _ if self.is_nested || self.of_windows => None,
            _ => self.name_in_dn(dn),
        };
        if let Some(name) = known {
            return Ok((self.named(name, Some(dn), None), Vec::new()));
        }
        let mut attributes = self.attributes_of_group();
        if self.is_nested {
            attributes.push(self.member_of.clone());
        }
        let entry = lookup.read(dn, &attributes).await?.ok_or_else(|| {
            DirectoryError::misconfigured().with_detail(format!(
                "{} names the group {dn}, which the server does not show: give the bind account the \
                 right to read it, or, if it is of another domain, name another way with .groups(..)",
                self.member_of
            ))
        })?;
        let above = match self.is_nested {
            true => self.named_by(lookup, &entry).await?,
            false => Vec::new(),
        };
        Ok((self.group(&entry)?, above))
    }

    /// What an entry says that it is in.
    async fn named_by(
        &self,
        lookup: &Lookup<'_>,
        entry: &Entry,
    ) -> Result<Vec<String>, DirectoryError> {
        let values = all_values(lookup, entry, &self.member_of).await?;
        let texts = values.into_iter().map(String::from_utf8);
        texts.collect::<Result<_, _>>().map_err(|error| {
            DirectoryError::misconfigured().with_detail(format!(
                "a value of {} of {} is no text ({error}), and so no group's DN",
                self.member_of,
                entry.dn()
            ))
        })
    }
}

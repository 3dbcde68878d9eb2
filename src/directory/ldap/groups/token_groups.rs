//! Groups by SIDs that Active Directory has computed: for the person's entry, or for the ticket.

use super::super::active_directory::{self, SID, unreadable};
use super::super::entry::Entry;
use super::super::lookup::Lookup;
use super::super::ranges::all_values;
use super::Groups;
use super::collected::Collected;
use super::primary::not_shown;
use crate::directory::DirectoryError;
use crate::sid::Sid;

const TOKEN_GROUPS: &str = "tokenGroups";

impl Groups {
    pub(super) async fn by_token_groups(
        &self,
        lookup: &Lookup<'_>,
        entry: &Entry,
        found: &mut Collected,
    ) -> Result<(), DirectoryError> {
        let own = active_directory::sid(entry).ok_or_else(|| unreadable(entry, SID))?;
        let sids = token_groups(lookup, entry).await?;
        let mut groups = self.by_sids(lookup, &sids).await?;
        for sid in sids {
            let group = match groups.remove(&sid) {
                Some(group) => group,
                None if sid.domain() == own.domain() => {
                    return Err(not_shown(&self.bases, entry, sid));
                }
                // Another domain's, or the domain controller's own.
                None => self.named(sid.to_string(), None, Some(sid)),
            };
            found.add(group)?;
        }
        Ok(())
    }

    pub(super) async fn by_ticket(
        &self,
        lookup: &Lookup<'_>,
        of_ticket: Option<&[Sid]>,
        found: &mut Collected,
    ) -> Result<(), DirectoryError> {
        let sids = of_ticket.ok_or_else(|| {
            DirectoryError::pac_missing().with_detail(
                "groups are those in it; GroupSearch::TokenGroups asks the directory for them",
            )
        })?;
        let mut groups = self.by_sids(lookup, sids).await?;
        for sid in sids {
            // A group may have been deleted since the ticket was issued.
            let by_sid = || self.named(sid.to_string(), None, Some(*sid));
            found.add(groups.remove(sid).unwrap_or_else(by_sid))?;
        }
        Ok(())
    }
}

/// Active Directory computes them in a search of the entry alone.
async fn token_groups(lookup: &Lookup<'_>, entry: &Entry) -> Result<Vec<Sid>, DirectoryError> {
    let computed = lookup.read(entry.dn(), &[TOKEN_GROUPS.to_owned()]).await?;
    let values = match computed {
        Some(computed) => all_values(lookup, &computed, TOKEN_GROUPS).await?,
        None => Vec::new(),
    };
    // Everybody has a primary group.
    if values.is_empty() {
        return Err(DirectoryError::misconfigured().with_detail(format!(
            "the server shows no {TOKEN_GROUPS} of {}: put the bind account into the group Windows \
             Authorization Access Group, or, if this is no Active Directory, name another way with \
             .groups(..)",
            entry.dn()
        )));
    }
    let sids = values.iter().map(|value| Sid::from_bytes(value));
    sids.collect::<Result<_, _>>()
        .map_err(|_| unreadable(entry, TOKEN_GROUPS))
}

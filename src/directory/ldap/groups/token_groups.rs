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
        let sids = token_groups(lookup, entry.dn(), own).await?;
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

/// Active Directory computes them in a search of the entry alone, by its DN.
async fn token_groups(lookup: &Lookup<'_>, dn: &str, own: Sid) -> Result<Vec<Sid>, DirectoryError> {
    let attributes = [TOKEN_GROUPS, SID].map(str::to_owned);
    let computed = lookup.read(dn, &attributes).await?;
    let computed = computed.ok_or_else(|| moved(dn, own))?;
    check_same(&computed, own)?;
    let values = all_values(lookup, &computed, TOKEN_GROUPS).await?;
    // Everybody has a primary group.
    if values.is_empty() {
        return Err(DirectoryError::misconfigured().with_detail(format!(
            "the server shows no {TOKEN_GROUPS} of {dn}: put the bind account into the group Windows \
             Authorization Access Group, or, if this is no Active Directory, name another way with \
             .groups(..)",
        )));
    }
    let sids = values.iter().map(|value| Sid::from_bytes(value));
    sids.collect::<Result<_, _>>()
        .map_err(|_| unreadable(&computed, TOKEN_GROUPS))
}

/// Since the person was found, the DN may have become somebody else's; and another server may answer
/// now, on which it still is or already.
fn check_same(entry: &Entry, own: Sid) -> Result<(), DirectoryError> {
    match active_directory::sid(entry) {
        Some(sid) if sid == own => Ok(()),
        Some(_) => Err(moved(entry.dn(), own)),
        None => Err(unreadable(entry, SID)),
    }
}

fn moved(dn: &str, own: Sid) -> DirectoryError {
    DirectoryError::unavailable().with_detail(format!(
        "{dn} was {own}'s a moment ago, and is not now, or not on this server: the account has been \
         renamed or moved, and another try should do"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_groups_of_whoever_has_the_dn_now_are_not_the_person_s() {
        let own: Sid = "S-1-5-21-1-2-3-1104".parse().unwrap();
        let other: Sid = "S-1-5-21-1-2-3-1105".parse().unwrap();
        let check = |sids: &[&[u8]]| {
            let entry = entry("CN=Alice", &[(SID, sids)]);
            check_same(&entry, own).map_err(|error| error.kind())
        };
        assert_eq!(check(&[&own.to_bytes()]), Ok(()));
        assert_eq!(
            check(&[&other.to_bytes()]),
            Err(ErrorKind::DirectoryUnavailable)
        );
        assert_eq!(check(&[]), Err(ErrorKind::DirectoryMisconfigured));
    }
}

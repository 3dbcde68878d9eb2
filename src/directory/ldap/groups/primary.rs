//! The primary group of Windows, which a person is in with no member and no `memberOf` for it
//! (MS-ADTS section 3.1.1.4.5.19 has it by `primaryGroupID`).

use super::super::active_directory::{self, SID, unreadable};
use super::super::entry::Entry;
use super::super::lookup::Lookup;
use super::Groups;
use crate::directory::DirectoryError;
use crate::sid::Sid;
use crate::user::Group;

const PRIMARY_GROUP: &str = "primaryGroupID";

/// What the person's entry is asked for.
pub(super) const OF_PERSON: [&str; 2] = [SID, PRIMARY_GROUP];

impl Groups {
    pub(super) async fn primary_group(
        &self,
        lookup: &Lookup<'_>,
        entry: &Entry,
    ) -> Result<Group, DirectoryError> {
        let sid = sid(entry)?;
        let mut groups = self.by_sids(lookup, &[sid]).await?;
        groups
            .remove(&sid)
            .ok_or_else(|| not_shown(&self.bases, entry, sid))
    }
}

/// A group of the domain that the server does not show. Whether a rule is about it, nobody knows.
pub(super) fn not_shown(bases: &[String], entry: &Entry, sid: Sid) -> DirectoryError {
    DirectoryError::misconfigured().with_detail(format!(
        "{} is in the group {sid} of its domain, which the server does not show below {}: give the \
         bind account the right to read it, or name the domain's root with .group_base(..)",
        entry.dn(),
        bases.join(" or ")
    ))
}

/// In the person's own domain.
fn sid(entry: &Entry) -> Result<Sid, DirectoryError> {
    let own = active_directory::sid(entry).ok_or_else(|| unreadable(entry, SID))?;
    let rid = active_directory::sole_text(entry, PRIMARY_GROUP)?.parse();
    let rid = rid.map_err(|_| unreadable(entry, PRIMARY_GROUP))?;
    let sid = own.domain().and_then(|domain| domain.with_rid(rid));
    sid.map_err(|_| unreadable(entry, SID))
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;

    #[test]
    fn it_is_of_the_person_s_domain() {
        let own: Sid = "S-1-5-21-1-2-3-1104".parse().unwrap();
        let own = own.to_bytes();
        let of = |number: &[&[u8]]| {
            let entry = entry(
                "CN=a",
                &[("objectSid", &[&own]), ("primaryGroupID", number)],
            );
            sid(&entry).map(|sid| sid.to_string()).ok()
        };
        assert_eq!(of(&[b"513"]).as_deref(), Some("S-1-5-21-1-2-3-513"));
        for broken in [&[][..], &[&b"-1"[..]], &[b"513", b"514"], &[b"4294967296"]] {
            assert_eq!(of(broken), None, "{broken:?}");
        }
        assert!(sid(&entry("CN=a", &[("primaryGroupID", &[b"513"])])).is_err());
    }
}

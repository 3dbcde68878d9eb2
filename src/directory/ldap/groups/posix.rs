//! Groups of POSIX accounts (RFC 2307).

use ldap3::ldap_escape;

use super::super::active_directory::unreadable;
use super::super::entry::Entry;
use super::super::lookup::Lookup;
use super::super::ranges::all_values;
use super::Groups;
use super::collected::Collected;
use crate::directory::DirectoryError;
use crate::initiator::Initiator;

const UID: &str = "uid";
const GID_NUMBER: &str = "gidNumber";
const MEMBER_UID: &str = "memberUid";
const OBJECT_CLASS: &str = "objectClass";

/// What the person's entry is asked for.
pub(super) const OF_PERSON: [&str; 3] = [UID, GID_NUMBER, OBJECT_CLASS];

impl Groups {
    pub(super) async fn posix(
        &self,
        lookup: &Lookup<'_>,
        who: &Initiator,
        entry: &Entry,
        found: &mut Collected,
    ) -> Result<(), DirectoryError> {
        let (uid, gid) = (uid(entry, who)?, gid(entry)?);
        let mut attributes = self.attributes_of_group();
        attributes.extend([MEMBER_UID, GID_NUMBER].map(str::to_owned));
        let filter = filter(uid, gid);
        for group in self.search_groups(lookup, &filter, &attributes).await? {
            let is_primary = gid.is_some_and(|gid| group.texts(GID_NUMBER).any(|own| own == gid));
            // Servers compare names loosely: ` alice` finds the groups of alice.
            if is_primary || self.has_member(lookup, &group, uid).await? {
                found.add(self.group(&group)?)?;
            }
        }
        Ok(())
    }

    async fn has_member(
        &self,
        lookup: &Lookup<'_>,
        group: &Entry,
        uid: &str,
    ) -> Result<bool, DirectoryError> {
        let members = all_values(lookup, group, MEMBER_UID).await?;
        if members.is_empty() {
            return Err(unreadable(group, MEMBER_UID));
        }
        Ok(members.iter().any(|own| own == uid.as_bytes()))
    }
}

/// The account's name. Of several, the one by which the person signed in.
fn uid<'a>(entry: &'a Entry, who: &Initiator) -> Result<&'a str, DirectoryError> {
    let uids: Vec<_> = entry.texts(UID).collect();
    match uids.as_slice() {
        [uid] => Ok(*uid),
        several => {
            let own = several.iter().find(|uid| **uid == who.name());
            own.copied().ok_or_else(|| {
                DirectoryError::misconfigured().with_detail(format!(
                    "{} shows {} values of uid, none of which is {:?}: nothing tells which one groups \
                     of POSIX have as their memberUid",
                    entry.dn(),
                    several.len(),
                    who.name()
                ))
            })
        }
    }
}

/// The number of the primary group, which every POSIX account has.
fn gid(entry: &Entry) -> Result<Option<&str>, DirectoryError> {
    let mut numbers = entry.texts(GID_NUMBER);
    match (numbers.next(), numbers.next()) {
        (Some(number), None) if is_number(number) => Ok(Some(number)),
        (None, _) if !is_posix_account(entry) => Ok(None),
        _ => Err(unreadable(entry, GID_NUMBER)),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_posix_account(entry: &Entry) -> bool {
    let mut classes = entry.texts(OBJECT_CLASS).peekable();
    // Where the classes can't be read, it may be one.
    classes.peek().is_none() || classes.any(|class| class.eq_ignore_ascii_case("posixAccount"))
}

fn filter(uid: &str, gid: Option<&str>) -> String {
    let member = format!("({MEMBER_UID}={})", ldap_escape(uid));
    match gid {
        Some(gid) => {
            let gid = ldap_escape(gid);
            format!("(&(objectClass=posixGroup)(|{member}({GID_NUMBER}={gid})))")
        }
        None => format!("(&(objectClass=posixGroup){member})"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;

    fn alice() -> Initiator {
        Initiator::new("alice@CORP".parse().unwrap())
    }

    #[test]
    fn of_several_names_the_one_of_the_sign_in_counts() {
        let named = |uids: &[&[u8]]| {
            let entry = entry("uid=alice", &[("uid", uids)]);
            uid(&entry, &alice()).map(str::to_owned).ok()
        };
        assert_eq!(named(&[b"bob"]).as_deref(), Some("bob"));
        assert_eq!(named(&[b"bob", b"alice"]).as_deref(), Some("alice"));
        assert_eq!(named(&[b"bob", b"ALICE"]), None);
        assert_eq!(named(&[]), None);
    }

    #[test]
    fn an_account_whose_primary_group_is_hidden_is_an_error() {
        let number = |attributes: &[(&str, &[&[u8]])]| {
            let entry = entry("uid=alice", attributes);
            gid(&entry).map(|gid| gid.map(str::to_owned)).ok()
        };
        let person = ("objectClass", &[&b"person"[..]][..]);
        let account = ("objectClass", &[&b"posixAccount"[..]][..]);
        let numbered = ("gidNumber", &[&b"100"[..]][..]);
        assert_eq!(number(&[account, numbered]), Some(Some("100".to_owned())));
        assert_eq!(number(&[person]), Some(None));
        assert_eq!(number(&[account]), None);
        assert_eq!(number(&[]), None);
        assert_eq!(number(&[account, ("gidNumber", &[b"1", b"2"])]), None);
        assert_eq!(number(&[account, ("gidNumber", &[b"*"])]), None);
    }

    #[test]
    fn what_is_in_a_name_stays_in_the_filter_s_value() {
        for uid in ["*", "a)(b", r"\2a", "a\0b", " a"] {
            for gid in [None, Some("100")] {
                let filter = filter(uid, gid);
                assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
                assert!(!filter.contains("=*"), "{filter}");
            }
        }
    }
}

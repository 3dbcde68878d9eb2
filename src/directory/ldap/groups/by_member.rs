//! Groups that name their members.

use ldap3::ldap_escape;

use super::super::entry::{Entry, parse};
use super::super::lookup::{Lookup, Query};
use super::Groups;
use super::collected::Collected;
use crate::directory::DirectoryError;

/// How many members one search is for: some tens of kilobytes of filter.
const BATCH: usize = 100;

impl Groups {
    pub(super) async fn by_member(
        &self,
        lookup: &Lookup<'_>,
        entry: &Entry,
        found: &mut Collected,
    ) -> Result<(), DirectoryError> {
        let mut members = vec![entry.dn().to_owned()];
        if self.of_windows {
            let primary = self.primary_group(lookup, entry).await?;
            if self.is_nested {
                members.extend(primary.dn().map(str::to_owned));
            }
            found.add(primary)?;
        }
        loop {
            let mut above = Vec::new();
            for batch in members.chunks(BATCH) {
                for entry in self.of_members(lookup, batch).await? {
                    if found.add(self.group(&entry)?)? {
                        above.push(entry.dn().to_owned());
                    }
                }
            }
            if !self.is_nested || above.is_empty() {
                return Ok(());
            }
            found.next_level();
            members = above;
        }
    }

    /// The groups that hold one of these.
    async fn of_members(
        &self,
        lookup: &Lookup<'_>,
        members: &[String],
    ) -> Result<Vec<Entry>, DirectoryError> {
        let Some((class, attribute)) = self.search.member() else {
            return Ok(Vec::new());
        };
        let filter = filter(class, attribute, members);
        let attributes = self.attributes_of_group();
        self.search_groups(lookup, &filter, &attributes).await
    }

    /// Those below any of the bases.
    pub(super) async fn search_groups(
        &self,
        lookup: &Lookup<'_>,
        filter: &str,
        attributes: &[String],
    ) -> Result<Vec<Entry>, DirectoryError> {
        let mut groups = Vec::new();
        for base in &self.bases {
            let query = Query {
                base,
                scope: self.scope.into(),
                filter,
                attributes,
                limit: self.limits.entries(),
            };
            let answer = lookup.search(query).await?;
            if answer.has_no_base() {
                return Err(DirectoryError::misconfigured().with_detail(format!(
                    "there is no {base:?}, below which groups are searched, or the bind account may \
                     not see it: correct .group_base(..)"
                )));
            }
            if answer.entries.len() > self.limits.size.into() {
                return Err(self.limits.too_many());
            }
            let searched = format!("for groups below {base:?}");
            for entry in answer.all_entries(&searched)? {
                groups.push(parse(entry)?);
            }
        }
        Ok(groups)
    }
}

fn filter(class: Option<&str>, attribute: &str, members: &[String]) -> String {
    let alternatives: String = members
        .iter()
        .map(|dn| format!("({attribute}={})", ldap_escape(without_identifier(dn))))
        .collect();
    match class {
        Some(class) => format!("(&(objectClass={class})(|{alternatives}))"),
        None => format!("(|{alternatives})"),
    }
}

/// The same DN, whose end is not taken for the unique identifier that may follow a DN in
/// `uniqueMember` (RFC 4517 section 3.3.21).
fn without_identifier(dn: &str) -> String {
    match dn.rsplit_once('#') {
        Some((start, end)) if is_bit_string(end) => format!(r"{start}\23{end}"),
        _ => dn.to_owned(),
    }
}

/// Whether this is a bit string (RFC 4517 section 3.3.2), as in `'0101'B`.
fn is_bit_string(text: &str) -> bool {
    let bits = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix("'B"));
    bits.is_some_and(|bits| bits.bytes().all(|bit| matches!(bit, b'0' | b'1')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_one_filter_whatever_is_in_the_dns() {
        let members: Vec<_> = [
            r"cn=a\2Cb,dc=x",
            "cn=*)(cn=*,dc=x",
            r"cn=\ a\00,dc=x",
            "cn=ü,dc=x",
        ]
        .into_iter()
        .cycle()
        .take(BATCH)
        .map(str::to_owned)
        .collect();
        let filter = filter(Some("groupOfNames"), "member", &members);
        assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
        assert_eq!(filter.matches("(member=cn=").count(), BATCH);
        assert!(filter.contains(r"(member=cn=a\5c2Cb,dc=x)"), "{filter}");
        assert!(
            filter.contains(r"(member=cn=\2a\29\28cn=\2a,dc=x)"),
            "{filter}"
        );
    }

    #[test]
    fn the_end_of_a_dn_is_no_unique_identifier() {
        assert_eq!(without_identifier("cn=a,o=b#'01'B"), r"cn=a,o=b\23'01'B");
        assert_eq!(without_identifier("cn=a,o=b#''B"), r"cn=a,o=b\23''B");
        for plain in ["cn=a,o=b#1", "cn=a,o=b#'02'B", "cn=a", r"cn=\#'01'B,o=b"] {
            assert_eq!(without_identifier(plain), plain);
        }
    }
}

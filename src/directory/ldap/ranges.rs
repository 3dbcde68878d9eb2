//! Values that come in ranges: Active Directory gives no more than 1,500 of an attribute at once, as
//! `member;range=0-1499` (MS-ADTS section 3.1.1.3.1.3.3).

use super::entry::Entry;
use super::lookup::Lookup;
use crate::directory::DirectoryError;

/// How many values of one attribute are read. More would be no person's groups, and no group that is
/// read member by member.
const MOST: usize = 100_000;

/// Some of an attribute's values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    first: usize,
    /// None where there are no more.
    last: Option<usize>,
    values: Vec<&'a [u8]>,
}

impl<'a> Part<'a> {
    /// By the option of the attribute's description. None where that is no range.
    pub(super) fn parse(option: &str, values: Vec<&'a [u8]>) -> Option<Self> {
        let (name, range) = option.split_once('=')?;
        let (first, last) = range.split_once('-')?;
        if !name.eq_ignore_ascii_case("range") {
            return None;
        }
        Some(Self {
            first: number(first)?,
            last: match last {
                "*" => None,
                last => Some(number(last)?),
            },
            values,
        })
    }
}

fn number(digits: &str) -> Option<usize> {
    // `parse` takes a sign.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// All values of an attribute, those that the server kept back included.
pub(super) async fn all_values(
    lookup: &Lookup<'_>,
    entry: &Entry,
    name: &str,
) -> Result<Vec<Vec<u8>>, DirectoryError> {
    if !entry.is_partial(name) {
        return Ok(entry.values(name).map(<[u8]>::to_vec).collect());
    }
    let mut values = Vec::new();
    let mut next = add(&mut values, entry, name)?;
    while let Some(first) = next {
        // The last one once more.
        let rest = [format!("{name};range={}-*", first.saturating_sub(1))];
        let more = lookup.read(entry.dn(), &rest).await?;
        let more = more.ok_or_else(|| changing(entry, name, first))?;
        next = go_on(&mut values, &more, name)?;
    }
    Ok(values)
}

/// Adds what comes after the values, and begins with the last of them. Where one of them has been taken
/// out meanwhile, or another server counts them otherwise, that is another one, and the next would be
/// missed.
fn go_on(
    values: &mut Vec<Vec<u8>>,
    more: &Entry,
    name: &str,
) -> Result<Option<usize>, DirectoryError> {
    let known = values.len();
    let last = values.pop();
    let place = values.len();
    let next = add(values, more, name)?;
    let is_further = next.is_none_or(|next| next > known);
    if values.get(place) != last.as_ref() || !is_further {
        return Err(changing(more, name, known));
    }
    Ok(next)
}

/// Adds what an entry has, which must go on where the values end; where the next part begins.
fn add(
    values: &mut Vec<Vec<u8>>,
    entry: &Entry,
    name: &str,
) -> Result<Option<usize>, DirectoryError> {
    let part = entry.part(name).filter(|part| {
        let end = part.first.checked_add(part.values.len());
        let end_is_told = part.last.is_none_or(|last| last.checked_add(1) == end);
        part.first == values.len() && !part.values.is_empty() && end_is_told
    });
    let part = part.ok_or_else(|| changing(entry, name, values.len()))?;
    values.extend(part.values.iter().map(|value| value.to_vec()));
    if values.len() > MOST {
        return Err(DirectoryError::misconfigured().with_detail(format!(
            "{} has more than {MOST} values of {name}",
            entry.dn()
        )));
    }
    Ok(part.last.map(|last| last + 1))
}

fn changing(entry: &Entry, name: &str, known: usize) -> DirectoryError {
    DirectoryError::unavailable().with_detail(format!(
        "the server gives the values of {name} of {} in parts, and after {known} of them these have a \
         gap: they may change right now, and another try should do; else look into the server's log",
        entry.dn()
    ))
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    #[test]
    fn only_a_range_is_one() {
        let part = |option| Part::parse(option, Vec::new()).map(|part| (part.first, part.last));
        assert_eq!(part("range=0-1499"), Some((0, Some(1499))));
        assert_eq!(part("Range=1500-*"), Some((1500, None)));
        for option in [
            "lang-de",
            "binary",
            "range=",
            "range=1",
            "range=-",
            "range=1-+2",
            "range=+1-2",
            "range=*-2",
            "range=0-99999999999999999999999",
        ] {
            assert_eq!(part(option), None, "{option}");
        }
    }

    #[test]
    fn parts_go_on_where_the_last_one_ended() {
        let mut values = Vec::new();
        let first = entry(
            "cn=a",
            &[("member", &[]), ("member;range=0-1", &[b"a", b"b"])],
        );
        assert_eq!(add(&mut values, &first, "member").unwrap(), Some(2));
        let last = entry("cn=a", &[("member;range=2-*", &[b"c"])]);
        assert_eq!(add(&mut values, &last, "member").unwrap(), None);
        assert_eq!(values, [b"a", b"b", b"c"]);
    }

    #[test]
    fn a_value_that_was_taken_out_meanwhile_hides_no_other() {
        let known = || vec![b"a".to_vec(), b"b".to_vec()];
        let go_on = |options: &str, parts: &[&[u8]]| {
            let more = entry("cn=a", &[(&format!("member;range={options}"), parts)]);
            let mut values = known();
            go_on(&mut values, &more, "member").map(|next| (values.concat(), next))
        };
        assert_eq!(go_on("1-*", &[b"b", b"c"]).unwrap(), (b"abc".into(), None));
        assert_eq!(go_on("1-*", &[b"b"]).unwrap(), (b"ab".into(), None));
        assert_eq!(go_on("1-2", &[b"b", b"c"]).unwrap().1, Some(3));
        // Of a, b, c and d, a is gone: c is where b was.
        assert!(go_on("1-*", &[b"c", b"d"]).is_err());
        // And all but one.
        assert!(go_on("1-*", &[]).is_err());
        // For ever the same.
        assert!(go_on("1-1", &[b"b"]).is_err());
    }

    #[test]
    fn a_gap_is_an_outage() {
        for (description, parts) in [
            ("member;range=3-*", &[&b"c"[..]][..]),
            ("member;range=1-*", &[b"c"]),
            ("member;range=2-3", &[b"c"]),
            ("member;range=2-2", &[b"c", b"d"]),
            ("member;range=2-*", &[]),
            ("member", &[b"c"]),
            ("memberOf;range=2-*", &[b"c"]),
            ("member;range=2-*;x=y", &[b"c"]),
        ] {
            let mut values = vec![b"a".to_vec(), b"b".to_vec()];
            let more = entry("cn=a", &[(description, parts)]);
            assert!(add(&mut values, &more, "member").is_err(), "{description}");
        }
        // Two parts at once, and a part beside what claims to be all.
        for twice in [
            &[
                ("member;range=0-0", &[&b"a"[..]][..]),
                ("member;range=0-*", &[b"b"]),
            ][..],
            &[("member;range=0-*", &[b"a"]), ("member", &[b"b"])],
        ] {
            assert!(add(&mut Vec::new(), &entry("cn=a", twice), "member").is_err());
        }
    }
}

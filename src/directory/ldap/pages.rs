//! Searches that come in pages (RFC 2696): Active Directory gives no more than 1,000 entries at once,
//! OpenLDAP 500 unless set up otherwise.

use ldap3::LdapResult;
use ldap3::asn1::{PL, StructureTag, parse_tag};
use ldap3::controls::{Control, ControlType, PagedResults, RawControl};

use super::lookup::Query;

/// How many entries a page has. A search that may find more is paged.
const SIZE: u16 = 500;

/// Where a search goes on.
pub(super) enum Page {
    /// The search has no pages.
    Whole,
    /// From what the server called so; empty is the beginning.
    From(Vec<u8>),
}

/// What the server sent beside its answer is no page's end.
#[derive(Debug)]
pub(super) struct Malformed;

impl Page {
    pub(super) fn first(query: &Query<'_>) -> Self {
        match query.limit > SIZE {
            true => Self::From(Vec::new()),
            false => Self::Whole,
        }
    }

    /// For the server; 0 is none. Some count it for a page, and some for all of them.
    pub(super) fn size_limit(&self, query: &Query<'_>) -> i32 {
        match self {
            Self::Whole => query.limit.into(),
            Self::From(_) => 0,
        }
    }

    pub(super) fn controls(&self) -> Vec<RawControl> {
        match self {
            Self::Whole => Vec::new(),
            Self::From(cookie) => {
                let (size, cookie) = (SIZE.into(), cookie.clone());
                vec![PagedResults { size, cookie }.into()]
            }
        }
    }

    /// The page after the one that ended so. A server that knows no pages has given all.
    pub(super) fn next(&self, result: &LdapResult) -> Result<Option<Self>, Malformed> {
        if matches!(self, Self::Whole) || result.rc != 0 {
            return Ok(None);
        }
        let control = result.ctrls.iter().find_map(|control| match control {
            Control(Some(ControlType::PagedResults), raw) => Some(raw),
            _ => None,
        });
        let Some(control) = control else {
            return Ok(None);
        };
        let cookie = control.val.as_deref().and_then(cookie).ok_or(Malformed)?;
        Ok((!cookie.is_empty()).then_some(Self::From(cookie)))
    }
}

/// Of a `realSearchControlValue` (RFC 2696 section 2). The library's own reading panics on anything
/// else.
fn cookie(value: &[u8]) -> Option<Vec<u8>> {
    let (_, StructureTag { payload, .. }) = parse_tag(value).ok()?;
    let PL::C(parts) = payload else {
        return None;
    };
    let [_size, cookie] = <[_; 2]>::try_from(parts).ok()?;
    match cookie.payload {
        PL::P(octets) => Some(octets),
        PL::C(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_and_anything_else_refused() {
        let value = [0x30, 0x07, 2, 1, 0, 4, 2, 7, 8];
        assert_eq!(cookie(&value), Some(vec![7, 8]));
        assert_eq!(cookie(&[0x30, 0x05, 2, 1, 0, 4, 0]), Some(vec![]));
        // A length in the long form, as Active Directory writes it.
        let long = [0x30, 0x84, 0, 0, 0, 5, 2, 1, 0, 4, 0];
        assert_eq!(cookie(&long), Some(vec![]));
        for broken in [
            &[][..],
            &[0x30],
            &[0x30, 0x05, 2, 1, 0],
            &[0x30, 0x03, 2, 1, 0],
            &[0x30, 0x08, 2, 1, 0, 4, 0, 2, 1, 0],
            &[0x30, 0x05, 2, 1, 0, 0x30, 0],
            &[4, 2, 7, 8],
        ] {
            assert_eq!(cookie(broken), None, "{broken:?}");
        }
    }

    fn ended(rc: u32, controls: Vec<Control>) -> LdapResult {
        LdapResult {
            rc,
            matched: String::new(),
            text: String::new(),
            refs: Vec::new(),
            ctrls: controls,
        }
    }

    #[test]
    fn a_search_goes_on_while_the_server_says_so() {
        let first = Page::From(Vec::new());
        let control = |val: &[u8]| {
            let raw = RawControl {
                ctype: "1.2.840.113556.1.4.319".to_owned(),
                crit: false,
                val: Some(val.to_vec()),
            };
            vec![Control(Some(ControlType::PagedResults), raw)]
        };
        let more = [0x30, 0x06, 2, 1, 0, 4, 1, 7];
        let next = first.next(&ended(0, control(&more))).unwrap();
        assert!(matches!(next, Some(Page::From(cookie)) if cookie == [7]));
        for end in [
            ended(0, Vec::new()),
            ended(0, control(&[0x30, 0x05, 2, 1, 0, 4, 0])),
            ended(4, control(&more)),
        ] {
            assert!(first.next(&end).unwrap().is_none());
        }
        assert!(first.next(&ended(0, control(&[0x30]))).is_err());
        let whole = Page::Whole.next(&ended(0, control(&more)));
        assert!(whole.unwrap().is_none());
    }
}

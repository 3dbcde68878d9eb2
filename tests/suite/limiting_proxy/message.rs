//! Messages of LDAP (RFC 4511), as far as the limits reach.

use std::collections::HashMap;

use bytes::BytesMut;
use lber::common::TagClass;
use lber::parse::parse_tag;
use lber::structure::{PL, StructureTag};

// The tags of RFC 4511 section 4.2 and 4.5.
pub const BIND: u64 = 0;
pub const SEARCH: u64 = 3;
pub const ENTRY: u64 = 4;
pub const DONE: u64 = 5;

const SIZE_LIMIT_EXCEEDED: u8 = 4;

/// RFC 2696.
const PAGED_RESULTS: &[u8] = b"1.2.840.113556.1.4.319";

/// What a client has asked.
#[derive(Debug, Clone, Default)]
pub struct Search {
    pub base: String,
    /// 0 is the base alone, 1 one level below it, 2 the subtree.
    pub scope: u8,
    pub attributes: Vec<String>,
    pub is_paged: bool,
    /// From where to where values are asked for, by the attribute's name in small letters.
    pub ranges: HashMap<String, Range>,
}

#[derive(Debug, Clone, Copy)]
pub struct Range {
    first: usize,
    last: Option<usize>,
}

/// Of a whole message.
pub fn operation(message: &StructureTag) -> u64 {
    part(message, 1).id
}

pub fn id(message: &StructureTag) -> Vec<u8> {
    octets(part(message, 0)).to_vec()
}

impl Search {
    /// Takes out what the server does not know, for the limits' sake.
    pub fn rewrite(message: &mut StructureTag, entries: usize) -> Self {
        let mut search = Self {
            is_paged: limit_page(message, entries),
            ..Self::default()
        };
        let request = parts_mut(&mut parts_mut(message)[1]);
        search.base = text(&request[0]);
        search.scope = octets(&request[1])[0];
        for attribute in parts_mut(&mut request[7]) {
            let description = text(attribute);
            let (name, option) = description.split_once(';').unwrap_or((&description, ""));
            if let Some(range) = Range::parse(option) {
                search.ranges.insert(name.to_ascii_lowercase(), range);
                attribute.payload = PL::P(name.into());
            }
            search.attributes.push(description);
        }
        search
    }
}

impl Range {
    const WHOLE: Self = Self {
        first: 0,
        last: None,
    };

    fn parse(option: &str) -> Option<Self> {
        let (first, last) = option.strip_prefix("range=")?.split_once('-')?;
        Some(Self {
            first: first.parse().expect("a number"),
            last: (last != "*").then(|| last.parse().expect("a number")),
        })
    }
}

/// Makes a page no larger than this; whether the search is paged.
fn limit_page(message: &mut StructureTag, entries: usize) -> bool {
    let Some(controls) = parts_mut(message).get_mut(2) else {
        return false;
    };
    let mut is_paged = false;
    for control in parts_mut(controls) {
        let control = parts_mut(control);
        if octets(&control[0]) != PAGED_RESULTS {
            continue;
        }
        is_paged = true;
        let value = control.last_mut().expect("a value");
        let mut page = parse_tag(octets(value)).expect("a page").1;
        let size = &mut parts_mut(&mut page)[0];
        let wanted = octets(size).iter();
        let wanted = wanted.fold(0, |size, byte| size << 8 | usize::from(*byte));
        let allowed = u16::try_from(wanted.min(entries)).expect("a small number");
        size.payload = PL::P(allowed.to_be_bytes().to_vec());
        let mut encoded = BytesMut::new();
        lber::write::encode_into(&mut encoded, page).expect("encoded");
        value.payload = PL::P(encoded.to_vec());
    }
    is_paged
}

/// Cuts the values of each attribute to the range that was asked for, and to `most`.
pub fn limit_entry(message: &mut StructureTag, ranges: &HashMap<String, Range>, most: usize) {
    let entry = parts_mut(&mut parts_mut(message)[1]);
    let attributes = parts_mut(&mut entry[1]);
    let mut emptied = Vec::new();
    for attribute in attributes.iter_mut() {
        let parts = parts_mut(attribute);
        let name = text(&parts[0]);
        let asked = ranges.get(&name.to_ascii_lowercase());
        let values = parts_mut(&mut parts[1]);
        if asked.is_none() && values.len() <= most {
            continue;
        }
        let range = asked.copied().unwrap_or(Range::WHOLE);
        let end = range.last.map_or(usize::MAX, |last| last + 1);
        let end = end.min(range.first + most);
        let is_last = end >= values.len();
        let end = end.min(values.len());
        let last = match is_last {
            true => "*".to_owned(),
            false => (end - 1).to_string(),
        };
        *values = values
            .get(range.first..end)
            .map_or_else(Vec::new, <[_]>::to_vec);
        parts[0].payload = PL::P(format!("{name};range={}-{last}", range.first).into());
        if asked.is_none() {
            emptied.push(name);
        }
    }
    // Active Directory names the attribute that was asked for, too, with no values.
    attributes.extend(
        emptied
            .iter()
            .map(|name| list(16, vec![octet_string(name), list(17, vec![])])),
    );
}

/// Makes the end of a search say that there were too many entries.
pub fn refuse_for_size(message: &mut StructureTag) {
    let done = parts_mut(&mut parts_mut(message)[1]);
    done[0].payload = PL::P(vec![SIZE_LIMIT_EXCEEDED]);
}

fn octet_string(value: &str) -> StructureTag {
    StructureTag {
        class: TagClass::Universal,
        id: 4,
        payload: PL::P(value.into()),
    }
}

fn list(id: u64, parts: Vec<StructureTag>) -> StructureTag {
    StructureTag {
        class: TagClass::Universal,
        id,
        payload: PL::C(parts),
    }
}

fn part(tag: &StructureTag, place: usize) -> &StructureTag {
    match &tag.payload {
        PL::C(parts) => &parts[place],
        PL::P(_) => panic!("has no parts: {tag:?}"),
    }
}

fn parts_mut(tag: &mut StructureTag) -> &mut Vec<StructureTag> {
    match &mut tag.payload {
        PL::C(parts) => parts,
        PL::P(_) => panic!("has no parts"),
    }
}

fn octets(tag: &StructureTag) -> &[u8] {
    match &tag.payload {
        PL::P(octets) => octets,
        PL::C(_) => panic!("has parts: {tag:?}"),
    }
}

fn text(tag: &StructureTag) -> String {
    String::from_utf8(octets(tag).to_vec()).expect("UTF-8")
}

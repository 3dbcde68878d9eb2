//! What a filter asserts, as the parser that sends it understands it.

use ldap3::asn1::{ASNTag, PL, StructureTag};
use ldap3::parse_filter;

use super::{Naming, Part, Placeholder};

pub(super) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Equality(Naming),
    /// Whatever can't name a person: a negation, a presence, a pattern, an order.
    Other,
}

// The tags of RFC 4511 section 4.5.1.
const AND: u64 = 0;
const OR: u64 = 1;
const EQUALITY: u64 = 3;

impl Node {
    /// None where the parts are no filter, whatever stands for the placeholders.
    pub(super) fn parse(parts: &[Part]) -> Option<Self> {
        let sample: String = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Placeholder(placeholder) => placeholder.sample(),
            })
            .collect();
        if !sample.starts_with('(') {
            return None;
        }
        Self::read(parse_filter(sample).ok()?.into_structure())
    }

    fn read(tag: StructureTag) -> Option<Self> {
        Some(match (tag.id, tag.payload) {
            (AND, PL::C(nodes)) => Self::And(Self::read_all(nodes)?),
            (OR, PL::C(nodes)) => Self::Or(Self::read_all(nodes)?),
            (EQUALITY, PL::C(operands)) => {
                let [attribute, value] = operands.try_into().ok()?;
                Self::Equality(Naming {
                    attribute: text(attribute)?,
                    value: Placeholder::find(&text(value)?)?,
                })
            }
            _ => Self::Other,
        })
    }

    fn read_all(nodes: Vec<StructureTag>) -> Option<Vec<Self>> {
        nodes.into_iter().map(Self::read).collect()
    }

    pub(super) fn equalities(&self) -> Vec<Naming> {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().flat_map(Self::equalities).collect(),
            Self::Equality(naming) => vec![naming.clone()],
            Self::Other => Vec::new(),
        }
    }

    /// In `(|(uid={user})(mail={principal}))` the first alternative finds the same entry for
    /// `alice@A` and `alice@B`, so that all of them must hold the realm.
    pub(super) fn tells_realms_apart(&self) -> bool {
        match self {
            Self::And(nodes) => nodes.iter().any(Self::tells_realms_apart),
            Self::Or(nodes) => nodes.iter().all(Self::tells_realms_apart),
            Self::Equality(naming) => naming.value.iter().any(|part| {
                matches!(
                    part,
                    Part::Placeholder(Placeholder::Principal | Placeholder::Realm)
                )
            }),
            Self::Other => false,
        }
    }
}

// A NUL can be neither in a template nor in a principal. It is escaped, so that a placeholder after
// a half-written escape (`\2{user}`) makes the sample as unreadable as the filter would be.
impl Placeholder {
    fn sample(self) -> &'static str {
        match self {
            Self::User => r"\00u\00",
            Self::Principal => r"\00p\00",
            Self::Realm => r"\00r\00",
        }
    }

    /// Finds the samples in an unescaped value.
    fn find(value: &str) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        for (place, piece) in value.split('\0').enumerate() {
            let is_placeholder = place % 2 == 1;
            match piece {
                "u" if is_placeholder => parts.push(Part::Placeholder(Self::User)),
                "p" if is_placeholder => parts.push(Part::Placeholder(Self::Principal)),
                "r" if is_placeholder => parts.push(Part::Placeholder(Self::Realm)),
                _ if is_placeholder => return None,
                "" => {}
                text => parts.push(Part::Text(text.to_owned())),
            }
        }
        Some(parts)
    }
}

fn text(tag: StructureTag) -> Option<String> {
    match tag.payload {
        PL::P(octets) => String::from_utf8(octets).ok(),
        PL::C(_) => None,
    }
}

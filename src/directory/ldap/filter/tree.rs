//! What a filter asserts, as the parser that sends it understands it.

use ldap3::asn1::{ASNTag, PL, StructureTag};
use ldap3::parse_filter;

use super::super::entry::Entry;
use super::equality::Equality;
use super::{Part, Placeholder};
use crate::initiator::Initiator;

#[derive(Debug, Clone)]
pub(super) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Equality(Equality),
    /// What the server alone judges, and what names nobody: an equality without a placeholder, a
    /// negation, a presence, a pattern, an order.
    Other,
}

/// What an entry is to a filter by which the server found it, compared byte for byte.
///
/// In this order the alternatives of an OR are worth more and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// No, for the server shows no value.
    Hidden,
    /// No, by the values it shows.
    Differs,
    /// Yes, and it may be anybody's.
    Unnamed,
    /// Yes, and it is this person's.
    Named,
}

impl Verdict {
    fn of_all(verdicts: &[Self]) -> Self {
        [Self::Differs, Self::Hidden, Self::Named]
            .into_iter()
            .find(|verdict| verdicts.contains(verdict))
            .unwrap_or(Self::Unnamed)
    }

    fn of_any(verdicts: &[Self]) -> Self {
        verdicts.iter().copied().max().unwrap_or(Self::Differs)
    }
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
                let (attribute, value) = (text(attribute)?, Placeholder::find(&text(value)?)?);
                if !value
                    .iter()
                    .any(|part| matches!(part, Part::Placeholder(_)))
                {
                    return Some(Self::Other);
                }
                Self::Equality(Equality { attribute, value })
            }
            _ => Self::Other,
        })
    }

    fn read_all(nodes: Vec<StructureTag>) -> Option<Vec<Self>> {
        nodes.into_iter().map(Self::read).collect()
    }

    /// Those with a placeholder.
    pub(super) fn equalities(&self) -> Vec<&Equality> {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().flat_map(Self::equalities).collect(),
            Self::Equality(equality) => vec![equality],
            Self::Other => Vec::new(),
        }
    }

    /// Whether an alternative of an OR has a placeholder and a condition that the server alone
    /// judges. The server may have found the entry by another alternative, and loosely, and nothing
    /// tells us whether the condition holds.
    pub(super) fn has_a_condition_in_an_alternative(&self) -> bool {
        match self {
            Self::And(nodes) => nodes.iter().any(Self::has_a_condition_in_an_alternative),
            Self::Or(nodes) if nodes.len() > 1 => nodes
                .iter()
                .any(|node| node.has_a_condition() && !node.equalities().is_empty()),
            Self::Or(nodes) => nodes.iter().any(Self::has_a_condition_in_an_alternative),
            Self::Equality(_) | Self::Other => false,
        }
    }

    fn has_a_condition(&self) -> bool {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().any(Self::has_a_condition),
            Self::Equality(_) => false,
            Self::Other => true,
        }
    }

    /// In `(|(uid={user})(mail={principal}))` the first alternative finds the same entry for
    /// `alice@A` and `alice@B`, so that all of them must hold the realm.
    pub(super) fn tells_realms_apart(&self) -> bool {
        match self {
            Self::And(nodes) => nodes.iter().any(Self::tells_realms_apart),
            Self::Or(nodes) => nodes.iter().all(Self::tells_realms_apart),
            Self::Equality(equality) => equality.tells_realms_apart(),
            Self::Other => false,
        }
    }

    /// In `(|(&(uid={user})(o={realm}))(mail={principal}))` the server may have found `alice@A` by
    /// a mail that is only similar to `alice@B`: her uid is then no reason to let `alice@B` in, for
    /// what stands beside it does not hold.
    pub(super) fn evaluate(&self, entry: &Entry, who: &Initiator) -> Verdict {
        let each = |nodes: &[Self]| -> Vec<Verdict> {
            nodes.iter().map(|node| node.evaluate(entry, who)).collect()
        };
        match self {
            Self::And(nodes) => Verdict::of_all(&each(nodes)),
            Self::Or(nodes) => Verdict::of_any(&each(nodes)),
            Self::Equality(equality) => equality.evaluate(entry, who),
            Self::Other => Verdict::Unnamed,
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
            Self::Sid => r"\00s\00",
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
                "s" if is_placeholder => parts.push(Part::Placeholder(Self::Sid)),
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

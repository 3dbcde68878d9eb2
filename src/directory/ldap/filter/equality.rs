//! An assertion `(attribute=value)` about the person, as the filter has it and as an entry holds it.

use super::super::entry::Entry;
use super::tree::Verdict;
use super::{Part, Placeholder};
use crate::initiator::Initiator;

/// The value is unescaped, and has a placeholder.
#[derive(Debug, Clone)]
pub(super) struct Equality {
    pub(super) attribute: String,
    pub(super) value: Vec<Part>,
}

impl Equality {
    /// Whether it is about the person, and not about the realm alone.
    pub(super) fn names_a_person(&self) -> bool {
        self.placeholders().any(Placeholder::names_a_person)
    }

    /// Whether it is another for `alice@A` than for `alice@B`; no two domains share a SID.
    pub(super) fn tells_realms_apart(&self) -> bool {
        self.placeholders().any(|placeholder| {
            matches!(
                placeholder,
                Placeholder::Principal | Placeholder::Realm | Placeholder::Sid
            )
        })
    }

    pub(super) fn is_by_oid(&self) -> bool {
        self.attribute.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Whether one text can be the value of two people: `alice.b@C` and `alice@b.C` are one in
    /// `{user}.{realm}`. A realm has no `@`, so that the last one in `{user}@{realm}` is ours.
    pub(super) fn is_ambiguous(&self) -> bool {
        let mut placeholders = self.placeholders();
        let first = placeholders.next();
        if placeholders.all(|other| Some(other) == first) {
            return false;
        }
        let ([Part::Text(_), inner @ .., Part::Text(_)]
        | [Part::Text(_), inner @ ..]
        | [inner @ .., Part::Text(_)]
        | inner) = self.value.as_slice();
        !matches!(
            inner,
            [
                Part::Placeholder(Placeholder::User),
                Part::Text(at),
                Part::Placeholder(Placeholder::Realm),
            ] if at == "@"
        )
    }

    /// Whether one value of the attribute can be one person's by this equality, and another's by
    /// the other: `alice@A.B` is that of `alice@A` in `{principal}.B`, and that of `alice@A.B` in
    /// `{principal}`.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let (start, other_start) = (text(self.value.first()), text(other.value.first()));
        let (end, other_end) = (text(self.value.last()), text(other.value.last()));
        self.attribute.eq_ignore_ascii_case(&other.attribute)
            && self.value != other.value
            && (start.starts_with(other_start) || other_start.starts_with(start))
            && (end.ends_with(other_end) || other_end.ends_with(end))
    }

    pub(super) fn evaluate(&self, entry: &Entry, who: &Initiator) -> Verdict {
        let wanted = self.wanted(who);
        let mut values = entry.values(&self.attribute).peekable();
        if values.peek().is_none() {
            Verdict::Hidden
        } else if !values.any(|value| Some(value) == wanted.as_deref()) {
            Verdict::Differs
        } else if self.names_a_person() {
            Verdict::Named
        } else {
            Verdict::Unnamed
        }
    }

    /// `None` where the ticket does not say.
    pub(super) fn wanted(&self, who: &Initiator) -> Option<Vec<u8>> {
        let mut wanted = Vec::new();
        for part in &self.value {
            match part {
                Part::Text(text) => wanted.extend(text.bytes()),
                Part::Placeholder(placeholder) => wanted.extend(placeholder.value(who)?),
            }
        }
        Some(wanted)
    }

    fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.value.iter().filter_map(|part| match part {
            Part::Placeholder(placeholder) => Some(*placeholder),
            Part::Text(_) => None,
        })
    }
}

fn text(part: Option<&Part>) -> &str {
    match part {
        Some(Part::Text(text)) => text,
        _ => "",
    }
}

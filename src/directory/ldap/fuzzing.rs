//! What the targets in `fuzz/` run of this room.

use ldap3::asn1::{ASNTag, PL, StructureTag, TagClass};
use ldap3::parse_filter;

use super::entry::Entry;
use super::fields::{Fields, is_secret};
use super::filter::Filter;
use super::message::{self, Operation};
use super::{account, active_directory, exchange};
use crate::initiator::{Initiator, Occasion};
use crate::principal::Principal;
use crate::user::User;

const PERSON: &str = "(&(objectClass=person)(uid={user}))";

/// Puts a principal into a filter, with a line break between them, the filter first. Whatever is in the
/// name, it makes no other filter.
pub(crate) fn filter(input: &[u8]) {
    let Some((template, principal)) = str::from_utf8(input)
        .ok()
        .and_then(|it| it.split_once('\n'))
    else {
        return;
    };
    let (Ok(filter), Ok(principal)) = (Filter::parse(template), principal.parse::<Principal>())
    else {
        return;
    };
    assert!(filter.attributes().next().is_some());
    if let Ok(other) = filter.by_account_name() {
        assert!(!other.has_sid(), "{template:?}");
    }
    let shape = |name: &str| {
        let who = Initiator::new(name.parse().expect("a principal"));
        let rendered = filter.render(&who)?;
        let parsed = parse_filter(&rendered);
        Some(shape(&parsed.unwrap_or_else(|()| panic!("{rendered:?}"))))
    };
    let (usual, this) = (shape("alice@CORP"), shape(&principal.to_string()));
    assert_eq!(usual, this, "{template:?} {principal}");
}

/// Operators and attributes of a filter, and how many values there are; not which.
fn shape(filter: &ldap3::asn1::Tag) -> String {
    fn add(text: &mut String, tag: StructureTag) {
        text.push_str(&format!("{:?} {}", tag.class, tag.id));
        if let PL::C(children) = tag.payload {
            text.push('(');
            children.into_iter().for_each(|child| add(text, child));
            text.push(')');
        }
    }
    let mut text = String::new();
    add(&mut text, filter.clone().into_structure());
    text
}

/// Reads an entry, in BER, and makes a user of it.
pub(crate) fn entry(input: &[u8]) {
    let Some(entry) = tag(input, 6).and_then(|(tag, _)| Entry::parse(tag).ok()) else {
        return;
    };
    let who = Initiator::new("alice@CORP".parse().expect("a principal"));
    let filter = Filter::parse(PERSON).expect("a filter");
    if filter.check_name(&entry, &who).is_ok() {
        assert!(entry.values("uid").any(|value| value == b"alice"));
    }
    let occasions = [Occasion::Ticket, Occasion::Password, Occasion::Recheck];
    let [by_ticket, by_password, recheck] = occasions.map(|it| account::check(&entry, it).is_ok());
    assert!(by_ticket == recheck && (by_ticket || !by_password));
    let _ = active_directory::sid(&entry);
    let _ = entry.part("member");
    for mut fields in [Fields::default(), Fields::of_active_directory()] {
        fields.attributes = vec!["employeeType".to_owned()];
        fields.wildcards = vec!["*".to_owned()];
        let Ok(user) = fields.user(&who, &entry, Vec::new()) else {
            continue;
        };
        assert_eq!(user.principal(), who.principal());
        assert!(user.attributes().all(|(name, _)| !is_secret(name)));
        let stored = user.to_stored().expect("JSON");
        let read = User::from_stored(&stored).expect("what was written");
        assert_eq!(read.to_stored().expect("JSON"), stored);
        assert_eq!((read.id(), read.dn()), (user.id(), Some(entry.dn())));
    }
}

/// As ldap3 has it, down to this depth: its own reader has none.
fn tag(input: &[u8], depth: usize) -> Option<(StructureTag, &[u8])> {
    let (first, mut contents, rest) = message::take(input)?;
    let mut children = Vec::new();
    let is_constructed = first & 0x20 != 0 && depth > 0;
    while is_constructed && !contents.is_empty() {
        let (child, others) = tag(contents, depth - 1)?;
        children.push(child);
        contents = others;
    }
    let tag = StructureTag {
        class: TagClass::from_u8(first >> 6)?,
        id: u64::from(first & 0x1f),
        payload: match is_constructed {
            true => PL::C(children),
            false => PL::P(contents.to_vec()),
        },
    };
    Some((tag, rest))
}

/// Reads what a server answers before there is TLS.
pub(crate) fn reply(input: &[u8]) {
    for operation in [Operation::StartTls, Operation::Bind(None)] {
        let mut stream = tokio::io::join(input, tokio::io::sink());
        let asked = exchange::ask(&mut stream, &operation, 2);
        // All of the input is there at once.
        let reply = futures_util::FutureExt::now_or_never(asked).expect("no waiting");
        let rest = stream.into_inner().0;
        let Some(read) = input.strip_suffix(rest).filter(|_| reply.is_ok()) else {
            continue;
        };
        assert!(matches!(read, [0x30, ..]) && operation.reply(read, 2).is_some());
        assert!(
            operation.reply(read, 1).is_none(),
            "it answers one question"
        );
    }
}

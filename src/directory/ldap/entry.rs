//! An entry as the server sent it, read without trust in its shape.

use ldap3::asn1::{PL, StructureTag, TagClass};

use super::ranges::Part;
use crate::directory::DirectoryError;

/// `SearchResultEntry` of RFC 4511 section 4.5.2.
#[derive(Debug)]
pub(super) struct Entry {
    dn: String,
    attributes: Vec<Attribute>,
}

#[derive(Debug)]
struct Attribute {
    description: String,
    values: Vec<Vec<u8>>,
}

/// The server sent what is no entry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entry has not the shape of RFC 4511 section 4.5.2")]
pub(super) struct Malformed;

const SEARCH_RESULT_ENTRY: u64 = 4;

impl Entry {
    pub(super) fn parse(tag: StructureTag) -> Result<Self, Malformed> {
        if tag.class != TagClass::Application || tag.id != SEARCH_RESULT_ENTRY {
            return Err(Malformed);
        }
        let [dn, attributes] = pair(tag)?;
        Ok(Self {
            dn: text(dn)?,
            attributes: children(attributes)?
                .into_iter()
                .map(Attribute::parse)
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn dn(&self) -> &str {
        &self.dn
    }

    /// The values of the attribute with exactly this description, ASCII case aside: `uid;lang-en`
    /// is not `uid` (RFC 4512 section 2.5).
    pub(super) fn values<'a>(&'a self, description: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.attributes
            .iter()
            .filter(move |own| own.description.eq_ignore_ascii_case(description))
            .flat_map(|own| own.values.iter().map(Vec::as_slice))
    }

    /// The attribute's only value: LDAP has no order among several, so that one of them would not stay
    /// the same.
    pub(super) fn sole<'a>(&'a self, description: &'a str) -> Option<&'a [u8]> {
        let mut values = self.values(description);
        match (values.next(), values.next()) {
            (sole, None) => sole,
            _ => None,
        }
    }

    /// Those of the values that are UTF-8.
    pub(super) fn texts<'a>(&'a self, description: &'a str) -> impl Iterator<Item = &'a str> {
        self.values(description)
            .filter_map(|value| str::from_utf8(value).ok())
    }

    /// The descriptions of all attributes, as the server spells them, options included.
    pub(super) fn descriptions(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|own| own.description.as_str())
    }

    /// Whether the server kept back some of the attribute's values, to be asked for range by range,
    /// as Active Directory does beyond 1,500 (`memberOf;range=0-1499`).
    pub(super) fn is_partial(&self, name: &str) -> bool {
        let mut options = self.options(name);
        options.any(|(options, _)| {
            options
                .split(';')
                .any(|option| option.to_ascii_lowercase().starts_with("range="))
        })
    }

    /// The only range of values that there is.
    pub(super) fn part<'a>(&'a self, name: &'a str) -> Option<Part<'a>> {
        let mut parts = self
            .options(name)
            .filter(|(_, own)| !own.values.is_empty())
            .map(|(options, own)| {
                Part::parse(options, own.values.iter().map(Vec::as_slice).collect())
            });
        match (parts.next(), parts.next()) {
            (Some(part), None) if self.values(name).next().is_none() => part,
            _ => None,
        }
    }

    /// What is behind the attribute's name.
    fn options<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a Attribute)> {
        self.attributes.iter().filter_map(move |own| {
            let (own_name, options) = own.description.split_once(';')?;
            own_name
                .eq_ignore_ascii_case(name)
                .then_some((options, own))
        })
    }
}

impl Attribute {
    fn parse(tag: StructureTag) -> Result<Self, Malformed> {
        let [description, values] = pair(tag)?;
        Ok(Self {
            description: text(description)?,
            values: children(values)?
                .into_iter()
                .map(octets)
                .collect::<Result<_, _>>()?,
        })
    }
}

fn pair(tag: StructureTag) -> Result<[StructureTag; 2], Malformed> {
    children(tag)?.try_into().map_err(|_| Malformed)
}

fn children(tag: StructureTag) -> Result<Vec<StructureTag>, Malformed> {
    match tag.payload {
        PL::C(children) => Ok(children),
        PL::P(_) => Err(Malformed),
    }
}

fn octets(tag: StructureTag) -> Result<Vec<u8>, Malformed> {
    match tag.payload {
        PL::P(octets) => Ok(octets),
        PL::C(_) => Err(Malformed),
    }
}

fn text(tag: StructureTag) -> Result<String, Malformed> {
    String::from_utf8(octets(tag)?).map_err(|_| Malformed)
}

/// An entry as it is looked at for a person: what is none is the server's fault.
pub(super) fn parse(entry: StructureTag) -> Result<Entry, DirectoryError> {
    Entry::parse(entry).map_err(|malformed| {
        DirectoryError::unavailable()
            .with_detail(format!("look into the server's log; {malformed}"))
            .with_source(malformed)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn tag(class: TagClass, id: u64, payload: PL) -> StructureTag {
        StructureTag { class, id, payload }
    }

    fn octet_string(value: impl AsRef<[u8]>) -> StructureTag {
        tag(TagClass::Universal, 4, PL::P(value.as_ref().to_vec()))
    }

    fn list(id: u64, items: Vec<StructureTag>) -> StructureTag {
        tag(TagClass::Universal, id, PL::C(items))
    }

    fn attribute(name: &str, values: &[&[u8]]) -> StructureTag {
        list(
            16,
            vec![
                octet_string(name),
                list(17, values.iter().map(octet_string).collect()),
            ],
        )
    }

    fn with_children(children: Vec<StructureTag>) -> StructureTag {
        tag(TagClass::Application, 4, PL::C(children))
    }

    /// An entry for tests, in which a name may come more than once.
    pub(in super::super) fn entry(dn: &str, attributes: &[(&str, &[&[u8]])]) -> Entry {
        let attributes = attributes
            .iter()
            .map(|(name, values)| attribute(name, values))
            .collect();
        Entry::parse(with_children(vec![octet_string(dn), list(16, attributes)])).unwrap()
    }

    #[test]
    fn values_are_found_by_exact_description_ascii_case_aside() {
        let entry = entry(
            "uid=alice,dc=example",
            &[
                ("UID", &[b"alice"]),
                ("uid;lang-en", &[b"mallory"]),
                ("uidNumber", &[b"7"]),
                ("cn", &[b"\xff", b"Alice"]),
            ],
        );
        assert_eq!(entry.dn(), "uid=alice,dc=example");
        assert_eq!(entry.values("uid").collect::<Vec<_>>(), [b"alice"]);
        assert_eq!(entry.texts("uid;LANG-en").collect::<Vec<_>>(), ["mallory"]);
        assert_eq!(entry.values("cn").count(), 2);
        assert_eq!(entry.texts("cn").collect::<Vec<_>>(), ["Alice"]);
        assert_eq!(entry.values("mail").count(), 0);
    }

    #[test]
    fn a_range_of_values_is_seen_as_partial() {
        let entry = entry(
            "cn=a",
            &[
                ("memberOf", &[]),
                ("memberOf;Range=0-1499", &[b"cn=g"]),
                ("cn;lang-de", &[b"a"]),
            ],
        );
        assert!(entry.is_partial("memberof"));
        assert!(!entry.is_partial("cn"));
        assert!(!entry.is_partial("member"));
    }

    #[test]
    fn malformed_trees_are_refused() {
        let dn = || octet_string("cn=a");
        let none = || list(16, vec![]);
        let with_attribute = |attribute| with_children(vec![dn(), list(16, vec![attribute])]);
        for (what, tree) in [
            ("primitive", tag(TagClass::Application, 4, PL::P(vec![]))),
            ("empty", with_children(vec![])),
            ("no attributes", with_children(vec![dn()])),
            ("a third child", with_children(vec![dn(), none(), none()])),
            ("a list as DN", with_children(vec![none(), none()])),
            (
                "a DN that is not UTF-8",
                with_children(vec![octet_string(b"\xff"), none()]),
            ),
            ("attributes as text", with_children(vec![dn(), dn()])),
            (
                "another class",
                tag(TagClass::Context, 4, PL::C(vec![dn(), none()])),
            ),
            (
                "a referral",
                tag(TagClass::Application, 19, PL::C(vec![dn(), none()])),
            ),
            ("an attribute as text", with_attribute(octet_string("cn"))),
            ("an empty attribute", with_attribute(none())),
            (
                "an attribute without values",
                with_attribute(list(16, vec![octet_string("cn")])),
            ),
            (
                "values as text",
                with_attribute(list(16, vec![octet_string("cn"), octet_string("a")])),
            ),
            (
                "a list as value",
                with_attribute(list(16, vec![octet_string("cn"), list(17, vec![none()])])),
            ),
            (
                "a description that is not UTF-8",
                with_attribute(list(16, vec![octet_string(b"\xff"), list(17, vec![])])),
            ),
        ] {
            assert_eq!(Entry::parse(tree).err(), Some(Malformed), "{what}");
        }
    }
}

//! Distinguished names as text (RFC 4514).

/// The value of the first attribute of the first RDN, unescaped: `Engineers` of
/// `cn=Engineers,ou=groups,dc=example`. `None` where the text is no DN, or the value is written in
/// hex (`#0403…`).
pub(super) fn first_value(dn: &str) -> Option<String> {
    let (kind, rest) = dn.split_once('=')?;
    if !is_attribute_name(kind.trim()) {
        return None;
    }
    let mut value = Vec::new();
    // Spaces at the end are no part of the value unless escaped.
    let mut end = 0;
    let mut bytes = rest.trim_start_matches(' ').bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b',' | b'+' => break,
            b'#' if value.is_empty() => return None,
            b'"' | b';' | b'<' | b'>' | 0 => return None,
            b'\\' => {
                value.push(unescaped(&mut bytes)?);
                end = value.len();
            }
            b' ' => value.push(b' '),
            byte => {
                value.push(byte);
                end = value.len();
            }
        }
    }
    value.truncate(end);
    String::from_utf8(value)
        .ok()
        .filter(|value| !value.is_empty())
}

/// What follows a backslash: two hex digits, or the character itself.
fn unescaped(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = bytes.next()?;
    if matches!(
        first,
        b'"' | b'+' | b',' | b';' | b'<' | b'>' | b' ' | b'#' | b'=' | b'\\'
    ) {
        return Some(first);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(first)? * 16 + digit(bytes.next()?)?;
    u8::try_from(value).ok()
}

/// Whether this is an attribute's name or OID, without options (RFC 4512 section 2.5: `descr`,
/// `numericoid`).
pub(super) fn is_attribute_name(name: &str) -> bool {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return name
            .split('.')
            .all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()));
    }
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_is_unescaped() {
        for (dn, value) in [
            ("cn=Engineers,ou=groups,dc=example", "Engineers"),
            ("CN=Domain Users,CN=Users,DC=corp", "Domain Users"),
            ("cn = Engineers , ou=groups", "Engineers"),
            ("cn=a+ou=b,dc=example", "a"),
            ("2.5.4.3=oid,dc=example", "oid"),
            (r"cn=Sales\, North,dc=example", "Sales, North"),
            (r"cn=Sales\2C North,dc=example", "Sales, North"),
            (r"cn=\#1,dc=example", "#1"),
            (r"cn=\ padded\ ,dc=example", " padded "),
            (r"cn=back\\slash,dc=example", r"back\slash"),
            (r"cn=Lu\C4\8Di\C4\87,dc=example", "Lučić"),
            ("cn=Lučić", "Lučić"),
            ("cn=a=b,dc=example", "a=b"),
        ] {
            assert_eq!(first_value(dn).as_deref(), Some(value), "{dn}");
        }
    }

    #[test]
    fn what_is_no_dn_or_is_in_hex_has_no_value() {
        for text in [
            "",
            "Engineers",
            "=Engineers",
            "cn=",
            "cn=,dc=example",
            "c n=a,dc=example",
            "cn=#04024869,dc=example",
            r"cn=a\",
            r"cn=a\2",
            r"cn=a\zz",
            r"cn=\ff,dc=example",
            "cn=a;dc=example",
            "cn=\"a\",dc=example",
            "cn=a\0b",
        ] {
            assert_eq!(first_value(text), None, "{text:?}");
        }
    }

    #[test]
    fn attribute_names_have_neither_options_nor_wildcards() {
        for name in ["uid", "sAMAccountName", "x-own-2", "2.5.4.3"] {
            assert!(is_attribute_name(name), "{name}");
        }
        for name in [
            "",
            "*",
            "+",
            "1.",
            "1..2",
            "2a",
            "-a",
            "a b",
            "cn;lang-de",
            "ü",
        ] {
            assert!(!is_attribute_name(name), "{name}");
        }
    }
}

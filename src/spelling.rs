//! Two spellings of what may be one name.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::principal::is_deceptive;

/// Whether a directory may take one of these for the other.
///
/// No two servers agree on that: OpenLDAP folds case and compatibility characters by RFC 4518, Active
/// Directory drops accents and the width of letters as well, and of spaces they think differently.
/// This joins what any of these rules does, and so says only who may be meant, never who is.
pub(crate) fn alike(a: &str, b: &str) -> bool {
    if is_plain(a) && is_plain(b) {
        let (mut a, mut b) = (a.split_ascii_whitespace(), b.split_ascii_whitespace());
        loop {
            match (a.next(), b.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {}
                _ => return false,
            }
        }
    }
    loosened(a) == loosened(b)
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Without case, accents, compatibility forms, invisible characters and spaces that repeat.
fn loosened(text: &str) -> String {
    let letters = text
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && (c.is_whitespace() || !is_deceptive(*c)))
        // Both ways: ß is SS in upper case alone, and ſ is S.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect::<String>();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_server_joins_is_alike() {
        for (a, b) in [
            ("Admins", "admins"),
            ("Domain Users", " domain   users "),
            ("Größe", "GRÖSSE"),
            ("Größe", "Gro\u{308}ße"),
            ("Lučić", "LUČIĆ"),
            ("Müller", "Muller"),
            ("Admins", "Ａdmins"),
            ("admins", "ⓐdmins"),
            ("Kelvin", "\u{212a}elvin"),
            ("Ad\u{ad}mins", "Admins"),
            ("Ad\u{1}mins", "Admins"),
            ("Domain\u{a0}Users", "Domain Users"),
            ("ΟΔΟΣ", "οδος"),
            ("ΟΔΟΣ", "οδοσ"),
        ] {
            assert!(alike(a, b) && alike(b, a), "{a:?} {b:?}");
        }
    }

    #[test]
    fn other_names_are_not_alike() {
        for (a, b) in [
            ("Admins", "Admin"),
            ("Admins", ""),
            ("DomainUsers", "Domain Users"),
            ("Lučić", "Lučin"),
            ("管理者", "利用者"),
            ("Größe", "Grobe"),
        ] {
            assert!(!alike(a, b) && !alike(b, a), "{a:?} {b:?}");
        }
    }
}

//! Names out of tokens and keytabs, made fit for the log and for commands.

use crate::principal::printable;

/// How much of a name is shown, in characters. DNS allows 253.
const SHOWN: usize = 256;

/// A component of a name as MIT Kerberos writes it, with what deceives escaped.
pub(super) fn shown(component: &str) -> String {
    let mut text = String::new();
    for (place, c) in component.chars().enumerate() {
        if place == SHOWN {
            text.push('…');
            break;
        }
        if matches!(c, '/' | '@' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    printable(&text)
}

/// `HTTP/<host>`, where each part may stand in a command. A stranger wrote it: whoever pastes the
/// command into a shell runs nothing else.
pub(super) fn spn_for_commands(components: &[&[u8]]) -> Option<String> {
    match components {
        [b"HTTP", host] => Some(format!(
            "HTTP/{}",
            for_commands(str::from_utf8(host).ok()?)?
        )),
        _ => None,
    }
}

/// A name that may stand in a command: letters, digits, dots, hyphens and underscores, with no hyphen
/// first, which would make it an option.
pub(crate) fn for_commands(name: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let may_stand = !name.is_empty()
        && name.len() <= SHOWN
        && !name.starts_with('-')
        && name.bytes().all(is_plain);
    may_stand.then_some(name)
}

/// A file's path that may stand in a command: of such names.
pub(crate) fn path_for_commands(path: &str) -> Option<&str> {
    let names = path.strip_prefix('/')?;
    names
        .split('/')
        .all(|name| for_commands(name).is_some())
        .then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_plain_names_alone() {
        for name in ["intranet.corp.example.com", "WEB_1", "a-b"] {
            assert_eq!(for_commands(name), Some(name));
        }
        for name in [
            "",
            "-X",
            "a b",
            "a;b",
            "$(id)",
            "`id`",
            "a'b",
            "a\"b",
            "a/b",
            "a@b",
            "a\nb",
            "ä",
            "a*",
            &"a".repeat(257),
        ] {
            assert_eq!(for_commands(name), None, "{name:?}");
            assert_eq!(spn_for_commands(&[b"HTTP", name.as_bytes()]), None);
        }
        assert_eq!(spn_for_commands(&[b"HTTP", b"\xff"]), None);
        assert_eq!(spn_for_commands(&[b"-X", b"host"]), None);
        assert_eq!(spn_for_commands(&[b"HTTP", b"a", b"b"]), None);
        assert_eq!(
            spn_for_commands(&[b"HTTP", b"a"]).as_deref(),
            Some("HTTP/a")
        );
    }

    #[test]
    fn a_path_is_of_plain_names() {
        assert_eq!(
            path_for_commands("/etc/web.keytab"),
            Some("/etc/web.keytab")
        );
        for path in [
            "web.keytab",
            "/",
            "//",
            "/etc/we b",
            "/etc/$(id)",
            "/etc/-x",
            "/a/",
        ] {
            assert_eq!(path_for_commands(path), None, "{path}");
        }
    }

    #[test]
    fn a_name_in_a_line_is_escaped_and_shortened() {
        assert_eq!(shown("a/b@c\\d\u{1b}\u{202e}"), r"a\/b\@c\\d\u{1b}\u{202e}");
        assert_eq!(shown(&"x".repeat(300)), format!("{}…", "x".repeat(256)));
    }
}

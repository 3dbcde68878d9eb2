//! Basic (RFC 7617): a user name and a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderValue;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use crate::error::ErrorKind;

pub(super) const SCHEME: &str = "Basic";

/// The longest user name and password, in bytes: the longest password of Active Directory, 256
/// characters, is 768, and leaves as much for the name as for a host's.
const MAX_LEN: usize = 1024;

const MAX_ENCODED_LEN: usize = MAX_LEN.div_ceil(3) * 4;

/// What a person typed. Nothing has judged it yet.
pub(crate) struct UserPassword {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

impl UserPassword {
    /// Base64 with its padding, UTF-8, no control characters: what a password manager, or another
    /// server, reads otherwise is not tried as something similar.
    pub(super) fn read(encoded: &[u8]) -> Result<Self, ErrorKind> {
        const UNREADABLE: ErrorKind = ErrorKind::BasicUnreadable;
        if encoded.len() > MAX_ENCODED_LEN {
            return Err(UNREADABLE);
        }
        let decoded = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| UNREADABLE)?);
        let text = str::from_utf8(&decoded).map_err(|_| UNREADABLE)?;
        match text.split_once(':') {
            Some((user, password))
                if !user.is_empty() && !password.is_empty() && !text.contains(char::is_control) =>
            {
                Ok(Self {
                    user: user.to_owned(),
                    password: password.into(),
                })
            }
            _ => Err(UNREADABLE),
        }
    }
}

/// The challenge, which names the site in `realm` for the person who is asked.
pub(crate) fn challenge(realm: &str) -> HeaderValue {
    let quoted: String = realm
        .chars()
        .filter(|c| matches!(c, ' '..='~'))
        .flat_map(|c| {
            matches!(c, '"' | '\\')
                .then_some('\\')
                .into_iter()
                .chain([c])
        })
        .collect();
    let text = format!("{SCHEME} realm=\"{quoted}\", charset=\"UTF-8\"");
    // Visible ASCII always is a header value.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(SCHEME))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(text: &[u8]) -> Result<(String, String), ErrorKind> {
        let read = UserPassword::read(STANDARD.encode(text).as_bytes())?;
        Ok((read.user, read.password.expose_secret().to_owned()))
    }

    #[test]
    fn a_password_begins_behind_the_first_colon_and_is_utf_8() {
        for (text, user, password) in [
            ("alice:secret", "alice", "secret"),
            ("alice@CORP:a:b::", "alice@CORP", "a:b::"),
            ("jörg:grüße 😀", "jörg", "grüße 😀"),
            ("alice: ", "alice", " "),
        ] {
            let expected = (user.to_owned(), password.to_owned());
            assert_eq!(read(text.as_bytes()), Ok(expected), "{text}");
        }
        let longest = format!("alice:{}", "x".repeat(MAX_LEN - 6));
        assert!(read(longest.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_none_is_unreadable() {
        let too_long = format!("alice:{}", "x".repeat(MAX_LEN));
        for text in [
            &b"alice"[..],
            b"",
            b":",
            b"alice:",
            b":secret",
            b"alice:se\ncret",
            b"alice:se\0cret",
            b"al\x7fice:secret",
            "alice:\u{85}".as_bytes(),
            b"alice:gr\xfc\xdfe",
            too_long.as_bytes(),
        ] {
            assert_eq!(read(text), Err(ErrorKind::BasicUnreadable), "{text:?}");
        }
        for encoded in [
            "YWxpY2U6c2VjcmV0IQ",
            "YWxpY2U6c2VjcmV0IQ=",
            "!",
            "YWxp Y2U=",
        ] {
            let unreadable = UserPassword::read(encoded.as_bytes()).err();
            assert_eq!(unreadable, Some(ErrorKind::BasicUnreadable), "{encoded}");
        }
    }

    #[test]
    fn the_challenge_quotes_its_realm() {
        for (realm, expected) in [
            (
                "intranet.corp",
                r#"Basic realm="intranet.corp", charset="UTF-8""#,
            ),
            (r#"a"b\c"#, r#"Basic realm="a\"b\\c", charset="UTF-8""#),
            ("a\r\nb\u{fc}", r#"Basic realm="ab", charset="UTF-8""#),
        ] {
            assert_eq!(challenge(realm), expected);
        }
    }
}

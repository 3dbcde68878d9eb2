//! LDIF (RFC 2849) with any value in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A line of an entry, its value in Base64.
pub(super) fn attribute(name: &str, value: impl AsRef<[u8]>) -> String {
    format!("{name}:: {}\n", STANDARD.encode(value))
}

/// A value inside a DN (RFC 4514 section 2.4), every special character as `\xx`.
pub(super) fn escape_rdn(value: &str) -> String {
    let mut escaped = String::new();
    for character in value.chars() {
        if character.is_alphanumeric() {
            escaped.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                escaped.push_str(&format!("\\{byte:02x}"));
            }
        }
    }
    escaped
}

//! The text of a distinguished name (RFC 4514 section 3).

use super::attribute::AttributeType;
use super::{DnError, Part, Rdn, Value};

/// In memory a DN takes up to thirty times as much.
const LONGEST: usize = 32 * 1024;

/// Two RDNs are compared part by part.
const MOST_PARTS: usize = 16;

pub(super) fn rdns(text: &str) -> Result<Vec<Rdn>, DnError> {
    if text.len() > LONGEST {
        return Err(DnError::TooLong);
    }
    let mut rdns = Vec::new();
    if text.trim_matches(' ').is_empty() {
        return Ok(rdns);
    }
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (attribute, after) = rest.split_once('=').ok_or(DnError::NoValue)?;
        let attribute = AttributeType::parse(attribute.trim_matches(' '))?;
        let (value, separator, after) = value(after)?;
        let is_twice = |part: &Part| part.attribute == attribute;
        if parts.len() == MOST_PARTS || parts.iter().any(is_twice) {
            return Err(DnError::BadRdn);
        }
        parts.push(Part { attribute, value });
        if separator != Some(b'+') {
            rdns.push(Rdn(std::mem::take(&mut parts)));
        }
        if separator.is_none() {
            return Ok(rdns);
        }
        rest = after;
    }
}

/// A value, what ends it (`,` or `+`, or the text's end), and what comes then.
fn value(text: &str) -> Result<(Value, Option<u8>, &str), DnError> {
    let text = text.trim_start_matches(' ');
    let end = end_of_value(text);
    let (written, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let separator = rest.bytes().next();
    let rest = rest.get(1..).unwrap_or("");
    let value = match written.strip_prefix('#') {
        Some(hex) => Value::Ber(octets(hex.trim_end_matches(' '))?),
        None => unescape(written)?,
    };
    Ok((value, separator, rest))
}

/// The place of the first separator that is not escaped.
fn end_of_value(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = !is_escaped && matches!(byte, b',' | b'+');
        is_escaped = !is_escaped && byte == b'\\';
        ends
    });
    end.unwrap_or(text.len())
}

fn unescape(written: &str) -> Result<Value, DnError> {
    let mut value = Vec::with_capacity(written.len());
    // Spaces at the end are no part of the value unless escaped.
    let mut end = 0;
    let mut bytes = written.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' | b';' | b'<' | b'>' | 0 => return Err(DnError::Unescaped),
            b'\\' => value.push(escaped(&mut bytes).ok_or(DnError::BadEscape)?),
            byte => value.push(byte),
        }
        if byte != b' ' {
            end = value.len();
        }
    }
    value.truncate(end);
    Ok(match String::from_utf8(value) {
        Ok(text) => Value::Text(text),
        Err(error) => Value::Octets(error.into_bytes()),
    })
}

/// What follows a backslash: two hex digits, or the character itself.
fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = bytes.next()?;
    if matches!(
        first,
        b'"' | b'+' | b',' | b';' | b'<' | b'>' | b' ' | b'#' | b'=' | b'\\'
    ) {
        return Some(first);
    }
    octet(first, bytes.next()?)
}

fn octets(hex: &str) -> Result<Vec<u8>, DnError> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return Err(DnError::BadHex);
    }
    let octets = pairs.iter().map(|[high, low]| octet(*high, *low));
    octets.collect::<Option<_>>().ok_or(DnError::BadHex)
}

fn octet(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

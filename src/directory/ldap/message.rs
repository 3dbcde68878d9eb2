//! Without I/O: the few messages of LDAP (RFC 4511) that come before ldap3's.
//!
//! What a server sends is BER, whose lengths may be longer than they need be, as Active Directory's
//! are. It is walked without trust: nothing recurses, and what is long is refused before it is read.

/// What is asked.
pub(super) enum Operation<'a> {
    /// The extended operation of section 4.14.
    StartTls,
    /// A bind by SASL GSSAPI (section 4.2), with the mechanism's token, if it has any to send.
    #[cfg_attr(not(any(feature = "ldap-gssapi", fuzzing)), expect(dead_code))]
    Bind(Option<&'a [u8]>),
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u32,
    /// The diagnostic message.
    pub(super) text: String,
    /// The mechanism's token.
    #[cfg_attr(not(feature = "ldap-gssapi"), allow(dead_code))]
    pub(super) credentials: Option<Vec<u8>>,
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;
const BIND_REQUEST: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
const REQUEST_NAME: u8 = 0x80;
const SASL: u8 = 0xa3;
const SERVER_CREDENTIALS: u8 = 0x87;

const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// Tokens have some kilobytes; one with a PAC of thousands of groups is not the server's.
const LONGEST: usize = 256 << 10;

impl Operation<'_> {
    pub(super) fn encode(&self, id: u8) -> Vec<u8> {
        let operation = match self {
            Self::StartTls => element(EXTENDED_REQUEST, &[&element(REQUEST_NAME, &[START_TLS])]),
            Self::Bind(token) => {
                let mechanism = element(OCTET_STRING, &[b"GSSAPI"]);
                let token = token.map(|token| element(OCTET_STRING, &[token]));
                let sasl = element(SASL, &[&mechanism, token.as_deref().unwrap_or_default()]);
                let version = element(INTEGER, &[&[3]]);
                let nobody = element(OCTET_STRING, &[]);
                element(BIND_REQUEST, &[&version, &nobody, &sasl])
            }
        };
        element(SEQUENCE, &[&element(INTEGER, &[&[id]]), &operation])
    }

    /// The reply to this operation with this id; none if the message is another, or is malformed.
    pub(super) fn reply(&self, message: &[u8], id: u8) -> Option<Reply> {
        let (SEQUENCE, message, []) = take(message)? else {
            return None;
        };
        let (INTEGER, own, message) = take(message)? else {
            return None;
        };
        if number(own)? != u32::from(id) {
            return None;
        }
        let tag = match self {
            Self::StartTls => EXTENDED_RESPONSE,
            Self::Bind(_) => BIND_RESPONSE,
        };
        let (found, fields, _controls) = take(message)?;
        if found != tag {
            return None;
        }
        let (ENUMERATED, code, fields) = take(fields)? else {
            return None;
        };
        let (OCTET_STRING, _matched_dn, fields) = take(fields)? else {
            return None;
        };
        let (OCTET_STRING, text, mut fields) = take(fields)? else {
            return None;
        };
        let mut credentials = None;
        while !fields.is_empty() {
            let (tag, contents, rest) = take(fields)?;
            if tag == SERVER_CREDENTIALS {
                credentials = Some(contents.to_vec());
            }
            fields = rest;
        }
        Some(Reply {
            code: number(code)?,
            text: String::from_utf8_lossy(text).into_owned(),
            credentials,
        })
    }
}

/// How many bytes of a message's length follow these two, its first.
pub(super) fn further_length_bytes(start: &[u8]) -> Option<usize> {
    match start {
        [SEQUENCE, 0..=0x7f] => Some(0),
        [SEQUENCE, first @ 0x81..=0x84] => Some(usize::from(first & 0x7f)),
        _ => None,
    }
}

/// How much follows the header of a message.
pub(super) fn length(header: &[u8]) -> Option<usize> {
    let length = match header {
        [_, short] => usize::from(*short),
        [_, _, bytes @ ..] => usize::try_from(number(bytes)?).ok()?,
        _ => return None,
    };
    (length <= LONGEST).then_some(length)
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = u32::try_from(contents.len()).unwrap_or(u32::MAX);
    let mut element = vec![tag];
    match length {
        0..=0x7f => element.push(length as u8),
        _ => {
            element.push(0x84);
            element.extend(length.to_be_bytes());
        }
    }
    element.extend(contents);
    element
}

/// Tag and contents of the first element, and what follows it.
pub(super) fn take(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, input) = input.split_first()?;
    let (&first, input) = input.split_first()?;
    let (length, input) = match first {
        0..=0x7f => (u32::from(first), input),
        0x81..=0x84 => {
            let (bytes, input) = input.split_at_checked(usize::from(first & 0x7f))?;
            (number(bytes)?, input)
        }
        _ => return None,
    };
    let (contents, rest) = input.split_at_checked(usize::try_from(length).ok()?)?;
    // A tag of several bytes is in no message of ours.
    (tag & 0x1f != 0x1f).then_some((tag, contents, rest))
}

/// Of one to four bytes, not negative.
fn number(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 4 {
        return None;
    }
    Some(
        bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u32::from(byte)),
    )
}

#[cfg(all(test, feature = "ldap-gssapi"))]
mod tests {
    use super::*;

    const BIND: Operation<'_> = Operation::Bind(None);

    fn reply(message: &[u8]) -> Option<Reply> {
        BIND.reply(message, 2)
    }

    #[test]
    fn requests_are_as_the_rfc_has_them() {
        assert_eq!(
            Operation::StartTls.encode(1),
            b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
        );
        assert_eq!(
            BIND.encode(2),
            b"\x30\x14\x02\x01\x02\x60\x0f\x02\x01\x03\x04\x00\xa3\x08\x04\x06GSSAPI"
        );
        assert_eq!(
            Operation::Bind(Some(b"ab")).encode(3),
            b"\x30\x18\x02\x01\x03\x60\x13\x02\x01\x03\x04\x00\xa3\x0c\x04\x06GSSAPI\x04\x02ab"
        );
        let long = Operation::Bind(Some(&[7; 300])).encode(3);
        assert_eq!(length(&long[..6]), Some(long.len() - 6));
        assert_eq!(further_length_bytes(&long[..2]), Some(4));
    }

    #[test]
    fn a_reply_has_code_text_and_token() {
        // With lengths as Active Directory writes them, and a referral before the token.
        let message = b"\x30\x84\x00\x00\x00\x19\x02\x01\x02\x61\x84\x00\x00\x00\x10\
                        \x0a\x01\x0e\x04\x00\x04\x02hm\xa3\x00\x87\x03abc";
        assert_eq!(
            reply(message),
            Some(Reply {
                code: 14,
                text: "hm".to_owned(),
                credentials: Some(b"abc".to_vec()),
            })
        );
        let without = reply(b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x31\x04\x00\x04\x00").unwrap();
        assert_eq!((without.code, without.credentials), (49, None));
    }

    #[test]
    fn what_is_no_reply_to_the_request_is_none() {
        let good = b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
        assert!(reply(good).is_some());
        assert!(
            Operation::StartTls.reply(good, 2).is_none(),
            "another operation"
        );
        assert!(BIND.reply(good, 3).is_none(), "another request");
        for end in 0..good.len() {
            assert!(reply(&good[..end]).is_none(), "{end}");
        }
        for (place, byte) in [
            (0, 0x31),
            (1, 0x80),
            (5, 0x7f),
            (7, 0x02),
            (8, 0x00),
            (8, 0x06),
        ] {
            let mut bad = *good;
            bad[place] = byte;
            assert!(reply(&bad).is_none(), "{place}");
        }
        assert!(reply(&[good.as_slice(), b"\x00"].concat()).is_none());
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        assert_eq!(length(b"\x30\x84\x00\x04\x00\x00"), Some(256 << 10));
        assert_eq!(length(b"\x30\x84\x00\x04\x00\x01"), None);
        assert_eq!(length(b"\x30\x84\xff\xff\xff\xff"), None);
        for start in [b"\x30\x80", b"\x30\x85", b"\x48\x54", b"\x15\x03"] {
            assert_eq!(further_length_bytes(start), None);
        }
    }
}

//! Tokens that no client makes, in DER (X.690).

use std::ops::Range;

pub const SPNEGO: &[u8] = b"\x2b\x06\x01\x05\x05\x02";
pub const KRB5: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
pub const NTLM: &[u8] = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";

/// aes256-cts-hmac-sha1-96 (RFC 3962 section 7).
pub const AES256_SHA1: u32 = 18;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const GENERALIZED_TIME: u8 = 0x18;
const GENERAL_STRING: u8 = 0x1b;
const SEQUENCE: u8 = 0x30;

pub fn application(number: u8, contents: &[u8]) -> Vec<u8> {
    element(0x60 | number, contents)
}

pub fn context(number: u8, contents: &[u8]) -> Vec<u8> {
    element(0xa0 | number, contents)
}

pub fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &elements.concat())
}

/// In the shortest form.
pub fn integer(value: u32) -> Vec<u8> {
    let bytes = [&[0][..], &value.to_be_bytes()].concat();
    let spare = |pair: &&[u8]| pair[0] == 0 && pair[1] < 0x80;
    let zeros = bytes.windows(2).take_while(spare).count();
    element(INTEGER, &bytes[zeros..])
}

pub fn octet_string(contents: &[u8]) -> Vec<u8> {
    element(OCTET_STRING, contents)
}

/// A whole number of bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

pub fn general_string(text: &[u8]) -> Vec<u8> {
    element(GENERAL_STRING, text)
}

pub fn generalized_time(text: &str) -> Vec<u8> {
    element(GENERALIZED_TIME, text.as_bytes())
}

/// An element with the shortest form of its length.
fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).expect("a length");
    let bytes = length.to_be_bytes();
    let zeros = length.leading_zeros() as usize / 8;
    let header = match length {
        0..0x80 => vec![tag, bytes[3]],
        _ => [&[tag, 0x84 - zeros as u8], &bytes[zeros..]].concat(),
    };
    [&header, contents].concat()
}

/// The elements that stand one after the other in what a client or a KDC has made: tag and contents.
#[track_caller]
pub fn elements(mut der: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let [tag, first, rest @ ..] = der {
        let (length, rest) = match first {
            ..0x80 => (usize::from(*first), rest),
            _ => {
                let (bytes, rest) = rest.split_at(usize::from(first & 0x7f));
                let length = bytes
                    .iter()
                    .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
                (length, rest)
            }
        };
        let (contents, rest) = rest.split_at(length);
        found.push((*tag, contents));
        der = rest;
    }
    assert!(der.is_empty());
    found
}

/// The contents of the field with this number in a SEQUENCE, whose element is in `der`.
#[track_caller]
pub fn field(der: &[u8], number: u8) -> &[u8] {
    let [(SEQUENCE, fields)] = elements(der)[..] else {
        panic!("no sequence");
    };
    let fields = elements(fields);
    let found = fields.iter().find(|(tag, _)| *tag == 0xa0 | number);
    found.expect("the field").1
}

/// Where the lengths stand of all elements that can be seen in a token, without the byte that says how
/// long a length is.
pub fn lengths(token: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    find_lengths(token, 0..token.len(), &mut found);
    found
}

fn find_lengths(token: &[u8], mut within: Range<usize>, found: &mut Vec<Range<usize>>) {
    const CONSTRUCTED: u8 = 0x20;
    const LONG: u8 = 0x80;
    if token[within.clone()].starts_with(&[1, 0, 0x6e]) {
        // A Kerberos token's identifier is no element.
        within.start += 2;
    }
    while !within.is_empty() {
        let [tag, first] = [0, 1].map(|place| token[within.start + place]);
        let length = match first & LONG {
            0 => within.start + 1..within.start + 2,
            _ => within.start + 2..within.start + 2 + usize::from(first & !LONG),
        };
        let bytes = token[length.clone()].iter();
        let value = bytes.fold(0, |value, &byte| value << 8 | usize::from(byte));
        let contents = length.end..length.end + value;
        found.push(length);
        within.start = contents.end;
        let is_mech_token =
            tag == OCTET_STRING && token[contents.clone()].starts_with(&[0x60, 0x82]);
        if tag & CONSTRUCTED != 0 || is_mech_token {
            find_lengths(token, contents, found);
        }
    }
}

/// GSS-API's frame (RFC 2743 section 3.1).
pub fn frame(mechanism: &[u8], inner: &[u8]) -> Vec<u8> {
    application(0, &[&element(OID, mechanism), inner].concat())
}

/// A NegTokenInit that offers these mechanisms (RFC 4178 section 4.2.1), with a token of the first.
pub fn offer(mechanisms: &[&[u8]], token: Option<&[u8]>) -> Vec<u8> {
    let list: Vec<_> = mechanisms.iter().map(|oid| element(OID, oid)).collect();
    let mut fields = vec![context(0, &sequence(&list))];
    fields.extend(token.map(|token| context(2, &element(OCTET_STRING, token))));
    frame(SPNEGO, &context(0, &sequence(&fields)))
}

/// A NegTokenResp with this negState and this mechListMIC (RFC 4178 section 4.2.2).
pub fn later(state: Option<u8>, mic: Option<&[u8]>) -> Vec<u8> {
    const ENUMERATED: u8 = 0x0a;
    let mut fields = Vec::new();
    fields.extend(state.map(|state| context(0, &element(ENUMERATED, &[state]))));
    fields.extend(mic.map(|mic| context(3, &element(OCTET_STRING, mic))));
    context(1, &sequence(&fields))
}

/// A MIC token whose checksum is made with no key (RFC 4121 section 4.2.6.1).
pub fn mic_of_nobody() -> Vec<u8> {
    let mut mic = vec![4, 4, 0, 0xff, 0xff, 0xff, 0xff, 0xff];
    mic.extend([0; 8 + 12]);
    mic
}

/// An AP-REQ (RFC 4120 section 5.5.1): what can be read in it, and its two encrypted parts.
pub struct ApReq<'a> {
    pub mutual: bool,
    /// The ticket's realm and service.
    pub realm: &'a str,
    pub service: &'a [&'a str],
    pub enctype: u32,
    pub kvno: Option<u32>,
    pub ticket: &'a [u8],
    pub authenticator: &'a [u8],
}

impl ApReq<'_> {
    /// As it stands in GSS-API's frame, after its token identifier (RFC 4121 section 4.1).
    pub fn unframed(&self) -> Vec<u8> {
        let ticket = sequence(&[
            context(0, &integer(5)),
            context(1, &general_string(self.realm.as_bytes())),
            context(2, &principal_name(2, self.service)),
            context(3, &self.encrypted(self.kvno, self.ticket)),
        ]);
        let mutual_required = if self.mutual { 0x20 } else { 0 };
        let message = sequence(&[
            context(0, &integer(5)),
            context(1, &integer(14)),
            context(2, &bit_string(&[mutual_required, 0, 0, 0])),
            context(3, &application(1, &ticket)),
            context(4, &self.encrypted(None, self.authenticator)),
        ]);
        [&[1, 0][..], &application(14, &message)].concat()
    }

    fn encrypted(&self, kvno: Option<u32>, cipher: &[u8]) -> Vec<u8> {
        let mut fields = vec![context(0, &integer(self.enctype))];
        fields.extend(kvno.map(|kvno| context(1, &integer(kvno))));
        fields.push(context(2, &octet_string(cipher)));
        sequence(&fields)
    }
}

/// A PrincipalName of this name type (RFC 4120 section 5.2.2).
pub fn principal_name<C: AsRef<[u8]>>(kind: u32, components: &[C]) -> Vec<u8> {
    let components = components.iter().map(C::as_ref).map(general_string);
    sequence(&[
        context(0, &integer(kind)),
        context(1, &sequence(&components.collect::<Vec<_>>())),
    ])
}

/// A Kerberos token for `HTTP/localhost` whose encrypted parts are these bytes.
pub fn ap_req(realm: &str, ticket: &[u8], authenticator: &[u8]) -> Vec<u8> {
    let message = ApReq {
        // Without it, MIT Kerberos does not say why it refuses.
        mutual: true,
        realm,
        service: &["HTTP", "localhost"],
        enctype: AES256_SHA1,
        kvno: None,
        ticket,
        authenticator,
    };
    frame(KRB5, &message.unframed())
}

/// The Kerberos token inside a NegTokenInit of curl's.
#[track_caller]
pub fn kerberos_in(spnego: &[u8]) -> &[u8] {
    let oid = element(OID, KRB5);
    let mut places = spnego.windows(oid.len() + 2);
    // Before a token's own identifier (RFC 4121 section 4.1) stand tag and length of its frame.
    let place = places.position(|bytes| bytes == [&oid[..], &[1, 0]].concat());
    let frame = &spnego[place.expect("a Kerberos token") - 4..];
    assert_eq!(frame[..2], [0x60, 0x82]);
    let length = u16::from_be_bytes([frame[2], frame[3]]);
    &frame[..4 + usize::from(length)]
}

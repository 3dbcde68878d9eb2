//! DER (X.690), walked without trust: no length is believed, and nothing recurses, allocates or
//! panics.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const GENERAL_STRING: u8 = 0x1b;
pub(crate) const SEQUENCE: u8 = 0x30;

/// The tag of a field `[number]`.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// The contents of an element that has this tag and fills the input.
pub(crate) fn only(input: &[u8], tag: u8) -> Option<&[u8]> {
    match take(input, tag)? {
        (contents, []) => Some(contents),
        _ => None,
    }
}

/// The contents of a first element that has this tag, and what follows it.
pub(crate) fn take(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let element = element(input)?;
    (element.tag == tag).then_some((element.contents, element.rest))
}

/// The contents of the first field with this tag.
pub(crate) fn field(mut fields: &[u8], tag: u8) -> Option<&[u8]> {
    loop {
        let element = element(fields)?;
        if element.tag == tag {
            return Some(element.contents);
        }
        fields = element.rest;
    }
}

pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    pub(crate) rest: &'a [u8],
}

/// The first element, if it is DER: a tag of one byte, the shortest form of a definite length, and
/// as many bytes.
pub(crate) fn element(input: &[u8]) -> Option<Element<'_>> {
    let (&tag, input) = input.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, input) = input.split_first()?;
    let (length, input) = match first {
        0..=0x7f => (usize::from(first), input),
        0x81..=0x84 => {
            let (bytes, input) = input.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0_u32, |length, &byte| length << 8 | u32::from(byte));
            if length < 0x80 || bytes.first() == Some(&0) {
                return None;
            }
            (usize::try_from(length).ok()?, input)
        }
        _ => return None,
    };
    let (contents, rest) = input.split_at_checked(length)?;
    Some(Element {
        tag,
        contents,
        rest,
    })
}

/// The value of an INTEGER's contents, of at most four bytes.
pub(crate) fn integer(contents: &[u8]) -> Option<i32> {
    let (&first, rest) = contents.split_first()?;
    if rest.len() > 3 {
        return None;
    }
    let sign = i32::from(first.cast_signed());
    Some(
        rest.iter()
            .fold(sign, |value, &byte| value << 8 | i32::from(byte)),
    )
}

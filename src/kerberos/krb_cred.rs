//! Forwarded tickets as a client's checksum carries them: KRB-CRED (RFC 4120 section 5.8).
//!
//! Read strictly, to the last field and in order: each null pointer that MIT Kerberos follows is a
//! field that it takes for optional, and where it refuses what a key has opened, it reads the sealed
//! bytes once more as clear text. So whatever passes here is sound to MIT too, and what can't be read
//! is refused.

use crate::der::{
    BIT_STRING, GENERAL_STRING, GENERALIZED_TIME, INTEGER, OCTET_STRING, SEQUENCE, context,
    integer, only, take,
};

// DER tags (RFC 4120 section 5.10).
const TICKET: u8 = 0x61;
const KRB_CRED: u8 = 0x76;
const ENC_KRB_CRED_PART: u8 = 0x7d;

/// The KRB-CRED in a checksum of GSSAPI's (RFC 4121 section 4.1.1), as MIT finds it.
pub(crate) fn forwarded(checksum: &[u8]) -> Option<&[u8]> {
    const DELEGATION: u32 = 1;
    let (flags, option) = checksum.get(20..)?.split_first_chunk()?;
    if u32::from_le_bytes(*flags) & DELEGATION == 0 {
        return None;
    }
    let (_, rest) = option.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk()?;
    rest.get(..u16::from_le_bytes(*length).into())
}

/// Tickets, and what is sealed about them.
#[derive(Debug)]
pub(crate) struct KrbCred<'a> {
    tickets: usize,
    pub(super) enctype: i32,
    pub(super) sealed: &'a [u8],
}

impl<'a> KrbCred<'a> {
    /// `None` also where there is no ticket.
    pub(crate) fn read(message: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::of(only(message, KRB_CRED)?)?;
        int32(fields.next(0)?)?;
        int32(fields.next(1)?)?;
        let tickets = each(fields.next(2)?, |list| {
            take(list, TICKET).map(|(_, rest)| rest)
        })?;
        let mut encrypted = Fields::of(fields.next(3)?)?;
        fields.end()?;
        let enctype = int32(encrypted.next(0)?)?;
        encrypted.optional(1, |version| int32(version).map(drop))?;
        let sealed = only(encrypted.next(2)?, OCTET_STRING)?;
        encrypted.end()?;
        (tickets > 0).then_some(Self {
            tickets,
            enctype,
            sealed,
        })
    }

    /// Whether the opened part (EncKrbCredPart) gives the key, the client and the server of each
    /// ticket. Old ciphers leave padding after it.
    pub(crate) fn is_described_by(&self, opened: &[u8]) -> bool {
        take(opened, ENC_KRB_CRED_PART)
            .and_then(|(part, _padding)| infos(part))
            .is_some_and(|infos| infos == self.tickets)
    }
}

/// How many KrbCredInfo there are in the fields of an EncKrbCredPart.
fn infos(part: &[u8]) -> Option<usize> {
    let mut fields = Fields::of(part)?;
    let infos = each(fields.next(0)?, |list| {
        let (info, rest) = take(list, SEQUENCE)?;
        check_info(Fields(info))?;
        Some(rest)
    })?;
    // nonce, timestamp, usec, s-address, r-address
    fields.optional(1, |nonce| int32(nonce).map(drop))?;
    fields.optional(2, time)?;
    fields.optional(3, |microseconds| int32(microseconds).map(drop))?;
    fields.optional(4, typed)?;
    fields.optional(5, typed)?;
    fields.end()?;
    Some(infos)
}

/// KrbCredInfo, in which RFC 4120 and MIT take all but the key for optional. Every client that is known
/// names both principals whole.
fn check_info(mut fields: Fields<'_>) -> Option<()> {
    typed(fields.next(0)?)?;
    only(fields.next(1)?, GENERAL_STRING)?;
    name(fields.next(2)?)?;
    fields.optional(3, flags)?;
    // authtime, starttime, endtime, renew-till
    for number in 4..=7 {
        fields.optional(number, time)?;
    }
    only(fields.next(8)?, GENERAL_STRING)?;
    name(fields.next(9)?)?;
    fields.optional(10, addresses)?;
    fields.end()
}

/// A PrincipalName that has a component.
fn name(contents: &[u8]) -> Option<()> {
    let mut fields = Fields::of(contents)?;
    int32(fields.next(0)?)?;
    let components = each(fields.next(1)?, |list| {
        take(list, GENERAL_STRING).map(|(_, rest)| rest)
    })?;
    fields.end()?;
    (components > 0).then_some(())
}

/// The shape of EncryptionKey and HostAddress.
fn typed(contents: &[u8]) -> Option<()> {
    typed_fields(Fields::of(contents)?)
}

fn typed_fields(mut fields: Fields<'_>) -> Option<()> {
    int32(fields.next(0)?)?;
    only(fields.next(1)?, OCTET_STRING)?;
    fields.end()
}

fn addresses(contents: &[u8]) -> Option<()> {
    each(contents, |list| {
        let (address, rest) = take(list, SEQUENCE)?;
        typed_fields(Fields(address))?;
        Some(rest)
    })
    .map(drop)
}

fn flags(contents: &[u8]) -> Option<()> {
    matches!(only(contents, BIT_STRING)?, [0..=7, ..]).then_some(())
}

fn int32(contents: &[u8]) -> Option<i32> {
    integer(only(contents, INTEGER)?)
}

/// KerberosTime (RFC 4120 section 5.2.3), within the years that MIT's has.
fn time(contents: &[u8]) -> Option<()> {
    let (digits, b"Z") = only(contents, GENERALIZED_TIME)?.split_at_checked(14)? else {
        return None;
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = str::from_utf8(digits).ok()?;
    let within = |range: std::ops::Range<usize>, values: std::ops::RangeInclusive<u16>| {
        let value = text.get(range)?.parse().ok()?;
        values.contains(&value).then_some(())
    };
    within(0..4, 1970..=2105)?;
    within(4..6, 1..=12)?;
    within(6..8, 1..=31)?;
    within(8..10, 0..=23)?;
    within(10..12, 0..=59)?;
    within(12..14, 0..=59)
}

/// How many elements a SEQUENCE OF has, each of which is read off the front of what is left.
fn each<'a>(contents: &'a [u8], read: impl Fn(&'a [u8]) -> Option<&'a [u8]>) -> Option<usize> {
    let mut list = only(contents, SEQUENCE)?;
    let mut count = 0;
    while !list.is_empty() {
        list = read(list)?;
        count += 1;
    }
    Some(count)
}

/// What is left of a SEQUENCE's fields. MIT passes over fields that it does not await, so that one in
/// the wrong place is none to it.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn of(sequence: &'a [u8]) -> Option<Self> {
        only(sequence, SEQUENCE).map(Self)
    }

    fn next(&mut self, number: u8) -> Option<&'a [u8]> {
        let (contents, rest) = take(self.0, context(number))?;
        self.0 = rest;
        Some(contents)
    }

    fn optional(&mut self, number: u8, read: impl Fn(&'a [u8]) -> Option<()>) -> Option<()> {
        self.next(number).map_or(Some(()), read)
    }

    fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests;

//! Security identifiers (MS-DTYP section 2.4.2).

use std::fmt;
use std::str::FromStr;

/// How many sub-authorities a SID has at most.
const MAX_SUB_AUTHORITIES: usize = 15;

/// An identifier authority has 48 bits.
const MAX_AUTHORITY: u64 = (1 << 48) - 1;

/// Up to here an identifier authority is written in decimal.
const MAX_DECIMAL_AUTHORITY: u64 = u32::MAX as u64;

/// A security identifier, `S-1-5-21-…`: Windows' name for a user, a group or a domain that no
/// renaming changes (MS-DTYP section 2.4.2).
///
/// Its order is that of its numbers, not of its text: `S-1-5-9` is before `S-1-5-21`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid {
    authority: u64,
    /// Zero from `count` on, so that what is derived holds.
    sub_authorities: [u32; MAX_SUB_AUTHORITIES],
    count: u8,
}

/// What was read is no SID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a security identifier such as S-1-5-32-544")]
#[non_exhaustive]
pub struct SidError;

impl Sid {
    fn new(authority: u64, sub_authorities: impl Iterator<Item = u32>) -> Result<Self, SidError> {
        let mut sid = Self {
            authority,
            sub_authorities: [0; MAX_SUB_AUTHORITIES],
            count: 0,
        };
        for sub_authority in sub_authorities {
            sid.push(sub_authority)?;
        }
        match (sid.count, authority) {
            (1.., ..=MAX_AUTHORITY) => Ok(sid),
            _ => Err(SidError),
        }
    }

    fn push(&mut self, sub_authority: u32) -> Result<(), SidError> {
        let place = self.sub_authorities.get_mut(usize::from(self.count));
        *place.ok_or(SidError)? = sub_authority;
        self.count += 1;
        Ok(())
    }

    fn sub_authorities(&self) -> impl Iterator<Item = u32> {
        let count = usize::from(self.count);
        self.sub_authorities.iter().copied().take(count)
    }

    /// Reads the packet form (MS-DTYP section 2.4.2.2), which must fill the input.
    ///
    /// # Errors
    ///
    /// The bytes are no SID, or are more than one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SidError> {
        let [1, count, a, b, c, d, e, f, rest @ ..] = bytes else {
            return Err(SidError);
        };
        let (sub_authorities, []) = rest.as_chunks::<4>() else {
            return Err(SidError);
        };
        if sub_authorities.len() != usize::from(*count) {
            return Err(SidError);
        }
        let authority = u64::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *f]);
        let sub_authorities = sub_authorities.iter();
        Self::new(authority, sub_authorities.copied().map(u32::from_le_bytes))
    }

    /// The packet form: the value of `objectSid`, which a filter of LDAP takes with each byte
    /// escaped (RFC 4515 section 3).
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let [_, _, authority @ ..] = self.authority.to_be_bytes();
        let mut bytes = vec![1, self.count];
        bytes.extend(authority);
        bytes.extend(self.sub_authorities().flat_map(u32::to_le_bytes));
        bytes
    }

    /// Whether it is an account's or group's of a domain, and not one that is the same in all of
    /// them, as those of `S-1-5-21-0-0-0` are, too (MS-DTYP section 2.4.2.4).
    #[cfg(feature = "ldap")]
    pub(crate) fn is_of_a_domain(&self) -> bool {
        const NT_AUTHORITY: u64 = 5;
        let [first, a, b, c, ..] = self.sub_authorities;
        self.authority == NT_AUTHORITY && first == 21 && [a, b, c] != [0; 3]
    }

    /// Whether no directory has an entry for it: it says how somebody came to be known
    /// (`S-1-18-1`, `S-1-5-21-0-0-0-496`), not what they are a member of.
    pub(crate) fn is_of_no_group(&self) -> bool {
        const ASSERTED: u64 = 18;
        let [first, a, b, c, ..] = self.sub_authorities;
        match self.authority {
            ASSERTED => true,
            5 => first == 21 && self.count > 4 && [a, b, c] == [0; 3],
            _ => false,
        }
    }

    /// The SID of the domain whose account or group this is: all of it but the relative identifier.
    /// An error where nothing would be left.
    #[cfg(feature = "ldap")]
    pub(crate) fn domain(mut self) -> Result<Self, SidError> {
        let last = usize::from(self.count)
            .checked_sub(1)
            .filter(|place| *place > 0);
        let place = last.and_then(|place| self.sub_authorities.get_mut(place));
        *place.ok_or(SidError)? = 0;
        self.count -= 1;
        Ok(self)
    }

    /// The SID of an account or group of this domain, by its relative identifier (RID). An error
    /// where the domain's is as long as a SID can be.
    pub(crate) fn with_rid(mut self, rid: u32) -> Result<Self, SidError> {
        self.push(rid)?;
        Ok(self)
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.authority {
            0..=MAX_DECIMAL_AUTHORITY => write!(f, "S-1-{}", self.authority)?,
            _ => write!(f, "S-1-0x{:012X}", self.authority)?,
        }
        self.sub_authorities()
            .try_for_each(|sub_authority| write!(f, "-{sub_authority}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({self})")
    }
}

/// Reads the text that [`Display`](fmt::Display) writes, and no other spelling of it, so that two
/// texts are one SID only where they are equal (MS-DTYP section 2.4.2.1).
impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        let mut numbers = text.strip_prefix("S-1-").ok_or(SidError)?.split('-');
        let authority = numbers.next().ok_or(SidError)?;
        let authority = match authority.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).map_err(|_| SidError)?,
            None => authority.parse().map_err(|_| SidError)?,
        };
        let mut sub_authorities = [0; MAX_SUB_AUTHORITIES];
        let mut count = 0;
        for number in numbers {
            let place = sub_authorities.get_mut(count).ok_or(SidError)?;
            *place = number.parse().map_err(|_| SidError)?;
            count += 1;
        }
        let sid = Self::new(authority, sub_authorities.into_iter().take(count))?;
        // No plus sign and no leading zero.
        match sid.to_string() == text {
            true => Ok(sid),
            false => Err(SidError),
        }
    }
}

#[cfg(test)]
mod tests;

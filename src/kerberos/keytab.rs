//! What a keytab holds, without its keys.
//!
//! The format is that of MIT Kerberos, which everybody writes:
//! <https://web.mit.edu/kerberos/krb5-latest/doc/formats/keytab_file_format.html>.

use std::collections::HashSet;

#[cfg(feature = "doctor")]
use secrecy::zeroize::Zeroizing;

use crate::principal::Principal;

/// The principals of a keytab and the versions and encryption types of their keys. The keys
/// themselves are passed over.
#[derive(Debug, Clone)]
pub(crate) struct Keytab {
    entries: Vec<KeytabEntry>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeytabEntry {
    pub(crate) principal: Principal,
    /// The key's version number.
    pub(crate) kvno: u32,
    /// The number of the encryption type, such as 18 for aes256-cts-hmac-sha1-96.
    pub(crate) enctype: i32,
    /// When it was put there, in seconds since 1970; 0 where whoever wrote it does not say.
    pub(crate) timestamp: u32,
}

/// Why a file is no keytab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeytabError {
    #[error("it does not begin as a keytab does")]
    NotKeytab,
    #[error("its format is version {0}; known are 1 and 2")]
    UnknownVersion(u8),
    #[error("it is cut off, or an entry is longer than its record")]
    CutOff,
}

impl Keytab {
    /// Reads a whole file. What it holds of principals that can't be a [`Principal`] is left out.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, KeytabError> {
        let (version, bytes) = match bytes {
            [5, 1, rest @ ..] => (Version::One, rest),
            [5, 2, rest @ ..] => (Version::Two, rest),
            [5, version, ..] => return Err(KeytabError::UnknownVersion(*version)),
            _ => return Err(KeytabError::NotKeytab),
        };
        let mut file = Reader { bytes, version };
        let mut entries = Vec::new();
        while !file.bytes.is_empty() {
            let length = file.i32()?;
            let record = file.take(usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX))?;
            match length {
                // MIT Kerberos reads no further.
                0 => break,
                // The hole that a deleted entry leaves.
                ..0 => {}
                _ => entries.extend(entry(record)?),
            }
        }
        Ok(Self { entries })
    }

    /// The same file with only those of its keys that are to be kept, and what is no key's left out.
    #[cfg(feature = "doctor")]
    pub(super) fn only(
        bytes: &[u8],
        keep: impl Fn(&KeytabEntry) -> bool,
    ) -> Result<Zeroizing<Vec<u8>>, KeytabError> {
        let (version, rest) = match bytes {
            [5, 1, rest @ ..] => (Version::One, rest),
            [5, 2, rest @ ..] => (Version::Two, rest),
            _ => return Err(KeytabError::NotKeytab),
        };
        let mut kept = Zeroizing::new(Vec::with_capacity(bytes.len()));
        kept.extend(bytes.iter().take(2));
        let mut file = Reader {
            bytes: rest,
            version,
        };
        while !file.bytes.is_empty() {
            let before = file.bytes;
            let length = file.i32()?;
            let record = file.take(usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX))?;
            let whole = before.len() - file.bytes.len();
            match length {
                0 => break,
                ..0 => {}
                _ if entry(record)?.is_some_and(|entry| keep(&entry)) => {
                    kept.extend(before.iter().take(whole));
                }
                _ => {}
            }
        }
        Ok(kept)
    }

    /// The keys, in the file's order.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = &KeytabEntry> {
        self.entries.iter()
    }

    /// The principals, each once, in the file's order.
    pub(crate) fn principals(&self) -> impl Iterator<Item = &Principal> {
        let mut seen = HashSet::new();
        self.entries
            .iter()
            .map(|entry| &entry.principal)
            .filter(move |principal| seen.insert(*principal))
    }

    /// The realms in which `service/host` has a key; upper and lower case differ.
    pub(crate) fn realms_of(&self, service: &str, host: &str) -> Vec<String> {
        self.principals()
            .filter(|principal| principal.components() == [service, host])
            .map(|principal| principal.realm().to_owned())
            .collect()
    }
}

fn entry(mut record: Reader<'_>) -> Result<Option<KeytabEntry>, KeytabError> {
    let count = match record.version {
        // Version 1 counts the realm, too.
        Version::One => record.u16()?.saturating_sub(1),
        Version::Two => record.u16()?,
    };
    let realm = record.data()?;
    let mut components = Vec::new();
    for _ in 0..count {
        components.push(record.data()?);
    }
    if record.version == Version::Two {
        let _name_type = record.i32()?;
    }
    let timestamp = record.u32()?;
    let short_kvno = record.u8()?;
    let enctype = record.u16()?.cast_signed();
    let _key = record.data()?;
    // What follows is the whole version of the key, or what is left of a hole.
    let kvno = match record.u32() {
        Ok(0) | Err(_) => u32::from(short_kvno),
        Ok(kvno) => kvno,
    };
    Ok(principal(realm, &components).map(|principal| KeytabEntry {
        principal,
        kvno,
        enctype: i32::from(enctype),
        timestamp,
    }))
}

fn principal(realm: &[u8], components: &[&[u8]]) -> Option<Principal> {
    let text = |bytes: &[u8]| str::from_utf8(bytes).map(str::to_owned);
    let components: Result<Vec<_>, _> = components.iter().copied().map(text).collect();
    Principal::from_parts(components.ok()?, text(realm).ok()?).ok()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// Numbers are in the byte order of the machine that wrote the file.
    One,
    /// Numbers are big-endian.
    Two,
}

struct Reader<'a> {
    bytes: &'a [u8],
    version: Version,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<Reader<'a>, KeytabError> {
        let (bytes, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or(KeytabError::CutOff)?;
        self.bytes = rest;
        Ok(Reader {
            bytes,
            version: self.version,
        })
    }

    fn data(&mut self) -> Result<&'a [u8], KeytabError> {
        let length = self.u16()?;
        Ok(self.take(usize::from(length))?.bytes)
    }

    fn u8(&mut self) -> Result<u8, KeytabError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn u16(&mut self) -> Result<u16, KeytabError> {
        let bytes = self.array()?;
        Ok(match self.version {
            Version::One => u16::from_ne_bytes(bytes),
            Version::Two => u16::from_be_bytes(bytes),
        })
    }

    fn u32(&mut self) -> Result<u32, KeytabError> {
        let bytes = self.array()?;
        Ok(match self.version {
            Version::One => u32::from_ne_bytes(bytes),
            Version::Two => u32::from_be_bytes(bytes),
        })
    }

    fn i32(&mut self) -> Result<i32, KeytabError> {
        self.u32().map(u32::cast_signed)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], KeytabError> {
        let (bytes, rest) = self.bytes.split_first_chunk().ok_or(KeytabError::CutOff)?;
        self.bytes = rest;
        Ok(*bytes)
    }
}

#[cfg(test)]
mod tests;

//! NDR, as far as KERB_VALIDATION_INFO needs it: type serialization version 1 (MS-RPCE section
//! 2.2.6), little-endian, with embedded unique pointers (C706 chapter 14).
//!
//! An embedded pointer is a number, zero or not; what it points to comes after the structure, in the
//! pointers' order. So nothing here follows an offset, and nothing recurses.

use super::Defect;
use crate::sid::Sid;

/// Version 1, little-endian, and the length of this header: 8 (MS-RPCE section 2.2.6.1).
const COMMON_HEADER: [u8; 4] = [1, 0x10, 8, 0];

/// What is serialized is a multiple of this long (MS-RPCE section 2.2.6.2).
const PADDING: usize = 8;

/// The octets of one serialized type, from the first that is not yet read.
pub(super) struct Ndr<'a> {
    bytes: &'a [u8],
    /// How many were read, by which numbers are aligned.
    position: usize,
}

/// A pointer that is not yet followed.
#[derive(Clone, Copy)]
pub(super) struct Pointer {
    is_null: bool,
}

/// RPC_UNICODE_STRING (MS-DTYP section 2.3.10), whose text comes later. Lengths in bytes.
#[derive(Clone, Copy)]
pub(super) struct UnicodeString {
    length: u16,
    maximum_length: u16,
    buffer: Pointer,
}

/// A `size_is` array that comes later.
#[derive(Clone, Copy)]
pub(super) struct Array {
    pub(super) count: u32,
    pub(super) pointer: Pointer,
}

impl<'a> Ndr<'a> {
    /// Enters what is serialized: past both headers and the pointer to the one structure.
    pub(super) fn open(input: &'a [u8]) -> Result<Self, Defect> {
        let (header, rest) = input.split_first_chunk::<16>().ok_or(Defect::CutOff)?;
        let [common @ .., l0, l1, l2, l3, _, _, _, _] = header;
        if !common.starts_with(&COMMON_HEADER) {
            return Err(Defect::Header);
        }
        let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]);
        let length = usize::try_from(length).map_err(|_| Defect::CutOff)?;
        let (bytes, []) = rest.split_at_checked(length).ok_or(Defect::CutOff)? else {
            return Err(Defect::Trailing);
        };
        let mut ndr = Self { bytes, position: 0 };
        ndr.pointer()?.required()?;
        Ok(ndr)
    }

    /// Nothing but padding is left.
    pub(super) fn close(self) -> Result<(), Defect> {
        match self.bytes.len() {
            0..PADDING => Ok(()),
            _ => Err(Defect::Trailing),
        }
    }

    pub(super) fn u32(&mut self) -> Result<u32, Defect> {
        self.align(4)?;
        self.array().map(u32::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, Defect> {
        self.align(2)?;
        self.array().map(u16::from_le_bytes)
    }

    /// A FILETIME: two numbers of 32 bits, aligned as such.
    pub(super) fn filetime(&mut self) -> Result<u64, Defect> {
        let low = self.u32()?;
        let high = self.u32()?;
        Ok(u64::from(high) << 32 | u64::from(low))
    }

    pub(super) fn pointer(&mut self) -> Result<Pointer, Defect> {
        // A unique pointer's number says no more than this.
        self.u32().map(|referent| Pointer {
            is_null: referent == 0,
        })
    }

    pub(super) fn array_of(&mut self) -> Result<Array, Defect> {
        Ok(Array {
            count: self.u32()?,
            pointer: self.pointer()?,
        })
    }

    pub(super) fn unicode_string(&mut self) -> Result<UnicodeString, Defect> {
        Ok(UnicodeString {
            length: self.u16()?,
            maximum_length: self.u16()?,
            buffer: self.pointer()?,
        })
    }

    /// The text of a string.
    pub(super) fn text(&mut self, string: UnicodeString) -> Result<String, Defect> {
        utf16(self.utf16_of(string)?)
    }

    /// Passes over the text of a string, which need not be UTF-16 then.
    pub(super) fn skip_text(&mut self, string: UnicodeString) -> Result<(), Defect> {
        self.utf16_of(string).map(|_| ())
    }

    /// A conformant and varying array of the string's code units.
    fn utf16_of(&mut self, string: UnicodeString) -> Result<&'a [u8], Defect> {
        let UnicodeString {
            length,
            maximum_length,
            buffer,
        } = string;
        if length % 2 != 0 || maximum_length % 2 != 0 || length > maximum_length {
            return Err(Defect::StringLength);
        }
        if buffer.is_null {
            return match length {
                0 => Ok(&[]),
                _ => Err(Defect::NullPointer),
            };
        }
        let [maximum, offset, actual] = [self.u32()?, self.u32()?, self.u32()?];
        if maximum != u32::from(maximum_length) / 2
            || offset != 0
            || actual != u32::from(length) / 2
        {
            return Err(Defect::Count);
        }
        self.take(usize::from(length))
    }

    /// How many elements follow, each of which takes `size` bytes here at least.
    pub(super) fn elements(&mut self, array: Array, size: usize) -> Result<usize, Defect> {
        if array.pointer.is_null {
            return match array.count {
                0 => Ok(0),
                _ => Err(Defect::NullPointer),
            };
        }
        if self.u32()? != array.count {
            return Err(Defect::Count);
        }
        let count = usize::try_from(array.count).map_err(|_| Defect::CutOff)?;
        match count.checked_mul(size) {
            Some(length) if length <= self.bytes.len() => Ok(count),
            _ => Err(Defect::CutOff),
        }
    }

    /// RPC_SID: a conformant structure (MS-DTYP section 2.4.2.3), so that its count comes first.
    pub(super) fn sid(&mut self, pointer: Pointer) -> Result<Sid, Defect> {
        pointer.required()?;
        let count = usize::try_from(self.u32()?).map_err(|_| Defect::Sid)?;
        let length = count
            .checked_mul(4)
            .and_then(|length| length.checked_add(8));
        Sid::from_bytes(self.take(length.ok_or(Defect::Sid)?)?).map_err(|_| Defect::Sid)
    }

    pub(super) fn skip(&mut self, length: usize) -> Result<(), Defect> {
        self.take(length).map(|_| ())
    }

    fn align(&mut self, to: usize) -> Result<(), Defect> {
        self.skip(self.position.next_multiple_of(to) - self.position)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Defect> {
        let bytes = self.take(N)?.first_chunk().ok_or(Defect::CutOff)?;
        Ok(*bytes)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Defect> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(Defect::CutOff)?;
        self.bytes = rest;
        self.position += length;
        Ok(taken)
    }
}

impl Pointer {
    pub(super) fn required(self) -> Result<(), Defect> {
        match self.is_null {
            true => Err(Defect::NullPointer),
            false => Ok(()),
        }
    }

    pub(super) fn is_null(self) -> bool {
        self.is_null
    }
}

/// UTF-16, little-endian, with no half of a pair.
pub(super) fn utf16(bytes: &[u8]) -> Result<String, Defect> {
    let (units, []) = bytes.as_chunks::<2>() else {
        return Err(Defect::StringLength);
    };
    char::decode_utf16(units.iter().copied().map(u16::from_le_bytes))
        .collect::<Result<_, _>>()
        .map_err(|_| Defect::Utf16)
}

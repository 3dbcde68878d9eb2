//! A user's attributes as a type of the application's own, through serde:
//! [`User::attributes_as`].
//!
//! ```
//! use std::time::SystemTime;
//!
//! use serde::Deserialize;
//! use tower_spnego::User;
//! use tower_spnego::attributes::{Bytes, file_time, generalized_time};
//! # use tower_spnego::Principal;
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! struct Employee {
//!     employee_number: u32,               // exactly one value
//!     title: Option<String>,              // none or one
//!     #[serde(default)]
//!     telephone_number: Vec<String>,      // any number of them
//!     #[serde(rename = "msExchHideFromAddressLists", default)]
//!     is_hidden: bool,                    // TRUE or FALSE
//!     employee_type: Kind,
//!     jpeg_photo: Option<Bytes>,
//!     #[serde(with = "generalized_time")]
//!     when_created: SystemTime,
//!     #[serde(with = "file_time", default)]
//!     account_expires: Option<SystemTime>,
//! }
//!
//! #[derive(Debug, PartialEq, Deserialize)]
//! #[serde(rename_all = "lowercase")]
//! enum Kind {
//!     Staff,
//!     Student,
//! }
//!
//! # let principal: Principal = "alice@CORP.EXAMPLE.COM".parse()?;
//! let user = User::builder(principal) // or what a handler got
//!     .attribute("employeeNumber", ["4711"])
//!     .attribute("telephoneNumber", ["+49 30 1234", "+49 30 5678"])
//!     .attribute("employeeType", ["staff"])
//!     .attribute("whenCreated", ["20260131120000.0Z"])
//!     .attribute("accountExpires", ["9223372036854775807"])
//!     .build();
//! let employee: Employee = user.attributes_as()?;
//! assert_eq!(employee.employee_number, 4711);
//! assert_eq!(employee.telephone_number.len(), 2);
//! assert_eq!(employee.employee_type, Kind::Staff);
//! assert_eq!(employee.account_expires, None); // never
//! # assert!(!employee.is_hidden && employee.title.is_none() && employee.jpeg_photo.is_none());
//! # assert!(employee.when_created > SystemTime::UNIX_EPOCH);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! The directory must load the attributes: an
#![cfg_attr(
    feature = "ldap",
    doc = "[`LdapDirectory`](crate::ldap::LdapDirectory) those that its builder's `attributes` names."
)]
#![cfg_attr(
    not(feature = "ldap"),
    doc = "`LdapDirectory` those that its builder's `attributes` names."
)]
//!
//! | into | from |
//! |---|---|
//! | a field | the attribute of its name, ASCII case aside (RFC 4512 section 2.5); others are left alone |
//! | `String`, `&str`, `char` | the one value, which must be text (UTF-8) |
//! | numbers | the one value, in decimal (RFC 4517 section 3.3.16) |
//! | `bool` | `TRUE` or `FALSE` (RFC 4517 section 3.3.3) |
//! | an `enum` without fields | the one value, to the letter |
//! | whatever reads itself from text, such as [`IpAddr`](std::net::IpAddr) | the one value |
//! | `Option` | the one value; `None` where there is none |
//! | `Vec`, a set | all values, in no order; `#[serde(default)]` where there may be none |
//! | [`Bytes`], `serde_bytes` | the one value, text or not; to serde, a `Vec<u8>` is a list of numbers |
//! | [`SystemTime`](std::time::SystemTime) | [`generalized_time`] or [`file_time`] says how |
//! | a map | all attributes; its values are read as fields are |
//!
//! Several values where one is expected are an error, for LDAP has no order among them: which is the
//! first differs from one answer to the next.
//!
//! Beneath `#[serde(flatten)]` serde does not say what it wants: names are compared to the letter there,
//! those beside it too, a single value is text, several are a list, and an error can't name its attribute.
//! A map of the rest wants [`serde_json::Value`](https://docs.rs/serde_json) or the like for its values.

use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Visitor};

use crate::user::User;

mod de;
mod error;
pub mod file_time;
pub mod generalized_time;

pub use self::error::AttributesError;

/// All values of one attribute.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    pub(crate) texts: &'a [String],
    /// Those that are no UTF-8.
    pub(crate) others: &'a [Vec<u8>],
}

pub(crate) fn read<'a, T: Deserialize<'a>>(user: &'a User) -> Result<T, AttributesError> {
    let read = T::deserialize(de::Attributes::of(user));
    read.map_err(|error| match error.attribute() {
        Some(_) => error,
        // Beneath #[serde(flatten)] it may be any.
        None => error.quoting_none_of(user.values().flat_map(|(_, values)| values.texts)),
    })
}

/// One value that may be no text: a photo (`jpegPhoto`), an `objectGUID`.
///
/// `Debug` prints its length only.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Bytes(Vec<u8>);

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct BytesVisitor;

        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }

            fn visit_str<E>(self, text: &str) -> Result<Bytes, E> {
                Ok(Bytes(text.as_bytes().to_vec()))
            }
        }

        from.deserialize_byte_buf(BytesVisitor)
    }
}

#[cfg(test)]
mod tests;

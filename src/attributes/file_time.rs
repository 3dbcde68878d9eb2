//! Times of Active Directory as they stand in `accountExpires`, `pwdLastSet`, `lastLogonTimestamp`: 100 ns
//! since 1601, in decimal (MS-DTYP section 2.3.3, MS-ADTS section 3.1.1.2.2.2.9).
//!
//! For `#[serde(with = "tower_spnego::attributes::file_time", default)]` on a field of the type
//! `Option<SystemTime>`. 0 and 2⁶³ − 1 are `None`, as is an attribute that the user has not, for which
//! the `default` is: in each of them, AD says *never* or *not yet*. What `None` means is up to the
//! attribute: an account that never expires, a password that was never set.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use serde::Deserialize;
//! # use tower_spnego::{Principal, User};
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! struct Account {
//!     #[serde(with = "tower_spnego::attributes::file_time", default)]
//!     pwd_last_set: Option<SystemTime>,
//! }
//!
//! # let principal: Principal = "alice@CORP.EXAMPLE.COM".parse()?;
//! # let user = User::builder(principal).attribute("pwdLastSet", ["133801632000000000"]).build();
//! let account: Account = user.attributes_as()?;
//! let set = SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600); // 2025-01-01
//! assert_eq!(account.pwd_last_set, Some(set));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::time::SystemTime;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

use crate::filetime;

/// Reads one value.
///
/// # Errors
///
/// It is no number, or one below 0.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SystemTime>, D::Error> {
    from.deserialize_str(FileTime)
}

struct FileTime;

impl Visitor<'_> for FileTime {
    type Value = Option<SystemTime>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time in 100 ns since 1601")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match text.parse::<i64>().map(u64::try_from) {
            Ok(Ok(time)) => Ok(filetime::read(time)),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

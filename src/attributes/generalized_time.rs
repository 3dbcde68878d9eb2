//! Times as LDAP has them in `createTimestamp`, `whenCreated`, `pwdChangedTime`: `20260131120000Z`, with or
//! without minutes, seconds and a fraction, in UTC or with an offset (RFC 4517 section 3.3.13).
//!
//! For `#[serde(with = "tower_spnego::attributes::generalized_time")]` on a field of the type `SystemTime`,
//! `Vec<SystemTime>`, or `Option<SystemTime>`; the latter, like a `Vec`, needs a `default`, too, where the
//! user may have no such attribute.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use serde::Deserialize;
//! use tower_spnego::attributes::generalized_time;
//! # use tower_spnego::{Principal, User};
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! struct Entry {
//!     #[serde(with = "generalized_time")]
//!     create_timestamp: SystemTime,
//!     #[serde(with = "generalized_time", default)]
//!     pwd_changed_time: Option<SystemTime>,
//! }
//!
//! # let principal: Principal = "alice@CORP.EXAMPLE.COM".parse()?;
//! # let user = User::builder(principal).attribute("createTimestamp", ["20250101010000+0100"]).build();
//! let entry: Entry = user.attributes_as()?;
//! let created = SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600); // 2025-01-01
//! assert_eq!(entry.create_timestamp, created);
//! assert_eq!(entry.pwd_changed_time, None);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// Reads the attribute's value, or its values where `T` takes several.
///
/// # Errors
///
/// A value is no generalizedTime.
pub fn deserialize<'de, D: Deserializer<'de>, T: Times>(from: D) -> Result<T, D::Error> {
    T::read(from)
}

/// What times are read into: `SystemTime`, an `Option` or a `Vec` of it.
pub trait Times: sealed::Times {}

impl<T: sealed::Times> Times for T {}

mod sealed {
    use std::time::SystemTime;

    use serde::de::{Deserialize, Deserializer};

    use super::GeneralizedTime;

    pub trait Times: Sized {
        fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
    }

    impl Times for SystemTime {
        fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            Ok(GeneralizedTime::deserialize(from)?.0)
        }
    }

    impl Times for Option<SystemTime> {
        fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let time = Option::<GeneralizedTime>::deserialize(from)?;
            Ok(time.map(|time| time.0))
        }
    }

    impl Times for Vec<SystemTime> {
        fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let times = Vec::<GeneralizedTime>::deserialize(from)?;
            Ok(times.into_iter().map(|time| time.0).collect())
        }
    }
}

struct GeneralizedTime(SystemTime);

impl<'de> Deserialize<'de> for GeneralizedTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct TimeVisitor;

        impl Visitor<'_> for TimeVisitor {
            type Value = GeneralizedTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a generalizedTime, such as 20260131120000Z")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<GeneralizedTime, E> {
                parse(text)
                    .map(GeneralizedTime)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        from.deserialize_str(TimeVisitor)
    }
}

/// Reads a generalizedTime of RFC 4517 section 3.3.13. A leap second is the one after it.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let mut text = Text(text.as_bytes());
    let year = 100 * text.number(99)? + text.number(99)?;
    let month = u8::try_from(text.number(12)?).ok()?;
    let day = u8::try_from(text.number(31)?).ok()?;
    let month = time::Month::try_from(month).ok()?;
    let date = time::Date::from_calendar_date(i32::try_from(year).ok()?, month, day).ok()?;

    let mut seconds = 3_600 * text.number(23)?;
    let mut last_unit = 3_600;
    if text.has_digit() {
        seconds += 60 * text.number(59)?;
        last_unit = 60;
        if text.has_digit() {
            seconds += text.number(60)?;
            last_unit = 1;
        }
    }
    let fraction = text.fraction_of(last_unit)?;
    let offset = text.offset()?;
    text.0.is_empty().then_some(())?;

    let midnight = date.midnight().assume_utc().unix_timestamp();
    let seconds = midnight + i64::from(seconds) - offset;
    let since_1970 = Duration::from_secs(seconds.unsigned_abs());
    let time = match seconds {
        0.. => SystemTime::UNIX_EPOCH.checked_add(since_1970),
        _ => SystemTime::UNIX_EPOCH.checked_sub(since_1970),
    };
    time?.checked_add(fraction)
}

/// What is not read yet.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn has_digit(&self) -> bool {
        self.0.first().is_some_and(u8::is_ascii_digit)
    }

    /// Two digits, up to this number.
    fn number(&mut self, max: u32) -> Option<u32> {
        let [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] = self.0 else {
            return None;
        };
        self.0 = rest;
        let number = u32::from(10 * (tens - b'0') + (ones - b'0'));
        (number <= max).then_some(number)
    }

    fn take(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    /// A fraction of this many seconds; none where there is none, which is not the same as no digits.
    fn fraction_of(&mut self, seconds: u32) -> Option<Duration> {
        if self.take(b".,").is_none() {
            return Some(Duration::ZERO);
        }
        self.has_digit().then_some(())?;
        let unit = 1_000_000_000 * u64::from(seconds);
        let (mut nanoseconds, mut share) = (0, unit);
        while let Some(digit) = self.take(b"0123456789") {
            share /= 10;
            nanoseconds += share * u64::from(digit - b'0');
        }
        Some(Duration::from_nanos(nanoseconds))
    }

    /// The seconds that local time is ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.take(b"Z+-")? {
            b'Z' => return Some(0),
            b'+' => 1,
            _ => -1,
        };
        let hours = self.number(23)?;
        let minutes = if self.has_digit() {
            self.number(59)?
        } else {
            0
        };
        Some(sign * i64::from(3_600 * hours + 60 * minutes))
    }
}

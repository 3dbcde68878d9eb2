//! Times of Windows (MS-DTYP section 2.3.3).

use std::time::{Duration, SystemTime};

/// Seconds from 1601, where a FILETIME begins (MS-DTYP section 2.3.3), to 1970.
const FROM_1601_TO_1970: Duration = Duration::from_secs(11_644_473_600);

/// A FILETIME counts 100 ns from 1601; 0 is "not set", and what is beyond 63 bits less one "never"
/// (MS-PAC section 2.5).
pub(crate) fn read(filetime: u64) -> Option<SystemTime> {
    const NEVER: u64 = i64::MAX.unsigned_abs();
    if filetime == 0 || filetime >= NEVER {
        return None;
    }
    let ticks = filetime % 10_000_000;
    let since_1601 = Duration::new(filetime / 10_000_000, u32::try_from(ticks * 100).ok()?);
    SystemTime::UNIX_EPOCH
        .checked_sub(FROM_1601_TO_1970)?
        .checked_add(since_1601)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_not_set_never_or_then() {
        assert_eq!(read(0), None);
        assert_eq!(read(0x7fff_ffff_ffff_ffff), None);
        assert_eq!(read(u64::MAX), None);
        assert_eq!(
            read(116_444_736_000_000_001),
            Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(100))
        );
        let in_1601 = SystemTime::UNIX_EPOCH - FROM_1601_TO_1970 + Duration::from_nanos(100);
        assert_eq!(read(1), Some(in_1601));
        assert!(read(0x7fff_ffff_ffff_fffe).is_some());
    }
}

//! GeneralizedTime, as entries hold it (RFC 4517 section 3.3.13).

/// The time in seconds since 1970, with parts of a second left out. `None` where the text is none, or
/// has a part of an hour or of a minute, as no directory writes it.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (time, zone) = text.split_at(text.find(['Z', '+', '-'])?);
    let (digits, fraction) = match time.split_once(['.', ',']) {
        Some((digits, fraction)) => (digits, Some(fraction)),
        None => (time, None),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_whole = fraction.is_none_or(|fraction| is_number(fraction) && digits.len() == 14);
    if !is_whole || !is_number(digits) || !matches!(digits.len(), 10 | 12 | 14) {
        return None;
    }
    let part = |from: usize, to: usize| match digits.get(from..to) {
        Some(digits) => digits.parse().ok(),
        None => Some(0),
    };
    let (year, month, day): (i64, i64, i64) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second): (i64, i64, i64) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    // A leap second is the second after.
    let is_time = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    is_time.then_some(seconds - offset(zone)?)
}

/// What local time is ahead of UTC, in seconds.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, digits) = match (zone.strip_prefix('+'), zone.strip_prefix('-')) {
        (Some(digits), _) => (1, digits),
        (_, Some(digits)) => (-1, digits),
        _ => return None,
    };
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = match digits.get(2..)? {
        "" => 0,
        minutes => minutes.parse().ok()?,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Days since 1970 of a date of the Gregorian calendar, whose years begin in March here, so that the
/// leap day is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_every_form_that_directories_write() {
        for (text, expected) in [
            ("19700101000000Z", 0),
            ("20260228235959Z", 1_772_323_199),
            ("20240229120000Z", 1_709_208_000),
            ("20240301000000Z", 1_709_251_200),
            ("20000101000000Z", 946_684_800),
            ("2000010100Z", 946_684_800),
            ("200001010000Z", 946_684_800),
            ("20000101000000.0Z", 946_684_800),
            ("20000101000000,999Z", 946_684_800),
            ("20000101010000+0100", 946_684_800),
            ("19991231190000-05", 946_684_800),
            ("20000101053000+0530", 946_684_800),
            ("19691231235959Z", -1),
            ("99991231235959Z", 253_402_300_799),
            ("000001010000Z", -62_167_219_200),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "Z",
            "never",
            "20000101000000",
            "20000101Z",
            "2000010100000Z",
            "20001301000000Z",
            "20000100000000Z",
            "20000101240000Z",
            "20000101006000Z",
            "20000101000061Z",
            "20000101000000.Z",
            "2000010100.5Z",
            "20000101000000ZZ",
            "20000101000000+1",
            "20000101000000+2400",
            "20000101000000+ab",
            "2000０101000000Z",
            "+20000101000000Z",
        ] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }
}

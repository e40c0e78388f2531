//! Times as certificates and log lists write them, in milliseconds since 1970.

use std::fmt;

pub(super) const SECOND: u64 = 1_000;
pub(super) const DAY: u64 = 86_400 * SECOND;

/// A date and a time of day, `None` where there is no such thing or it lies before 1970.
fn milliseconds(date: [u32; 3], time: [u32; 3]) -> Option<u64> {
    let ([year, month, day], [hour, minute, second]) = (date, time);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    };
    if year < 1970 || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years that begin in March put the odd day at the end; days are counted from 1 March of year 0.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let seconds = u64::from(days - 719_468) * 86_400 + u64::from(hour * 3_600 + minute * 60 + second);
    Some(seconds * SECOND)
}

/// Takes `digits` digits from the front.
fn number(text: &mut &[u8], digits: usize) -> Option<u32> {
    let (front, rest) = text.split_at_checked(digits)?;
    *text = rest;
    front
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
}

fn literal(text: &mut &[u8], expected: u8) -> Option<()> {
    let (&first, rest) = text.split_first()?;
    *text = rest;
    (first == expected).then_some(())
}

/// `YYMMDDHHMMSSZ`, or with four digits for the year (RFC 5280 §4.1.2.5).
pub(super) fn certificate_time(mut text: &[u8], year_digits: usize) -> Option<u64> {
    let text = &mut text;
    let year = number(text, year_digits)?;
    let year = match year_digits {
        2 if year < 50 => year + 2_000,
        2 => year + 1_900,
        _ => year,
    };
    let date = [year, number(text, 2)?, number(text, 2)?];
    let time = [number(text, 2)?, number(text, 2)?, number(text, 2)?];
    literal(text, b'Z')?;
    if !text.is_empty() {
        return None;
    }
    milliseconds(date, time)
}

/// `YYYY-MM-DDTHH:MM:SS`, perhaps a fraction, and `Z` or an offset (RFC 3339 §5.6).
pub(super) fn rfc3339(text: &str) -> Option<u64> {
    let mut text = text.as_bytes();
    let text = &mut text;
    let year = number(text, 4)?;
    literal(text, b'-')?;
    let month = number(text, 2)?;
    literal(text, b'-')?;
    let day = number(text, 2)?;
    let (&separator, rest) = text.split_first()?;
    if !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    *text = rest;
    let hour = number(text, 2)?;
    literal(text, b':')?;
    let minute = number(text, 2)?;
    literal(text, b':')?;
    let second = number(text, 2)?;
    let mut time = milliseconds([year, month, day], [hour, minute, second])?;
    if let Some((b'.', rest)) = text.split_first() {
        let digits = rest.iter().take_while(|digit| digit.is_ascii_digit()).count();
        let (fraction, rest) = rest.split_at_checked(digits)?;
        let mut padded = fraction.iter().copied().chain([b'0'; 3]);
        let first: Vec<u8> = padded.by_ref().take(3).collect();
        if digits == 0 {
            return None;
        }
        time += u64::from(number(&mut first.as_slice(), 3)?);
        *text = rest;
    }
    let (&sign, rest) = text.split_first()?;
    *text = rest;
    if matches!(sign, b'+' | b'-') {
        let hours = number(text, 2)?;
        literal(text, b':')?;
        let minutes = number(text, 2)?;
        if hours > 23 || minutes > 59 {
            return None;
        }
        let offset = u64::from(hours * 60 + minutes) * 60 * SECOND;
        time = if sign == b'+' { time.checked_sub(offset)? } else { time.checked_add(offset)? };
    } else if !matches!(sign, b'Z' | b'z') {
        return None;
    }
    text.is_empty().then_some(time)
}

/// Writes a time as `2026-04-15T08:00:00Z`; beyond the year 9999 as a number.
pub(super) struct Utc(pub(super) u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / SECOND;
        if seconds >= 253_402_300_800 {
            return write!(f, "{} ms after 1970", self.0);
        }
        let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let year = year + era * 400 + u64::from(month >= 10);
        let month = if month < 10 { month + 3 } else { month - 9 };
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_right() {
        // Seconds as `date -u +%s` gives them.
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1972-02-29T23:59:59Z", 68_255_999),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2024-12-31T23:59:59Z", 1_735_689_599),
            ("2100-02-28T00:00:00Z", 4_107_456_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(rfc3339(text), Some(seconds * SECOND), "{text}");
            assert_eq!(Utc(seconds * SECOND).to_string(), text);
        }
        let mut day = 0;
        while day < 400 * 366 * DAY {
            assert_eq!(rfc3339(&Utc(day).to_string()), Some(day));
            day += DAY;
        }
        assert_eq!(Utc(u64::MAX).to_string(), "18446744073709551615 ms after 1970");
    }

    #[test]
    fn fractions_and_offsets() {
        let base = rfc3339("2026-04-15T08:00:00Z").unwrap();
        assert_eq!(rfc3339("2026-04-15T08:00:00.5Z"), Some(base + 500));
        assert_eq!(rfc3339("2026-04-15t08:00:00.123456789z"), Some(base + 123));
        assert_eq!(rfc3339("2026-04-15 10:30:00+02:30"), Some(base));
        assert_eq!(rfc3339("2026-04-14T23:00:00-09:00"), Some(base));
        for wrong in [
            "",
            "2026-04-15",
            "2026-04-15T08:00:00",
            "2026-04-15T08:00:00.Z",
            "2026-04-15T08:00:00Zx",
            "2026-04-15T08:00:00+0230",
            "2026-04-15T08:00:00+24:00",
            "2026-04-31T08:00:00Z",
            "2026-02-29T08:00:00Z",
            "2026-13-01T08:00:00Z",
            "2026-00-01T08:00:00Z",
            "2026-04-00T08:00:00Z",
            "2026-04-15T24:00:00Z",
            "2026-04-15T08:60:00Z",
            "2026-04-15T08:00:60Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "+026-04-15T08:00:00Z",
            "2026/04/15T08:00:00Z",
        ] {
            assert_eq!(rfc3339(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_of_certificates() {
        let expected = rfc3339("2026-04-15T08:00:01Z");
        assert_eq!(certificate_time(b"260415080001Z", 2), expected);
        assert_eq!(certificate_time(b"20260415080001Z", 4), expected);
        assert_eq!(certificate_time(b"491231235959Z", 2), rfc3339("2049-12-31T23:59:59Z"));
        assert_eq!(certificate_time(b"500101000000Z", 2), None);
        assert_eq!(certificate_time(b"990101000000Z", 2), rfc3339("1999-01-01T00:00:00Z"));
        for wrong in [&b"2604150800Z"[..], b"260415080001", b"260415080001+0000", b"260415080001ZZ"] {
            assert_eq!(certificate_time(wrong, 2), None);
        }
    }
}

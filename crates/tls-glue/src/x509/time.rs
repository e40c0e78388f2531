//! Moments in certificates (RFC 5280 §4.1.2.5).

use super::der::{Element, GENERALIZED_TIME, UTC_TIME};

const DAY: i64 = 86_400;

/// Seconds since 1970 of a `UTCTime` or `GeneralizedTime`.
pub(crate) fn seconds(element: Element<'_>) -> Option<i64> {
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let (year, rest) = number(element.content, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => number(element.content, 4)?,
        _ => return None,
    };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = number(rest, 2)?;
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    (valid && second < 61 && rest == b"Z")
        .then(|| days(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_at_checked(digits)?;
    let value = digits
        .iter()
        .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))?;
    Some((value, rest))
}

/// Days from 1970-01-01. A year is counted from March, so that the leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let month = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468
}

/// Year, month and day of a day from 1970-01-01.
pub(crate) fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    // The years of the cycle that are over: each fourth has a day more, but for each hundredth.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + carry, month, day)
}

/// As RFC 3339 has it, in UTC.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(tag: u8, text: &str) -> Option<String> {
        seconds(Element { tag, content: text.as_bytes(), whole: &[] }).map(rfc3339)
    }

    #[test]
    fn both_forms() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", "1970-01-01T00:00:00Z"),
            (UTC_TIME, "491231235959Z", "2049-12-31T23:59:59Z"),
            (UTC_TIME, "500101000000Z", "1950-01-01T00:00:00Z"),
            (UTC_TIME, "000229120000Z", "2000-02-29T12:00:00Z"),
            (GENERALIZED_TIME, "99991231235959Z", "9999-12-31T23:59:59Z"),
            (GENERALIZED_TIME, "21000301000000Z", "2100-03-01T00:00:00Z"),
            (GENERALIZED_TIME, "00000101000000Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(parsed(tag, text).as_deref(), Some(expected), "{text}");
        }
        for text in
            ["", "Z", "7001010000Z", "701301000000Z", "700100000000Z", "700101240000Z", "700101000000"]
        {
            assert_eq!(parsed(UTC_TIME, text), None, "{text}");
        }
        assert_eq!(parsed(0x04, "700101000000Z"), None);
    }

    #[test]
    fn dates_come_back() {
        for day in (-800_000..3_000_000).step_by(13) {
            let (y, m, d) = date(day);
            assert!((1..=12).contains(&m) && (1..=31).contains(&d), "{day}: {y}-{m}-{d}");
            assert_eq!(days(y, m, d), day);
        }
    }
}

//! HTTP-date (RFC 9110 §5.6.7): `Date`, `Last-Modified`, `Expires`, `If-Modified-Since` and others.
//!
//! All three forms are read, only IMF-fixdate is written. The grammar is taken strictly (case, lengths, ranges,
//! days of the month); the one thing not checked is whether the weekday fits the date, because nothing depends
//! on it and the RFC does not ask for it.

use core::fmt;

const DAY: i64 = 86_400;
/// Days of a whole Gregorian cycle.
const DAYS_400_YEARS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01; counting years from March puts the leap day at the end.
const EPOCH_FROM_MARCH_0000: i64 = 719_468;

/// A moment with a resolution of one second, between the years 1 and 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HttpDate(i64);

/// Why a field value is not an HTTP-date: the first part found to be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DateError {
    /// The length or the separators fit none of the three forms.
    #[error("not in one of the three forms of an HTTP-date")]
    Form,
    /// The name of the weekday is not one of the seven (names are case-sensitive).
    #[error("unknown day name in an HTTP-date")]
    DayName,
    /// The name of the month is not one of the twelve (names are case-sensitive).
    #[error("unknown month name in an HTTP-date")]
    Month,
    /// The month does not have that day.
    #[error("no such day in the month of an HTTP-date")]
    Day,
    /// Beyond 23:59:59, or a leap second at another time than 23:59:60.
    #[error("time of day out of range in an HTTP-date")]
    Time,
    /// Not within the years 1 to 9999.
    #[error("year out of range in an HTTP-date")]
    Year,
}

/// Date and time of day in UTC; the order of the fields is the order in time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    second_of_day: i64,
}

impl HttpDate {
    /// 0001-01-01 00:00:00.
    pub const MIN: Self = Self(-62_135_596_800);
    /// 9999-12-31 23:59:59.
    pub const MAX: Self = Self(253_402_300_799);
    /// 1970-01-01 00:00:00.
    pub const UNIX_EPOCH: Self = Self(0);
    /// Bytes of the IMF-fixdate form.
    pub const LENGTH: usize = 29;

    /// The moment `seconds` after (before, if negative) 1970-01-01 00:00:00 UTC; `None` outside [`Self::MIN`] to
    /// [`Self::MAX`].
    pub const fn from_unix(seconds: i64) -> Option<Self> {
        if seconds < Self::MIN.0 || seconds > Self::MAX.0 { None } else { Some(Self(seconds)) }
    }

    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }

    /// Reads an HTTP-date in any of the three forms (RFC 9110 §5.6.7), without whitespace around it.
    ///
    /// `now` settles the century of the two-digit year of the RFC 850 form: it is the latest one that does not
    /// put the date more than 50 years ahead of `now`. A leap second counts as the second after it.
    ///
    /// # Errors
    /// The first part of the value that breaks the grammar or the calendar.
    pub fn parse(value: &[u8], now: HttpDate) -> Result<Self, DateError> {
        match value.len() {
            29 => parse_imf_fixdate(value),
            24 => parse_asctime(value),
            _ => parse_rfc850(value, now),
        }
    }

    /// The IMF-fixdate form, the only one that is to be generated: `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn format(self) -> [u8; Self::LENGTH] {
        let Civil { year, month, day, second_of_day } = civil(self.0);
        let [w1, w2, w3] = day_name(self.0.div_euclid(DAY));
        let [n1, n2, n3] = month_name(month);
        let [y1, y2] = two_digits(year / 100);
        let [y3, y4] = two_digits(year % 100);
        let [d1, d2] = two_digits(day);
        let [h1, h2] = two_digits(second_of_day / 3600);
        let [m1, m2] = two_digits(second_of_day / 60 % 60);
        let [s1, s2] = two_digits(second_of_day % 60);
        [
            w1, w2, w3, b',', b' ', d1, d2, b' ', n1, n2, n3, b' ', y1, y2, y3, y4, b' ', h1, h2, b':', m1,
            m2, b':', s1, s2, b' ', b'G', b'M', b'T',
        ]
    }

    /// The same moment as a [`std::time::SystemTime`]; `None` if the platform cannot represent it.
    #[cfg(feature = "std")]
    pub fn system_time(self) -> Option<std::time::SystemTime> {
        let distance = std::time::Duration::from_secs(self.0.unsigned_abs());
        let epoch = std::time::UNIX_EPOCH;
        if self.0 < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) }
    }
}

/// Cuts the fraction of the second off (towards the past) and stays within [`HttpDate::MIN`] to
/// [`HttpDate::MAX`].
#[cfg(feature = "std")]
impl From<std::time::SystemTime> for HttpDate {
    fn from(time: std::time::SystemTime) -> Self {
        let seconds = match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(error) => {
                let before = error.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                0i64.saturating_sub(whole).saturating_sub(i64::from(before.subsec_nanos() > 0))
            }
        };
        Self(seconds.clamp(Self::MIN.0, Self::MAX.0))
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.format()).unwrap_or_default())
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn parse_imf_fixdate(value: &[u8]) -> Result<HttpDate, DateError> {
    let &[
        w1,
        w2,
        w3,
        b',',
        b' ',
        d1,
        d2,
        b' ',
        n1,
        n2,
        n3,
        b' ',
        y1,
        y2,
        y3,
        y4,
        b' ',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
        b' ',
        b'G',
        b'M',
        b'T',
    ] = value
    else {
        return Err(DateError::Form);
    };
    check_day_name([w1, w2, w3])?;
    let year = number([y1, y2])? * 100 + number([y3, y4])?;
    let second_of_day = second_of_day([h1, h2], [m1, m2], [s1, s2])?;
    moment(Civil { year, month: month_number([n1, n2, n3])?, day: number([d1, d2])?, second_of_day })
}

/// `Sun Nov  6 08:49:37 1994`
fn parse_asctime(value: &[u8]) -> Result<HttpDate, DateError> {
    let &[
        w1,
        w2,
        w3,
        b' ',
        n1,
        n2,
        n3,
        b' ',
        d1,
        d2,
        b' ',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
        b' ',
        y1,
        y2,
        y3,
        y4,
    ] = value
    else {
        return Err(DateError::Form);
    };
    check_day_name([w1, w2, w3])?;
    let year = number([y1, y2])? * 100 + number([y3, y4])?;
    let day = number([if d1 == b' ' { b'0' } else { d1 }, d2])?;
    let second_of_day = second_of_day([h1, h2], [m1, m2], [s1, s2])?;
    moment(Civil { year, month: month_number([n1, n2, n3])?, day, second_of_day })
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn parse_rfc850(value: &[u8], now: HttpDate) -> Result<HttpDate, DateError> {
    let Some((weekday, tail)) = value.split_last_chunk::<24>() else { return Err(DateError::Form) };
    let &[
        b',',
        b' ',
        d1,
        d2,
        b'-',
        n1,
        n2,
        n3,
        b'-',
        y1,
        y2,
        b' ',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
        b' ',
        b'G',
        b'M',
        b'T',
    ] = tail
    else {
        return Err(DateError::Form);
    };
    if !matches!(
        weekday,
        b"Monday" | b"Tuesday" | b"Wednesday" | b"Thursday" | b"Friday" | b"Saturday" | b"Sunday"
    ) {
        return Err(DateError::DayName);
    }
    let now = civil(now.0);
    let mut date = Civil {
        year: (now.year / 100 + 1) * 100 + number([y1, y2])?,
        month: month_number([n1, n2, n3])?,
        day: number([d1, d2])?,
        second_of_day: second_of_day([h1, h2], [m1, m2], [s1, s2])?,
    };
    let latest = Civil { year: now.year + 50, ..now };
    // At most twice: the guess lies less than 200 years ahead.
    while date > latest || date.year > 9999 {
        date.year -= 100;
    }
    moment(date)
}

fn number(digits: [u8; 2]) -> Result<i64, DateError> {
    let [tens, ones] = digits;
    if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
        return Err(DateError::Form);
    }
    Ok(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn second_of_day(hour: [u8; 2], minute: [u8; 2], second: [u8; 2]) -> Result<i64, DateError> {
    match (number(hour)?, number(minute)?, number(second)?) {
        // RFC 9110 §5.6.7: 23:59:60 is a leap second.
        (23, 59, 60) => Ok(DAY),
        (hour @ 0..=23, minute @ 0..=59, second @ 0..=59) => Ok(hour * 3600 + minute * 60 + second),
        _ => Err(DateError::Time),
    }
}

/// Checks the calendar and counts the seconds.
fn moment(date: Civil) -> Result<HttpDate, DateError> {
    if !(1..=9999).contains(&date.year) {
        return Err(DateError::Year);
    }
    if date.day < 1 || date.day > days_in_month(date.year, date.month) {
        return Err(DateError::Day);
    }
    let seconds = days_from_epoch(date.year, date.month, date.day) * DAY + date.second_of_day;
    HttpDate::from_unix(seconds).ok_or(DateError::Year)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here: `(153 m + 2) / 5` are the days before the m-th month from then on.
    let march_year = if month <= 2 { year - 1 } else { year };
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let leap_days = march_year.div_euclid(4) - march_year.div_euclid(100) + march_year.div_euclid(400);
    march_year * 365 + leap_days + day_of_year - EPOCH_FROM_MARCH_0000
}

/// The inverse of [`days_from_epoch`], with the time of day.
fn civil(unix_seconds: i64) -> Civil {
    let days = unix_seconds.div_euclid(DAY) + EPOCH_FROM_MARCH_0000;
    let cycle = days.div_euclid(DAYS_400_YEARS);
    let day_of_cycle = days.rem_euclid(DAYS_400_YEARS);
    // Takes the leap days out again, so that every year has 365.
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    Civil { year, month, day, second_of_day: unix_seconds.rem_euclid(DAY) }
}

fn two_digits(value: i64) -> [u8; 2] {
    let value = u8::try_from(value).unwrap_or(0);
    [b'0' + value / 10, b'0' + value % 10]
}

fn check_day_name(name: [u8; 3]) -> Result<(), DateError> {
    match &name {
        b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun" => Ok(()),
        _ => Err(DateError::DayName),
    }
}

fn day_name(days_from_epoch: i64) -> [u8; 3] {
    // 1970-01-01 was a Thursday.
    *match days_from_epoch.rem_euclid(7) {
        0 => b"Thu",
        1 => b"Fri",
        2 => b"Sat",
        3 => b"Sun",
        4 => b"Mon",
        5 => b"Tue",
        _ => b"Wed",
    }
}

fn month_number(name: [u8; 3]) -> Result<i64, DateError> {
    Ok(match &name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return Err(DateError::Month),
    })
}

fn month_name(month: i64) -> [u8; 3] {
    *match month {
        1 => b"Jan",
        2 => b"Feb",
        3 => b"Mar",
        4 => b"Apr",
        5 => b"May",
        6 => b"Jun",
        7 => b"Jul",
        8 => b"Aug",
        9 => b"Sep",
        10 => b"Oct",
        11 => b"Nov",
        _ => b"Dec",
    }
}

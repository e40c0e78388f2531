use proptest::prelude::*;
use wirelace_http_semantics::date::{DateError, HttpDate};

fn at(seconds: i64) -> HttpDate {
    HttpDate::from_unix(seconds).unwrap()
}

/// 2026-01-01 00:00:00
const NOW: i64 = 1_767_225_600;

fn parse(value: &str) -> Result<i64, DateError> {
    HttpDate::parse(value.as_bytes(), at(NOW)).map(HttpDate::unix_seconds)
}

#[test]
fn examples_of_rfc_9110() {
    for value in
        ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
    {
        assert_eq!(parse(value), Ok(784_111_777), "{value}");
    }
    assert_eq!(&at(784_111_777).format(), b"Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(at(784_111_777).to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
}

#[test]
fn known_moments() {
    for (text, seconds) in [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
        ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
        ("Mon, 01 Jan 0001 00:00:00 GMT", HttpDate::MIN.unix_seconds()),
        ("Fri, 31 Dec 9999 23:59:59 GMT", HttpDate::MAX.unix_seconds()),
        ("Tue, 19 Jan 2038 03:14:08 GMT", 1 << 31),
    ] {
        assert_eq!(parse(text), Ok(seconds), "{text}");
        assert_eq!(at(seconds).to_string(), text);
    }
    assert_eq!(HttpDate::from_unix(HttpDate::MIN.unix_seconds() - 1), None);
    assert_eq!(HttpDate::from_unix(HttpDate::MAX.unix_seconds() + 1), None);
}

/// Counts every day of the calendar up, one by one, next to the closed formulas.
#[test]
fn every_day_of_ten_millennia() {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // 0001-01-01 was a Monday.
    let (mut seconds, mut weekday) = (HttpDate::MIN.unix_seconds(), 0);
    let mut expected = *b"___, __ ___ ____ 00:00:00 GMT";
    for year in 1..=9999u32 {
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        expected[12..16].copy_from_slice(format!("{year:04}").as_bytes());
        for (month, name) in MONTHS.iter().enumerate() {
            expected[8..11].copy_from_slice(name.as_bytes());
            let last = match month {
                1 if leap => 29,
                1 => 28,
                3 | 5 | 8 | 10 => 30,
                _ => 31,
            };
            for day in 1..=last {
                expected[..3].copy_from_slice(DAYS[weekday].as_bytes());
                expected[5] = b'0' + day / 10;
                expected[6] = b'0' + day % 10;
                assert_eq!(at(seconds).format(), expected);
                assert_eq!(HttpDate::parse(&expected, at(0)), Ok(at(seconds)));
                seconds += 86_400;
                weekday = (weekday + 1) % 7;
            }
            let past = last + 1;
            expected[5] = b'0' + past / 10;
            expected[6] = b'0' + past % 10;
            assert_eq!(HttpDate::parse(&expected, at(0)), Err(DateError::Day));
        }
    }
    assert_eq!(seconds - 1, HttpDate::MAX.unix_seconds());
}

#[test]
fn two_digit_years() {
    let now = |text: &str| HttpDate::parse(text.as_bytes(), at(0)).unwrap();
    for (today, value, meant) in [
        ("Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "1994"),
        ("Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 06-Nov-30 08:49:37 GMT", "2030"),
        // Exactly 50 years ahead, and one second more.
        ("Thu, 01 Jan 2026 00:00:00 GMT", "Wednesday, 01-Jan-76 00:00:00 GMT", "2076"),
        ("Thu, 01 Jan 2026 00:00:00 GMT", "Wednesday, 01-Jan-76 00:00:01 GMT", "1976"),
        ("Thu, 01 Jan 2026 00:00:01 GMT", "Wednesday, 01-Jan-76 00:00:01 GMT", "2076"),
        // The next century is near.
        ("Fri, 31 Dec 2083 00:00:00 GMT", "Sunday, 06-Nov-10 08:49:37 GMT", "2110"),
        ("Fri, 31 Dec 2083 00:00:00 GMT", "Sunday, 06-Nov-33 08:49:37 GMT", "2133"),
        ("Fri, 31 Dec 2083 00:00:00 GMT", "Sunday, 06-Nov-34 08:49:37 GMT", "2034"),
        // Now is a leap day, 50 years later there is none.
        ("Tue, 29 Feb 2000 00:00:00 GMT", "Tuesday, 28-Feb-50 23:59:59 GMT", "2050"),
        ("Tue, 29 Feb 2000 00:00:00 GMT", "Tuesday, 01-Mar-50 00:00:00 GMT", "1950"),
        ("Sat, 01 Jan 2000 00:00:00 GMT", "Saturday, 29-Feb-00 00:00:00 GMT", "2000"),
        ("Fri, 31 Dec 9999 00:00:00 GMT", "Sunday, 06-Nov-10 08:49:37 GMT", "9910"),
    ] {
        let date = HttpDate::parse(value.as_bytes(), now(today)).unwrap();
        assert_eq!(&date.to_string()[12..16], meant, "{value} on {today}");
    }
    // 2100 has no 29 February.
    let later = now("Thu, 01 Jan 2099 00:00:00 GMT");
    assert_eq!(HttpDate::parse(b"Monday, 29-Feb-00 00:00:00 GMT", later), Err(DateError::Day));
    // No century left to go back to.
    assert_eq!(HttpDate::parse(b"Monday, 01-Jan-99 00:00:00 GMT", HttpDate::MIN), Err(DateError::Year));
}

#[test]
fn leniency_is_only_about_the_weekday() {
    assert_eq!(parse("Mon, 06 Nov 1994 08:49:37 GMT"), Ok(784_111_777));
    assert_eq!(parse("Sat Nov 06 08:49:37 1994"), Ok(784_111_777));
    // A leap second is the second after it.
    assert_eq!(parse("Sat, 31 Dec 2016 23:59:60 GMT"), parse("Sun, 01 Jan 2017 00:00:00 GMT"));
    for (value, error) in [
        ("", DateError::Form),
        ("0", DateError::Form),
        ("-1", DateError::Form),
        (" Sun, 06 Nov 1994 08:49:37 GMT", DateError::Form),
        ("Sun, 06 Nov 1994 08:49:37 GMT ", DateError::Form),
        ("Sun, 06 Nov 1994 08:49:37 UTC", DateError::Form),
        ("Sun, 06 Nov 1994 08:49:37 gmt", DateError::Form),
        ("Sun, 06 Nov 1994 08:49:37 +0000", DateError::Form),
        ("Sun,  6 Nov 1994 08:49:37 GMT", DateError::Form),
        ("Sun, 6 Nov 1994 08:49:37 GMT", DateError::Form),
        ("Sun 06 Nov 1994 08:49:37 GMT", DateError::Form),
        ("Sun, 06-Nov-1994 08:49:37 GMT", DateError::Form),
        ("Sun, 06-Nov-94 08:49:37 GMT", DateError::DayName),
        ("Sunday, 06 Nov 94 08:49:37 GMT", DateError::Form),
        ("Sun, 06 Nov 1994 8:49:37 GMT", DateError::Form),
        ("Sun, 06 Nov 1994 08-49-37 GMT", DateError::Form),
        ("Sun, 06 Nov 199x 08:49:37 GMT", DateError::Form),
        ("Sun, 06 Nov +994 08:49:37 GMT", DateError::Form),
        ("sun, 06 Nov 1994 08:49:37 GMT", DateError::DayName),
        ("Son, 06 Nov 1994 08:49:37 GMT", DateError::DayName),
        ("sunday, 06-Nov-94 08:49:37 GMT", DateError::DayName),
        ("Xunday, 06-Nov-94 08:49:37 GMT", DateError::DayName),
        (", 06-Nov-94 08:49:37 GMT", DateError::Form),
        ("Sun, 06 NOV 1994 08:49:37 GMT", DateError::Month),
        ("Sun, 06 Nob 1994 08:49:37 GMT", DateError::Month),
        ("Sun, 00 Nov 1994 08:49:37 GMT", DateError::Day),
        ("Sun, 31 Nov 1994 08:49:37 GMT", DateError::Day),
        ("Wed, 29 Feb 1995 08:49:37 GMT", DateError::Day),
        ("Thu, 29 Feb 1900 08:49:37 GMT", DateError::Day),
        ("Sun, 06 Nov 1994 24:00:00 GMT", DateError::Time),
        ("Sun, 06 Nov 1994 08:60:37 GMT", DateError::Time),
        ("Sun, 06 Nov 1994 08:49:61 GMT", DateError::Time),
        ("Sun, 06 Nov 1994 08:49:60 GMT", DateError::Time),
        ("Sat, 06 Nov 0000 08:49:37 GMT", DateError::Year),
        ("Fri, 31 Dec 9999 23:59:60 GMT", DateError::Year),
        ("Sun Nov 6 08:49:37 1994", DateError::Form),
        ("Sun Nov  6 08:49:37 94", DateError::Form),
        ("Sun Nov  6 08:49:37 1994 GMT", DateError::Form),
        ("Sun Nov 6  08:49:37 1994", DateError::Form),
    ] {
        assert_eq!(parse(value), Err(error), "{value}");
    }
}

#[cfg(feature = "std")]
#[test]
fn system_time() {
    use std::time::{Duration, UNIX_EPOCH};
    let half = Duration::from_millis(500);
    assert_eq!(HttpDate::from(UNIX_EPOCH + Duration::from_secs(7) + half), at(7));
    assert_eq!(HttpDate::from(UNIX_EPOCH - Duration::from_secs(7)), at(-7));
    assert_eq!(HttpDate::from(UNIX_EPOCH - Duration::from_secs(7) - half), at(-8));
    assert_eq!(at(7).system_time(), Some(UNIX_EPOCH + Duration::from_secs(7)));
    assert_eq!(at(-7).system_time(), Some(UNIX_EPOCH - Duration::from_secs(7)));
    if let Some(far) = UNIX_EPOCH.checked_add(Duration::from_secs(1 << 40)) {
        assert_eq!(HttpDate::from(far), HttpDate::MAX);
    }
}

fn asctime(date: HttpDate) -> String {
    let text = date.to_string();
    let day: u32 = text[5..7].parse().unwrap();
    format!("{} {} {day:2} {} {}", &text[..3], &text[8..11], &text[17..25], &text[12..16])
}

fn rfc850(date: HttpDate) -> String {
    let text = date.to_string();
    let day = match &text[..3] {
        "Tue" => "Tuesday",
        "Wed" => "Wednesday",
        "Thu" => "Thursday",
        "Sat" => "Saturday",
        "Sun" => "Sunday",
        "Mon" => "Monday",
        _ => "Friday",
    };
    format!("{day}, {}-{}-{} {} GMT", &text[5..7], &text[8..11], &text[14..16], &text[17..25])
}

proptest! {
    #[test]
    fn every_second_comes_back(seconds in HttpDate::MIN.unix_seconds()..=HttpDate::MAX.unix_seconds()) {
        let date = at(seconds);
        prop_assert_eq!(HttpDate::parse(&date.format(), at(0)), Ok(date));
        prop_assert_eq!(HttpDate::parse(asctime(date).as_bytes(), at(0)), Ok(date));
        // Seen from its own moment, and from nearly 50 years on both sides.
        let reach = 49 * 365 * 86_400;
        for now in [seconds, seconds - reach, seconds + reach] {
            if let Some(now) = HttpDate::from_unix(now) {
                prop_assert_eq!(HttpDate::parse(rfc850(date).as_bytes(), now), Ok(date));
            }
        }
        #[cfg(feature = "std")]
        prop_assert_eq!(HttpDate::from(date.system_time().unwrap()), date);
    }

    /// Whatever is accepted is a date in one of the forms, up to the weekday.
    #[test]
    fn mutated(
        seconds in HttpDate::MIN.unix_seconds()..=HttpDate::MAX.unix_seconds(),
        form in 0..3,
        position in 0usize..40,
        byte: u8,
    ) {
        let date = at(seconds);
        let mut text = match form {
            0 => date.to_string(),
            1 => asctime(date),
            _ => rfc850(date),
        }.into_bytes();
        let position = position % text.len();
        text[position] = byte;
        if let Ok(other) = HttpDate::parse(&text, date) {
            let again = match form {
                0 => other.to_string(),
                1 => asctime(other),
                _ => rfc850(other),
            };
            let meant = String::from_utf8(text).unwrap();
            let tail = |text: &str| text.split_once(' ').unwrap().1.to_owned();
            let leap_second = meant.contains(":60");
            // In asctime a day may have a leading zero.
            let normal = |text: &str| tail(text).replacen(" 0", "  ", usize::from(form == 1));
            prop_assert!(leap_second || normal(&meant) == normal(&again), "{meant} is {again}");
        }
    }
}

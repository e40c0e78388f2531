use proptest::prelude::*;
use wirelace_http_semantics::byteranges::{Boundary, ByteRangesWriter};
use wirelace_http_semantics::content_range::{ByteRange, ContentRange, ContentRangeError};
use wirelace_http_semantics::range::{COALESCE_GAP, RangeError, RangeSet, RangeSpec, Selection, select};

fn range(first: u64, last: u64) -> ByteRange {
    ByteRange::new(first, last).unwrap()
}

fn selected(value: &str, length: u64) -> Selection {
    select([value.as_bytes()], length, 16)
}

/// RFC 9110 §14.1.2, for the 10000 bytes assumed there.
#[test]
fn examples_of_rfc_9110() {
    for (value, expected) in [
        ("bytes=0-499", range(0, 499)),
        ("bytes=500-999", range(500, 999)),
        ("bytes=-500", range(9500, 9999)),
        ("bytes=9500-", range(9500, 9999)),
        ("bytes=500-600,601-999", range(500, 999)),
        ("bytes=500-700,601-999", range(500, 999)),
    ] {
        assert_eq!(selected(value, 10_000), Selection::Single(expected), "{value}");
    }
    assert_eq!(selected("bytes=0-0,-1", 10_000), Selection::Multiple(vec![range(0, 0), range(9999, 9999)]));
    let three = vec![range(0, 999), range(4500, 5499), range(9000, 9999)];
    assert_eq!(selected("bytes= 0-999, 4500-5499, -1000", 10_000), Selection::Multiple(three));
}

#[test]
fn resolution() {
    for (value, length, expected) in [
        ("bytes=0-", 10, Selection::Single(range(0, 9))),
        ("bytes=0-99", 10, Selection::Single(range(0, 9))),
        ("bytes=9-9", 10, Selection::Single(range(9, 9))),
        ("bytes=-99", 10, Selection::Single(range(0, 9))),
        ("bytes=10-", 10, Selection::Unsatisfiable),
        ("bytes=10-20", 10, Selection::Unsatisfiable),
        ("bytes=-0", 10, Selection::Unsatisfiable),
        ("bytes=-0,10-", 10, Selection::Unsatisfiable),
        ("bytes=-0,3-4,10-", 10, Selection::Single(range(3, 4))),
        ("bytes=0-", 0, Selection::Unsatisfiable),
        ("bytes=0-0", 0, Selection::Unsatisfiable),
        ("bytes=-0", 0, Selection::Unsatisfiable),
        ("bytes=-1", 0, Selection::Whole),
        ("bytes=0-,-1", 0, Selection::Whole),
        // Numbers beyond 64 bits.
        ("bytes=0-99999999999999999999999999", 10, Selection::Single(range(0, 9))),
        ("bytes=99999999999999999999999999-", 10, Selection::Unsatisfiable),
        ("bytes=-99999999999999999999999999", 10, Selection::Single(range(0, 9))),
        ("bytes=99999999999999999999999998-99999999999999999999999999", u64::MAX, Selection::Unsatisfiable),
        ("bytes=18446744073709551614-", u64::MAX, Selection::Single(range(u64::MAX - 1, u64::MAX - 1))),
        ("BYTES=1-2", 10, Selection::Single(range(1, 2))),
        // In the order asked for.
        ("bytes=500-509,0-9", 1000, Selection::Multiple(vec![range(500, 509), range(0, 9)])),
        // Together with an earlier one they take its place.
        (
            "bytes=500-509,0-9,505-520,300-309",
            1000,
            Selection::Multiple(vec![range(500, 520), range(0, 9), range(300, 309)]),
        ),
        ("bytes=0-,0-,0-,0-", 1000, Selection::Single(range(0, 999))),
        // A gap of 80 bytes is filled, one of 81 is not.
        ("bytes=0-9,90-99", 1000, Selection::Single(range(0, 99))),
        ("bytes=0-9,91-99", 1000, Selection::Multiple(vec![range(0, 9), range(91, 99)])),
    ] {
        assert_eq!(selected(value, length), expected, "{value} of {length}");
    }
}

#[test]
fn bad_values_are_ignored() {
    for (value, error) in [
        ("", RangeError::Syntax(0)),
        ("bytes", RangeError::Syntax(5)),
        ("bytes 0-1", RangeError::Syntax(5)),
        ("bytes =0-1", RangeError::Syntax(5)),
        ("=0-1", RangeError::Syntax(0)),
        ("bytes=", RangeError::Syntax(6)),
        ("bytes=,", RangeError::Syntax(7)),
        ("bytes=-", RangeError::Syntax(7)),
        ("bytes=1", RangeError::Syntax(7)),
        ("bytes=a-b", RangeError::Syntax(6)),
        ("bytes=1-b", RangeError::Syntax(8)),
        ("bytes=1 - 2", RangeError::Syntax(7)),
        ("bytes=1-2 3-4", RangeError::Syntax(10)),
        ("bytes=1-2;3-4", RangeError::Syntax(9)),
        ("bytes=--1", RangeError::Syntax(7)),
        ("bytes=+1-2", RangeError::Syntax(6)),
        ("bytes=0x1-2", RangeError::Syntax(7)),
        ("bytes=2-1", RangeError::Backwards(6)),
        ("bytes=0-1,2-1", RangeError::Backwards(10)),
        ("lines=0-1", RangeError::Unit),
        ("bytesx=0-1", RangeError::Unit),
        ("byte=0-1", RangeError::Unit),
        ("bytes=0-0,2-2,4-4,6-6", RangeError::TooMany(3)),
    ] {
        assert_eq!(RangeSet::parse(value.as_bytes(), 3), Err(error), "{value}");
        assert_eq!(select([value.as_bytes()], 10, 3), Selection::Whole, "{value}");
    }
    assert_eq!(select([], 10, 3), Selection::Whole);
    assert_eq!(select([&b"bytes=0-1"[..], b"bytes=0-1"], 10, 3), Selection::Whole);
    assert_eq!(select([&b" bytes=0-1\t"[..]], 10, 3), Selection::Single(range(0, 1)));
    assert_eq!(select([&b"bytes=,0-1 ,\t,2-3,, -1,"[..]], 10, 3), Selection::Single(range(0, 9)));
}

#[test]
fn writing_ranges() {
    let set =
        RangeSet::new(vec![RangeSpec::FromTo(0, 499), RangeSpec::From(600), RangeSpec::Suffix(1)]).unwrap();
    assert_eq!(set.to_string(), "bytes=0-499,600-,-1");
    assert_eq!(RangeSet::parse(b"bytes=0-499,600-,-1", 3), Ok(set));
    assert_eq!(RangeSet::new(vec![]), None);
    assert_eq!(RangeSet::new(vec![RangeSpec::FromTo(2, 1)]), None);
}

#[test]
fn content_range() {
    let bytes = |first, last, complete| ContentRange::Bytes { range: range(first, last), complete };
    for (value, expected) in [
        ("bytes 42-1233/1234", bytes(42, 1233, Some(1234))),
        ("bytes 42-1233/*", bytes(42, 1233, None)),
        ("bytes */1234", ContentRange::Unsatisfied { complete: 1234 }),
        ("bytes */0", ContentRange::Unsatisfied { complete: 0 }),
        ("bytes 0-499/1234", bytes(0, 499, Some(1234))),
        ("bytes 734-1233/1234", bytes(734, 1233, Some(1234))),
    ] {
        assert_eq!(ContentRange::parse(value.as_bytes()), Ok(expected));
        assert_eq!(expected.to_string(), value);
    }
    assert_eq!(ContentRange::parse(b"Bytes 0-0/1"), Ok(bytes(0, 0, Some(1))));
    for (value, error) in [
        ("", ContentRangeError::Unit),
        ("items 0-1/2", ContentRangeError::Unit),
        ("bytesx 0-1/2", ContentRangeError::Unit),
        ("bytes", ContentRangeError::Syntax(5)),
        ("bytes=0-1/2", ContentRangeError::Syntax(5)),
        ("bytes  0-1/2", ContentRangeError::Syntax(6)),
        ("bytes 0-1", ContentRangeError::Syntax(9)),
        ("bytes 0-1/", ContentRangeError::Syntax(10)),
        ("bytes 0-1/2 ", ContentRangeError::Syntax(11)),
        ("bytes 0 -1/2", ContentRangeError::Syntax(7)),
        ("bytes -1/2", ContentRangeError::Syntax(6)),
        ("bytes 0-/2", ContentRangeError::Syntax(8)),
        ("bytes */*", ContentRangeError::Syntax(8)),
        ("bytes */", ContentRangeError::Syntax(8)),
        ("bytes *-1/2", ContentRangeError::Syntax(7)),
        ("bytes 0-1/18446744073709551616", ContentRangeError::Syntax(10)),
        ("bytes 1-0/2", ContentRangeError::Range),
        ("bytes 0-1/1", ContentRangeError::Range),
        ("bytes 0-0/0", ContentRangeError::Range),
        ("bytes 0-18446744073709551615/*", ContentRangeError::Range),
    ] {
        assert_eq!(ContentRange::parse(value.as_bytes()), Err(error), "{value}");
    }
}

/// The shape of RFC 9110 §14.6.
#[test]
fn multipart() {
    let boundary = Boundary::new("THIS_STRING_SEPARATES").unwrap();
    let writer = ByteRangesWriter::new(boundary, Some(b"application/pdf"), 8000).unwrap();
    assert_eq!(writer.content_type(), "multipart/byteranges; boundary=THIS_STRING_SEPARATES");
    let mut body = Vec::new();
    writer.write_part_head(range(500, 501), &mut body);
    body.extend_from_slice(b"ab");
    writer.write_part_head(range(7999, 7999), &mut body);
    body.extend_from_slice(b"c");
    writer.write_end(&mut body);
    assert_eq!(
        String::from_utf8(body).unwrap(),
        "\r\n--THIS_STRING_SEPARATES\r\n\
         Content-Type: application/pdf\r\nContent-Range: bytes 500-501/8000\r\n\r\nab\r\n\
         --THIS_STRING_SEPARATES\r\n\
         Content-Type: application/pdf\r\nContent-Range: bytes 7999-7999/8000\r\n\r\nc\r\n\
         --THIS_STRING_SEPARATES--\r\n"
    );
    let boundary = || Boundary::from_random(u128::MAX);
    assert!(ByteRangesWriter::new(boundary(), Some(b"text/plain\r\nSet-Cookie: a=b"), 1).is_none());
    assert!(ByteRangesWriter::new(boundary(), None, 1).is_some());
    assert!(boundary().as_str().len() <= 70);
    for bad in ["", "a b", "a\"b", "a\r\nb", "ä", &"a".repeat(71)] {
        assert_eq!(Boundary::new(bad), None, "{bad}");
    }
    let huge = [range(0, u64::MAX - 1), range(0, u64::MAX - 1)];
    assert_eq!(ByteRangesWriter::new(boundary(), None, u64::MAX).unwrap().body_length(&huge), None);
}

fn spec() -> impl Strategy<Value = RangeSpec> {
    prop_oneof![
        (0u64..600, 0u64..300).prop_map(|(first, more)| RangeSpec::FromTo(first, first + more)),
        (0u64..600).prop_map(RangeSpec::From),
        (0u64..600).prop_map(RangeSpec::Suffix),
    ]
}

/// Byte by byte: what is asked for, with gaps filled that are small enough.
fn model(specs: &[RangeSpec], length: u64) -> Vec<bool> {
    let asked: Vec<bool> = (0..length)
        .map(|byte| {
            specs.iter().any(|spec| match *spec {
                RangeSpec::FromTo(first, last) => first <= byte && byte <= last,
                RangeSpec::From(first) => first <= byte,
                RangeSpec::Suffix(suffix) => byte + suffix >= length,
            })
        })
        .collect();
    let mut filled = asked.clone();
    for (end, _) in asked.iter().enumerate().filter(|(_, asked)| **asked) {
        let before = asked[..end].iter().rposition(|&asked| asked);
        if let Some(before) = before
            && end - before - 1 <= COALESCE_GAP as usize
        {
            filled[before..end].fill(true);
        }
    }
    filled
}

proptest! {
    #[test]
    fn against_the_model(specs in prop::collection::vec(spec(), 1..6), length in 1u64..1000) {
        let set = RangeSet::new(specs.clone()).unwrap();
        prop_assert_eq!(RangeSet::parse(set.to_string().as_bytes(), 16), Ok(set.clone()));
        let expected = model(&specs, length);
        let ranges = match set.resolve(length) {
            Selection::Whole => panic!("not of an empty representation"),
            Selection::Unsatisfiable => vec![],
            Selection::Single(range) => vec![range],
            Selection::Multiple(ranges) => {
                prop_assert!(ranges.len() > 1);
                ranges
            }
        };
        let mut bytes = vec![false; expected.len()];
        for range in &ranges {
            for byte in range.first()..=range.last() {
                prop_assert!(!std::mem::replace(&mut bytes[byte as usize], true), "sent twice");
            }
        }
        prop_assert_eq!(bytes, expected);
        // In the order in which something of them was first asked for.
        let asked_at = |range: &ByteRange| {
            specs.iter().position(|spec| {
                spec.resolve(length).is_some_and(|s| range.first() <= s.first() && s.last() <= range.last())
            })
        };
        prop_assert!(ranges.iter().map(asked_at).is_sorted());

        let writer = ByteRangesWriter::new(Boundary::from_random(1), Some(b"text/plain"), length).unwrap();
        let mut body = Vec::new();
        for range in &ranges {
            writer.write_part_head(*range, &mut body);
            body.resize(body.len() + range.len() as usize, b'x');
        }
        writer.write_end(&mut body);
        prop_assert_eq!(writer.body_length(&ranges), Some(body.len() as u64));
    }

    #[test]
    fn content_range_round_trip(first: u64, more: u64, complete in prop::option::of(any::<u64>()), unsatisfied: bool) {
        let value = if unsatisfied {
            ContentRange::Unsatisfied { complete: first }
        } else {
            let Some(range) = ByteRange::new(first, first.saturating_add(more)) else { return Ok(()) };
            ContentRange::Bytes { range, complete: complete.map(|more| range.last().saturating_add(more).max(range.last() + 1)) }
        };
        prop_assert_eq!(ContentRange::parse(value.to_string().as_bytes()), Ok(value));
    }
}

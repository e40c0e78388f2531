//! Every parser on cut, changed and random input: no panic, and what is accepted means the same when written and
//! read again.

use proptest::prelude::*;
use wirelace_http_semantics::accept::{choose_coding, weighted};
use wirelace_http_semantics::base64;
use wirelace_http_semantics::conditional::{Preconditions, Validators};
use wirelace_http_semantics::content_range::ContentRange;
use wirelace_http_semantics::date::HttpDate;
use wirelace_http_semantics::etag::{EntityTag, EntityTags};
use wirelace_http_semantics::media_type::MediaType;
use wirelace_http_semantics::range::{RangeSet, Selection};
use wirelace_http_semantics::structured::{Dictionary, Item, List};

const VALUES: [&str; 14] = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "\"xyzzy\", W/\"r2d2,xxxx\" ,, \"\"",
    "bytes=0-999, 4500-5499,, -1000,7-",
    "bytes 42-1233/1234",
    "bytes */18446744073709551615",
    "text/html; charset=\"ut\\f-8\";q=0.5;;x=y",
    "gzip;q=1.0, identity; q=0.5, *;q=0",
    "a=(1 \"b\\\"c\";d 2.5);e=?0, b=:aGVsbG8=:, c;x=@-12, *z=%\"f%c3%bc\"",
    "abc;a=1;b=2; cde_456, (ghi;jk=4 l);q=\"9\";r=w",
    "-999999999999.999;a=tok/en:x",
    "%\"%f0%9f%98%80\";b=:iZ==:",
    "aGVsbG8=",
];

fn check(value: &[u8]) {
    let now = HttpDate::UNIX_EPOCH;
    if let Ok(date) = HttpDate::parse(value, now) {
        assert_eq!(HttpDate::parse(&date.format(), now), Ok(date));
    }
    if let Ok(tag) = EntityTag::parse(value) {
        let mut written = Vec::new();
        tag.write(&mut written);
        assert_eq!(written, value);
    }
    assert!(EntityTags::new(value).count() <= value.len());
    if let Ok(set) = RangeSet::parse(value, 16) {
        assert_eq!(RangeSet::parse(set.to_string().as_bytes(), 16).as_ref(), Ok(&set));
        for length in [0, 1, 5000, u64::MAX] {
            match set.resolve(length) {
                Selection::Single(range) => assert!(range.last() < length),
                Selection::Multiple(ranges) => {
                    assert!(ranges.iter().all(|range| range.last() < length));
                    assert!(
                        ranges.iter().try_fold(0u64, |sum, range| sum.checked_add(range.len()))
                            <= Some(length)
                    );
                }
                Selection::Whole => assert_eq!(length, 0),
                Selection::Unsatisfiable => {}
            }
        }
    }
    if let Ok(range) = ContentRange::parse(value) {
        assert_eq!(ContentRange::parse(range.to_string().as_bytes()), Ok(range));
    }
    if let Ok(media_type) = MediaType::parse(value) {
        assert!(media_type.parameters().all(|parameter| parameter.is_ok()));
        let _ = media_type.parameters().flatten().map(|parameter| parameter.value().len()).sum::<usize>();
    }
    assert!(weighted(value).all(|element| element.quality.thousandths() <= 1000));
    choose_coding([value], &["br", "gzip"]);
    let validators =
        Validators { etag: EntityTag::strong(b"xyzzy"), last_modified: Some(now), date_is_strong: true };
    for name in ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"] {
        Preconditions::from_fields([(name.as_bytes(), value)]).evaluate(b"GET", Some(&validators), now);
    }
    if let Some(data) = base64::decode(value) {
        let mut text = Vec::new();
        base64::encode(&data, &mut text);
        assert_eq!(base64::decode(&text), Some(data));
    }
    match Item::parse(value) {
        Ok(item) => assert_eq!(Item::parse(&item.serialize().unwrap()), Ok(item)),
        Err(error) => assert!(error.offset <= value.len()),
    }
    match List::parse(value) {
        Ok(list) => assert_eq!(List::parse(&list.serialize().unwrap()), Ok(list)),
        Err(error) => assert!(error.offset <= value.len()),
    }
    match Dictionary::parse(value) {
        Ok(dictionary) => assert_eq!(Dictionary::parse(&dictionary.serialize().unwrap()), Ok(dictionary)),
        Err(error) => assert!(error.offset <= value.len()),
    }
}

#[test]
fn every_cut() {
    for value in VALUES {
        for end in 0..=value.len() {
            check(&value.as_bytes()[..end]);
            check(&value.as_bytes()[end..]);
        }
    }
}

#[test]
fn every_byte_changed_to_every_other() {
    for value in VALUES {
        for position in 0..value.len() {
            let mut changed = value.as_bytes().to_vec();
            for byte in 0..=255 {
                changed[position] = byte;
                check(&changed);
            }
        }
    }
}

proptest! {
    #[test]
    fn random_bytes(value: Vec<u8>) {
        check(&value);
    }

    #[test]
    fn random_text_of_the_alphabets(value in "[ \t,;=\"\\\\()*/:?@%.0-9a-fA-Zbytesq-]{0,40}") {
        check(value.as_bytes());
    }

    /// Pieces of valid values, glued together.
    #[test]
    fn spliced(pieces in prop::collection::vec((0..VALUES.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5)) {
        let mut value = Vec::new();
        for (which, start, length) in pieces {
            let piece = &VALUES[which].as_bytes()[start.index(VALUES[which].len())..];
            value.extend_from_slice(&piece[..=length.index(piece.len())]);
        }
        check(&value);
    }
}

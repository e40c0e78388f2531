//! `http-semantics`: what is read, written and read again is the same.

use crate::input::Choices;
use wirelace_http_semantics::content_range::ContentRange;
use wirelace_http_semantics::date::HttpDate;
use wirelace_http_semantics::etag::{EntityTag, EntityTags};
use wirelace_http_semantics::list::Elements;
use wirelace_http_semantics::media_type::MediaType;
use wirelace_http_semantics::range::{DEFAULT_MAX_RANGES, RangeSet, Selection};
use wirelace_http_semantics::structured::{Dictionary, Item, List};
use wirelace_http_semantics::target::{TargetForm, host_port};
use wirelace_http_semantics::{Fields, accept, base64};
use wirelace_wire::field;

/// Structured fields (RFC 9651): what parses has a serialization, which parses to the same.
pub fn structured(data: &[u8]) {
    if let Ok(item) = Item::parse(data) {
        let text = item.serialize().expect("a parsed item can be written");
        assert_eq!(Item::parse(&text), Ok(item));
    }
    if let Ok(list) = List::parse(data) {
        let text = list.serialize().expect("a parsed list can be written");
        assert_eq!(List::parse(&text), Ok(list));
    }
    if let Ok(dictionary) = Dictionary::parse(data) {
        let text = dictionary.serialize().expect("a parsed dictionary can be written");
        assert_eq!(Dictionary::parse(&text), Ok(dictionary));
    }
    // Split over two lines at a comma: the same, or wrong as before (RFC 9651 §4.2).
    if let Some(comma) = data.iter().position(|&byte| byte == b',') {
        let _ = List::parse_lines([&data[..comma], &data[comma + 1..]]);
        let _ = Dictionary::parse_lines([&data[..comma], &data[comma + 1..]]);
    }
}

/// Dates, tags, ranges, media types, lists, targets, and the fields that hold them.
pub fn values(data: &[u8]) {
    let (value, mut choices) = Choices::split(data, 2);
    let now = HttpDate::from_unix(1_700_000_000).expect("within range");
    if let Ok(date) = HttpDate::parse(value, now) {
        assert_eq!(HttpDate::parse(&date.format(), now), Ok(date));
    }
    if let Ok(tag) = EntityTag::parse(value) {
        let mut out = Vec::new();
        tag.write(&mut out);
        assert_eq!(out, value);
    }
    assert!(EntityTags::new(value).count() <= value.len());
    if let Ok(range) = ContentRange::parse(value) {
        assert_eq!(ContentRange::parse(range.to_string().as_bytes()), Ok(range));
    }
    ranges(value, u64::from(choices.byte()) << (choices.byte() % 56));
    if let Ok(media) = MediaType::parse(value) {
        assert!(!media.kind().is_empty() && !media.subtype().is_empty());
        assert!(media.parameters().count() <= value.len());
    }
    assert!(Elements::new(value).count() <= value.len() + 1);
    assert!(accept::weighted(value).all(|element| element.quality.thousandths() <= 1000));
    let _ = accept::choose_coding([value], &["br", "gzip"]);
    if let Some(bytes) = base64::decode(value) {
        let mut text = Vec::new();
        base64::encode(&bytes, &mut text);
        assert_eq!(base64::decode(&text), Some(bytes));
    }
    for method in ["GET", "CONNECT", "OPTIONS"] {
        if TargetForm::of(method, value).is_ok() {
            assert!(value.iter().all(|byte| (0x21..=0x7e).contains(byte)));
        }
    }
    let _ = host_port(value);
    fields(value);
}

/// No range lies outside the representation, and no two overlap.
fn ranges(value: &[u8], length: u64) {
    let Ok(set) = RangeSet::parse(value, DEFAULT_MAX_RANGES) else { return };
    assert!(!set.specs().is_empty() && set.specs().len() <= DEFAULT_MAX_RANGES);
    assert_eq!(RangeSet::parse(set.to_string().as_bytes(), DEFAULT_MAX_RANGES).as_ref(), Ok(&set));
    match set.resolve(length) {
        Selection::Whole | Selection::Unsatisfiable => {}
        Selection::Single(range) => assert!(range.last() < length),
        Selection::Multiple(mut ranges) => {
            assert!(ranges.len() > 1 && ranges.iter().all(|range| range.last() < length));
            ranges.sort_by_key(|range| range.first());
            assert!(ranges.windows(2).all(|pair| pair[0].last() < pair[1].first()));
        }
    }
}

/// A field gets in exactly when the grammar allows it, and comes out as it went in.
fn fields(data: &[u8]) {
    let colon = data.iter().position(|&byte| byte == b':').unwrap_or(data.len());
    let (name, value) = (&data[..colon], data.get(colon + 1..).unwrap_or_default());
    let Ok(text) = std::str::from_utf8(name) else { return };
    let mut fields = Fields::new();
    let pushed = fields.push(text, value);
    let valid = field::is_field_name(name) && field::is_field_value(value);
    assert_eq!(pushed.is_ok(), valid && name.len() <= usize::from(u16::MAX));
    if pushed.is_ok() {
        assert_eq!(fields.get(text), Some(value));
        assert_eq!(fields.get(text.to_ascii_uppercase().as_str()), Some(value));
        assert!(fields.iter().all(|field| field.name == name || field.name.eq_ignore_ascii_case(name)));
        let map = fields.to_header_map();
        assert_eq!(Fields::from_header_map(&map).map(|back| back.get(text) == Some(value)), Ok(true));
    }
}

//! Range (RFC 9110 §14.2) for the unit `bytes`: reading it, and what it means for a representation of a known
//! length.
//!
//! A server needs [`select`] and, before it, [`crate::conditional`] (does the range apply at all?). Several ranges
//! are answered with [`crate::byteranges`].

use alloc::vec::Vec;
use core::fmt;

use crate::content_range::ByteRange;
use crate::cursor::Cursor;
use wirelace_wire::number::parse_decimal;

/// How many ranges one request may ask for before it gets the whole representation instead: a default.
pub const DEFAULT_MAX_RANGES: usize = 32;

/// Ranges that are not farther apart than this many bytes become one: the head of another part costs more
/// (RFC 9110 §15.3.7.2).
pub const COALESCE_GAP: u64 = 80;

/// One element of a `Range` field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RangeSpec {
    /// `0-499`: from the first to the last byte, both included.
    FromTo(u64, u64),
    /// `500-`: from this byte to the end.
    From(u64),
    /// `-500`: that many bytes at the end.
    Suffix(u64),
}

/// The value of a `Range` field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RangeSet(Vec<RangeSpec>);

/// Why a `Range` field is to be ignored (RFC 9110 §14.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// Another range unit than `bytes`.
    #[error("range unit is not bytes")]
    Unit,
    /// Breaks the grammar, or asks for no range at all.
    #[error("malformed Range at offset {0}")]
    Syntax(usize),
    /// The last byte lies before the first.
    #[error("range with the last byte before the first, at offset {0}")]
    Backwards(usize),
    /// More ranges than allowed.
    #[error("more than {0} ranges")]
    TooMany(usize),
}

/// Which part of a representation to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selection {
    /// All of it, with 200: there is no usable `Range`.
    Whole,
    /// This range, with 206 and `Content-Range`.
    Single(ByteRange),
    /// These ranges (two at least, none of them overlapping), with 206 and `multipart/byteranges`.
    Multiple(Vec<ByteRange>),
    /// None of the ranges exists: 416 with [`crate::content_range::ContentRange::Unsatisfied`].
    Unsatisfiable,
}

impl RangeSpec {
    /// The bytes meant in a representation of `length` bytes; `None` if there are none.
    pub fn resolve(self, length: u64) -> Option<ByteRange> {
        let end = length.checked_sub(1)?;
        match self {
            Self::FromTo(first, last) => ByteRange::new(first, last.min(end)),
            Self::From(first) => ByteRange::new(first, end),
            Self::Suffix(0) => None,
            Self::Suffix(suffix) => ByteRange::new(length.saturating_sub(suffix), end),
        }
    }
}

impl RangeSet {
    /// The field value that asks for `specs`; `None` if that is nothing, or backwards.
    pub fn new(specs: Vec<RangeSpec>) -> Option<Self> {
        let backwards = |spec: &RangeSpec| matches!(spec, RangeSpec::FromTo(first, last) if last < first);
        if specs.is_empty() || specs.iter().any(backwards) { None } else { Some(Self(specs)) }
    }

    /// Reads a field value, without whitespace around it. The unit is taken in any case, and a number that does not
    /// fit into 64 bits as the largest that does (RFC 9110 §14.1.2 warns of both).
    ///
    /// # Errors
    /// Another unit, a broken rule, or more than `max_ranges` ranges: a server then ignores the field.
    pub fn parse(value: &[u8], max_ranges: usize) -> Result<Self, RangeError> {
        let mut cursor = Cursor::new(value);
        let unit = cursor.take_while(wirelace_wire::token::is_tchar);
        if unit.is_empty() || !cursor.eat(b'=') {
            return Err(RangeError::Syntax(cursor.offset()));
        }
        if !unit.eq_ignore_ascii_case(b"bytes") {
            return Err(RangeError::Unit);
        }
        let mut specs = Vec::new();
        loop {
            // RFC 9110 §5.6.1.2: empty elements do not count.
            cursor.take_while(|byte| matches!(byte, b',' | b' ' | b'\t'));
            if cursor.is_empty() {
                break;
            }
            if specs.len() >= max_ranges {
                return Err(RangeError::TooMany(max_ranges));
            }
            specs.push(parse_spec(&mut cursor)?);
            cursor.skip_ows();
            if !matches!(cursor.peek(), None | Some(b',')) {
                return Err(RangeError::Syntax(cursor.offset()));
            }
        }
        if specs.is_empty() { Err(RangeError::Syntax(cursor.offset())) } else { Ok(Self(specs)) }
    }

    /// The ranges as asked for.
    pub fn specs(&self) -> &[RangeSpec] {
        &self.0
    }

    /// What this asks for in a representation of `length` bytes.
    ///
    /// Ranges that overlap or nearly touch ([`COALESCE_GAP`]) become one, at the place of the earliest asked for, so
    /// the answer is never longer than the representation and the part heads. The empty representation has no
    /// range that could be named, so a suffix of it is all of it.
    pub fn resolve(&self, length: u64) -> Selection {
        if length == 0 && self.0.iter().any(|spec| matches!(spec, RangeSpec::Suffix(1..))) {
            return Selection::Whole;
        }
        let mut ranges = coalesce(self.0.iter().filter_map(|spec| spec.resolve(length)));
        match ranges.len() {
            0 => Selection::Unsatisfiable,
            1 => ranges.pop().map_or(Selection::Unsatisfiable, Selection::Single),
            _ => Selection::Multiple(ranges),
        }
    }
}

/// The field value: `bytes=0-499,600-,-1`.
impl fmt::Display for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")?;
        for (index, spec) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "=" } else { "," })?;
            match spec {
                RangeSpec::FromTo(first, last) => write!(f, "{first}-{last}")?,
                RangeSpec::From(first) => write!(f, "{first}-")?,
                RangeSpec::Suffix(length) => write!(f, "-{length}")?,
            }
        }
        Ok(())
    }
}

/// What to send of a representation of `length` bytes: reads the lines of the `Range` field (none, if the request
/// has none or the range does not apply) and resolves them. A field that is invalid, repeated, of another unit or
/// with more than `max_ranges` ranges is ignored.
pub fn select<'a>(lines: impl IntoIterator<Item = &'a [u8]>, length: u64, max_ranges: usize) -> Selection {
    let mut lines = lines.into_iter();
    let (Some(value), None) = (lines.next(), lines.next()) else { return Selection::Whole };
    match RangeSet::parse(wirelace_wire::field::trim_ows(value), max_ranges) {
        Ok(set) => set.resolve(length),
        Err(_) => Selection::Whole,
    }
}

fn parse_spec(cursor: &mut Cursor<'_>) -> Result<RangeSpec, RangeError> {
    let offset = cursor.offset();
    let first = saturating_number(cursor);
    if !cursor.eat(b'-') {
        return Err(RangeError::Syntax(cursor.offset()));
    }
    let last = saturating_number(cursor);
    match (first, last) {
        (Some(first), Some(last)) if last < first => Err(RangeError::Backwards(offset)),
        (Some(first), Some(last)) => Ok(RangeSpec::FromTo(first, last)),
        (Some(first), None) => Ok(RangeSpec::From(first)),
        (None, Some(suffix)) => Ok(RangeSpec::Suffix(suffix)),
        (None, None) => Err(RangeError::Syntax(cursor.offset())),
    }
}

fn saturating_number(cursor: &mut Cursor<'_>) -> Option<u64> {
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    if digits.is_empty() { None } else { Some(parse_decimal(digits).unwrap_or(u64::MAX)) }
}

fn coalesce(ranges: impl Iterator<Item = ByteRange>) -> Vec<ByteRange> {
    let mut sorted: Vec<(usize, ByteRange)> = ranges.enumerate().collect();
    sorted.sort_unstable_by_key(|(_, range)| range.first());
    let mut merged: Vec<(usize, ByteRange)> = Vec::with_capacity(sorted.len());
    for (place, range) in sorted {
        if let Some((earliest, previous)) = merged.last_mut()
            && range.first() <= previous.last().saturating_add(COALESCE_GAP).saturating_add(1)
            && let Some(both) = ByteRange::new(previous.first(), previous.last().max(range.last()))
        {
            *previous = both;
            *earliest = place.min(*earliest);
        } else {
            merged.push((place, range));
        }
    }
    // RFC 9110 §15.3.7.2: the parts come in the order asked for.
    merged.sort_unstable_by_key(|(place, _)| *place);
    merged.into_iter().map(|(_, range)| range).collect()
}

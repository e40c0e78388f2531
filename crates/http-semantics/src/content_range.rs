//! Content-Range (RFC 9110 §14.4) and the range of bytes it is about.

use core::fmt;

use crate::cursor::Cursor;
use wirelace_wire::number::parse_decimal;

/// A range of bytes, never empty, with both ends included as on the wire. `Content-Range` and its parts count from
/// 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ByteRange {
    first: u64,
    last: u64,
}

impl ByteRange {
    /// From `first` to `last`, both included; `None` if `last < first` or `last` is `u64::MAX`.
    pub const fn new(first: u64, last: u64) -> Option<Self> {
        if last < first || last == u64::MAX { None } else { Some(Self { first, last }) }
    }

    /// The first byte.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The last byte, which belongs to the range.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Number of bytes, at least 1.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub const fn len(&self) -> u64 {
        // `last` is below the maximum and not below `first`.
        self.last - self.first + 1
    }
}

/// The value of `Content-Range` for the unit `bytes`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ContentRange {
    /// In a 206: which bytes follow.
    Bytes {
        /// The bytes that follow.
        range: ByteRange,
        /// Length of the whole representation in bytes; `None` if unknown (`*`).
        complete: Option<u64>,
    },
    /// In a 416: how long the representation is.
    Unsatisfied {
        /// Length of the whole representation in bytes.
        complete: u64,
    },
}

/// Why a value is not a `Content-Range` in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentRangeError {
    /// Another range unit than `bytes`; whoever does not know it must not combine the part (RFC 9110 §14.4).
    #[error("range unit of Content-Range is not bytes")]
    Unit,
    /// Breaks the grammar, or has a number of more than 64 bits.
    #[error("malformed Content-Range at offset {0}")]
    Syntax(usize),
    /// The last byte lies before the first, or not within the complete length.
    #[error("impossible range in Content-Range")]
    Range,
}

impl ContentRange {
    /// Reads a field value, without whitespace around it.
    ///
    /// # Errors
    /// The unit is not `bytes` (in any case), or the value is invalid (RFC 9110 §14.4).
    pub fn parse(value: &[u8]) -> Result<Self, ContentRangeError> {
        let mut cursor = Cursor::new(value);
        if !cursor.eat_ignore_case(b"bytes") {
            return Err(ContentRangeError::Unit);
        }
        match cursor.peek() {
            Some(b' ') => {}
            Some(byte) if wirelace_wire::token::is_tchar(byte) => return Err(ContentRangeError::Unit),
            _ => return Err(ContentRangeError::Syntax(cursor.offset())),
        }
        expect(&mut cursor, b' ')?;
        let content_range = if cursor.eat(b'*') {
            expect(&mut cursor, b'/')?;
            Self::Unsatisfied { complete: number(&mut cursor)? }
        } else {
            let first = number(&mut cursor)?;
            expect(&mut cursor, b'-')?;
            let last = number(&mut cursor)?;
            expect(&mut cursor, b'/')?;
            let complete = if cursor.eat(b'*') { None } else { Some(number(&mut cursor)?) };
            let range = ByteRange::new(first, last).ok_or(ContentRangeError::Range)?;
            if complete.is_some_and(|complete| last >= complete) {
                return Err(ContentRangeError::Range);
            }
            Self::Bytes { range, complete }
        };
        if cursor.is_empty() { Ok(content_range) } else { Err(ContentRangeError::Syntax(cursor.offset())) }
    }
}

/// The field value: `bytes 0-499/1234`, `bytes 0-499/*` or `bytes */1234`.
impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { range, complete: Some(complete) } => {
                write!(f, "bytes {}-{}/{complete}", range.first, range.last)
            }
            Self::Bytes { range, complete: None } => write!(f, "bytes {}-{}/*", range.first, range.last),
            Self::Unsatisfied { complete } => write!(f, "bytes */{complete}"),
        }
    }
}

fn expect(cursor: &mut Cursor<'_>, byte: u8) -> Result<(), ContentRangeError> {
    let offset = cursor.offset();
    if cursor.eat(byte) { Ok(()) } else { Err(ContentRangeError::Syntax(offset)) }
}

fn number(cursor: &mut Cursor<'_>) -> Result<u64, ContentRangeError> {
    let offset = cursor.offset();
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    parse_decimal(digits).ok_or(ContentRangeError::Syntax(offset))
}

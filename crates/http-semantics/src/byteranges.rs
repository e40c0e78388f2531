//! `multipart/byteranges` (RFC 9110 §14.6): the frame around several ranges of one representation.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::content_range::{ByteRange, ContentRange};

/// The line that separates parts: 1 to 70 characters that RFC 2046 §5.1.1 allows and that need no quotes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Boundary(String);

impl Boundary {
    /// `None` if it is not 1 to 70 letters, digits and `'+_-.`.
    pub fn new(boundary: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'+_-.".contains(&byte);
        let valid = (1..=70).contains(&boundary.len()) && boundary.bytes().all(allowed);
        valid.then(|| Self(boundary.into()))
    }

    /// A boundary out of random bits. It must not be guessable by whoever wrote the representation: a part that
    /// contains it would end early.
    pub fn from_random(random: u128) -> Self {
        Self(format!("wirelace-{random:032x}"))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes what stands around the parts of a 206 (Partial Content) with several ranges; the bytes of the parts
/// themselves go to the transport without passing through here.
///
/// The body is, for each range, [`Self::write_part_head`] and the bytes of the range, then [`Self::write_end`].
///
/// ```
/// use wirelace_http_semantics::byteranges::{Boundary, ByteRangesWriter};
/// use wirelace_http_semantics::range::{RangeSet, Selection};
///
/// let representation = vec![b'x'; 1000];
/// let asked = RangeSet::parse(b"bytes=0-9, -5", 16).unwrap();
/// let Selection::Multiple(ranges) = asked.resolve(1000) else { panic!() };
/// let writer = ByteRangesWriter::new(Boundary::from_random(4711), Some(b"text/plain"), 1000).unwrap();
/// let mut body = Vec::new();
/// for range in &ranges {
///     writer.write_part_head(*range, &mut body);
///     body.extend_from_slice(&representation[range.first() as usize..=range.last() as usize]);
/// }
/// writer.write_end(&mut body);
/// assert_eq!(writer.body_length(&ranges), Some(body.len() as u64));
/// ```
#[derive(Clone, Debug)]
pub struct ByteRangesWriter<'a> {
    boundary: Boundary,
    content_type: Option<&'a [u8]>,
    complete: u64,
}

impl<'a> ByteRangesWriter<'a> {
    /// For a representation of `complete` bytes; `content_type` is the one of the representation, repeated in each
    /// part. `None` if it is not a field value (it would split the part head).
    pub fn new(boundary: Boundary, content_type: Option<&'a [u8]>, complete: u64) -> Option<Self> {
        let valid = content_type.is_none_or(wirelace_wire::field::is_field_value);
        valid.then_some(Self { boundary, content_type, complete })
    }

    /// The value of `Content-Type` for the whole response.
    pub fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary.as_str())
    }

    /// Appends what stands before the bytes of `range`.
    pub fn write_part_head(&self, range: ByteRange, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n--");
        out.extend_from_slice(self.boundary.as_str().as_bytes());
        if let Some(content_type) = self.content_type {
            out.extend_from_slice(b"\r\nContent-Type: ");
            out.extend_from_slice(content_type);
        }
        let content_range = ContentRange::Bytes { range, complete: Some(self.complete) };
        out.extend_from_slice(format!("\r\nContent-Range: {content_range}\r\n\r\n").as_bytes());
    }

    /// Appends what stands after the last part.
    pub fn write_end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n--");
        out.extend_from_slice(self.boundary.as_str().as_bytes());
        out.extend_from_slice(b"--\r\n");
    }

    /// Length in bytes of the whole body with these parts, for `Content-Length`; `None` beyond 64 bits.
    pub fn body_length(&self, ranges: &[ByteRange]) -> Option<u64> {
        let mut frame = Vec::new();
        self.write_end(&mut frame);
        let mut length = u64::try_from(frame.len()).ok()?;
        for range in ranges {
            frame.clear();
            self.write_part_head(*range, &mut frame);
            length = length.checked_add(u64::try_from(frame.len()).ok()?)?.checked_add(range.len())?;
        }
        Some(length)
    }
}

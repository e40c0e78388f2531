//! Entity tags (RFC 9110 §8.8.3): `ETag`, and the lists in `If-Match` and `If-None-Match`.

use alloc::vec::Vec;
use core::fmt;

use crate::cursor::Cursor;

/// An entity tag, borrowed from a field value or from what made it.
///
/// There is no `==` between the meanings of two tags: choose [`EntityTag::strong_eq`] or [`EntityTag::weak_eq`].
/// (`PartialEq` compares what is written.)
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EntityTag<'a> {
    weak: bool,
    opaque: &'a [u8],
}

/// Why a value is not an entity tag or a list of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntityTagError {
    /// No `"` where a tag begins.
    #[error("expected a quoted entity tag at offset {0}")]
    Unquoted(usize),
    /// A byte that may not be within an entity tag (a control character or a space), or the end of the value.
    #[error("invalid character or missing closing quote in an entity tag at offset {0}")]
    Opaque(usize),
    /// Something other than a comma after a tag.
    #[error("unexpected data after an entity tag at offset {0}")]
    Trailing(usize),
}

impl<'a> EntityTag<'a> {
    /// A strong tag with these bytes between its quotes; `None` if one of them may not be there.
    pub fn strong(opaque: &'a [u8]) -> Option<Self> {
        opaque.iter().all(|&byte| is_etagc(byte)).then_some(Self { weak: false, opaque })
    }

    /// A weak tag with these bytes between its quotes; `None` if one of them may not be there.
    pub fn weak(opaque: &'a [u8]) -> Option<Self> {
        Self::strong(opaque).map(|tag| Self { weak: true, ..tag })
    }

    /// Reads one tag, without whitespace around it.
    ///
    /// # Errors
    /// Not exactly one entity tag.
    pub fn parse(value: &'a [u8]) -> Result<Self, EntityTagError> {
        let mut cursor = Cursor::new(value);
        let tag = parse_tag(&mut cursor)?;
        if cursor.is_empty() { Ok(tag) } else { Err(EntityTagError::Trailing(cursor.offset())) }
    }

    /// Whether it is marked weak (`W/`).
    pub fn is_weak(&self) -> bool {
        self.weak
    }

    /// The bytes between the quotes.
    pub fn opaque(&self) -> &'a [u8] {
        self.opaque
    }

    /// Strong comparison (RFC 9110 §8.8.3.2): both are strong, and the same.
    pub fn strong_eq(&self, other: &EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// Weak comparison (RFC 9110 §8.8.3.2): the same between the quotes.
    pub fn weak_eq(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }

    /// Appends it as it stands in a field value.
    pub fn write(&self, out: &mut Vec<u8>) {
        if self.weak {
            out.extend_from_slice(b"W/");
        }
        out.push(b'"');
        out.extend_from_slice(self.opaque);
        out.push(b'"');
    }
}

/// Bytes outside ASCII, which a tag may have, are shown as `U+FFFD`; [`EntityTag::write`] keeps them.
impl fmt::Display for EntityTag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.weak { "W/" } else { "" };
        write!(f, "{prefix}\"{}\"", alloc::string::String::from_utf8_lossy(self.opaque))
    }
}

/// The tags of one line of a list, in order. Ends after the first error.
///
/// Empty elements are passed over, as RFC 9110 §5.6.1.2 asks. `*` is not a tag: see [`is_any`].
#[derive(Clone, Debug)]
pub struct EntityTags<'a> {
    cursor: Cursor<'a>,
}

impl<'a> EntityTags<'a> {
    /// The tags of `line`.
    pub fn new(line: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(line) }
    }

    fn step(&mut self) -> Result<Option<EntityTag<'a>>, EntityTagError> {
        self.cursor.take_while(|byte| matches!(byte, b',' | b' ' | b'\t'));
        if self.cursor.is_empty() {
            return Ok(None);
        }
        let tag = parse_tag(&mut self.cursor)?;
        self.cursor.skip_ows();
        match self.cursor.peek() {
            None | Some(b',') => Ok(Some(tag)),
            Some(_) => Err(EntityTagError::Trailing(self.cursor.offset())),
        }
    }
}

impl<'a> Iterator for EntityTags<'a> {
    type Item = Result<EntityTag<'a>, EntityTagError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.step();
        if result.is_err() {
            self.cursor = Cursor::new(&[]);
        }
        result.transpose()
    }
}

/// Whether a field value is `*`, which stands for any current representation.
pub fn is_any(value: &[u8]) -> bool {
    wirelace_wire::field::trim_ows(value) == b"*"
}

fn parse_tag<'a>(cursor: &mut Cursor<'a>) -> Result<EntityTag<'a>, EntityTagError> {
    // The `W` is case-sensitive (RFC 9110 §8.8.3).
    let weak = cursor.eat(b'W');
    if (weak && !cursor.eat(b'/')) || !cursor.eat(b'"') {
        return Err(EntityTagError::Unquoted(cursor.offset()));
    }
    let opaque = cursor.take_while(is_etagc);
    if !cursor.eat(b'"') {
        return Err(EntityTagError::Opaque(cursor.offset()));
    }
    Ok(EntityTag { weak, opaque })
}

/// RFC 9110 §8.8.3: visible characters but the quote, and the bytes outside ASCII.
fn is_etagc(byte: u8) -> bool {
    matches!(byte, b'!' | 0x23..=0x7e | 0x80..=0xff)
}

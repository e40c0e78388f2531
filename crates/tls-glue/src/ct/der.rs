//! As much DER as Certificate Transparency needs (X.690 §10): values one after the other in a slice.
//!
//! Nothing here calls itself, so what nests deeply costs no stack.

use super::error::{DerError, DerRule};

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
/// The constructed context-specific tags `[0]` to `[3]`.
pub(crate) const CONTEXT_0: u8 = 0xa0;
pub(crate) const CONTEXT_1: u8 = 0xa1;
pub(crate) const CONTEXT_3: u8 = 0xa3;

/// One value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    /// Tag, length and content.
    pub(crate) whole: &'a [u8],
    pub(crate) content: &'a [u8],
    /// Where `whole` begins in the input.
    pub(crate) offset: usize,
}

impl<'a> Value<'a> {
    /// The values inside.
    pub(crate) fn inside(&self) -> Reader<'a> {
        Reader {
            data: self.content,
            offset: self.offset.saturating_add(self.whole.len().saturating_sub(self.content.len())),
        }
    }

    pub(crate) fn error(&self, rule: DerRule) -> DerError {
        DerError { rule, offset: self.offset }
    }
}

/// Reads values from the front of a slice.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    data: &'a [u8],
    /// Where `data` begins in the input.
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Reader<'a> {
        Reader { data, offset: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    fn error(&self, rule: DerRule) -> DerError {
        DerError { rule, offset: self.offset }
    }

    /// The next value, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Value<'a>, DerError> {
        let truncated = || self.error(DerRule::Truncated);
        let (&tag, rest) = self.data.split_first().ok_or_else(truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(self.error(DerRule::LongTag));
        }
        let (&first, mut rest) = rest.split_first().ok_or_else(truncated)?;
        let mut length = usize::from(first);
        if first == 0x80 {
            return Err(self.error(DerRule::Indefinite));
        }
        if first > 0x80 {
            let octets = usize::from(first & 0x7f);
            // No input is longer than four octets can say.
            if octets > 4 {
                return Err(self.error(DerRule::Truncated));
            }
            let (digits, behind) = rest.split_at_checked(octets).ok_or_else(truncated)?;
            let value = digits.iter().fold(0u32, |value, &digit| (value << 8) | u32::from(digit));
            if value < 0x80 || digits.first() == Some(&0) {
                return Err(self.error(DerRule::LengthNotMinimal));
            }
            (length, rest) = (usize::try_from(value).unwrap_or(usize::MAX), behind);
        }
        let (content, behind) = rest.split_at_checked(length).ok_or_else(truncated)?;
        let taken = self.data.len().saturating_sub(behind.len());
        let whole = self.data.get(..taken).unwrap_or_default();
        let value = Value { tag, whole, content, offset: self.offset };
        (self.data, self.offset) = (behind, self.offset.saturating_add(taken));
        Ok(value)
    }

    /// The next value, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Value<'a>, DerError> {
        match self.data.first() {
            Some(&found) if found != tag => Err(self.error(DerRule::Tag { expected: tag, found })),
            _ => self.any(),
        }
    }

    /// The next value if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, DerError> {
        if self.data.first() == Some(&tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Nothing may be left.
    pub(crate) fn finish(&self) -> Result<(), DerError> {
        if self.data.is_empty() { Ok(()) } else { Err(self.error(DerRule::Trailing)) }
    }
}

/// The one value that the slice is.
pub(crate) fn single(data: &[u8], tag: u8) -> Result<Value<'_>, DerError> {
    let mut reader = Reader::new(data);
    let value = reader.expect(tag)?;
    reader.finish()?;
    Ok(value)
}

/// The one value inside another.
pub(crate) fn only<'a>(outer: &Value<'a>, tag: u8) -> Result<Value<'a>, DerError> {
    let mut reader = outer.inside();
    let value = reader.expect(tag)?;
    reader.finish()?;
    Ok(value)
}

/// Writes a value that consists of these parts.
pub(crate) fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length.saturating_add(6));
    out.push(tag);
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        out.push(short);
    } else {
        let octets = length.to_be_bytes();
        let zeros = octets.iter().take_while(|&&octet| octet == 0).count();
        let digits = octets.get(zeros..).unwrap_or_default();
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
        out.extend_from_slice(digits);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(data: &[u8]) -> DerRule {
        Reader::new(data).any().unwrap_err().rule
    }

    #[test]
    fn lengths_are_definite_and_minimal() {
        assert_eq!(rule(&[]), DerRule::Truncated);
        assert_eq!(rule(&[0x30]), DerRule::Truncated);
        assert_eq!(rule(&[0x30, 0x80, 0, 0]), DerRule::Indefinite);
        assert_eq!(rule(&[0x30, 0x81, 0x7f]), DerRule::LengthNotMinimal);
        assert_eq!(rule(&[0x30, 0x82, 0x00, 0x80]), DerRule::LengthNotMinimal);
        assert_eq!(rule(&[0x30, 0x85, 1, 0, 0, 0, 0]), DerRule::Truncated);
        assert_eq!(rule(&[0x30, 0xff, 1, 0, 0, 0, 0]), DerRule::Truncated);
        assert_eq!(rule(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0]), DerRule::Truncated);
        assert_eq!(rule(&[0x3f, 0x21, 0]), DerRule::LongTag);
        assert_eq!(rule(&[4, 2, 0]), DerRule::Truncated);
    }

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, 0x0100_0000] {
            let content = vec![7; length];
            let (front, back) = content.split_at(length / 3);
            let written = encode(OCTET_STRING, &[front, back]);
            let value = single(&written, OCTET_STRING).unwrap();
            assert_eq!((value.content, value.whole), (content.as_slice(), written.as_slice()));
        }
    }

    #[test]
    fn errors_say_where() {
        // SEQUENCE { OCTET STRING, an integer that is cut }
        let data = [0x30, 6, 4, 1, 9, 2, 5, 1];
        let outer = single(&data, SEQUENCE).unwrap();
        let mut inside = outer.inside();
        assert_eq!(inside.expect(OCTET_STRING).unwrap().offset, 2);
        assert_eq!(inside.any().unwrap_err(), DerError { rule: DerRule::Truncated, offset: 5 });
        assert_eq!(
            inside.expect(SEQUENCE).unwrap_err().rule,
            DerRule::Tag { expected: SEQUENCE, found: INTEGER }
        );
        assert_eq!(inside.finish().unwrap_err(), DerError { rule: DerRule::Trailing, offset: 5 });
        assert!(inside.optional(SEQUENCE).unwrap().is_none());
    }
}

//! Field names and values (RFC 9110 §5.1, §5.5) and optional whitespace (§5.6.3).

use nom::IResult;

use crate::error::{ParseError, ParseErrorKind};
use crate::scan::{end_of_field_value, split};
use crate::token::{end_of_token, is_token};

/// Whether `byte` is SP or HTAB.
#[inline(always)]
#[must_use]
pub const fn is_ows(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Whether `name` is a field name: a token (RFC 9110 §5.1).
#[inline]
#[must_use]
pub fn is_field_name(name: &[u8]) -> bool {
    is_token(name)
}

/// Whether `value` is a field value as the grammar has it: only HTAB, SP, VCHAR and obs-text, and
/// no whitespace at either end; it may be empty (RFC 9110 §5.5).
#[inline]
#[must_use]
pub fn is_field_value(value: &[u8]) -> bool {
    has_field_octets(value)
        && !value.first().copied().is_some_and(is_ows)
        && !value.last().copied().is_some_and(is_ows)
}

/// Whether `value` has only octets that a field value may contain; whitespace may surround it, as
/// it does on the line of an HTTP/1 message.
#[inline]
#[must_use]
pub fn has_field_octets(value: &[u8]) -> bool {
    end_of_field_value(value, 0) == value.len()
}

/// `bytes` without SP and HTAB at both ends.
#[inline(always)]
#[must_use]
pub const fn trim_ows(bytes: &[u8]) -> &[u8] {
    trim_ows_end(trim_ows_start(bytes))
}

/// `bytes` without SP and HTAB at the start.
#[inline(always)]
#[must_use]
pub const fn trim_ows_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// `bytes` without SP and HTAB at the end.
#[inline(always)]
#[must_use]
pub const fn trim_ows_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Leaf: a field name that is followed by something else.
///
/// # Errors
/// `Incomplete` when it reaches the end of the input, [`ParseErrorKind::FieldName`] when it is empty.
#[inline(always)]
pub fn field_name(input: &[u8]) -> IResult<&[u8], &[u8], ParseError> {
    split(input, end_of_token(input, 0), 1, ParseErrorKind::FieldName)
}

/// Leaf: the field octets up to the end of the line, surrounding whitespace included, as
/// [`trim_ows`] can drop it; the line's end is not consumed.
///
/// # Errors
/// `Incomplete` when it reaches the end of the input.
#[inline(always)]
pub fn field_octets(input: &[u8]) -> IResult<&[u8], &[u8], ParseError> {
    split(input, end_of_field_value(input, 0), 0, ParseErrorKind::FieldValue)
}

/// Leaf: optional whitespace, perhaps none.
///
/// # Errors
/// `Incomplete` when it reaches the end of the input.
#[inline(always)]
pub fn ows(input: &[u8]) -> IResult<&[u8], &[u8], ParseError> {
    let rest = trim_ows_start(input);
    split(input, input.len() - rest.len(), 0, ParseErrorKind::Syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(is_field_name(b"Content-Type"));
        for bad in [&b""[..], b"a b", b"a:", b":a", b"a\0", b"\xc3\xa9", b"a\x7f", b"a{"] {
            assert!(!is_field_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn values() {
        for good in [&b""[..], b"a", b"a \t b", b"\x80\xff", b"~"] {
            assert!(is_field_value(good), "{good:?}");
        }
        for bad in [&b"a\r"[..], b"a\nb", b"\0", b"\x1f", b"\x7f"] {
            assert!(!is_field_value(bad) && !has_field_octets(bad), "{bad:?}");
        }
        for padded in [&b" "[..], b" a", b"a\t"] {
            assert!(!is_field_value(padded) && has_field_octets(padded), "{padded:?}");
        }
    }

    #[test]
    fn trimming() {
        assert_eq!(trim_ows(b" \ta b\t "), b"a b");
        assert_eq!(trim_ows(b" \t "), b"");
        assert_eq!(trim_ows(b""), b"");
        assert_eq!(trim_ows_start(b" a "), b"a ");
        assert_eq!(trim_ows_end(b" a "), b" a");
    }

    #[test]
    fn leaves() {
        use nom::Parser as _;
        let mut line = (field_name, crate::scan::fixed(b":"), ows, field_octets, crate::scan::crlf);
        let (rest, (name, (), _, value, ())) = line.parse(&b"Host: \ta b \r\nx"[..]).unwrap();
        assert_eq!((rest, name, trim_ows(value)), (&b"x"[..], &b"Host"[..], &b"a b"[..]));
        let input = b"Host: \ta b \r\n";
        for cut in 0..input.len() {
            assert!(matches!(line.parse(&input[..cut]), Err(nom::Err::Incomplete(_))), "{cut}");
        }
        assert!(
            matches!(field_name(b": x"), Err(nom::Err::Error(e)) if e.kind() == ParseErrorKind::FieldName)
        );
    }
}

//! Tokens (RFC 9110 §5.6.2): methods, field names, transfer codings, parameter names.

use nom::IResult;

use crate::error::{ParseError, ParseErrorKind, error};
use crate::scan::split;

pub use crate::tables::TCHAR;

/// Whether `byte` may be part of a token.
#[inline(always)]
#[must_use]
#[allow(clippy::indexing_slicing)] // 256 entries
pub const fn is_tchar(byte: u8) -> bool {
    TCHAR[byte as usize]
}

/// Whether all of `bytes` is one token (at least one byte).
#[inline]
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && end_of_token(bytes, 0) == bytes.len()
}

/// The position, at or after `from`, of the first byte that is no tchar; `buf.len()` or `from`, the
/// larger, when there is none.
#[inline(always)]
#[must_use]
pub fn end_of_token(buf: &[u8], from: usize) -> usize {
    let Some(rest) = buf.get(from..) else { return from };
    let mut at = from;
    // A table and a branch for each byte beat word arithmetic here: the branches are predicted, so
    // nothing has to wait for the name's length to be computed.
    let (words, rest) = rest.as_chunks::<8>();
    for &[a, b, c, d, e, f, g, h] in words {
        if !is_tchar(a) {
            return at;
        }
        if !is_tchar(b) {
            return at + 1;
        }
        if !is_tchar(c) {
            return at + 2;
        }
        if !is_tchar(d) {
            return at + 3;
        }
        if !is_tchar(e) {
            return at + 4;
        }
        if !is_tchar(f) {
            return at + 5;
        }
        if !is_tchar(g) {
            return at + 6;
        }
        if !is_tchar(h) {
            return at + 7;
        }
        at += 8;
    }
    for &byte in rest {
        if !is_tchar(byte) {
            break;
        }
        at += 1;
    }
    at
}

/// Leaf: a token that is followed by something else.
///
/// # Errors
/// `Incomplete` when it reaches the end of the input, [`ParseErrorKind::Token`] when it is empty.
#[inline(always)]
pub fn token(input: &[u8]) -> IResult<&[u8], &[u8], ParseError> {
    split(input, end_of_token(input, 0), 1, ParseErrorKind::Token)
}

/// Leaf: a token that may end with the input, for a field value that is all there.
///
/// # Errors
/// [`ParseErrorKind::Token`] when it is empty.
#[inline(always)]
pub fn complete_token(input: &[u8]) -> IResult<&[u8], &[u8], ParseError> {
    match input.split_at_checked(end_of_token(input, 0)) {
        Some((found, rest)) if !found.is_empty() => Ok((rest, found)),
        _ => error(ParseErrorKind::Token, input),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_the_rfc_list() {
        for byte in 0..=255u8 {
            let expected = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_tchar(byte), expected, "{byte:#x}");
        }
    }

    #[test]
    fn end_at_every_place() {
        for len in 0..40 {
            for at in 0..len {
                let mut buf = alloc::vec![b'a'; len];
                buf[at] = b':';
                assert_eq!(end_of_token(&buf, 0), at);
                assert_eq!(end_of_token(&buf, at + 1), len);
                assert!(!is_token(&buf));
                assert_eq!(is_token(&buf[..at]), at > 0);
            }
        }
        assert_eq!(end_of_token(b"abc", 9), 9);
    }

    #[test]
    fn leaves() {
        assert_eq!(token(b"GET /"), Ok((&b" /"[..], &b"GET"[..])));
        assert!(matches!(token(b"GET"), Err(nom::Err::Incomplete(_))));
        assert!(matches!(token(b""), Err(nom::Err::Incomplete(_))));
        assert!(matches!(token(b" "), Err(nom::Err::Error(e)) if e.kind() == ParseErrorKind::Token));
        assert_eq!(complete_token(b"chunked"), Ok((&b""[..], &b"chunked"[..])));
        assert_eq!(complete_token(b"a,b"), Ok((&b",b"[..], &b"a"[..])));
        assert!(complete_token(b"").is_err());
        assert!(complete_token(b"\"").is_err());
    }
}

//! Byte scanners: where does a run of allowed bytes end?
//!
//! Each looks at 32 bytes a step with an `any` reduction that the compiler turns into vector
//! instructions of whatever the target has, then finds the exact place with 64-bit arithmetic
//! (SWAR). All of it is safe Rust. Bit-mask loops and 16-byte masks were tried and dropped: the
//! compiler makes bad code of them on some targets.

use crate::error::{ParseError, ParseErrorKind, error, incomplete};
use nom::IResult;

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// Has the top bit of each byte of `x` set that is outside `first..=0x7e`; the lowest is exact.
///
/// A borrow or carry out of a byte happens only where that byte itself is a hit.
#[inline(always)]
const fn outside(x: u64, first: u8) -> u64 {
    (x.wrapping_sub(ONES * first as u64) | x.wrapping_add(ONES) | x) & TOPS
}

#[inline(always)]
const fn lowest(hits: u64) -> usize {
    (hits.trailing_zeros() / 8) as usize
}

/// The position, at or after `from`, of the first byte outside `FIRST..=0x7e`.
#[inline(always)]
fn end_of_ascii<const FIRST: u8>(buf: &[u8], from: usize) -> usize {
    let Some(rest) = buf.get(from..) else { return from };
    let mut at = from;
    let (chunks, rest) = rest.as_chunks::<32>();
    for bytes in chunks {
        let mut any = 0u8;
        for &byte in bytes {
            // Signed, one comparison: 0x7f and what lies above become negative.
            any |= u8::from((byte.wrapping_add(1) as i8) <= FIRST as i8);
        }
        if any != 0 {
            let (words, _) = bytes.as_chunks::<8>();
            for &word in words {
                let hits = outside(u64::from_le_bytes(word), FIRST);
                if hits != 0 {
                    return at + lowest(hits);
                }
                at += 8;
            }
        }
        at += 32;
    }
    let (words, rest) = rest.as_chunks::<8>();
    for &word in words {
        let hits = outside(u64::from_le_bytes(word), FIRST);
        if hits != 0 {
            return at + lowest(hits);
        }
        at += 8;
    }
    for &byte in rest {
        if byte.wrapping_sub(FIRST) > 0x7e - FIRST {
            break;
        }
        at += 1;
    }
    at
}

/// The position, at or after `from`, of the first byte outside SP and VCHAR (0x20 to 0x7e), which
/// nearly all field values consist of: a quick start for [`end_of_field_value`].
#[inline(always)]
#[must_use]
pub fn end_of_printable(buf: &[u8], from: usize) -> usize {
    end_of_ascii::<0x20>(buf, from)
}

/// The position, at or after `from`, of the first byte that a field value may not contain
/// (RFC 9110 §5.5: anything but HTAB, SP, VCHAR and obs-text); `buf.len()` or `from`, the larger,
/// when there is none.
#[inline(always)]
#[must_use]
pub fn end_of_field_value(buf: &[u8], from: usize) -> usize {
    let at = end_of_printable(buf, from);
    match buf.get(at) {
        Some(&(b'\t' | 0x80..)) => end_of_any_value(buf, at + 1),
        _ => at,
    }
}

#[inline(never)]
fn end_of_any_value(buf: &[u8], from: usize) -> usize {
    let stop = |byte: u8| (byte < 0x20 && byte != b'\t') || byte == 0x7f;
    let Some(rest) = buf.get(from..) else { return from };
    let (chunks, _) = rest.as_chunks::<32>();
    let mut at = from;
    for bytes in chunks {
        let mut any = 0u8;
        for &byte in bytes {
            any |= u8::from(stop(byte));
        }
        if any != 0 {
            break;
        }
        at += 32;
    }
    while buf.get(at).is_some_and(|&byte| !stop(byte)) {
        at += 1;
    }
    at
}

/// The position, at or after `from`, of the first byte that a request target may not contain
/// (anything but VCHAR, 0x21 to 0x7e); `buf.len()` or `from`, the larger, when there is none.
#[inline(always)]
#[must_use]
pub fn end_of_target(buf: &[u8], from: usize) -> usize {
    // Many targets are a few bytes long: for them the wide step would be wasted.
    let Some(word) = buf.get(from..).and_then(|rest| rest.first_chunk()) else {
        return end_of_ascii::<0x21>(buf, from);
    };
    match outside(u64::from_le_bytes(*word), 0x21) {
        0 => end_of_ascii::<0x21>(buf, from + 8),
        hits => from + lowest(hits),
    }
}

/// The position of the first CRLF at or after `from`; a CR that is the last byte does not count.
#[inline]
#[must_use]
pub fn find_crlf(buf: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let cr = at + memchr::memchr(b'\r', buf.get(at..)?)?;
        if *buf.get(cr + 1)? == b'\n' {
            return Some(cr);
        }
        at = cr + 1;
    }
}

/// The position after the first empty line (CRLF CRLF) that ends at or after `from`;
/// `from` may lie inside it, so a caller that has looked at `n` bytes goes on from `n`.
#[inline]
#[must_use]
pub fn find_empty_line_end(buf: &[u8], from: usize) -> Option<usize> {
    let mut at = from.saturating_sub(3);
    loop {
        let cr = find_crlf(buf, at)?;
        match buf.get(cr + 2..) {
            Some([b'\r', b'\n', ..]) => return Some(cr + 4),
            _ => at = cr + 2,
        }
    }
}

/// Leaf: CRLF (RFC 9112 §2.2).
///
/// # Errors
/// `Incomplete` on an empty input or a lone CR, [`ParseErrorKind::Crlf`] on anything else.
#[inline(always)]
pub fn crlf(input: &[u8]) -> IResult<&[u8], (), ParseError> {
    match input {
        [b'\r', b'\n', rest @ ..] => Ok((rest, ())),
        [] | [b'\r'] => incomplete(),
        _ => error(ParseErrorKind::Crlf, input),
    }
}

/// Leaf: exactly the `N` bytes of `expected`, in one comparison.
///
/// # Errors
/// `Incomplete` when the input is a proper prefix of `expected`, else [`ParseErrorKind::Tag`].
#[inline(always)]
pub fn fixed<'a, const N: usize>(
    expected: &'static [u8; N],
) -> impl Fn(&'a [u8]) -> IResult<&'a [u8], (), ParseError> {
    move |input| match input.split_first_chunk::<N>() {
        Some((first, rest)) if first == expected => Ok((rest, ())),
        None if expected.starts_with(input) => incomplete(),
        _ => error(ParseErrorKind::Tag, input),
    }
}

/// Leaf: a request target, one or more bytes of 0x21 to 0x7e (its form is not looked at).
///
/// # Errors
/// `Incomplete` when it reaches the end of the input, [`ParseErrorKind::Target`] when it is empty.
#[inline(always)]
pub fn target(input: &[u8]) -> IResult<&[u8], &[u8], ParseError> {
    split(input, end_of_target(input, 0), 1, ParseErrorKind::Target)
}

/// Splits at `end`, which must be at least `min` and inside the input.
#[inline(always)]
pub(crate) fn split(
    input: &[u8],
    end: usize,
    min: usize,
    kind: ParseErrorKind,
) -> IResult<&[u8], &[u8], ParseError> {
    match input.split_at_checked(end) {
        Some((_, [])) | None => incomplete(),
        Some(_) if end < min => error(kind, input),
        Some((found, rest)) => Ok((rest, found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn naive(buf: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
        (from..buf.len()).find(|&at| stop(buf[at])).unwrap_or(from.max(buf.len()))
    }

    fn is_ctl(b: u8) -> bool {
        b.is_ascii_control()
    }

    fn check_all(buf: &[u8], from: usize) {
        assert_eq!(
            end_of_field_value(buf, from),
            naive(buf, from, |b| is_ctl(b) && b != b'\t'),
            "{buf:?} {from}"
        );
        assert_eq!(end_of_target(buf, from), naive(buf, from, |b| !(0x21..0x7f).contains(&b)));
    }

    #[test]
    fn every_byte_at_every_place() {
        for len in [1, 7, 8, 9, 31, 32, 33, 40, 41, 64, 71] {
            let mut buf = alloc::vec![b'a'; len];
            for at in 0..len {
                for byte in 0..=255 {
                    buf[at] = byte;
                    check_all(&buf, 0);
                }
                buf[at] = b'a';
            }
        }
    }

    #[test]
    fn borrows_do_not_hide_or_invent_hits() {
        // SWAR subtraction borrows into the next byte: only the lowest hit may be trusted.
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                check_all(&[b'x', a, b, b'x', b'x', b'x', b'x', b'x', b'x'], 0);
            }
        }
    }

    #[test]
    fn start_beyond_the_end() {
        assert_eq!(end_of_target(b"abc", 3), 3);
        assert_eq!(end_of_field_value(b"abc", 7), 7);
        assert_eq!(find_crlf(b"abc", 7), None);
    }

    #[test]
    fn crlf_positions() {
        assert_eq!(find_crlf(b"a\rb\r\nc", 0), Some(3));
        assert_eq!(find_crlf(b"a\rb\r", 0), None);
        assert_eq!(find_crlf(b"a\n", 0), None);
        assert_eq!(find_empty_line_end(b"a\r\n\r\nb", 0), Some(5));
        assert_eq!(find_empty_line_end(b"a\r\n\r\r\n\r\n", 0), Some(8));
        for looked in 0..5 {
            assert_eq!(find_empty_line_end(b"a\r\n\r\nb", looked), Some(5), "{looked}");
        }
        assert_eq!(find_empty_line_end(b"a\r\n\rb\n", 0), None);
    }

    #[test]
    fn leaves() {
        assert_eq!(crlf(b"\r\nx"), Ok((&b"x"[..], ())));
        assert!(matches!(crlf(b"\r"), Err(nom::Err::Incomplete(_))));
        assert!(matches!(crlf(b"\n"), Err(nom::Err::Error(_))));
        assert!(matches!(crlf(b"\rx"), Err(nom::Err::Error(_))));
        let version = fixed(b"HTTP/1.1");
        assert_eq!(version(b"HTTP/1.1\r"), Ok((&b"\r"[..], ())));
        assert!(matches!(version(b"HTTP/"), Err(nom::Err::Incomplete(_))));
        assert!(matches!(version(b"HTTX/"), Err(nom::Err::Error(_))));
        assert!(matches!(version(b"HTTP/1.0\r"), Err(nom::Err::Error(_))));
        assert_eq!(target(b"/a b"), Ok((&b" b"[..], &b"/a"[..])));
        assert!(matches!(target(b"/a"), Err(nom::Err::Incomplete(_))));
        assert!(matches!(target(b" "), Err(nom::Err::Error(_))));
    }

    proptest! {
        #[test]
        fn agrees_with_naive(buf in proptest::collection::vec(
            prop_oneof![8 => 0x20u8..0x7f, 1 => Just(b'\t'), 1 => any::<u8>()], 0..120), from in 0usize..130) {
            check_all(&buf, from);
        }

        #[test]
        fn empty_line_agrees_with_windows(buf in proptest::collection::vec(
            prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a')], 0..40)) {
            let expected = buf.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4);
            prop_assert_eq!(find_empty_line_end(&buf, 0), expected);
            // Looked at in two steps, the second from where the first ended.
            for cut in 0..buf.len() {
                let found = find_empty_line_end(&buf[..cut], 0).or_else(|| find_empty_line_end(&buf, cut));
                prop_assert_eq!(found, expected);
            }
            let crlfs: Vec<_> = buf.windows(2).position(|w| w == b"\r\n").into_iter().collect();
            prop_assert_eq!(find_crlf(&buf, 0), crlfs.first().copied());
        }
    }
}

//! Numbers: big-endian integers, and decimal and hexadecimal digits.

use alloc::vec::Vec;

use nom::IResult;

use crate::error::{ParseError, ParseErrorKind, error, incomplete};

/// Leaf: the next `N` bytes.
///
/// # Errors
/// `Incomplete` when fewer are there.
#[inline(always)]
pub fn array<const N: usize>(input: &[u8]) -> IResult<&[u8], &[u8; N], ParseError> {
    match input.split_first_chunk::<N>() {
        Some((first, rest)) => Ok((rest, first)),
        None => incomplete(),
    }
}

/// Leaf: one byte.
///
/// # Errors
/// `Incomplete` on an empty input.
#[inline(always)]
pub fn be_u8(input: &[u8]) -> IResult<&[u8], u8, ParseError> {
    let (rest, &[byte]) = array(input)?;
    Ok((rest, byte))
}

/// Leaf: two bytes, the most significant first.
///
/// # Errors
/// `Incomplete` when fewer are there.
#[inline(always)]
pub fn be_u16(input: &[u8]) -> IResult<&[u8], u16, ParseError> {
    let (rest, bytes) = array(input)?;
    Ok((rest, u16::from_be_bytes(*bytes)))
}

/// Leaf: three bytes, the most significant first.
///
/// # Errors
/// `Incomplete` when fewer are there.
#[inline(always)]
pub fn be_u24(input: &[u8]) -> IResult<&[u8], u32, ParseError> {
    let (rest, &[a, b, c]) = array(input)?;
    Ok((rest, u32::from_be_bytes([0, a, b, c])))
}

/// Leaf: four bytes, the most significant first.
///
/// # Errors
/// `Incomplete` when fewer are there.
#[inline(always)]
pub fn be_u32(input: &[u8]) -> IResult<&[u8], u32, ParseError> {
    let (rest, bytes) = array(input)?;
    Ok((rest, u32::from_be_bytes(*bytes)))
}

/// Leaf: eight bytes, the most significant first.
///
/// # Errors
/// `Incomplete` when fewer are there.
#[inline(always)]
pub fn be_u64(input: &[u8]) -> IResult<&[u8], u64, ParseError> {
    let (rest, bytes) = array(input)?;
    Ok((rest, u64::from_be_bytes(*bytes)))
}

/// The value of `1*DIGIT`: no sign, no whitespace, leading zeros allowed; `None` when `digits` is
/// anything else or does not fit.
#[inline]
#[must_use]
pub fn parse_decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The value of one hexadecimal digit of either case.
#[inline(always)]
#[must_use]
pub const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The value of 1 to 16 hexadecimal digits: no prefix, no sign; `None` for anything else.
#[inline]
#[must_use]
pub fn parse_hex(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| Some(value << 4 | u64::from(hex_digit(byte)?)))
}

/// Leaf: `1*DIGIT` that is followed by something else.
///
/// # Errors
/// `Incomplete` when the digits reach the end of the input, [`ParseErrorKind::Digit`] when there is
/// none, [`ParseErrorKind::Overflow`] when the value does not fit.
#[inline(always)]
pub fn decimal(input: &[u8]) -> IResult<&[u8], u64, ParseError> {
    number(input, |byte| byte.is_ascii_digit(), parse_decimal)
}

/// Leaf: 1 to 16 hexadecimal digits that are followed by something else.
///
/// # Errors
/// `Incomplete` when the digits reach the end of the input, [`ParseErrorKind::Digit`] when there is
/// none, [`ParseErrorKind::Overflow`] when there are more than 16.
#[inline(always)]
pub fn hexadecimal(input: &[u8]) -> IResult<&[u8], u64, ParseError> {
    number(input, |byte| byte.is_ascii_hexdigit(), parse_hex)
}

#[inline(always)]
fn number(
    input: &[u8],
    is_digit: impl Fn(u8) -> bool,
    parse: impl Fn(&[u8]) -> Option<u64>,
) -> IResult<&[u8], u64, ParseError> {
    let end = input.iter().position(|&byte| !is_digit(byte)).unwrap_or(input.len());
    match input.split_at_checked(end) {
        Some((digits, [])) if digits.is_empty() || parse(digits).is_some() => incomplete(),
        Some(([], _)) => error(ParseErrorKind::Digit, input),
        Some((digits, rest)) => match parse(digits) {
            Some(value) => Ok((rest, value)),
            None => error(ParseErrorKind::Overflow, input),
        },
        None => incomplete(),
    }
}

/// Appends `value` in decimal, without leading zeros.
#[inline]
pub fn write_decimal(out: &mut Vec<u8>, value: u64) {
    match value {
        0..10 => out.push(b'0' + value as u8),
        10..100 => out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]),
        _ => write_digits(out, value, 10),
    }
}

/// Appends `value` in lower-case hexadecimal, without leading zeros.
#[inline]
pub fn write_hex(out: &mut Vec<u8>, value: u64) {
    write_digits(out, value, 16);
}

/// `value` in decimal, without leading zeros, at the end of `space`: for where there is no `Vec` to append to.
#[inline]
pub fn format_decimal(value: u64, space: &mut [u8; 20]) -> &[u8] {
    format_digits(value, 10, space)
}

#[inline(always)]
fn write_digits(out: &mut Vec<u8>, value: u64, base: u64) {
    out.extend_from_slice(format_digits(value, base, &mut [0; 20]));
}

#[inline(always)]
fn format_digits(mut value: u64, base: u64, space: &mut [u8; 20]) -> &[u8] {
    let mut start = space.len();
    for (at, digit) in space.iter_mut().enumerate().rev() {
        let rest = (value % base) as u8;
        *digit = if rest < 10 { b'0' + rest } else { b'a' + rest - 10 };
        start = at;
        value /= base;
        if value == 0 {
            break;
        }
    }
    space.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    #[test]
    fn big_endian() {
        let input = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(be_u8(&input).unwrap().1, 1);
        assert_eq!(be_u16(&input).unwrap(), (&input[2..], 0x0102));
        assert_eq!(be_u24(&input).unwrap(), (&input[3..], 0x01_0203));
        assert_eq!(be_u32(&input).unwrap(), (&input[4..], 0x0102_0304));
        assert_eq!(be_u64(&input).unwrap(), (&input[8..], 0x0102_0304_0506_0708));
        assert!(matches!(be_u64(&input[..7]), Err(nom::Err::Incomplete(_))));
        assert!(matches!(be_u8(&[]), Err(nom::Err::Incomplete(_))));
    }

    #[test]
    fn decimal_accepts_digits_only() {
        assert_eq!(parse_decimal(b"0"), Some(0));
        assert_eq!(parse_decimal(b"00042"), Some(42));
        assert_eq!(parse_decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            &b""[..],
            b"18446744073709551616",
            b"99999999999999999999999",
            b"+5",
            b"-0",
            b" 5",
            b"5 ",
            b"0x5",
            b"1_0",
            b"1.0",
            b"5,5",
            b"\xb2",
        ] {
            assert_eq!(parse_decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn hex_accepts_sixteen_digits() {
        assert_eq!(parse_hex(b"0"), Some(0));
        assert_eq!(parse_hex(b"aBcD"), Some(0xabcd));
        assert_eq!(parse_hex(b"ffffffffffffffff"), Some(u64::MAX));
        for bad in [&b""[..], b"00000000000000000", b"0x1", b"g", b"-1", b"+1", b" 1"] {
            assert_eq!(parse_hex(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn leaves() {
        assert_eq!(decimal(b"200 "), Ok((&b" "[..], 200)));
        assert!(matches!(decimal(b"200"), Err(nom::Err::Incomplete(_))));
        assert!(matches!(decimal(b""), Err(nom::Err::Incomplete(_))));
        assert!(matches!(decimal(b"x"), Err(nom::Err::Error(e)) if e.kind() == ParseErrorKind::Digit));
        // Too large is certain before the end of the digits.
        assert!(
            matches!(decimal(b"99999999999999999999"), Err(nom::Err::Error(e)) if e.kind() == ParseErrorKind::Overflow)
        );
        assert_eq!(hexadecimal(b"1F;"), Ok((&b";"[..], 31)));
        assert!(matches!(hexadecimal(b"00000000000000001"), Err(nom::Err::Error(_))));
    }

    proptest! {
        #[test]
        fn round_trip(value: u64, small in 0u64..300) {
            for value in [value, small] {
                let mut out = Vec::new();
                write_decimal(&mut out, value);
                prop_assert_eq!(&out, &format!("{value}").into_bytes());
                let mut space = [0; 20];
                prop_assert_eq!(format_decimal(value, &mut space), &out);
                prop_assert_eq!(parse_decimal(&out), Some(value));
                out.clear();
                write_hex(&mut out, value);
                prop_assert_eq!(&out, &format!("{value:x}").into_bytes());
                prop_assert_eq!(parse_hex(&out), Some(value));
            }
        }
    }
}

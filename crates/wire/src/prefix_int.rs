//! Integers with an N-bit prefix (RFC 7541 §5.1), as HPACK and QPACK write them.

use alloc::vec::Vec;

use nom::IResult;

use crate::error::{ParseError, ParseErrorKind, error, incomplete};

/// The largest value that QPACK has to read, 2^62 - 1 (RFC 9204 §4.1.1).
pub const PREFIX_INT_MAX: u64 = (1 << 62) - 1;

/// Continuation bytes that are read at most: nine carry 63 bits, one more is tolerated as padding.
const MAX_CONTINUATION: usize = 10;

#[inline(always)]
const fn mask(prefix_bits: u32) -> u8 {
    // 1..=8 is the meaning of the parameter; anything else is brought into it instead of panicking.
    let bits = if prefix_bits == 0 {
        1
    } else if prefix_bits > 8 {
        8
    } else {
        prefix_bits
    };
    (0xffu16 >> (8 - bits)) as u8
}

/// Leaf: an integer in the low `prefix_bits` (1 to 8) bits of the first byte and the bytes after
/// it; the other bits of the first byte are ignored. `max` is the largest value accepted, at most
/// [`PREFIX_INT_MAX`].
///
/// # Errors
/// `Incomplete` when it is not all there; [`ParseErrorKind::Overflow`] when the value is above
/// `max` or padded to more than ten bytes after the first, as soon as that is certain.
#[inline(always)]
pub fn prefix_int(input: &[u8], prefix_bits: u32, max: u64) -> IResult<&[u8], u64, ParseError> {
    let Some((&first, rest)) = input.split_first() else { return incomplete() };
    let mask = mask(prefix_bits);
    let value = u64::from(first & mask);
    if first & mask != mask {
        return if value <= max { Ok((rest, value)) } else { error(ParseErrorKind::Overflow, input) };
    }
    continued(input, rest, value, max)
}

#[inline]
fn continued<'a>(
    input: &'a [u8],
    mut rest: &'a [u8],
    mut value: u64,
    max: u64,
) -> IResult<&'a [u8], u64, ParseError> {
    let max = if max < PREFIX_INT_MAX { max } else { PREFIX_INT_MAX };
    for index in 0..MAX_CONTINUATION {
        if value > max {
            break;
        }
        let Some((&byte, after)) = rest.split_first() else { return incomplete() };
        rest = after;
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * index as u32;
        // 62 bits at most so far: from shift 63 on only zeros may follow.
        value = match bits {
            0 => value,
            _ if shift < 57 => value + (bits << shift),
            _ => match bits.checked_mul(1u64.checked_shl(shift).unwrap_or(u64::MAX)) {
                Some(add) => value.saturating_add(add),
                None => u64::MAX,
            },
        };
        if byte & 0x80 == 0 {
            if value > max {
                break;
            }
            return Ok((rest, value));
        }
    }
    error(ParseErrorKind::Overflow, input)
}

/// Appends `value` with a prefix of `prefix_bits` (1 to 8) bits; `flags` are the other bits of the
/// first byte (those inside the prefix are dropped).
#[inline]
pub fn write_prefix_int(out: &mut Vec<u8>, prefix_bits: u32, flags: u8, value: u64) {
    let mask = mask(prefix_bits);
    let flags = flags & !mask;
    if value < u64::from(mask) {
        out.push(flags | value as u8);
        return;
    }
    out.push(flags | mask);
    let mut rest = value - u64::from(mask);
    while rest >= 0x80 {
        out.push(0x80 | rest as u8);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// How many bytes [`write_prefix_int`] writes.
#[inline]
#[must_use]
pub const fn prefix_int_len(prefix_bits: u32, value: u64) -> usize {
    let mask = mask(prefix_bits) as u64;
    if value < mask {
        return 1;
    }
    let bits = 64 - (value - mask).leading_zeros();
    1 + if bits == 0 { 1 } else { bits.div_ceil(7) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc_7541_c1() {
        for (bits, value, bytes) in [(5, 10, &[10u8][..]), (5, 1337, &[31, 154, 10]), (8, 42, &[42])] {
            let mut out = Vec::new();
            write_prefix_int(&mut out, bits, 0, value);
            assert_eq!(out, bytes);
            assert_eq!(prefix_int(bytes, bits, PREFIX_INT_MAX), Ok((&[][..], value)));
        }
    }

    fn overflows(input: &[u8], bits: u32, max: u64) -> bool {
        matches!(prefix_int(input, bits, max), Err(nom::Err::Error(e)) if e.kind() == ParseErrorKind::Overflow)
    }

    #[test]
    fn too_large() {
        let mut all_ones = [0xffu8; 12];
        assert!(overflows(&all_ones, 5, PREFIX_INT_MAX));
        all_ones[11] = 0;
        assert!(overflows(&all_ones, 5, PREFIX_INT_MAX));
        // Ten bytes of padding pass, eleven do not, and a large bit far out is seen.
        let padded = |zeros: usize, last: u8| {
            let mut bytes = alloc::vec![31u8];
            bytes.extend(core::iter::repeat_n(0x80, zeros));
            bytes.push(last);
            bytes
        };
        assert_eq!(prefix_int(&padded(9, 0), 5, PREFIX_INT_MAX).unwrap().1, 31);
        assert!(overflows(&padded(10, 0), 5, PREFIX_INT_MAX));
        assert!(overflows(&padded(9, 1), 5, PREFIX_INT_MAX));
        assert!(overflows(&padded(9, 2), 5, PREFIX_INT_MAX));
        assert!(overflows(&padded(9, 0x7f), 5, PREFIX_INT_MAX));
        assert!(overflows(&padded(8, 0x7f), 5, PREFIX_INT_MAX));
        assert!(overflows(&padded(8, 1 << 6), 5, PREFIX_INT_MAX));
        assert!(overflows(&[5], 5, 4));
        assert!(overflows(&[31, 0], 5, 30));
        assert_eq!(prefix_int(&[31, 0], 5, 31).unwrap().1, 31);
        // Certain before the last byte has come.
        assert!(overflows(&[31, 0xff], 5, 100));
    }

    #[test]
    fn odd_prefixes_do_not_panic() {
        for bits in [0, 9, 100] {
            let mut out = Vec::new();
            write_prefix_int(&mut out, bits, 0, 500);
            assert_eq!(prefix_int(&out, bits, PREFIX_INT_MAX).unwrap().1, 500);
        }
    }

    proptest! {
        #[test]
        fn round_trip(value in 0..=PREFIX_INT_MAX, shift in 0u32..62, bits in 1u32..=8, flags: u8) {
            let value = value >> shift;
            let mut out = Vec::new();
            write_prefix_int(&mut out, bits, flags, value);
            prop_assert_eq!(out.len(), prefix_int_len(bits, value));
            let low = (0xffu16 >> (8 - bits)) as u8;
            prop_assert_eq!(out[0] & !low, flags & !low);
            for cut in 0..out.len() {
                prop_assert!(matches!(prefix_int(&out[..cut], bits, PREFIX_INT_MAX), Err(nom::Err::Incomplete(_))));
            }
            out.push(9);
            prop_assert_eq!(prefix_int(&out, bits, PREFIX_INT_MAX), Ok((&[9][..], value)));
            prop_assert_eq!(prefix_int(&out, bits, value), Ok((&[9][..], value)));
            if value > 0 {
                prop_assert!(overflows(&out, bits, value - 1));
            }
        }

        #[test]
        fn never_panics(input in proptest::collection::vec(any::<u8>(), 0..16), bits in 0u32..12, max: u64) {
            if let Ok((rest, value)) = prefix_int(&input, bits, max) {
                prop_assert!(value <= max && rest.len() < input.len());
            }
        }
    }
}

//! QUIC's variable-length integers (RFC 9000 §16): 1, 2, 4 or 8 bytes, 62 bits of value.

use alloc::vec::Vec;

use nom::IResult;

use crate::error::{ParseError, incomplete};

/// The largest value that can be encoded, 2^62 - 1.
pub const VARINT_MAX: u64 = (1 << 62) - 1;

/// How many bytes the shortest encoding of `value` takes; `None` above [`VARINT_MAX`].
#[inline(always)]
#[must_use]
pub const fn varint_len(value: u64) -> Option<usize> {
    match value {
        0..=0x3f => Some(1),
        0x40..=0x3fff => Some(2),
        0x4000..=0x3fff_ffff => Some(4),
        0x4000_0000..=VARINT_MAX => Some(8),
        _ => None,
    }
}

/// How many bytes the encoding that starts with `first` takes.
#[inline(always)]
#[must_use]
pub const fn varint_len_of(first: u8) -> usize {
    1 << (first >> 6)
}

/// The value at the start of `input` and the bytes it takes; `None` when it is not all there.
/// Longer encodings than needed are accepted, as RFC 9000 §16 has it (`varint_len(value) ==
/// Some(taken)` tells the shortest apart, for where it is required).
#[inline(always)]
#[must_use]
pub fn decode_varint(input: &[u8]) -> Option<(u64, usize)> {
    let first = *input.first()?;
    Some(match first >> 6 {
        0 => (u64::from(first), 1),
        1 => (u64::from(u16::from_be_bytes(*input.first_chunk()?) & 0x3fff), 2),
        2 => (u64::from(u32::from_be_bytes(*input.first_chunk()?) & 0x3fff_ffff), 4),
        _ => (u64::from_be_bytes(*input.first_chunk()?) & VARINT_MAX, 8),
    })
}

/// Leaf: one integer, see [`decode_varint`].
///
/// # Errors
/// `Incomplete` when it is not all there.
#[inline(always)]
pub fn varint(input: &[u8]) -> IResult<&[u8], u64, ParseError> {
    match decode_varint(input) {
        Some((value, taken)) => match input.get(taken..) {
            Some(rest) => Ok((rest, value)),
            None => incomplete(),
        },
        None => incomplete(),
    }
}

/// Appends the shortest encoding of `value`; false, and nothing written, above [`VARINT_MAX`].
#[inline]
#[must_use]
pub fn write_varint(out: &mut Vec<u8>, value: u64) -> bool {
    match varint_len(value) {
        Some(len) => write_varint_sized(out, value, len),
        None => false,
    }
}

/// Appends `value` in exactly `len` bytes (1, 2, 4 or 8), for a length that is filled in later;
/// false, and nothing written, when it does not fit or `len` is another number.
#[inline]
#[must_use]
pub fn write_varint_sized(out: &mut Vec<u8>, value: u64, len: usize) -> bool {
    match (len, value) {
        (1, 0..=0x3f) => out.push(value as u8),
        (2, 0..=0x3fff) => out.extend_from_slice(&(value as u16 | 0x4000).to_be_bytes()),
        (4, 0..=0x3fff_ffff) => out.extend_from_slice(&(value as u32 | 0x8000_0000).to_be_bytes()),
        (8, 0..=VARINT_MAX) => out.extend_from_slice(&(value | 0xc000_0000_0000_0000).to_be_bytes()),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc_9000_a1() {
        for (bytes, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
        ] {
            assert_eq!(decode_varint(bytes), Some((value, bytes.len())));
            let mut out = Vec::new();
            assert!(write_varint(&mut out, value));
            assert_eq!(out, bytes);
        }
        // 37 once more, one byte longer than needed.
        assert_eq!(decode_varint(&[0x40, 0x25]), Some((37, 2)));
        assert_ne!(varint_len(37), Some(2));
    }

    #[test]
    fn limits() {
        for (value, len) in [
            (0, Some(1)),
            (63, Some(1)),
            (64, Some(2)),
            (16_383, Some(2)),
            (16_384, Some(4)),
            (1_073_741_823, Some(4)),
            (1_073_741_824, Some(8)),
            (VARINT_MAX, Some(8)),
            (VARINT_MAX + 1, None),
        ] {
            assert_eq!(varint_len(value), len);
            let mut out = Vec::new();
            assert_eq!(write_varint(&mut out, value), len.is_some());
            assert_eq!(out.len(), len.unwrap_or(0));
        }
        let mut out = Vec::new();
        assert!(!write_varint_sized(&mut out, 64, 1));
        assert!(!write_varint_sized(&mut out, 1, 3));
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn round_trip(value in 0..=VARINT_MAX, shift in 0u32..62) {
            let value = value >> shift;
            for len in [1, 2, 4, 8] {
                let mut out = Vec::new();
                if write_varint_sized(&mut out, value, len) {
                    prop_assert_eq!(out.len(), len);
                    prop_assert_eq!(varint_len_of(out[0]), len);
                    for cut in 0..len {
                        prop_assert!(matches!(varint(&out[..cut]), Err(nom::Err::Incomplete(_))));
                    }
                    out.push(7);
                    prop_assert_eq!(varint(&out), Ok((&[7][..], value)));
                } else {
                    prop_assert!(varint_len(value).unwrap() > len);
                }
            }
        }
    }
}

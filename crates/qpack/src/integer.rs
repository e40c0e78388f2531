//! Prefixed integers and string headers (RFC 9204 §4.1), with what can go wrong in them.

use wirelace_wire::prefix_int::{PREFIX_INT_MAX, prefix_int};

/// Why an integer was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not all there.
    Incomplete,
    /// It is above 2^62 - 1.
    Overflow,
}

/// The integer at the front of `input`, and what follows it.
#[inline(always)]
pub(crate) fn integer(input: &[u8], prefix: u32) -> Result<(&[u8], u64), Fault> {
    match prefix_int(input, prefix, PREFIX_INT_MAX) {
        Ok(read) => Ok(read),
        Err(error) if error.is_incomplete() => Err(Fault::Incomplete),
        Err(_) => Err(Fault::Overflow),
    }
}

/// How a string begins: whether it is Huffman-coded, and how long it is; and what follows that.
#[inline(always)]
pub(crate) fn string(input: &[u8], prefix: u32) -> Result<(&[u8], bool, u64), Fault> {
    let (rest, length) = integer(input, prefix)?;
    let coded = input.first().is_some_and(|first| first >> prefix & 1 != 0);
    Ok((rest, coded, length))
}

/// The least octets that a string of `length` can mean: no code is longer than 30 bits.
#[inline(always)]
pub(crate) const fn least_text(coded: bool, length: u64) -> u64 {
    if coded { length.saturating_mul(8).saturating_sub(7).div_ceil(30) } else { length }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use wirelace_hpack::huffman;

    #[test]
    fn no_text_is_shorter_than_said() {
        for octet in 0..=255u8 {
            for length in 0..40 {
                let mut coded = Vec::new();
                huffman::encode(&alloc::vec![octet; length], &mut coded);
                assert!(least_text(true, coded.len() as u64) <= length as u64);
            }
        }
        // The longest code: 30 bits a symbol.
        assert_eq!((least_text(true, 30), least_text(true, 0), least_text(false, 30)), (8, 0, 30));
        // 2^62 - 1 does not overflow.
        assert!(least_text(true, PREFIX_INT_MAX) > 0);
    }

    #[test]
    fn strings_begin_with_any_prefix() {
        assert_eq!(string(&[0x27, 0x00, 9], 3), Ok((&[9][..], false, 7)));
        assert_eq!(string(&[0x2b], 3), Ok((&[][..], true, 3)));
        assert_eq!(string(&[0x85, 1], 7), Ok((&[1][..], true, 5)));
        assert_eq!(string(&[0x67], 5), Ok((&[][..], true, 7)));
        assert_eq!(string(&[0xff], 7), Err(Fault::Incomplete));
        assert_eq!(string(&[0xff; 12], 7), Err(Fault::Overflow));
    }
}

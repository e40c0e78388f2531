//! The Huffman code for strings (RFC 7541 §5.2, Appendix B), as HPACK and QPACK use it.
//!
//! ```
//! use wirelace_hpack::huffman;
//!
//! let mut coded = Vec::new();
//! huffman::encode(b"www.example.com", &mut coded);
//! assert_eq!(coded, b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff");
//! assert_eq!(huffman::encoded_len(b"www.example.com"), coded.len());
//!
//! let mut text = Vec::new();
//! huffman::decode(&coded, &mut text, 100)?;
//! assert_eq!(text, b"www.example.com");
//! # Ok::<(), huffman::HuffmanError>(())
//! ```

use alloc::vec::Vec;

mod decode;
mod encode;

pub use decode::{HuffmanError, decode_into, room};
pub use encode::encode_shorter;

/// How many octets [`encode`] writes.
#[must_use]
pub fn encoded_len(text: &[u8]) -> usize {
    encode::encoded_len(text)
}

/// Appends the code of `text`, filled up to a whole octet with the beginning of EOS.
pub fn encode(text: &[u8], out: &mut Vec<u8>) {
    encode::encode(text, out);
}

/// Appends the text of `coded`, a whole string. `max` is the most that it may be, in octets.
///
/// # Errors
/// A string that is no code, or longer than `max`; `out` is then as it was. Offsets are within `coded`.
pub fn decode(coded: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), HuffmanError> {
    let start = out.len();
    // What `max` does not allow needs no room either.
    let most = (coded.len().saturating_mul(8) / 5).min(max);
    out.resize(start + room(most), 0);
    let decoded = match out.get_mut(start..) {
        Some(space) => decode_into(coded, coded.len(), space),
        None => Ok(0),
    };
    match decoded {
        Ok(length) if length <= max => {
            out.truncate(start + length);
            Ok(())
        }
        Ok(_) => {
            out.truncate(start);
            Err(HuffmanError::TooLong { offset: coded.len() })
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables_huffman::CODES;
    use alloc::vec;
    use proptest::prelude::*;

    /// Bit by bit, as §5.2 says it.
    fn slow(coded: &[u8]) -> Result<Vec<u8>, HuffmanError> {
        let (mut text, mut code, mut length, mut start) = (Vec::new(), 0u64, 0u64, 0);
        for at in 0..coded.len() * 8 {
            if length == 0 {
                start = at / 8;
            }
            code = code << 1 | u64::from((coded[at / 8] >> (7 - at % 8)) & 1);
            length += 1;
            if length == 30 && code == (1 << 30) - 1 {
                return Err(HuffmanError::EndOfString { offset: start });
            }
            if let Some(symbol) = CODES.iter().position(|&entry| entry == code << (64 - length) | length) {
                text.push(symbol as u8);
                (code, length) = (0, 0);
            }
        }
        match code == (1 << length) - 1 {
            false => Err(HuffmanError::PaddingNotEos { offset: start }),
            true if length > 7 => Err(HuffmanError::PaddingTooLong { offset: start }),
            true => Ok(text),
        }
    }

    fn fast(coded: &[u8]) -> Result<Vec<u8>, HuffmanError> {
        let mut text = b"before".to_vec();
        let decoded = decode(coded, &mut text, usize::MAX);
        if decoded.is_err() {
            assert_eq!(text, b"before");
        }
        decoded.map(|()| text[6..].to_vec())
    }

    /// Both, and the fast one also within other octets.
    fn check(coded: &[u8]) {
        let expected = slow(coded);
        let same_kind = |error: HuffmanError, other: HuffmanError| {
            // The fast one finds wrong padding a symbol later at times: it says at which octet the string ends.
            core::mem::discriminant(&error) == core::mem::discriminant(&other)
        };
        for before in 0..3 {
            for after in [0, 1, 7, 8, 20] {
                let mut input = vec![0x0f; before];
                input.extend_from_slice(coded);
                input.resize(before + coded.len() + after, 0x5a);
                let mut out = vec![0; room(coded.len() * 8 / 5)];
                let length = decode_into(&input[before..], coded.len(), &mut out);
                match (&expected, length) {
                    (Ok(text), Ok(length)) => assert_eq!(text[..], out[..length]),
                    (Err(expected), Err(error)) => {
                        assert!(same_kind(*expected, error), "{expected}: {error}")
                    }
                    (expected, got) => panic!("{expected:?}: {got:?}"),
                }
            }
        }
        match (expected, fast(coded)) {
            (Ok(text), Ok(again)) => assert_eq!(text, again),
            (Err(expected), Err(error)) => {
                assert!(same_kind(expected, error));
                assert!(error.offset() < coded.len().max(1));
            }
            (expected, got) => panic!("{expected:?}: {got:?}"),
        }
    }

    #[test]
    fn each_symbol_alone_and_in_pairs() {
        for one in 0..=255u8 {
            for other in (0..=255).step_by(5).chain([b'0', b'a']) {
                for text in [vec![one], vec![one, other], vec![other, one, other, one, one]] {
                    let mut coded = Vec::new();
                    encode(&text, &mut coded);
                    assert_eq!(coded.len(), encoded_len(&text));
                    assert_eq!(fast(&coded), Ok(text));
                }
            }
        }
    }

    #[test]
    fn every_string_of_two_octets() {
        for string in 0..=u16::MAX {
            check(&string.to_be_bytes());
        }
        (0..=255u8).for_each(|octet| check(&[octet]));
        check(&[]);
    }

    #[test]
    fn errors_say_what_and_where() {
        // "0", padding of three ones, and eight more.
        assert_eq!(fast(&[0x07]), Ok(b"0".to_vec()));
        assert_eq!(fast(&[0x07, 0xff]), Err(HuffmanError::PaddingTooLong { offset: 0 }));
        assert_eq!(fast(&[0xff]), Err(HuffmanError::PaddingTooLong { offset: 0 }));
        // "00" and a padding of zeros; "0" and part of another symbol.
        assert_eq!(fast(&[0, 0]), Err(HuffmanError::PaddingNotEos { offset: 1 }));
        assert_eq!(fast(&[0x06]), Err(HuffmanError::PaddingNotEos { offset: 0 }));
        // EOS, alone and after "00000000".
        assert_eq!(fast(&[0xff; 4]), Err(HuffmanError::EndOfString { offset: 0 }));
        assert_eq!(
            fast(&[0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
            Err(HuffmanError::EndOfString { offset: 5 })
        );
        // 30 bits that are a symbol, and two that are not; all but the last of EOS.
        assert_eq!(fast(&[0xff, 0xff, 0xff, 0xf1]), Err(HuffmanError::PaddingNotEos { offset: 3 }));
        assert_eq!(fast(&[0xff, 0xff, 0xff, 0xfb]), Ok(vec![22]));
    }

    #[test]
    fn no_more_than_allowed() {
        let text = [b'0'; 100];
        let mut coded = Vec::new();
        encode(&text, &mut coded);
        for max in 0..=100 {
            let mut out = vec![1, 2];
            let decoded = decode(&coded, &mut out, max);
            if max < 100 {
                assert!(matches!(decoded, Err(HuffmanError::TooLong { offset }) if offset <= coded.len()));
                assert_eq!(out, [1, 2]);
            } else {
                assert_eq!((decoded, out.len()), (Ok(()), 102));
            }
        }
    }

    proptest! {
        #[test]
        fn round_trip(text in proptest::collection::vec(any::<u8>(), 0..300), ascii in "[ -~]{0,300}") {
            for text in [&text[..], ascii.as_bytes()] {
                let mut coded = vec![9];
                encode(text, &mut coded);
                prop_assert_eq!(coded.len() - 1, encoded_len(text));
                check(&coded[1..]);
                let shorter = encoded_len(text) < text.len();
                let mut again = vec![9];
                prop_assert_eq!(encode_shorter(text, &mut again), shorter);
                prop_assert_eq!(again, if shorter { coded } else { vec![9] });
            }
        }

        #[test]
        fn any_octets(coded in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0xff)], 0..40)) {
            check(&coded);
        }

        #[test]
        fn beginnings_and_damage(text in "[ -~]{1,60}", cut in any::<prop::sample::Index>(), flip: u8) {
            let mut coded = Vec::new();
            encode(text.as_bytes(), &mut coded);
            check(&coded[..cut.index(coded.len())]);
            let at = cut.index(coded.len());
            coded[at] ^= flip;
            check(&coded);
        }
    }
}

//! The Huffman code (RFC 7541 §5.2, Appendix B).

use alloc::vec::Vec;

use thiserror::Error;

use crate::tables::{CODES, LENGTHS, LONG, LONG_SYMBOLS, STEP, STEPS};

/// A string that is not Huffman-coded as RFC 7541 §5.2 has it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HuffmanError {
    /// EOS in the string.
    #[error("EOS in a Huffman-coded string (RFC 7541 §5.2)")]
    Eos,
    /// The last octet is not filled with ones, or a code is cut.
    #[error("padding of a Huffman-coded string is not all ones (RFC 7541 §5.2)")]
    Padding,
    /// Eight bits of padding or more.
    #[error("padding of a Huffman-coded string is longer than 7 bits (RFC 7541 §5.2)")]
    LongPadding,
    /// More octets than the caller wants.
    #[error("Huffman-coded string of more than {max} octets")]
    TooLong {
        /// The caller's limit.
        max: usize,
    },
}

/// Octets that `text` takes when it is coded.
#[inline]
#[must_use]
pub fn encoded_len(text: &[u8]) -> usize {
    let bits: usize = text.iter().map(|&byte| bits_of(byte)).sum();
    bits.div_ceil(8)
}

#[inline(always)]
fn bits_of(byte: u8) -> usize {
    LENGTHS.get(usize::from(byte)).map_or(0, |&bits| usize::from(bits))
}

/// Appends `text` coded, the last octet filled with ones.
#[inline]
pub fn encode(text: &[u8], out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0u64, 0u32);
    for &byte in text {
        let code = CODES.get(usize::from(byte)).copied().unwrap_or(0);
        let len = code as u32;
        bits = bits << len | code >> 32;
        held += len;
        // At most 31 were held before, and a code has at most 30.
        if held >= 32 {
            held -= 32;
            out.extend_from_slice(&((bits >> held) as u32).to_be_bytes());
        }
    }
    while held >= 8 {
        held -= 8;
        out.push((bits >> held) as u8);
    }
    if held > 0 {
        out.push((bits << (8 - held)) as u8 | 0xff >> held);
    }
}

/// The input as bits, the next one on top; behind its end come ones.
struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, from the top.
    window: u64,
    /// How many of them are of the input.
    held: u32,
}

impl Bits<'_> {
    #[inline(always)]
    fn refill(&mut self) {
        if let Some((eight, _)) = self.rest.split_first_chunk::<8>() {
            // As many whole octets as fit.
            let octets = (64 - self.held) / 8;
            self.window = self.window & !(u64::MAX.checked_shr(self.held).unwrap_or(0))
                | u64::from_be_bytes(*eight).checked_shr(self.held).unwrap_or(0);
            self.held += octets * 8;
            self.rest = self.rest.get(octets as usize..).unwrap_or_default();
            return;
        }
        while self.held <= 56 {
            let Some((&byte, rest)) = self.rest.split_first() else { break };
            self.rest = rest;
            let keep = !(u64::MAX.checked_shr(self.held).unwrap_or(0));
            self.window = self.window & keep | u64::from(byte) << (56 - self.held);
            self.held += 8;
        }
        if self.held < 64 {
            self.window |= u64::MAX >> self.held;
        }
    }

    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.window = self.window << bits | ((1 << bits) - 1);
        self.held -= bits;
    }
}

/// Appends the text that `coded` stands for.
///
/// # Errors
/// It is not coded as RFC 7541 §5.2 has it, or has more than `max` octets. `out` has lost nothing, but may have more.
#[inline]
pub fn decode(coded: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), HuffmanError> {
    let start = out.len();
    // No code is shorter than five bits; two symbols are stored at a time.
    let most = coded.len() * 8 / 5 + 2;
    out.resize(start + most, 0);
    let space = out.get_mut(start..).unwrap_or_default();
    let result = decode_into(coded, space);
    match result {
        Ok(len) if len <= max => {
            out.truncate(start + len);
            Ok(())
        }
        Ok(_) => {
            out.truncate(start);
            Err(HuffmanError::TooLong { max })
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

#[inline]
fn decode_into(coded: &[u8], space: &mut [u8]) -> Result<usize, HuffmanError> {
    let mut bits = Bits { rest: coded, window: u64::MAX, held: 0 };
    let mut len = 0;
    loop {
        bits.refill();
        // Without asking whether the input ends, while a refill's bits last.
        while bits.held >= STEP {
            let step = STEPS.get((bits.window >> (64 - STEP)) as usize).copied().unwrap_or(0);
            if step == 0 {
                if bits.held < 30 && !bits.rest.is_empty() {
                    break;
                }
                let symbol = long(&mut bits)?;
                store(space, len, [symbol, 0]);
                len += 1;
                continue;
            }
            store(space, len, [step as u8, (step >> 8) as u8]);
            len += (step >> 16 & 3) as usize;
            bits.skip(step >> 22);
        }
        if bits.rest.is_empty() {
            return decode_tail(bits, space, len);
        }
    }
}

/// The last few bits: a second symbol may be made of what is behind the end.
#[inline]
fn decode_tail(mut bits: Bits<'_>, space: &mut [u8], mut len: usize) -> Result<usize, HuffmanError> {
    loop {
        if bits.window == u64::MAX {
            return if bits.held < 8 { Ok(len) } else { Err(HuffmanError::LongPadding) };
        }
        let step = STEPS.get((bits.window >> (64 - STEP)) as usize).copied().unwrap_or(0);
        if step == 0 {
            let symbol = long(&mut bits)?;
            store(space, len, [symbol, 0]);
        } else {
            let first = step >> 18 & 15;
            if first > bits.held {
                return Err(HuffmanError::Padding);
            }
            store(space, len, [step as u8, 0]);
            bits.skip(first);
        }
        len += 1;
    }
}

#[inline(always)]
fn store(space: &mut [u8], at: usize, symbols: [u8; 2]) {
    if let Some(place) = space.get_mut(at..).and_then(|space| space.first_chunk_mut::<2>()) {
        *place = symbols;
    }
}

/// A code of more than [`STEP`] bits.
#[inline(never)]
fn long(bits: &mut Bits<'_>) -> Result<u8, HuffmanError> {
    for &(len, first, at, count) in LONG {
        let code = (bits.window >> (64 - len)) as u32;
        let number = code.wrapping_sub(first);
        if number < u32::from(count) {
            if len > bits.held {
                break;
            }
            bits.skip(len);
            let symbol = LONG_SYMBOLS.get(usize::from(at) + number as usize).copied().unwrap_or(256);
            return u8::try_from(symbol).map_err(|_| HuffmanError::Eos);
        }
    }
    // Only ones can be cut: nothing else is without a symbol.
    if bits.window == u64::MAX { Err(HuffmanError::LongPadding) } else { Err(HuffmanError::Padding) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn coded(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(text, &mut out);
        assert_eq!(out.len(), encoded_len(text));
        out
    }

    fn decoded(coded: &[u8]) -> Result<Vec<u8>, HuffmanError> {
        let mut out = vec![b'!'];
        decode(coded, &mut out, usize::MAX)?;
        assert_eq!(out.remove(0), b'!');
        Ok(out)
    }

    #[test]
    fn rfc_7541_examples() {
        let pairs: [(&[u8], &[u8]); 6] = [
            (b"www.example.com", b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"),
            (b"no-cache", b"\xa8\xeb\x10\x64\x9c\xbf"),
            (b"custom-key", b"\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f"),
            (b"302", b"\x64\x02"),
            (b"private", b"\xae\xc3\x77\x1a\x4b"),
            (
                b"Mon, 21 Oct 2013 20:13:21 GMT",
                b"\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff",
            ),
        ];
        for (text, code) in pairs {
            assert_eq!(coded(text), code);
            assert_eq!(decoded(code).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_not_allowed() {
        assert_eq!(decoded(b""), Ok(vec![]));
        // `0` is five zeros.
        assert_eq!(decoded(&[0b0000_0111]), Ok(b"0".to_vec()));
        assert_eq!(decoded(&[0b0000_0110]), Err(HuffmanError::Padding));
        assert_eq!(decoded(&[0b0000_0000]), Err(HuffmanError::Padding));
        assert_eq!(decoded(&[0b0000_0111, 0xff]), Err(HuffmanError::LongPadding));
        assert_eq!(decoded(&[0xff]), Err(HuffmanError::LongPadding));
        assert_eq!(decoded(&[0xff; 4]), Err(HuffmanError::Eos));
        assert_eq!(decoded(&[0xff; 40]), Err(HuffmanError::Eos));
        assert_eq!(decoded(&[0xff, 0xff, 0xff]), Err(HuffmanError::LongPadding));
        let mut out = Vec::new();
        assert_eq!(decode(&coded(b"abc"), &mut out, 2), Err(HuffmanError::TooLong { max: 2 }));
        assert!(out.is_empty());
        assert_eq!(decode(&coded(b"abc"), &mut out, 3), Ok(()));
    }

    #[test]
    fn every_octet_alone_and_doubled() {
        for byte in 0..=255u8 {
            for text in [vec![byte], vec![byte; 2], vec![byte; 9], vec![b'a', byte, b'b']] {
                assert_eq!(decoded(&coded(&text)), Ok(text));
            }
        }
    }

    /// Bit by bit, from the codes alone.
    fn simple(coded: &[u8]) -> Result<Vec<u8>, ()> {
        let bits: Vec<u8> = coded.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1)).collect();
        let (mut out, mut at) = (Vec::new(), 0);
        'symbols: while at < bits.len() {
            let mut code = 0u64;
            for len in 1..=30usize.min(bits.len() - at) {
                code = code << 1 | u64::from(bits[at + len - 1]);
                if let Some(byte) = (0..256).find(|&byte| CODES[byte] == code << 32 | len as u64) {
                    out.push(byte as u8);
                    at += len;
                    continue 'symbols;
                }
            }
            let rest = &bits[at..];
            return if rest.len() < 8 && rest.iter().all(|&bit| bit == 1) { Ok(out) } else { Err(()) };
        }
        Ok(out)
    }

    proptest! {
        #[test]
        fn round_trip(text in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decoded(&coded(&text)), Ok(text));
        }

        #[test]
        fn as_the_simplest_decoder(code in prop::collection::vec(any::<u8>(), 0..40), ones in 0usize..6) {
            let mut code = code;
            code.extend(core::iter::repeat_n(0xff, ones));
            prop_assert_eq!(decoded(&code).map_err(|_| ()), simple(&code));
        }

        #[test]
        fn text_that_is_cut_or_changed(text in "[ -~]{0,80}", at: prop::sample::Index, bit in 0u8..8) {
            let mut code = coded(text.as_bytes());
            if !code.is_empty() {
                let at = at.index(code.len());
                code[at] ^= 1 << bit;
                prop_assert_eq!(decoded(&code).map_err(|_| ()), simple(&code));
                code.truncate(at);
                prop_assert_eq!(decoded(&code).map_err(|_| ()), simple(&code));
            }
        }
    }
}

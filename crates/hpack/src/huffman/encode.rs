//! Encoding: codes are gathered in 64 bits, which are written at once.

use alloc::vec::Vec;

use crate::tables_huffman::{CODES, LENGTHS};

/// Bits that can be added to what is left of an octet without leaving the register.
const GROUP: u32 = 56;

/// Code of one octet, and its length in bits.
#[inline(always)]
fn code(octet: u8) -> (u64, u32) {
    let code = CODES.get(usize::from(octet)).copied().unwrap_or(0);
    (code >> 8, code as u32 & 0xff)
}

/// Bits on their way out: those that do not fill an octet yet stand at the high end.
struct Bits {
    pending: u64,
    /// Fewer than eight.
    count: u32,
}

impl Bits {
    /// Appends the low `length` (at most [`GROUP`]) bits of `bits`; returns how many octets are whole.
    #[inline(always)]
    fn push(&mut self, bits: u64, length: u32, out: &mut Vec<u8>) {
        let count = self.count + length;
        // `count` is 63 at most; 0 only if both are, and then `bits` is 0 too.
        let word = self.pending | bits.wrapping_shl(64u32.wrapping_sub(count));
        let whole = (count >> 3) as usize;
        let end = out.len() + whole;
        out.extend_from_slice(&word.to_be_bytes());
        out.truncate(end);
        self.pending = word.wrapping_shl(count & !7);
        self.count = count & 7;
    }
}

pub(super) fn encoded_len(text: &[u8]) -> usize {
    let bits: usize =
        text.iter().map(|&octet| usize::from(LENGTHS.get(usize::from(octet)).copied().unwrap_or(0))).sum();
    bits.div_ceil(8)
}

pub(super) fn encode(text: &[u8], out: &mut Vec<u8>) {
    append(text, out, usize::MAX);
}

/// Appends the code of `text` if it is shorter than `text`; else leaves `out` as it was and returns false.
#[inline]
pub(crate) fn encode_shorter(text: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    if append(text, out, text.len()) {
        return true;
    }
    out.truncate(start);
    false
}

/// Appends the code of `text`; false as soon as that takes `limit` octets or more.
#[inline(always)]
fn append(text: &[u8], out: &mut Vec<u8>, limit: usize) -> bool {
    let end = out.len().saturating_add(limit);
    let mut bits = Bits { pending: 0, count: 0 };
    let (groups, rest) = text.as_chunks::<4>();
    for &[a, b, c, d] in groups {
        let ((a, la), (b, lb), (c, lc), (d, ld)) = (code(a), code(b), code(c), code(d));
        let length = la + lb + lc + ld;
        if length <= GROUP {
            bits.push(((a << lb | b) << (lc + ld)) | (c << ld | d), length, out);
        } else {
            for (code, length) in [(a, la), (b, lb), (c, lc), (d, ld)] {
                bits.push(code, length, out);
            }
        }
        if out.len() >= end {
            return false;
        }
    }
    for &octet in rest {
        let (code, length) = code(octet);
        bits.push(code, length, out);
    }
    if bits.count > 0 {
        // The beginning of EOS is ones.
        out.push((bits.pending >> 56) as u8 | 0xff >> bits.count);
    }
    out.len() < end
}

//! Encoding: codes are gathered in 64 bits, which are written at once.

use alloc::vec::Vec;

use crate::tables_huffman::{CODES, LENGTHS};

/// Bits that can be gathered. The octet below them is not clean: entries of [`CODES`] have their length there.
const MOST: u32 = 56;

/// The longest code, in bits.
const LONGEST: u32 = 30;

/// Code of one octet at the high end, and its length at the low one.
#[inline(always)]
fn code(octet: u8) -> u64 {
    CODES.get(usize::from(octet)).copied().unwrap_or(0)
}

/// Bits on their way out.
#[derive(Clone, Copy)]
struct Bits {
    /// At the high end.
    window: u64,
    count: u32,
}

impl Bits {
    #[inline(always)]
    fn push(&mut self, code: u64) {
        self.window |= code.wrapping_shr(self.count);
        self.count += code as u32 & 0xff;
    }

    /// Writes all whole octets; fewer than eight bits stay.
    #[inline(always)]
    fn flush(&mut self, out: &mut Vec<u8>) {
        let end = out.len() + (self.count >> 3) as usize;
        out.extend_from_slice(&self.window.to_be_bytes());
        out.truncate(end);
        let rest = self.count & 7;
        self.window = self.window.wrapping_shl(self.count - rest) & !(u64::MAX >> rest);
        self.count = rest;
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
#[must_use]
pub fn encode_shorter(text: &[u8], out: &mut Vec<u8>) -> bool {
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
    let mut bits = Bits { window: 0, count: 0 };
    let (groups, rest) = text.as_chunks::<6>();
    for group in groups {
        let mut together = bits;
        for &octet in group {
            together.push(code(octet));
        }
        if together.count <= MOST {
            bits = together;
            bits.flush(out);
        } else {
            one_by_one(&mut bits, group, out);
        }
        if out.len() >= end {
            return false;
        }
    }
    let mut together = bits;
    for &octet in rest {
        together.push(code(octet));
    }
    if together.count <= MOST {
        bits = together;
    } else {
        one_by_one(&mut bits, rest, out);
    }
    // The beginning of EOS is ones.
    let end_of_text = out.len() + bits.count.div_ceil(8) as usize;
    out.extend_from_slice(&(bits.window | u64::MAX.wrapping_shr(bits.count)).to_be_bytes());
    out.truncate(end_of_text);
    end_of_text < end
}

/// Symbols that do not fit together.
#[cold]
fn one_by_one(bits: &mut Bits, octets: &[u8], out: &mut Vec<u8>) {
    for &octet in octets {
        if bits.count > MOST - LONGEST {
            bits.flush(out);
        }
        bits.push(code(octet));
    }
}

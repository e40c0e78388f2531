//! Decoding: 64 bits of input at a time, four look-ups of one or two symbols each.

use crate::tables_huffman::{LONG, LOOKUP, LOOKUP_BITS, SORTED};

/// Octets that a step writes at most; what it does not use is overwritten by the next.
const STEP: usize = 8;

/// The symbol that no string may contain.
const EOS: u16 = 256;

/// A string that is no Huffman code of a text (RFC 7541 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HuffmanError {
    /// More than seven bits of padding.
    #[error("more than 7 bits of padding from octet {offset} on (RFC 7541 §5.2)")]
    PaddingTooLong {
        /// The octet with the first of them.
        offset: usize,
    },
    /// The string ends with bits that are neither a symbol nor the beginning of EOS.
    #[error("padding at octet {offset} is not the beginning of EOS (RFC 7541 §5.2)")]
    PaddingNotEos {
        /// The octet with the first of them.
        offset: usize,
    },
    /// The EOS symbol.
    #[error("EOS at octet {offset} inside a string (RFC 7541 §5.2)")]
    EndOfString {
        /// The octet with its first bit.
        offset: usize,
    },
    /// More text than was allowed.
    #[error("text is longer than allowed at octet {offset} of its code")]
    TooLong {
        /// The octet from which on nothing more was decoded.
        offset: usize,
    },
}

impl HuffmanError {
    /// Where the string is wrong, in octets.
    #[must_use]
    pub const fn offset(&self) -> usize {
        match *self {
            Self::PaddingTooLong { offset }
            | Self::PaddingNotEos { offset }
            | Self::EndOfString { offset }
            | Self::TooLong { offset } => offset,
        }
    }

    /// The same, in a string that begins at `start`.
    pub(crate) const fn moved_by(self, start: usize) -> Self {
        match self {
            Self::PaddingTooLong { offset } => Self::PaddingTooLong { offset: offset + start },
            Self::PaddingNotEos { offset } => Self::PaddingNotEos { offset: offset + start },
            Self::EndOfString { offset } => Self::EndOfString { offset: offset + start },
            Self::TooLong { offset } => Self::TooLong { offset: offset + start },
        }
    }
}

/// How long the output of [`decode_into`] has to be for a text of `text` octets.
#[inline(always)]
pub(crate) const fn room(text: usize) -> usize {
    text + STEP
}

/// 64 bits of the string `input[..length]` from bit `at` on: 57 of them are right, and ones where it has ended.
#[inline(always)]
fn load(input: &[u8], length: usize, at: usize) -> u64 {
    let octet = at >> 3;
    let left = length - octet;
    let word = match input.get(octet..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => tail(input, octet),
    };
    let ones = if left < 8 { u64::MAX >> (8 * left) } else { 0 };
    (word | ones) << (at & 7)
}

/// As much as there is of eight octets.
fn tail(input: &[u8], octet: usize) -> u64 {
    if let Some(chunk) = input.last_chunk() {
        let missing = octet + 8 - input.len();
        return u64::from_be_bytes(*chunk).checked_shl(8 * missing as u32).unwrap_or(0);
    }
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(input.get(octet..).unwrap_or_default()) {
        *to = *from;
    }
    u64::from_be_bytes(word)
}

/// Decodes the string `input[..length]` to the front of `out`; what follows it in `input` is not looked at, but
/// saves a copy. Returns the length of the text, which may be up to [`STEP`] octets more than `out` was meant for.
pub(crate) fn decode_into(input: &[u8], length: usize, out: &mut [u8]) -> Result<usize, HuffmanError> {
    let length = length.min(input.len());
    let total = length * 8;
    let (mut at, mut written) = (0, 0);
    while at < total {
        let mut bits = load(input, length, at);
        let mut symbols = 0u64;
        // Bits taken in the low octet, 8 x symbols in the next: as in the entries.
        let mut sums = 0u32;
        let mut entry = 0;
        for _ in 0..4 {
            entry = LOOKUP.get((bits >> (64 - LOOKUP_BITS)) as usize).copied().unwrap_or(0);
            bits = bits.wrapping_shl(entry);
            symbols |= u64::from(entry >> 16) << (sums >> 8);
            sums += entry & 0xffff;
        }
        let Some(space) = out.get_mut(written..).and_then(<[u8]>::first_chunk_mut) else {
            return Err(HuffmanError::TooLong { offset: at >> 3 });
        };
        *space = symbols.to_le_bytes();
        written += (sums >> 11) as usize;
        at += (sums & 0xff) as usize;
        if entry != 0 {
            continue;
        }
        // Padding, or a code that is longer than a look-up.
        let Some(left) = total.checked_sub(at) else { break };
        if left < 8 {
            let padding = load(input, length, at) >> (64 - LOOKUP_BITS);
            // The bits behind the string are ones.
            if padding == (1 << LOOKUP_BITS) - 1 {
                return Ok(written);
            }
            return Err(HuffmanError::PaddingNotEos { offset: at >> 3 });
        }
        let (symbol, taken) = long(input, length, at)?;
        let Some(space) = out.get_mut(written) else {
            return Err(HuffmanError::TooLong { offset: at >> 3 });
        };
        *space = symbol;
        written += 1;
        at += taken;
    }
    if at > total {
        // The last symbol has taken ones from behind the end, so what was left of the string is not all ones.
        return Err(HuffmanError::PaddingNotEos { offset: length.saturating_sub(1) });
    }
    Ok(written)
}

/// The symbol at bit `at`, whose code is longer than a look-up, and how long it is.
#[cold]
fn long(input: &[u8], length: usize, at: usize) -> Result<(u8, usize), HuffmanError> {
    let window = load(input, length, at) >> 32;
    let left = length * 8 - at;
    let offset = at >> 3;
    for &(beyond, bits, place) in &LONG {
        if window >= beyond {
            continue;
        }
        if bits as usize > left {
            break;
        }
        let place = (window >> (32 - bits)) as i64 + place;
        return match usize::try_from(place).ok().and_then(|place| SORTED.get(place)) {
            Some(&symbol) if symbol < EOS => Ok((symbol as u8, bits as usize)),
            _ => Err(HuffmanError::EndOfString { offset }),
        };
    }
    // Not all of a symbol is left: padding that is too long, or no padding at all.
    Err(if window == u64::from(u32::MAX) {
        HuffmanError::PaddingTooLong { offset }
    } else {
        HuffmanError::PaddingNotEos { offset }
    })
}

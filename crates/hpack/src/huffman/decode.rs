//! Decoding: 64 bits of input at a time, four look-ups of one or two symbols each.

use crate::tables_huffman::{LONG, LOOKUP, LOOKUP_BITS, SORTED};

/// Look-ups in a step: after a fill there are bits for so many.
const LOOKUPS: u32 = 4;
const _: () = assert!(LOOKUPS * LOOKUP_BITS <= 56);

/// Octets that a step writes at most; what it does not use is overwritten by the next.
const STEP: usize = 2 * LOOKUPS as usize;

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
    #[must_use]
    pub const fn moved_by(self, start: usize) -> Self {
        match self {
            Self::PaddingTooLong { offset } => Self::PaddingTooLong { offset: offset + start },
            Self::PaddingNotEos { offset } => Self::PaddingNotEos { offset: offset + start },
            Self::EndOfString { offset } => Self::EndOfString { offset: offset + start },
            Self::TooLong { offset } => Self::TooLong { offset: offset + start },
        }
    }
}

/// How long the output of [`decode_into`] has to be for a text of `text` octets: a step may begin behind its end,
/// when the padding is wrong.
#[inline(always)]
#[must_use]
pub const fn room(text: usize) -> usize {
    text + 2 * STEP
}

/// The string `input[..length]`, as bits; ones follow it.
struct Bits<'a> {
    input: &'a [u8],
    length: usize,
    /// The next bits, at the high end.
    window: u64,
    /// How many of them are there; more may be, which are then right.
    count: u32,
    /// The octet after those of the count.
    next: usize,
}

impl Bits<'_> {
    /// Eight octets from `octet` on. Without a branch on where that is: it would be guessed wrong once a string.
    #[inline(always)]
    fn load(&self, octet: usize) -> u64 {
        let last = self.input.len().wrapping_sub(8);
        let from = octet.min(last);
        let word = match self.input.get(from..).and_then(<[u8]>::first_chunk) {
            Some(chunk) => u64::from_be_bytes(*chunk).wrapping_shl(8 * (octet - from) as u32),
            None => short(self.input, octet),
        };
        let left = self.length.saturating_sub(octet);
        let ones = if left < 8 { u64::MAX >> (8 * left) } else { 0 };
        word | ones
    }

    /// Makes the count at least 56, and the whole window right. What is loaded depends on the last fill alone, so it
    /// is there in time.
    #[inline(always)]
    fn fill(&mut self) {
        self.window |= self.load(self.next) >> self.count;
        self.next += ((63 - self.count) >> 3) as usize;
        self.count |= 56;
    }

    /// The next bits, to index [`LOOKUP`].
    #[inline(always)]
    fn index(&self) -> usize {
        (self.window >> (64 - LOOKUP_BITS)) as usize
    }

    /// How many bits were taken.
    #[inline(always)]
    fn at(&self) -> usize {
        self.next * 8 - self.count as usize
    }

    /// Goes on at that bit.
    #[inline(always)]
    fn seek(&mut self, at: usize) {
        let (octet, bit) = (at >> 3, at as u32 & 7);
        self.window = self.load(octet) << bit;
        self.count = 56 - bit;
        self.next = octet + 7;
    }
}

/// What some look-ups have found.
#[derive(Default)]
struct Step {
    symbols: u64,
    /// Bits taken in the low octet, 8 x symbols in the next: as in the entries.
    sums: u32,
}

impl Step {
    #[inline(always)]
    fn take(&mut self, bits: &mut Bits<'_>, index: usize) -> u32 {
        let entry = LOOKUP.get(index).copied().unwrap_or(0);
        bits.window = bits.window.wrapping_shl(entry);
        self.symbols |= u64::from(entry >> 16) << (self.sums >> 8);
        self.sums += entry & 0xffff;
        entry
    }

    /// Bits taken.
    #[inline(always)]
    fn bits(&self) -> u32 {
        self.sums & 0xff
    }

    /// Symbols found.
    #[inline(always)]
    fn length(&self) -> usize {
        (self.sums >> 11) as usize
    }
}

/// As much as there is of eight octets, where there are fewer in all.
fn short(input: &[u8], octet: usize) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(input.get(octet..).unwrap_or_default()) {
        *to = *from;
    }
    u64::from_be_bytes(word)
}

/// Decodes the string `input[..length]` to the front of `out`; what follows it in `input` is not looked at, but
/// saves a copy. `out` has to have [`room`] for the longest text that may be. Returns the length of the text, which
/// may be a few octets more than that.
///
/// # Errors
/// As [`decode`](super::decode); [`HuffmanError::TooLong`] when `out` is full.
pub fn decode_into(input: &[u8], length: usize, out: &mut [u8]) -> Result<usize, HuffmanError> {
    let length = length.min(input.len());
    let mut bits = Bits { input, length, window: 0, count: 0, next: 0 };
    let mut written = 0;
    bits.fill();
    loop {
        let mut step = Step::default();
        for _ in 0..LOOKUPS - 1 {
            let index = bits.index();
            step.take(&mut bits, index);
        }
        // The last look-up needs no more bits than there are, so it need not wait for those that come.
        let index = bits.index();
        bits.count -= step.bits();
        bits.fill();
        let before = step.bits();
        let entry = step.take(&mut bits, index);
        bits.count -= step.bits() - before;
        let Some(space) = out.get_mut(written..).and_then(<[u8]>::first_chunk_mut) else {
            return Err(HuffmanError::TooLong { offset: (bits.at() >> 3).min(length) });
        };
        *space = step.symbols.to_le_bytes();
        written += step.length();
        if entry != 0 {
            // Ones without end are no symbol: this does not go on behind the string.
            continue;
        }
        let at = bits.at();
        let Some(left) = (length * 8).checked_sub(at) else {
            // The last symbol has taken ones from behind the end, so what was left of the string is not all ones.
            return Err(HuffmanError::PaddingNotEos { offset: length.saturating_sub(1) });
        };
        if left < 8 {
            return if bits.index() == (1 << LOOKUP_BITS) - 1 {
                Ok(written)
            } else {
                Err(HuffmanError::PaddingNotEos { offset: at >> 3 })
            };
        }
        bits.seek(at);
        let (symbol, taken) = long(bits.window >> 32, left, at >> 3)?;
        bits.seek(at + taken);
        let Some(space) = out.get_mut(written) else {
            return Err(HuffmanError::TooLong { offset: at >> 3 });
        };
        *space = symbol;
        written += 1;
    }
}

/// The symbol that the 32 bits of `window` begin with, whose code is longer than a look-up, and how long that is.
/// `left` bits are left of the string.
#[cold]
fn long(window: u64, left: usize, offset: usize) -> Result<(u8, usize), HuffmanError> {
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

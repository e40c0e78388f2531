//! What decoding finds, and what encoding puts around a payload.

use bytes::BufMut;

use crate::checksum;

/// The most octets in front of a length field, and the most that can be dropped from the front of a frame.
pub const MAX_HEAD: usize = 255;

/// What goes in front of a length field or is dropped after it, when encoding.
static ZEROS: [u8; MAX_HEAD] = [0; MAX_HEAD];

/// Octets of the longest prefix: 20 digits and a colon, rounded up.
const PREFIX: usize = 24;

/// What is in front of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A frame of `taken` octets, with the payload from `start` to `end`.
    Frame { start: usize, end: usize, taken: usize },
    /// Nothing more can be said below `needed` octets.
    More { needed: usize },
}

/// The length, as it stands in front of a payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix {
    space: [u8; PREFIX],
    len: usize,
}

impl Prefix {
    pub(super) const EMPTY: Prefix = Prefix { space: [0; PREFIX], len: 0 };

    /// False when there is no room; a prefix is never that long.
    pub(super) fn push(&mut self, octet: u8) -> bool {
        let Some(place) = self.space.get_mut(self.len) else { return false };
        *place = octet;
        self.len += 1;
        true
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.space.get(..self.len).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy)]
enum Trailer<'a> {
    Octets(&'a [u8]),
    Checksum([u8; checksum::LEN]),
}

/// All of a frame but its payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    before: &'static [u8],
    prefix: Prefix,
    after: &'static [u8],
    trailer: Trailer<'a>,
}

impl<'a> Parts<'a> {
    /// `before` zeros, the prefix and `after` zeros in front of the payload.
    pub(super) fn new(before: usize, prefix: Prefix, after: usize) -> Parts<'a> {
        let zeros = |count| ZEROS.get(..count).unwrap_or_default();
        Parts { before: zeros(before), prefix, after: zeros(after), trailer: Trailer::Octets(&[]) }
    }

    pub(super) fn with_trailer(mut self, octets: &'a [u8]) -> Parts<'a> {
        self.trailer = Trailer::Octets(octets);
        self
    }

    pub(super) fn with_checksum(mut self, payload: &[u8]) -> Parts<'a> {
        let sum = checksum::crc32c(&[self.before, self.prefix.octets(), self.after, payload]);
        self.trailer = Trailer::Checksum(sum.to_be_bytes());
        self
    }

    fn trailer(&self) -> &[u8] {
        match &self.trailer {
            Trailer::Octets(octets) => octets,
            Trailer::Checksum(octets) => octets,
        }
    }

    /// Octets beside the payload.
    pub(crate) fn len(&self) -> usize {
        self.before.len() + self.prefix.len + self.after.len() + self.trailer().len()
    }

    /// What comes before the payload.
    pub(crate) fn put_front(&self, out: &mut impl BufMut) {
        out.put_slice(self.before);
        out.put_slice(self.prefix.octets());
        out.put_slice(self.after);
    }

    /// What comes after the payload.
    pub(crate) fn put_back(&self, out: &mut impl BufMut) {
        out.put_slice(self.trailer());
    }
}

//! Frames (RFC 9114 §7): a type, a length, a payload.
//!
//! ```
//! use wirelace_http3::frame::{FrameHeader, FrameType};
//!
//! let mut out = Vec::new();
//! FrameHeader { kind: FrameType::DATA, length: 300 }.write(&mut out);
//! assert_eq!(out, [0x00, 0x41, 0x2c]);
//! assert_eq!(FrameHeader::decode(&out), Some((FrameHeader { kind: FrameType::DATA, length: 300 }, 3)));
//! assert_eq!(FrameHeader::decode(&out[..2]), None);
//! ```

use core::fmt;

use bytes::{Buf as _, Bytes};
use wirelace_wire::varint::{VARINT_MAX, decode_varint, varint_len_of, write_varint};

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameType(pub u64);

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl FrameType {
            $($(#[$doc])* pub const $name: FrameType = FrameType($code);)*

            /// Its name in the RFC; `None` for an unknown one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

types! {
    /// A part of a body (RFC 9114 §7.2.1).
    DATA = 0x00;
    /// A field section (§7.2.2).
    HEADERS = 0x01;
    /// A pushed response is not wanted, or will not come (§7.2.3).
    CANCEL_PUSH = 0x03;
    /// What its sender takes (§7.2.4).
    SETTINGS = 0x04;
    /// A request that the server answers without being asked (§7.2.5).
    PUSH_PROMISE = 0x05;
    /// The sender is leaving (§7.2.6).
    GOAWAY = 0x07;
    /// How much the server may push (§7.2.7).
    MAX_PUSH_ID = 0x0d;
    /// The priority of a request (RFC 9218 §7.2).
    PRIORITY_UPDATE_REQUEST = 0xf0700;
    /// The priority of a push.
    PRIORITY_UPDATE_PUSH = 0xf0701;
}

impl FrameType {
    /// HTTP/2 has it, and HTTP/3 must not: PRIORITY, PING, WINDOW_UPDATE, CONTINUATION (RFC 9114 §7.2.8).
    #[must_use]
    pub const fn is_http2(self) -> bool {
        matches!(self.0, 0x02 | 0x06 | 0x08 | 0x09)
    }
}

impl fmt::Debug for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "frame {:#x}", self.0),
        }
    }
}

/// The front of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// What it is.
    pub kind: FrameType,
    /// Bytes of its payload.
    pub length: u64,
}

impl FrameHeader {
    /// The header at the start of `input`, and the bytes that it takes; `None` when it is not all there.
    #[inline]
    #[must_use]
    pub fn decode(input: &[u8]) -> Option<(FrameHeader, usize)> {
        let (kind, first) = decode_varint(input)?;
        let (length, second) = decode_varint(input.get(first..)?)?;
        Some((FrameHeader { kind: FrameType(kind), length }, first + second))
    }

    /// Appends it. Types and lengths above 2^62 - 1 count as that.
    #[inline]
    pub fn write(self, out: &mut Vec<u8>) {
        put_varint(out, self.kind.0);
        put_varint(out, self.length);
    }
}

/// Appends a varint.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, value: u64) {
    let fits = write_varint(out, value.min(VARINT_MAX));
    debug_assert!(fits);
}

/// A frame whose payload is one id.
pub(crate) fn write_id(out: &mut Vec<u8>, kind: FrameType, id: u64) {
    let mut payload = Vec::with_capacity(8);
    put_varint(&mut payload, id);
    FrameHeader { kind, length: payload.len() as u64 }.write(out);
    out.extend_from_slice(&payload);
}

/// A payload that is one id and nothing else.
pub(crate) fn read_id(payload: &[u8]) -> Option<u64> {
    decode_varint(payload).filter(|(_, taken)| *taken == payload.len()).map(|(id, _)| id)
}

/// What a stream has brought and nobody has looked at: frames come out of it however they were cut.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The rest of the last chunk.
    buffer: Bytes,
    /// The front of a header that is not all there.
    head: Vec<u8>,
    /// The frame that is being read, and what is left of it.
    frame: Option<FrameHeader>,
    left: u64,
    /// The payload so far, of frames that are needed whole.
    payload: Vec<u8>,
    /// Bytes that were taken out of the buffer, and not yet accounted for.
    taken: usize,
    /// Nothing comes behind the buffer.
    pub(crate) fin: bool,
}

impl Reader {
    /// Takes the next chunk; the one before has to be used up.
    #[inline]
    pub(crate) fn feed(&mut self, data: Bytes, fin: bool) {
        debug_assert!(self.buffer.is_empty());
        self.buffer = data;
        self.fin |= fin;
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// At a boundary between frames, with nothing left.
    pub(crate) fn is_done(&self) -> bool {
        self.buffer.is_empty() && self.frame.is_none() && self.head.is_empty()
    }

    /// The frame that is being read.
    #[inline]
    pub(crate) fn frame(&self) -> Option<FrameHeader> {
        self.frame
    }

    /// The varint in front, and how many bytes it took of this chunk and in all; `None`: it is not all there, and what
    /// is there was taken. To be called at the start of a stream only.
    pub(crate) fn varint(&mut self) -> Option<u64> {
        while let Some(&byte) = self.buffer.first() {
            self.head.push(byte);
            self.advance(1);
            if let Some((value, _)) = decode_varint(&self.head) {
                self.head.clear();
                return Some(value);
            }
        }
        None
    }

    /// The varint in front, which stays there; `None`: it is not all there.
    pub(crate) fn peek_varint(&mut self) -> Option<u64> {
        loop {
            if let Some((value, _)) = decode_varint(&self.head) {
                return Some(value);
            }
            self.head.push(*self.buffer.first()?);
            self.advance(1);
        }
    }

    /// Forgets what was peeked at.
    pub(crate) fn drop_peeked(&mut self) {
        self.head.clear();
    }

    #[inline]
    fn advance(&mut self, bytes: usize) {
        self.buffer.advance(bytes);
        self.taken += bytes;
    }

    /// Bytes that were taken since this was asked last.
    #[inline]
    pub(crate) fn take_taken(&mut self) -> usize {
        core::mem::take(&mut self.taken)
    }

    /// Reads the header of the next frame, unless one is being read.
    #[inline]
    pub(crate) fn header(&mut self) -> Option<FrameHeader> {
        if self.frame.is_some() {
            return self.frame;
        }
        if self.head.is_empty()
            && let Some((header, taken)) = FrameHeader::decode(&self.buffer)
        {
            self.advance(taken);
            return self.begin(header);
        }
        self.header_in_parts()
    }

    fn header_in_parts(&mut self) -> Option<FrameHeader> {
        loop {
            let need = match self.head.first() {
                None => 1,
                Some(&first) => {
                    let kind = varint_len_of(first);
                    self.head.get(kind).map_or(kind + 1, |&second| kind + varint_len_of(second))
                }
            };
            if let Some((header, _)) = FrameHeader::decode(&self.head) {
                self.head.clear();
                return self.begin(header);
            }
            let take = need.saturating_sub(self.head.len()).min(self.buffer.len());
            if take == 0 {
                return None;
            }
            self.head.extend_from_slice(self.buffer.get(..take).unwrap_or_default());
            self.advance(take);
        }
    }

    fn begin(&mut self, header: FrameHeader) -> Option<FrameHeader> {
        self.frame = Some(header);
        self.left = header.length;
        self.payload.clear();
        self.frame
    }

    /// The next part of the payload, as it lies in the buffer; empty where there is none.
    #[inline]
    pub(crate) fn part(&mut self) -> Bytes {
        let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.buffer.len());
        self.left -= take as u64;
        self.taken += take;
        if self.left == 0 {
            self.frame = None;
        }
        if take == self.buffer.len() { core::mem::take(&mut self.buffer) } else { self.buffer.split_to(take) }
    }

    /// All of the payload, once it is there; it ends the frame. Not copied where it came in one piece.
    #[inline]
    pub(crate) fn whole(&mut self) -> Option<Bytes> {
        if self.payload.is_empty() && self.buffer.len() as u64 >= self.left {
            return Some(self.part());
        }
        let part = self.part();
        self.payload.extend_from_slice(&part);
        (self.frame.is_none()).then(|| core::mem::take(&mut self.payload).into())
    }

    /// All that is left in the buffer, whatever it is.
    pub(crate) fn take_rest(&mut self) -> Bytes {
        self.taken += self.buffer.len();
        core::mem::take(&mut self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames() -> Vec<u8> {
        let mut out = Vec::new();
        for (kind, length) in [(0u64, 0u64), (1, 5), (0x21, 70), (0xf0700, 3), (0, 17_000), (4, 1)] {
            FrameHeader { kind: FrameType(kind), length }.write(&mut out);
            out.extend((0..length).map(|at| at as u8));
        }
        out
    }

    /// All frames, with payloads, of input in pieces of these lengths.
    fn read(input: &[u8], cuts: &[usize], whole: bool) -> Vec<(u64, Vec<u8>)> {
        let mut reader = Reader::default();
        let mut found = Vec::new();
        let mut rest = input;
        let mut cuts = cuts.iter().copied().cycle();
        let mut current = Vec::new();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(cuts.next().unwrap().clamp(1, rest.len()));
            rest = more;
            reader.feed(Bytes::copy_from_slice(piece), rest.is_empty());
            while let Some(header) = reader.header() {
                if whole {
                    let Some(payload) = reader.whole() else { break };
                    found.push((header.kind.0, payload.to_vec()));
                    continue;
                }
                current.extend_from_slice(&reader.part());
                if reader.frame().is_some() {
                    break;
                }
                found.push((header.kind.0, core::mem::take(&mut current)));
            }
        }
        assert!(reader.fin && reader.is_done());
        found
    }

    #[test]
    fn every_cut_means_the_same() {
        let input = frames();
        let all = read(&input, &[usize::MAX], true);
        assert_eq!(all.len(), 6);
        for at in (1..200).chain(input.len() - 20..input.len()) {
            for whole in [false, true] {
                assert_eq!(read(&input, &[at, usize::MAX], whole), all, "{at}");
                assert_eq!(read(&input, &[at], whole), all, "{at}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_cuts_mean_the_same(cuts in proptest::collection::vec(1usize..300, 1..20), whole: bool) {
            let input = frames();
            prop_assert_eq!(read(&input, &cuts, whole), read(&input, &[usize::MAX], true));
        }
    }

    #[test]
    fn ids_fill_their_frame() {
        assert_eq!(read_id(&[0x40, 0x05]), Some(5));
        assert_eq!(read_id(&[0x05, 0x00]), None);
        assert_eq!(read_id(&[0x40]), None);
        assert_eq!(read_id(&[]), None);
        let mut out = Vec::new();
        write_id(&mut out, FrameType::GOAWAY, 64);
        assert_eq!(out, [0x07, 0x02, 0x40, 0x40]);
    }

    #[test]
    fn data_is_not_copied() {
        let mut reader = Reader::default();
        let data = Bytes::from_static(b"\x00\x03abc");
        let at = data[2..].as_ptr();
        reader.feed(data, false);
        reader.header();
        assert_eq!(reader.part().as_ptr(), at);
    }
}

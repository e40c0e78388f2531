//! The nine octets in front of every payload (RFC 9113 §4.1).

use alloc::vec::Vec;
use core::fmt;
use core::ops::BitOr;

use wirelace_wire::number::{be_u8, be_u24, be_u32};

/// Octets of a frame header.
pub const FRAME_HEADER_LEN: usize = 9;

/// The largest number of a stream; the bit above it is reserved (RFC 9113 §4.1).
pub(crate) const MAX_STREAM: u32 = 0x7fff_ffff;

/// The longest payload that a header can count, and the largest SETTINGS_MAX_FRAME_SIZE (RFC 9113 §4.2).
pub const MAX_PAYLOAD: u32 = (1 << 24) - 1;

/// The type of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameType(pub u8);

impl FrameType {
    /// RFC 9113 §6.1.
    pub const DATA: FrameType = FrameType(0x0);
    /// RFC 9113 §6.2.
    pub const HEADERS: FrameType = FrameType(0x1);
    /// RFC 9113 §6.3.
    pub const PRIORITY: FrameType = FrameType(0x2);
    /// RFC 9113 §6.4.
    pub const RST_STREAM: FrameType = FrameType(0x3);
    /// RFC 9113 §6.5.
    pub const SETTINGS: FrameType = FrameType(0x4);
    /// RFC 9113 §6.6.
    pub const PUSH_PROMISE: FrameType = FrameType(0x5);
    /// RFC 9113 §6.7.
    pub const PING: FrameType = FrameType(0x6);
    /// RFC 9113 §6.8.
    pub const GOAWAY: FrameType = FrameType(0x7);
    /// RFC 9113 §6.9.
    pub const WINDOW_UPDATE: FrameType = FrameType(0x8);
    /// RFC 9113 §6.10.
    pub const CONTINUATION: FrameType = FrameType(0x9);
    /// RFC 7838 §4.
    pub const ALTSVC: FrameType = FrameType(0xa);
    /// RFC 8336 §2.
    pub const ORIGIN: FrameType = FrameType(0xc);
    /// RFC 9218 §7.1.
    pub const PRIORITY_UPDATE: FrameType = FrameType(0x10);

    /// Its name; `None` for a type that is not known here.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            FrameType::DATA => "DATA",
            FrameType::HEADERS => "HEADERS",
            FrameType::PRIORITY => "PRIORITY",
            FrameType::RST_STREAM => "RST_STREAM",
            FrameType::SETTINGS => "SETTINGS",
            FrameType::PUSH_PROMISE => "PUSH_PROMISE",
            FrameType::PING => "PING",
            FrameType::GOAWAY => "GOAWAY",
            FrameType::WINDOW_UPDATE => "WINDOW_UPDATE",
            FrameType::CONTINUATION => "CONTINUATION",
            FrameType::ALTSVC => "ALTSVC",
            FrameType::ORIGIN => "ORIGIN",
            FrameType::PRIORITY_UPDATE => "PRIORITY_UPDATE",
            _ => return None,
        })
    }
}

impl fmt::Display for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "frame of type {:#04x}", self.0),
        }
    }
}

impl fmt::Debug for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The flags of a frame. What a bit means depends on the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// None.
    pub const NONE: Flags = Flags(0);
    /// DATA, HEADERS: the sender's last of this stream.
    pub const END_STREAM: Flags = Flags(0x01);
    /// SETTINGS, PING: the answer to one.
    pub const ACK: Flags = Flags(0x01);
    /// HEADERS, PUSH_PROMISE, CONTINUATION: the field block ends here.
    pub const END_HEADERS: Flags = Flags(0x04);
    /// DATA, HEADERS, PUSH_PROMISE: padding follows.
    pub const PADDED: Flags = Flags(0x08);
    /// HEADERS: a dependency comes first.
    pub const PRIORITY: Flags = Flags(0x20);

    /// Whether all bits of `flags` are set.
    #[inline]
    #[must_use]
    pub const fn contains(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// `self` where `on`, else no flags.
    #[inline]
    #[must_use]
    pub const fn when(self, on: bool) -> Flags {
        if on { self } else { Flags::NONE }
    }
}

impl BitOr for Flags {
    type Output = Flags;

    #[inline]
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// A frame header (RFC 9113 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Octets of the payload, below 2²⁴.
    pub length: u32,
    /// What the payload is.
    pub frame_type: FrameType,
    /// Its flags.
    pub flags: Flags,
    /// Its stream, without the reserved bit; 0: the connection.
    pub stream: u32,
}

impl FrameHeader {
    /// Reads a header; `None`: fewer than nine octets are there.
    #[inline]
    #[must_use]
    pub fn read(input: &[u8]) -> Option<FrameHeader> {
        let (input, length) = be_u24(input).ok()?;
        let (input, frame_type) = be_u8(input).ok()?;
        let (input, flags) = be_u8(input).ok()?;
        let (_, stream) = be_u32(input).ok()?;
        Some(FrameHeader {
            length,
            frame_type: FrameType(frame_type),
            flags: Flags(flags),
            stream: stream & MAX_STREAM,
        })
    }

    /// Appends the header.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_octets());
    }

    /// The octets on the wire; a length or stream that is too large for them loses its high bits.
    #[inline]
    #[must_use]
    pub const fn to_octets(&self) -> [u8; FRAME_HEADER_LEN] {
        let [_, l2, l1, l0] = self.length.to_be_bytes();
        let [s3, s2, s1, s0] = (self.stream & MAX_STREAM).to_be_bytes();
        [l2, l1, l0, self.frame_type.0, self.flags.0, s3, s2, s1, s0]
    }
}

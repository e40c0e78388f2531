//! Headers of packets, as far as they can be read without keys (RFC 8999, RFC 9000 §17, RFC 9369 §3.2).
//!
//! A datagram may have several packets (§12.2): what is behind [`Header::packet_length`] is the next.

use core::ops::Range;

use wirelace_tls_glue::quic::{TAG_LENGTH, Version};
use wirelace_wire::varint::decode_varint;

use crate::connection_id::ConnectionId;

/// The kinds of packets with a long header that carry frames (RFC 9000 §17.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongType {
    /// RFC 9000 §17.2.2.
    Initial,
    /// §17.2.3.
    ZeroRtt,
    /// §17.2.4.
    Handshake,
}

/// The header of the first packet of a datagram, as far as it can be read without keys. Nothing that it says is known
/// to be true before the packet has been opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Header {
    /// A packet with a long header that carries frames.
    Long {
        /// Its kind.
        kind: LongType,
        /// Its version.
        version: Version,
        /// To whom it goes.
        destination: ConnectionId,
        /// How its sender wants to be called.
        source: ConnectionId,
        /// Where the token of an Initial packet lies, from the start of the packet; empty: there is none.
        token: Range<usize>,
        /// Where the packet number begins, from the start of the packet.
        number_offset: usize,
        /// Octets of the packet.
        length: usize,
    },
    /// A packet with a short header (§17.3.1): the rest of the datagram.
    Short {
        /// To whom it goes.
        destination: ConnectionId,
        /// Where the packet number begins, from the start of the packet.
        number_offset: usize,
        /// Octets of the packet.
        length: usize,
    },
    /// A Retry packet (§17.2.5): the rest of the datagram.
    Retry {
        /// Its version.
        version: Version,
        /// To whom it goes.
        destination: ConnectionId,
        /// How the server wants to be called.
        source: ConnectionId,
        /// Where the token lies, from the start of the packet.
        token: Range<usize>,
        /// Octets of the packet.
        length: usize,
    },
    /// A Version Negotiation packet (§17.2.1): the rest of the datagram.
    VersionNegotiation {
        /// To whom it goes.
        destination: ConnectionId,
        /// How the server wants to be called.
        source: ConnectionId,
        /// What the server speaks.
        versions: Vec<u32>,
        /// Octets of the packet.
        length: usize,
    },
    /// A packet of a version that is not known here (RFC 8999 §5.1): its ids may be longer.
    Unsupported {
        /// The version.
        version: u32,
        /// To whom it goes.
        destination: Vec<u8>,
        /// How its sender wants to be called.
        source: Vec<u8>,
        /// Octets of the packet.
        length: usize,
    },
}

/// Why a header cannot be read. Such a packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// It ends before its time.
    #[error("packet ends at octet {offset}, within its header (RFC 9000 §17)")]
    Truncated {
        /// Where.
        offset: usize,
    },
    /// The fixed bit is not set (and nobody agreed on RFC 9287).
    #[error("fixed bit is 0 (RFC 9000 §17.2, §17.3.1)")]
    FixedBit,
    /// A connection id of more than 20 octets.
    #[error("connection id at octet {offset} has {length} octets, at most 20 are allowed (RFC 9000 §17.2)")]
    ConnectionId {
        /// Where its length stands.
        offset: usize,
        /// Its octets.
        length: usize,
    },
    /// The Length field says more than there is, or less than a packet needs.
    #[error(
        "length at octet {offset} is {length}, expected at least 20 and no more than the datagram has (RFC 9000 §17.2)"
    )]
    Length {
        /// Where it stands.
        offset: usize,
        /// What it says: octets of packet number, payload and tag.
        length: u64,
    },
    /// Version Negotiation without a version, or with a part of one.
    #[error("versions at octet {offset} have {length} octets, expected a multiple of 4 (RFC 9000 §17.2.1)")]
    Versions {
        /// Where they begin.
        offset: usize,
        /// Their octets.
        length: usize,
    },
}

impl HeaderError {
    /// Where the rule is broken, in octets from the start of the packet; the datagram's length where more was due.
    #[must_use]
    pub const fn offset(&self) -> usize {
        match *self {
            HeaderError::FixedBit => 0,
            HeaderError::Truncated { offset }
            | HeaderError::ConnectionId { offset, .. }
            | HeaderError::Length { offset, .. }
            | HeaderError::Versions { offset, .. } => offset,
        }
    }
}

/// Reads on from a position.
struct Reader<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], HeaderError> {
        let end = self.at.saturating_add(length);
        let taken =
            self.input.get(self.at..end).ok_or(HeaderError::Truncated { offset: self.input.len() })?;
        self.at = end;
        Ok(taken)
    }

    fn octet(&mut self) -> Result<u8, HeaderError> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn varint(&mut self) -> Result<u64, HeaderError> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let (value, length) =
            decode_varint(rest).ok_or(HeaderError::Truncated { offset: self.input.len() })?;
        self.at += length;
        Ok(value)
    }
}

impl Header {
    /// Reads the header of the packet that `datagram` begins with. `local_id`: octets of this side's connection ids,
    /// which short headers do not say.
    ///
    /// ```
    /// use wirelace_quic_lite::header::{Header, HeaderError};
    ///
    /// let negotiation = b"\x80\0\0\0\0\x02to\x04from\0\0\0\x01";
    /// let Header::VersionNegotiation { versions, .. } = Header::parse(negotiation, 8)? else { panic!() };
    /// assert_eq!(versions, [1]);
    /// # Ok::<(), HeaderError>(())
    /// ```
    ///
    /// # Errors
    /// It cannot be one, or is cut: [`HeaderError`] says where.
    #[inline]
    pub fn parse(datagram: &[u8], local_id: usize) -> Result<Header, HeaderError> {
        let first = *datagram.first().ok_or(HeaderError::Truncated { offset: 0 })?;
        if first & 0x80 != 0 {
            return Header::parse_long(first, datagram);
        }
        if first & 0x40 == 0 {
            return Err(HeaderError::FixedBit);
        }
        let number_offset = 1 + local_id;
        let destination = datagram
            .get(1..number_offset)
            .and_then(ConnectionId::new)
            .ok_or(HeaderError::Truncated { offset: datagram.len() })?;
        Ok(Header::Short { destination, number_offset, length: datagram.len() })
    }

    fn parse_long(first: u8, datagram: &[u8]) -> Result<Header, HeaderError> {
        let mut reader = Reader { input: datagram, at: 1 };
        let version = reader.take(4)?.iter().fold(0_u32, |value, octet| value << 8 | u32::from(*octet));
        let length = datagram.len();
        let destination_at = reader.at;
        let count = reader.octet()?;
        let destination = reader.take(count.into())?;
        let source_at = reader.at;
        let count = reader.octet()?;
        let source = reader.take(count.into())?;
        let id = |octets: &[u8], offset| {
            ConnectionId::new(octets).ok_or(HeaderError::ConnectionId { offset, length: octets.len() })
        };
        if version == 0 {
            let versions = datagram.get(reader.at..).unwrap_or_default();
            if versions.is_empty() || versions.len() % 4 != 0 {
                return Err(HeaderError::Versions { offset: reader.at, length: versions.len() });
            }
            let versions = versions.chunks_exact(4);
            return Ok(Header::VersionNegotiation {
                destination: id(destination, destination_at)?,
                source: id(source, source_at)?,
                versions: versions
                    .map(|version| version.iter().fold(0, |value, octet| value << 8 | u32::from(*octet)))
                    .collect(),
                length,
            });
        }
        let Some(version) = Version::from_number(version) else {
            let (destination, source) = (destination.to_vec(), source.to_vec());
            return Ok(Header::Unsupported { version, destination, source, length });
        };
        if first & 0x40 == 0 {
            return Err(HeaderError::FixedBit);
        }
        let (destination, source) = (id(destination, destination_at)?, id(source, source_at)?);
        // RFC 9369 §3.2: one more each.
        let kind = match (first >> 4 & 3).wrapping_sub(u8::from(version == Version::V2)) & 3 {
            0 => LongType::Initial,
            1 => LongType::ZeroRtt,
            2 => LongType::Handshake,
            _ => {
                let end = length.checked_sub(TAG_LENGTH).filter(|end| *end >= reader.at);
                let end = end.ok_or(HeaderError::Truncated { offset: length })?;
                return Ok(Header::Retry { version, destination, source, token: reader.at..end, length });
            }
        };
        let mut token = 0..0;
        if kind == LongType::Initial {
            let count = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
            token = reader.at..reader.at.saturating_add(count);
            reader.take(count)?;
        }
        let length_at = reader.at;
        let rest = reader.varint()?;
        let number_offset = reader.at;
        let left = (length - number_offset) as u64;
        // A packet number, and enough for the sample of the header's protection.
        if rest > left || rest < 4 + TAG_LENGTH as u64 {
            return Err(HeaderError::Length { offset: length_at, length: rest });
        }
        let length = number_offset + usize::try_from(rest).unwrap_or(0);
        Ok(Header::Long { kind, version, destination, source, token, number_offset, length })
    }

    /// Octets of the packet: what follows is another one.
    #[must_use]
    pub const fn packet_length(&self) -> usize {
        match self {
            Header::Long { length, .. }
            | Header::Short { length, .. }
            | Header::Retry { length, .. }
            | Header::VersionNegotiation { length, .. }
            | Header::Unsupported { length, .. } => *length,
        }
    }

    /// To whom it goes; of an unsupported version's, the first 20 octets.
    #[must_use]
    pub fn destination(&self) -> ConnectionId {
        match self {
            Header::Long { destination, .. }
            | Header::Short { destination, .. }
            | Header::Retry { destination, .. }
            | Header::VersionNegotiation { destination, .. } => *destination,
            Header::Unsupported { destination, .. } => {
                ConnectionId::new(destination.get(..20).unwrap_or(destination)).unwrap_or_default()
            }
        }
    }
}

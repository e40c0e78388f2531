//! Frames (RFC 9000 §19, RFC 9221).

use core::ops::RangeInclusive;

use wirelace_tls_glue::quic::{RESET_TOKEN_LENGTH, ResetToken};
use wirelace_wire::varint::decode_varint;

use crate::connection_id::ConnectionId;
use crate::error::{TransportError, TransportErrorCode};
use crate::stream_id::{Direction, StreamId};

/// What a packet with frames is (RFC 9000 §12.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketType {
    /// The first packets of both sides.
    Initial,
    /// Early data.
    ZeroRtt,
    /// The rest of the handshake.
    Handshake,
    /// All that follows.
    OneRtt,
}

/// Streams of a kind that there can be (§4.6).
const MAX_STREAMS: u64 = 1 << 60;
/// The largest number of the wire.
const MAX_VARINT: u64 = (1 << 62) - 1;

/// A frame; what it carries is borrowed from the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// PADDING, as many octets as there are in a row.
    Padding {
        /// How many.
        octets: usize,
    },
    /// PING.
    Ping,
    /// ACK.
    Ack(Ack<'a>),
    /// RESET_STREAM.
    ResetStream {
        /// Which.
        id: StreamId,
        /// The application's code.
        code: u64,
        /// Octets that the stream has had.
        final_size: u64,
    },
    /// STOP_SENDING.
    StopSending {
        /// Which.
        id: StreamId,
        /// The application's code.
        code: u64,
    },
    /// CRYPTO.
    Crypto {
        /// Where the octets belong.
        offset: u64,
        /// The octets.
        data: &'a [u8],
    },
    /// NEW_TOKEN.
    NewToken {
        /// For the next connection.
        token: &'a [u8],
    },
    /// STREAM.
    Stream {
        /// Which.
        id: StreamId,
        /// Where the octets belong.
        offset: u64,
        /// The octets.
        data: &'a [u8],
        /// They are the last.
        fin: bool,
    },
    /// MAX_DATA.
    MaxData(u64),
    /// MAX_STREAM_DATA.
    MaxStreamData {
        /// Which.
        id: StreamId,
        /// Octets that it may have.
        value: u64,
    },
    /// MAX_STREAMS.
    MaxStreams {
        /// Of which kind.
        direction: Direction,
        /// How many in all.
        value: u64,
    },
    /// DATA_BLOCKED.
    DataBlocked(u64),
    /// STREAM_DATA_BLOCKED.
    StreamDataBlocked {
        /// Which.
        id: StreamId,
        /// At which limit.
        value: u64,
    },
    /// STREAMS_BLOCKED.
    StreamsBlocked {
        /// Of which kind.
        direction: Direction,
        /// At which limit.
        value: u64,
    },
    /// NEW_CONNECTION_ID.
    NewConnectionId {
        /// The id's number.
        sequence: u64,
        /// All below are to be given up.
        retire_prior_to: u64,
        /// The id.
        id: ConnectionId,
        /// Who has it can end the connection.
        token: [u8; RESET_TOKEN_LENGTH],
    },
    /// RETIRE_CONNECTION_ID.
    RetireConnectionId {
        /// The id's number.
        sequence: u64,
    },
    /// PATH_CHALLENGE.
    PathChallenge([u8; 8]),
    /// PATH_RESPONSE.
    PathResponse([u8; 8]),
    /// CONNECTION_CLOSE of the transport.
    ConnectionClose {
        /// Why.
        code: TransportErrorCode,
        /// The frame that caused it; 0: unknown.
        frame_type: u64,
        /// In words.
        reason: &'a [u8],
    },
    /// CONNECTION_CLOSE of the application.
    ApplicationClose {
        /// Its code.
        code: u64,
        /// In words.
        reason: &'a [u8],
    },
    /// HANDSHAKE_DONE.
    HandshakeDone,
    /// DATAGRAM.
    Datagram {
        /// Its content.
        data: &'a [u8],
    },
}

/// What an ACK frame says (§19.3). Its ranges are known to be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The largest packet number that came.
    pub largest: u64,
    /// How long ago it came, in units of the sender's `ack_delay_exponent`.
    pub delay: u64,
    /// Packets below the largest that came without a gap.
    first: u64,
    /// Gaps and ranges.
    rest: &'a [u8],
    /// ECN marks that came.
    pub ecn: Option<AckEcn>,
}

/// Counts of ECN marks (§19.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckEcn {
    /// ECT(0).
    pub ect0: u64,
    /// ECT(1).
    pub ect1: u64,
    /// ECN-CE.
    pub ce: u64,
}

impl<'a> Ack<'a> {
    /// Packet numbers that came, the largest first.
    #[must_use]
    pub fn ranges(&self) -> AckRanges<'a> {
        AckRanges { next: Some((self.largest, self.first)), rest: self.rest }
    }
}

/// The ranges of an ACK frame.
#[derive(Debug, Clone)]
pub struct AckRanges<'a> {
    /// The end of a range, and how many there are below it.
    next: Option<(u64, u64)>,
    rest: &'a [u8],
}

impl Iterator for AckRanges<'_> {
    type Item = RangeInclusive<u64>;

    #[inline]
    fn next(&mut self) -> Option<RangeInclusive<u64>> {
        let (end, below) = self.next?;
        let start = end.checked_sub(below)?;
        self.next = (|| {
            let (gap, octets) = decode_varint(self.rest)?;
            let rest = self.rest.get(octets..)?;
            let (below, octets) = decode_varint(rest)?;
            self.rest = rest.get(octets..)?;
            Some((start.checked_sub(gap)?.checked_sub(2)?, below))
        })();
        Some(start..=end)
    }
}

impl Frame<'_> {
    /// The receiver of a packet with it has to acknowledge it (RFC 9002 §2).
    #[must_use]
    pub const fn is_ack_eliciting(&self) -> bool {
        !matches!(
            self,
            Frame::Padding { .. }
                | Frame::Ack(_)
                | Frame::ConnectionClose { .. }
                | Frame::ApplicationClose { .. }
        )
    }

    /// It may be sent on a path that is only tried (RFC 9000 §9.1).
    #[must_use]
    pub const fn is_probing(&self) -> bool {
        matches!(
            self,
            Frame::Padding { .. }
                | Frame::PathChallenge(_)
                | Frame::PathResponse(_)
                | Frame::NewConnectionId { .. }
        )
    }

    /// Its type, without the bits that say which parts it has.
    #[must_use]
    pub const fn frame_type(&self) -> u64 {
        match self {
            Frame::Padding { .. } => 0x00,
            Frame::Ping => 0x01,
            Frame::Ack(ack) => 0x02 + ack.ecn.is_some() as u64,
            Frame::ResetStream { .. } => 0x04,
            Frame::StopSending { .. } => 0x05,
            Frame::Crypto { .. } => 0x06,
            Frame::NewToken { .. } => 0x07,
            Frame::Stream { .. } => 0x08,
            Frame::MaxData(_) => 0x10,
            Frame::MaxStreamData { .. } => 0x11,
            Frame::MaxStreams { direction, .. } => {
                0x12 + matches!(direction, Direction::Unidirectional) as u64
            }
            Frame::DataBlocked(_) => 0x14,
            Frame::StreamDataBlocked { .. } => 0x15,
            Frame::StreamsBlocked { direction, .. } => {
                0x16 + matches!(direction, Direction::Unidirectional) as u64
            }
            Frame::NewConnectionId { .. } => 0x18,
            Frame::RetireConnectionId { .. } => 0x19,
            Frame::PathChallenge(_) => 0x1a,
            Frame::PathResponse(_) => 0x1b,
            Frame::ConnectionClose { .. } => 0x1c,
            Frame::ApplicationClose { .. } => 0x1d,
            Frame::HandshakeDone => 0x1e,
            Frame::Datagram { .. } => 0x30,
        }
    }
}

/// Whether a frame of this type may stand in such a packet (RFC 9000 §12.4, table 3).
const fn is_allowed(frame_type: u64, packet: PacketType) -> bool {
    match packet {
        PacketType::OneRtt => true,
        PacketType::Initial | PacketType::Handshake => matches!(frame_type, 0x00..=0x03 | 0x06 | 0x1c),
        PacketType::ZeroRtt => {
            matches!(frame_type, 0x00 | 0x01 | 0x04 | 0x05 | 0x08..=0x18 | 0x1a | 0x1c | 0x1d | 0x30 | 0x31)
        }
    }
}

/// The frames of a packet's payload. It ends with the first error.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
    packet: PacketType,
}

impl<'a> Frames<'a> {
    /// Of the payload of such a packet.
    #[must_use]
    pub const fn new(payload: &'a [u8], packet: PacketType) -> Frames<'a> {
        Frames { rest: payload, packet }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, TransportError> {
        let (value, length) = decode_varint(self.rest).ok_or(TRUNCATED)?;
        self.rest = self.rest.get(length..).unwrap_or_default();
        Ok(value)
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], TransportError> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TransportError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    fn stream(&mut self, kind: u64) -> Result<Frame<'a>, TransportError> {
        let id = StreamId(self.varint()?);
        let offset = if kind & 0x04 != 0 { self.varint()? } else { 0 };
        let data = if kind & 0x02 != 0 {
            let length = self.varint()?;
            self.take(length)?
        } else {
            core::mem::take(&mut self.rest)
        };
        if offset + data.len() as u64 > MAX_VARINT {
            return Err(encoding("a STREAM frame ends behind 2^62 - 1 (RFC 9000 §19.8)"));
        }
        Ok(Frame::Stream { id, offset, data, fin: kind & 0x01 != 0 })
    }

    fn ack(&mut self, ecn: bool) -> Result<Frame<'a>, TransportError> {
        let (largest, delay, count, first) = (self.varint()?, self.varint()?, self.varint()?, self.varint()?);
        let wrong = encoding("an ACK frame has packet numbers below 0 (RFC 9000 §19.3.1)");
        let mut lowest = largest.checked_sub(first).ok_or(wrong)?;
        let all = self.rest;
        for _ in 0..count {
            let (gap, below) = (self.varint()?, self.varint()?);
            lowest = lowest
                .checked_sub(gap)
                .and_then(|end| end.checked_sub(2))
                .and_then(|end| end.checked_sub(below))
                .ok_or(wrong)?;
        }
        let rest = all.get(..all.len() - self.rest.len()).unwrap_or_default();
        let ecn = if ecn {
            Some(AckEcn { ect0: self.varint()?, ect1: self.varint()?, ce: self.varint()? })
        } else {
            None
        };
        Ok(Frame::Ack(Ack { largest, delay, first, rest, ecn }))
    }

    fn streams(&mut self) -> Result<u64, TransportError> {
        let value = self.varint()?;
        if value > MAX_STREAMS {
            return Err(encoding("a number of streams above 2^60 (RFC 9000 §19.11, §19.14)"));
        }
        Ok(value)
    }

    fn new_connection_id(&mut self) -> Result<Frame<'a>, TransportError> {
        let (sequence, retire_prior_to) = (self.varint()?, self.varint()?);
        let [length] = self.array()?;
        let id = self.take(length.into())?;
        let id = ConnectionId::new(id).filter(|id| !id.as_slice().is_empty());
        let id = id.ok_or(encoding("a connection id of 0 or more than 20 octets (RFC 9000 §19.15)"))?;
        if retire_prior_to > sequence {
            return Err(encoding("Retire Prior To is above the id's own number (RFC 9000 §19.15)"));
        }
        Ok(Frame::NewConnectionId { sequence, retire_prior_to, id, token: self.array()? })
    }

    fn read(&mut self, first: u8) -> Result<Frame<'a>, TransportError> {
        let kind = if first < 0x40 {
            self.rest = self.rest.get(1..).unwrap_or_default();
            u64::from(first)
        } else {
            // No type that is known here needs more than one octet.
            let kind = self.varint()?;
            if kind < 0x40 {
                return Err(TransportError::new(
                    TransportErrorCode::PROTOCOL_VIOLATION,
                    "a frame type in more octets than it needs (RFC 9000 §12.4)",
                ));
            }
            return Err(encoding("unknown frame type (RFC 9000 §12.4)").of_frame(kind));
        };
        if !is_allowed(kind, self.packet) && is_known(kind) {
            return Err(TransportError::new(
                TransportErrorCode::PROTOCOL_VIOLATION,
                "a frame in a packet that must not have it (RFC 9000 §12.4)",
            )
            .of_frame(kind));
        }
        self.frame(kind).map_err(|error| error.of_frame(kind))
    }

    #[inline]
    fn frame(&mut self, kind: u64) -> Result<Frame<'a>, TransportError> {
        let direction = if kind & 1 == 0 { Direction::Bidirectional } else { Direction::Unidirectional };
        Ok(match kind {
            0x00 => {
                let octets = self.rest.iter().take_while(|octet| **octet == 0).count();
                self.rest = self.rest.get(octets..).unwrap_or_default();
                Frame::Padding { octets: octets + 1 }
            }
            0x01 => Frame::Ping,
            0x02 | 0x03 => self.ack(kind == 0x03)?,
            0x04 => Frame::ResetStream {
                id: StreamId(self.varint()?),
                code: self.varint()?,
                final_size: self.varint()?,
            },
            0x05 => Frame::StopSending { id: StreamId(self.varint()?), code: self.varint()? },
            0x06 => {
                let (offset, length) = (self.varint()?, self.varint()?);
                if offset + length > MAX_VARINT {
                    return Err(encoding("a CRYPTO frame ends behind 2^62 - 1 (RFC 9000 §19.6)"));
                }
                Frame::Crypto { offset, data: self.take(length)? }
            }
            0x07 => {
                let length = self.varint()?;
                if length == 0 {
                    return Err(encoding("NEW_TOKEN without a token (RFC 9000 §19.7)"));
                }
                Frame::NewToken { token: self.take(length)? }
            }
            0x08..=0x0f => self.stream(kind)?,
            0x10 => Frame::MaxData(self.varint()?),
            0x11 => Frame::MaxStreamData { id: StreamId(self.varint()?), value: self.varint()? },
            0x12 | 0x13 => Frame::MaxStreams { direction, value: self.streams()? },
            0x14 => Frame::DataBlocked(self.varint()?),
            0x15 => Frame::StreamDataBlocked { id: StreamId(self.varint()?), value: self.varint()? },
            0x16 | 0x17 => Frame::StreamsBlocked { direction, value: self.streams()? },
            0x18 => self.new_connection_id()?,
            0x19 => Frame::RetireConnectionId { sequence: self.varint()? },
            0x1a => Frame::PathChallenge(self.array()?),
            0x1b => Frame::PathResponse(self.array()?),
            0x1c => {
                let (code, frame_type) = (TransportErrorCode::from_code(self.varint()?), self.varint()?);
                let length = self.varint()?;
                Frame::ConnectionClose { code, frame_type, reason: self.take(length)? }
            }
            0x1d => {
                let (code, length) = (self.varint()?, self.varint()?);
                Frame::ApplicationClose { code, reason: self.take(length)? }
            }
            0x1e => Frame::HandshakeDone,
            0x30 => Frame::Datagram { data: core::mem::take(&mut self.rest) },
            0x31 => {
                let length = self.varint()?;
                Frame::Datagram { data: self.take(length)? }
            }
            _ => return Err(encoding("unknown frame type (RFC 9000 §12.4)")),
        })
    }
}

const fn is_known(kind: u64) -> bool {
    matches!(kind, 0x00..=0x1e | 0x30 | 0x31)
}

const TRUNCATED: TransportError = encoding("a frame is cut by the end of its packet (RFC 9000 §12.4)");

const fn encoding(reason: &'static str) -> TransportError {
    TransportError::new(TransportErrorCode::FRAME_ENCODING_ERROR, reason)
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, TransportError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let first = *self.rest.first()?;
        let frame = self.read(first);
        if frame.is_err() {
            self.rest = &[];
        }
        Some(frame)
    }
}

/// A token of NEW_CONNECTION_ID as TLS glue compares it.
pub(crate) fn reset_token(token: [u8; RESET_TOKEN_LENGTH]) -> ResetToken {
    ResetToken::new(token)
}

//! Frames (RFC 9000 §19, RFC 9221): what packets carry.
//!
//! [`Frames`] reads those of a packet's payload, [`Frame::write`] writes them.

use wirelace_tls_glue::quic::{RESET_TOKEN_LENGTH, ResetToken};
use wirelace_wire::varint::decode_varint;

pub use crate::ack::{Ack, AckEcn, AckRanges};
use crate::connection_id::{ConnectionId, MAX_CONNECTION_ID};
use crate::error::{TransportError, TransportErrorCode};
use crate::stream_id::{Direction, StreamId};

/// The packets that carry frames (RFC 9000 §12.4): they differ in their keys, and in the frames that they may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketType {
    /// The first packets of both sides (§17.2.2). Everybody can open them.
    Initial,
    /// What a client sends before the server has answered (§17.2.3).
    ZeroRtt,
    /// The rest of the handshake (§17.2.4).
    Handshake,
    /// All that follows, with short headers (§17.3.1).
    OneRtt,
}

/// Streams of a kind that there can be (§4.6).
const MAX_STREAMS: u64 = 1 << 60;
/// The largest number of the wire.
const MAX_VARINT: u64 = (1 << 62) - 1;

/// A frame (RFC 9000 §19, RFC 9221 §4); what it carries is borrowed from the packet. Numbers are below 2^62, offsets and
/// sizes are in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// PADDING, as many as there are in a row (§19.1).
    Padding {
        /// How many octets: each is a frame of its own on the wire.
        octets: usize,
    },
    /// PING: asks for an acknowledgement (§19.2).
    Ping,
    /// ACK: packets that came (§19.3).
    Ack(Ack<'a>),
    /// RESET_STREAM: its sender's side of a stream ends without the rest (§19.4).
    ResetStream {
        /// Which stream.
        id: StreamId,
        /// The application's error code.
        code: u64,
        /// Octets that its sender has sent on it, lost ones too.
        final_size: u64,
    },
    /// STOP_SENDING: its sender wants no more of a stream (§19.5).
    StopSending {
        /// Which stream.
        id: StreamId,
        /// The application's error code.
        code: u64,
    },
    /// CRYPTO: a piece of the handshake (§19.6).
    Crypto {
        /// Where in the octets of this packet type they begin; they end below 2^62.
        offset: u64,
        /// The octets.
        data: &'a [u8],
    },
    /// NEW_TOKEN: a server's, for the client's next connection (§19.7).
    NewToken {
        /// The token, never empty.
        token: &'a [u8],
    },
    /// STREAM: a piece of a stream (§19.8).
    Stream {
        /// Which stream.
        id: StreamId,
        /// Where in the stream they begin; they end below 2^62.
        offset: u64,
        /// The octets.
        data: &'a [u8],
        /// They are the last.
        fin: bool,
    },
    /// MAX_DATA: octets that the peer may send on all streams together (§19.9).
    MaxData(u64),
    /// MAX_STREAM_DATA: octets that the peer may send on a stream (§19.10).
    MaxStreamData {
        /// Which stream.
        id: StreamId,
        /// How many, from its beginning.
        value: u64,
    },
    /// MAX_STREAMS: streams that the peer may open (§19.11).
    MaxStreams {
        /// Of which kind.
        direction: Direction,
        /// How many since the connection began: at most 2^60.
        value: u64,
    },
    /// DATA_BLOCKED: its sender has more, and is at this limit of all streams, in octets (§19.12).
    DataBlocked(u64),
    /// STREAM_DATA_BLOCKED: its sender has more for a stream, and is at its limit (§19.13).
    StreamDataBlocked {
        /// Which stream.
        id: StreamId,
        /// The limit, in octets.
        value: u64,
    },
    /// STREAMS_BLOCKED: its sender would open another stream, and is at the limit (§19.14).
    StreamsBlocked {
        /// Of which kind.
        direction: Direction,
        /// The limit, in streams: at most 2^60.
        value: u64,
    },
    /// NEW_CONNECTION_ID: another id that its sender can be called by (§19.15).
    NewConnectionId {
        /// The id's number: they are counted up from 0.
        sequence: u64,
        /// The peer is to give up all ids with lower numbers; at most `sequence`.
        retire_prior_to: u64,
        /// The id: 1 to 20 octets.
        id: ConnectionId,
        /// The stateless reset token of this id: who has it can end the connection (§10.3).
        token: [u8; RESET_TOKEN_LENGTH],
    },
    /// RETIRE_CONNECTION_ID: its sender will not use this id any more (§19.16).
    RetireConnectionId {
        /// The id's number.
        sequence: u64,
    },
    /// PATH_CHALLENGE: who receives it sends the same octets back (§19.17).
    PathChallenge([u8; 8]),
    /// PATH_RESPONSE: the octets of a PATH_CHALLENGE (§19.18).
    PathResponse([u8; 8]),
    /// CONNECTION_CLOSE of type 0x1c: the transport ends the connection (§19.19).
    ConnectionClose {
        /// Why.
        code: TransportErrorCode,
        /// The type of the frame that caused it; 0: it is not known, or was none.
        frame_type: u64,
        /// Why in words: UTF-8 by custom, which nobody checks.
        reason: &'a [u8],
    },
    /// CONNECTION_CLOSE of type 0x1d: the application ends the connection (§19.19).
    ApplicationClose {
        /// The application's error code.
        code: u64,
        /// Why in words: UTF-8 by custom, which nobody checks.
        reason: &'a [u8],
    },
    /// HANDSHAKE_DONE: a server's, when it has confirmed the handshake (§19.20).
    HandshakeDone,
    /// DATAGRAM: what is sent once, and belongs to no stream (RFC 9221 §4).
    Datagram {
        /// Its content.
        data: &'a [u8],
    },
}

impl Frame<'_> {
    /// Whoever receives a packet with it has to acknowledge that (RFC 9002 §2).
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

    /// Its type, as [`write`](Frame::write) writes it: of STREAM and DATAGRAM the one with a length. A frame that came
    /// may have had another one of the same meaning.
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
            Frame::Stream { offset, fin, .. } => 0x0a | ((*offset > 0) as u64) << 2 | *fin as u64,
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
            Frame::Datagram { .. } => 0x31,
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

/// Reads the frames of a packet's payload, one after the other. It copies and allocates nothing.
///
/// The first error is the last item: FRAME_ENCODING_ERROR for a frame that cannot be read, PROTOCOL_VIOLATION for one
/// that must not be in such a packet or has a type in more octets than it needs (RFC 9000 §12.4). Its
/// [`offset`](TransportError::offset) is that of the field which is wrong, from the start of the payload; the payload's
/// length where more was due.
///
/// That a packet has at least one frame (§12.4) is not checked here.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
    /// Octets of all of the payload.
    length: usize,
    packet: PacketType,
}

impl<'a> Frames<'a> {
    /// Of the payload of a packet of this type, without its protection.
    #[must_use]
    pub const fn new(payload: &'a [u8], packet: PacketType) -> Frames<'a> {
        Frames { rest: payload, length: payload.len(), packet }
    }

    /// Where the next frame begins, in octets from the start of the payload.
    #[inline]
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.length - self.rest.len()
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
            let rule = encoding("a STREAM frame ends behind 2^62 - 1 (RFC 9000 §19.8)");
            return Err(rule.at(self.offset() - data.len()));
        }
        Ok(Frame::Stream { id, offset, data, fin: kind & 0x01 != 0 })
    }

    fn ack(&mut self, ecn: bool) -> Result<Frame<'a>, TransportError> {
        let (largest, delay, count) = (self.varint()?, self.varint()?, self.varint()?);
        let wrong = |at| encoding("an ACK frame has packet numbers below 0 (RFC 9000 §19.3.1)").at(at);
        let at = self.offset();
        let first = self.varint()?;
        let mut lowest = largest.checked_sub(first).ok_or_else(|| wrong(at))?;
        let all = self.rest;
        for _ in 0..count {
            let at = self.offset();
            let (gap, below) = (self.varint()?, self.varint()?);
            lowest = lowest
                .checked_sub(gap)
                .and_then(|end| end.checked_sub(2))
                .and_then(|end| end.checked_sub(below))
                .ok_or_else(|| wrong(at))?;
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
        let at = self.offset();
        let value = self.varint()?;
        if value > MAX_STREAMS {
            return Err(encoding("a number of streams above 2^60 (RFC 9000 §19.11, §19.14)").at(at));
        }
        Ok(value)
    }

    fn new_connection_id(&mut self) -> Result<Frame<'a>, TransportError> {
        let sequence = self.varint()?;
        let at = self.offset();
        let retire_prior_to = self.varint()?;
        if retire_prior_to > sequence {
            return Err(encoding("Retire Prior To is above the id's own number (RFC 9000 §19.15)").at(at));
        }
        let at = self.offset();
        let [length] = self.array()?;
        if length == 0 || usize::from(length) > MAX_CONNECTION_ID {
            return Err(encoding("a connection id of 0 or more than 20 octets (RFC 9000 §19.15)").at(at));
        }
        let id = ConnectionId::new(self.take(length.into())?).unwrap_or_default();
        Ok(Frame::NewConnectionId { sequence, retire_prior_to, id, token: self.array()? })
    }

    #[inline]
    fn read(&mut self, first: u8) -> Result<Frame<'a>, TransportError> {
        let kind = u64::from(first);
        if first >= 0x40 {
            return Err(self.long_type());
        }
        if !is_allowed(kind, self.packet) && is_known(kind) {
            let rule = violation("a frame in a packet that must not have it (RFC 9000 §12.4)");
            return Err(rule.at(self.offset()));
        }
        self.rest = self.rest.get(1..).unwrap_or_default();
        self.frame(kind)
    }

    /// No type that is known here needs more than one octet.
    #[cold]
    fn long_type(&mut self) -> TransportError {
        let at = self.offset();
        match self.varint() {
            Ok(kind) if kind < 0x40 => {
                violation("a frame type in more octets than it needs (RFC 9000 §12.4)").at(at).of_frame(kind)
            }
            Ok(kind) => encoding("unknown frame type (RFC 9000 §12.4)").at(at).of_frame(kind),
            Err(error) => error,
        }
    }

    /// Nothing follows an error.
    #[cold]
    fn fail(&mut self, first: u8, error: &mut TransportError) {
        self.rest = &[];
        // What has no place of its own is cut by the end.
        *error = error.at(self.length);
        if first < 0x40 {
            *error = error.of_frame(first.into());
        }
    }

    #[inline]
    fn frame(&mut self, kind: u64) -> Result<Frame<'a>, TransportError> {
        let direction = if kind & 1 == 0 { Direction::Bidirectional } else { Direction::Unidirectional };
        Ok(match kind {
            0x00 => {
                let octets = zeros(self.rest);
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
                let offset = self.varint()?;
                let at = self.offset();
                let length = self.varint()?;
                if offset + length > MAX_VARINT {
                    return Err(encoding("a CRYPTO frame ends behind 2^62 - 1 (RFC 9000 §19.6)").at(at));
                }
                Frame::Crypto { offset, data: self.take(length)? }
            }
            0x07 => {
                let at = self.offset();
                let length = self.varint()?;
                if length == 0 {
                    return Err(encoding("NEW_TOKEN without a token (RFC 9000 §19.7)").at(at));
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
            _ => return Err(encoding("unknown frame type (RFC 9000 §12.4)").at(self.offset() - 1)),
        })
    }
}

/// How many octets in a row are 0: of the first packets of a client, most are.
fn zeros(octets: &[u8]) -> usize {
    let (chunks, _) = octets.as_chunks::<16>();
    let whole = 16 * chunks.iter().take_while(|chunk| u128::from_ne_bytes(**chunk) == 0).count();
    let rest = octets.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|octet| **octet == 0).count()
}

const fn is_known(kind: u64) -> bool {
    matches!(kind, 0x00..=0x1e | 0x30 | 0x31)
}

const TRUNCATED: TransportError = encoding("a frame is cut by the end of its packet (RFC 9000 §12.4)");

const fn encoding(reason: &'static str) -> TransportError {
    TransportError::new(TransportErrorCode::FRAME_ENCODING_ERROR, reason)
}

const fn violation(reason: &'static str) -> TransportError {
    TransportError::new(TransportErrorCode::PROTOCOL_VIOLATION, reason)
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, TransportError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let first = *self.rest.first()?;
        let mut frame = self.read(first);
        // Not `map_err`: what was read is not copied.
        if let Err(error) = &mut frame {
            self.fail(first, error);
        }
        Some(frame)
    }
}

/// A token of NEW_CONNECTION_ID as TLS glue compares it.
pub(crate) fn reset_token(token: [u8; RESET_TOKEN_LENGTH]) -> ResetToken {
    ResetToken::new(token)
}

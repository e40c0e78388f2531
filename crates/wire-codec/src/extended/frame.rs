//! The frames of the extended form.

use crate::base::{FrameType, HEADER_LEN};
use crate::error::ErrorCode;

/// Flag: the last part of this direction; on PING: this is the answer.
pub const END: u8 = 0x01;
/// Flag: the last four octets are a CRC32C.
pub const CHECKSUM: u8 = 0x02;
/// Flag: milliseconds follow the id of a REQUEST.
pub const DEADLINE: u8 = 0x04;

/// Frame types of the extended form. Those up to 4 share their numbers with the base form.
pub mod kind {
    use crate::base::FrameType;

    /// A sign of life, answered with another.
    pub const PING: FrameType = FrameType::HEARTBEAT;
    /// Opens an exchange.
    pub const REQUEST: FrameType = FrameType::REQUEST;
    /// The first part of a response.
    pub const RESPONSE: FrameType = FrameType::RESPONSE;
    /// Ends an exchange, or the connection.
    pub const ERROR: FrameType = FrameType::ERROR;
    /// The next part of a request or response.
    pub const DATA: FrameType = FrameType(0x05);
    /// More may be sent.
    pub const CREDIT: FrameType = FrameType(0x06);
    /// Nothing more will be taken or sent.
    pub const CANCEL: FrameType = FrameType(0x07);
    /// No new exchanges.
    pub const GOAWAY: FrameType = FrameType(0x08);
    /// A one-way message.
    pub const MESSAGE: FrameType = FrameType(0x09);
    /// Bit of a type: a receiver that does not know it must refuse it; without it, it is skipped.
    pub const MUST_UNDERSTAND: u8 = 0x80;
}

/// Octets of a frame that are not payload, at most: header, flags, id, deadline (or two other numbers), checksum.
pub const MAX_OVERHEAD: usize = HEADER_LEN + 1 + 8 + 8 + 8 + 4;

/// A frame of the extended form; `P` is `&[u8]` where it lies in the input, [`Bytes`](bytes::Bytes) where it owns
/// a slice of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<P> {
    /// A sign of life.
    Ping {
        /// It answers another, whose payload it carries.
        answer: bool,
        /// At most 64 octets.
        payload: P,
    },
    /// Opens an exchange, with the first part of its request.
    Request {
        /// A new id: odd from the initiator, even from the acceptor, always increasing.
        id: u64,
        /// All of the request.
        end: bool,
        /// Milliseconds after which nobody waits for the response.
        timeout: Option<u64>,
        /// The part.
        payload: P,
    },
    /// The first part of a response.
    Response {
        /// The exchange.
        id: u64,
        /// All of the response.
        end: bool,
        /// The part.
        payload: P,
    },
    /// Ends an exchange, or with id 0 the connection.
    Error {
        /// The exchange, or 0.
        id: u64,
        /// Why.
        code: ErrorCode,
        /// The same for a person, in UTF-8.
        text: P,
    },
    /// The next part of a request or response.
    Data {
        /// The exchange.
        id: u64,
        /// The last part.
        end: bool,
        /// The part.
        payload: P,
    },
    /// So many octets more may be sent.
    Credit {
        /// The exchange, or 0 for the connection.
        id: u64,
        /// Octets of payload.
        bytes: u64,
    },
    /// The sender takes and sends no more of this exchange.
    Cancel {
        /// The exchange.
        id: u64,
        /// Why.
        code: ErrorCode,
    },
    /// The sender takes no new exchanges.
    GoAway {
        /// None of the receiver's exchanges above this id was or will be processed.
        last: u64,
        /// Why.
        code: ErrorCode,
        /// The same for a person, in UTF-8.
        text: P,
    },
    /// A one-way message, whole.
    Message {
        /// The message.
        payload: P,
    },
    /// A type that is not known here.
    Unknown {
        /// The type; see [`kind::MUST_UNDERSTAND`].
        kind: FrameType,
        /// The id, of whatever.
        id: u64,
        /// All that follows the id.
        payload: P,
    },
}

impl<P> Frame<P> {
    /// The type on the wire.
    pub fn kind(&self) -> FrameType {
        match self {
            Frame::Ping { .. } => kind::PING,
            Frame::Request { .. } => kind::REQUEST,
            Frame::Response { .. } => kind::RESPONSE,
            Frame::Error { .. } => kind::ERROR,
            Frame::Data { .. } => kind::DATA,
            Frame::Credit { .. } => kind::CREDIT,
            Frame::Cancel { .. } => kind::CANCEL,
            Frame::GoAway { .. } => kind::GOAWAY,
            Frame::Message { .. } => kind::MESSAGE,
            Frame::Unknown { kind, .. } => *kind,
        }
    }

    /// The exchange, or 0 for the connection.
    pub fn id(&self) -> u64 {
        match *self {
            Frame::Ping { .. } | Frame::GoAway { .. } | Frame::Message { .. } => 0,
            Frame::Request { id, .. }
            | Frame::Response { id, .. }
            | Frame::Error { id, .. }
            | Frame::Data { id, .. }
            | Frame::Credit { id, .. }
            | Frame::Cancel { id, .. }
            | Frame::Unknown { id, .. } => id,
        }
    }

    /// The same frame with another kind of payload.
    pub fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Frame<Q> {
        match self {
            Frame::Ping { answer, payload } => Frame::Ping { answer, payload: change(payload) },
            Frame::Request { id, end, timeout, payload } => {
                Frame::Request { id, end, timeout, payload: change(payload) }
            }
            Frame::Response { id, end, payload } => Frame::Response { id, end, payload: change(payload) },
            Frame::Error { id, code, text } => Frame::Error { id, code, text: change(text) },
            Frame::Data { id, end, payload } => Frame::Data { id, end, payload: change(payload) },
            Frame::Credit { id, bytes } => Frame::Credit { id, bytes },
            Frame::Cancel { id, code } => Frame::Cancel { id, code },
            Frame::GoAway { last, code, text } => Frame::GoAway { last, code, text: change(text) },
            Frame::Message { payload } => Frame::Message { payload: change(payload) },
            Frame::Unknown { kind, id, payload } => Frame::Unknown { kind, id, payload: change(payload) },
        }
    }
}

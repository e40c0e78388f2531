//! Why a session cannot go on.

use crate::base::FrameType;
use crate::error::{DecodeError, ErrorCode};

/// The end of a session before its time.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A frame breaks a rule of the wire format.
    #[error("{error} of the frame at offset {offset} of the connection")]
    Decode {
        /// The rule.
        error: DecodeError,
        /// Octets of the connection before the frame.
        offset: u64,
    },
    /// A hello that is not the first frame, or none that answers ours.
    #[error("a hello where none is expected")]
    UnexpectedHello,
    /// A frame that this side is never sent, or not now.
    #[error("unexpected frame: {0}")]
    UnexpectedFrame(FrameType),
    /// A type that must be understood.
    #[error("frame type {0:#04x} must be understood, and is not")]
    UnknownType(u8),
    /// An id that was used before, or is of the other side.
    #[error("exchange id {0} is not a new one of the peer")]
    IdReused(u64),
    /// An id that was never opened.
    #[error("exchange {0} was never opened")]
    UnknownExchange(u64),
    /// More requests under way than were announced.
    #[error("more than {0} exchanges under way")]
    TooManyExchanges(u32),
    /// More octets than there was credit for.
    #[error("more octets than there is credit for, exchange {0}")]
    CreditExceeded(u64),
    /// More credit than can be counted.
    #[error("credit overflows, exchange {0}")]
    CreditOverflow(u64),
    /// A part after the last one.
    #[error("data after the end, exchange {0}")]
    DataAfterEnd(u64),
    /// Too many frames that carry nothing, or next to nothing.
    #[error("too many frames that carry nothing")]
    TooManyFrames,
    /// No sign of life from the peer.
    #[error("the peer gave no sign of life")]
    HeartbeatMissed,
    /// A frame began and does not end.
    #[error("a frame takes too long to arrive")]
    FrameStalled,
    /// The peer takes nothing of what waits for it.
    #[error("the peer takes no output")]
    WriteStalled,
    /// Nothing was under way for too long.
    #[error("nothing was under way for too long")]
    Idle,
    /// The connection was closed inside a frame.
    #[error("the connection was closed inside a frame, at offset {offset}")]
    UnexpectedEnd {
        /// Octets that came.
        offset: u64,
    },
    /// The peer ended the connection with this error.
    #[error("the peer ended the connection: {code}: {text}")]
    Peer {
        /// Why.
        code: ErrorCode,
        /// The same for a person.
        text: String,
    },
}

impl Error {
    /// The code to tell the peer, or that it told.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Decode { error, .. } => error.code(),
            Error::UnknownType(_) => ErrorCode::UNKNOWN_TYPE,
            Error::TooManyExchanges(_) | Error::CreditExceeded(_) | Error::CreditOverflow(_) => {
                ErrorCode::LIMIT
            }
            Error::TooManyFrames => ErrorCode::CALM,
            Error::HeartbeatMissed | Error::FrameStalled | Error::WriteStalled => ErrorCode::TIMEOUT,
            Error::Idle => ErrorCode::SHUTTING_DOWN,
            Error::UnexpectedEnd { .. } => ErrorCode::CLOSED,
            Error::Peer { code, .. } => *code,
            _ => ErrorCode::PROTOCOL,
        }
    }
}

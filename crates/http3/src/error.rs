//! Why a connection ends.

use thiserror::Error;
use wirelace_http_semantics::Reason;
use wirelace_quic_lite::CloseReason;

use crate::error_code::ErrorCode;
use crate::frame::FrameType;
use crate::stream_type::StreamType;

/// Why an HTTP/3 connection cannot go on. The peer was told by CONNECTION_CLOSE, with [`code`](Error::code).
#[non_exhaustive]
#[derive(Debug, Clone, Error)]
pub enum Error {
    /// A frame where it must not be.
    #[error("{frame} on stream {stream}, where it must not be (RFC 9114 §4.1, §7.2)")]
    FrameUnexpected {
        /// What came.
        frame: FrameType,
        /// Its stream.
        stream: u64,
    },
    /// A frame that is cut off, or does not have the layout of its type.
    #[error("{frame} on stream {stream} is cut off, or not as its type is laid out (RFC 9114 §7.1)")]
    Frame {
        /// What came.
        frame: FrameType,
        /// Its stream.
        stream: u64,
    },
    /// A stream that ends inside a frame.
    #[error("stream {stream} ends inside a frame (RFC 9114 §7.1)")]
    Truncated {
        /// The stream.
        stream: u64,
    },
    /// A frame that is larger than any of its type has to be.
    #[error("{frame} on stream {stream} has {length} bytes, and {limit} are taken (RFC 9114 §10.5)")]
    FrameSize {
        /// What came.
        frame: FrameType,
        /// Its stream.
        stream: u64,
        /// Bytes of its payload.
        length: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The first frame of the control stream is another one than SETTINGS.
    #[error("control stream begins with {frame}, not with SETTINGS (RFC 9114 §6.2.1)")]
    MissingSettings {
        /// What came.
        frame: FrameType,
    },
    /// A setting that came twice, that is of HTTP/2, or that has a value that it must not have.
    #[error("setting {id:#x} came twice, is of HTTP/2, or must not be {value} (RFC 9114 §7.2.4)")]
    Setting {
        /// Which one.
        id: u64,
        /// Its value.
        value: u64,
    },
    /// A critical stream ended, or the peer wants no more of one.
    #[error("{kind} stream {stream} was closed (RFC 9114 §6.2.1, RFC 9204 §4.2)")]
    ClosedCriticalStream {
        /// What it was for.
        kind: StreamType,
        /// Its number.
        stream: u64,
    },
    /// A second stream where there is one only, or one that this side does not take.
    #[error("{kind} stream {stream}: there is one already, or none is taken (RFC 9114 §6)")]
    StreamCreation {
        /// What it is for.
        kind: StreamType,
        /// Its number.
        stream: u64,
    },
    /// An id of a stream or a push that cannot be used so.
    #[error("{frame} with id {id}, which is not one that it may have (RFC 9114 §8.1, H3_ID_ERROR)")]
    Id {
        /// What said it.
        frame: FrameType,
        /// The id.
        id: u64,
    },
    /// A push was promised twice, with other fields.
    #[error("push {id} was promised with other fields before (RFC 9114 §7.2.5)")]
    PromiseChanged {
        /// The push.
        id: u64,
    },
    /// QPACK: a field section, or one of its streams.
    #[error(transparent)]
    Qpack(#[from] wirelace_qpack::Error),
    /// An HTTP datagram without a stream.
    #[error(
        "HTTP datagram too short for the id of its stream, or with one that no stream has (RFC 9297 §2.1)"
    )]
    Datagram,
    /// The peer does too often what costs it nothing.
    #[error("too many {0} (RFC 9114 §10.5)")]
    Flood(Flood),
    /// The peer sent no SETTINGS in time.
    #[error("no SETTINGS came in time")]
    SettingsTimeout,
    /// The peer closed the connection with an error.
    #[error("peer ended the connection: {code}")]
    Peer {
        /// What it said.
        code: ErrorCode,
    },
    /// The transport below ended.
    #[error("{0}")]
    Transport(CloseReason),
}

/// What a peer did too often.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Flood {
    /// Exchanges under way that the peer reset.
    #[error("streams reset by the peer")]
    Resets,
    /// Errors of the peer's making that ended a stream.
    #[error("stream errors")]
    Faults,
    /// Frames that change nothing: unknown ones, PRIORITY_UPDATE, MAX_PUSH_ID, CANCEL_PUSH.
    #[error("frames that move nothing")]
    Controls,
    /// Bytes of unknown frames and streams.
    #[error("bytes of unknown frames and streams")]
    Unknown,
    /// DATA without data.
    #[error("DATA frames without data")]
    EmptyData,
}

impl Error {
    /// What CONNECTION_CLOSE says (RFC 9114 §8.1).
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::FrameUnexpected { .. } => ErrorCode::H3_FRAME_UNEXPECTED,
            Error::Frame { .. } | Error::Truncated { .. } => ErrorCode::H3_FRAME_ERROR,
            Error::FrameSize { .. } | Error::Flood(_) => ErrorCode::H3_EXCESSIVE_LOAD,
            Error::MissingSettings { .. } => ErrorCode::H3_MISSING_SETTINGS,
            Error::Setting { .. } => ErrorCode::H3_SETTINGS_ERROR,
            Error::ClosedCriticalStream { .. } => ErrorCode::H3_CLOSED_CRITICAL_STREAM,
            Error::StreamCreation { .. } => ErrorCode::H3_STREAM_CREATION_ERROR,
            Error::Id { .. } => ErrorCode::H3_ID_ERROR,
            Error::PromiseChanged { .. } => ErrorCode::H3_GENERAL_PROTOCOL_ERROR,
            Error::Qpack(error) => ErrorCode(error.code()),
            Error::Datagram => ErrorCode::H3_DATAGRAM_ERROR,
            Error::SettingsTimeout => ErrorCode::H3_MISSING_SETTINGS,
            Error::Peer { code } => *code,
            Error::Transport(_) => ErrorCode::H3_NO_ERROR,
        }
    }

    /// What it means for the exchanges that were under way.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Error::FrameSize { .. } | Error::Flood(_) => Reason::Limit,
            Error::SettingsTimeout => Reason::Timeout,
            Error::Peer { code } => code.reason(),
            Error::Transport(CloseReason::Idle | CloseReason::HandshakeTimeout) => Reason::Timeout,
            Error::Transport(_) => Reason::PeerClosed,
            _ => Reason::Protocol,
        }
    }
}

//! Why a connection ends.

use thiserror::Error;
use wirelace_hpack::DecodeError;
use wirelace_http_semantics::Reason;
use wirelace_http2_frames::{ErrorCode, FrameError, FrameType, SettingId};

/// Why an HTTP/2 connection cannot go on. The peer was told by GOAWAY, with [`code`](Error::code).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The first bytes are not the client's preface.
    #[error("connection does not begin with the HTTP/2 preface (RFC 9113 §3.4)")]
    Preface,
    /// The first frame is another one than SETTINGS.
    #[error("first frame is {frame}, not SETTINGS (RFC 9113 §3.4)")]
    FirstFrame {
        /// What came.
        frame: FrameType,
    },
    /// A frame breaks its layout.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame is larger than this side allows.
    #[error("frame of {length} bytes, more than SETTINGS_MAX_FRAME_SIZE, {limit} (RFC 9113 §4.2)")]
    FrameSize {
        /// Bytes of its payload.
        length: u32,
        /// What is allowed.
        limit: u32,
    },
    /// A field block cannot be decompressed.
    #[error("field block of stream {stream}: {error} (RFC 9113 §4.3)")]
    Compression {
        /// Whose block it is.
        stream: u32,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// Another frame within a field block, or CONTINUATION without one.
    #[error("{frame} on stream {stream} interrupts a field block, or continues none (RFC 9113 §6.10)")]
    Interrupted {
        /// What came.
        frame: FrameType,
        /// Its stream.
        stream: u32,
    },
    /// A stream identifier that the peer must not use.
    #[error("stream {stream} is not the peer's to open, or not larger than those before (RFC 9113 §5.1.1)")]
    StreamId {
        /// The identifier.
        stream: u32,
    },
    /// A frame on a stream that was never opened.
    #[error("{frame} on idle stream {stream} (RFC 9113 §5.1)")]
    Idle {
        /// What came.
        frame: FrameType,
        /// Its stream.
        stream: u32,
    },
    /// A frame on a stream that is closed.
    #[error("{frame} on closed stream {stream} (RFC 9113 §5.1)")]
    Closed {
        /// What came.
        frame: FrameType,
        /// Its stream.
        stream: u32,
    },
    /// More data than the connection's window allows.
    #[error("more data than the window of the connection allows (RFC 9113 §6.9.1)")]
    FlowControl,
    /// The connection's window would pass 2^31-1, or SETTINGS make one of a stream pass it.
    #[error("flow-control window above 2^31-1 (RFC 9113 §6.9.1, §6.9.2)")]
    WindowOverflow,
    /// A setting has a value that it must not have.
    #[error("setting {setting} must not be {value} (RFC 9113 §6.5.2)")]
    Setting {
        /// Which one.
        setting: SettingId,
        /// What it was to become.
        value: u32,
    },
    /// PUSH_PROMISE where none may come.
    #[error("PUSH_PROMISE that was not allowed, or on a stream that takes none (RFC 9113 §8.4)")]
    Promise,
    /// PRIORITY_UPDATE where none may come.
    #[error("PRIORITY_UPDATE for stream {stream}, which the peer cannot prioritise (RFC 9218 §7.1)")]
    PriorityUpdate {
        /// The stream that it names.
        stream: u32,
    },
    /// A field block in too many parts, or too large to be decoded at all.
    #[error("field block of too many CONTINUATION frames or bytes (RFC 9113 §10.5.1)")]
    BlockTooLarge,
    /// The peer does too often what costs it nothing.
    #[error("too many {0} (RFC 9113 §10.5)")]
    Flood(Flood),
    /// SETTINGS were not acknowledged in time.
    #[error("SETTINGS not acknowledged in time (RFC 9113 §6.5.3)")]
    SettingsTimeout,
    /// Preface, first SETTINGS or the rest of a field block did not come in time.
    #[error("preface or field block not complete in time")]
    HeadTimeout,
    /// A PING was not answered in time.
    #[error("PING not answered in time")]
    PingTimeout,
    /// The peer does not read.
    #[error("peer takes no output")]
    WriteTimeout,
    /// The connection ended while streams were open, or within a frame.
    #[error("connection ended with streams open or inside a frame")]
    UnexpectedEnd,
    /// All stream identifiers are used up.
    #[error("peer ended the connection: {0}")]
    PeerError(ErrorCode),
}

/// What a peer did too often.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Flood {
    /// RST_STREAM on streams under way.
    #[error("streams reset by the peer")]
    Resets,
    /// Stream errors of the peer's making.
    #[error("stream errors")]
    Faults,
    /// Frames that ask for nothing or change nothing: PING, PRIORITY, WINDOW_UPDATE, unknown ones.
    #[error("frames that move nothing")]
    Controls,
    /// SETTINGS.
    #[error("SETTINGS")]
    Settings,
    /// DATA without data.
    #[error("DATA frames without data")]
    EmptyData,
    /// Answers that the peer does not read.
    #[error("answers that the peer does not read")]
    Unread,
}

impl Error {
    /// What GOAWAY says (RFC 9113 §7).
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Frame(error) => error.code(),
            Error::FrameSize { .. } => ErrorCode::FRAME_SIZE_ERROR,
            Error::Compression { .. } => ErrorCode::COMPRESSION_ERROR,
            Error::Closed { .. } => ErrorCode::STREAM_CLOSED,
            Error::FlowControl | Error::WindowOverflow => ErrorCode::FLOW_CONTROL_ERROR,
            Error::Setting { setting: SettingId::INITIAL_WINDOW_SIZE, .. } => ErrorCode::FLOW_CONTROL_ERROR,
            Error::BlockTooLarge | Error::Flood(_) => ErrorCode::ENHANCE_YOUR_CALM,
            Error::SettingsTimeout => ErrorCode::SETTINGS_TIMEOUT,
            Error::HeadTimeout | Error::PingTimeout | Error::WriteTimeout | Error::UnexpectedEnd => {
                ErrorCode::NO_ERROR
            }
            Error::PeerError(code) => *code,
            _ => ErrorCode::PROTOCOL_ERROR,
        }
    }

    /// What it means for the exchanges that were under way.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Error::HeadTimeout | Error::PingTimeout | Error::WriteTimeout | Error::SettingsTimeout => {
                Reason::Timeout
            }
            Error::UnexpectedEnd => Reason::PeerClosed,
            Error::BlockTooLarge | Error::Flood(_) => Reason::Limit,
            Error::PeerError(code) => reason(*code),
            _ => Reason::Protocol,
        }
    }
}

/// What a code of the peer's means.
pub(crate) fn reason(code: ErrorCode) -> Reason {
    match code {
        ErrorCode::NO_ERROR => Reason::NoError,
        ErrorCode::PROTOCOL_ERROR => Reason::Protocol,
        ErrorCode::INTERNAL_ERROR => Reason::Internal,
        ErrorCode::REFUSED_STREAM => Reason::Refused,
        ErrorCode::CANCEL => Reason::Cancel,
        ErrorCode::ENHANCE_YOUR_CALM => Reason::Limit,
        ErrorCode(code) => Reason::Code(u64::from(code)),
    }
}

/// The code that tells the peer a reason.
pub(crate) fn code(reason: Reason) -> ErrorCode {
    match reason {
        Reason::NoError => ErrorCode::NO_ERROR,
        Reason::Refused => ErrorCode::REFUSED_STREAM,
        Reason::Protocol => ErrorCode::PROTOCOL_ERROR,
        Reason::Limit => ErrorCode::ENHANCE_YOUR_CALM,
        Reason::Internal => ErrorCode::INTERNAL_ERROR,
        Reason::Code(code) => u32::try_from(code).map_or(ErrorCode::INTERNAL_ERROR, ErrorCode),
        _ => ErrorCode::CANCEL,
    }
}

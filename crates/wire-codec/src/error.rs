//! What a peer can get wrong in a frame, and the codes that say why something ended.

use core::fmt;

/// Why an exchange or a connection ended, as it travels in ERROR, CANCEL and GOAWAY frames of the extended form.
///
/// Values that are not known here are kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u64);

impl ErrorCode {
    /// Nothing is wrong.
    pub const NONE: ErrorCode = ErrorCode(0);
    /// The application failed; the text says how.
    pub const APPLICATION: ErrorCode = ErrorCode(1);
    /// A rule of the protocol was broken.
    pub const PROTOCOL: ErrorCode = ErrorCode(2);
    /// A frame or message is longer than the receiver takes.
    pub const FRAME_TOO_LONG: ErrorCode = ErrorCode(3);
    /// A version that the receiver does not speak.
    pub const VERSION: ErrorCode = ErrorCode(4);
    /// A frame type that must be understood, and is not.
    pub const UNKNOWN_TYPE: ErrorCode = ErrorCode(5);
    /// More credit was used, or more exchanges were opened, than the receiver allowed.
    pub const LIMIT: ErrorCode = ErrorCode(6);
    /// Too many frames that carry nothing.
    pub const CALM: ErrorCode = ErrorCode(7);
    /// Nobody waits for it any more.
    pub const CANCELLED: ErrorCode = ErrorCode(8);
    /// The time for the exchange is over.
    pub const DEADLINE: ErrorCode = ErrorCode(9);
    /// It was not processed at all: repeating it is safe.
    pub const REFUSED: ErrorCode = ErrorCode(10);
    /// No sign of life from the peer.
    pub const TIMEOUT: ErrorCode = ErrorCode(11);
    /// The peer is about to go.
    pub const SHUTTING_DOWN: ErrorCode = ErrorCode(12);
    /// The checksum does not match.
    pub const CHECKSUM: ErrorCode = ErrorCode(13);
    /// The connection is gone.
    pub const CLOSED: ErrorCode = ErrorCode(14);

    /// A lower-case name; `"unknown"` for a code that has none here.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ErrorCode::NONE => "none",
            ErrorCode::APPLICATION => "application",
            ErrorCode::PROTOCOL => "protocol",
            ErrorCode::FRAME_TOO_LONG => "frame too long",
            ErrorCode::VERSION => "version",
            ErrorCode::UNKNOWN_TYPE => "unknown type",
            ErrorCode::LIMIT => "limit",
            ErrorCode::CALM => "calm",
            ErrorCode::CANCELLED => "cancelled",
            ErrorCode::DEADLINE => "deadline",
            ErrorCode::REFUSED => "refused",
            ErrorCode::TIMEOUT => "timeout",
            ErrorCode::SHUTTING_DOWN => "shutting down",
            ErrorCode::CHECKSUM => "checksum",
            ErrorCode::CLOSED => "closed",
            _ => "unknown",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "unknown" => write!(f, "code {}", self.0),
            name => f.write_str(name),
        }
    }
}

/// A rule of the wire format that a frame breaks. Offsets count octets from the start of the frame (of the hello's
/// payload where the hello is wrong).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another version.
    #[error("version {found} at offset 0, expected {expected}")]
    Version {
        /// The octet that was found.
        found: u8,
        /// The only one that fits here.
        expected: u8,
    },
    /// The length field promises more than the receiver takes.
    #[error("length {length} at offset 2 is above the limit of {limit} octets")]
    FrameTooLong {
        /// What the length field says.
        length: u32,
        /// What the receiver takes.
        limit: usize,
    },
    /// The input ended inside a frame.
    #[error("the input ends at offset {offset} inside a frame, at least {missing} octets are missing")]
    Truncated {
        /// Octets of the frame that are there.
        offset: usize,
        /// How many more are needed, at least.
        missing: usize,
    },
    /// Text that is not UTF-8.
    #[error("text is not UTF-8 at offset {offset}")]
    Utf8 {
        /// The first octet that fits nothing.
        offset: usize,
    },
    /// Flag bits that the type does not have.
    #[error("flags {found:#04x} at offset 6, expected none but {allowed:#04x}")]
    Flags {
        /// The flags as they came.
        found: u8,
        /// Those that the type may have.
        allowed: u8,
    },
    /// The frame has a checksum although none was agreed on, or has none although one was.
    #[error("a frame {} checksum at offset 6, against what was agreed", if *.found { "with a" } else { "without" })]
    ChecksumFlag {
        /// Whether the frame says that it has one.
        found: bool,
    },
    /// The checksum does not match.
    #[error("the checksum at offset {offset} is {found:#010x}, the frame's is {expected:#010x}")]
    Checksum {
        /// Where the checksum stands.
        offset: usize,
        /// What it says.
        found: u32,
        /// What it should be.
        expected: u32,
    },
    /// The id does not fit the type: 0 where an exchange is meant, or another where the connection is.
    #[error("id {id} at offset 7 does not fit the frame type {kind:#04x}")]
    Id {
        /// The id.
        id: u64,
        /// The frame type.
        kind: u8,
    },
    /// The content does not fit the frame's length: it ends too early, or goes on although it should not.
    #[error("the frame's content does not fit its length at offset {offset}")]
    Length {
        /// Where.
        offset: usize,
    },
    /// The hello is wrong.
    #[error("hello: {rule} at offset {offset}")]
    Hello {
        /// Which rule is broken.
        rule: HelloRule,
        /// Where in the payload.
        offset: usize,
    },
}

/// The rules of a hello.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelloRule {
    /// The payload ends inside a field.
    Truncated,
    /// A role other than 0 and 1.
    Role,
    /// The lowest version is above the highest.
    Versions,
    /// A setting stands there twice.
    Repeated,
    /// A setting's value is out of its range.
    Range,
}

impl fmt::Display for HelloRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HelloRule::Truncated => "a field is cut",
            HelloRule::Role => "unknown role",
            HelloRule::Versions => "lowest version above the highest",
            HelloRule::Repeated => "a setting twice",
            HelloRule::Range => "a setting out of its range",
        })
    }
}

impl DecodeError {
    /// The code to tell the peer.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            DecodeError::Version { .. } => ErrorCode::VERSION,
            DecodeError::FrameTooLong { .. } => ErrorCode::FRAME_TOO_LONG,
            DecodeError::Checksum { .. } => ErrorCode::CHECKSUM,
            _ => ErrorCode::PROTOCOL,
        }
    }

    /// Octets from the start of the frame (the hello's payload) to what is wrong.
    #[must_use]
    pub const fn offset(&self) -> usize {
        match *self {
            DecodeError::Version { .. } => 0,
            DecodeError::FrameTooLong { .. } => 2,
            DecodeError::Flags { .. } | DecodeError::ChecksumFlag { .. } => 6,
            DecodeError::Id { .. } => 7,
            DecodeError::Truncated { offset, .. }
            | DecodeError::Utf8 { offset }
            | DecodeError::Checksum { offset, .. }
            | DecodeError::Length { offset }
            | DecodeError::Hello { offset, .. } => offset,
        }
    }
}

/// More octets than the frame, or its receiver, can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{length} octets are above the limit of {limit}")]
pub struct TooLong {
    /// Octets that should have been sent.
    pub length: usize,
    /// How many can be.
    pub limit: usize,
}

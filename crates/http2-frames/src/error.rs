//! Frames that break their layout.

use thiserror::Error;

use crate::error_code::ErrorCode;
use crate::header::FrameType;

/// A frame that breaks a rule which the frame alone decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{frame} on stream {stream}, octet {offset} of the payload: {rule}")]
pub struct FrameError {
    frame: FrameType,
    stream: u32,
    offset: usize,
    rule: FrameRule,
}

/// The rule that was broken.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameRule {
    /// The payload has another length than all of this type.
    #[error("expected a payload of {expected} octets (RFC 9113 §4.2)")]
    Length {
        /// How many octets there must be.
        expected: usize,
    },
    /// The payload ends before what this type, with these flags, must have.
    #[error("expected a payload of at least {least} octets (RFC 9113 §4.2)")]
    TooShort {
        /// How many octets there must be.
        least: usize,
    },
    /// The payload is longer than the receiver allows.
    #[error("payload of {length} octets, expected at most {limit} (SETTINGS_MAX_FRAME_SIZE, RFC 9113 §4.2)")]
    TooLong {
        /// What the header says.
        length: u32,
        /// What is allowed.
        limit: u32,
    },
    /// SETTINGS that end within a setting.
    #[error("expected a multiple of 6 octets (RFC 9113 §6.5)")]
    Settings,
    /// The frame belongs to a stream and came on stream 0.
    #[error("expected a stream, not stream 0 (RFC 9113 §6)")]
    StreamZero,
    /// The frame belongs to the connection and came on a stream.
    #[error("expected stream 0 (RFC 9113 §6)")]
    StreamNotZero,
    /// As much padding as payload, or more.
    #[error("padding as long as the payload or longer (RFC 9113 §6.1)")]
    Padding,
    /// SETTINGS with ACK and settings.
    #[error("acknowledgement with settings (RFC 9113 §6.5)")]
    AckPayload,
    /// WINDOW_UPDATE by 0.
    #[error("window increment of 0 (RFC 9113 §6.9)")]
    Increment,
    /// A promise of stream 0.
    #[error("promise of stream 0 (RFC 9113 §6.6)")]
    Promised,
    /// PRIORITY_UPDATE for stream 0.
    #[error("priority of stream 0 (RFC 9218 §7.1)")]
    Prioritized,
    /// ALTSVC ends before its origin does.
    #[error("origin longer than the payload (RFC 7838 §4)")]
    AltSvcOrigin,
}

impl FrameError {
    #[cold]
    pub(crate) fn new(frame: FrameType, stream: u32, offset: usize, rule: FrameRule) -> FrameError {
        FrameError { frame, stream, offset, rule }
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> FrameRule {
        self.rule
    }

    /// The type of the frame.
    #[must_use]
    pub fn frame_type(&self) -> FrameType {
        self.frame
    }

    /// The stream that the frame came on.
    #[must_use]
    pub fn stream(&self) -> u32 {
        self.stream
    }

    /// Where in the payload it was noticed.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What the peer is told (RFC 9113 §7).
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self.rule {
            FrameRule::Length { .. }
            | FrameRule::TooShort { .. }
            | FrameRule::TooLong { .. }
            | FrameRule::Settings
            | FrameRule::AckPayload
            | FrameRule::AltSvcOrigin => ErrorCode::FRAME_SIZE_ERROR,
            _ => ErrorCode::PROTOCOL_ERROR,
        }
    }

    /// Whether it ends the stream only, and not the connection (RFC 9113 §5.4).
    #[must_use]
    pub fn is_stream_error(&self) -> bool {
        match (self.frame, self.rule) {
            // RFC 9113 §6.3, §6.9; all other rules protect what the connection shares.
            (FrameType::PRIORITY, FrameRule::Length { .. }) => true,
            (FrameType::WINDOW_UPDATE, FrameRule::Increment) => self.stream != 0,
            _ => false,
        }
    }
}

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
    /// The payload has a length that this type does not have.
    #[error("expected a payload of {expected} octets (RFC 9113 §4.2)")]
    Length {
        /// How many there must be (SETTINGS: a multiple; others: at least or exactly).
        expected: usize,
    },
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
            FrameRule::Length { .. } | FrameRule::AckPayload => ErrorCode::FRAME_SIZE_ERROR,
            _ => ErrorCode::PROTOCOL_ERROR,
        }
    }

    /// Whether it ends the stream only, and not the connection (RFC 9113 §5.4).
    #[must_use]
    pub fn is_stream_error(&self) -> bool {
        match (self.frame, self.rule) {
            (_, FrameRule::StreamZero | FrameRule::StreamNotZero) => false,
            (FrameType::PRIORITY, FrameRule::Length { .. }) => true,
            (FrameType::WINDOW_UPDATE, FrameRule::Increment) => self.stream != 0,
            _ => false,
        }
    }
}

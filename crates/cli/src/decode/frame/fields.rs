//! Names of what stands in frames, and of what is wrong with it.

use std::fmt;

use wirelace::wire_codec::DecodeError;
use wirelace::wire_codec::base::{self, FrameType};
use wirelace::wire_codec::extended::kind;

pub(super) const BASE: &str = "base form";
pub(super) const EXTENDED: &str = "extended form";
pub(super) const HELLO: &str = "hello";

/// The form that has this version.
pub(super) fn form(version: u8) -> &'static str {
    if version == base::VERSION { BASE } else { EXTENDED }
}

/// A version as people write it: decimal major and minor.
pub(super) struct Versioned(pub(super) u8);

impl fmt::Display for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// The name of a frame type.
pub(super) fn name(version: u8, frame: FrameType) -> &'static str {
    if version == base::VERSION {
        return frame.name();
    }
    match frame {
        kind::PING => "ping",
        kind::REQUEST => "request",
        kind::RESPONSE => "response",
        kind::ERROR => "error",
        kind::DATA => "data",
        kind::CREDIT => "credit",
        kind::CANCEL => "cancel",
        kind::GOAWAY => "goaway",
        kind::MESSAGE => "message",
        _ => "unknown",
    }
}

/// What a receiver does with a type that it does not know.
pub(super) fn note(version: u8, frame: FrameType) -> &'static str {
    match (name(version, frame), version == base::VERSION) {
        ("unknown", true) => ", answered with an error",
        ("unknown", false) if frame.0 & kind::MUST_UNDERSTAND != 0 => ", must be understood: refused",
        ("unknown", false) => ", skipped",
        _ => "",
    }
}

/// The rule that is broken; where stands beside it.
pub(super) fn rule_of(error: &DecodeError) -> String {
    match error {
        DecodeError::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        DecodeError::Flags { found, allowed } => {
            let wrong = found & !allowed;
            format!("flags {wrong:#04x}, which this type does not have")
        }
        DecodeError::ChecksumFlag { found: true } => {
            "a checksum, which the hellos do not agree on".to_owned()
        }
        DecodeError::ChecksumFlag { found: false } => "no checksum, which the hellos agree on".to_owned(),
        DecodeError::Checksum { found, expected, .. } => {
            format!("the checksum is {found:#010x}, that of the frame {expected:#010x}")
        }
        DecodeError::Id { id: 0, .. } => "id 0, expected that of an exchange".to_owned(),
        DecodeError::Id { id, .. } => format!("id {id}, expected 0, the connection"),
        DecodeError::Length { .. } => "the content does not fit the frame's length".to_owned(),
        DecodeError::Hello { rule, .. } => rule.to_string(),
        other => other.to_string(),
    }
}

//! What the parts of frames are called, and where they are defined.

use std::fmt;

use wirelace::http2_frames::{ErrorCode, Flags, FrameHeader, FrameType, SettingId};

/// Where a type is defined.
pub(super) fn section(frame_type: FrameType) -> &'static str {
    match frame_type {
        FrameType::DATA => "RFC 9113 §6.1",
        FrameType::HEADERS => "RFC 9113 §6.2",
        FrameType::PRIORITY => "RFC 9113 §6.3",
        FrameType::RST_STREAM => "RFC 9113 §6.4",
        FrameType::SETTINGS => "RFC 9113 §6.5",
        FrameType::PUSH_PROMISE => "RFC 9113 §6.6",
        FrameType::PING => "RFC 9113 §6.7",
        FrameType::GOAWAY => "RFC 9113 §6.8",
        FrameType::WINDOW_UPDATE => "RFC 9113 §6.9",
        FrameType::CONTINUATION => "RFC 9113 §6.10",
        FrameType::PRIORITY_UPDATE => "RFC 9218 §7.1",
        FrameType::ALTSVC => "RFC 7838 §4",
        FrameType::ORIGIN => "RFC 8336 §2",
        _ => "RFC 9113 §4.1",
    }
}

/// A frame's stream in words.
pub(super) struct Stream(pub(super) u32);

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("the connection"),
            stream => write!(f, "stream {stream}"),
        }
    }
}

/// A frame's flags by name; those that mean nothing as a number.
pub(super) struct Named(pub(super) FrameHeader);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: &[(Flags, &str)] = match self.0.frame_type {
            FrameType::DATA => &[(Flags::END_STREAM, "END_STREAM"), (Flags::PADDED, "PADDED")],
            FrameType::HEADERS => &[
                (Flags::END_STREAM, "END_STREAM"),
                (Flags::END_HEADERS, "END_HEADERS"),
                (Flags::PADDED, "PADDED"),
                (Flags::PRIORITY, "PRIORITY"),
            ],
            FrameType::PUSH_PROMISE => &[(Flags::END_HEADERS, "END_HEADERS"), (Flags::PADDED, "PADDED")],
            FrameType::CONTINUATION => &[(Flags::END_HEADERS, "END_HEADERS")],
            FrameType::SETTINGS | FrameType::PING => &[(Flags::ACK, "ACK")],
            _ => &[],
        };
        let mut left = self.0.flags.0;
        for (flag, name) in all.iter().filter(|(flag, _)| self.0.flags.contains(*flag)) {
            left &= !flag.0;
            write!(f, ", {name}")?;
        }
        if left != 0 {
            write!(f, ", undefined flags {left:#x}")?;
        }
        Ok(())
    }
}

/// Where a setting is defined.
pub(super) fn setting_section(id: SettingId) -> &'static str {
    match id {
        SettingId::ENABLE_CONNECT_PROTOCOL => "RFC 8441 §3",
        SettingId::NO_RFC7540_PRIORITIES => "RFC 9218 §2.1",
        _ => "RFC 9113 §6.5.2",
    }
}

/// The values that a setting may have, and the error where it has another; `None`: this one is allowed.
pub(super) fn setting_rule(id: SettingId, value: u32) -> Option<(&'static str, ErrorCode)> {
    let (allowed, range, code) = match id {
        SettingId::ENABLE_PUSH | SettingId::ENABLE_CONNECT_PROTOCOL | SettingId::NO_RFC7540_PRIORITIES => {
            (0..=1, "0 or 1", ErrorCode::PROTOCOL_ERROR)
        }
        SettingId::INITIAL_WINDOW_SIZE => {
            (0..=0x7fff_ffff, "at most 2147483647", ErrorCode::FLOW_CONTROL_ERROR)
        }
        SettingId::MAX_FRAME_SIZE => (0x4000..=0xff_ffff, "16384 to 16777215", ErrorCode::PROTOCOL_ERROR),
        _ => return None,
    };
    (!allowed.contains(&value)).then_some((range, code))
}

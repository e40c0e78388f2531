//! Frames in a few words.

use wirelace_http2_frames::{ErrorCode, Flags, FrameHeader, FrameType, SettingId};

/// A frame: its type, stream, flags and what stands in it.
pub(super) fn frame(header: FrameHeader, payload: &[u8]) -> String {
    let mut text = match header.frame_type.name() {
        Some(name) => name.to_owned(),
        None => format!("frame of type 0x{:x}", header.frame_type.0),
    };
    if header.stream != 0 {
        text += &format!(" on stream {}", header.stream);
    }
    let number = |at: usize| {
        let bytes = payload.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_be_bytes)
    };
    let what = match header.frame_type {
        FrameType::RST_STREAM => number(0).map(code),
        FrameType::GOAWAY => {
            number(0).zip(number(4)).map(|(last, why)| format!("last {last}, {}", code(why)))
        }
        FrameType::WINDOW_UPDATE => number(0).map(|increment| increment.to_string()),
        FrameType::SETTINGS if !payload.is_empty() => Some(settings(payload)),
        _ => None,
    };
    let flags = flags(header);
    match what {
        Some(what) if payload.len() <= 60 || header.frame_type == FrameType::GOAWAY => {
            text += &format!(" ({flags}{what})")
        }
        _ => text += &format!(" ({flags}{} octets)", payload.len()),
    }
    text
}

fn flags(header: FrameHeader) -> String {
    let names: &[(Flags, &str)] = match header.frame_type {
        FrameType::DATA => &[(Flags::END_STREAM, "END_STREAM"), (Flags::PADDED, "PADDED")],
        FrameType::HEADERS => &[
            (Flags::END_STREAM, "END_STREAM"),
            (Flags::END_HEADERS, "END_HEADERS"),
            (Flags::PADDED, "PADDED"),
            (Flags::PRIORITY, "PRIORITY"),
        ],
        FrameType::CONTINUATION | FrameType::PUSH_PROMISE => {
            &[(Flags::END_HEADERS, "END_HEADERS"), (Flags::PADDED, "PADDED")]
        }
        FrameType::SETTINGS | FrameType::PING => &[(Flags::ACK, "ACK")],
        _ => &[],
    };
    let set = names.iter().filter(|(flag, _)| header.flags.contains(*flag));
    set.map(|(_, name)| format!("{name}, ")).collect()
}

fn settings(payload: &[u8]) -> String {
    let list = payload.chunks(6).map(|entry| match entry {
        [a, b, c, d, e, f] => {
            let (id, value) = (SettingId(u16::from_be_bytes([*a, *b])), u32::from_be_bytes([*c, *d, *e, *f]));
            match id.name() {
                Some(name) => format!("{name} {value}"),
                None => format!("0x{:x} {value}", id.0),
            }
        }
        rest => format!("{} octets", rest.len()),
    });
    list.collect::<Vec<_>>().join(", ")
}

/// An error code by its name.
pub(super) fn code(code: u32) -> String {
    match ErrorCode(code).name() {
        Some(name) => name.to_owned(),
        None => format!("code 0x{code:x}"),
    }
}

/// Some codes, one of which is expected.
pub(super) fn codes(codes: &[ErrorCode]) -> String {
    codes.iter().map(|one| code(one.0)).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_words() {
        let words = |frame_type, flags, stream, payload: &[u8]| {
            frame(
                FrameHeader { length: payload.len() as u32, frame_type, flags: Flags(flags), stream },
                payload,
            )
        };
        for (found, expected) in [
            (words(FrameType::DATA, 9, 1, b"test"), "DATA on stream 1 (END_STREAM, PADDED, 4 octets)"),
            (words(FrameType::RST_STREAM, 0, 3, &[0, 0, 0, 8]), "RST_STREAM on stream 3 (CANCEL)"),
            (words(FrameType::RST_STREAM, 0, 3, &[0]), "RST_STREAM on stream 3 (1 octets)"),
            (words(FrameType::SETTINGS, 1, 0, &[]), "SETTINGS (ACK, 0 octets)"),
            (words(FrameType(0xfe), 0xff, 0, b"x"), "frame of type 0xfe (1 octets)"),
            (words(FrameType::SETTINGS, 0, 0, &[0x7f, 0, 0, 0, 0, 1, 2]), "SETTINGS (0x7f00 1, 1 octets)"),
            (
                words(FrameType::GOAWAY, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 0xff, b'!']),
                "GOAWAY (last 5, code 0xff)",
            ),
        ] {
            assert_eq!(found, expected);
        }
    }
}

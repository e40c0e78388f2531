//! Between datagrams and frames: exactly one in each.

use bytes::Bytes;
use wirelace_wire::varint::{VARINT_MAX, varint_len};

use super::event::SendError;
use crate::base::{self, FrameType, HEADER_LEN, Header};
use crate::error::{DecodeError, ErrorCode};
use crate::extended::{self, CHECKSUM, Checksum, Frame, Rules};

/// Octets of a checksum.
const CHECKSUM_LEN: usize = 4;

/// The frame of the base form that fills `datagram`.
pub(super) fn decode_base(mut datagram: Bytes) -> Result<base::Frame<Bytes>, DecodeError> {
    let length = datagram.len();
    match base::decode_owned(&mut datagram, usize::MAX)? {
        Some(frame) if datagram.is_empty() => Ok(frame),
        Some(_) => Err(DecodeError::Length { offset: length - datagram.len() }),
        None => Err(truncated(&datagram)),
    }
}

/// The frame of the extended form that fills `datagram`.
pub(super) fn decode_extended(mut datagram: Bytes, checksum: Checksum) -> Result<Frame<Bytes>, DecodeError> {
    let length = datagram.len();
    match extended::decode_owned(&mut datagram, Rules { max_length: usize::MAX, checksum })? {
        Some(frame) if datagram.is_empty() => Ok(frame),
        Some(_) => Err(DecodeError::Length { offset: length - datagram.len() }),
        None => Err(truncated(&datagram)),
    }
}

fn truncated(datagram: &[u8]) -> DecodeError {
    let needed = Header::decode(datagram)
        .map_or(HEADER_LEN, |header| (header.length as usize).saturating_add(HEADER_LEN));
    DecodeError::Truncated { offset: datagram.len(), missing: needed.saturating_sub(datagram.len()) }
}

/// Whether the datagram, of the extended form, says that it has a checksum.
pub(super) fn has_checksum(datagram: &[u8]) -> bool {
    datagram.get(HEADER_LEN).is_some_and(|flags| flags & CHECKSUM != 0)
}

/// Octets of the datagram with this frame; of those frames that datagrams carry.
pub(super) fn length_of(frame: &Frame<&[u8]>, checksum: bool) -> usize {
    let len = |number: u64| varint_len(number).unwrap_or(8);
    let content = match *frame {
        Frame::Request { timeout, payload, .. } => timeout.map_or(0, len) + payload.len(),
        Frame::Error { code, text, .. } => len(code.0) + text.len(),
        Frame::Cancel { code, .. } => len(code.0),
        Frame::Ping { payload, .. } | Frame::Response { payload, .. } | Frame::Message { payload } => {
            payload.len()
        }
        Frame::Data { .. } | Frame::Credit { .. } | Frame::GoAway { .. } | Frame::Unknown { .. } => 0,
    };
    let checksum = if checksum { CHECKSUM_LEN } else { 0 };
    HEADER_LEN + 1 + len(frame.id()) + content + checksum
}

/// A datagram of at most `limit` octets with this frame.
pub(super) fn encode_base(kind: FrameType, payload: &[u8], limit: usize) -> Result<Bytes, SendError> {
    let length = HEADER_LEN.saturating_add(payload.len());
    let too_long = SendError::TooLong { length, limit };
    if length > limit {
        return Err(too_long);
    }
    let mut out = Vec::with_capacity(length);
    base::Frame { kind, payload }.encode_into(&mut out).map_err(|_| too_long)?;
    Ok(out.into())
}

/// A datagram of at most `limit` octets with this frame.
pub(super) fn encode_extended(frame: Frame<&[u8]>, checksum: bool, limit: usize) -> Result<Bytes, SendError> {
    let length = length_of(&frame, checksum);
    let too_long = SendError::TooLong { length, limit };
    if length > limit {
        return Err(too_long);
    }
    let mut out = Vec::with_capacity(length);
    frame.encode_into(&mut out, checksum).map_err(|_| too_long)?;
    Ok(out.into())
}

/// An ERROR of the base form in at most `room` octets; its text is cut to that.
pub(super) fn error_base(text: &str, room: usize) -> Result<Bytes, SendError> {
    encode_base(FrameType::ERROR, cut(text, room.saturating_sub(HEADER_LEN)).as_bytes(), room)
}

/// An ERROR of the extended form in at most `room` octets; its text is cut to that.
pub(super) fn error_extended(
    id: u64,
    code: ErrorCode,
    text: &str,
    checksum: bool,
    room: usize,
) -> Result<Bytes, SendError> {
    let code = ErrorCode(code.0.min(VARINT_MAX));
    let head = length_of(&Frame::Error { id, code, text: &[] }, checksum);
    let text = cut(text, room.saturating_sub(head)).as_bytes();
    encode_extended(Frame::Error { id, code, text }, checksum, room)
}

/// As much of `text` as `room` octets take, whole characters.
fn cut(text: &str, room: usize) -> &str {
    let mut end = text.len().min(room);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_what_is_encoded() {
        let payload = &b"hello"[..];
        for number in [1, 63, 64, 1 << 14, 1 << 30, VARINT_MAX] {
            let code = ErrorCode(number);
            for frame in [
                Frame::Request { id: number, end: true, timeout: None, payload },
                Frame::Request { id: number, end: true, timeout: Some(number), payload },
                Frame::Response { id: number, end: true, payload },
                Frame::Error { id: number, code, text: payload },
                Frame::Cancel { id: number, code },
                Frame::Ping { answer: true, payload },
                Frame::Message { payload },
            ] {
                for checksum in [false, true] {
                    let length = length_of(&frame, checksum);
                    assert_eq!(encode_extended(frame, checksum, length).unwrap().len(), length);
                    let limit = length - 1;
                    let error = SendError::TooLong { length, limit };
                    assert_eq!(encode_extended(frame, checksum, limit), Err(error));
                }
            }
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("häuser", 2), "h");
        assert_eq!(cut("häuser", 3), "hä");
        assert_eq!(cut("hä", 100), "hä");
        assert_eq!(cut("ä", 0), "");
    }
}

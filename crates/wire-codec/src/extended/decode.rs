//! From octets to frames.

use core::str;

use bytes::{Buf as _, Bytes};
use wirelace_wire::varint::decode_varint;

use super::VERSION;
use super::frame::{CHECKSUM, DEADLINE, END, Frame, kind};
use crate::base::{Decoded, FrameType, HEADER_LEN, Header};
use crate::checksum;
use crate::error::{DecodeError, ErrorCode};

/// Octets that a ping may carry.
const MAX_PING: usize = 64;

/// Which frames must have a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// None: it was not agreed on.
    #[default]
    Off,
    /// All: it was agreed on.
    On,
    /// Each as it likes, as with datagrams, where nothing is agreed on.
    Either,
}

/// What a frame must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The largest value of the length field: octets after the header.
    pub max_length: usize,
    /// Whether there is a checksum.
    pub checksum: Checksum,
}

/// A frame as its header and flags cut it.
struct Cut<'a> {
    kind: FrameType,
    flags: u8,
    id: u64,
    /// What follows the id, without the checksum.
    content: &'a [u8],
    /// Where that starts in the frame.
    offset: usize,
}

/// Decodes the frame in front of `input` where it lies: the frame, and how many octets it takes. `None`: more input
/// is needed.
///
/// # Errors
///
/// The rule that the frame breaks. A wrong version and a length that is too large are seen as soon as they are
/// there, all else when the frame is complete.
#[inline]
pub fn decode(input: &[u8], rules: Rules) -> Result<Decoded<Frame<&[u8]>>, DecodeError> {
    let Some(header) = Header::decode(input) else {
        return match input.first() {
            Some(&found) if found != VERSION => Err(DecodeError::Version { found, expected: VERSION }),
            _ => Ok(None),
        };
    };
    if header.version != VERSION {
        return Err(DecodeError::Version { found: header.version, expected: VERSION });
    }
    let length = header.length as usize;
    if length > rules.max_length {
        return Err(DecodeError::FrameTooLong { length: header.length, limit: rules.max_length });
    }
    let end = length.saturating_add(HEADER_LEN);
    let Some(octets) = input.get(..end) else { return Ok(None) };
    let frame = content(&cut(header.kind, octets, rules.checksum)?)?;
    Ok(Some((frame, end)))
}

/// Splits the frame in front off `input`; its payload is a slice of the same memory. `None`: more input is needed,
/// and nothing was taken.
///
/// # Errors
///
/// As [`decode`]; nothing was taken.
#[inline]
pub fn decode_owned(input: &mut Bytes, rules: Rules) -> Result<Option<Frame<Bytes>>, DecodeError> {
    let Some((frame, taken)) = decode(input, rules)? else { return Ok(None) };
    let frame = frame.map(|payload| if payload.is_empty() { Bytes::new() } else { input.slice_ref(payload) });
    input.advance(taken);
    Ok(Some(frame))
}

/// Checks the checksum and splits off flags and id.
#[inline]
fn cut(kind: FrameType, octets: &[u8], rule: Checksum) -> Result<Cut<'_>, DecodeError> {
    let short = DecodeError::Length { offset: octets.len() };
    let Some(&flags) = octets.get(HEADER_LEN) else { return Err(short) };
    let has_checksum = flags & CHECKSUM != 0;
    if rule != Checksum::Either && has_checksum != (rule == Checksum::On) {
        return Err(DecodeError::ChecksumFlag { found: has_checksum });
    }
    let octets = if has_checksum { checked(octets)? } else { octets };
    let rest = octets.get(HEADER_LEN + 1..).unwrap_or_default();
    let Some((id, len)) = decode_varint(rest) else {
        return Err(DecodeError::Length { offset: octets.len() });
    };
    let content = rest.get(len..).unwrap_or_default();
    Ok(Cut { kind, flags: flags & !CHECKSUM, id, content, offset: octets.len() - content.len() })
}

/// The frame without its checksum, which fits.
fn checked(octets: &[u8]) -> Result<&[u8], DecodeError> {
    let Some((body, sum)) = octets.split_last_chunk::<{ checksum::LEN }>() else {
        return Err(DecodeError::Length { offset: octets.len() });
    };
    let (found, expected) = (u32::from_be_bytes(*sum), checksum::crc32c(&[body]));
    if body.len() <= HEADER_LEN {
        return Err(DecodeError::Length { offset: octets.len() });
    }
    if found == expected {
        Ok(body)
    } else {
        Err(DecodeError::Checksum { offset: body.len(), found, expected })
    }
}

#[inline]
fn content<'a>(cut: &Cut<'a>) -> Result<Frame<&'a [u8]>, DecodeError> {
    let Cut { kind, flags, id, content, .. } = *cut;
    let end = flags & END != 0;
    Ok(match kind {
        kind::REQUEST => {
            cut.flags(END | DEADLINE)?.exchange()?;
            let (timeout, payload) = if flags & DEADLINE != 0 {
                let (timeout, payload) = cut.number(content)?;
                (Some(timeout), payload)
            } else {
                (None, content)
            };
            Frame::Request { id, end, timeout, payload }
        }
        kind::RESPONSE => {
            cut.flags(END)?.exchange()?;
            Frame::Response { id, end, payload: content }
        }
        kind::DATA => {
            cut.flags(END)?.exchange()?;
            Frame::Data { id, end, payload: content }
        }
        kind::PING => {
            cut.flags(END)?.connection()?;
            if content.len() > MAX_PING {
                return Err(DecodeError::Length { offset: cut.offset + MAX_PING });
            }
            Frame::Ping { answer: end, payload: content }
        }
        kind::ERROR => {
            let (code, text) = cut.flags(0)?.number(content)?;
            Frame::Error { id, code: ErrorCode(code), text: cut.text(text)? }
        }
        kind::CREDIT => {
            let (bytes, rest) = cut.flags(0)?.number(content)?;
            cut.nothing(rest)?;
            Frame::Credit { id, bytes }
        }
        kind::CANCEL => {
            let (code, rest) = cut.flags(0)?.exchange()?.number(content)?;
            cut.nothing(rest)?;
            Frame::Cancel { id, code: ErrorCode(code) }
        }
        kind::GOAWAY => {
            let (last, rest) = cut.flags(0)?.connection()?.number(content)?;
            let (code, text) = cut.number(rest)?;
            Frame::GoAway { last, code: ErrorCode(code), text: cut.text(text)? }
        }
        kind::MESSAGE => {
            cut.flags(0)?.connection()?;
            Frame::Message { payload: content }
        }
        _ => Frame::Unknown { kind, id, payload: content },
    })
}

impl<'a> Cut<'a> {
    #[inline]
    fn flags(&self, allowed: u8) -> Result<&Self, DecodeError> {
        if self.flags & !allowed == 0 {
            return Ok(self);
        }
        Err(DecodeError::Flags { found: self.flags, allowed: allowed | CHECKSUM })
    }

    #[inline]
    fn exchange(&self) -> Result<&Self, DecodeError> {
        if self.id != 0 { Ok(self) } else { Err(DecodeError::Id { id: 0, kind: self.kind.0 }) }
    }

    #[inline]
    fn connection(&self) -> Result<&Self, DecodeError> {
        if self.id == 0 { Ok(self) } else { Err(DecodeError::Id { id: self.id, kind: self.kind.0 }) }
    }

    /// Where the first of the last `left` octets of the content stands.
    fn offset_of(&self, left: usize) -> usize {
        self.offset + self.content.len() - left
    }

    fn number(&self, rest: &'a [u8]) -> Result<(u64, &'a [u8]), DecodeError> {
        match decode_varint(rest) {
            Some((value, len)) => Ok((value, rest.get(len..).unwrap_or_default())),
            None => Err(DecodeError::Length { offset: self.offset_of(0) }),
        }
    }

    fn nothing(&self, rest: &[u8]) -> Result<(), DecodeError> {
        if rest.is_empty() { Ok(()) } else { Err(DecodeError::Length { offset: self.offset_of(rest.len()) }) }
    }

    fn text(&self, text: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        match str::from_utf8(text) {
            Ok(_) => Ok(text),
            Err(error) => Err(DecodeError::Utf8 { offset: self.offset_of(text.len()) + error.valid_up_to() }),
        }
    }
}

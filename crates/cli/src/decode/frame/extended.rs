//! One frame of the extended form.

use std::io::{self, Write};

use wirelace::wire::varint::decode_varint;
use wirelace::wire_codec::ErrorCode;
use wirelace::wire_codec::base::{FrameType, HEADER_LEN, Header};
use wirelace::wire_codec::extended::{self, CHECKSUM, Checksum, DEADLINE, END, Rules, kind};

use super::super::tree::{Quoted, Tree};
use super::super::wrong::{Stop, wrong};
use super::fields::{EXTENDED, rule_of};

/// Octets of a checksum.
const SUM: usize = 4;

/// Writes what stands after the header of the frame `octets`, which is whole and starts at `at`.
pub(super) fn decode(
    octets: &[u8],
    at: usize,
    checksum: Checksum,
    tree: &mut Tree<impl Write>,
) -> Result<(), Stop> {
    let error = extended::decode(octets, Rules { max_length: usize::MAX, checksum }).err();
    let limit = error.map_or(usize::MAX, |error| error.offset());
    let frame = Header::decode(octets).map_or(FrameType(0), |header| header.kind);
    Fields { at, octets, offset: HEADER_LEN, limit, tree }.write(frame)?;
    match error {
        None => Ok(()),
        Some(error) => Err(wrong(at + error.offset(), rule_of(&error))),
    }
}

/// Goes through the fields; those from `limit` on, and what cannot be read, are left out.
struct Fields<'a, W> {
    at: usize,
    octets: &'a [u8],
    offset: usize,
    limit: usize,
    tree: &'a mut Tree<W>,
}

impl<W: Write> Fields<'_, W> {
    fn write(mut self, frame: FrameType) -> io::Result<()> {
        let Some(&flags) = self.octets.get(HEADER_LEN) else { return Ok(()) };
        let end = self.octets.len();
        let sum_at = if flags & CHECKSUM != 0 { end.saturating_sub(SUM) } else { end };
        self.line(format_args!("flags: {flags:#04x}{}", names(flags, frame)))?;
        self.offset += 1;
        if self.number(
            sum_at,
            |id| if id == 0 { "id: 0 (the connection)".into() } else { format!("id: {id}") },
        )? && self.numbers(frame, flags, sum_at)?
        {
            self.payload(frame, sum_at)?;
        }
        if let Some(sum) = self.octets.get(sum_at..).and_then(|sum| <[u8; SUM]>::try_from(sum).ok()) {
            self.offset = sum_at;
            self.line(format_args!("CRC32C: {:#010x}", u32::from_be_bytes(sum)))?;
        }
        Ok(())
    }

    /// The numbers that a type has after its id; false when one is cut.
    fn numbers(&mut self, frame: FrameType, flags: u8, end: usize) -> io::Result<bool> {
        let code = |code| format!("code: {code} ({})", ErrorCode(code).name());
        match frame {
            kind::REQUEST if flags & DEADLINE != 0 => {
                self.number(end, |time| format!("time left: {time} ms"))
            }
            kind::ERROR | kind::CANCEL => self.number(end, code),
            kind::CREDIT => self.number(end, |bytes| format!("credit: {bytes} bytes")),
            kind::GOAWAY => {
                Ok(self.number(end, |last| format!("last id: {last}"))? && self.number(end, code)?)
            }
            _ => Ok(true),
        }
    }

    fn payload(&mut self, frame: FrameType, end: usize) -> io::Result<()> {
        let payload = self.octets.get(self.offset..end).unwrap_or_default();
        if payload.is_empty() {
            return Ok(());
        }
        let name = match frame {
            kind::ERROR | kind::GOAWAY => "text",
            _ => "payload",
        };
        self.line(format_args!("{name}, {} bytes: {}", payload.len(), Quoted(payload)))
    }

    fn number(&mut self, end: usize, text: impl FnOnce(u64) -> String) -> io::Result<bool> {
        let rest = self.octets.get(self.offset..end).unwrap_or_default();
        let Some((value, taken)) = decode_varint(rest) else { return Ok(false) };
        self.line(text(value))?;
        self.offset += taken;
        Ok(true)
    }

    fn line(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        if self.offset < self.limit { self.tree.line(self.at + self.offset, EXTENDED, text) } else { Ok(()) }
    }
}

fn names(flags: u8, frame: FrameType) -> String {
    let end = if frame == kind::PING { "answer" } else { "END" };
    let known = [(END, end), (CHECKSUM, "CRC32C"), (DEADLINE, "deadline")];
    let set: Vec<_> = known.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { String::new() } else { format!(" ({})", set.join(", ")) }
}

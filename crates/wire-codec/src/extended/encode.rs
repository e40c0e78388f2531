//! From frames to octets.

use alloc::vec::Vec;

use bytes::Bytes;
use wirelace_wire::Output;
use wirelace_wire::varint::write_varint;

use super::VERSION;
use super::frame::{CHECKSUM, DEADLINE, END, Frame};
use crate::base::{HEADER_LEN, Header};
use crate::checksum;
use crate::error::TooLong;

/// Why a frame cannot be written.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The payload does not fit.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// An id, a code or another number of 2^62 or more.
    #[error("the number {0} is above 2^62 - 1")]
    Number(u64),
}

impl<P: AsRef<[u8]>> Frame<P> {
    fn payload(&self) -> &[u8] {
        match self {
            Frame::Credit { .. } | Frame::Cancel { .. } => &[],
            Frame::Ping { payload, .. }
            | Frame::Request { payload, .. }
            | Frame::Response { payload, .. }
            | Frame::Data { payload, .. }
            | Frame::Message { payload }
            | Frame::Unknown { payload, .. } => payload.as_ref(),
            Frame::Error { text, .. } | Frame::GoAway { text, .. } => text.as_ref(),
        }
    }

    /// Appends all but payload and checksum; on an error, nothing.
    #[inline]
    fn encode_head(&self, out: &mut Vec<u8>, with_checksum: bool) -> Result<(), EncodeError> {
        let start = out.len();
        let written = self.try_encode_head(out, with_checksum);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    #[inline]
    fn try_encode_head(&self, out: &mut Vec<u8>, with_checksum: bool) -> Result<(), EncodeError> {
        let start = out.len();
        let mut flags = if with_checksum { CHECKSUM } else { 0 };
        match self {
            Frame::Ping { answer: end, .. }
            | Frame::Response { end, .. }
            | Frame::Data { end, .. }
            | Frame::Request { end, .. }
                if *end =>
            {
                flags |= END;
            }
            _ => {}
        }
        if let Frame::Request { timeout: Some(_), .. } = self {
            flags |= DEADLINE;
        }
        out.extend_from_slice(&[VERSION, self.kind().0, 0, 0, 0, 0, flags]);
        number(out, self.id())?;
        match *self {
            Frame::Request { timeout: Some(timeout), .. } => number(out, timeout)?,
            Frame::Error { code, .. } | Frame::Cancel { code, .. } => number(out, code.0)?,
            Frame::Credit { bytes, .. } => number(out, bytes)?,
            Frame::GoAway { last, code, .. } => {
                number(out, last)?;
                number(out, code.0)?;
            }
            _ => {}
        }
        let tail = self.payload().len().saturating_add(if with_checksum { checksum::LEN } else { 0 });
        let length = (out.len() - start - HEADER_LEN).saturating_add(tail);
        let limit = u32::MAX as usize;
        let length = u32::try_from(length).map_err(|_| TooLong { length, limit })?;
        if let Some(header) = out.get_mut(start..start + HEADER_LEN) {
            header.copy_from_slice(&Header { version: VERSION, kind: self.kind(), length }.encode());
        }
        Ok(())
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    ///
    /// It does not fit into its length field, or a number is too large; nothing is appended then. What the receiver
    /// takes is the caller's business, as is text that is UTF-8.
    pub fn encode_into(&self, out: &mut Vec<u8>, with_checksum: bool) -> Result<(), EncodeError> {
        let start = out.len();
        self.encode_head(out, with_checksum)?;
        out.extend_from_slice(self.payload());
        if with_checksum {
            let sum = checksum::crc32c(&[out.get(start..).unwrap_or_default()]);
            out.extend_from_slice(&sum.to_be_bytes());
        }
        Ok(())
    }
}

impl Frame<Bytes> {
    /// Puts the frame into `output`; a large payload is shared, not copied.
    ///
    /// # Errors
    ///
    /// As [`encode_into`](Frame::encode_into); nothing is put then.
    #[inline]
    pub fn encode(self, output: &mut Output, with_checksum: bool) -> Result<(), EncodeError> {
        let inline = output.inline();
        let start = inline.len();
        self.encode_head(inline, with_checksum)?;
        let sum = with_checksum
            .then(|| checksum::crc32c(&[inline.get(start..).unwrap_or_default(), self.payload()]));
        output.put(match self {
            Frame::Credit { .. } | Frame::Cancel { .. } => Bytes::new(),
            Frame::Ping { payload, .. }
            | Frame::Request { payload, .. }
            | Frame::Response { payload, .. }
            | Frame::Data { payload, .. }
            | Frame::Message { payload }
            | Frame::Unknown { payload, .. } => payload,
            Frame::Error { text, .. } | Frame::GoAway { text, .. } => text,
        });
        if let Some(sum) = sum {
            output.put_slice(&sum.to_be_bytes());
        }
        Ok(())
    }
}

#[inline]
fn number(out: &mut Vec<u8>, value: u64) -> Result<(), EncodeError> {
    if write_varint(out, value) { Ok(()) } else { Err(EncodeError::Number(value)) }
}

//! Frames for `tokio-util`'s `Framed`.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::error::FrameError;
use crate::frame::Frame;
use crate::header::{FRAME_HEADER_LEN, FrameHeader};

/// A frame that owns its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedFrame {
    /// Its header.
    pub header: FrameHeader,
    /// The octets that `header.length` counts: a slice of the read buffer.
    pub payload: Bytes,
}

impl OwnedFrame {
    /// The frame in its parts.
    ///
    /// # Errors
    /// See [`Frame::parse`]; a frame that [`FrameCodec`] decoded has none.
    pub fn frame(&self) -> Result<Frame<'_>, FrameError> {
        Frame::parse(self.header, &self.payload)
    }
}

impl From<&Frame<'_>> for OwnedFrame {
    fn from(frame: &Frame<'_>) -> OwnedFrame {
        let mut out = alloc::vec::Vec::new();
        frame.write(&mut out);
        let mut payload = Bytes::from(out);
        let header = FrameHeader::read(&payload).unwrap_or(FrameHeader {
            length: 0,
            frame_type: crate::header::FrameType::DATA,
            flags: crate::header::Flags::NONE,
            stream: 0,
        });
        payload.advance(FRAME_HEADER_LEN.min(payload.len()));
        OwnedFrame { header, payload }
    }
}

/// Decodes and encodes frames. The preface of a client is the caller's ([`PREFACE`](crate::PREFACE)).
#[derive(Debug, Clone)]
pub struct FrameCodec {
    max_frame: u32,
}

impl FrameCodec {
    /// Takes payloads of at most `max_frame` octets (SETTINGS_MAX_FRAME_SIZE: 16,384 where nothing was said).
    #[must_use]
    pub const fn new(max_frame: u32) -> FrameCodec {
        FrameCodec { max_frame }
    }

    /// SETTINGS_MAX_FRAME_SIZE is another.
    pub fn set_max_frame(&mut self, max_frame: u32) {
        self.max_frame = max_frame;
    }
}

impl Decoder for FrameCodec {
    type Item = OwnedFrame;
    type Error = io::Error;

    /// # Errors
    /// `InvalidData`: a frame is larger than allowed (FRAME_SIZE_ERROR) or breaks its layout ([`FrameError`] is the
    /// source).
    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<OwnedFrame>> {
        let Some(header) = FrameHeader::read(input) else { return Ok(None) };
        if header.length > self.max_frame {
            let text = alloc::format!(
                "{} of {} octets, more than SETTINGS_MAX_FRAME_SIZE, {} (RFC 9113 §4.2)",
                header.frame_type,
                header.length,
                self.max_frame
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let len = FRAME_HEADER_LEN + header.length as usize;
        if input.len() < len {
            input.reserve(len - input.len());
            return Ok(None);
        }
        let mut payload = input.split_to(len).freeze();
        payload.advance(FRAME_HEADER_LEN);
        let frame = OwnedFrame { header, payload };
        frame.frame().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Some(frame))
    }
}

impl Encoder<OwnedFrame> for FrameCodec {
    type Error = io::Error;

    fn encode(&mut self, frame: OwnedFrame, output: &mut BytesMut) -> io::Result<()> {
        let mut header = alloc::vec::Vec::with_capacity(FRAME_HEADER_LEN);
        FrameHeader { length: frame.payload.len() as u32, ..frame.header }.write(&mut header);
        output.extend_from_slice(&header);
        output.extend_from_slice(&frame.payload);
        Ok(())
    }
}

impl Encoder<Frame<'_>> for FrameCodec {
    type Error = io::Error;

    fn encode(&mut self, frame: Frame<'_>, output: &mut BytesMut) -> io::Result<()> {
        let mut out = alloc::vec::Vec::new();
        frame.write(&mut out);
        output.extend_from_slice(&out);
        Ok(())
    }
}

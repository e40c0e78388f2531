//! Frames for `tokio-util`'s `Framed`.

use alloc::vec::Vec;
use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::error::FrameError;
use crate::frame::Frame;
use crate::header::{FRAME_HEADER_LEN, FrameHeader, FrameType, MAX_PAYLOAD};
use crate::parse::data_range;

/// SETTINGS_MAX_FRAME_SIZE where nothing was said (RFC 9113 §6.5.2).
const INITIAL_MAX_FRAME: u32 = 1 << 14;

/// A frame that owns its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedFrame {
    /// Its header. The length is that of the payload when it is written.
    pub header: FrameHeader,
    /// The octets behind it, padding included: a slice of the read buffer where it was decoded.
    pub payload: Bytes,
}

impl OwnedFrame {
    /// The frame in its parts.
    ///
    /// # Errors
    /// As [`Frame::parse`]; a frame that [`FrameCodec`] decoded has none.
    pub fn frame(&self) -> Result<Frame<'_>, FrameError> {
        Frame::parse(self.header, &self.payload)
    }

    /// The data of DATA without their padding: a slice of the payload, not a copy. `None`: it is another type, or breaks
    /// its layout.
    #[must_use]
    pub fn data(&self) -> Option<Bytes> {
        let is_data = self.header.frame_type == FrameType::DATA;
        is_data
            .then(|| data_range(self.header, &self.payload).ok())
            .flatten()
            .map(|at| self.payload.slice(at))
    }
}

/// Without padding; the payload is copied.
impl From<&Frame<'_>> for OwnedFrame {
    fn from(frame: &Frame<'_>) -> OwnedFrame {
        let mut payload = Vec::new();
        frame.write_payload(&mut payload);
        let (frame_type, flags, stream) = frame.kind();
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        OwnedFrame { header: FrameHeader { length, frame_type, flags, stream }, payload: payload.into() }
    }
}

/// Decodes and encodes frames. The preface of a client ([`PREFACE`](crate::PREFACE)) and the order of frames are the
/// caller's.
///
/// ```
/// use bytes::BytesMut;
/// use tokio_util::codec::{Decoder as _, Encoder as _};
/// use wirelace_http2_frames::{Frame, FrameCodec, OwnedFrame};
///
/// let (mut codec, mut buffer) = (FrameCodec::new(16_384), BytesMut::new());
/// let ping = Frame::Ping { ack: false, data: *b"are you?" };
/// codec.encode(OwnedFrame::from(&ping), &mut buffer)?;
/// let frame = codec.decode(&mut buffer)?.expect("one is complete");
/// assert_eq!(frame.frame()?, ping);
/// assert_eq!(codec.decode(&mut buffer)?, None); // more input is needed
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FrameCodec {
    max_frame: u32,
    peer_max_frame: u32,
}

/// Takes and sends payloads of at most 16,384 octets.
impl Default for FrameCodec {
    fn default() -> FrameCodec {
        FrameCodec::new(INITIAL_MAX_FRAME)
    }
}

impl FrameCodec {
    /// Takes payloads of at most `max_frame` octets (our SETTINGS_MAX_FRAME_SIZE: 16,384 where nothing was said), and
    /// sends ones of at most 16,384.
    #[must_use]
    pub const fn new(max_frame: u32) -> FrameCodec {
        FrameCodec { max_frame, peer_max_frame: INITIAL_MAX_FRAME }
    }

    /// Our SETTINGS_MAX_FRAME_SIZE is another.
    pub const fn set_max_frame(&mut self, max_frame: u32) {
        self.max_frame = max_frame;
    }

    /// The peer's SETTINGS_MAX_FRAME_SIZE is another; more than 2²⁴-1 octets fit into no frame.
    pub const fn set_peer_max_frame(&mut self, max_frame: u32) {
        self.peer_max_frame = if max_frame > MAX_PAYLOAD { MAX_PAYLOAD } else { max_frame };
    }
}

fn invalid(error: FrameError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Decoder for FrameCodec {
    type Item = OwnedFrame;
    type Error = io::Error;

    /// # Errors
    /// `InvalidData` with a [`FrameError`] inside: a frame is larger than allowed or breaks its layout. Where that is an
    /// error of a stream only, the frame has been taken, and decoding may go on.
    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<OwnedFrame>> {
        let Some(header) = FrameHeader::read(input) else { return Ok(None) };
        header.check_length(self.max_frame).map_err(invalid)?;
        let len = FRAME_HEADER_LEN + header.length as usize;
        if input.len() < len {
            input.reserve(len - input.len());
            return Ok(None);
        }
        let mut payload = input.split_to(len).freeze();
        payload.advance(FRAME_HEADER_LEN);
        let frame = OwnedFrame { header, payload };
        frame.frame().map_err(invalid)?;
        Ok(Some(frame))
    }
}

/// Refuses what is longer than the peer takes (`InvalidInput`); nothing is written then. For one type only: with
/// several, `Framed::close` could not tell which is meant.
impl Encoder<OwnedFrame> for FrameCodec {
    type Error = io::Error;

    fn encode(&mut self, frame: OwnedFrame, output: &mut BytesMut) -> io::Result<()> {
        let length = u32::try_from(frame.payload.len()).unwrap_or(u32::MAX);
        let header = FrameHeader { length, ..frame.header };
        header
            .check_length(self.peer_max_frame)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        output.reserve(FRAME_HEADER_LEN + frame.payload.len());
        output.extend_from_slice(&header.to_octets());
        output.extend_from_slice(&frame.payload);
        Ok(())
    }
}

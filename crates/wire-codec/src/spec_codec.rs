//! Any framing for `tokio-util`'s `Framed`.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::spec::{FrameSpec, Scan, SpecFrameError, Step};

/// Frames that are found at once, at most.
const RUN: usize = 256;

/// Room to make for a frame that has begun, at most: its peer may never send it.
const RESERVE: usize = 64 * 1024;

/// Decodes and encodes the frames of a [`FrameSpec`].
///
/// It takes complete frames out of the buffer many at a time, and hands out slices of them. When the connection goes on
/// with another codec, [`unread`](SpecCodec::unread) comes before what is left in the buffer.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use tokio_util::codec::{Decoder as _, Encoder as _};
/// use wirelace_wire_codec::{SpecCodec, spec::FrameSpec};
///
/// let mut codec = SpecCodec::new(FrameSpec::varint().build()?);
/// let mut buffer = BytesMut::new();
/// codec.encode(Bytes::from_static(b"hello"), &mut buffer)?;
/// assert_eq!(&buffer[..], b"\x05hello");
/// assert_eq!(codec.decode(&mut buffer)?, Some(Bytes::from_static(b"hello")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SpecCodec {
    spec: FrameSpec,
    scan: Scan,
    /// Complete frames.
    run: Bytes,
    /// Where they are in `run`, those from `next` on not yet handed out.
    found: Vec<Found>,
    next: usize,
}

/// Of a frame in the run: its payload, and its end.
#[derive(Debug, Clone, Copy)]
struct Found {
    start: usize,
    end: usize,
    frame_end: usize,
}

impl SpecCodec {
    /// Frames as `spec` describes them.
    #[must_use]
    pub const fn new(spec: FrameSpec) -> SpecCodec {
        SpecCodec { spec, scan: Scan::new(), run: Bytes::new(), found: Vec::new(), next: 0 }
    }

    /// The framing.
    #[must_use]
    pub const fn spec(&self) -> &FrameSpec {
        &self.spec
    }

    /// Octets of complete frames that are out of the buffer and were not handed out as frames.
    #[must_use]
    pub fn unread(&self) -> Bytes {
        let from = match self.next.checked_sub(1) {
            Some(last) => self.found.get(last).map_or(0, |found| found.frame_end),
            None => 0,
        };
        self.run.slice(from..)
    }

    #[inline]
    fn next_found(&mut self) -> Option<Bytes> {
        let found = self.found.get(self.next)?;
        self.next += 1;
        if self.next < self.found.len() {
            return Some(self.run.slice(found.start..found.end));
        }
        // The last one lets go of the run.
        let mut payload = core::mem::take(&mut self.run);
        payload.truncate(found.end);
        payload.advance(found.start);
        self.found.clear();
        self.next = 0;
        Some(payload)
    }

    /// Looks for complete frames in front of `input` and takes them; an error only when there is none before it.
    fn find(&mut self, input: &mut BytesMut) -> Result<(), SpecFrameError> {
        let mut taken_all = 0;
        while self.found.len() < RUN {
            let rest = input.get(taken_all..).unwrap_or_default();
            match self.spec.step(rest, &mut self.scan) {
                Ok(Step::Frame { start, end, taken }) => {
                    let frame_end = taken_all + taken;
                    self.found.push(Found { start: taken_all + start, end: taken_all + end, frame_end });
                    taken_all = frame_end;
                }
                Ok(Step::More { needed }) => {
                    if taken_all == 0 {
                        input.reserve(needed.saturating_sub(input.len()).min(RESERVE));
                    }
                    break;
                }
                Err(error) if taken_all == 0 => return Err(error),
                Err(_) => break,
            }
        }
        if taken_all > 0 {
            self.run = input.split_to(taken_all).freeze();
        }
        Ok(())
    }
}

impl Decoder for SpecCodec {
    type Item = Bytes;
    type Error = io::Error;

    #[inline]
    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Bytes>> {
        if self.found.is_empty() {
            self.find(input)?;
        }
        Ok(self.next_found())
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> io::Result<Option<Bytes>> {
        if let Some(payload) = self.decode(input)? {
            return Ok(Some(payload));
        }
        let Step::Frame { start, end, taken } = self.spec.step_end(input, &mut self.scan)? else {
            return Ok(None);
        };
        Ok(Some(input.split_to(taken).freeze().slice(start..end)))
    }
}

/// For one type only: with several, `Framed::close` could not tell which is meant.
impl Encoder<Bytes> for SpecCodec {
    type Error = io::Error;

    #[inline]
    fn encode(&mut self, payload: Bytes, output: &mut BytesMut) -> io::Result<()> {
        let parts =
            self.spec.parts(&payload).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        output.reserve(parts.len().saturating_add(payload.len()));
        parts.put_front(output);
        output.extend_from_slice(&payload);
        parts.put_back(output);
        Ok(())
    }
}

//! The receiving half of a body.

use bytes::{Buf as _, Bytes, BytesMut};
use wirelace_http_semantics::Fields;
use wirelace_http_semantics::framing::BodyLength;

use super::error::Error;
use super::head_receive::trailers;
use super::limits::Limits;
use super::section::SectionState;
use crate::chunked::{ChunkedDecoder, Step};
use crate::head::HeadScan;

/// The receiver of one body.
#[derive(Debug)]
pub(super) struct BodyReceiver {
    framing: Framing,
    /// Body bytes received, without chunk framing.
    pub(super) received: u64,
}

#[derive(Debug)]
enum Framing {
    Known(u64),
    // Boxed: most bodies are not chunked, and connections without a body are many.
    Chunked(Box<ChunkedDecoder>),
    Trailers(Box<(HeadScan<()>, SectionState)>),
    UntilClose,
}

/// What a receiver found.
#[derive(Debug)]
pub(super) enum Received {
    /// More input is needed.
    Nothing,
    /// A part of the body; `end`: the last one.
    Data { data: Bytes, end: bool },
    /// The body is over, with trailers.
    Trailers(Fields),
}

impl BodyReceiver {
    /// A receiver for a body that is not empty.
    pub(super) fn new(length: BodyLength, limits: &Limits) -> BodyReceiver {
        let framing = match length {
            BodyLength::Known(length) => Framing::Known(length),
            BodyLength::Chunked => Framing::Chunked(Box::new(ChunkedDecoder::new(limits.chunk_extensions))),
            BodyLength::UntilClose => Framing::UntilClose,
        };
        BodyReceiver { framing, received: 0 }
    }

    /// Bytes that are still to come, where that is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        match self.framing {
            Framing::Known(remaining) => Some(remaining),
            _ => None,
        }
    }

    /// True when the end of the connection is the end of the body.
    pub(super) fn ends_at_close(&self) -> bool {
        matches!(self.framing, Framing::UntilClose)
    }

    /// Takes at most `window` bytes of body from `input`.
    pub(super) fn receive(
        &mut self,
        input: &mut BytesMut,
        window: usize,
        limits: &Limits,
    ) -> Result<Received, Error> {
        // Up to the limit all is handed out, however it was cut; the next byte is the one too many.
        let allowed = usize::try_from(limits.body.saturating_sub(self.received)).unwrap_or(usize::MAX);
        let window = window.min(allowed.max(1));
        loop {
            match &mut self.framing {
                Framing::Known(remaining) => {
                    let wanted = usize::try_from(*remaining).unwrap_or(usize::MAX);
                    let len = input.len().min(wanted).min(window);
                    if len == 0 {
                        return Ok(Received::Nothing);
                    }
                    *remaining -= len as u64;
                    let end = *remaining == 0;
                    return self.data(input.split_to(len).freeze(), end, limits);
                }
                Framing::UntilClose => {
                    let len = input.len().min(window);
                    if len == 0 {
                        return Ok(Received::Nothing);
                    }
                    return self.data(input.split_to(len).freeze(), false, limits);
                }
                Framing::Chunked(decoder) => {
                    match decoder.step(input, window)? {
                        Step::More { consumed } => {
                            input.advance(consumed.min(input.len()));
                            return Ok(Received::Nothing);
                        }
                        Step::Data { skip, len } => {
                            input.advance(skip.min(input.len()));
                            let data = input.split_to(len.min(input.len())).freeze();
                            return self.data(data, false, limits);
                        }
                        Step::Trailers { consumed } => {
                            input.advance(consumed.min(input.len()));
                            // The usual end: an empty trailer section.
                            if input.starts_with(b"\r\n") {
                                input.advance(2);
                                return Ok(Received::Data { data: Bytes::new(), end: true });
                            }
                            self.framing = Framing::Trailers(Box::default());
                        }
                    }
                }
                Framing::Trailers(section) => {
                    let (scan, section) = section.as_mut();
                    return Ok(match trailers(scan, section, input, limits)? {
                        None => Received::Nothing,
                        Some(fields) if fields.is_empty() => Received::Data { data: Bytes::new(), end: true },
                        Some(fields) => Received::Trailers(fields),
                    });
                }
            }
        }
    }

    fn data(&mut self, data: Bytes, end: bool, limits: &Limits) -> Result<Received, Error> {
        self.received += data.len() as u64;
        if self.received > limits.body {
            return Err(Error::BodyTooLarge { limit: limits.body });
        }
        Ok(Received::Data { data, end })
    }
}

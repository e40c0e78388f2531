//! Frames of the base form for `tokio-util`'s `Framed`.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::base::{self, Frame, HEADER_LEN};
use crate::error::DecodeError;

/// Decodes and encodes frames of the base form.
///
/// It takes all complete frames out of the buffer at once, and hands out slices of them. When the connection goes on
/// with another codec, [`unread`](BaseCodec::unread) comes before what is left in the buffer.
#[derive(Debug, Clone)]
pub struct BaseCodec {
    max_payload: usize,
    run: Bytes,
}

impl BaseCodec {
    /// Takes and sends payloads of at most `max_payload` octets.
    #[must_use]
    pub const fn new(max_payload: usize) -> BaseCodec {
        BaseCodec { max_payload, run: Bytes::new() }
    }

    /// Octets of complete frames that are out of the buffer and were not handed out as frames.
    #[must_use]
    pub fn unread(&self) -> Bytes {
        self.run.clone()
    }
}

fn invalid(error: DecodeError) -> io::Error {
    let kind = match error {
        DecodeError::Truncated { .. } => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

impl Decoder for BaseCodec {
    type Item = Frame<Bytes>;
    type Error = io::Error;

    #[inline]
    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Frame<Bytes>>> {
        if self.run.is_empty() {
            let mut complete = 0_usize;
            while let Some((_, taken)) =
                base::decode(input.get(complete..).unwrap_or_default(), self.max_payload).unwrap_or_default()
            {
                complete += taken;
            }
            if complete == 0 {
                // What is wrong in front is said; what is behind good frames, after them.
                base::decode(input, self.max_payload).map_err(invalid)?;
                return Ok(None);
            }
            self.run = input.split_to(complete).freeze();
        }
        base::decode_owned(&mut self.run, self.max_payload).map_err(invalid)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> io::Result<Option<Frame<Bytes>>> {
        let frame = self.decode(input)?;
        if frame.is_none() {
            base::decode_end(input).map_err(invalid)?;
        }
        Ok(frame)
    }
}

/// For one type only: with several, `Framed::close` could not tell which is meant.
impl Encoder<Frame<Bytes>> for BaseCodec {
    type Error = io::Error;

    #[inline]
    fn encode(&mut self, frame: Frame<Bytes>, output: &mut BytesMut) -> io::Result<()> {
        let payload = &frame.payload;
        let header = frame.header().ok().filter(|_| payload.len() <= self.max_payload);
        let Some(header) = header else {
            let error = crate::TooLong { length: payload.len(), limit: self.max_payload };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        };
        output.reserve(HEADER_LEN + payload.len());
        output.extend_from_slice(&header);
        output.extend_from_slice(payload);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FrameType;

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let mut codec = BaseCodec::new(1000);
        let mut octets = BytesMut::new();
        let payloads = [0, 1, 1000, 5];
        for len in payloads {
            let frame = Frame { kind: FrameType::REQUEST, payload: Bytes::from(vec![7; len]) };
            codec.encode(frame, &mut octets).unwrap();
        }
        for step in 1..octets.len() {
            let mut codec = BaseCodec::new(1000);
            let (mut input, mut lengths) = (BytesMut::new(), Vec::new());
            for part in octets.chunks(step) {
                input.extend_from_slice(part);
                while let Some(frame) = codec.decode(&mut input).unwrap() {
                    lengths.push(frame.payload.len());
                }
            }
            assert!(codec.decode_eof(&mut input).unwrap().is_none());
            assert_eq!(lengths, payloads);
        }
    }

    #[test]
    fn what_is_wrong_comes_after_what_is_right() {
        let mut codec = BaseCodec::new(10);
        let mut input = BytesMut::from(&b"\x0a\x01\0\0\0\0\x0b"[..]);
        assert!(codec.decode(&mut input).unwrap().is_some());
        assert_eq!(codec.decode(&mut input).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut cut = BytesMut::from(&b"\x0a\x01\0\0\0\x04abc"[..]);
        assert_eq!(codec.decode_eof(&mut cut).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let long = Frame { kind: FrameType::REQUEST, payload: Bytes::from_static(&[0; 11]) };
        assert_eq!(codec.encode(long, &mut cut).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}

//! Frames to octets (RFC 9113 §6).

use alloc::vec::Vec;

use crate::frame::{Dependency, Frame};
use crate::header::{FRAME_HEADER_LEN, Flags, FrameHeader, FrameType, MAX_PAYLOAD, MAX_STREAM};

impl Frame<'_> {
    /// Appends the frame, without padding. Of a payload of 2²⁴ octets or more, which no frame can have, the rest is left
    /// out.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_with(out, None);
    }

    /// As [`write`](Frame::write), with `padding` octets of padding for DATA, HEADERS and PUSH_PROMISE.
    pub fn write_padded(&self, out: &mut Vec<u8>, padding: u8) {
        let padding = Some(padding).filter(|_| {
            matches!(self, Frame::Data { .. } | Frame::Headers { .. } | Frame::PushPromise { .. })
        });
        self.write_with(out, padding);
    }

    fn write_with(&self, out: &mut Vec<u8>, padding: Option<u8>) {
        let start = begin(out);
        if let Some(padding) = padding {
            out.push(padding);
        }
        self.write_payload(out);
        if let Some(padding) = padding {
            out.resize(out.len() + usize::from(padding), 0);
        }
        let (frame_type, flags, stream) = self.kind();
        finish(out, start, frame_type, flags | Flags::PADDED.when(padding.is_some()), stream);
    }

    /// Type, flags and stream of its header, without padding.
    pub(crate) fn kind(&self) -> (FrameType, Flags, u32) {
        let none = Flags::NONE;
        match *self {
            Frame::Data { stream, end_stream, .. } => {
                (FrameType::DATA, Flags::END_STREAM.when(end_stream), stream)
            }
            Frame::Headers { stream, dependency, end_stream, end_headers, .. } => {
                let flags = Flags::END_STREAM.when(end_stream)
                    | Flags::END_HEADERS.when(end_headers)
                    | Flags::PRIORITY.when(dependency.is_some());
                (FrameType::HEADERS, flags, stream)
            }
            Frame::Priority { stream, .. } => (FrameType::PRIORITY, none, stream),
            Frame::RstStream { stream, .. } => (FrameType::RST_STREAM, none, stream),
            Frame::Settings { ack, .. } => (FrameType::SETTINGS, Flags::ACK.when(ack), 0),
            Frame::PushPromise { stream, end_headers, .. } => {
                (FrameType::PUSH_PROMISE, Flags::END_HEADERS.when(end_headers), stream)
            }
            Frame::Ping { ack, .. } => (FrameType::PING, Flags::ACK.when(ack), 0),
            Frame::GoAway { .. } => (FrameType::GOAWAY, none, 0),
            Frame::WindowUpdate { stream, .. } => (FrameType::WINDOW_UPDATE, none, stream),
            Frame::Continuation { stream, end_headers, .. } => {
                (FrameType::CONTINUATION, Flags::END_HEADERS.when(end_headers), stream)
            }
            Frame::PriorityUpdate { .. } => (FrameType::PRIORITY_UPDATE, none, 0),
            Frame::AltSvc { stream, .. } => (FrameType::ALTSVC, none, stream),
            Frame::Origin { .. } => (FrameType::ORIGIN, none, 0),
            Frame::Unknown { header, .. } => (header.frame_type, header.flags, header.stream),
        }
    }

    /// Appends its payload without padding.
    pub(crate) fn write_payload(&self, out: &mut Vec<u8>) {
        match *self {
            Frame::Data { data: octets, .. }
            | Frame::Continuation { fragment: octets, .. }
            | Frame::Unknown { payload: octets, .. } => out.extend_from_slice(octets),
            Frame::Headers { fragment, dependency, .. } => {
                if let Some(dependency) = dependency {
                    put_dependency(out, dependency);
                }
                out.extend_from_slice(fragment);
            }
            Frame::Priority { dependency, .. } => put_dependency(out, dependency),
            Frame::RstStream { code, .. } => out.extend_from_slice(&code.0.to_be_bytes()),
            Frame::Settings { settings, .. } => out.extend_from_slice(settings.as_bytes()),
            Frame::PushPromise { promised, fragment, .. } => {
                put_number31(out, promised);
                out.extend_from_slice(fragment);
            }
            Frame::Ping { data, .. } => out.extend_from_slice(&data),
            Frame::GoAway { last_stream, code, debug } => {
                put_number31(out, last_stream);
                out.extend_from_slice(&code.0.to_be_bytes());
                out.extend_from_slice(debug);
            }
            Frame::WindowUpdate { increment, .. } => put_number31(out, increment),
            Frame::PriorityUpdate { stream, value } => {
                put_number31(out, stream);
                out.extend_from_slice(value);
            }
            Frame::AltSvc { origin, value, .. } => {
                let length = u16::try_from(origin.len()).unwrap_or(u16::MAX);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(origin.get(..usize::from(length)).unwrap_or(origin));
                out.extend_from_slice(value);
            }
            Frame::Origin { origins } => out.extend_from_slice(origins.as_bytes()),
        }
    }
}

/// Makes room for a header; returns where. The payload goes behind it, then [`finish`] fills it in.
#[inline]
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_HEADER_LEN]);
    start
}

/// Fills in the header of the frame that ends `out` and begins at `start`.
#[inline]
pub(crate) fn finish(out: &mut Vec<u8>, start: usize, frame_type: FrameType, flags: Flags, stream: u32) {
    let payload = start + FRAME_HEADER_LEN;
    out.truncate(payload + MAX_PAYLOAD as usize);
    let length = out.len().saturating_sub(payload) as u32;
    if let Some(header) = out.get_mut(start..).and_then(|frame| frame.first_chunk_mut()) {
        *header = FrameHeader { length, frame_type, flags, stream }.to_octets();
    }
}

/// Appends a number below 2³¹.
#[inline]
pub(crate) fn put_number31(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&(number & MAX_STREAM).to_be_bytes());
}

fn put_dependency(out: &mut Vec<u8>, dependency: Dependency) {
    let exclusive = if dependency.exclusive { !MAX_STREAM } else { 0 };
    out.extend_from_slice(&(dependency.stream & MAX_STREAM | exclusive).to_be_bytes());
    out.push(dependency.weight);
}

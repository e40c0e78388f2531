//! All frames (RFC 9113 §6).

use alloc::vec::Vec;
use core::ops::Range;

use crate::error::{FrameError, FrameRule};
use crate::error_code::ErrorCode;
use crate::header::{Flags, FrameHeader, FrameType};
use crate::lists::Origins;
use crate::settings::Settings;

/// A stream's place in RFC 7540's scheme, which is not used any more (RFC 9113 §5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// The stream that it depends on.
    pub stream: u32,
    /// Whether it is to be the only one that does.
    pub exclusive: bool,
    /// Its weight as it stands on the wire: 0 means 1, 255 means 256.
    pub weight: u8,
}

/// A frame with its payload as it lies in the input.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Part of a body (RFC 9113 §6.1).
    Data {
        /// Its stream.
        stream: u32,
        /// Without padding.
        data: &'a [u8],
        /// The last of the stream.
        end_stream: bool,
        /// What counts for flow control: the whole payload, padding too.
        flow_length: u32,
    },
    /// A field block, or its beginning (RFC 9113 §6.2).
    Headers {
        /// Its stream.
        stream: u32,
        /// Without padding.
        fragment: &'a [u8],
        /// RFC 7540's priority.
        dependency: Option<Dependency>,
        /// The last of the stream, but for CONTINUATION.
        end_stream: bool,
        /// The block ends here.
        end_headers: bool,
    },
    /// RFC 7540's priority (RFC 9113 §6.3).
    Priority {
        /// Its stream.
        stream: u32,
        /// Where it is to be.
        dependency: Dependency,
    },
    /// The end of a stream before its time (RFC 9113 §6.4).
    RstStream {
        /// Its stream.
        stream: u32,
        /// Why.
        code: ErrorCode,
    },
    /// How the sender is to be treated (RFC 9113 §6.5).
    Settings {
        /// The answer to SETTINGS.
        ack: bool,
        /// What the sender wants.
        settings: Settings<'a>,
    },
    /// A request that will be answered although nobody asked (RFC 9113 §6.6).
    PushPromise {
        /// The stream that it belongs to.
        stream: u32,
        /// The stream of the answer.
        promised: u32,
        /// The request's field block, or its beginning, without padding.
        fragment: &'a [u8],
        /// The block ends here.
        end_headers: bool,
    },
    /// Is the peer there, and how far away? (RFC 9113 §6.7)
    Ping {
        /// The answer to a PING.
        ack: bool,
        /// Comes back as it went.
        data: [u8; 8],
    },
    /// The sender takes no streams after the last one (RFC 9113 §6.8).
    GoAway {
        /// The last stream that was or may be processed.
        last_stream: u32,
        /// Why.
        code: ErrorCode,
        /// For people.
        debug: &'a [u8],
    },
    /// More may be sent (RFC 9113 §6.9).
    WindowUpdate {
        /// The stream; 0: the connection.
        stream: u32,
        /// By so many octets, at least one.
        increment: u32,
    },
    /// The rest of a field block (RFC 9113 §6.10).
    Continuation {
        /// Its stream.
        stream: u32,
        /// A part of the block.
        fragment: &'a [u8],
        /// The block ends here.
        end_headers: bool,
    },
    /// Another priority for a stream (RFC 9218 §7.1).
    PriorityUpdate {
        /// The stream that is prioritised.
        stream: u32,
        /// As in the field `priority`.
        value: &'a [u8],
    },
    /// Where else an origin is served (RFC 7838 §4).
    AltSvc {
        /// The stream whose origin is meant; 0: see `origin`.
        stream: u32,
        /// The origin that is meant.
        origin: &'a [u8],
        /// As in the field `alt-svc`.
        value: &'a [u8],
    },
    /// What the connection serves (RFC 8336 §2).
    Origin {
        /// The origins.
        origins: Origins<'a>,
    },
    /// A type that is not known, to be ignored (RFC 9113 §5.5).
    Unknown {
        /// Its header.
        header: FrameHeader,
        /// Its payload.
        payload: &'a [u8],
    },
}

/// The parts of a payload, with the rules that it must keep.
struct Payload<'a> {
    header: FrameHeader,
    /// What is left.
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Payload<'a> {
    fn wrong<T>(&self, rule: FrameRule) -> Result<T, FrameError> {
        Err(FrameError::new(self.header.frame_type, self.header.stream, self.offset, rule))
    }

    fn of_stream(&self) -> Result<u32, FrameError> {
        if self.header.stream == 0 { self.wrong(FrameRule::StreamZero) } else { Ok(self.header.stream) }
    }

    fn of_connection(&self) -> Result<(), FrameError> {
        if self.header.stream == 0 { Ok(()) } else { self.wrong(FrameRule::StreamNotZero) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                self.offset += N;
                Ok(*taken)
            }
            None => self.wrong(FrameRule::Length { expected: self.offset + N }),
        }
    }

    fn number(&mut self) -> Result<u32, FrameError> {
        self.take().map(u32::from_be_bytes)
    }

    fn dependency(&mut self) -> Result<Dependency, FrameError> {
        let stream = self.number()?;
        let [weight] = self.take()?;
        Ok(Dependency { stream: stream & MAX_STREAM, exclusive: stream > MAX_STREAM, weight })
    }

    /// Takes the padding off, if there is any: its length first, the rest at the end.
    fn padding(&mut self) -> Result<usize, FrameError> {
        if !self.header.flags.contains(Flags::PADDED) {
            return Ok(0);
        }
        let [length] = self.take()?;
        Ok(usize::from(length))
    }

    fn without(&mut self, padding: usize) -> Result<&'a [u8], FrameError> {
        let Some(len) = self.rest.len().checked_sub(padding) else {
            self.offset = 0;
            return self.wrong(FrameRule::Padding);
        };
        Ok(self.rest.get(..len).unwrap_or_default())
    }

    fn end(&self) -> Result<(), FrameError> {
        if self.rest.is_empty() { Ok(()) } else { self.wrong(FrameRule::Length { expected: self.offset }) }
    }
}

const MAX_STREAM: u32 = 0x7fff_ffff;

/// Where the data lie within the payload of DATA: for those who split the input instead of copying it.
///
/// # Errors
/// It came on stream 0, or its padding is as long as the payload (RFC 9113 §6.1).
#[inline]
pub fn data_range(header: FrameHeader, payload: &[u8]) -> Result<Range<usize>, FrameError> {
    let mut parts = Payload { header, rest: payload, offset: 0 };
    parts.of_stream()?;
    let padding = parts.padding()?;
    let start = parts.offset;
    Ok(start..start + parts.without(padding)?.len())
}

impl<'a> Frame<'a> {
    /// Reads a frame; `payload` are the octets that `header.length` counts.
    ///
    /// # Errors
    /// The frame breaks a rule that it alone decides: length, stream 0 or not, padding, an increment of 0.
    #[inline]
    pub fn parse(header: FrameHeader, payload: &'a [u8]) -> Result<Frame<'a>, FrameError> {
        let mut parts = Payload { header, rest: payload, offset: 0 };
        let flags = header.flags;
        let (end_stream, ack) = (flags.contains(Flags::END_STREAM), flags.contains(Flags::ACK));
        let end_headers = flags.contains(Flags::END_HEADERS);
        Ok(match header.frame_type {
            FrameType::DATA => {
                let range = data_range(header, payload)?;
                let data = payload.get(range).unwrap_or_default();
                Frame::Data { stream: header.stream, data, end_stream, flow_length: header.length }
            }
            FrameType::HEADERS => {
                let stream = parts.of_stream()?;
                let padding = parts.padding()?;
                let dependency =
                    if flags.contains(Flags::PRIORITY) { Some(parts.dependency()?) } else { None };
                let fragment = parts.without(padding)?;
                Frame::Headers { stream, fragment, dependency, end_stream, end_headers }
            }
            FrameType::PRIORITY => {
                let stream = parts.of_stream()?;
                let dependency = parts.dependency()?;
                parts.end()?;
                Frame::Priority { stream, dependency }
            }
            FrameType::RST_STREAM => {
                let stream = parts.of_stream()?;
                let code = ErrorCode(parts.number()?);
                parts.end()?;
                Frame::RstStream { stream, code }
            }
            FrameType::SETTINGS => {
                parts.of_connection()?;
                if ack && !payload.is_empty() {
                    return parts.wrong(FrameRule::AckPayload);
                }
                if !payload.len().is_multiple_of(6) {
                    return parts.wrong(FrameRule::Length { expected: payload.len() / 6 * 6 });
                }
                Frame::Settings { ack, settings: Settings::new(payload) }
            }
            FrameType::PUSH_PROMISE => {
                let stream = parts.of_stream()?;
                let padding = parts.padding()?;
                let promised = parts.number()? & MAX_STREAM;
                if promised == 0 {
                    return parts.wrong(FrameRule::Promised);
                }
                let fragment = parts.without(padding)?;
                Frame::PushPromise { stream, promised, fragment, end_headers }
            }
            FrameType::PING => {
                parts.of_connection()?;
                let data = parts.take()?;
                parts.end()?;
                Frame::Ping { ack, data }
            }
            FrameType::GOAWAY => {
                parts.of_connection()?;
                let last_stream = parts.number()? & MAX_STREAM;
                let code = ErrorCode(parts.number()?);
                Frame::GoAway { last_stream, code, debug: parts.rest }
            }
            FrameType::WINDOW_UPDATE => {
                let increment = parts.number()? & MAX_STREAM;
                parts.end()?;
                if increment == 0 {
                    return parts.wrong(FrameRule::Increment);
                }
                Frame::WindowUpdate { stream: header.stream, increment }
            }
            FrameType::CONTINUATION => {
                let stream = parts.of_stream()?;
                Frame::Continuation { stream, fragment: payload, end_headers }
            }
            FrameType::PRIORITY_UPDATE => {
                parts.of_connection()?;
                let stream = parts.number()? & MAX_STREAM;
                if stream == 0 {
                    return parts.wrong(FrameRule::StreamZero);
                }
                Frame::PriorityUpdate { stream, value: parts.rest }
            }
            FrameType::ALTSVC => {
                let length = usize::from(u16::from_be_bytes(parts.take()?));
                let Some((origin, value)) = parts.rest.split_at_checked(length) else {
                    return parts.wrong(FrameRule::Length { expected: length + 2 });
                };
                Frame::AltSvc { stream: header.stream, origin, value }
            }
            // Elsewhere it is ignored (RFC 8336 §2.1).
            FrameType::ORIGIN if header.stream == 0 => Frame::Origin { origins: Origins::new(payload) },
            _ => Frame::Unknown { header, payload },
        })
    }

    /// Appends the frame. A payload of 2²⁴ octets or more does not fit into one; its length is cut.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_with(out, None);
    }

    /// As [`write`](Frame::write), with `padding` octets of padding for DATA, HEADERS and PUSH_PROMISE.
    pub fn write_padded(&self, out: &mut Vec<u8>, padding: u8) {
        self.write_with(out, Some(padding));
    }

    fn write_with(&self, out: &mut Vec<u8>, padding: Option<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 9]);
        let padded = Flags::PADDED.when(padding.is_some());
        if let (Frame::Data { .. } | Frame::Headers { .. } | Frame::PushPromise { .. }, Some(padding)) =
            (self, padding)
        {
            out.push(padding);
        }
        let (frame_type, flags, stream) = match *self {
            Frame::Data { stream, data, end_stream, .. } => {
                out.extend_from_slice(data);
                (FrameType::DATA, padded | Flags::END_STREAM.when(end_stream), stream)
            }
            Frame::Headers { stream, fragment, dependency, end_stream, end_headers } => {
                if let Some(dependency) = dependency {
                    put_dependency(out, dependency);
                }
                out.extend_from_slice(fragment);
                let flags = padded
                    | Flags::END_STREAM.when(end_stream)
                    | Flags::END_HEADERS.when(end_headers)
                    | Flags::PRIORITY.when(dependency.is_some());
                (FrameType::HEADERS, flags, stream)
            }
            Frame::Priority { stream, dependency } => {
                put_dependency(out, dependency);
                (FrameType::PRIORITY, Flags::NONE, stream)
            }
            Frame::RstStream { stream, code } => {
                out.extend_from_slice(&code.0.to_be_bytes());
                (FrameType::RST_STREAM, Flags::NONE, stream)
            }
            Frame::Settings { ack, settings } => {
                for (id, value) in settings.iter() {
                    out.extend_from_slice(&id.0.to_be_bytes());
                    out.extend_from_slice(&value.to_be_bytes());
                }
                (FrameType::SETTINGS, Flags::ACK.when(ack), 0)
            }
            Frame::PushPromise { stream, promised, fragment, end_headers } => {
                out.extend_from_slice(&promised.to_be_bytes());
                out.extend_from_slice(fragment);
                (FrameType::PUSH_PROMISE, padded | Flags::END_HEADERS.when(end_headers), stream)
            }
            Frame::Ping { ack, data } => {
                out.extend_from_slice(&data);
                (FrameType::PING, Flags::ACK.when(ack), 0)
            }
            Frame::GoAway { last_stream, code, debug } => {
                out.extend_from_slice(&last_stream.to_be_bytes());
                out.extend_from_slice(&code.0.to_be_bytes());
                out.extend_from_slice(debug);
                (FrameType::GOAWAY, Flags::NONE, 0)
            }
            Frame::WindowUpdate { stream, increment } => {
                out.extend_from_slice(&increment.to_be_bytes());
                (FrameType::WINDOW_UPDATE, Flags::NONE, stream)
            }
            Frame::Continuation { stream, fragment, end_headers } => {
                out.extend_from_slice(fragment);
                (FrameType::CONTINUATION, Flags::END_HEADERS.when(end_headers), stream)
            }
            Frame::PriorityUpdate { stream, value } => {
                out.extend_from_slice(&stream.to_be_bytes());
                out.extend_from_slice(value);
                (FrameType::PRIORITY_UPDATE, Flags::NONE, 0)
            }
            Frame::AltSvc { stream, origin, value } => {
                let length = u16::try_from(origin.len()).unwrap_or(u16::MAX);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(origin.get(..usize::from(length)).unwrap_or_default());
                out.extend_from_slice(value);
                (FrameType::ALTSVC, Flags::NONE, stream)
            }
            Frame::Origin { origins } => {
                out.extend_from_slice(origins.as_bytes());
                (FrameType::ORIGIN, Flags::NONE, 0)
            }
            Frame::Unknown { header, payload } => {
                out.extend_from_slice(payload);
                (header.frame_type, header.flags, header.stream)
            }
        };
        if padded != Flags::NONE && flags.contains(Flags::PADDED) {
            out.resize(out.len() + usize::from(padding.unwrap_or(0)), 0);
        }
        finish(out, start, frame_type, flags, stream);
    }
}

/// Fills in the header of a frame whose payload has been written behind nine octets at `start`.
pub(crate) fn finish(out: &mut [u8], start: usize, frame_type: FrameType, flags: Flags, stream: u32) {
    let length = out.len().saturating_sub(start + 9);
    let [_, _, _, _, _, l2, l1, l0] = (length as u64).to_be_bytes();
    let [s3, s2, s1, s0] = (stream & MAX_STREAM).to_be_bytes();
    if let Some(header) = out.get_mut(start..).and_then(|rest| rest.first_chunk_mut::<9>()) {
        *header = [l2, l1, l0, frame_type.0, flags.0, s3, s2, s1, s0];
    }
}

fn put_dependency(out: &mut Vec<u8>, dependency: Dependency) {
    let stream = dependency.stream & MAX_STREAM | if dependency.exclusive { !MAX_STREAM } else { 0 };
    out.extend_from_slice(&stream.to_be_bytes());
    out.push(dependency.weight);
}

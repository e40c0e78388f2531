//! A peer that writes frames by hand.
#![allow(dead_code)] // Each suite uses a part.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use wirelace_hpack::{BlockLimits, Decoder, Encoder, HeaderBlock, Indexing, Name};
use wirelace_http_semantics::{Event, StreamId};
use wirelace_http2::{Connection, Error, ErrorCode, Limits, PREFACE};
use wirelace_http2_frames::{FRAME_HEADER_LEN, Frame, FrameHeader, Settings};
use wirelace_wire::Machine;

/// A frame as the peer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Headers { stream: u32, fields: Vec<(String, String)>, end: bool },
    Data { stream: u32, data: Vec<u8>, end: bool },
    Reset { stream: u32, code: ErrorCode },
    GoAway { last: u32, code: ErrorCode },
    Update { stream: u32, increment: u32 },
    Ping { ack: bool },
    Settings { ack: bool },
    Promise { stream: u32, promised: u32 },
    Other(String),
}

pub(crate) struct Raw {
    pub(crate) machine: Connection,
    pub(crate) now: Instant,
    pub(crate) events: Vec<Event>,
    pub(crate) error: Option<Error>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) encoder: Encoder,
    /// Whether PINGs are answered.
    pub(crate) pongs: bool,
    decoder: Decoder,
    input: BytesMut,
    /// What the machine sent and makes no frame yet.
    rest: BytesMut,
    /// What may be sent, by stream; 0: the connection.
    pub(crate) windows: BTreeMap<u32, i64>,
}

impl Raw {
    /// A client that has sent preface and SETTINGS, and acknowledged the server's.
    pub(crate) fn client(limits: Limits) -> Raw {
        let mut raw = Raw::silent_client(limits);
        let mut out = PREFACE.to_vec();
        Frame::Settings { ack: false, settings: Settings::new(&[]) }.write(&mut out);
        Frame::Settings { ack: true, settings: Settings::new(&[]) }.write(&mut out);
        raw.send_bytes(&out);
        raw
    }

    /// A client that has said nothing.
    pub(crate) fn silent_client(limits: Limits) -> Raw {
        let now = Instant::now();
        Raw::new(Connection::server(limits, false, now), now)
    }

    /// A server that has sent SETTINGS and acknowledged the client's.
    pub(crate) fn server(limits: Limits) -> Raw {
        let now = Instant::now();
        let mut raw = Raw::new(Connection::client(limits, false, now), now);
        raw.rest.clear();
        let mut out = Vec::new();
        Frame::Settings { ack: false, settings: Settings::new(&[]) }.write(&mut out);
        Frame::Settings { ack: true, settings: Settings::new(&[]) }.write(&mut out);
        raw.send_bytes(&out);
        raw
    }

    fn new(machine: Connection, now: Instant) -> Raw {
        Raw {
            machine,
            now,
            events: Vec::new(),
            error: None,
            seen: Vec::new(),
            encoder: Encoder::new(4096),
            pongs: true,
            decoder: Decoder::new(4096),
            input: BytesMut::new(),
            rest: BytesMut::new(),
            windows: BTreeMap::from([(0, 65_535)]),
        }
    }

    pub(crate) fn send(&mut self, frame: Frame<'_>) {
        let mut out = Vec::new();
        frame.write(&mut out);
        self.send_bytes(&out);
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        self.poll();
    }

    /// Lets the machine work and reads what it sends.
    pub(crate) fn poll(&mut self) {
        while self.error.is_none() {
            match self.machine.poll_event(self.now, &mut self.input) {
                Ok(Some(event)) => self.events.push(event),
                Ok(None) => break,
                Err(error) => self.error = Some(error),
            }
        }
        self.read();
    }

    /// Reads what the machine has sent.
    pub(crate) fn read(&mut self) {
        let output = self.machine.output();
        for chunk in output.chunks() {
            self.rest.extend_from_slice(chunk);
        }
        let len = output.len();
        output.advance(len);
        self.machine.output_progress(self.now);
        if self.rest.starts_with(&PREFACE[..]) {
            let _ = self.rest.split_to(PREFACE.len());
        }
        while let Some(header) = FrameHeader::read(&self.rest) {
            let len = FRAME_HEADER_LEN + header.length as usize;
            if self.rest.len() < len {
                break;
            }
            let bytes = self.rest.split_to(len);
            let frame = Frame::parse(header, &bytes[FRAME_HEADER_LEN..]).expect("a whole frame");
            let seen = match frame {
                Frame::Headers { stream, fragment, end_stream, end_headers: true, .. } => {
                    Seen::Headers { stream, fields: self.fields(fragment), end: end_stream }
                }
                Frame::Data { stream, data, end_stream, .. } => {
                    Seen::Data { stream, data: data.to_vec(), end: end_stream }
                }
                Frame::RstStream { stream, code } => Seen::Reset { stream, code },
                Frame::GoAway { last_stream, code, .. } => Seen::GoAway { last: last_stream, code },
                Frame::WindowUpdate { stream, increment } => {
                    *self.windows.entry(stream).or_insert(65_535) += i64::from(increment);
                    Seen::Update { stream, increment }
                }
                Frame::Ping { ack, data } => {
                    if !ack && self.pongs {
                        let mut answer = Vec::new();
                        Frame::Ping { ack: true, data }.write(&mut answer);
                        // Read with what comes next.
                        self.input.extend_from_slice(&answer);
                    }
                    Seen::Ping { ack }
                }
                Frame::Settings { ack, .. } => Seen::Settings { ack },
                Frame::PushPromise { stream, promised, fragment, .. } => {
                    self.fields(fragment);
                    Seen::Promise { stream, promised }
                }
                other => Seen::Other(format!("{other:?}")),
            };
            self.seen.push(seen);
        }
    }

    fn fields(&mut self, fragment: &[u8]) -> Vec<(String, String)> {
        let mut block = HeaderBlock::new();
        self.decoder
            .decode(fragment, &BlockLimits { fields: 1000, list_size: 1 << 20 }, &mut block)
            .expect("a whole block");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        block.iter().map(|field| (text(field.name), text(field.value))).collect()
    }

    /// A field block.
    pub(crate) fn block(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut out = Vec::new();
        self.encoder.start(&mut out);
        for (name, value) in fields {
            self.encoder.field(&mut out, Name::from(*name), value.as_bytes(), Indexing::Auto);
        }
        out
    }

    pub(crate) fn headers(&mut self, stream: u32, fields: &[(&str, &str)], end: bool) {
        let block = self.block(fields);
        self.send(Frame::Headers {
            stream,
            fragment: &block,
            dependency: None,
            end_stream: end,
            end_headers: true,
        });
    }

    /// A GET or, where a body follows, a POST.
    pub(crate) fn request(&mut self, stream: u32, end: bool) {
        let method = if end { "GET" } else { "POST" };
        self.headers(
            stream,
            &[(":method", method), (":scheme", "http"), (":path", "/"), (":authority", "a")],
            end,
        );
        self.windows.entry(stream).or_insert(65_535);
    }

    /// DATA with so much padding, that counts against both windows.
    pub(crate) fn data(&mut self, stream: u32, data: &[u8], padding: Option<u8>, end: bool) {
        let flow = data.len() + padding.map_or(0, |padding| usize::from(padding) + 1);
        for id in [0, stream] {
            *self.windows.entry(id).or_insert(65_535) -= flow as i64;
        }
        let frame = Frame::Data { stream, data, end_stream: end, flow_length: flow as u32 };
        let mut out = Vec::new();
        match padding {
            Some(padding) => frame.write_padded(&mut out, padding),
            None => frame.write(&mut out),
        }
        self.send_bytes(&out);
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        while let Some(deadline) = self.machine.deadline().filter(|deadline| *deadline <= self.now) {
            let _ = deadline;
            self.machine.on_deadline(self.now);
            self.poll();
            if self.error.is_some() || self.machine.is_finished() {
                break;
            }
        }
        self.poll();
    }

    /// What the machine last said about a stream's end.
    pub(crate) fn reset_of(&self, stream: u32) -> Option<ErrorCode> {
        self.seen.iter().rev().find_map(|seen| match seen {
            Seen::Reset { stream: reset, code } if *reset == stream => Some(*code),
            _ => None,
        })
    }

    pub(crate) fn go_away(&self) -> Option<(u32, ErrorCode)> {
        self.seen.iter().rev().find_map(|seen| match seen {
            Seen::GoAway { last, code } => Some((*last, *code)),
            _ => None,
        })
    }

    pub(crate) fn status_of(&self, stream: u32) -> Option<String> {
        self.seen.iter().find_map(|seen| match seen {
            Seen::Headers { stream: answered, fields, .. } if *answered == stream => {
                Some(fields.first()?.1.clone())
            }
            _ => None,
        })
    }

    /// Whether the application was told of a request or response on a stream.
    pub(crate) fn has_head(&self, stream: u32) -> bool {
        let wanted = StreamId(stream.into());
        self.events.iter().any(|event| matches!(event, Event::Head { stream, .. } if *stream == wanted))
    }
}

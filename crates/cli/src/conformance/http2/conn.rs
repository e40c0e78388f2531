//! A connection as a case sees it: any frame goes out, and what comes is checked and remembered.

use std::collections::{HashMap, VecDeque};
use std::io;

use bytes::BytesMut;
use wirelace_hpack::Decoder;
use wirelace_http2_frames::{ErrorCode, Flags, FrameHeader, FrameType, PREFACE, SettingId};

use super::block::{Block, Request};
use super::response::Response;
use crate::conformance::link::{Link, Target};
use crate::conformance::verdict::{Start, Trouble, Verdict};

/// Both flags of a message without body.
pub(crate) const WHOLE: Flags = Flags(0x5);

/// A connection to the server under test.
pub(crate) struct Conn<'a> {
    pub(super) target: &'a Target,
    pub(super) link: Link,
    /// What waits to be written: all that a case sends goes out at once.
    out: Vec<u8>,
    pub(super) input: BytesMut,
    pub(super) decoder: Decoder,
    /// The block that is being received: stream, END_STREAM, fragments so far, and the promised stream.
    pub(super) block: Option<(u32, bool, Vec<u8>, Option<u32>)>,
    /// What came on each stream.
    pub(super) streams: HashMap<u32, Response>,
    /// The server's settings; those that it has not named are not there.
    pub(super) settings: HashMap<u16, u32>,
    /// Our settings that are not acknowledged.
    pub(super) unacknowledged: VecDeque<Vec<(u16, u32)>>,
    /// What the server may send on a new stream, and of one frame.
    pub(super) initial_window: i64,
    pub(super) max_frame: u32,
    pub(super) push: bool,
    /// What the server may still send on the connection.
    pub(super) window: i64,
    /// Credit that came: for the connection (stream 0) and streams.
    pub(super) credit: HashMap<u32, i64>,
    /// False: what comes is not credited.
    pub(crate) gives_credit: bool,
    /// The highest stream that was used by us.
    pub(super) highest: u32,
    /// Promised streams, with what they belong to.
    pub(super) promised: Vec<(u32, u32)>,
    pub(super) goaway: Option<(u32, ErrorCode)>,
    /// Answers to PING.
    pub(super) pongs: Vec<[u8; 8]>,
    /// What was sent, and what came, in words.
    pub(super) sent: Vec<String>,
    pub(super) came: Vec<String>,
}

impl<'a> Conn<'a> {
    /// Connects.
    pub(crate) fn open(target: &'a Target, start: Start) -> Verdict<Conn<'a>> {
        let unreachable = |error: io::Error| Trouble::Unreachable(format!("{}: {error}", target.address));
        let link = Link::open(target).map_err(unreachable)?;
        let mut conn = Conn {
            target,
            link,
            out: Vec::new(),
            input: BytesMut::new(),
            decoder: Decoder::new(4096),
            block: None,
            streams: HashMap::new(),
            settings: HashMap::new(),
            unacknowledged: VecDeque::new(),
            initial_window: 65_535,
            max_frame: 16_384,
            push: true,
            window: 65_535,
            credit: HashMap::new(),
            gives_credit: true,
            highest: 0,
            promised: Vec::new(),
            goaway: None,
            pongs: Vec::new(),
            sent: Vec::new(),
            came: Vec::new(),
        };
        if let Start::Ready(settings) = start {
            conn.begin(settings)?;
            if settings.is_empty() {
                conn.sent.clear();
            }
            conn.came.clear();
        }
        Ok(conn)
    }

    /// Exchanges prefaces, until both sides have acknowledged the other's settings.
    pub(crate) fn begin(&mut self, settings: &[(u16, u32)]) -> Verdict {
        self.raw(PREFACE, "the preface");
        self.settings(settings);
        self.server_preface()?;
        self.settings_acknowledged()
    }

    // Sending.

    /// Bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8], words: &str) {
        self.out.extend_from_slice(bytes);
        self.sent.push(words.to_owned());
    }

    /// A frame, whatever stands in it.
    pub(crate) fn frame(&mut self, frame_type: FrameType, flags: Flags, stream: u32, payload: &[u8]) {
        let header = FrameHeader { length: payload.len() as u32, frame_type, flags, stream };
        header.write(&mut self.out);
        self.out.extend_from_slice(payload);
        self.sent.push(super::words::frame(header, payload));
        if frame_type == FrameType::SETTINGS && !flags.contains(Flags::ACK) {
            self.unacknowledged.push_back(Vec::new());
        }
        if stream % 2 == 1 && stream > self.highest && frame_type == FrameType::HEADERS {
            self.highest = stream;
        }
    }

    /// A HEADERS frame with these flags.
    pub(crate) fn headers(&mut self, stream: u32, flags: Flags, block: &Block) {
        self.frame(FrameType::HEADERS, flags, stream, &block.0);
    }

    /// A whole request without body.
    pub(crate) fn send(&mut self, stream: u32, request: &Request) {
        self.headers(stream, WHOLE, &request.block());
    }

    /// The usual request: GET, without body.
    pub(crate) fn get(&mut self, stream: u32) {
        let request = self.request("GET");
        self.send(stream, &request);
    }

    /// A request whose body follows.
    pub(crate) fn post(&mut self, stream: u32) {
        let request = self.request("POST");
        self.headers(stream, Flags::END_HEADERS, &request.block());
    }

    /// A DATA frame.
    pub(crate) fn data(&mut self, stream: u32, flags: Flags, data: &[u8]) {
        self.frame(FrameType::DATA, flags, stream, data);
    }

    /// A CONTINUATION frame.
    pub(crate) fn continuation(&mut self, stream: u32, flags: Flags, block: &[u8]) {
        self.frame(FrameType::CONTINUATION, flags, stream, block);
    }

    /// A PRIORITY frame.
    pub(crate) fn priority(&mut self, stream: u32, dependency: u32, exclusive: bool, weight: u8) {
        self.frame(FrameType::PRIORITY, Flags::NONE, stream, &dependency_of(dependency, exclusive, weight));
    }

    /// An RST_STREAM frame.
    pub(crate) fn reset(&mut self, stream: u32, code: ErrorCode) {
        self.frame(FrameType::RST_STREAM, Flags::NONE, stream, &code.0.to_be_bytes());
    }

    /// A WINDOW_UPDATE frame.
    pub(crate) fn window_update(&mut self, stream: u32, increment: u32) {
        self.frame(FrameType::WINDOW_UPDATE, Flags::NONE, stream, &increment.to_be_bytes());
        self.widen(stream, increment);
    }

    /// Credit that the server has from now on.
    pub(super) fn widen(&mut self, stream: u32, increment: u32) {
        let increment = i64::from(increment);
        if stream == 0 {
            self.window += increment;
        } else {
            let initial = self.initial_window;
            self.streams.entry(stream).or_insert_with(|| Response::new(initial)).window += increment;
        }
    }

    /// A SETTINGS frame.
    pub(crate) fn settings(&mut self, settings: &[(u16, u32)]) {
        let mut payload = Vec::new();
        for (id, value) in settings {
            payload.extend_from_slice(&id.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        self.frame(FrameType::SETTINGS, Flags::NONE, 0, &payload);
        if let Some(last) = self.unacknowledged.back_mut() {
            *last = settings.to_vec();
        }
        for (id, value) in settings {
            // What allows more may be used at once, what forbids counts from its acknowledgement on.
            self.apply(SettingId(*id), *value, true);
        }
    }

    /// A PING frame.
    pub(crate) fn ping(&mut self, data: [u8; 8]) {
        self.frame(FrameType::PING, Flags::NONE, 0, &data);
    }

    /// The fields of a request to the path that is tested.
    pub(crate) fn request(&self, method: &str) -> Request {
        Request::new(method, self.scheme(), &self.target.path, &self.target.authority)
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.target.tls.is_some() { "https" } else { "http" }
    }

    /// The authority of requests.
    pub(crate) fn authority(&self) -> &'a str {
        &self.target.authority
    }

    /// The path of requests.
    pub(crate) fn path(&self) -> &'a str {
        &self.target.path
    }

    /// With `--strict`: what should be must be.
    pub(crate) fn is_strict(&self) -> bool {
        self.target.strict
    }

    /// Writes what waits. A peer that has closed is noticed when reading.
    pub(crate) fn flush(&mut self) {
        let out = std::mem::take(&mut self.out);
        let _ = self.link.write(&out);
    }

    /// A setting that the server has named.
    pub(crate) fn setting(&self, id: SettingId) -> Option<u32> {
        self.settings.get(&id.0).copied()
    }

    /// The longest payload that the server takes.
    pub(crate) fn largest_frame(&self) -> usize {
        self.setting(SettingId::MAX_FRAME_SIZE).unwrap_or(16_384) as usize
    }

    /// What came on a stream.
    pub(crate) fn seen(&self, stream: u32) -> Response {
        self.streams.get(&stream).cloned().unwrap_or_default()
    }

    /// Whether a PING with this was answered.
    pub(crate) fn has_pong(&self, data: [u8; 8]) -> Option<()> {
        self.pongs.contains(&data).then_some(())
    }

    /// Credit that came so far; stream 0: for the connection.
    pub(crate) fn credit(&self, stream: u32) -> i64 {
        self.credit.get(&stream).copied().unwrap_or(0)
    }

    /// What was sent, for a report.
    pub(crate) fn sent(self) -> Vec<String> {
        self.sent
    }
}

/// The five bytes of RFC 7540's priority.
pub(crate) fn dependency_of(stream: u32, exclusive: bool, weight: u8) -> [u8; 5] {
    let [a, b, c, d] = (stream | if exclusive { 1 << 31 } else { 0 }).to_be_bytes();
    [a, b, c, d, weight]
}

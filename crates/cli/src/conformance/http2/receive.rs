//! What the server sends: every frame is checked against the rules that hold in all cases.

use std::time::Instant;

use wirelace_hpack::{BlockLimits, HeaderBlock};
use wirelace_http2_frames::{ErrorCode, FRAME_HEADER_LEN, Flags, Frame, FrameHeader, FrameType, SettingId};

use super::conn::Conn;
use super::response::{FieldLines, Response};
use super::words;
use crate::conformance::link::Got;
use crate::conformance::verdict::{Verdict, failed};

/// Something that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A head or trailers, complete.
    Fields(u32),
    /// Part of a body.
    Data(u32),
    /// RST_STREAM.
    Reset(u32, ErrorCode),
    /// SETTINGS, and their acknowledgement.
    Settings,
    SettingsAck,
    /// The answer to a PING.
    Pong([u8; 8]),
    /// GOAWAY, with the last stream.
    GoAway(u32, ErrorCode),
    /// Credit.
    WindowUpdate,
    /// A promise for this stream.
    Promise(u32),
    /// Anything else.
    Other,
    /// The server has closed the connection.
    Closed,
    /// Nothing in time.
    Silence,
}

/// Frames that are remembered for a report.
const REMEMBERED: usize = 12;

impl Conn<'_> {
    /// The next frame, or what else happens.
    pub(crate) fn next(&mut self, deadline: Instant) -> Verdict<Seen> {
        self.flush();
        loop {
            if let Some(header) = FrameHeader::read(&self.input) {
                // An answer in HTTP/1.x, say.
                if header.length > self.max_frame {
                    let start: String =
                        self.input.iter().take(24).map(|byte| byte.escape_ascii().to_string()).collect();
                    let most = self.max_frame;
                    return failed(
                        format!("frames of at most {most} octets (RFC 9113 §4.2)"),
                        format!("`{start}`"),
                    );
                }
                let whole = FRAME_HEADER_LEN + header.length as usize;
                if self.input.len() >= whole {
                    let frame = self.input.split_to(whole);
                    return self.frame_came(header, frame.get(FRAME_HEADER_LEN..).unwrap_or_default());
                }
            }
            match self.link.read(&mut self.input, deadline) {
                Ok(Got::Some) => {}
                Ok(Got::End) if self.input.is_empty() => {
                    return Ok(self.note("the end of the connection", Seen::Closed));
                }
                Ok(Got::End) => {
                    return failed("whole frames (RFC 9113 §4.1)", "the connection ends inside a frame");
                }
                Ok(Got::Nothing) => return Ok(Seen::Silence),
                Err(error) => return failed("a connection that goes on", error.to_string()),
            }
        }
    }

    fn note(&mut self, what: &str, seen: Seen) -> Seen {
        if self.came.len() < REMEMBERED {
            self.came.push(what.to_owned());
        } else if self.came.len() == REMEMBERED {
            self.came.push("…".to_owned());
        }
        seen
    }

    fn frame_came(&mut self, header: FrameHeader, payload: &[u8]) -> Verdict<Seen> {
        let words = words::frame(header, payload);
        let frame = match Frame::parse(header, payload) {
            Ok(frame) => frame,
            Err(error) => return failed("a frame that keeps the rules", format!("{words}: {error}")),
        };
        if let (Some((stream, ..)), false) = (&self.block, header.frame_type == FrameType::CONTINUATION) {
            return failed(
                format!("CONTINUATION on stream {stream} (RFC 9113 §4.3)"),
                format!("{words} inside the block"),
            );
        }
        let seen = self.understand(frame, &words)?;
        Ok(self.note(&words, seen))
    }

    fn understand(&mut self, frame: Frame<'_>, words: &str) -> Verdict<Seen> {
        match frame {
            Frame::Data { stream, data, end_stream, flow_length } => {
                self.data_came(stream, data.len(), i64::from(flow_length), end_stream, words)
            }
            Frame::Headers { stream, fragment, end_stream, end_headers, .. } => {
                self.known(stream, words)?;
                self.block = Some((stream, end_stream, fragment.to_vec(), None));
                if end_headers { self.block_came() } else { Ok(Seen::Other) }
            }
            Frame::PushPromise { stream, promised, fragment, end_headers } => {
                self.known(stream, words)?;
                self.promise_came(stream, promised, words)?;
                self.block = Some((stream, false, fragment.to_vec(), Some(promised)));
                if end_headers { self.block_came() } else { Ok(Seen::Other) }
            }
            Frame::Continuation { stream, fragment, end_headers } => match &mut self.block {
                Some((expected, _, block, _)) if *expected == stream => {
                    block.extend_from_slice(fragment);
                    if end_headers { self.block_came() } else { Ok(Seen::Other) }
                }
                _ => failed("CONTINUATION after HEADERS alone (RFC 9113 §6.10)", words),
            },
            Frame::RstStream { stream, code } => {
                self.known(stream, words)?;
                self.stream(stream).reset = Some(code);
                Ok(Seen::Reset(stream, code))
            }
            Frame::Settings { ack: true, .. } => {
                let Some(settings) = self.unacknowledged.pop_front() else {
                    return failed("one acknowledgement for each SETTINGS (RFC 9113 §6.5.3)", words);
                };
                for (id, value) in settings {
                    self.apply(SettingId(id), value, false);
                }
                Ok(Seen::SettingsAck)
            }
            Frame::Settings { ack: false, settings } => {
                for (id, value) in settings.iter() {
                    fit(id, value, words)?;
                    self.settings.insert(id.0, value);
                }
                self.answer(FrameType::SETTINGS, Flags::ACK, 0, &[]);
                Ok(Seen::Settings)
            }
            Frame::Ping { ack: true, data } => {
                self.pongs.push(data);
                Ok(Seen::Pong(data))
            }
            Frame::Ping { ack: false, data } => {
                self.answer(FrameType::PING, Flags::ACK, 0, &data);
                Ok(Seen::Other)
            }
            Frame::GoAway { last_stream, code, .. } => {
                if let Some((before, _)) = self.goaway.filter(|(before, _)| *before < last_stream) {
                    return failed(
                        format!("a last stream of at most {before}, as before (RFC 9113 §6.8)"),
                        words,
                    );
                }
                self.goaway = Some((last_stream, code));
                Ok(Seen::GoAway(last_stream, code))
            }
            Frame::WindowUpdate { stream, increment } => {
                if stream != 0 {
                    self.known(stream, words)?;
                }
                *self.credit.entry(stream).or_default() += i64::from(increment);
                Ok(Seen::WindowUpdate)
            }
            _ => Ok(Seen::Other),
        }
    }

    /// Streams are opened by us, or promised.
    fn known(&self, stream: u32, words: &str) -> Verdict {
        let promised = self.promised.iter().any(|(promised, _)| *promised == stream);
        if (stream % 2 == 1 && stream <= self.highest) || promised {
            return Ok(());
        }
        failed("frames on streams that were opened (RFC 9113 §5.1)", words)
    }

    pub(super) fn stream(&mut self, stream: u32) -> &mut Response {
        let initial = self.initial_window;
        self.streams.entry(stream).or_insert_with(|| Response::new(initial))
    }

    fn data_came(&mut self, stream: u32, data: usize, flow: i64, end: bool, words: &str) -> Verdict<Seen> {
        self.known(stream, words)?;
        let window = self.window;
        let response = self.stream(stream);
        if response.ended {
            return failed("nothing after END_STREAM (RFC 9113 §5.1)", words);
        }
        if response.status.is_none() {
            return failed("HEADERS before DATA (RFC 9113 §8.1)", words);
        }
        let allowed = response.window.min(window).max(0);
        if flow > allowed {
            return failed(
                format!("at most {allowed} octets of DATA, by the windows (RFC 9113 §6.9.1)"),
                words,
            );
        }
        response.window -= flow;
        response.body += data;
        response.ended = end;
        self.window -= flow;
        if self.gives_credit && flow > 0 {
            let increment = (flow as u32).to_be_bytes();
            self.widen(0, flow as u32);
            self.answer(FrameType::WINDOW_UPDATE, Flags::NONE, 0, &increment);
            if !end {
                self.widen(stream, flow as u32);
                self.answer(FrameType::WINDOW_UPDATE, Flags::NONE, stream, &increment);
            }
        }
        Ok(Seen::Data(stream))
    }

    fn promise_came(&mut self, stream: u32, promised: u32, words: &str) -> Verdict {
        if !self.push {
            return failed("no promise after ENABLE_PUSH 0 (RFC 9113 §6.6)", words);
        }
        let highest = self.promised.iter().map(|(promised, _)| *promised).max().unwrap_or(0);
        if promised % 2 == 1 || promised <= highest {
            return failed(format!("an even stream above {highest} (RFC 9113 §5.1.1)"), words);
        }
        if self.seen(stream).ended {
            return failed("promises on streams that are open (RFC 9113 §6.6)", words);
        }
        self.promised.push((promised, stream));
        Ok(())
    }

    fn block_came(&mut self) -> Verdict<Seen> {
        let Some((stream, end, block, promised)) = self.block.take() else { return Ok(Seen::Other) };
        let mut fields = HeaderBlock::new();
        let limits = BlockLimits { fields: 10_000, list_size: 1 << 20 };
        if let Err(error) = self.decoder.decode(&block, &limits, &mut fields) {
            return failed("a field block that can be decoded (RFC 7541)", error.to_string());
        }
        let lines: FieldLines =
            fields.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect();
        if let Some((name, _)) = lines.iter().find(|(name, _)| name.iter().any(u8::is_ascii_uppercase)) {
            let name = String::from_utf8_lossy(name).into_owned();
            return failed("field names in lower case (RFC 9113 §8.2.1)", name);
        }
        match promised {
            Some(promised) => self.promise_fields(promised, lines),
            None => self.fields_came(stream, end, lines),
        }
    }

    fn promise_fields(&mut self, promised: u32, lines: FieldLines) -> Verdict<Seen> {
        self.stream(promised).promise = lines;
        Ok(Seen::Promise(promised))
    }

    fn fields_came(&mut self, stream: u32, end: bool, lines: FieldLines) -> Verdict<Seen> {
        let response = self.stream(stream);
        if response.ended {
            return failed("nothing after END_STREAM (RFC 9113 §5.1)", "fields");
        }
        response.ended = end;
        let pseudo: Vec<_> = lines.iter().filter(|(name, _)| name.first() == Some(&b':')).collect();
        if response.status.is_some() {
            if !pseudo.is_empty() || !end {
                return failed("trailers with END_STREAM and no pseudo-field (RFC 9113 §8.1)", "others");
            }
            response.trailers = Some(lines);
            return Ok(Seen::Fields(stream));
        }
        let status = match (&*pseudo, lines.first()) {
            ([(name, value)], Some((first, _))) if name == b":status" && first == name => {
                std::str::from_utf8(value)
                    .ok()
                    .filter(|text| text.len() == 3)
                    .and_then(|text| text.parse().ok())
            }
            _ => None,
        };
        let Some(status) = status else {
            return failed("one :status before all fields (RFC 9113 §8.3.2)", words_of(&lines));
        };
        if status == 101 || (status < 200 && end) {
            return failed(
                "a final response after an interim one, and no 101 (RFC 9113 §8.1, §8.6)",
                words_of(&lines),
            );
        }
        const FORBIDDEN: [&[u8]; 5] =
            [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];
        if lines.iter().any(|(name, _)| FORBIDDEN.contains(&&**name)) {
            return failed("no connection-specific fields (RFC 9113 §8.2.2)", words_of(&lines));
        }
        if status < 200 {
            response.interim.push(status);
        } else {
            (response.status, response.fields) = (Some(status), lines);
        }
        Ok(Seen::Fields(stream))
    }

    /// One of our settings counts; `early`: the server may use it, and need not.
    pub(super) fn apply(&mut self, id: SettingId, value: u32, early: bool) {
        match id {
            SettingId::INITIAL_WINDOW_SIZE if !early || i64::from(value) > self.initial_window => {
                let change = i64::from(value) - self.initial_window;
                self.initial_window += change;
                self.streams.values_mut().for_each(|stream| stream.window += change);
            }
            SettingId::MAX_FRAME_SIZE if !early || value > self.max_frame => self.max_frame = value,
            SettingId::HEADER_TABLE_SIZE if !early => self.decoder.set_max_table_size(value as usize),
            SettingId::ENABLE_PUSH if !early => self.push = value != 0,
            _ => {}
        }
    }

    /// A frame that the protocol demands of us, out of turn.
    fn answer(&mut self, frame_type: FrameType, flags: Flags, stream: u32, payload: &[u8]) {
        let mut out = Vec::new();
        FrameHeader { length: payload.len() as u32, frame_type, flags, stream }.write(&mut out);
        out.extend_from_slice(payload);
        // A server that has closed is noticed when reading.
        let _ = self.link.write(&out);
    }
}

/// What servers may say in SETTINGS (RFC 9113 §6.5.2).
fn fit(id: SettingId, value: u32, words: &str) -> Verdict {
    let good = match id {
        SettingId::ENABLE_PUSH => value == 0,
        SettingId::INITIAL_WINDOW_SIZE => value <= 0x7fff_ffff,
        SettingId::MAX_FRAME_SIZE => (16_384..=16_777_215).contains(&value),
        SettingId::ENABLE_CONNECT_PROTOCOL | SettingId::NO_RFC7540_PRIORITIES => value <= 1,
        _ => true,
    };
    if good { Ok(()) } else { failed("settings that a server may send (RFC 9113 §6.5.2)", words) }
}

fn words_of(lines: &FieldLines) -> String {
    let line =
        |(name, value): &(Vec<u8>, Vec<u8>)| format!("{}: {}", name.escape_ascii(), value.escape_ascii());
    lines.iter().map(line).collect::<Vec<_>>().join(", ")
}

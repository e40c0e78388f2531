//! What comes to a server.

use core::hash::{BuildHasher as _, Hash};
use core::time::Duration;
use std::time::Instant;

use bytes::Bytes;

use super::DatagramServer;
use super::answers::Answer;
use super::events::Queued;
use super::requests::{Key, Request};
use crate::base::{self, FrameType};
use crate::datagram::event::SendError;
use crate::datagram::frame;
use crate::datagram::options::SMALLEST;
use crate::error::{DecodeError, ErrorCode};
use crate::extended::{self, Checksum, Frame, kind};

/// Where a datagram comes from, and how its answer has to look.
#[derive(Debug, Clone, Copy)]
struct Origin<A> {
    now: Instant,
    from: A,
    /// Octets of the datagram.
    octets: usize,
    form: Answered,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy)]
enum Answered {
    Base,
    Extended { checksum: bool },
}

impl<A: Copy + Eq + Hash> DatagramServer<A> {
    /// Takes a datagram. One that is wrong or too much is counted, and answered with an ERROR where that is right.
    /// Payloads are slices of it, so it should not be a small part of a large buffer.
    pub fn receive(&mut self, now: Instant, from: A, datagram: Bytes) {
        self.stats.received += 1;
        if !self.wants_input() {
            self.stats.dropped += 1;
            return;
        }
        self.on_deadline(now);
        let version = datagram.first().copied();
        let form = match version {
            Some(extended::VERSION) => {
                let checksum = frame::has_checksum(&datagram) || self.options.checksum == Checksum::On;
                Answered::Extended { checksum }
            }
            _ => Answered::Base,
        };
        let origin = Origin { now, from, octets: datagram.len(), form };
        // Whatever is wrong with an ERROR, it has no answer: two that answer each other's would never end.
        if datagram.get(1) == Some(&FrameType::ERROR.0) {
            self.stats.wrong += 1;
            return;
        }
        let limit = self.options.limits.datagram;
        if datagram.len() > limit {
            self.on_too_long(origin, datagram, limit);
            return;
        }
        match version {
            Some(base::VERSION) => self.on_base(origin, datagram),
            Some(extended::VERSION) => self.on_extended(origin, datagram),
            Some(other) => {
                let text = format!("version {other} at offset 0, expected 10 or 20");
                self.wrong(origin, 0, ErrorCode::VERSION, &text);
            }
            None => self.wrong(origin, 0, ErrorCode::PROTOCOL, "a datagram without octets"),
        }
    }

    /// The caller shall know which of its requests it was, if that can be known.
    fn on_too_long(&mut self, origin: Origin<A>, datagram: Bytes, limit: usize) {
        let text = format!("a datagram of {} octets, the limit is {limit}", datagram.len());
        let id = match origin.form {
            Answered::Extended { .. } => match frame::decode_extended(datagram, self.options.checksum) {
                Ok(Frame::Request { id, .. }) => id,
                _ => 0,
            },
            Answered::Base => 0,
        };
        self.wrong(origin, id, ErrorCode::FRAME_TOO_LONG, &text);
    }

    fn on_base(&mut self, origin: Origin<A>, datagram: Bytes) {
        if self.options.checksum == Checksum::On {
            self.wrong(origin, 0, ErrorCode::VERSION, "the base form is not taken here: it has no checksum");
            return;
        }
        let base::Frame { kind, payload } = match frame::decode_base(datagram.clone()) {
            Ok(frame) => frame,
            Err(error) => return self.no_frame(origin, error),
        };
        match kind {
            FrameType::REQUEST => {
                let hash = self.hasher.hash_one(&payload[..]);
                self.on_request(origin, Key::Payload(hash), hash, None, payload);
            }
            FrameType::HEARTBEAT => self.on_heartbeat(origin, datagram),
            FrameType::RESPONSE => {
                self.wrong(origin, 0, ErrorCode::PROTOCOL, &format!("unexpected frame: {kind}"));
            }
            kind => {
                let text = format!("frame type {:#04x} is unknown", kind.0);
                self.wrong(origin, 0, ErrorCode::UNKNOWN_TYPE, &text);
            }
        }
    }

    fn on_extended(&mut self, origin: Origin<A>, datagram: Bytes) {
        let frame = match frame::decode_extended(datagram, self.options.checksum) {
            Ok(frame) => frame,
            Err(error) => return self.no_frame(origin, error),
        };
        let kind = frame.kind();
        match frame {
            Frame::Request { id, end: true, timeout, payload } => {
                let hash = self.hasher.hash_one(&payload[..]);
                self.on_request(origin, Key::Id(id), hash, timeout.map(Duration::from_millis), payload);
            }
            Frame::Request { id, .. } => {
                self.wrong(origin, id, ErrorCode::PROTOCOL, "a request is one datagram, with its end");
            }
            Frame::Ping { answer: false, payload } => {
                let Answered::Extended { checksum } = origin.form else { return };
                let frame = Frame::Ping { answer: true, payload: &payload[..] };
                let _ = self.answer(origin, |room| frame::encode_extended(frame, checksum, room));
            }
            Frame::Cancel { id, .. } => self.on_cancel(origin, id),
            Frame::Message { payload } => self.on_message(origin, payload),
            // An answer like an ERROR.
            Frame::Ping { .. } | Frame::Error { .. } => self.stats.wrong += 1,
            Frame::Unknown { kind, .. } if kind.0 & kind::MUST_UNDERSTAND == 0 => {}
            Frame::Unknown { kind, id, .. } => {
                let text = format!("frame type {:#04x} must be understood, and is not", kind.0);
                self.wrong(origin, id, ErrorCode::UNKNOWN_TYPE, &text);
            }
            Frame::Response { id, .. } | Frame::Data { id, .. } | Frame::Credit { id, .. } => {
                self.wrong(origin, id, ErrorCode::PROTOCOL, &format!("unexpected frame: {kind}"));
            }
            Frame::GoAway { .. } => {
                self.wrong(origin, 0, ErrorCode::PROTOCOL, &format!("unexpected frame: {kind}"));
            }
        }
    }

    fn on_request(
        &mut self,
        origin: Origin<A>,
        key: Key,
        hash: u64,
        timeout: Option<Duration>,
        payload: Bytes,
    ) {
        let Origin { now, from, .. } = origin;
        if let Some((_, request)) = self.requests.find(from, key) {
            if request.hash == hash {
                self.stats.repeats += 1;
            } else {
                self.reused(origin, key);
            }
            return;
        }
        if let Some(answer) = self.answers.get(&(from, key)) {
            if answer.hash == hash {
                let datagram = answer.datagram.clone();
                self.stats.resent += 1;
                self.put(from, datagram);
            } else {
                self.reused(origin, key);
            }
            return;
        }
        if self.shutting_down {
            self.refuse(origin, key, hash, "shutting down");
            return;
        }
        let limits = &self.options.limits;
        let under_way = self.requests.len() + self.events.cancelled();
        if under_way >= limits.requests as usize || self.requests.of(from) >= limits.requests_each {
            self.refuse(origin, key, hash, "too many requests");
            return;
        }
        let checksum = matches!(origin.form, Answered::Extended { checksum: true });
        let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
        let id = self.requests.open(Request { from, key, hash, checksum, deadline, told: false });
        self.events.push(Queued::Request { id, from, payload });
        self.stats.requests += 1;
    }

    fn on_heartbeat(&mut self, origin: Origin<A>, datagram: Bytes) {
        if self.heartbeats.take(origin.now, self.hasher.hash_one(origin.from)) {
            let _ = self.answer(origin, |_| Ok(datagram));
        } else {
            self.stats.dropped += 1;
        }
    }

    fn on_cancel(&mut self, origin: Origin<A>, id: u64) {
        if let Some((id, _)) = self.requests.find(origin.from, Key::Id(id)) {
            self.cancel(origin.now, id, ErrorCode::CANCELLED);
        }
    }

    fn on_message(&mut self, origin: Origin<A>, payload: Bytes) {
        if self.shutting_down || self.events.messages() >= self.options.limits.messages {
            self.stats.dropped += 1;
            return;
        }
        self.stats.messages += 1;
        self.events.push(Queued::Message { from: origin.from, payload });
    }

    fn reused(&mut self, origin: Origin<A>, key: Key) {
        self.stats.reused += 1;
        let _ = self.error(origin, id_of(key), ErrorCode::PROTOCOL, "id reused for another request");
    }

    /// It was not processed and never will be: that is said of the repeats, too. The budget bounds how many such
    /// answers are kept.
    fn refuse(&mut self, origin: Origin<A>, key: Key, hash: u64, text: &str) {
        self.stats.refused += 1;
        if let Some(datagram) = self.error(origin, id_of(key), ErrorCode::REFUSED, text)
            && let Key::Id(_) = key
        {
            self.answers.keep(origin.now, (origin.from, key), Answer { hash, datagram });
        }
    }

    fn no_frame(&mut self, origin: Origin<A>, error: DecodeError) {
        // There is little room for text.
        let text = match error {
            DecodeError::Truncated { missing, .. } => {
                format!("the frame is cut, {missing} octets are missing")
            }
            error => error.to_string(),
        };
        self.wrong(origin, 0, error.code(), &text);
    }

    fn wrong(&mut self, origin: Origin<A>, id: u64, code: ErrorCode, text: &str) {
        self.stats.wrong += 1;
        let _ = self.error(origin, id, code, text);
    }

    /// What was answered, if anything.
    fn error(&mut self, origin: Origin<A>, id: u64, code: ErrorCode, text: &str) -> Option<Bytes> {
        self.answer(origin, |room| match origin.form {
            Answered::Base => frame::error_base(text, room),
            Answered::Extended { checksum } => frame::error_extended(id, code, text, checksum, room),
        })
    }

    /// Answers out of the budget, with no more octets than came, or 64: who forges addresses gains nothing.
    fn answer(
        &mut self,
        origin: Origin<A>,
        encode: impl FnOnce(usize) -> Result<Bytes, SendError>,
    ) -> Option<Bytes> {
        if !self.control.take(origin.now, 1) {
            self.stats.dropped += 1;
            return None;
        }
        let room = origin.octets.max(SMALLEST).min(self.options.limits.datagram);
        let datagram = encode(room).ok()?;
        self.put(origin.from, datagram.clone());
        Some(datagram)
    }
}

/// The id on the wire.
fn id_of(key: Key) -> u64 {
    match key {
        Key::Id(id) => id,
        Key::Payload(_) => 0,
    }
}

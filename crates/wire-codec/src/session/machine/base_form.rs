//! Frames of the base form: answers in the order of the requests.

use std::time::Instant;

use bytes::Bytes;

use super::{Session, Slot, exchange};
use crate::base::{Frame, FrameType};
use crate::error::ErrorCode;
use crate::extended::{Hello, Role};
use crate::session::credit::Window;
use crate::session::{Error, Event, ExchangeId};

impl Session {
    pub(super) fn on_base(&mut self, now: Instant, frame: Frame<Bytes>) -> Result<Option<Event>, Error> {
        if frame.kind == FrameType::HEARTBEAT {
            return self.on_heartbeat(now, frame.payload);
        }
        match self.role {
            Role::Acceptor => self.on_base_request(now, frame),
            Role::Initiator => self.on_base_answer(frame),
        }
    }

    fn on_heartbeat(&mut self, now: Instant, payload: Bytes) -> Result<Option<Event>, Error> {
        self.charge(now)?;
        // An echo of our own hello that comes late is an answer like any other.
        if let Some(hello) = Hello::decode(&payload)
            && !(self.silent_hello && hello.is_ok_and(|hello| hello.role == Role::Initiator))
        {
            return Err(Error::UnexpectedHello);
        }
        if self.heartbeats == 0 {
            let before = self.put_octets;
            self.put_base(FrameType::HEARTBEAT, payload);
            self.replied(before);
            return Ok(None);
        }
        self.heartbeats -= 1;
        if std::mem::take(&mut self.silent_hello) {
            return Ok(None);
        }
        Ok(self.pong(now))
    }

    /// A ping was answered.
    pub(super) fn pong(&mut self, now: Instant) -> Option<Event> {
        let ping = self.ping.take()?;
        let round_trip = now.saturating_duration_since(ping.sent);
        self.stats.round_trip = Some(round_trip);
        ping.wanted.then_some(Event::Pong { round_trip })
    }

    fn on_base_request(&mut self, now: Instant, frame: Frame<Bytes>) -> Result<Option<Event>, Error> {
        if frame.kind != FrameType::REQUEST {
            self.charge(now)?;
            let text = match frame.kind {
                FrameType::RESPONSE | FrameType::ERROR => format!("unexpected frame: {}", frame.kind),
                kind => format!("frame type {:#04x} is unknown", kind.0),
            };
            if self.order.is_empty() {
                let before = self.put_octets;
                self.put_base(FrameType::ERROR, text.into());
                self.replied(before);
            } else {
                self.order.push_back(Slot::Ready(text.into()));
            }
            return Ok(None);
        }
        let id = self.peer_last.wrapping_add(if self.peer_last == 0 { 1 } else { 2 });
        self.peer_last = id;
        let data = frame.payload;
        let mut exchange = exchange(Window::new(u64::MAX), 0, false, None);
        exchange.received_all = true;
        exchange.window.receive(data.len() as u64);
        self.connection.receive(data.len() as u64);
        self.stats.requests_received += 1;
        self.stats.payload_received += data.len() as u64;
        self.open(id, exchange);
        self.order.push_back(Slot::Exchange(id));
        Ok(Some(Event::Request { id: ExchangeId(id), data, end: true, timeout: None }))
    }

    fn on_base_answer(&mut self, frame: Frame<Bytes>) -> Result<Option<Event>, Error> {
        let kind = frame.kind;
        let response = kind == FrameType::RESPONSE;
        // An error might be the answer to our hello, and all that follow would answer the wrong requests.
        let unclear = self.silent_hello && !response;
        if unclear || !response && kind != FrameType::ERROR {
            return Err(Error::UnexpectedFrame(kind));
        }
        let Some(Slot::Exchange(id)) = self.order.pop_front() else {
            return Err(Error::UnexpectedFrame(kind));
        };
        if response && std::mem::take(&mut self.silent_hello) {
            // It answers in order, so it will not answer the hello any more.
            self.heartbeats = self.heartbeats.saturating_sub(1);
        }
        let open = self.exchanges.get(id).is_some();
        if open && response {
            // Held by the application from now on, and by nobody's window.
            self.stats.payload_received += frame.payload.len() as u64;
        }
        self.close(id);
        // Also when nobody waits for this answer any more: there is a place free.
        self.wake();
        if !open {
            return Ok(None);
        }
        let id = ExchangeId(id);
        Ok(Some(if response {
            Event::Response { id, data: frame.payload, end: true }
        } else {
            let text = String::from_utf8_lossy(&frame.payload).into_owned();
            Event::Failed { id, code: ErrorCode::APPLICATION, text, by_peer: true }
        }))
    }

    /// The oldest request was answered: errors that were ready go out, and the next one's turn has come.
    pub(super) fn next_answer(&mut self) {
        self.order.pop_front();
        while let Some(Slot::Ready(_)) = self.order.front() {
            if let Some(Slot::Ready(text)) = self.order.pop_front() {
                self.put_base(FrameType::ERROR, text);
            }
        }
        self.wake();
    }

    /// Answers a request with an error, in its turn.
    pub(super) fn answer_error(&mut self, id: u64, text: Bytes) {
        self.close(id);
        if let Some(Slot::Exchange(front)) = self.order.front()
            && *front == id
        {
            self.put_base(FrameType::ERROR, text);
            self.next_answer();
            return;
        }
        for slot in &mut self.order {
            if matches!(slot, Slot::Exchange(other) if *other == id) {
                *slot = Slot::Ready(text);
                return;
            }
        }
    }
}

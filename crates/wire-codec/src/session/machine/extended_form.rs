//! Frames of the extended form.

use core::time::Duration;
use std::time::Instant;

use bytes::Bytes;

use super::{MESSAGE_COST, Session, exchange};
use crate::error::ErrorCode;
use crate::extended::{Frame, kind};
use crate::session::credit::Window;
use crate::session::{Error, Event, ExchangeId};
use wirelace_wire::varint::VARINT_MAX;

/// Octets under which a part that is not the last, or credit, counts as next to nothing.
const SMALL: u64 = 64;

/// Parts under so many octets get memory of their own, so that many of them do not keep as many read buffers.
const PINS: usize = 1024;

impl Session {
    pub(super) fn on_extended(&mut self, now: Instant, frame: Frame<Bytes>) -> Result<Option<Event>, Error> {
        match frame {
            Frame::Request { id, end, timeout, payload } => self.on_request(now, id, end, timeout, payload),
            Frame::Response { id, end, payload } => self.on_response(now, id, end, payload),
            Frame::Data { id, end, payload } => self.on_data(now, id, end, payload),
            Frame::Credit { id, bytes } => self.on_credit(now, id, bytes).map(|()| None),
            Frame::Ping { answer, payload } => self.on_ping(now, answer, payload),
            Frame::Message { payload } => {
                self.timers.busy();
                self.count(payload.len() as u64 + MESSAGE_COST, 0)?;
                self.messages_held += payload.len() as u64 + MESSAGE_COST;
                self.stats.payload_received -= MESSAGE_COST;
                Ok(Some(Event::Message { data: alone(payload) }))
            }
            Frame::Error { id: 0, code, text } => Err(Error::Peer { code, text: readable(&text) }),
            Frame::Error { id, code, text } => self.on_end(now, id, code, &text),
            Frame::Cancel { id, code } => self.on_end(now, id, code, b""),
            Frame::GoAway { last, code, text } => self.on_go_away(now, last, code, &text),
            Frame::Unknown { kind, .. } if kind.0 & kind::MUST_UNDERSTAND != 0 => {
                Err(Error::UnknownType(kind.0))
            }
            Frame::Unknown { .. } => self.charge(now).map(|()| None),
        }
    }

    /// Octets against the connection's credit.
    fn count(&mut self, octets: u64, id: u64) -> Result<(), Error> {
        if !self.connection.receive(octets) {
            return Err(Error::CreditExceeded(id));
        }
        self.stats.payload_received += octets;
        Ok(())
    }

    /// A part against the connection's credit; `within`: that of its exchange was enough.
    fn count_part(
        &mut self,
        now: Instant,
        id: u64,
        octets: u64,
        end: bool,
        within: bool,
    ) -> Result<(), Error> {
        if octets < SMALL && !end {
            self.charge_small(now)?;
        }
        self.count(octets, id)?;
        if within { Ok(()) } else { Err(Error::CreditExceeded(id)) }
    }

    /// A frame for an exchange that is over, which its sender may not have known: only its octets count.
    fn stale(&mut self, now: Instant, id: u64, octets: usize) -> Result<Option<Event>, Error> {
        if !self.was_opened(id) {
            return Err(Error::UnknownExchange(id));
        }
        self.charge_small(now)?;
        self.count(octets as u64, id)?;
        self.connection.take(octets as u64);
        self.return_credit();
        Ok(None)
    }

    fn on_request(
        &mut self,
        now: Instant,
        id: u64,
        end: bool,
        timeout: Option<u64>,
        data: Bytes,
    ) -> Result<Option<Event>, Error> {
        if self.is_own(id) || id <= self.peer_last {
            return Err(Error::IdReused(id));
        }
        self.peer_last = id;
        if self.shutting_down {
            // It learns from our GOAWAY that this was not processed.
            return self.stale(now, id, data.len());
        }
        let unread = self.unread.count(self.gone());
        if self.exchanges.count(id) as usize + unread >= self.limits.exchanges as usize {
            return Err(Error::TooManyExchanges(self.limits.exchanges));
        }
        let timeout = timeout.map(Duration::from_millis);
        let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
        let window = Window::new(self.limits.exchange_window);
        let mut exchange = exchange(window, self.peer.exchange_window, false, deadline);
        exchange.received_all = end;
        // Not open yet: the application is not told of the end of what it never saw.
        let octets = data.len() as u64;
        let within = exchange.window.receive(octets);
        self.count_part(now, id, octets, end, within)?;
        self.open(id, exchange);
        self.stats.requests_received += 1;
        let data = if end { data } else { alone(data) };
        Ok(Some(Event::Request { id: ExchangeId(id), data, end, timeout }))
    }

    fn on_response(&mut self, now: Instant, id: u64, end: bool, data: Bytes) -> Result<Option<Event>, Error> {
        if !self.is_own(id) {
            return Err(Error::UnexpectedFrame(kind::RESPONSE));
        }
        let Some(exchange) = self.exchanges.get_mut(id) else { return self.stale(now, id, data.len()) };
        if std::mem::replace(&mut exchange.peer_begun, true) {
            return Err(Error::UnexpectedFrame(kind::RESPONSE));
        }
        let octets = data.len() as u64;
        let within = exchange.window.receive(octets);
        self.count_part(now, id, octets, end, within)?;
        if end {
            self.close(id);
        }
        let data = if end { data } else { alone(data) };
        Ok(Some(Event::Response { id: ExchangeId(id), data, end }))
    }

    fn on_data(&mut self, now: Instant, id: u64, end: bool, data: Bytes) -> Result<Option<Event>, Error> {
        let own = self.is_own(id);
        let Some(exchange) = self.exchanges.get_mut(id) else { return self.stale(now, id, data.len()) };
        if !exchange.peer_begun {
            return Err(Error::UnexpectedFrame(kind::DATA));
        }
        if exchange.received_all {
            return Err(Error::DataAfterEnd(id));
        }
        exchange.received_all = end;
        let octets = data.len() as u64;
        let within = exchange.window.receive(octets);
        self.count_part(now, id, octets, end, within)?;
        if end && own {
            self.close(id);
        }
        let data = if end { data } else { alone(data) };
        Ok(Some(Event::Data { id: ExchangeId(id), data, end }))
    }

    fn on_credit(&mut self, now: Instant, id: u64, bytes: u64) -> Result<(), Error> {
        if bytes < SMALL {
            self.charge_small(now)?;
        }
        let credit = match self.exchanges.get_mut(id) {
            _ if id == 0 => &mut self.credit,
            Some(exchange) => &mut exchange.credit,
            None => return self.stale(now, id, 0).map(|_| ()),
        };
        *credit = credit
            .checked_add(bytes)
            .filter(|credit| *credit <= VARINT_MAX)
            .ok_or(Error::CreditOverflow(id))?;
        self.wake();
        Ok(())
    }

    fn on_ping(&mut self, now: Instant, answer: bool, payload: Bytes) -> Result<Option<Event>, Error> {
        if !answer {
            self.charge(now)?;
            let before = self.put_octets;
            self.put(Frame::Ping { answer: true, payload });
            self.replied(before);
            return Ok(None);
        }
        let ours = self.ping.as_ref().is_some_and(|ping| payload == ping.payload.to_be_bytes()[..]);
        if ours {
            return Ok(self.pong(now));
        }
        self.charge(now).map(|()| None)
    }

    /// The peer ends an exchange.
    fn on_end(
        &mut self,
        now: Instant,
        id: u64,
        code: ErrorCode,
        text: &[u8],
    ) -> Result<Option<Event>, Error> {
        let own = self.is_own(id);
        if self.exchanges.get(id).is_none() {
            self.stale(now, id, 0)?;
            // The peer's place is free; the answer that it did not wait for is one that costs it nothing.
            if !own && let Some((octets, end)) = self.unread.remove(id) {
                self.count_reply(octets, end);
            }
            return Ok(None);
        }
        if !own {
            self.charge_small(now)?;
        }
        self.close(id);
        let id = ExchangeId(id);
        Ok(Some(if own {
            Event::Failed { id, code, text: readable(text), by_peer: true }
        } else {
            Event::Cancelled { id, code }
        }))
    }

    fn on_go_away(
        &mut self,
        now: Instant,
        last: u64,
        code: ErrorCode,
        text: &[u8],
    ) -> Result<Option<Event>, Error> {
        self.charge(now)?;
        self.peer_going = true;
        for id in self.exchanges.ids(|id, _| id > last) {
            if self.is_own(id) {
                self.close(id);
                let text = String::from("the peer takes no new requests");
                let id = ExchangeId(id);
                self.events.push_back(Event::Failed { id, code: ErrorCode::REFUSED, text, by_peer: true });
            }
        }
        Ok(Some(Event::GoAway { code, text: readable(text) }))
    }
}

/// A small part in memory of its own.
fn alone(data: Bytes) -> Bytes {
    if data.len() < PINS { Bytes::copy_from_slice(&data) } else { data }
}

/// It was checked when it was decoded.
fn readable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

//! What the application wants.

use core::time::Duration;
use std::time::Instant;

use bytes::Bytes;

use super::{MESSAGE_COST, Phase, Ping, Session, exchange, part_size};
use crate::base::FrameType;
use crate::error::ErrorCode;
use crate::extended::{Frame, Role};
use crate::session::credit::Window;
use crate::session::{ExchangeId, SendError};

impl Session {
    /// Opens an exchange with the first part of a request; `end`: that is all of it. When `timeout` is over and the
    /// response is not there, the exchange fails with [`ErrorCode::DEADLINE`]; in the extended form the peer is
    /// told the time, too.
    ///
    /// # Errors
    ///
    /// Nothing was sent. After [`SendError::Full`] comes an
    /// [`Event::RequestCapacity`](crate::session::Event::RequestCapacity).
    pub fn send_request(
        &mut self,
        now: Instant,
        data: Bytes,
        end: bool,
        timeout: Option<Duration>,
    ) -> Result<ExchangeId, SendError> {
        self.may_open()?;
        match self.phase {
            Phase::Base if self.role == Role::Acceptor => return Err(SendError::Unsupported),
            Phase::Base if !end => return Err(SendError::Whole),
            Phase::Base => self.fits(data.len(), self.limits.frame)?,
            _ => {}
        }
        let room = self.room_for_request();
        let fits = match self.phase {
            Phase::Extended if data.is_empty() => self.may_open_one(),
            _ => room > 0 && data.len() <= room,
        };
        if !fits {
            self.block_requests(if self.phase == Phase::Base { 1 } else { data.len() });
            return Err(SendError::Full);
        }
        let id = self.next_own();
        let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
        self.stats.requests_sent += 1;
        self.stats.payload_sent += data.len() as u64;
        if self.phase == Phase::Base {
            let mut exchange = exchange(Window::new(u64::MAX), 0, true, deadline);
            exchange.sent_all = true;
            self.open(id, exchange);
            self.order.push_back(super::Slot::Exchange(id));
            self.put_base(FrameType::REQUEST, data);
            return Ok(ExchangeId(id));
        }
        let octets = data.len() as u64;
        let window = Window::new(self.limits.exchange_window);
        let mut exchange = exchange(window, self.peer.exchange_window.saturating_sub(octets), true, deadline);
        exchange.sent_all = end;
        self.credit = self.credit.saturating_sub(octets);
        self.open(id, exchange);
        let timeout =
            timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).min(1 << 60));
        let (first, rest) = self.first_part(data);
        self.put(Frame::Request { id, end: end && rest.is_empty(), timeout, payload: first });
        self.put_parts(id, rest, end);
        Ok(ExchangeId(id))
    }

    fn may_open(&self) -> Result<(), SendError> {
        if self.over || self.eof {
            Err(SendError::Closed)
        } else if self.form().is_none() {
            Err(SendError::NotReady)
        } else if self.shutting_down || self.peer_going {
            Err(SendError::ShuttingDown)
        } else {
            Ok(())
        }
    }

    fn fits(&self, length: usize, limit: usize) -> Result<(), SendError> {
        if length <= limit { Ok(()) } else { Err(SendError::TooLong { length, limit }) }
    }

    fn first_part(&self, mut data: Bytes) -> (Bytes, Bytes) {
        let first = data.split_to(part_size(&self.peer).min(data.len()));
        (first, data)
    }

    /// DATA frames for all of `data`.
    fn put_parts(&mut self, id: u64, mut data: Bytes, end: bool) {
        while !data.is_empty() {
            let (part, rest) = self.first_part(data);
            self.put(Frame::Data { id, end: end && rest.is_empty(), payload: part });
            data = rest;
        }
    }

    /// Takes `octets` of credit for an exchange, or says that there is none.
    fn spend(&mut self, id: u64, octets: usize) -> Result<(), SendError> {
        if octets > 0 && octets > self.room_for(id) {
            self.block(id, octets);
            return Err(SendError::Full);
        }
        if let Some(exchange) = self.exchanges.get_mut(id) {
            exchange.credit = exchange.credit.saturating_sub(octets as u64);
            self.credit = self.credit.saturating_sub(octets as u64);
        }
        self.stats.payload_sent += octets as u64;
        Ok(())
    }

    /// Begins the response to a request of the peer; `end`: that is all of it.
    ///
    /// # Errors
    ///
    /// Nothing was sent. After [`SendError::Full`] comes an
    /// [`Event::Capacity`](crate::session::Event::Capacity).
    pub fn respond(&mut self, id: ExchangeId, data: Bytes, end: bool) -> Result<(), SendError> {
        let ExchangeId(id) = id;
        if self.is_own(id) {
            return Err(SendError::Closed);
        }
        let Some(exchange) = self.exchanges.get_mut(id) else { return Err(SendError::Closed) };
        if exchange.begun {
            return Err(SendError::Order);
        }
        if self.phase == Phase::Base {
            if !end {
                return Err(SendError::Whole);
            }
            self.fits(data.len(), self.limits.frame)?;
            if self.room_for(id) == 0 {
                self.block(id, 1);
                return Err(SendError::Full);
            }
            self.stats.payload_sent += data.len() as u64;
            self.put_base(FrameType::RESPONSE, data);
            self.close(id);
            self.next_answer();
            return Ok(());
        }
        let (before, octets) = (self.put_octets, data.len());
        let spent = octets as u64;
        let credit = exchange.credit.min(self.credit);
        if octets > 0 && (spent > credit || octets > self.output.room()) {
            self.block(id, octets);
            return Err(SendError::Full);
        }
        exchange.begun = true;
        exchange.credit -= spent;
        self.credit -= spent;
        self.stats.payload_sent += spent;
        let (first, rest) = self.first_part(data);
        self.put(Frame::Response { id, end: end && rest.is_empty(), payload: first });
        self.put_parts(id, rest, end);
        if end {
            self.answered(id, before, octets);
        }
        Ok(())
    }

    /// The next part of an own request, or of a response that has begun; `end`: the last one.
    ///
    /// # Errors
    ///
    /// Nothing was sent. After [`SendError::Full`] comes an
    /// [`Event::Capacity`](crate::session::Event::Capacity).
    pub fn send_data(&mut self, id: ExchangeId, data: Bytes, end: bool) -> Result<(), SendError> {
        let ExchangeId(id) = id;
        let Some(exchange) = self.exchanges.get(id) else { return Err(SendError::Closed) };
        if exchange.sent_all {
            return Err(SendError::Closed);
        }
        if self.phase == Phase::Base {
            return Err(SendError::Whole);
        }
        if !exchange.begun {
            return Err(SendError::Order);
        }
        self.spend(id, data.len())?;
        let (before, octets) = (self.put_octets, data.len());
        if data.is_empty() && end {
            self.put(Frame::Data { id, end, payload: data });
        } else {
            self.put_parts(id, data, end);
        }
        if end {
            if let Some(exchange) = self.exchanges.get_mut(id) {
                exchange.sent_all = true;
            }
            if !self.is_own(id) {
                self.answered(id, before, octets);
            }
        }
        Ok(())
    }

    /// Ends a request of the peer with an error: in the extended form at any time, in the base form in place of the
    /// response, without the code. Of the text, the first 989 octets travel.
    ///
    /// # Errors
    ///
    /// There is no such request.
    pub fn respond_error(&mut self, id: ExchangeId, code: ErrorCode, text: &str) -> Result<(), SendError> {
        let ExchangeId(id) = id;
        if self.is_own(id) || self.exchanges.get(id).is_none() {
            return Err(SendError::Closed);
        }
        let text = Session::shorten(text);
        if self.phase == Phase::Base {
            self.answer_error(id, text);
        } else {
            let before = self.put_octets;
            self.put(Frame::Error { id, code, text });
            self.answered(id, before, 0);
        }
        Ok(())
    }

    /// Gives an exchange up: the answer to an own request is not wanted, a request of the peer will get none. No
    /// event follows.
    pub fn cancel(&mut self, id: ExchangeId, code: ErrorCode) {
        let ExchangeId(id) = id;
        // Nor one that waits already.
        self.events.retain(|event| event.exchange() != Some(ExchangeId(id)));
        if self.exchanges.get(id).is_none() {
            return;
        }
        let before = self.put_octets;
        match (self.phase, self.is_own(id)) {
            (Phase::Extended, true) => {
                self.put(Frame::Cancel { id, code });
                self.close(id);
            }
            (Phase::Extended, false) => {
                self.put(Frame::Cancel { id, code });
                self.answered(id, before, 0);
            }
            // Its answer will come all the same, in its place.
            (_, true) => self.close(id),
            (_, false) => self.answer_error(id, Session::shorten(code.name())),
        }
    }

    /// The time for an exchange is over.
    pub(super) fn expire(&mut self, id: u64) {
        use crate::session::Event;
        let code = ErrorCode::DEADLINE;
        let text = "the time for the exchange is over";
        let event = if self.is_own(id) {
            self.cancel(ExchangeId(id), code);
            Event::Failed { id: ExchangeId(id), code, text: text.into(), by_peer: false }
        } else {
            let _ = self.respond_error(ExchangeId(id), code, text);
            Event::Cancelled { id: ExchangeId(id), code }
        };
        self.events.push_back(event);
    }

    /// Sends a one-way message, whole; extended form only.
    ///
    /// # Errors
    ///
    /// Nothing was sent. After [`SendError::Full`] comes an
    /// [`Event::MessageCapacity`](crate::session::Event::MessageCapacity).
    pub fn send_message(&mut self, data: Bytes) -> Result<(), SendError> {
        self.may_open()?;
        if self.phase == Phase::Base {
            return Err(SendError::Unsupported);
        }
        // So much comes back for certain: credit travels by half windows.
        let window = usize::try_from(self.peer.connection_window / 2).unwrap_or(usize::MAX);
        let frame = (self.peer.max_frame as usize).saturating_sub(crate::extended::MAX_OVERHEAD);
        self.fits(data.len(), frame.min(window.saturating_sub(MESSAGE_COST as usize)))?;
        let cost = data.len() as u64 + MESSAGE_COST;
        if cost > self.credit || self.output.room() == 0 {
            self.message_wants = cost;
            return Err(SendError::Full);
        }
        self.credit -= cost;
        self.stats.payload_sent += data.len() as u64;
        self.put(Frame::Message { payload: data });
        Ok(())
    }

    /// Octets that [`respond`](Session::respond) and [`send_data`](Session::send_data) take now; after a 0 an
    /// [`Event::Capacity`](crate::session::Event::Capacity) says when there are more.
    pub fn capacity(&mut self, id: ExchangeId) -> usize {
        let room = self.room_for(id.0);
        if room == 0 {
            self.block(id.0, 1);
        }
        room
    }

    /// Octets that [`send_request`](Session::send_request) takes now; after a 0 an
    /// [`Event::RequestCapacity`](crate::session::Event::RequestCapacity) says when there are more.
    pub fn request_capacity(&mut self) -> usize {
        let room = self.room_for_request();
        if room == 0 {
            self.block_requests(1);
        }
        room
    }

    /// The application took so many octets of an exchange: the peer may send as many more.
    pub fn consumed(&mut self, id: ExchangeId, octets: usize) {
        let ExchangeId(id) = id;
        let Some(exchange) = self.exchanges.get_mut(id) else { return };
        let taken = exchange.window.take(octets as u64);
        let back = if exchange.received_all { None } else { exchange.window.give_back() };
        self.connection.take(taken);
        if let Some(bytes) = back {
            self.put(Frame::Credit { id, bytes });
        }
        self.return_credit();
    }

    /// The application took a message of so many octets.
    pub fn message_consumed(&mut self, octets: usize) {
        let octets = self.messages_held.min(octets as u64 + MESSAGE_COST);
        self.messages_held -= octets;
        self.connection.take(octets);
        self.return_credit();
    }

    /// Asks for a sign of life; an [`Event::Pong`](crate::session::Event::Pong) tells how long it took. With one
    /// under way, that one counts.
    ///
    /// # Errors
    ///
    /// The acceptor of a base session cannot: its peer need not answer.
    pub fn ping(&mut self, now: Instant) -> Result<(), SendError> {
        match self.phase {
            _ if self.over => return Err(SendError::Closed),
            Phase::Hello | Phase::First => return Err(SendError::NotReady),
            Phase::Base if self.role == Role::Acceptor => return Err(SendError::Unsupported),
            _ => {}
        }
        self.send_ping(now, true);
        Ok(())
    }

    pub(super) fn send_ping(&mut self, now: Instant, wanted: bool) {
        if let Some(ping) = &mut self.ping {
            ping.wanted |= wanted;
            return;
        }
        self.pings += 1;
        self.ping = Some(Ping { payload: self.pings, sent: now, wanted });
        if self.phase == Phase::Extended {
            let payload = Bytes::copy_from_slice(&self.pings.to_be_bytes());
            self.put(Frame::Ping { answer: false, payload });
        } else {
            self.heartbeats = self.heartbeats.saturating_add(1);
            self.put_base(FrameType::HEARTBEAT, Bytes::new());
        }
    }

    /// Finishes what runs and takes nothing new; then the session is finished.
    pub fn shut_down(&mut self, now: Instant) {
        if self.over || std::mem::replace(&mut self.shutting_down, true) {
            return;
        }
        if self.phase == Phase::Extended {
            self.put_go_away();
        }
        self.settle(now);
    }
}

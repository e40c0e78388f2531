//! The server's side of a connection: what is received, and how it ends.

mod commands;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use http::{Method, StatusCode, Version};
use wirelace_http_semantics::framing::BodyLength;
use wirelace_http_semantics::{
    Event, FieldId, Head, HttpMachine, Reason, RequestHead, ResponseHead, StreamId,
};
use wirelace_wire::{Machine, Output};

use super::body_receive::{BodyReceiver, Received};
use super::body_send::BodySender;
use super::error::Error;
use super::exchange::{Exchange, Progress};
use super::head_receive::HeadReceiver;
use super::head_send::{Answered, write_response};
use super::limits::Limits;
use super::section::Summary;
use super::stats::Stats;
use super::timers::{Timers, Waiting};
use crate::head::RequestIndex;

/// The server's side of one HTTP/1 connection.
///
/// Requests come out as [`Event::Head`] and, where they have a body, [`Event::Data`] and [`Event::Trailers`].
/// Responses go in by [`HttpMachine::send_head`], in the order of the requests: one for a later request is
/// `Blocked` until [`Event::Capacity`] says that its turn has come. After 101, or 2xx to CONNECT, `Data` carries
/// the tunnel's bytes in both directions.
///
/// A request that breaks a rule is answered (400, 408, 413, 414, 417, 431, 501, 505) and ends the connection.
#[derive(Debug)]
pub struct ServerConnection {
    limits: Arc<Limits>,
    output: Output,
    /// The oldest first: it is the one whose response may be sent. The newest last: it is the one whose request
    /// is received.
    exchanges: VecDeque<Exchange>,
    requests: u64,
    head: HeadReceiver<RequestIndex>,
    receive: Receive,
    sender: BodySender,
    timers: Timers,
    /// The peer has closed its side.
    input_closed: bool,
    /// No request is taken after those under way.
    closing: bool,
    /// A response has ended the connection: requests that are left are reset.
    refusing: bool,
    finished: bool,
    /// Bytes that `poll_event` left in the driver's buffer.
    buffered: usize,
    stats: Stats,
}

#[derive(Debug)]
enum Receive {
    Head,
    Body(BodyReceiver),
    /// After 101 or a successful CONNECT.
    Tunnel,
    /// Nothing is wanted any more.
    Nothing,
    /// The connection is to end with this; `answer`: the peer is told, if no other response is under way.
    Failed {
        error: Error,
        answer: bool,
    },
}

impl ServerConnection {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(limits: impl Into<Arc<Limits>>, now: Instant) -> ServerConnection {
        let limits = limits.into();
        let mut timers = Timers::new(limits.timeouts);
        // A client that connects is expected to speak.
        timers.waiting = Waiting::Head(now);
        ServerConnection {
            output: Output::new(limits.output.max(1)),
            exchanges: VecDeque::new(),
            requests: 0,
            head: HeadReceiver::new(),
            receive: Receive::Head,
            sender: BodySender::Idle,
            timers,
            input_closed: false,
            closing: false,
            refusing: false,
            finished: false,
            buffered: 0,
            stats: Stats::default(),
            limits,
        }
    }

    /// True while the client waits for 100 (Continue) before it sends the body (RFC 9110 §10.1.1). Answer with an
    /// interim 100 to get the body, or with a final status to refuse it.
    #[must_use]
    pub fn expects_continue(&self, stream: StreamId) -> bool {
        self.exchange(stream).is_some_and(|exchange| exchange.expects_continue)
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn exchange(&self, stream: StreamId) -> Option<&Exchange> {
        self.exchanges.iter().find(|exchange| exchange.id == stream)
    }

    fn exchange_mut(&mut self, stream: StreamId) -> Option<&mut Exchange> {
        self.exchanges.iter_mut().find(|exchange| exchange.id == stream)
    }

    #[inline(always)]
    fn next_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        loop {
            if self.refusing
                && let Some(refused) = self.exchanges.pop_front()
            {
                return Ok(Some(Event::Reset { stream: refused.id, reason: Reason::Refused }));
            }
            if let Some(event) = self.capacity_event() {
                return Ok(Some(event));
            }
            match &mut self.receive {
                Receive::Head => {
                    if self.closing && self.exchanges.is_empty() {
                        self.receive = Receive::Nothing;
                        continue;
                    }
                    if let Some(event) = self.peer_left() {
                        return Ok(Some(event));
                    }
                    if !self.may_receive_head() || !self.has_head_bytes(input) {
                        return Ok(None);
                    }
                    match self.receive_head(now, input) {
                        Ok(None) if !self.input_closed => return Ok(None),
                        Ok(None) => self.fail(Error::UnexpectedEnd),
                        Ok(event) => return Ok(event),
                        Err(error) => self.fail(error),
                    }
                }
                Receive::Body(_) => match self.receive_body(input) {
                    Ok(Some(event)) => return Ok(Some(event)),
                    // A body that nobody wants has just ended.
                    Ok(None) if !matches!(self.receive, Receive::Body(_)) => {}
                    Ok(None) if self.input_closed && self.window() > 0 => self.fail(Error::UnexpectedEnd),
                    Ok(None) => return Ok(None),
                    Err(error) => self.fail(error),
                },
                Receive::Tunnel => return Ok(self.receive_tunnel(input)),
                Receive::Nothing => {
                    input.clear();
                    if let Some(event) = self.peer_left() {
                        return Ok(Some(event));
                    }
                    self.finished = self.exchanges.is_empty();
                    return Ok(None);
                }
                Receive::Failed { error, answer } => {
                    let (error, answer) = (*error, *answer);
                    input.clear();
                    return self.end_with(error, answer);
                }
            }
        }
    }

    /// The `Capacity` that is owed to the exchange whose turn it is.
    fn capacity_event(&mut self) -> Option<Event> {
        let room = self.output.room() > 0;
        if !room || self.takes_no_response() {
            return None;
        }
        let front = self.exchanges.front_mut().filter(|front| front.blocked)?;
        front.blocked = false;
        Some(Event::Capacity { stream: front.id })
    }

    /// True when all exchanges that are left will be reset.
    fn takes_no_response(&self) -> bool {
        match self.receive {
            Receive::Failed { answer, .. } => self.refusing || !answer,
            Receive::Nothing => self.refusing || self.input_closed && !self.limits.half_close,
            _ => self.refusing,
        }
    }

    /// Whether a further request may be handed out.
    fn may_receive_head(&self) -> bool {
        // What follows an offered upgrade is HTTP only if the offer is declined (RFC 9110 §7.8).
        let undecided = |exchange: &Exchange| exchange.upgrade && exchange.response == Progress::Nothing;
        !self.closing
            && self.exchanges.len() < self.limits.in_flight.max(1)
            && self.output.room() > 0
            && !self.exchanges.back().is_some_and(undecided)
    }

    /// Whether there are bytes to parse; where there will be none any more, the connection ends.
    fn has_head_bytes(&mut self, input: &BytesMut) -> bool {
        if !input.is_empty() {
            return true;
        }
        if self.input_closed {
            self.closing = true;
            self.finished = self.exchanges.is_empty();
        }
        false
    }

    /// The peer has closed its side: unless half-closed connections are served, it wants no answers any more.
    fn peer_left(&mut self) -> Option<Event> {
        if !self.input_closed || self.limits.half_close {
            return None;
        }
        let gone = self.exchanges.pop_front()?;
        self.closing = true;
        self.receive = Receive::Nothing;
        Some(Event::Reset { stream: gone.id, reason: Reason::PeerClosed })
    }

    #[inline(always)]
    fn receive_head(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        let Some((head, summary)) = self.head.request(now, input, &self.limits)? else {
            return Ok(None);
        };
        self.start_exchange(head, &summary).map(Some)
    }

    #[inline(always)]
    fn start_exchange(&mut self, head: Box<RequestHead>, summary: &Summary) -> Result<Event, Error> {
        let http10 = head.version == Version::HTTP_10;
        let length = summary.framing.of_request(http10)?;
        if let BodyLength::Known(length) = length
            && length > self.limits.body
        {
            return Err(Error::BodyTooLarge { limit: self.limits.body });
        }
        let stream = StreamId(self.requests);
        self.requests += 1;
        // Spans of idleness and of bodies start anew, also when all of this request was there at once.
        self.timers.waiting = Waiting::No;
        self.stats.exchanges += 1;
        let to_connect = head.method == Method::CONNECT;
        // CONNECT has no body: what follows belongs to the tunnel (RFC 9110 §9.3.6).
        let end = length == BodyLength::Known(0) || to_connect;
        let mut exchange = Exchange::new(stream);
        exchange.to_head = head.method == Method::HEAD;
        exchange.to_connect = to_connect;
        exchange.http10 = http10;
        // HTTP/1.0 has neither upgrades nor expectations (RFC 9110 §7.8, §10.1.1).
        exchange.upgrade = summary.upgrade() && !http10;
        exchange.expects_continue = summary.expect_continue && !http10 && !end;
        // Behind a CONNECT that is declined may be bytes that were meant for the tunnel: they must not be taken for
        // requests (RFC 9931).
        exchange.persists = summary.persists(http10) && self.requests < self.limits.requests && !to_connect;
        exchange.requested = end;
        exchange.blocked = !self.exchanges.is_empty();
        self.closing |= !exchange.persists;
        self.exchanges.push_back(exchange);
        if !end {
            self.receive = Receive::Body(BodyReceiver::new(length, &self.limits));
        }
        Ok(Event::Head { stream, head: Head::Request(head), end })
    }

    /// Bytes of body that may be handed out now.
    fn window(&self) -> usize {
        self.exchanges.back().map_or(0, |exchange| exchange.window(self.limits.window))
    }

    fn receive_body(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        let Receive::Body(receiver) = &mut self.receive else { return Ok(None) };
        loop {
            let Some(exchange) = self.exchanges.back_mut() else { return Ok(None) };
            let received = receiver.receive(input, exchange.body_window(&self.limits), &self.limits)?;
            let stream = exchange.id;
            let (event, end) = match received {
                Received::Nothing => return Ok(None),
                Received::Data { data, end } => {
                    exchange.expects_continue = false;
                    self.stats.body_received += data.len() as u64;
                    if exchange.ignore_body {
                        exchange.drained += data.len() as u64;
                        if exchange.drained > self.limits.drain {
                            self.closing = true;
                            self.receive = Receive::Nothing;
                            exchange.requested = true;
                            self.settle();
                            return Ok(None);
                        }
                        (None, end)
                    } else {
                        exchange.unconsumed += data.len();
                        (Some(Event::Data { stream, data, end }), end)
                    }
                }
                Received::Trailers(fields) if exchange.ignore_body => {
                    drop(fields);
                    (None, true)
                }
                Received::Trailers(fields) => (Some(Event::Trailers { stream, fields }), true),
            };
            if end {
                exchange.requested = true;
                self.receive = Receive::Head;
                self.settle();
                return Ok(event);
            }
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    fn receive_tunnel(&mut self, input: &mut BytesMut) -> Option<Event> {
        let Some(exchange) = self.exchanges.back_mut() else {
            input.clear();
            self.finished = true;
            return None;
        };
        let data = exchange.tunnel_data(input, self.limits.window);
        if data.is_none() && input.is_empty() && self.input_closed && !exchange.requested {
            let end = exchange.tunnel_end();
            exchange.requested = true;
            self.settle();
            return end;
        }
        data
    }

    /// Takes out the oldest exchange once it is over.
    fn settle(&mut self) {
        if !self.exchanges.front().is_some_and(Exchange::is_over) {
            return;
        }
        let persists = self.exchanges.pop_front().is_none_or(|over| over.persists);
        if !persists {
            // What came behind a response that ends the connection must not be answered (RFC 9112 §9.6).
            self.refusing = !self.exchanges.is_empty();
            match &mut self.receive {
                Receive::Failed { answer, .. } => *answer = false,
                receive if self.refusing => *receive = Receive::Nothing,
                _ => {}
            }
        }
        // A failed connection has its error to report first.
        if self.closing && !matches!(self.receive, Receive::Failed { .. }) {
            self.finished |= self.exchanges.is_empty();
        }
    }

    #[cold]
    fn fail(&mut self, error: Error) {
        let answer = error.status().is_some();
        // An error that waits to be answered gives way to one that ends everything at once.
        if matches!(self.receive, Receive::Failed { answer: waits, .. } if answer || !waits) {
            return;
        }
        self.closing = true;
        self.receive = Receive::Failed { error, answer };
    }

    /// Resets what is unfinished, waits for what is older, answers, and ends.
    fn end_with(&mut self, error: Error, mut answer: bool) -> Result<Option<Event>, Error> {
        if error.status().is_none() {
            // No answer is possible, so none of the exchanges can go on.
            if let Some(exchange) = self.exchanges.pop_front() {
                return Ok(Some(Event::Reset { stream: exchange.id, reason: error.reason() }));
            }
        } else if let Some(broken) = self.exchanges.back().filter(|exchange| !exchange.requested) {
            let stream = broken.id;
            answer &= broken.response == Progress::Nothing;
            self.exchanges.pop_back();
            self.receive = Receive::Failed { error, answer };
            return Ok(Some(Event::Reset { stream, reason: error.reason() }));
        } else if self.input_closed
            && !self.limits.half_close
            && let Some(older) = self.exchanges.pop_front()
        {
            // The answer would be taken for that of an older request, or for more of its body.
            self.receive = Receive::Failed { error, answer: false };
            return Ok(Some(Event::Reset { stream: older.id, reason: Reason::PeerClosed }));
        } else if !self.exchanges.is_empty() {
            return Ok(None); // Older requests are answered first.
        }
        if let Some(status) = error.status().filter(|_| answer && !self.finished) {
            self.write_error(status, &error);
        }
        if self.finished {
            return Ok(None);
        }
        self.finished = true;
        self.stats.errors += 1;
        Err(error)
    }

    fn write_error(&mut self, status: StatusCode, error: &Error) {
        let text = format!("{error}\n");
        let mut head = ResponseHead::new(status);
        // These values are known to be valid.
        let _ = head.fields.push(FieldId::CONTENT_TYPE, "text/plain");
        let _ = head.fields.push(FieldId::CONTENT_LENGTH, text.len().to_string());
        // The last head is that of the broken request.
        let to_head = self.head.to_head;
        let request = Answered { http10: false, to_head, to_connect: false, upgrade: false, persists: false };
        if write_response(self.output.inline(), &head, request, false, None).is_ok() && !to_head {
            self.output.put_slice(text.as_bytes());
        }
    }

    fn update_timers(&mut self, now: Instant) {
        self.timers.output(now, !self.output.is_empty());
        match &self.receive {
            Receive::Head => {
                if let Some(since) = self.head.since {
                    self.timers.head(since);
                } else if !self.exchanges.is_empty() || !self.output.is_empty() {
                    self.timers.waiting = Waiting::No;
                } else if self.requests > 0 {
                    self.timers.idle(now);
                }
            }
            Receive::Body(receiver) if self.window() > 0 && !self.awaits_continue() => {
                self.timers.body(now, receiver.received);
            }
            _ => self.timers.waiting = Waiting::No,
        }
    }

    /// The client waits for the application's word, so it cannot be late.
    fn awaits_continue(&self) -> bool {
        self.exchanges.back().is_some_and(|exchange| exchange.expects_continue)
    }
}

impl Machine for ServerConnection {
    type Event = Event;
    type Error = Error;

    #[inline]
    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        let event = self.next_event(now, input);
        self.buffered = input.len();
        if !matches!(event, Ok(Some(_))) {
            self.update_timers(now);
        }
        event
    }

    fn input_closed(&mut self, _now: Instant) {
        self.input_closed = true;
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn deadline(&self) -> Option<Instant> {
        if self.finished { None } else { self.timers.deadline() }
    }

    fn on_deadline(&mut self, now: Instant) {
        let received = match &self.receive {
            Receive::Body(receiver) => receiver.received,
            _ => 0,
        };
        match self.timers.expired(now, received) {
            // Whoever said nothing is told nothing.
            Some(Error::IdleTimeout) => self.shut_down(),
            Some(Error::HeadTimeout) if self.buffered == 0 => self.shut_down(),
            Some(Error::WriteTimeout) => {
                self.output.clear();
                self.fail(Error::WriteTimeout);
            }
            Some(error) => self.fail(error),
            None => {}
        }
    }

    fn wants_input(&self) -> bool {
        if self.finished || self.input_closed {
            return false;
        }
        match &self.receive {
            Receive::Head => self.may_receive_head() || self.buffered < self.limits.read_ahead.max(1),
            Receive::Body(_) | Receive::Tunnel => self.window() > 0,
            Receive::Nothing => true, // Only to see the peer go.
            Receive::Failed { .. } => false,
        }
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn is_output_finished(&self) -> bool {
        let half_closed = matches!(self.receive, Receive::Tunnel)
            && self.exchanges.front().is_some_and(|exchange| exchange.response == Progress::All);
        self.finished || half_closed
    }

    fn must_reset(&self) -> bool {
        // Nothing but the end of the connection ends such a body (RFC 9112 §8).
        self.sender == BodySender::UntilClose
    }

    fn output_progress(&mut self, now: Instant) {
        self.timers.output_progress(now, !self.output.is_empty());
        self.update_timers(now);
    }

    fn is_idle(&self) -> bool {
        self.exchanges.is_empty() && self.buffered == 0 && matches!(&self.receive, Receive::Head)
    }
}

impl ServerConnection {
    /// True after 101 or a successful CONNECT: [`Event::Data`] carries the tunnel's bytes. Those that were not
    /// handed out yet are in the driver's buffer, for another machine to take over.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        matches!(self.receive, Receive::Tunnel)
    }
}

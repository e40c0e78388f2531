//! The client's side of a connection.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use wirelace_http_semantics::framing::BodyLength;
use wirelace_http_semantics::{
    Event, Fields, Head, HttpMachine, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_wire::{Machine, Output};

use super::body_receive::{BodyReceiver, Received};
use super::body_send::BodySender;
use super::error::Error;
use super::exchange::{Exchange, Progress};
use super::head_receive::HeadReceiver;
use super::head_send::write_request;
use super::limits::Limits;
use super::section::Summary;
use super::stats::Stats;
use super::timers::{Timers, Waiting};
use crate::head::ResponseIndex;

/// The client's side of one HTTP/1 connection.
///
/// Requests go in by [`HttpMachine::send_request`]; up to [`Limits::in_flight`] may wait for their responses
/// (pipelining). Responses come out in the same order as [`Event::Head`], [`Event::Data`] and
/// [`Event::Trailers`], interim ones as [`Event::Informational`]. Requests behind a response that closes the
/// connection are [`Event::Reset`] with [`Reason::Refused`], those that a server left without an answer with
/// [`Reason::PeerClosed`]: whether the latter may be sent again depends on their method (RFC 9110 §9.2.2).
#[derive(Debug)]
pub struct ClientConnection {
    limits: Arc<Limits>,
    output: Output,
    /// The oldest first: its response is received next. The newest last: its request is being sent.
    exchanges: VecDeque<Exchange>,
    requests: u64,
    head: HeadReceiver<ResponseIndex>,
    receive: Receive,
    sender: BodySender,
    timers: Timers,
    input_closed: bool,
    /// No request is taken any more.
    closing: bool,
    finished: bool,
    buffered: usize,
    stats: Stats,
}

#[derive(Debug)]
enum Receive {
    Head,
    Body(BodyReceiver),
    Tunnel,
    /// Every exchange that is left is reset, then the connection ends, with the error if there is one.
    /// `refused`: the server has said that it processes nothing more (RFC 9112 §9.6).
    Ending {
        error: Option<Error>,
        refused: bool,
    },
}

impl ClientConnection {
    /// A connection that has just been made.
    #[must_use]
    pub fn new(limits: impl Into<Arc<Limits>>, now: Instant) -> ClientConnection {
        let limits = limits.into();
        let mut timers = Timers::new(limits.timeouts);
        timers.idle(now);
        ClientConnection {
            output: Output::new(limits.output.max(1)),
            exchanges: VecDeque::new(),
            requests: 0,
            head: HeadReceiver::new(),
            receive: Receive::Head,
            sender: BodySender::Idle,
            timers,
            input_closed: false,
            closing: false,
            finished: false,
            buffered: 0,
            stats: Stats::default(),
            limits,
        }
    }

    /// True when [`HttpMachine::send_request`] takes a request now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.check_ready().is_ok()
    }

    /// True when no further request can ever be sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        // What waits while nothing was asked cannot answer what is asked next.
        let unsolicited = self.exchanges.is_empty() && self.buffered > 0;
        self.closing || self.finished || self.input_closed || unsolicited
    }

    /// True after 101 or a successful CONNECT: [`Event::Data`] carries the tunnel's bytes.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        matches!(self.receive, Receive::Tunnel)
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn check_ready(&self) -> Result<(), SendError> {
        if self.is_closing() || !matches!(self.receive, Receive::Head | Receive::Body(_)) {
            return Err(SendError::ShuttingDown);
        }
        // Behind an offered upgrade, HTTP may end; behind an unfinished request, the next one cannot begin.
        let blocks = |exchange: &Exchange| exchange.upgrade || exchange.to_connect || !exchange.requested;
        if self.exchanges.len() >= self.limits.in_flight.max(1)
            || self.output.room() == 0
            || self.exchanges.back().is_some_and(blocks)
        {
            return Err(SendError::Blocked);
        }
        Ok(())
    }

    fn exchange_mut(&mut self, stream: StreamId) -> Option<&mut Exchange> {
        self.exchanges.iter_mut().find(|exchange| exchange.id == stream)
    }

    fn next_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.capacity_event() {
                return Ok(Some(event));
            }
            match &mut self.receive {
                Receive::Head => {
                    if input.is_empty() {
                        if !self.input_closed {
                            return Ok(None);
                        }
                        self.end(None);
                        continue;
                    }
                    if self.exchanges.is_empty() {
                        self.end(Some(Error::Unsolicited));
                        continue;
                    }
                    match self.receive_head(now, input) {
                        Ok(None) if !self.input_closed => return Ok(None),
                        Ok(None) => self.end(Some(Error::UnexpectedEnd)),
                        Ok(event) => return Ok(event),
                        Err(error) => self.end(Some(error)),
                    }
                }
                Receive::Body(_) => match self.receive_body(input) {
                    Ok(Some(event)) => return Ok(Some(event)),
                    Ok(None) if !matches!(self.receive, Receive::Body(_)) => {}
                    Ok(None) if self.input_closed && self.window() > 0 => {
                        if let Some(event) = self.body_closed() {
                            return Ok(Some(event));
                        }
                    }
                    Ok(None) => return Ok(None),
                    Err(error) => self.end(Some(error)),
                },
                Receive::Tunnel => return Ok(self.receive_tunnel(input)),
                Receive::Ending { error, refused } => {
                    let (error, refused) = (*error, *refused);
                    input.clear();
                    if let Some(exchange) = self.exchanges.pop_front() {
                        let reason = match error {
                            None if refused => Reason::Refused,
                            None => Reason::PeerClosed,
                            Some(error) => error.reason(),
                        };
                        return Ok(Some(Event::Reset { stream: exchange.id, reason }));
                    }
                    let first = !self.finished;
                    self.finished = true;
                    return match error {
                        Some(error) if first => {
                            self.stats.errors += 1;
                            Err(error)
                        }
                        _ => Ok(None),
                    };
                }
            }
        }
    }

    fn capacity_event(&mut self) -> Option<Event> {
        let room = self.output.room() > 0;
        let back = self.exchanges.back_mut()?;
        if !back.blocked || !room {
            return None;
        }
        back.blocked = false;
        Some(Event::Capacity { stream: back.id })
    }

    fn end(&mut self, error: Option<Error>) {
        self.end_with(error, false);
    }

    fn end_with(&mut self, error: Option<Error>, refused: bool) {
        if !matches!(self.receive, Receive::Ending { .. }) {
            self.closing = true;
            self.sender = BodySender::Idle;
            if error.is_some() {
                self.output.clear(); // What was given up must not be carried out.
            }
            self.receive = Receive::Ending { error, refused };
        }
    }

    fn receive_head(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        let Some((head, summary)) = self.head.response(now, input, &self.limits)? else {
            return Ok(None);
        };
        // The next head, and the body, have their own time.
        self.timers.waiting = Waiting::No;
        let Some(exchange) = self.exchanges.front_mut() else { return Err(Error::Unsolicited) };
        let stream = exchange.id;
        if head.is_interim() {
            exchange.interim += 1;
            if exchange.interim > self.limits.interim {
                return Err(Error::TooManyInterim { limit: self.limits.interim });
            }
            return Ok(Some(Event::Informational { stream, head }));
        }
        self.start_response(head, &summary).map(Some)
    }

    fn start_response(&mut self, head: ResponseHead, summary: &Summary) -> Result<Event, Error> {
        let Some(exchange) = self.exchanges.front_mut() else { return Err(Error::Unsolicited) };
        let stream = exchange.id;
        let http10 = head.version == Version::HTTP_10;
        let status = head.status.as_u16();
        let switching = head.status == StatusCode::SWITCHING_PROTOCOLS;
        if switching && !(exchange.upgrade && exchange.requested) {
            return Err(Error::UnaskedUpgrade);
        }
        let length = summary.framing.of_response(http10, status, exchange.to_head, exchange.to_connect)?;
        exchange.response = Progress::Head;
        exchange.persists &= summary.persists(http10) && length != BodyLength::UntilClose;
        self.closing |= !exchange.persists;
        let head = Head::Response(head);
        if switching || exchange.to_connect && (200..300).contains(&status) {
            // What was pipelined behind it went to the tunnel; `check_ready` has seen to it that nothing was.
            self.receive = Receive::Tunnel;
            self.sender = BodySender::Tunnel;
            self.closing = true;
            exchange.requested = false;
            exchange.blocked = true;
            return Ok(Event::Head { stream, head, end: false });
        }
        if exchange.to_connect {
            // Declined: nothing more is sent for it.
            exchange.requested = true;
            self.sender = BodySender::Idle;
        }
        let end = length == BodyLength::Known(0);
        if end {
            self.response_over();
        } else {
            self.receive = Receive::Body(BodyReceiver::new(length, &self.limits));
        }
        Ok(Event::Head { stream, head, end })
    }

    fn window(&self) -> usize {
        self.exchanges.front().map_or(0, |exchange| exchange.window(self.limits.window))
    }

    fn receive_body(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        let Receive::Body(receiver) = &mut self.receive else { return Ok(None) };
        loop {
            let Some(exchange) = self.exchanges.front_mut() else { return Ok(None) };
            let received = receiver.receive(input, exchange.body_window(&self.limits), &self.limits)?;
            let stream = exchange.id;
            let (event, end) = match received {
                Received::Nothing => return Ok(None),
                Received::Data { data, end } => {
                    self.stats.body_received += data.len() as u64;
                    if exchange.ignore_body {
                        exchange.drained += data.len() as u64;
                        if exchange.drained > self.limits.drain {
                            return Err(Error::Reset); // A new connection costs less than the rest.
                        }
                        (None, end)
                    } else {
                        exchange.unconsumed += data.len();
                        (Some(Event::Data { stream, data, end }), end)
                    }
                }
                Received::Trailers(_) if exchange.ignore_body => (None, true),
                Received::Trailers(fields) => (Some(Event::Trailers { stream, fields }), true),
            };
            if end {
                self.response_over();
                return Ok(event);
            }
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// The connection has ended inside a body: its proper end, or a cut.
    fn body_closed(&mut self) -> Option<Event> {
        let Receive::Body(receiver) = &self.receive else { return None };
        if !receiver.ends_at_close() {
            self.end(Some(Error::UnexpectedEnd));
            return None;
        }
        let exchange = self.exchanges.front()?;
        let (stream, ignored) = (exchange.id, exchange.ignore_body);
        self.response_over();
        (!ignored).then_some(Event::Data { stream, data: Bytes::new(), end: true })
    }

    fn receive_tunnel(&mut self, input: &mut BytesMut) -> Option<Event> {
        let Some(exchange) = self.exchanges.front_mut() else {
            input.clear();
            self.finished = true;
            return None;
        };
        let data = exchange.tunnel_data(input, self.limits.window);
        if data.is_none() && input.is_empty() && self.input_closed && exchange.response != Progress::All {
            let end = exchange.tunnel_end();
            exchange.response = Progress::All;
            self.settle();
            return end;
        }
        data
    }

    /// The response of the oldest exchange is complete.
    fn response_over(&mut self) {
        self.receive = Receive::Head;
        if let Some(front) = self.exchanges.front_mut() {
            front.response = Progress::All;
            // A server that has answered before the request's end may read the rest or not: the connection
            // cannot be used again (RFC 9112 §9.3). A body that only lacks the word that it is over has ended.
            if !front.requested && self.sender == BodySender::Known(0) {
                front.requested = true;
                self.sender = BodySender::Idle;
            } else if !front.requested {
                front.requested = true;
                front.persists = false;
                self.closing = true;
                self.sender = BodySender::Idle;
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        let Some(front) = self.exchanges.front().filter(|front| front.is_over()) else { return };
        let persists = front.persists && !matches!(self.receive, Receive::Tunnel);
        self.exchanges.pop_front();
        if !persists {
            self.end_with(None, true); // Later requests are not processed.
        } else if self.closing && self.exchanges.is_empty() {
            self.finished = true;
        }
    }

    fn update_timers(&mut self, now: Instant) {
        self.timers.output(now, !self.output.is_empty());
        match &self.receive {
            Receive::Head => {
                if let Some(since) = self.head.since {
                    self.timers.head(since);
                } else if self.exchanges.is_empty() {
                    self.timers.idle(now);
                } else {
                    // How long a server may think is the application's business.
                    self.timers.waiting = Waiting::No;
                }
            }
            Receive::Body(receiver) if self.window() > 0 => self.timers.body(now, receiver.received),
            _ => self.timers.waiting = Waiting::No,
        }
    }

    /// The exchange whose request is being sent.
    fn back(&mut self, stream: StreamId) -> Result<&mut Exchange, SendError> {
        self.exchanges.back_mut().filter(|back| back.id == stream).ok_or(SendError::Closed)
    }

    fn request_over(&mut self) {
        if let Some(back) = self.exchanges.back_mut() {
            back.requested = true;
        }
        if matches!(self.receive, Receive::Tunnel) {
            self.settle();
        }
    }
}

impl Machine for ClientConnection {
    type Event = Event;
    type Error = Error;

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
            Some(Error::IdleTimeout) => self.shut_down(),
            Some(error) => self.end(Some(error)),
            None => {}
        }
    }

    fn wants_input(&self) -> bool {
        if self.finished || self.input_closed {
            return false;
        }
        match &self.receive {
            Receive::Head => true,
            Receive::Body(_) | Receive::Tunnel => self.window() > 0,
            Receive::Ending { .. } => false,
        }
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn is_output_finished(&self) -> bool {
        let half_closed = matches!(self.receive, Receive::Tunnel)
            && self.exchanges.front().is_some_and(|exchange| exchange.requested);
        self.finished || half_closed
    }

    fn output_progress(&mut self, now: Instant) {
        self.timers.output_progress(now, !self.output.is_empty());
    }

    fn is_idle(&self) -> bool {
        self.exchanges.is_empty() && self.buffered == 0
    }
}

impl HttpMachine for ClientConnection {
    fn send_request(&mut self, head: RequestHead, end: bool) -> Result<StreamId, SendError> {
        self.check_ready()?;
        let written = write_request(self.output.inline(), &head, end)?;
        let stream = StreamId(self.requests);
        self.requests += 1;
        // Idleness starts anew, also when the response comes before the next poll.
        self.timers.waiting = Waiting::No;
        self.stats.exchanges += 1;
        let mut exchange = Exchange::new(stream);
        exchange.to_head = head.method == Method::HEAD;
        exchange.to_connect = head.method == Method::CONNECT;
        exchange.http10 = head.version == Version::HTTP_10;
        exchange.upgrade = head.fields.contains(wirelace_http_semantics::FieldId::UPGRADE);
        exchange.persists = written.persists;
        exchange.requested = written.body == BodySender::Idle;
        exchange.blocked = !exchange.requested && self.output.room() == 0;
        self.closing |= !written.persists;
        self.sender = written.body;
        self.exchanges.push_back(exchange);
        Ok(stream)
    }

    fn send_head(&mut self, _stream: StreamId, _head: Head, _end: bool) -> Result<(), SendError> {
        Err(SendError::Head)
    }

    fn send_message(&mut self, _: StreamId, _: ResponseHead, _: Bytes) -> Result<(), SendError> {
        Err(SendError::Head)
    }

    fn capacity(&self, stream: StreamId) -> usize {
        match self.exchanges.back() {
            Some(back) if back.id == stream && !back.requested && self.sender != BodySender::Discard => {
                self.output.room()
            }
            _ => 0,
        }
    }

    fn send_data(&mut self, stream: StreamId, data: Bytes, end: bool) -> Result<(), SendError> {
        if self.back(stream)?.requested {
            return Err(SendError::Order);
        }
        if self.sender == BodySender::Discard {
            return Err(SendError::Blocked); // CONNECT that has not been answered.
        }
        self.stats.body_sent += self.sender.data(&mut self.output, data, end)?;
        if end {
            self.request_over();
        } else if self.output.room() == 0 {
            self.back(stream)?.blocked = true;
        }
        Ok(())
    }

    fn send_trailers(&mut self, stream: StreamId, fields: Fields) -> Result<(), SendError> {
        if self.back(stream)?.requested {
            return Err(SendError::Order);
        }
        self.sender.trailers(&mut self.output, &fields)?;
        self.request_over();
        Ok(())
    }

    fn consumed(&mut self, stream: StreamId, bytes: usize) {
        if let Some(exchange) = self.exchange_mut(stream) {
            exchange.unconsumed = exchange.unconsumed.saturating_sub(bytes);
        }
    }

    fn stop_receiving(&mut self, stream: StreamId) {
        if let Some(exchange) = self.exchange_mut(stream) {
            exchange.ignore_body = true;
        }
    }

    fn reset(&mut self, stream: StreamId, _reason: Reason) {
        let before = self.exchanges.len();
        self.exchanges.retain(|exchange| exchange.id != stream);
        if self.exchanges.len() != before {
            self.end(Some(Error::Reset));
        }
    }

    fn shut_down(&mut self) {
        self.closing = true;
        if self.exchanges.is_empty() && !matches!(self.receive, Receive::Ending { .. }) {
            self.finished = true;
        }
    }
}

//! The machine: what every form shares.

mod base_form;
mod commands;
mod extended_form;
mod hello;
mod input;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wirelace_wire::{Budget, Machine, Output};

use super::credit::Window;
use super::error::Error;
use super::event::{Event, ExchangeId, Form, Stats};
use super::exchange::{Exchange, Exchanges};
use super::options::{Limits, Offer, Options};
use super::timers::{Due, Timers};
use crate::base::{self, FrameType};
use crate::error::ErrorCode;
use crate::extended::{self, Frame, Role, Settings};

/// Octets of an error's text that travel.
const MAX_TEXT: usize = 1024;

/// Octets of answers that nobody asked the application for (to pings, heartbeats, unknown types) which may wait
/// before reading stops. Other output is no reason to stop: two peers that both did would wait for each other.
const REPLY_ROOM: usize = 64 * 1024;

/// What a message costs beside its octets, so that empty ones are not for nothing.
const MESSAGE_COST: u64 = 32;

/// How far the agreement on a form has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The initiator waits for the answer to its hello.
    Hello,
    /// The acceptor waits for the first frame.
    First,
    Base,
    Extended,
}

/// The base form's memory of order.
#[derive(Debug)]
enum Slot {
    /// The answer to this exchange comes next, from the peer or from the application.
    Exchange(u64),
    /// At the acceptor: an error that is ready, and waits for its turn.
    Ready(Bytes),
}

/// One side of a connection, for both forms and both roles.
#[derive(Debug)]
pub struct Session {
    role: Role,
    limits: Limits,
    offer: Offer,
    wants_checksum: bool,
    heartbeat_ms: u64,
    phase: Phase,
    checksum: bool,
    /// What the peer takes.
    peer: Settings,
    output: Output,
    /// Octets that were ever put into the output.
    put_octets: u64,
    /// Octets of answers that the machine gave by itself, and where in the output the last of them ends.
    replies: (usize, u64),
    /// Complete frames that were split off the input at once.
    run: Bytes,
    /// Octets of the connection before the run.
    offset: u64,
    /// Octets of an incomplete frame that were there last time.
    partial: usize,
    eof: bool,
    exchanges: Exchanges,
    own_last: u64,
    peer_last: u64,
    /// What the peer may send on this connection.
    connection: Window,
    messages_held: u64,
    /// What may be sent on this connection.
    credit: u64,
    order: VecDeque<Slot>,
    /// Own heartbeats of the base form that are not answered.
    heartbeats: u32,
    /// Neither the hello nor anything after it was answered yet.
    silent_hello: bool,
    ping: Option<Ping>,
    pings: u64,
    /// The application waits for so much room for a request, or a message; 0: it does not.
    request_wants: usize,
    message_wants: u64,
    control: Budget,
    small: Budget,
    timers: Timers,
    events: VecDeque<Event>,
    failure: Option<Error>,
    over: bool,
    shutting_down: bool,
    peer_going: bool,
    stats: Stats,
}

/// A ping on its way.
#[derive(Debug)]
struct Ping {
    payload: u64,
    sent: Instant,
    /// The application asked for it.
    wanted: bool,
}

impl Session {
    /// The side that opened the connection.
    #[must_use]
    pub fn initiator(options: Options, now: Instant) -> Session {
        let mut session = Session::new(Role::Initiator, options, now);
        match session.offer {
            Offer::Base => session.ready(now, Phase::Base),
            Offer::Extended => session.send_hello(now),
        }
        session
    }

    /// The side that accepted the connection.
    #[must_use]
    pub fn acceptor(options: Options, now: Instant) -> Session {
        Session::new(Role::Acceptor, options, now)
    }

    fn new(role: Role, options: Options, now: Instant) -> Session {
        let Options { mut limits, timeouts, form, checksum } = options;
        limits.exchanges = limits.exchanges.max(1);
        limits.output = limits.output.max(1);
        limits.frame = limits.frame.max(1).min(u32::MAX as usize);
        if form == Offer::Extended {
            limits.frame = limits.frame.max(Settings::MIN_MAX_FRAME as usize);
        }
        limits.exchange_window = limits.exchange_window.max(1);
        limits.connection_window = limits.connection_window.max(1);
        let heartbeat = timeouts.heartbeat.unwrap_or_default();
        let (own_last, phase) = match role {
            // The first is 1, or 2.
            Role::Initiator => (u64::MAX, Phase::Hello),
            Role::Acceptor => (0, Phase::First),
        };
        Session {
            role,
            offer: form,
            wants_checksum: checksum,
            heartbeat_ms: u64::try_from(heartbeat.as_millis()).unwrap_or(u64::MAX),
            phase,
            checksum: false,
            peer: Settings::default(),
            output: Output::new(limits.output),
            put_octets: 0,
            replies: (0, 0),
            run: Bytes::new(),
            offset: 0,
            partial: 0,
            eof: false,
            exchanges: Exchanges::default(),
            own_last,
            peer_last: 0,
            connection: Window::new(limits.connection_window),
            messages_held: 0,
            credit: 0,
            order: VecDeque::new(),
            heartbeats: 0,
            silent_hello: false,
            ping: None,
            pings: 0,
            request_wants: 0,
            message_wants: 0,
            control: Budget::new(limits.control.0, limits.control.1),
            small: Budget::new(limits.small.0, limits.small.1),
            timers: Timers::new(timeouts, now),
            events: VecDeque::new(),
            failure: None,
            over: false,
            shutting_down: false,
            peer_going: false,
            stats: Stats::default(),
            limits,
        }
    }

    /// The form that both sides speak, once that is known.
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        match self.phase {
            Phase::Hello | Phase::First => None,
            Phase::Base => Some(Form::Base),
            Phase::Extended => Some(Form::Extended { checksum: self.checksum }),
        }
    }

    /// Whether requests may be sent.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.form().is_some() && !self.over
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            under_way: self.exchanges.len(),
            held: self.connection.held(),
            credit: self.credit,
            window: self.connection.left(),
            ..self.stats
        }
    }

    /// The form is known.
    fn ready(&mut self, now: Instant, phase: Phase) {
        self.phase = phase;
        self.timers.hello_over();
        if phase == Phase::Base {
            // Nothing is said about credit: the driver's reading is the back-pressure.
            self.connection = Window::new(u64::MAX);
        }
        self.timers.may_ask = phase == Phase::Extended || self.role == Role::Initiator;
        self.timers.received(now);
        if let Some(form) = self.form() {
            self.events.push_back(Event::Ready { form });
        }
    }

    /// Whether this side opens exchanges of this number.
    fn is_own(&self, id: u64) -> bool {
        (id & 1 == 1) == (self.role == Role::Initiator)
    }

    fn next_own(&mut self) -> u64 {
        // From `u64::MAX` to 1, from 0 to 2.
        self.own_last = self.own_last.wrapping_add(2);
        self.own_last
    }

    /// The number was opened by the side that it belongs to.
    fn was_opened(&self, id: u64) -> bool {
        match self.is_own(id) {
            true => self.own_last != u64::MAX && id <= self.own_last,
            false => id <= self.peer_last,
        }
    }

    fn put(&mut self, frame: Frame<Bytes>) {
        let before = self.output.len();
        // Numbers and sizes are ours, and within bounds.
        let _ = frame.encode(&mut self.output, self.checksum);
        self.stats.frames_sent += 1;
        self.put_octets += (self.output.len() - before) as u64;
    }

    fn put_base(&mut self, kind: FrameType, payload: Bytes) {
        let before = self.output.len();
        let _ = base::encode(&mut self.output, kind, payload);
        self.stats.frames_sent += 1;
        self.put_octets += (self.output.len() - before) as u64;
    }

    /// What was just put, `before` which so many octets had been, answers the peer without the application.
    fn replied(&mut self, before: u64) {
        let octets = usize::try_from(self.put_octets - before).unwrap_or(usize::MAX);
        self.replies = (self.waiting_replies().saturating_add(octets), self.put_octets);
    }

    /// Octets of such answers that wait, at most.
    fn waiting_replies(&self) -> usize {
        let (octets, end) = self.replies;
        let gone = self.put_octets - self.output.len() as u64;
        if end <= gone { 0 } else { octets }
    }

    fn charge(&mut self, now: Instant) -> Result<(), Error> {
        if self.control.take(now, 1) { Ok(()) } else { Err(Error::TooManyFrames) }
    }

    fn charge_small(&mut self, now: Instant) -> Result<(), Error> {
        if self.small.take(now, 1) { Ok(()) } else { Err(Error::TooManyFrames) }
    }

    fn open(&mut self, id: u64, exchange: Exchange) {
        self.exchanges.insert(id, exchange);
    }

    /// The exchange is over: what the application holds of it counts as taken.
    fn close(&mut self, id: u64) {
        let Some(exchange) = self.exchanges.remove(id) else { return };
        self.connection.take(exchange.window.held());
        self.return_credit();
        if self.is_own(id) {
            self.wake();
        }
    }

    fn return_credit(&mut self) {
        // The window of the base form has no end.
        if let Some(bytes) = self.connection.give_back() {
            self.put(Frame::Credit { id: 0, bytes });
        }
    }

    /// Ends everything, with one event for each exchange.
    fn abandon(&mut self, code: ErrorCode, text: &str) {
        for id in self.exchanges.ids(|_, _| true) {
            self.exchanges.remove(id);
            self.events.push_back(if self.is_own(id) {
                Event::Failed { id: ExchangeId(id), code, text: text.into(), by_peer: false }
            } else {
                Event::Cancelled { id: ExchangeId(id), code }
            });
        }
        self.order.clear();
    }

    fn fail(&mut self, error: Error) {
        if self.over {
            return;
        }
        let (code, text) = (error.code(), error.to_string());
        let lost = matches!(error, Error::Peer { .. } | Error::UnexpectedEnd { .. } | Error::WriteStalled);
        match (self.phase, self.role) {
            _ if lost => {}
            (Phase::Extended, _) => {
                self.put(Frame::Error { id: 0, code, text: Bytes::from(text.clone()) });
            }
            (_, Role::Acceptor) => self.put_base(FrameType::ERROR, Bytes::from(text.clone())),
            // Nobody asks the initiator.
            (_, Role::Initiator) => {}
        }
        self.abandon(code, &text);
        self.finish();
        self.failure = Some(error);
    }

    fn finish(&mut self) {
        self.over = true;
        self.run = Bytes::new();
    }

    /// What can be sent now for an exchange.
    fn room_for(&self, id: u64) -> usize {
        let room = self.output.room();
        match (self.phase, self.exchanges.get(id)) {
            (Phase::Extended, Some(exchange)) => {
                let credit = exchange.credit.min(self.credit);
                room.min(usize::try_from(credit).unwrap_or(usize::MAX))
            }
            // One answer is taken whole, in its turn.
            (Phase::Base, Some(_)) => match self.order.front() {
                Some(Slot::Exchange(front)) if *front == id && room > 0 => self.limits.frame,
                _ => 0,
            },
            _ => 0,
        }
    }

    fn room_for_request(&self) -> usize {
        let room = self.output.room();
        match self.phase {
            Phase::Extended
                if u64::from(self.exchanges.count(self.own_last.wrapping_add(2))) < self.peer.exchanges =>
            {
                let credit = self.peer.exchange_window.min(self.credit);
                room.min(usize::try_from(credit).unwrap_or(usize::MAX))
            }
            Phase::Base
                if self.role == Role::Initiator
                    && room > 0
                    && self.order.len() < self.limits.exchanges as usize =>
            {
                self.limits.frame
            }
            _ => 0,
        }
    }

    /// The application is told where something has room again.
    fn wake(&mut self) {
        if self.over {
            return;
        }
        if self.request_wants > 0 && self.room_for_request() >= self.request_wants {
            self.request_wants = 0;
            self.events.push_back(Event::RequestCapacity);
        }
        if self.message_wants > 0 && self.credit >= self.message_wants && self.output.room() > 0 {
            self.message_wants = 0;
            self.events.push_back(Event::MessageCapacity);
        }
        if self.exchanges.blocked == 0 {
            return;
        }
        let mut blocked = self.exchanges.ids(|_, exchange| exchange.wants > 0);
        blocked.retain(|&id| {
            let room = self.room_for(id);
            let Some(exchange) = self.exchanges.get_mut(id) else { return false };
            let waits = room < exchange.wants;
            if !waits {
                exchange.wants = 0;
                self.events.push_back(Event::Capacity { id: ExchangeId(id) });
            }
            waits
        });
        self.exchanges.blocked = blocked.len();
    }

    /// The application waits for so much capacity of an exchange, as far as there can ever be so much.
    fn block(&mut self, id: u64, wants: usize) {
        let wants = wants.min(self.most()).max(1);
        if let Some(exchange) = self.exchanges.get_mut(id)
            && std::mem::replace(&mut exchange.wants, wants) == 0
        {
            self.exchanges.blocked += 1;
        }
    }

    /// Room that comes back for certain once the peer has taken everything: credit travels by half windows.
    fn most(&self) -> usize {
        let window = match self.phase {
            Phase::Extended => self.peer.exchange_window.min(self.peer.connection_window) / 2,
            _ => 1,
        };
        self.output.limit().min(usize::try_from(window).unwrap_or(usize::MAX)).max(1)
    }

    /// Whether a frame may be taken.
    fn may_take(&self) -> bool {
        if self.over || self.waiting_replies() >= REPLY_ROOM {
            return false;
        }
        let answers = self.phase == Phase::Base && self.role == Role::Acceptor;
        !answers
            || !self.shutting_down
                && self.order.len() < self.limits.exchanges as usize
                && self.connection.held() < self.limits.connection_window
    }

    /// The peer sends nothing more, and all it sent was taken.
    fn input_over(&mut self) {
        for id in self.exchanges.ids(|_, _| true) {
            let own = self.is_own(id);
            // Whoever speaks the extended form says when it goes; and there will be no more credit.
            let cut = self.phase == Phase::Extended;
            if own {
                self.exchanges.remove(id);
                let text = String::from("the connection was closed");
                self.events.push_back(Event::Failed {
                    id: ExchangeId(id),
                    code: ErrorCode::CLOSED,
                    text,
                    by_peer: false,
                });
            } else if cut {
                self.exchanges.remove(id);
                self.events.push_back(Event::Cancelled { id: ExchangeId(id), code: ErrorCode::CLOSED });
            }
        }
        if self.role == Role::Initiator {
            self.order.clear();
        }
    }

    /// After all that could be done was done.
    fn settle(&mut self, now: Instant) {
        let idle = self.exchanges.is_empty() && self.order.is_empty();
        if idle && (self.eof && self.run.is_empty() && self.partial == 0 || self.shutting_down) {
            self.finish();
        }
        self.timers.idle(now, idle);
        self.timers.output(now, !self.output.is_empty());
    }

    /// Shortens what a person is to read.
    fn shorten(text: &str) -> Bytes {
        let end = (0..=MAX_TEXT.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
        Bytes::copy_from_slice(text.get(..end.unwrap_or(0)).unwrap_or_default().as_bytes())
    }
}

impl Machine for Session {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            if let Some(error) = self.failure.take() {
                return Err(error);
            }
            if self.over {
                return Ok(None);
            }
            match self.next(now, input) {
                Ok(Some(event)) if self.events.is_empty() => return Ok(Some(event)),
                Ok(Some(event)) => self.events.push_back(event),
                Ok(None) if self.events.is_empty() => {
                    self.settle(now);
                    return Ok(None);
                }
                Ok(None) => {}
                Err(error) => self.fail(error),
            }
        }
    }

    fn input_closed(&mut self, _: Instant) {
        self.eof = true;
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn deadline(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        [self.timers.deadline(), self.exchanges.deadline()].into_iter().flatten().min()
    }

    fn on_deadline(&mut self, now: Instant) {
        if self.over {
            return;
        }
        for id in self.exchanges.expired(now) {
            self.expire(id);
        }
        while let Some(due) = self.timers.due(now) {
            match due {
                Due::Hello => self.hello_unanswered(now),
                Due::Heartbeat => self.send_ping(now, false),
                Due::End(error) => return self.fail(error),
            }
        }
    }

    fn wants_input(&self) -> bool {
        self.may_take() && self.events.is_empty()
    }

    fn is_finished(&self) -> bool {
        self.over && self.events.is_empty() && self.failure.is_none()
    }

    fn output_progress(&mut self, now: Instant) {
        self.timers.output_progress(now, !self.output.is_empty());
        self.wake();
    }

    fn is_idle(&self) -> bool {
        self.exchanges.is_empty() && self.run.is_empty() && self.partial == 0
    }
}

/// The settings of our hello.
fn settings(limits: &Limits, heartbeat_ms: u64) -> Settings {
    Settings {
        max_frame: u32::try_from(limits.frame).unwrap_or(u32::MAX),
        exchange_window: limits.exchange_window,
        connection_window: limits.connection_window,
        exchanges: u64::from(limits.exchanges),
        heartbeat_ms,
    }
}

/// What both forms know of an exchange at its start.
fn exchange(window: Window, credit: u64, own: bool, deadline: Option<Instant>) -> Exchange {
    Exchange {
        credit,
        begun: own,
        sent_all: false,
        wants: 0,
        peer_begun: !own,
        received_all: false,
        window,
        deadline,
    }
}

/// The lengths of a frame that an extended peer takes.
fn part_size(peer: &Settings) -> usize {
    const FAIR: usize = 64 * 1024;
    (peer.max_frame as usize).saturating_sub(extended::MAX_OVERHEAD).clamp(1, FAIR)
}

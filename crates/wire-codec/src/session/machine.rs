//! The machine: what every form shares.

mod base_form;
mod commands;
mod ending;
mod extended_form;
mod hello;
mod input;
mod room;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wirelace_wire::{Budget, Machine, Output};

use super::credit::Window;
use super::error::Error;
use super::event::{Event, Form, Stats};
use super::exchange::{Exchange, Exchanges};
use super::options::{Limits, Offer, Options};
use super::timers::{Due, Timers};
use super::unread::Unread;
use crate::base::{self, FrameType};
use crate::error::ErrorCode;
use crate::extended::{self, Frame, Role, Settings};

/// Octets of an error's text that travel: each peer takes a frame of so many.
const MAX_TEXT: usize = Settings::MIN_MAX_FRAME as usize - extended::MAX_OVERHEAD;

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
    unread: Unread,
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
    /// The application waits for so much room for a request, or for a message (0: it does not).
    request_wants: Option<usize>,
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
            unread: Unread::default(),
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
            request_wants: None,
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
        self.count_reply(self.put_since(before), self.put_octets);
    }

    fn count_reply(&mut self, octets: usize, end: u64) {
        let (_, last) = self.replies;
        self.replies = (self.waiting_replies().saturating_add(octets), last.max(end));
    }

    /// Octets of such answers that wait, at most.
    fn waiting_replies(&self) -> usize {
        let (octets, end) = self.replies;
        if end <= self.gone() { 0 } else { octets.min(self.output.len()) }
    }

    /// How many octets of all that was ever put were written.
    fn gone(&self) -> u64 {
        self.put_octets.saturating_sub(self.output.len() as u64)
    }

    fn put_since(&self, before: u64) -> usize {
        usize::try_from(self.put_octets - before).unwrap_or(usize::MAX)
    }

    /// Extended form: what was put since `before`, with `payload` octets of payload, ends an exchange of the peer.
    fn answered(&mut self, id: u64, before: u64, payload: usize) {
        let octets = self.put_since(before).saturating_sub(payload);
        self.unread.put(id, octets, self.put_octets);
        self.close(id);
    }

    fn charge(&mut self, now: Instant) -> Result<(), Error> {
        if self.control.take(now, 1) { Ok(()) } else { Err(Error::TooManyFrames) }
    }

    fn charge_small(&mut self, now: Instant) -> Result<(), Error> {
        if self.small.take(now, 1) { Ok(()) } else { Err(Error::TooManyFrames) }
    }

    fn open(&mut self, id: u64, exchange: Exchange) {
        self.timers.busy();
        self.exchanges.insert(id, exchange);
    }

    /// The exchange is over: what the application holds of it counts as taken.
    fn close(&mut self, id: u64) {
        let Some(exchange) = self.exchanges.remove(id) else { return };
        self.timers.busy();
        self.connection.take(exchange.window.held());
        self.return_credit();
        if self.is_own(id) {
            self.wake();
        }
    }

    fn return_credit(&mut self) {
        if self.over {
            return;
        }
        // The window of the base form has no end.
        if let Some(bytes) = self.connection.give_back() {
            self.put(Frame::Credit { id: 0, bytes });
        }
    }

    /// Whether a frame may be taken.
    fn may_take(&self) -> bool {
        if self.over || self.waiting_replies() >= REPLY_ROOM {
            return false;
        }
        let answers = self.phase == Phase::Base && self.role == Role::Acceptor;
        !answers
            || !self.shutting_down
                && self.output.room() > 0
                && self.order.len() < self.limits.exchanges as usize
                && self.connection.held() < self.limits.connection_window
    }

    fn put_go_away(&mut self) {
        let code = ErrorCode::SHUTTING_DOWN;
        self.put(Frame::GoAway { last: self.peer_last, code, text: Bytes::new() });
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

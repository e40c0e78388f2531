//! The connection machine: the state of a connection, wired together.

mod blocks;
mod closed;
mod commands;
mod data;
mod deadlines;
mod ending;
mod flow;
mod frames;
mod own_settings;
mod peer_said;
mod push;
mod rates;
mod schedule;
mod sending;
mod state;
mod stream;
mod streams;
mod timers;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use wirelace_hpack::{BlockLimits, Decoder, Encoder, HeaderBlock};
use wirelace_http_semantics::{Event, Fields, Priority, StreamId};
use wirelace_http2_frames::{ErrorCode, PREFACE, write_settings, write_window_update};
use wirelace_wire::{Machine, Output};

use self::closed::Closed;
use self::flow::ReceiveWindow;
pub use self::flow::WindowReport;
use self::peer_said::PeerSaid;
use self::rates::Rates;
use self::schedule::Schedule;
use self::state::{Ending, Partial, Stage, Step};
use self::streams::Streams;
use self::timers::Timers;
use crate::error::Error;
use crate::limits::Limits;
use crate::message::Malformed;
use crate::settings::{self, DEFAULT_WINDOW, OwnSettings, PeerSettings, Role, Said};
use crate::stats::Stats;

/// Output above the limit that answers to the peer's frames may make before it is given up.
const UNREAD: usize = 64 * 1024;

/// One HTTP/2 connection, as client or as server.
///
/// A server's requests come out as [`Event::Head`] and, where they have a body, [`Event::Data`] and
/// [`Event::Trailers`]; responses go in by [`HttpMachine`](wirelace_http_semantics::HttpMachine), in any order. A
/// message that breaks a rule ends its stream, a frame that does ends the connection, each with the code that
/// RFC 9113 names.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    secure: bool,
    limits: Arc<Limits>,
    output: Output,
    stage: Stage,
    peer: PeerSettings,
    own: OwnSettings,
    decoder: Decoder,
    encoder: Encoder,
    block_limits: BlockLimits,
    /// Where field blocks are decoded and encoded.
    block: HeaderBlock,
    encoded: Vec<u8>,
    /// A field block of which more is to come.
    partial: Option<Partial>,
    streams: Streams,
    closed: Closed,
    /// The largest number that the peer has opened a stream with; 0: none.
    last_peer: u32,
    /// The number of the next stream that this side opens.
    next_own: u32,
    /// What the peer may send, over all streams.
    window: ReceiveWindow,
    /// What is left for streams whose windows are to grow.
    reserve: u32,
    /// The window of a new stream: the default one until the peer has acknowledged SETTINGS.
    stream_window: u32,
    /// What this side may send, over all streams.
    send_window: i64,
    /// Bytes that wait in all streams together.
    queued: usize,
    /// Streams that are owed a `Capacity`.
    blocked: usize,
    schedule: Schedule,
    /// Priorities for streams that are not open yet (RFC 9218 §7).
    early_priorities: VecDeque<(u32, Priority)>,
    events: VecDeque<Event>,
    rates: Rates,
    timers: Timers,
    ending: Ending,
    /// The last stream that the peer did or will process, once it has said so.
    peer_ending: Option<u32>,
    input_closed: bool,
    finished: bool,
    failed: Option<Error>,
    /// A new request has to wait until the output has room.
    held: bool,
    /// Bytes that `poll_event` left in the driver's buffer.
    buffered: usize,
    malformed: Option<(StreamId, Malformed)>,
    peer_said: PeerSaid,
    /// Body bytes received when the round trip was last measured.
    sampled_at: u64,
    /// As much is queued as may be, and no stream has capacity until half of it has gone.
    full: bool,
    stats: Stats,
}

impl Connection {
    /// The server's side. `secure`: the requests that are pushed have the scheme `https`.
    #[must_use]
    pub fn server(limits: impl Into<Arc<Limits>>, secure: bool, now: Instant) -> Connection {
        Connection::new(limits.into(), Role::Server, secure, now)
    }

    /// The client's side. `secure`: requests have the scheme `https` where their target names none.
    #[must_use]
    pub fn client(limits: impl Into<Arc<Limits>>, secure: bool, now: Instant) -> Connection {
        Connection::new(limits.into(), Role::Client, secure, now)
    }

    fn new(limits: Arc<Limits>, role: Role, secure: bool, now: Instant) -> Connection {
        let mut output = Output::new(limits.output.max(1));
        if role == Role::Client {
            output.put_slice(PREFACE);
        }
        write_settings(output.inline(), &settings::own(&limits, role));
        let window = settings::connection_window(&limits);
        if window > DEFAULT_WINDOW {
            write_window_update(output.inline(), 0, window - DEFAULT_WINDOW);
        }
        let said = Said { window: settings::window(&limits), table: limits.decoder_table };
        let mut block = HeaderBlock::new();
        block.set_arena(Fields::spare_block());
        Connection {
            role,
            secure,
            output,
            stage: if role == Role::Server { Stage::Preface } else { Stage::Settings },
            peer: PeerSettings::new(),
            own: OwnSettings {
                streams: limits.streams.max(1),
                last: said,
                unacknowledged: VecDeque::from([said]),
            },
            decoder: Decoder::new(4096),
            encoder: Encoder::new(limits.encoder_table as usize),
            block_limits: BlockLimits { fields: limits.fields, list_size: limits.header_list as usize },
            block,
            encoded: Vec::new(),
            partial: None,
            streams: Streams::default(),
            closed: Closed::default(),
            last_peer: 0,
            next_own: if role == Role::Server { 2 } else { 1 },
            // All but one stream may be full and unread: what one may send has to come round.
            window: ReceiveWindow::new(window, said.window / 8),
            reserve: limits.window_reserve,
            stream_window: DEFAULT_WINDOW,
            send_window: i64::from(DEFAULT_WINDOW),
            queued: 0,
            blocked: 0,
            schedule: Schedule::default(),
            early_priorities: VecDeque::new(),
            events: VecDeque::new(),
            rates: Rates::new(),
            timers: Timers::new(limits.timeouts, now),
            ending: Ending::No,
            peer_ending: None,
            input_closed: false,
            finished: false,
            failed: None,
            held: false,
            buffered: 0,
            malformed: None,
            peer_said: PeerSaid::default(),
            sampled_at: 0,
            full: false,
            stats: Stats::default(),
            limits,
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The last message that broke a rule, and which one: its stream was reset.
    #[must_use]
    pub fn last_malformed(&self) -> Option<(StreamId, Malformed)> {
        self.malformed
    }

    /// The last stream that the peer has reset, and its code: [`Reset`](Event::Reset) has what to do about it.
    #[must_use]
    pub fn last_reset(&self) -> Option<(StreamId, ErrorCode)> {
        self.peer_said.reset
    }

    /// The code and the debug data of the peer's last GOAWAY (RFC 9113 §6.8), of which the first 256 octets are kept.
    #[must_use]
    pub fn last_go_away(&self) -> Option<(ErrorCode, &[u8])> {
        self.peer_said.go_away.as_deref().map(|said| (said.code, &said.debug[..]))
    }

    /// What the peer may send over all streams: for those who watch it.
    #[must_use]
    pub fn receive_window(&self) -> WindowReport {
        let held = self.streams.iter().map(|stream| u64::from(stream.unconsumed)).sum();
        self.window.report(held)
    }

    fn is_server(&self) -> bool {
        self.role == Role::Server
    }

    /// Whether this side opens streams with that number.
    fn is_own(&self, id: u32) -> bool {
        (id & 1 == 1) == (self.role == Role::Client)
    }

    fn next_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            if let Some(error) = self.failed.take() {
                self.finished = true;
                return Err(error);
            }
            self.check_finished();
            if self.finished {
                input.clear();
                return Ok(None);
            }
            match self.read(now, input) {
                Ok(Step::Event(event)) => return Ok(Some(event)),
                Ok(Step::Nothing) => {}
                Ok(Step::Wait) => {
                    self.fill();
                    if self.events.is_empty() && self.failed.is_none() {
                        if self.input_closed && !self.held {
                            self.peer_left(input.is_empty());
                            if !self.events.is_empty() || self.failed.is_some() {
                                continue;
                            }
                        }
                        return Ok(None);
                    }
                }
                Err(error) => self.fail(error),
            }
        }
    }
}

impl Machine for Connection {
    type Event = Event;
    type Error = Error;

    #[inline]
    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        self.timers.now = now;
        let event = self.next_event(now, input);
        self.buffered = input.len();
        if matches!(event, Ok(None)) {
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
        self.timers.now = now;
        self.expire(now);
    }

    fn wants_input(&self) -> bool {
        if self.finished || self.input_closed || self.failed.is_some() {
            return false;
        }
        // What is held is read on for a while, to see the peer go.
        !self.held || self.buffered <= settings::frame(&self.limits) as usize
    }

    fn is_finished(&self) -> bool {
        self.finished && self.events.is_empty()
    }

    fn output_progress(&mut self, now: Instant) {
        self.timers.output(now, !self.output.is_empty());
    }

    fn is_idle(&self) -> bool {
        self.streams.is_empty() && self.buffered == 0 && self.partial.is_none()
    }
}

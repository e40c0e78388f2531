//! The connection machine: the state of a connection, wired together.

mod commands;
mod control;
mod datagrams;
mod deadlines;
mod ending;
mod exchange;
mod incoming;
mod own;
mod priorities;
mod push;
mod pushes;
mod rates;
mod reading;
mod sections;
mod sending;
mod timers;
mod transport;
mod unidirectional;

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use wirelace_http_semantics::{Event, Fields, Priority, StreamId};
use wirelace_qpack::{BlockLimits, Decoder, Encoder, HeaderBlock};
use wirelace_quic_lite::{Connection as Quic, StreamId as QuicStream};

use self::exchange::Exchange;
use self::incoming::Unidirectional;
use self::own::OwnStream;
use self::pushes::Pushes;
use self::rates::Rates;
use crate::error::Error;
use crate::extension::{ExtensionEvent, Registered, cost};
use crate::frame::{FrameHeader, FrameType, write_id};
use crate::limits::Limits;
use crate::settings::{Role, Settings, reserved};
use crate::stats::Stats;
use crate::stream_type::StreamType;
use wirelace_http_messages::Malformed;

/// How far this side is in ending the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    No,
    /// The peer is to start nothing more; what is on its way is still taken.
    Announced,
    /// Nothing is taken beyond what GOAWAY named.
    Final,
}

/// One HTTP/3 connection, as client or as server.
///
/// It stands on a QUIC connection that it does not own: each call gets it. What the transport tells goes to
/// [`on_quic_event`](Connection::on_quic_event); what happened comes out of [`poll_event`](Connection::poll_event), in
/// the words that all versions of HTTP share; commands are named as those of
/// [`HttpMachine`](wirelace_http_semantics::HttpMachine). Data are read from the transport when they are asked for, and
/// their credit goes back with [`consumed`](Connection::consumed).
///
/// An exchange has the number of its stream; a pushed one that of its push, above 2^62.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    limits: Arc<Limits>,
    registered: Registered,
    /// What this side says, once it was said.
    own_settings: Option<Settings>,
    more_settings: Vec<(u64, u64)>,
    peer_settings: Option<Settings>,
    control: OwnStream,
    encoder_stream: OwnStream,
    decoder_stream: OwnStream,
    /// The peer's critical streams.
    peer_control: Option<QuicStream>,
    peer_encoder: Option<QuicStream>,
    peer_decoder: Option<QuicStream>,
    encoder: Encoder,
    decoder: Decoder,
    block_limits: BlockLimits,
    /// Where field sections are decoded and encoded.
    block: HeaderBlock,
    encoded: Vec<u8>,
    /// By their ids, which are not always those of their streams.
    exchanges: HashMap<u64, Exchange>,
    /// The peer's unidirectional streams.
    incoming: HashMap<u64, Unidirectional>,
    /// Streams that may have something to read.
    ready: VecDeque<QuicStream>,
    /// Streams that were sent to their end, of which the peer has not yet everything.
    unacknowledged: HashSet<u64>,
    pushes: Pushes,
    /// Priorities for requests that have not come yet (RFC 9218 §7.2).
    early_priorities: VecDeque<(u64, Priority)>,
    events: VecDeque<Event>,
    extension_events: VecDeque<ExtensionEvent>,
    datagram_bytes: usize,
    rates: Rates,
    /// When the machine was last given the time.
    now: Instant,
    timers: timers::Timers,
    ending: Ending,
    /// What the peer's GOAWAY names.
    peer_ending: Option<u64>,
    /// What ours named.
    own_ending: Option<u64>,
    /// The least number that no stream of the peer's has had.
    next_peer: u64,
    grease: u64,
    grease_due: bool,
    failed: Option<Error>,
    finished: bool,
    malformed: Option<(StreamId, Malformed)>,
    stats: Stats,
}

impl Connection {
    /// The server's side.
    #[must_use]
    pub fn server(limits: impl Into<Arc<Limits>>, now: Instant) -> Connection {
        Connection::new(limits.into(), Role::Server, now)
    }

    /// The client's side.
    #[must_use]
    pub fn client(limits: impl Into<Arc<Limits>>, now: Instant) -> Connection {
        Connection::new(limits.into(), Role::Client, now)
    }

    fn new(limits: Arc<Limits>, role: Role, now: Instant) -> Connection {
        let mut block = HeaderBlock::new();
        block.set_arena(Fields::spare_block());
        let list_size = usize::try_from(limits.field_section).unwrap_or(usize::MAX);
        let grease = RandomState::new().hash_one(0u8);
        Connection {
            role,
            registered: Registered::default(),
            own_settings: None,
            more_settings: Vec::new(),
            peer_settings: None,
            control: OwnStream::new(StreamType::CONTROL),
            encoder_stream: OwnStream::new(StreamType::QPACK_ENCODER),
            decoder_stream: OwnStream::new(StreamType::QPACK_DECODER),
            peer_control: None,
            peer_encoder: None,
            peer_decoder: None,
            encoder: Encoder::new(limits.encoder_table),
            decoder: Decoder::new(limits.qpack),
            block_limits: BlockLimits { fields: limits.fields, list_size },
            block,
            encoded: Vec::new(),
            exchanges: HashMap::new(),
            incoming: HashMap::new(),
            ready: VecDeque::new(),
            unacknowledged: HashSet::new(),
            pushes: Pushes::new(),
            early_priorities: VecDeque::new(),
            events: VecDeque::new(),
            extension_events: VecDeque::new(),
            datagram_bytes: 0,
            rates: Rates::new(),
            now,
            timers: timers::Timers::new(now),
            ending: Ending::No,
            peer_ending: None,
            own_ending: None,
            next_peer: 0,
            grease,
            grease_due: limits.grease,
            failed: None,
            finished: false,
            malformed: None,
            stats: Stats::default(),
            limits,
        }
    }

    /// Hands streams of these types to an extension: unidirectional ones that begin with one of `unidirectional`, and
    /// bidirectional ones of the peer's that begin with one of `bidirectional` in place of a frame. `settings` go along
    /// with those of this side. To be called before the first [`poll_event`](Connection::poll_event).
    pub fn take_streams(&mut self, unidirectional: &[u64], bidirectional: &[u64], settings: &[(u64, u64)]) {
        self.registered.unidirectional.extend_from_slice(unidirectional);
        self.registered.bidirectional.extend_from_slice(bidirectional);
        self.more_settings.extend_from_slice(settings);
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// What the peer said in SETTINGS; `None` before they have come.
    #[must_use]
    pub fn peer_settings(&self) -> Option<&Settings> {
        self.peer_settings.as_ref()
    }

    /// The last message that broke a rule, and which one: its stream was reset.
    #[must_use]
    pub fn last_malformed(&self) -> Option<(StreamId, Malformed)> {
        self.malformed
    }

    /// True once nothing more will happen: the QUIC connection was closed, or is being closed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished && self.events.is_empty()
    }

    /// True while no exchange is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.exchanges.is_empty()
    }

    fn is_server(&self) -> bool {
        self.role == Role::Server
    }

    /// The next event; reads from the transport what it needs. `None`: the transport, time or a command has to bring
    /// something. To be called until then after each [`on_quic_event`](Connection::on_quic_event), command and
    /// [`on_deadline`](Connection::on_deadline), before the transport is asked what to send.
    ///
    /// # Errors
    /// The connection is over; the transport was told to close, with the code that RFC 9114 names.
    pub fn poll_event(&mut self, now: Instant, quic: &mut Quic) -> Result<Option<Event>, Error> {
        self.now = now;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            if let Some(error) = self.failed.take() {
                return Err(self.end(quic, error));
            }
            if self.finished {
                return Ok(None);
            }
            if self.own_settings.is_none() {
                self.begin();
            }
            if let Some(&stream) = self.ready.front() {
                match self.read_stream(quic, stream) {
                    Ok(Some(event)) => return Ok(Some(event)),
                    Ok(None) => {
                        self.ready.pop_front();
                    }
                    Err(error) => self.fail(error),
                }
                continue;
            }
            self.flush(quic);
            self.check_finished(quic);
            if self.events.is_empty() && self.failed.is_none() {
                self.watch();
                return Ok(None);
            }
        }
    }

    /// The next that came for an extension. Asked after [`poll_event`](Connection::poll_event) has nothing more.
    pub fn poll_extension(&mut self) -> Option<ExtensionEvent> {
        let event = self.extension_events.pop_front()?;
        if let ExtensionEvent::Datagram { data, .. } = &event {
            self.datagram_bytes -= cost(data);
        }
        Some(event)
    }

    /// Says what this side takes.
    fn begin(&mut self) {
        let settings = Settings::own(&self.limits, self.role, &self.more_settings, self.grease);
        let out = &mut self.control.pending;
        settings.write(out);
        self.own_settings = Some(settings);
        if let Some(most) = self.pushes.allow(self.limits.pushes).filter(|_| self.role == Role::Client) {
            write_id(out, FrameType::MAX_PUSH_ID, most);
        }
        if self.limits.grease {
            let kind = FrameType(reserved(self.grease.rotate_right(20)));
            FrameHeader { kind, length: 4 }.write(out);
            out.extend_from_slice(&[0x5a; 4]);
        }
    }

    /// Sends what belongs to no exchange, as far as the transport takes it.
    fn flush(&mut self, quic: &mut Quic) {
        self.control.flush(quic);
        if self.peer_settings.is_some() {
            self.encoder_stream.pending.append(self.encoder.output());
            self.encoder_stream.flush(quic);
        }
        let output = self.decoder.output();
        if !output.is_empty() {
            self.decoder_stream.pending.append(output);
        }
        self.decoder_stream.flush(quic);
        if self.grease_due && self.peer_settings.is_some() {
            self.grease_due = false;
            self.send_reserved_stream(quic);
        }
    }

    /// A stream that nobody knows (RFC 9114 §6.2.3), where there is room for more than that.
    fn send_reserved_stream(&mut self, quic: &mut Quic) {
        use wirelace_quic_lite::Direction::Unidirectional;
        if quic.available(Unidirectional) > 2
            && let Some(stream) = quic.open(Unidirectional)
        {
            let mut data = Vec::new();
            crate::frame::put_varint(&mut data, reserved(self.grease.rotate_right(40)));
            // It may find no room; nobody will miss it.
            if quic.write(stream, Bytes::from(data), true).is_err() {
                quic.reset(stream, crate::ErrorCode::H3_NO_ERROR.0);
            }
        }
    }
}

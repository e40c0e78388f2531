//! Streams: their states, flow control, limits and order (RFC 9000 §2 to §4; RFC 9218 §10).

mod application;
mod assembler;
mod event_bits;
mod flow;
mod frame_bits;
mod held;
mod incoming;
mod limits;
mod outcome;
mod outgoing;
mod priority;
mod public;
mod ranges;
mod receive;
mod rules;
mod schedule;
mod send;
mod send_buffer;
mod stream;
mod table;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use wirelace_tls_glue::quic::Side;

pub(crate) use self::assembler::Assembler;
use self::flow::{Clock, ReceiveWindow, SendWindow};
use self::held::Memory;
pub(crate) use self::limits::StreamLimits;
use self::limits::{DIRECTIONS, Kinds, PeerLimits};
pub(crate) use self::public::StreamEvent;
pub use self::public::{Chunk, ReadError, WriteError};
use self::receive::Receive;
use self::schedule::Schedule;
use self::send::Send;
pub(crate) use self::send_buffer::SendBuffer;
use self::stream::Stream;
use self::table::Table;
use crate::stream_id::{Direction, StreamId};

/// The most streams of a kind (RFC 9000 §4.6).
const MAX_STREAMS: u64 = 1 << 60;

/// Streams of a kind that this side opens.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    window: SendWindow,
    /// [`Streams::open`] failed since it last succeeded.
    wanted: bool,
    /// It would succeed.
    available: bool,
}

/// Streams of a kind that the peer opens.
#[derive(Debug, Clone, Copy)]
struct Peers {
    window: ReceiveWindow,
    /// Those that the application knows of.
    announced: u64,
}

/// What streams did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StreamStats {
    /// Streams that are remembered.
    pub(crate) open: usize,
    pub(crate) opened_by_self: u64,
    pub(crate) opened_by_peer: u64,
    /// Streams that the peer reset or stopped.
    pub(crate) reset_by_peer: u64,
    pub(crate) bytes_sent: u64,
    /// Of data that were lost.
    pub(crate) bytes_sent_again: u64,
    pub(crate) bytes_received: u64,
    /// Octets that wait for the application to take them, at most.
    pub(crate) bytes_held: u64,
    /// Pieces that were received and not read.
    pub(crate) pieces: usize,
    /// Of them, those in the buffers they came in.
    pub(crate) shared_pieces: usize,
    /// Octets of the buffers of the others.
    pub(crate) copied: usize,
}

/// All streams of a connection.
#[derive(Debug)]
pub(crate) struct Streams {
    side: Side,
    limits: StreamLimits,
    table: Table,
    own: Kinds<Own>,
    peers: Kinds<Peers>,
    data_in: ReceiveWindow,
    data_out: SendWindow,
    peer_limits: PeerLimits,
    /// What the peer said with early data does not count.
    replace_limits: bool,
    /// Streams with something to send that no window holds back: what was lost, or the end.
    free: Schedule,
    /// Streams with data that were never sent and that their own windows let go.
    fresh: Schedule,
    /// Streams with other frames to send.
    frames: VecDeque<(u32, StreamId)>,
    /// How many have any.
    frames_count: usize,
    /// Streams with events.
    events: VecDeque<(u32, StreamId)>,
    /// The connection's window let nothing go, and does now.
    opened_up: bool,
    memory: Memory,
    clock: Clock,
    stats: StreamStats,
}

impl Streams {
    pub(crate) fn new(side: Side, limits: &StreamLimits) -> Streams {
        let peers =
            |at_once: u64| Peers { window: ReceiveWindow::new(at_once, at_once, MAX_STREAMS), announced: 0 };
        let data_in = ReceiveWindow::of_data(limits.data_window, limits.max_data_window);
        let most = usize::try_from(limits.max_data_window.max(limits.data_window)).unwrap_or(usize::MAX);
        // Buffers grow by doubling.
        let own = most.saturating_mul(2).saturating_add(limits.pieces.saturating_mul(64));
        Streams {
            side,
            limits: limits.clone(),
            table: Table::new(),
            own: Kinds::default(),
            peers: Kinds {
                bidi: peers(limits.bidirectional_streams),
                uni: peers(limits.unidirectional_streams),
            },
            data_in,
            data_out: SendWindow::default(),
            peer_limits: PeerLimits::default(),
            replace_limits: false,
            free: Schedule::default(),
            fresh: Schedule::default(),
            frames: VecDeque::new(),
            frames_count: 0,
            events: VecDeque::new(),
            opened_up: false,
            memory: Memory::new(limits.pieces, limits.shared_pieces, own),
            clock: Clock::default(),
            stats: StreamStats::default(),
        }
    }

    /// What time it is, and how long a round trip takes: windows that are used up faster than in two of them grow.
    pub(crate) fn set_clock(&mut self, now: Instant, rtt: Duration) {
        self.clock = Clock { now: Some(now), rtt };
    }

    /// What the peer's transport parameters allow. With early data it is called twice: with those that were remembered,
    /// and with the real ones, which are not below them.
    pub(crate) fn set_peer_limits(
        &mut self,
        data: u64,
        bidi_local: u64,
        bidi_remote: u64,
        uni: u64,
        streams_bidi: u64,
        streams_uni: u64,
    ) {
        let streams = Kinds { bidi: streams_bidi, uni: streams_uni };
        self.peer_limits = PeerLimits { data, bidi_local, bidi_remote, uni, streams };
        if core::mem::take(&mut self.replace_limits) {
            self.rewind();
            return;
        }
        self.raise_data(data);
        for slot in 0..self.table.places() {
            let Some(id) = self.table.get(slot).map(|stream| stream.id) else { continue };
            let limit = self.peer_limits.of_stream(id.direction(), id.initiator() == self.side);
            self.raise_stream(slot, limit);
        }
        for direction in DIRECTIONS {
            let limit = *self.peer_limits.streams.of(direction);
            self.raise_streams(direction, limit);
        }
    }

    /// The server has refused early data: everything goes again from the start, under the limits of its real transport
    /// parameters, whether they come before or after this.
    pub(crate) fn reject_early_data(&mut self) {
        self.replace_limits = true;
        self.rewind();
    }

    /// Nothing of what was sent has arrived.
    fn rewind(&mut self) {
        let limits = self.peer_limits;
        self.data_out = SendWindow::new(limits.data, 0);
        for direction in DIRECTIONS {
            let own = self.own.of_mut(direction);
            let used = own.window.used;
            own.window = SendWindow::new(*limits.streams.of(direction), used);
            own.available = own.wanted && own.window.left() > 0;
        }
        self.free = Schedule::default();
        self.fresh = Schedule::default();
        self.frames.clear();
        self.frames_count = 0;
        self.opened_up = true;
        for slot in 0..self.table.places() {
            let Some(stream) = self.table.get_mut(slot) else { continue };
            let limit = limits.of_stream(stream.id.direction(), stream.id.initiator() == self.side);
            let mut bits = 0;
            if let Some(send) = &mut stream.send {
                send.rewind(limit);
                if send.reset_frame().is_some() {
                    bits |= frame_bits::RESET_STREAM;
                }
            }
            // No window has moved: nothing has come.
            if stream.receive.as_ref().is_some_and(|receive| receive.stop_code().is_some()) {
                bits |= frame_bits::STOP_SENDING;
            }
            stream.frames = 0;
            stream.frames_queued = false;
            stream.in_free = false;
            stream.in_fresh = false;
            self.flag(slot, bits);
            self.reschedule(slot);
        }
    }

    /// How things are.
    pub(crate) fn stats(&self) -> StreamStats {
        let used = |own: &Own| own.window.used;
        let received = |peers: &Peers| peers.window.received();
        StreamStats {
            open: self.table.len(),
            opened_by_self: used(&self.own.bidi) + used(&self.own.uni),
            opened_by_peer: received(&self.peers.bidi) + received(&self.peers.uni),
            bytes_received: self.data_in.received(),
            bytes_held: self.data_in.received().saturating_sub(self.data_in.consumed()),
            pieces: self.memory.pieces(),
            shared_pieces: self.memory.shared(),
            copied: self.memory.own(),
            ..self.stats
        }
    }

    /// A stream that was opened, by either side.
    fn add(&mut self, id: StreamId) -> u32 {
        let own = id.initiator() == self.side;
        let both = id.direction() == Direction::Bidirectional;
        let send = (both || own).then(|| Send::new(self.peer_limits.of_stream(id.direction(), own)));
        let limits = &self.limits;
        let window = ReceiveWindow::of_data(limits.stream_window, limits.max_stream_window);
        let receive = (both || !own).then(|| Receive::new(window));
        self.table.insert(Stream::new(id, send, receive))
    }

    /// Whether the peer lets this side use the stream. After refused early data it may not.
    fn is_permitted(&self, id: StreamId) -> bool {
        id.initiator() != self.side || id.index() < self.own.of(id.direction()).window.limit
    }

    /// A stream has frames to send.
    fn flag(&mut self, slot: u32, bits: u8) {
        let Some(id) = self.table.get(slot).map(|stream| stream.id) else { return };
        let permitted = self.is_permitted(id);
        let Some(stream) = self.table.get_mut(slot) else { return };
        let before = stream.frames;
        stream.frames |= bits;
        if stream.frames == 0 || !permitted {
            return;
        }
        if before == 0 {
            self.frames_count += 1;
        }
        if !core::mem::replace(&mut stream.frames_queued, true) {
            self.frames.push_back((slot, id));
        }
    }

    /// A stream does not have to send those frames any more.
    fn unflag(&mut self, slot: u32, bits: u8) {
        let Some(id) = self.table.get(slot).map(|stream| stream.id) else { return };
        let permitted = self.is_permitted(id);
        let Some(stream) = self.table.get_mut(slot) else { return };
        let before = stream.frames;
        stream.frames &= !bits;
        if before != 0 && stream.frames == 0 && permitted {
            self.frames_count = self.frames_count.saturating_sub(1);
        }
    }

    /// Something happened to a stream.
    fn notify(&mut self, slot: u32, bits: u8) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        stream.events |= bits;
        if bits != 0 && !core::mem::replace(&mut stream.events_queued, true) {
            self.events.push_back((slot, stream.id));
        }
    }

    /// A stream may have got, or lost, something to send.
    fn reschedule(&mut self, slot: u32) {
        let Some(stream) = self.table.get(slot) else { return };
        let (id, priority) = (stream.id, stream.priority);
        let permitted = self.is_permitted(id);
        let Some(stream) = self.table.get_mut(slot) else { return };
        let Some(send) = &mut stream.send else { return };
        let free = permitted && send.has_free();
        let fresh = permitted && send.has_fresh();
        let blocked = permitted && send.is_blocked() && send.window_mut().is_blocked_news();
        let was_free = core::mem::replace(&mut stream.in_free, free);
        let was_fresh = core::mem::replace(&mut stream.in_fresh, fresh);
        change(&mut self.free, slot, id, priority, was_free, free);
        change(&mut self.fresh, slot, id, priority, was_fresh, fresh);
        if blocked {
            self.flag(slot, frame_bits::STREAM_DATA_BLOCKED);
        }
    }

    /// Tells the application when a stream that waited for capacity has some.
    fn wake(&mut self, slot: u32) {
        let buffer = self.limits.send_buffer;
        if self.data_out.left() > 0
            && let Some(send) = self.table.get_mut(slot).and_then(|stream| stream.send.as_mut())
            && send.wakes(buffer)
        {
            self.notify(slot, event_bits::WRITABLE);
        }
    }

    /// Forgets a stream that is over: the peer may open another one for it.
    fn settle(&mut self, slot: u32) {
        let Some(stream) = self.table.get(slot).filter(|stream| stream.is_over()) else { return };
        let id = stream.id;
        change(&mut self.free, slot, id, stream.priority, stream.in_free, false);
        change(&mut self.fresh, slot, id, stream.priority, stream.in_fresh, false);
        self.unflag(slot, u8::MAX);
        self.table.remove(slot);
        if id.initiator() != self.side {
            self.peers.of_mut(id.direction()).window.consume(1);
        }
    }

    /// The peer's limit for all streams.
    fn raise_data(&mut self, limit: u64) {
        let held_back = self.data_out.left() == 0;
        self.opened_up |= self.data_out.raise(limit) && held_back;
    }

    /// The peer's limit for a stream.
    fn raise_stream(&mut self, slot: u32, limit: u64) {
        let Some(send) = self.table.get_mut(slot).and_then(|stream| stream.send.as_mut()) else { return };
        if send.raise(limit) {
            self.unflag(slot, frame_bits::STREAM_DATA_BLOCKED);
            self.reschedule(slot);
            self.wake(slot);
        }
    }

    /// The peer's limit for streams.
    fn raise_streams(&mut self, direction: Direction, limit: u64) {
        let own = self.own.of_mut(direction);
        let before = own.window.limit;
        if !own.window.raise(limit.min(MAX_STREAMS)) {
            return;
        }
        own.available |= own.wanted && own.window.left() > 0;
        if before >= own.window.used {
            return;
        }
        // Those that early data opened may go on.
        for slot in 0..self.table.places() {
            let Some(stream) = self.table.get_mut(slot) else { continue };
            let id = stream.id;
            if id.initiator() == self.side && id.direction() == direction && id.index() >= before {
                let bits = core::mem::take(&mut stream.frames);
                self.flag(slot, bits);
                self.reschedule(slot);
            }
        }
    }
}

fn change(
    schedule: &mut Schedule,
    slot: u32,
    id: StreamId,
    priority: priority::Priority,
    was: bool,
    is: bool,
) {
    match (was, is) {
        (false, true) => schedule.insert(slot, id, priority),
        (true, false) => schedule.remove(slot, priority),
        _ => {}
    }
}

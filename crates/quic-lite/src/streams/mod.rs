//! Streams: their states, flow control, limits and order (RFC 9000 §2 to §4).

mod assembler;
mod outcome;
mod receive;
mod schedule;
mod send;
mod send_buffer;

use std::collections::{HashMap, VecDeque};

use crate::octets::{put_varint, varint_length};
use bytes::Bytes;
use wirelace_tls_glue::quic::Side;

pub(crate) use self::assembler::Assembler;
pub use self::outcome::{Chunk, ReadError, WriteError};
use self::receive::Receive;
use self::schedule::Schedule;
use self::send::Send;
pub(crate) use self::send_buffer::SendBuffer;
use crate::error::{TransportError, TransportErrorCode};
use crate::sent_frame::SentFrame;
use crate::stream_id::{Direction, StreamId};

/// The most that a varint holds.
const MAX: u64 = (1 << 62) - 1;
/// Octets that the smallest STREAM frame has: type, id, length, and one of data.
const LEAST: usize = 1 + 1 + 2 + 1;

/// What this side allows.
#[derive(Debug, Clone)]
pub(crate) struct StreamLimits {
    pub(crate) data_window: u64,
    pub(crate) stream_window: u64,
    pub(crate) max_stream_window: u64,
    pub(crate) bidirectional_streams: u64,
    pub(crate) unidirectional_streams: u64,
    pub(crate) send_buffer: usize,
}

impl Default for StreamLimits {
    fn default() -> StreamLimits {
        StreamLimits {
            data_window: 1 << 20,
            stream_window: 1 << 18,
            max_stream_window: 1 << 20,
            bidirectional_streams: 100,
            unidirectional_streams: 100,
            send_buffer: 1 << 20,
        }
    }
}

/// What happened to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamEvent {
    Opened { id: StreamId },
    Readable { id: StreamId },
    Writable { id: StreamId },
    Stopped { id: StreamId, code: u64 },
    Reset { id: StreamId, code: u64 },
    Finished { id: StreamId },
    Available { direction: Direction },
}

#[derive(Debug)]
struct Stream {
    send: Option<Send>,
    receive: Option<Receive>,
}

impl Stream {
    fn is_over(&self) -> bool {
        self.send.as_ref().is_none_or(Send::is_over) && self.receive.as_ref().is_none_or(Receive::is_over)
    }
}

/// Streams of a kind that one side opens.
#[derive(Debug, Clone, Copy, Default)]
struct Opened {
    /// How many were opened.
    count: u64,
    /// How many may be.
    limit: u64,
    /// Of them, those that are over.
    over: u64,
    /// How many may be open at once.
    at_once: u64,
    /// MAX_STREAMS, or STREAMS_BLOCKED, has to go.
    tell: bool,
    /// Somebody waits for a higher limit.
    wanted: bool,
}

/// All streams of a connection.
#[derive(Debug)]
pub(crate) struct Streams {
    side: Side,
    limits: StreamLimits,
    streams: HashMap<StreamId, Stream>,
    /// By kind: bidirectional, unidirectional.
    own: [Opened; 2],
    peers: [Opened; 2],
    /// What the peer allows on new streams: of its own bidirectional ones, of ours, unidirectional.
    peer_windows: [u64; 3],
    send_max: u64,
    send_used: u64,
    data_blocked: bool,
    data_blocked_at: Option<u64>,
    /// Octets that the peer may send in all, has sent, and that the application took.
    receive_max: u64,
    received: u64,
    consumed: u64,
    max_data_due: bool,
    events: VecDeque<StreamEvent>,
    schedule: Schedule,
    /// Streams with frames other than STREAM to send.
    control: VecDeque<StreamId>,
}

fn kind(direction: Direction) -> usize {
    matches!(direction, Direction::Unidirectional).into()
}

fn error(code: TransportErrorCode, reason: &'static str) -> TransportError {
    TransportError::new(code, reason)
}

impl Streams {
    pub(crate) fn new(side: Side, limits: &StreamLimits) -> Streams {
        let peers = |at_once| Opened { limit: at_once, at_once, ..Opened::default() };
        Streams {
            side,
            streams: HashMap::new(),
            own: [Opened::default(); 2],
            peers: [peers(limits.bidirectional_streams), peers(limits.unidirectional_streams)],
            peer_windows: [0; 3],
            send_max: 0,
            send_used: 0,
            data_blocked: false,
            data_blocked_at: None,
            receive_max: limits.data_window,
            received: 0,
            consumed: 0,
            max_data_due: false,
            events: VecDeque::new(),
            schedule: Schedule::default(),
            control: VecDeque::new(),
            limits: limits.clone(),
        }
    }

    /// The peer's limits; none is lower than before.
    pub(crate) fn set_peer_limits(
        &mut self,
        data: u64,
        bidi_local: u64,
        bidi_remote: u64,
        uni: u64,
        streams_bidi: u64,
        streams_uni: u64,
    ) {
        self.peer_windows = [bidi_local, bidi_remote, uni];
        self.on_max_data(data);
        let ids: Vec<StreamId> = self.streams.keys().copied().collect();
        for id in ids {
            let window = self.peer_window(id);
            self.raise(id, window);
        }
        for (direction, value) in
            [(Direction::Bidirectional, streams_bidi), (Direction::Unidirectional, streams_uni)]
        {
            self.raise_streams(direction, value);
        }
    }

    /// What a new stream may have of us.
    fn peer_window(&self, id: StreamId) -> u64 {
        let [bidi_local, bidi_remote, uni] = self.peer_windows;
        match id.direction() {
            Direction::Unidirectional => uni,
            // "Local" and "remote" as the peer sees it.
            Direction::Bidirectional if id.initiator() == self.side => bidi_remote,
            Direction::Bidirectional => bidi_local,
        }
    }

    fn is_own(&self, id: StreamId) -> bool {
        id.initiator() == self.side
    }

    fn make(&mut self, id: StreamId) {
        let both = id.direction() == Direction::Bidirectional;
        let send = (both || self.is_own(id)).then(|| Send::new(self.peer_window(id)));
        let receive = (both || !self.is_own(id)).then(|| Receive::new(self.limits.stream_window));
        self.streams.insert(id, Stream { send, receive });
    }

    /// The stream of a frame that came, opened where the peer may; `None`: it is over, and the frame too late.
    fn find(&mut self, id: StreamId, sends: bool) -> Result<Option<&mut Stream>, TransportError> {
        let own = self.is_own(id);
        if id.direction() == Direction::Unidirectional && own == sends {
            return Err(error(
                TransportErrorCode::STREAM_STATE_ERROR,
                "a frame for the other direction of a unidirectional stream (RFC 9000 §19)",
            ));
        }
        let at = kind(id.direction());
        if own {
            if self.own.get(at).is_none_or(|opened| id.index() >= opened.count) {
                return Err(error(
                    TransportErrorCode::STREAM_STATE_ERROR,
                    "a frame for a stream that this side has not opened yet (RFC 9000 §19)",
                ));
            }
        } else if let Some(opened) = self.peers.get_mut(at) {
            if id.index() >= opened.limit {
                return Err(error(
                    TransportErrorCode::STREAM_LIMIT_ERROR,
                    "a stream beyond the limit (RFC 9000 §4.6)",
                ));
            }
            let from = opened.count;
            opened.count = from.max(id.index() + 1);
            // All with lower numbers are open too (§3.2).
            for index in from..=id.index() {
                let id = StreamId::new(id.initiator(), id.direction(), index);
                self.make(id);
                self.events.push_back(StreamEvent::Opened { id });
            }
        }
        Ok(self.streams.get_mut(&id))
    }

    // Frames that came.

    pub(crate) fn on_stream(
        &mut self,
        id: StreamId,
        offset: u64,
        data: Bytes,
        fin: bool,
    ) -> Result<(), TransportError> {
        let Some(receive) = self.find(id, true)?.and_then(|stream| stream.receive.as_mut()) else {
            return Ok(());
        };
        let (more, readable) = receive.on_data(offset, data, fin)?;
        let ignored = receive.ignores();
        self.received = self.received.saturating_add(more);
        self.check_data()?;
        if ignored {
            self.take(id);
        } else if readable {
            self.events.push_back(StreamEvent::Readable { id });
        }
        self.forget_if_over(id);
        Ok(())
    }

    pub(crate) fn on_reset_stream(
        &mut self,
        id: StreamId,
        code: u64,
        size: u64,
    ) -> Result<(), TransportError> {
        let Some(receive) = self.find(id, true)?.and_then(|stream| stream.receive.as_mut()) else {
            return Ok(());
        };
        let (more, news) = receive.on_reset(code, size)?;
        self.received = self.received.saturating_add(more);
        self.check_data()?;
        self.take(id);
        if news {
            self.events.push_back(StreamEvent::Reset { id, code });
        }
        self.forget_if_over(id);
        Ok(())
    }

    fn check_data(&self) -> Result<(), TransportError> {
        if self.received > self.receive_max {
            return Err(error(
                TransportErrorCode::FLOW_CONTROL_ERROR,
                "more data on all streams than MAX_DATA allows (RFC 9000 §4.1)",
            ));
        }
        Ok(())
    }

    pub(crate) fn on_stop_sending(&mut self, id: StreamId, code: u64) -> Result<(), TransportError> {
        let Some(send) = self.find(id, false)?.and_then(|stream| stream.send.as_mut()) else { return Ok(()) };
        if send.on_stop(code) {
            self.events.push_back(StreamEvent::Stopped { id, code });
            self.tell(id);
        }
        Ok(())
    }

    pub(crate) fn on_max_data(&mut self, value: u64) {
        if value > self.send_max {
            self.send_max = value;
            self.data_blocked = false;
        }
    }

    pub(crate) fn on_max_stream_data(&mut self, id: StreamId, value: u64) -> Result<(), TransportError> {
        self.find(id, false)?;
        self.raise(id, value);
        Ok(())
    }

    fn raise(&mut self, id: StreamId, value: u64) {
        let buffer = self.limits.send_buffer;
        let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut()) else { return };
        send.raise(value);
        if send.became_writable(buffer) {
            self.events.push_back(StreamEvent::Writable { id });
        }
        self.schedule_if_ready(id);
    }

    pub(crate) fn on_max_streams(&mut self, direction: Direction, value: u64) -> Result<(), TransportError> {
        self.raise_streams(direction, value);
        Ok(())
    }

    fn raise_streams(&mut self, direction: Direction, value: u64) {
        if let Some(own) = self.own.get_mut(kind(direction))
            && value > own.limit
        {
            own.limit = value;
            own.tell = false;
            if core::mem::take(&mut own.wanted) {
                self.events.push_back(StreamEvent::Available { direction });
            }
        }
    }

    pub(crate) fn on_stream_data_blocked(&mut self, id: StreamId, _value: u64) -> Result<(), TransportError> {
        self.find(id, true).map(|_| ())
    }

    pub(crate) fn on_streams_blocked(
        &mut self,
        direction: Direction,
        _value: u64,
    ) -> Result<(), TransportError> {
        // The limit may have been told in a packet that was lost.
        if let Some(peers) = self.peers.get_mut(kind(direction)) {
            peers.tell |= peers.over + peers.at_once > peers.limit;
        }
        Ok(())
    }

    // Packets that arrived, or did not.

    pub(crate) fn on_acked(&mut self, frame: &SentFrame) {
        match *frame {
            SentFrame::Stream { id, offset, length, fin } => {
                let buffer = self.limits.send_buffer;
                let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut()) else {
                    return;
                };
                if send.on_acked(offset, u64::from(length), fin) {
                    self.events.push_back(StreamEvent::Finished { id });
                } else if send.became_writable(buffer) {
                    self.events.push_back(StreamEvent::Writable { id });
                }
                self.forget_if_over(id);
            }
            SentFrame::ResetStream { id } => {
                if let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut()) {
                    send.reset_acked();
                }
                self.forget_if_over(id);
            }
            _ => {}
        }
    }

    pub(crate) fn on_lost(&mut self, frame: &SentFrame) {
        let stream = |streams: &mut HashMap<StreamId, Stream>, id: &StreamId| streams.contains_key(id);
        match *frame {
            SentFrame::Stream { id, offset, length, fin } => {
                if let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut()) {
                    send.on_lost(offset, u64::from(length), fin);
                }
                self.schedule_if_ready(id);
            }
            SentFrame::ResetStream { id } => {
                if let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut()) {
                    send.reset_lost();
                    self.tell(id);
                }
            }
            SentFrame::StopSending { id } => {
                if let Some(receive) = self.streams.get_mut(&id).and_then(|stream| stream.receive.as_mut()) {
                    receive.stop_lost();
                    self.tell(id);
                }
            }
            SentFrame::MaxStreamData { id } => {
                if let Some(receive) = self.streams.get_mut(&id).and_then(|stream| stream.receive.as_mut()) {
                    receive.max_lost();
                    self.tell(id);
                }
            }
            SentFrame::MaxData => self.max_data_due = true,
            SentFrame::MaxStreams { direction } => {
                if let Some(peers) = self.peers.get_mut(kind(direction)) {
                    peers.tell = true;
                }
            }
            SentFrame::DataBlocked => self.data_blocked_at = None,
            SentFrame::StreamDataBlocked { id } if stream(&mut self.streams, &id) => {
                self.schedule_if_ready(id)
            }
            _ => {}
        }
    }

    /// 0-RTT was refused: everything goes again, from the beginning.
    pub(crate) fn reject_early_data(&mut self) {
        self.send_used = 0;
        let ids: Vec<StreamId> = self.streams.keys().copied().collect();
        for id in ids {
            if let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut()) {
                send.rewind();
            }
            self.schedule_if_ready(id);
        }
    }

    // Sending.

    pub(crate) fn wants_to_send(&self) -> bool {
        self.max_data_due
            || !self.control.is_empty()
            || self.own.iter().chain(&self.peers).any(|opened| opened.tell)
            || self.wants_data_blocked()
            || !self.schedule.is_empty() && (self.send_used < self.send_max || self.schedule.has_lost())
    }

    fn wants_data_blocked(&self) -> bool {
        self.data_blocked && self.data_blocked_at != Some(self.send_max)
    }

    pub(crate) fn write_frames(&mut self, out: &mut Vec<u8>, room: usize, sent: &mut impl FnMut(SentFrame)) {
        let end = out.len() + room;
        self.write_control(out, end, sent);
        while out.len() + LEAST <= end {
            let Some(id) = self.schedule.front() else { return };
            let free = self.send_max - self.send_used;
            let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut()) else {
                self.schedule.pop();
                continue;
            };
            let before = send.next_offset();
            // Type, id, offset, and a length that is never longer.
            let head = 1 + varint_length(id.0) + varint_length(send.part_offset()) + 2;
            let Some(room) = (end - out.len()).checked_sub(head).filter(|room| *room > 0) else { return };
            let Some(part) = send.next_part(room, free) else {
                // The connection's window is used up: whoever has lost data may still go.
                if send.is_ready() && free == 0 {
                    self.data_blocked = true;
                    if !self.schedule.skip() {
                        return;
                    }
                } else {
                    self.schedule.pop();
                    send.scheduled = false;
                }
                continue;
            };
            self.send_used += send.next_offset() - before;
            out.push(0x08 | u8::from(part.offset > 0) << 2 | 0x02 | u8::from(part.fin));
            put_varint(out, id.0);
            if part.offset > 0 {
                put_varint(out, part.offset);
            }
            put_varint(out, part.length as u64);
            send.copy(part.offset, part.length, out);
            sent(SentFrame::Stream { id, offset: part.offset, length: part.length as u32, fin: part.fin });
            if send.is_ready() {
                self.schedule.rotate();
            } else {
                send.scheduled = false;
                self.schedule.pop();
            }
        }
    }

    fn write_control(&mut self, out: &mut Vec<u8>, end: usize, sent: &mut impl FnMut(SentFrame)) {
        const ROOM: usize = 1 + 8 + 8 + 8;
        let fits = |out: &Vec<u8>| out.len() + ROOM <= end;
        if self.max_data_due && fits(out) {
            self.max_data_due = false;
            self.receive_max =
                self.receive_max.max(self.consumed.saturating_add(self.limits.data_window)).min(MAX);
            out.push(0x10);
            put_varint(out, self.receive_max);
            sent(SentFrame::MaxData);
        }
        if self.wants_data_blocked() && fits(out) {
            self.data_blocked_at = Some(self.send_max);
            out.push(0x14);
            put_varint(out, self.send_max);
            sent(SentFrame::DataBlocked);
        }
        for (at, direction) in [Direction::Bidirectional, Direction::Unidirectional].into_iter().enumerate() {
            if let Some(peers) = self.peers.get_mut(at)
                && peers.tell
                && fits(out)
            {
                peers.tell = false;
                peers.limit = peers.limit.max(peers.over + peers.at_once).min(1 << 60);
                out.push(0x12 + at as u8);
                put_varint(out, peers.limit);
                sent(SentFrame::MaxStreams { direction });
            }
            if let Some(own) = self.own.get_mut(at)
                && own.tell
                && fits(out)
            {
                own.tell = false;
                out.push(0x16 + at as u8);
                put_varint(out, own.limit);
                sent(SentFrame::StreamsBlocked { direction });
            }
        }
        while fits(out)
            && let Some(id) = self.control.pop_front()
        {
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            if let Some(send) = &mut stream.send {
                send.told = false;
                if let Some((code, size)) = send.take_reset() {
                    out.push(0x04);
                    [id.0, code, size].into_iter().for_each(|value| put_varint(out, value));
                    sent(SentFrame::ResetStream { id });
                }
            }
            if let Some(receive) = &mut stream.receive {
                receive.told = false;
                if let Some(code) = receive.take_stop().filter(|_| fits(out)) {
                    out.push(0x05);
                    [id.0, code].into_iter().for_each(|value| put_varint(out, value));
                    sent(SentFrame::StopSending { id });
                }
                if let Some(max) = receive.take_max().filter(|_| fits(out)) {
                    out.push(0x11);
                    [id.0, max].into_iter().for_each(|value| put_varint(out, value));
                    sent(SentFrame::MaxStreamData { id });
                }
            }
        }
    }

    /// A stream has frames other than STREAM.
    fn tell(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let told = match (&mut stream.send, &mut stream.receive) {
            (Some(send), _) => &mut send.told,
            (None, Some(receive)) => &mut receive.told,
            (None, None) => return,
        };
        if !core::mem::replace(told, true) {
            self.control.push_back(id);
        }
    }

    fn schedule_if_ready(&mut self, id: StreamId) {
        let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut()) else { return };
        if send.is_ready() && !send.scheduled {
            send.scheduled = true;
            self.schedule.insert(id, send.urgency, send.incremental);
        }
    }

    // The application.

    pub(crate) fn poll_event(&mut self) -> Option<StreamEvent> {
        let event = self.events.pop_front()?;
        if let StreamEvent::Readable { id } = event
            && let Some(receive) = self.streams.get_mut(&id).and_then(|stream| stream.receive.as_mut())
        {
            receive.readable_told = false;
        }
        Some(event)
    }

    pub(crate) fn open(&mut self, direction: Direction) -> Option<StreamId> {
        let side = self.side;
        let own = self.own.get_mut(kind(direction))?;
        if own.count >= own.limit {
            own.tell |= !core::mem::replace(&mut own.wanted, true) && own.limit > 0;
            return None;
        }
        let id = StreamId::new(side, direction, own.count);
        own.count += 1;
        self.make(id);
        Some(id)
    }

    pub(crate) fn capacity(&self, id: StreamId) -> usize {
        let send = self.streams.get(&id).and_then(|stream| stream.send.as_ref());
        send.map_or(0, |send| send.capacity(self.limits.send_buffer))
    }

    pub(crate) fn write(&mut self, id: StreamId, data: Bytes, fin: bool) -> Result<(), WriteError> {
        let buffer = self.limits.send_buffer;
        let send = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut());
        send.ok_or(WriteError::Unknown)?.write(data, fin, buffer)?;
        self.schedule_if_ready(id);
        Ok(())
    }

    pub(crate) fn read(&mut self, id: StreamId, max: usize) -> Result<Option<Chunk>, ReadError> {
        let receive = self.streams.get_mut(&id).and_then(|stream| stream.receive.as_mut());
        let chunk = receive.ok_or(ReadError::Unknown)?.read(max);
        // Who has been told of a reset has done with the stream too.
        self.forget_if_over(id);
        chunk
    }

    pub(crate) fn consumed(&mut self, id: StreamId, bytes: usize) {
        self.give_data(bytes as u64);
        let most = self.limits.max_stream_window;
        if let Some(receive) = self.streams.get_mut(&id).and_then(|stream| stream.receive.as_mut())
            && receive.consumed(bytes as u64, most)
        {
            self.tell(id);
        }
    }

    /// What came for a stream that nobody reads counts as taken.
    fn take(&mut self, id: StreamId) {
        let taken = self.streams.get_mut(&id).and_then(|stream| stream.receive.as_mut());
        let taken = taken.map_or(0, Receive::take_all);
        self.give_data(taken);
    }

    fn give_data(&mut self, bytes: u64) {
        self.consumed = self.consumed.saturating_add(bytes);
        let could = self.consumed.saturating_add(self.limits.data_window);
        self.max_data_due |= could - self.receive_max.min(could) >= self.limits.data_window / 4;
    }

    pub(crate) fn reset(&mut self, id: StreamId, code: u64) {
        if let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut())
            && send.reset(code)
        {
            self.tell(id);
        }
    }

    pub(crate) fn stop(&mut self, id: StreamId, code: u64) {
        if let Some(receive) = self.streams.get_mut(&id).and_then(|stream| stream.receive.as_mut()) {
            if receive.stop(code) {
                self.tell(id);
            }
            self.take(id);
        }
        self.forget_if_over(id);
    }

    pub(crate) fn set_priority(&mut self, id: StreamId, urgency: u8, incremental: bool) {
        let Some(send) = self.streams.get_mut(&id).and_then(|stream| stream.send.as_mut()) else { return };
        if send.scheduled {
            self.schedule.remove(id, send.urgency);
            send.scheduled = false;
        }
        send.urgency = urgency.min(7);
        send.incremental = incremental;
        self.schedule_if_ready(id);
    }

    fn forget_if_over(&mut self, id: StreamId) {
        if !self.streams.get(&id).is_some_and(Stream::is_over) {
            return;
        }
        self.streams.remove(&id);
        if !self.is_own(id)
            && let Some(peers) = self.peers.get_mut(kind(id.direction()))
        {
            peers.over += 1;
            // Not for each: a frame for some of them, or when the peer has none left.
            let could = peers.over + peers.at_once;
            peers.tell |= could - peers.limit >= (peers.at_once / 8).max(1) || peers.count >= peers.limit;
        }
    }
}

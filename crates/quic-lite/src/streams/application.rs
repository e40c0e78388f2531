//! What the application does with streams.

use bytes::Bytes;
use wirelace_tls_glue::quic::Side;

use super::limits::DIRECTIONS;
use super::priority::Priority;
use super::public::{Chunk, ReadError, StreamEvent, WriteError};
use super::{Streams, event_bits, frame_bits};
use crate::stream_id::{Direction, StreamId};

impl Streams {
    /// What happened. A stream has at most one event of a kind that waits.
    pub(crate) fn poll_event(&mut self) -> Option<StreamEvent> {
        for direction in DIRECTIONS {
            let peers = self.peers.of_mut(direction);
            if peers.announced < peers.window.received() {
                let peer = match self.side {
                    Side::Client => Side::Server,
                    Side::Server => Side::Client,
                };
                let id = StreamId::new(peer, direction, peers.announced);
                peers.announced += 1;
                return Some(StreamEvent::Opened { id });
            }
            if core::mem::take(&mut self.own.of_mut(direction).available) {
                return Some(StreamEvent::Available { direction });
            }
        }
        if core::mem::take(&mut self.opened_up) && self.data_out.left() > 0 {
            self.wake_all();
        }
        loop {
            let (slot, id) = *self.events.front()?;
            if let Some(event) = self.next_of(slot, id) {
                return Some(event);
            }
        }
    }

    /// The connection's window held all streams back, also those that have not tried.
    fn wake_all(&mut self) {
        let buffer = self.limits.send_buffer;
        for slot in 0..self.table.places() {
            if let Some(send) = self.table.get_mut(slot).and_then(|stream| stream.send.as_mut())
                && send.capacity(buffer) > 0
            {
                send.fed();
                self.notify(slot, event_bits::WRITABLE);
            }
        }
    }

    /// The next event of the first stream that has any; `None`: it has none, and is the first no more.
    fn next_of(&mut self, slot: u32, id: StreamId) -> Option<StreamEvent> {
        let left = self.data_out.left();
        let buffer = self.limits.send_buffer;
        let Some(stream) = self.table.get_mut(slot).filter(|stream| stream.id == id) else {
            self.events.pop_front();
            return None;
        };
        let bit = stream.events & stream.events.wrapping_neg();
        stream.events &= !bit;
        let event = match bit {
            event_bits::STOPPED => {
                let code = stream.send.as_ref().and_then(|send| send.stop_code());
                code.map(|code| StreamEvent::Stopped { id, code })
            }
            event_bits::RESET => stream.receive.as_mut().and_then(|receive| {
                let code = receive.reset_code();
                receive.reset_read();
                code.map(|code| StreamEvent::Reset { id, code })
            }),
            event_bits::READABLE => Some(StreamEvent::Readable { id }),
            event_bits::WRITABLE => stream.send.as_mut().and_then(|send| {
                if left == 0 || send.capacity(buffer) == 0 {
                    send.starve();
                    return None;
                }
                Some(StreamEvent::Writable { id })
            }),
            event_bits::FINISHED => Some(StreamEvent::Finished { id }),
            _ => None,
        };
        if stream.events == 0 {
            stream.events_queued = false;
            self.events.pop_front();
            self.settle(slot);
        }
        event
    }

    /// Opens a stream; `None`: the peer allows no further one now, and an event will say when.
    pub(crate) fn open(&mut self, direction: Direction) -> Option<StreamId> {
        let own = self.own.of_mut(direction);
        if own.window.left() == 0 {
            own.wanted = true;
            return None;
        }
        own.wanted = false;
        own.available = false;
        let id = StreamId::new(self.side, direction, own.window.used);
        own.window.used += 1;
        self.add(id);
        Some(id)
    }

    /// How many streams of this kind can be opened now.
    pub(crate) fn available(&self, direction: Direction) -> u64 {
        self.own.of(direction).window.left()
    }

    /// Octets that a stream takes now: what its own window and buffer let in; 0 while the connection's window lets
    /// nothing go.
    pub(crate) fn capacity(&self, id: StreamId) -> usize {
        if self.data_out.left() == 0 {
            return 0;
        }
        let stream = self.table.slot(id).and_then(|slot| self.table.get(slot));
        let send = stream.and_then(|stream| stream.send.as_ref());
        send.map_or(0, |send| send.capacity(self.limits.send_buffer))
    }

    /// Sends data, all of them where there is capacity.
    pub(crate) fn write(&mut self, id: StreamId, data: Bytes, fin: bool) -> Result<(), WriteError> {
        let slot = self.table.slot(id).ok_or(WriteError::Unknown)?;
        let open = self.data_out.left() > 0;
        let send = self.table.get_mut(slot).and_then(|stream| stream.send.as_mut());
        send.ok_or(WriteError::Unknown)?.write(data, fin, self.limits.send_buffer, open)?;
        self.reschedule(slot);
        Ok(())
    }

    /// The next data of a stream, at most `max` octets; `None`: there are none now.
    pub(crate) fn read(&mut self, id: StreamId, max: usize) -> Result<Option<Chunk>, ReadError> {
        let slot = self.table.slot(id).ok_or(ReadError::Unknown)?;
        let receive = self.table.get_mut(slot).and_then(|stream| stream.receive.as_mut());
        let chunk = receive.ok_or(ReadError::Unknown)?.read(&mut self.memory, max)?;
        if chunk.as_ref().is_some_and(|chunk| chunk.fin) {
            self.settle(slot);
        }
        Ok(chunk)
    }

    /// The application took so many octets of what it read: their credit goes back.
    pub(crate) fn consumed(&mut self, id: StreamId, octets: usize) {
        let Some(slot) = self.table.slot(id) else { return };
        let Some(receive) = self.table.get_mut(slot).and_then(|stream| stream.receive.as_mut()) else {
            return;
        };
        let returned = receive.consumed(octets as u64);
        let due = receive.needs_credit() && receive.window().is_due();
        self.data_in.consume(returned);
        if due {
            self.flag(slot, frame_bits::MAX_STREAM_DATA);
        }
        self.settle(slot);
    }

    /// Ends sending on a stream without the rest.
    pub(crate) fn reset(&mut self, id: StreamId, code: u64) {
        let Some(slot) = self.table.slot(id) else { return };
        let Some(stream) = self.table.get_mut(slot) else { return };
        if stream.send.as_mut().is_some_and(|send| send.reset(code, false)) {
            stream.events &= !event_bits::WRITABLE;
            self.unflag(slot, frame_bits::STREAM_DATA_BLOCKED);
            self.flag(slot, frame_bits::RESET_STREAM);
            self.reschedule(slot);
        }
    }

    /// Wants no more of a stream. The peer is told, unless it has sent all.
    pub(crate) fn stop(&mut self, id: StreamId, code: u64) {
        let Some(slot) = self.table.slot(id) else { return };
        let Some(stream) = self.table.get_mut(slot) else { return };
        let Some(receive) = stream.receive.as_mut() else { return };
        let returned = receive.stop(&mut self.memory, code);
        let tell = receive.stop_code().is_some();
        stream.events &= !(event_bits::READABLE | event_bits::RESET);
        self.data_in.consume(returned);
        self.unflag(slot, frame_bits::MAX_STREAM_DATA);
        if tell {
            self.flag(slot, frame_bits::STOP_SENDING);
        }
        self.settle(slot);
    }

    /// How urgent a stream is, 0 (first) to 7, and whether parts of it are of use by themselves (RFC 9218 §4).
    pub(crate) fn set_priority(&mut self, id: StreamId, urgency: u8, incremental: bool) {
        let Some(slot) = self.table.slot(id) else { return };
        let Some(stream) = self.table.get_mut(slot) else { return };
        let priority = Priority { urgency: urgency.min(7), incremental };
        let before = core::mem::replace(&mut stream.priority, priority);
        if before == priority {
            return;
        }
        if core::mem::take(&mut stream.in_free) {
            self.free.remove(slot, before);
        }
        if core::mem::take(&mut stream.in_fresh) {
            self.fresh.remove(slot, before);
        }
        self.reschedule(slot);
    }
}

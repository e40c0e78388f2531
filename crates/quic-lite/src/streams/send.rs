//! The sending side of a stream (RFC 9000 §3.1).

use bytes::Bytes;

use super::outcome::WriteError;
use super::send_buffer::SendBuffer;

/// A part of a stream that goes into a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) length: usize,
    pub(super) fin: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fin {
    Open,
    /// The application has ended it; FIN has to go.
    Due,
    Sent,
    Acked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reset {
    No,
    Due(u64),
    Sent(u64),
    Acked,
}

#[derive(Debug)]
pub(super) struct Send {
    buffer: SendBuffer,
    /// Octets that the peer takes.
    max: u64,
    fin: Fin,
    reset: Reset,
    stopped: Option<u64>,
    /// Somebody waits until there is capacity.
    waits: core::cell::Cell<bool>,
    pub(super) urgency: u8,
    pub(super) incremental: bool,
    pub(super) scheduled: bool,
    pub(super) told: bool,
}

impl Send {
    pub(super) fn new(max: u64) -> Send {
        Send {
            buffer: SendBuffer::new(),
            max,
            fin: Fin::Open,
            reset: Reset::No,
            stopped: None,
            waits: core::cell::Cell::new(false),
            urgency: 3,
            incremental: true,
            scheduled: false,
            told: false,
        }
    }

    fn is_open(&self) -> bool {
        self.fin == Fin::Open && self.reset == Reset::No
    }

    /// Octets that may be written now. Who is told 0 hears when there are some.
    pub(super) fn capacity(&self, limit: usize) -> usize {
        let capacity = self.room(limit);
        self.waits.set(capacity == 0 && self.is_open());
        capacity
    }

    fn room(&self, limit: usize) -> usize {
        if !self.is_open() {
            return 0;
        }
        let window = usize::try_from(self.max.saturating_sub(self.buffer.end())).unwrap_or(usize::MAX);
        window.min(limit.saturating_sub(self.buffer.len()))
    }

    pub(super) fn became_writable(&mut self, limit: usize) -> bool {
        // Not for every octet: half of the buffer has to be free.
        let room = self.room(limit);
        let free = limit.saturating_sub(self.buffer.len()) >= limit / 2;
        self.waits.get() && room > 0 && free && self.waits.replace(false)
    }

    pub(super) fn write(&mut self, data: Bytes, fin: bool, limit: usize) -> Result<(), WriteError> {
        if let Some(code) = self.stopped {
            return Err(WriteError::Stopped(code));
        }
        if !self.is_open() {
            return Err(WriteError::Unknown);
        }
        if !data.is_empty() && self.capacity(limit) == 0 {
            return Err(WriteError::Blocked);
        }
        self.buffer.write(data);
        if fin {
            self.fin = Fin::Due;
        }
        Ok(())
    }

    pub(super) fn raise(&mut self, max: u64) {
        self.max = self.max.max(max);
    }

    /// There is something that the stream's own window lets go.
    pub(super) fn is_ready(&self) -> bool {
        if self.reset != Reset::No {
            return false;
        }
        let new = self.buffer.wants_to_send()
            && (self.buffer.has_lost() || self.buffer.next_offset() < self.max.min(self.buffer.end()));
        new || self.fin == Fin::Due && self.buffer.next_offset() == self.buffer.end()
    }

    pub(super) fn next_offset(&self) -> u64 {
        self.buffer.next_offset()
    }

    /// Where the next part begins.
    pub(super) fn part_offset(&self) -> u64 {
        self.buffer.part_offset()
    }

    /// The next part, of at most `room` octets; `free`: octets that the connection's window lets go.
    pub(super) fn next_part(&mut self, room: usize, free: u64) -> Option<Part> {
        if self.reset != Reset::No {
            return None;
        }
        let window = self.max.saturating_sub(self.buffer.next_offset()).min(free);
        let most =
            if self.buffer.has_lost() { room } else { room.min(usize::try_from(window).unwrap_or(room)) };
        match self.buffer.next_range(most) {
            Some((offset, length)) => {
                let fin = self.fin == Fin::Due && offset + length as u64 == self.buffer.end();
                if fin {
                    self.fin = Fin::Sent;
                }
                Some(Part { offset, length, fin })
            }
            None if self.fin == Fin::Due && self.buffer.next_offset() == self.buffer.end() => {
                self.fin = Fin::Sent;
                Some(Part { offset: self.buffer.end(), length: 0, fin: true })
            }
            None => None,
        }
    }

    pub(super) fn copy(&self, offset: u64, length: usize, out: &mut Vec<u8>) {
        self.buffer.copy_range(offset, length, out);
    }

    /// True when all has arrived just now.
    pub(super) fn on_acked(&mut self, offset: u64, length: u64, fin: bool) -> bool {
        if self.reset != Reset::No {
            return false;
        }
        let before = self.is_over();
        self.buffer.on_acked(offset, length);
        if fin {
            self.fin = Fin::Acked;
        }
        !before && self.is_over()
    }

    pub(super) fn on_lost(&mut self, offset: u64, length: u64, fin: bool) {
        if self.reset != Reset::No {
            return;
        }
        self.buffer.on_lost(offset, length);
        if fin && self.fin == Fin::Sent {
            self.fin = Fin::Due;
        }
    }

    pub(super) fn rewind(&mut self) {
        self.buffer.rewind();
        if self.fin == Fin::Sent {
            self.fin = Fin::Due;
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.reset == Reset::Acked
            || self.reset == Reset::No && self.fin == Fin::Acked && self.buffer.is_acked()
    }

    /// The application gives it up. True when the peer has to be told.
    pub(super) fn reset(&mut self, code: u64) -> bool {
        if self.reset != Reset::No || self.is_over() {
            return false;
        }
        self.reset = Reset::Due(code);
        // What was written and not sent does not count.
        self.buffer.drop_unsent();
        true
    }

    /// STOP_SENDING. True the first time, where anything is left to be stopped.
    pub(super) fn on_stop(&mut self, code: u64) -> bool {
        if self.stopped.is_some() || !self.reset(code) {
            return false;
        }
        self.stopped = Some(code);
        true
    }

    pub(super) fn take_reset(&mut self) -> Option<(u64, u64)> {
        let Reset::Due(code) = self.reset else { return None };
        self.reset = Reset::Sent(code);
        Some((code, self.buffer.next_offset()))
    }

    pub(super) fn reset_acked(&mut self) {
        self.reset = Reset::Acked;
    }

    pub(super) fn reset_lost(&mut self) {
        if let Reset::Sent(code) = self.reset {
            self.reset = Reset::Due(code);
        }
    }
}

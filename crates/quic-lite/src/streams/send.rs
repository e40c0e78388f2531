//! The sending part of a stream (RFC 9000 §3.1).

use bytes::Bytes;

use super::flow::SendWindow;
use super::public::WriteError;
use super::send_buffer::SendBuffer;

/// How far the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// It was written, and has to be sent, or sent again.
    Wanted,
    Sent,
    Acked,
}

#[derive(Debug, Clone, Copy)]
struct Reset {
    code: u64,
    /// The peer did it.
    stopped: bool,
    acked: bool,
}

/// What goes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) offset: u64,
    /// Octets, at most.
    pub(super) octets: u64,
    pub(super) fresh: bool,
}

#[derive(Debug)]
pub(super) struct Send {
    buffer: SendBuffer,
    window: SendWindow,
    end: End,
    reset: Option<Reset>,
    /// The application waits for capacity.
    starved: bool,
}

impl Send {
    pub(super) fn new(limit: u64) -> Send {
        Send {
            buffer: SendBuffer::new(),
            window: SendWindow::new(limit, 0),
            end: End::Open,
            reset: None,
            starved: limit == 0,
        }
    }

    /// Data Recvd, Reset Recvd.
    pub(super) fn is_over(&self) -> bool {
        match self.reset {
            Some(reset) => reset.acked,
            None => self.end == End::Acked && self.buffer.is_acked(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.reset.is_none() && self.end == End::Open
    }

    /// Octets that it takes now, as far as it can tell.
    pub(super) fn capacity(&self, buffer: usize) -> usize {
        if !self.is_open() {
            return 0;
        }
        let window = self.window.limit.saturating_sub(self.buffer.end());
        usize::try_from(window).unwrap_or(usize::MAX).min(buffer.saturating_sub(self.buffer.len()))
    }

    /// Whether the application has to know of `capacity`. A buffer that was full is worth it once a quarter of it is
    /// free.
    pub(super) fn wakes(&mut self, buffer: usize) -> bool {
        let wakes = self.starved
            && self.capacity(buffer) > 0
            && buffer.saturating_sub(self.buffer.len()) >= (buffer / 4).max(1);
        self.starved &= !wakes;
        wakes
    }

    /// The application is told of capacity.
    pub(super) fn fed(&mut self) {
        self.starved = false;
    }

    /// It waits for more.
    pub(super) fn starve(&mut self) {
        self.starved = true;
    }

    /// `open`: the connection's window lets something go.
    pub(super) fn write(
        &mut self,
        data: Bytes,
        fin: bool,
        buffer: usize,
        open: bool,
    ) -> Result<(), WriteError> {
        if let Some(reset) = self.reset {
            return Err(if reset.stopped { WriteError::Stopped(reset.code) } else { WriteError::Unknown });
        }
        if self.end != End::Open {
            return Err(WriteError::Unknown);
        }
        if !data.is_empty() {
            if !open || self.capacity(buffer) == 0 {
                self.starved = true;
                return Err(WriteError::Blocked);
            }
            self.buffer.write(data);
        }
        if fin {
            self.end = End::Wanted;
        } else if self.capacity(buffer) == 0 {
            self.starved = true;
        }
        Ok(())
    }

    /// Whether there is something that the connection's window does not hold back: what was lost, or the end alone.
    pub(super) fn has_free(&self) -> bool {
        self.reset.is_none() && (self.buffer.has_lost() || self.end == End::Wanted && self.all_sent())
    }

    /// Whether there are data that were never sent and may be.
    pub(super) fn has_fresh(&self) -> bool {
        self.reset.is_none() && !self.all_sent() && self.buffer.next_offset() < self.window.limit
    }

    /// Whether there are data that the stream's window holds back.
    pub(super) fn is_blocked(&self) -> bool {
        self.reset.is_none() && !self.all_sent() && self.buffer.next_offset() >= self.window.limit
    }

    fn all_sent(&self) -> bool {
        self.buffer.next_offset() == self.buffer.end()
    }

    pub(super) fn window_mut(&mut self) -> &mut SendWindow {
        &mut self.window
    }

    pub(super) fn raise(&mut self, limit: u64) -> bool {
        self.window.raise(limit)
    }

    /// What goes next out of one of the two.
    pub(super) fn next(&self, fresh: bool) -> Next {
        let offset = self.buffer.next_offset();
        if fresh {
            let octets = self.buffer.end().min(self.window.limit).saturating_sub(offset);
            return Next { offset, octets, fresh };
        }
        let (offset, octets) = self.buffer.lost().unwrap_or((offset, 0));
        Next { offset, octets, fresh }
    }

    /// Whether a frame with so many octets of it has the end.
    pub(super) fn ends(&self, next: Next, octets: usize) -> bool {
        self.end != End::Open && next.offset + octets as u64 == self.buffer.end()
    }

    /// So many octets of it are sent.
    pub(super) fn take(&mut self, next: Next, octets: usize, out: &mut Vec<u8>) {
        if self.ends(next, octets) && self.end == End::Wanted {
            self.end = End::Sent;
        }
        if octets > 0 {
            self.buffer.copy_range(next.offset, octets, out);
            if next.fresh {
                self.buffer.take_fresh(octets);
            } else {
                self.buffer.take_lost(octets);
            }
        }
    }

    /// Whether the peer has everything now.
    pub(super) fn on_acked(&mut self, offset: u64, octets: u64, fin: bool) -> bool {
        if self.reset.is_some() || self.is_over() {
            return false;
        }
        self.buffer.on_acked(offset, octets);
        if fin {
            self.end = End::Acked;
        }
        self.is_over()
    }

    pub(super) fn on_lost(&mut self, offset: u64, octets: u64, fin: bool) {
        if self.reset.is_some() {
            return;
        }
        self.buffer.on_lost(offset, octets);
        if fin && self.end == End::Sent {
            self.end = End::Wanted;
        }
    }

    /// Ends it without the rest. Whether there is something to say.
    pub(super) fn reset(&mut self, code: u64, stopped: bool) -> bool {
        if self.reset.is_some() || self.is_over() {
            return false;
        }
        self.buffer.clear();
        self.reset = Some(Reset { code, stopped, acked: false });
        true
    }

    /// Code and final size of a reset that was not acknowledged.
    pub(super) fn reset_frame(&self) -> Option<(u64, u64)> {
        let reset = self.reset.filter(|reset| !reset.acked)?;
        Some((reset.code, self.buffer.next_offset()))
    }

    /// The code with which the peer stopped it.
    pub(super) fn stop_code(&self) -> Option<u64> {
        self.reset.filter(|reset| reset.stopped).map(|reset| reset.code)
    }

    pub(super) fn on_reset_acked(&mut self) {
        if let Some(reset) = &mut self.reset {
            reset.acked = true;
        }
    }

    /// Nothing of it has arrived: it goes again, under another limit.
    pub(super) fn rewind(&mut self, limit: u64) {
        self.buffer.rewind();
        if self.reset.is_some() {
            self.buffer = SendBuffer::new();
        }
        if self.end == End::Sent {
            self.end = End::Wanted;
        }
        self.window = SendWindow::new(limit, 0);
        // What it had taken may be more than the new limit.
        self.starved = true;
    }
}

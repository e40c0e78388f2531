//! The receiving side of a stream (RFC 9000 §3.2).

use bytes::Bytes;

use super::assembler::Assembler;
use super::outcome::{Chunk, ReadError};
use crate::error::{TransportError, TransportErrorCode};

#[derive(Debug)]
pub(super) struct Receive {
    assembler: Assembler,
    /// Octets that the peer may send: what was told.
    max: u64,
    window: u64,
    /// Behind the last octet that came.
    highest: u64,
    /// Octets that the application took, or never will.
    consumed: u64,
    size: Option<u64>,
    reset: Option<u64>,
    /// STOP_SENDING: its code, and whether it has to go.
    stop: Option<(u64, bool)>,
    max_due: bool,
    /// The application knows that it has ended.
    over: bool,
    pub(super) readable_told: bool,
    pub(super) told: bool,
}

fn final_size(reason: &'static str) -> TransportError {
    TransportError::new(TransportErrorCode::FINAL_SIZE_ERROR, reason)
}

impl Receive {
    pub(super) fn new(window: u64) -> Receive {
        Receive {
            assembler: Assembler::new(usize::MAX),
            max: window,
            window,
            highest: 0,
            consumed: 0,
            size: None,
            reset: None,
            stop: None,
            max_due: false,
            over: false,
            readable_told: false,
            told: false,
        }
    }

    /// Returns how many octets count anew, and whether there is something new to read.
    pub(super) fn on_data(
        &mut self,
        offset: u64,
        data: Bytes,
        fin: bool,
    ) -> Result<(u64, bool), TransportError> {
        let end = offset + data.len() as u64;
        let more = self.check(end, fin)?;
        if self.reset.is_some() || self.over {
            return Ok((more, false));
        }
        let had = self.has_news();
        if self.stop.is_none() {
            self.assembler.insert(offset, data).map_err(|_| {
                TransportError::new(
                    TransportErrorCode::INTERNAL_ERROR,
                    "a stream in more pieces than are kept",
                )
            })?;
        }
        let news = !had && self.has_news() && !core::mem::replace(&mut self.readable_told, true);
        Ok((more, news))
    }

    /// The end of what came, and whether it is the last.
    fn check(&mut self, end: u64, fin: bool) -> Result<u64, TransportError> {
        match self.size {
            Some(size) if end > size || fin && end != size => {
                return Err(final_size("a stream has another end than it had before (RFC 9000 §4.5)"));
            }
            None if fin && end < self.highest => {
                return Err(final_size("a stream ends in front of data that came (RFC 9000 §4.5)"));
            }
            _ => {}
        }
        if end > self.max {
            return Err(TransportError::new(
                TransportErrorCode::FLOW_CONTROL_ERROR,
                "more data on a stream than MAX_STREAM_DATA allows (RFC 9000 §4.1)",
            ));
        }
        if fin {
            self.size = Some(end);
        }
        let more = end.saturating_sub(self.highest);
        self.highest = self.highest.max(end);
        Ok(more)
    }

    fn has_news(&self) -> bool {
        self.assembler.has_data() || self.size == Some(self.assembler.offset())
    }

    /// RESET_STREAM: octets that count anew, and whether the application is to hear of it.
    pub(super) fn on_reset(&mut self, code: u64, size: u64) -> Result<(u64, bool), TransportError> {
        // Only FIN says that what came is all: a reset where the application has read so far is one all the same.
        let all = self.size == Some(self.assembler.offset());
        let more = self.check(size, true)?;
        if self.reset.is_some() || self.over || all {
            return Ok((more, false));
        }
        self.reset = Some(code);
        self.assembler.clear();
        let told = self.stop.is_none();
        if !told {
            self.over = true;
        }
        Ok((more, told))
    }

    pub(super) fn read(&mut self, max: usize) -> Result<Option<Chunk>, ReadError> {
        if let Some(code) = self.reset {
            self.over = true;
            return Err(ReadError::Reset(code));
        }
        if self.over || self.stop.is_some() {
            return Err(ReadError::Unknown);
        }
        let data = self.assembler.read(max);
        let fin = self.size == Some(self.assembler.offset());
        if data.is_none() && !fin {
            return Ok(None);
        }
        self.over = fin;
        Ok(Some(Chunk { data: data.unwrap_or_default(), fin }))
    }

    /// True when the peer has to be told that it may send more.
    pub(super) fn consumed(&mut self, bytes: u64, _most: u64) -> bool {
        self.consumed = self.consumed.saturating_add(bytes).min(self.highest);
        if self.size.is_some() || self.stop.is_some() {
            return false;
        }
        let could = self.consumed + self.window;
        let due = could.saturating_sub(self.max) >= self.window / 4;
        self.max_due |= due;
        due
    }

    /// All that came and was not taken counts as taken: how much that is.
    pub(super) fn take_all(&mut self) -> u64 {
        let left = self.highest - self.consumed;
        self.consumed = self.highest;
        self.assembler.clear();
        left
    }

    /// Nobody reads it.
    pub(super) fn ignores(&self) -> bool {
        self.stop.is_some() || self.reset.is_some()
    }

    /// True when the peer has to be told.
    pub(super) fn stop(&mut self, code: u64) -> bool {
        if self.stop.is_some() || self.over {
            return false;
        }
        // All has come already, or the peer has given up: it need not hear it.
        let known = self.size.is_some();
        self.stop = Some((code, !known));
        self.over = known;
        !known
    }

    pub(super) fn take_stop(&mut self) -> Option<u64> {
        let (code, due) = self.stop.as_mut()?;
        (core::mem::take(due) && self.size.is_none()).then_some(*code)
    }

    pub(super) fn stop_lost(&mut self) {
        if let Some((_, due)) = &mut self.stop {
            *due = self.size.is_none();
        }
    }

    pub(super) fn take_max(&mut self) -> Option<u64> {
        if !core::mem::take(&mut self.max_due) || self.size.is_some() || self.stop.is_some() {
            return None;
        }
        self.max = self.max.max(self.consumed + self.window).min((1 << 62) - 1);
        Some(self.max)
    }

    pub(super) fn max_lost(&mut self) {
        self.max_due = self.size.is_none() && self.stop.is_none();
    }

    pub(super) fn is_over(&self) -> bool {
        // With STOP_SENDING, once the peer has said where it ends.
        self.over || self.stop.is_some() && self.size.is_some()
    }
}

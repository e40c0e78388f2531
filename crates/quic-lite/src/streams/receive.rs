//! The receiving part of a stream (RFC 9000 §3.2).

use bytes::Bytes;

use super::assembler::Pieces;
use super::flow::ReceiveWindow;
use super::held::Memory;
use super::public::{Chunk, ReadError};
use super::rules;
use crate::error::TransportError;

/// What became of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Came {
    /// Octets that count for the first time.
    pub(super) counted: u64,
    /// Octets that nobody will read: their credit goes back.
    pub(super) returned: u64,
    /// There is something to tell the application.
    pub(super) news: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Recv, Size Known, Data Recvd.
    Open,
    /// The application wants no more.
    Stopped(u64),
    /// Reset Recvd: the application does not know yet.
    Reset(u64),
    /// Data Read, Reset Read.
    Over,
}

#[derive(Debug)]
pub(super) struct Receive {
    pieces: Pieces,
    window: ReceiveWindow,
    state: State,
    /// The final size.
    size: Option<u64>,
    /// The application has seen the end.
    end_read: bool,
}

impl Receive {
    pub(super) fn new(window: ReceiveWindow) -> Receive {
        Receive { pieces: Pieces::default(), window, state: State::Open, size: None, end_read: false }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether the peer needs to know more of its window.
    pub(super) fn needs_credit(&self) -> bool {
        self.state == State::Open && self.size.is_none()
    }

    pub(super) fn window(&self) -> &ReceiveWindow {
        &self.window
    }

    pub(super) fn window_mut(&mut self) -> &mut ReceiveWindow {
        &mut self.window
    }

    /// The code of a STOP_SENDING that is of use.
    pub(super) fn stop_code(&self) -> Option<u64> {
        match self.state {
            State::Stopped(code) if self.size.is_none() => Some(code),
            _ => None,
        }
    }

    /// The code of a reset that the application does not know yet.
    pub(super) fn reset_code(&self) -> Option<u64> {
        match self.state {
            State::Reset(code) => Some(code),
            _ => None,
        }
    }

    /// The application knows of the reset.
    pub(super) fn reset_read(&mut self) {
        if matches!(self.state, State::Reset(_)) {
            self.state = State::Over;
        }
    }

    /// How far the peer has come: at least `end`, and not further if that is `fin`.
    fn count(&mut self, end: u64, fin: bool) -> Result<u64, TransportError> {
        let received = self.window.received();
        if let Some(size) = self.size {
            if end > size {
                return Err(rules::BEHIND_END);
            }
            if fin && end != size {
                return Err(rules::OTHER_END);
            }
        } else if fin && end < received {
            return Err(rules::END_BEFORE_DATA);
        }
        let more = end.saturating_sub(received);
        if more > 0 && !self.window.receive(more) {
            return Err(rules::STREAM_DATA);
        }
        if fin {
            self.size = Some(end);
        }
        Ok(more)
    }

    /// Everything that has not been taken goes back.
    fn give_up(&mut self, memory: &mut Memory) -> u64 {
        self.pieces.clear(memory);
        let left = self.window.received().saturating_sub(self.window.consumed());
        self.window.consume(left);
        left
    }

    pub(super) fn on_data(
        &mut self,
        memory: &mut Memory,
        offset: u64,
        data: Bytes,
        fin: bool,
    ) -> Result<Came, TransportError> {
        let known = self.size.is_some();
        let counted = self.count(offset + data.len() as u64, fin)?;
        match self.state {
            State::Open => {
                let mut news = self.pieces.insert(memory, offset, data).map_err(|_| rules::PIECES)?;
                // The end is news of its own when nothing comes with it.
                news |= fin && !known && self.size == Some(self.pieces.end());
                Ok(Came { counted, returned: 0, news })
            }
            State::Stopped(_) => {
                self.window.consume(counted);
                if self.size.is_some() {
                    self.state = State::Over;
                }
                Ok(Came { counted, returned: counted, news: false })
            }
            State::Reset(_) | State::Over => Ok(Came { counted, returned: counted, news: false }),
        }
    }

    pub(super) fn on_reset(
        &mut self,
        memory: &mut Memory,
        code: u64,
        size: u64,
    ) -> Result<Came, TransportError> {
        let known = self.size.is_some();
        let counted = self.count(size, true)?;
        match self.state {
            // Data Recvd: nothing is missing.
            State::Open if known && self.pieces.end() == size => return Ok(Came::default()),
            State::Open => {}
            State::Stopped(_) => {
                self.window.consume(counted);
                self.state = State::Over;
                return Ok(Came { counted, returned: counted, news: false });
            }
            State::Reset(_) | State::Over => return Ok(Came::default()),
        }
        let returned = self.give_up(memory);
        self.state = State::Reset(code);
        Ok(Came { counted, returned, news: true })
    }

    pub(super) fn read(&mut self, memory: &mut Memory, max: usize) -> Result<Option<Chunk>, ReadError> {
        match self.state {
            State::Open => {}
            State::Reset(code) => return Err(ReadError::Reset(code)),
            State::Stopped(_) | State::Over => return Err(ReadError::Unknown),
        }
        if self.end_read {
            return Ok(None);
        }
        let data = self.pieces.read(memory, max);
        let fin = self.size == Some(self.pieces.read_offset());
        if data.is_none() && !fin {
            return Ok(None);
        }
        self.end_read = fin;
        self.close_if_taken();
        Ok(Some(Chunk { data: data.unwrap_or_default(), fin }))
    }

    /// The application took so many octets of what it read; returns for how many credit goes back.
    pub(super) fn consumed(&mut self, octets: u64) -> u64 {
        if self.state != State::Open {
            // All of it went back then.
            return 0;
        }
        let octets = octets.min(self.pieces.read_offset().saturating_sub(self.window.consumed()));
        self.window.consume(octets);
        self.close_if_taken();
        octets
    }

    fn close_if_taken(&mut self) {
        if self.end_read && self.size == Some(self.window.consumed()) {
            self.state = State::Over;
        }
    }

    /// The application wants no more: for how many octets credit goes back.
    pub(super) fn stop(&mut self, memory: &mut Memory, code: u64) -> u64 {
        match self.state {
            State::Open => {
                let returned = self.give_up(memory);
                // Who has sent all need not be told (RFC 9000 §3.5).
                self.state = if self.size.is_some() { State::Over } else { State::Stopped(code) };
                returned
            }
            State::Reset(_) => {
                self.state = State::Over;
                0
            }
            State::Stopped(_) | State::Over => 0,
        }
    }
}

//! How a connection ends (RFC 9000 §10).

use std::time::Instant;

use bytes::Bytes;

use super::close_state::{Closing, Said};
use super::{Connection, Stage};
use crate::error::{TransportError, TransportErrorCode};
use crate::event::{CloseReason, Event};

/// Octets of a reason that go with CONNECTION_CLOSE.
const REASON: usize = 200;

impl Connection {
    /// Ends the connection with a code of the application, and up to 200 octets that say why (RFC 9000 §10.2). What was
    /// written and not yet acknowledged may get lost.
    pub fn close(&mut self, now: Instant, code: u64, reason: &[u8]) {
        let reason = Bytes::copy_from_slice(reason.get(..REASON).unwrap_or(reason));
        self.begin_close(now, Said::Application { code }, reason, CloseReason::Local);
    }

    /// The peer broke a rule.
    pub(super) fn fail(&mut self, now: Instant, error: TransportError) {
        self.close_for(now, error.code, error.frame_type.unwrap_or(0), CloseReason::Transport(error));
    }

    pub(super) fn close_for(
        &mut self,
        now: Instant,
        code: TransportErrorCode,
        frame_type: u64,
        why: CloseReason,
    ) {
        let text = why.to_string();
        let reason = Bytes::copy_from_slice(text.as_bytes().get(..REASON).unwrap_or(text.as_bytes()));
        self.begin_close(now, Said::Transport { code, frame_type }, reason, why);
    }

    fn begin_close(&mut self, now: Instant, said: Said, reason: Bytes, why: CloseReason) {
        if self.stage >= Stage::Closing {
            return;
        }
        self.stage = Stage::Closing;
        self.closing = Some(Box::new(Closing::new(said, reason)));
        self.wind_up(now);
        self.tell_closed(why);
    }

    /// CONNECTION_CLOSE came.
    pub(super) fn on_peer_close(&mut self, now: Instant, why: CloseReason) {
        if self.stage >= Stage::Draining {
            return;
        }
        let told = self.stage == Stage::Closing;
        self.stage = Stage::Draining;
        self.closing = None;
        if !told {
            self.wind_up(now);
            self.tell_closed(why);
        }
    }

    /// Nobody is there any more: nothing is said.
    pub(super) fn drop_silently(&mut self, why: CloseReason) {
        if self.stage == Stage::Closed {
            return;
        }
        let told = self.stage >= Stage::Closing;
        self.stage = Stage::Closed;
        self.closing = None;
        self.timers = super::Timers::default();
        if !told {
            self.tell_closed(why);
        }
    }

    /// Only the end of closing or draining is waited for (§10.2).
    fn wind_up(&mut self, now: Instant) {
        let end = now + self.three_probes();
        self.timers = super::Timers::default();
        self.timers.close = Some(end);
        self.undecryptable.clear();
        self.datagrams = super::Datagrams::default();
    }

    fn tell_closed(&mut self, why: CloseReason) {
        // What happened before is of no use without a connection.
        self.events.clear();
        self.events.push_back(Event::Closed(why));
    }

    /// Nothing more will be sent or said: the connection can be forgotten.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.stage == Stage::Closed && self.events.is_empty()
    }

    /// The connection is over, or about to be: nothing can be sent any more.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.stage >= Stage::Closing
    }
}

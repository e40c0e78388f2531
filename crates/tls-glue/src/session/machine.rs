//! The one shape of every connection.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wirelace_wire::{Machine, Output};

use super::TlsSession;
use crate::error::TlsError;

/// What a session tells who drives it as a [`Machine`].
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsEvent {
    /// The handshake is complete; [`TlsSession::report`] says what was agreed on.
    Ready,
    /// Plaintext. Before [`Ready`](TlsEvent::Ready) it is early data: it may be a replay.
    Data(Bytes),
    /// The peer has said that it sends no more.
    Closed,
}

impl Machine for TlsSession {
    type Event = TlsEvent;
    type Error = TlsError;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<TlsEvent>, TlsError> {
        if let Some(error) = self.failed.clone() {
            return Err(error);
        }
        let handshaking = self.is_handshaking();
        let mut plain = std::mem::take(&mut self.kept);
        // What came before an error is not lost; the error comes with the next call.
        let taken = self.receive(now, input, &mut plain);
        if handshaking && !self.is_handshaking() && taken.is_ok() {
            self.kept = plain;
            return Ok(Some(TlsEvent::Ready));
        }
        if !plain.is_empty() {
            return Ok(Some(TlsEvent::Data(plain.freeze())));
        }
        taken?;
        if self.peer_closed() {
            return Ok((!std::mem::replace(&mut self.told, true)).then_some(TlsEvent::Closed));
        }
        if self.ended { self.end_of_input().map(|()| None) } else { Ok(None) }
    }

    fn input_closed(&mut self, _: Instant) {
        self.ended = true;
    }

    fn output(&mut self) -> &mut Output {
        self.output()
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline()
    }

    fn on_deadline(&mut self, now: Instant) {
        // The error comes with the next event.
        let _ = self.on_deadline(now);
    }

    fn wants_input(&self) -> bool {
        // Input turns into output by itself: key updates, and alerts.
        self.output.room() > 0
    }

    fn is_finished(&self) -> bool {
        self.failed.is_some() || (self.closed && self.told)
    }

    fn is_output_finished(&self) -> bool {
        self.failed.is_some() || (self.closed && !self.is_handshaking())
    }
}

//! How exchanges and the connection end (RFC 9114 §4.1.1, §5, §8).

use wirelace_http_messages::Malformed;
use wirelace_http_semantics::{Event, Reason, StreamId};
use wirelace_quic_lite::Connection as Quic;

use super::exchange::{PUSH, Receive, Send};
use super::{Connection, Ending};
use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::frame::{FrameType, write_id};

/// What GOAWAY says when the last request is not known yet (RFC 9114 §5.2).
const ANY_STREAM: u64 = (1 << 62) - 4;

impl Connection {
    /// A message breaks a rule: its exchange ends, and whoever waits for it is told.
    pub(super) fn on_malformed(
        &mut self,
        quic: &mut Quic,
        id: u64,
        malformed: Malformed,
    ) -> Result<Option<Event>, Error> {
        self.malformed = Some((StreamId(id), malformed));
        self.stats.malformed += 1;
        self.fail_exchange(quic, id, ErrorCode::H3_MESSAGE_ERROR, Reason::Protocol)
    }

    /// The peer broke a rule on a stream: it ends, and so does the connection if that happens too often.
    pub(super) fn fail_exchange(
        &mut self,
        quic: &mut Quic,
        id: u64,
        code: ErrorCode,
        reason: Reason,
    ) -> Result<Option<Event>, Error> {
        self.rates.fault(self.now)?;
        let told = self.exchanges.get(&id).is_some_and(|exchange| exchange.told && !exchange.is_closed());
        self.abandon(quic, id, code);
        Ok(told.then_some(Event::Reset { stream: StreamId(id), reason }))
    }

    /// Ends an exchange, whatever its state: nothing more is sent or taken, and all credit goes back.
    pub(super) fn abandon(&mut self, quic: &mut Quic, id: u64, code: ErrorCode) {
        let Some(mut exchange) = self.exchanges.remove(&id) else { return };
        self.stats.resets_sent += 1;
        if id >= PUSH && self.is_server() {
            // A reset may overtake what says which push the stream is: the client would wait for ever.
            write_id(&mut self.control.pending, FrameType::CANCEL_PUSH, id & !PUSH);
        }
        if let Some(stream) = exchange.stream {
            exchange.reader.take_rest();
            let left = exchange.reader.take_taken() + exchange.unconsumed;
            quic.consumed(stream, left);
            if exchange.send != Send::Ended || !exchange.pending.is_empty() {
                quic.reset(stream, code.0);
            }
            if exchange.receive != Receive::Ended {
                quic.stop(stream, code.0);
                self.decoder.cancel(stream.0);
            }
            self.incoming.remove(&stream.0);
        }
        self.push_is_over(&exchange);
    }

    /// One side of an exchange may have ended just now.
    #[inline]
    pub(super) fn settle(&mut self, id: u64) {
        let over = self
            .exchanges
            .get(&id)
            .is_some_and(|exchange| exchange.is_closed() && (exchange.unconsumed == 0 || exchange.ignores));
        if over && let Some(exchange) = self.exchanges.remove(&id) {
            if let Some(stream) = exchange.stream {
                self.incoming.remove(&stream.0);
            }
            self.push_is_over(&exchange);
        }
    }

    /// The application wants no more of what an exchange brings.
    pub(super) fn ignore(&mut self, quic: &mut Quic, id: u64) {
        let server = self.is_server();
        let Some(exchange) = self.exchanges.get_mut(&id).filter(|exchange| !exchange.ignores) else { return };
        exchange.ignores = true;
        let Some(stream) = exchange.stream else { return };
        let unconsumed = core::mem::take(&mut exchange.unconsumed);
        quic.consumed(stream, unconsumed);
        if exchange.receive != Receive::Ended {
            // Trailers that still come are not decoded.
            self.decoder.cancel(stream.0);
            exchange.waiting = None;
            if server {
                // The end is often near: whoever has sent all should not be stopped (RFC 9114 §4.1).
                self.ready.push_back(stream);
            } else {
                exchange.reader.take_rest();
                let left = exchange.reader.take_taken();
                quic.consumed(stream, left);
                quic.stop(stream, ErrorCode::H3_REQUEST_CANCELLED.0);
                exchange.receive = Receive::Ended;
            }
        }
        self.settle(id);
    }

    /// The connection cannot go on: the owner hears it with the next event.
    pub(super) fn fail(&mut self, error: Error) {
        if !self.finished && self.failed.is_none() {
            self.failed = Some(error);
        }
    }

    /// Tells the peer why.
    #[cold]
    pub(super) fn end(&mut self, quic: &mut Quic, error: Error) -> Error {
        self.finished = true;
        self.stats.errors += 1;
        quic.close(self.now, error.code().0, error.to_string().as_bytes());
        error
    }

    /// The transport is gone: so are all exchanges.
    pub(super) fn leave(&mut self) {
        if self.failed.is_none() {
            let mut left: Vec<u64> = self
                .exchanges
                .values()
                .filter(|exchange| exchange.told)
                .map(|exchange| exchange.id)
                .collect();
            left.sort_unstable();
            for id in left {
                self.events.push_back(Event::Reset { stream: StreamId(id), reason: Reason::PeerClosed });
            }
            self.finished = true;
        }
        self.exchanges.clear();
        self.incoming.clear();
        self.ready.clear();
    }

    pub(super) fn takes_nothing_new(&self) -> bool {
        self.ending != Ending::No || self.peer_ending.is_some() || self.finished || self.failed.is_some()
    }

    /// Finishes what runs and takes nothing new; then the QUIC connection is closed. A server says so twice: requests
    /// may be on their way (RFC 9114 §5.2).
    pub fn shut_down(&mut self) {
        if self.ending != Ending::No || self.finished {
            return;
        }
        if self.is_server() && self.peer_settings.is_some() {
            self.ending = Ending::Announced;
            write_id(&mut self.control.pending, FrameType::GOAWAY, ANY_STREAM);
            self.timers.drain(self.now);
        } else {
            self.end_intake();
        }
    }

    /// Takes nothing any more but what is here.
    pub(super) fn end_intake(&mut self) {
        if self.own_settings.is_none() {
            self.begin();
        }
        self.ending = Ending::Final;
        let end = if self.is_server() { self.next_peer } else { self.pushes.next_promised() };
        self.own_ending = Some(end);
        write_id(&mut self.control.pending, FrameType::GOAWAY, end);
    }

    /// Whether there is nothing left to do.
    pub(super) fn check_finished(&mut self, quic: &mut Quic) {
        let ending = self.ending == Ending::Final || self.peer_ending.is_some() && !self.is_server();
        let only_pushes = || self.exchanges.keys().all(|id| *id >= PUSH) && !self.is_server();
        if !ending || !self.unacknowledged.is_empty() || !(self.exchanges.is_empty() || only_pushes()) {
            return;
        }
        if self.finished || !self.control.pending.is_empty() && !quic.is_handshaking() {
            return;
        }
        let left: Vec<u64> = self.exchanges.keys().copied().collect();
        for id in left {
            self.events.push_back(Event::Reset { stream: StreamId(id), reason: Reason::Cancel });
        }
        self.exchanges.clear();
        self.finished = true;
        quic.close(self.now, ErrorCode::H3_NO_ERROR.0, b"");
    }
}

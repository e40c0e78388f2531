//! How streams and the connection end (RFC 9113 §5.4, §6.4, §6.8).

use std::time::Instant;

use wirelace_http_semantics::{Event, Reason, StreamId};
use wirelace_http2_frames::{ErrorCode, write_goaway, write_ping, write_rst_stream};

use super::Connection;
use super::state::{Ending, Stage};
use super::stream::{Receive, Send};
use super::streams::Key;
use crate::error::Error;

/// Bytes of an error's text that go with GOAWAY.
const DEBUG: usize = 120;
/// What GOAWAY says when the last stream is not known yet.
const ANY_STREAM: u32 = (1 << 31) - 1;

impl Connection {
    /// Resets a stream, which is still there if the peer knows it.
    pub(super) fn write_reset(&mut self, id: u32, code: ErrorCode) {
        write_rst_stream(self.output.inline(), id, code);
        let stream = self.streams.find(id).and_then(|key| self.streams.get(key));
        let left = stream.map_or(i64::from(self.stream_window), |stream| stream.window.available());
        self.closed.remember_reset(id, u32::try_from(left).unwrap_or(0));
        self.stats.resets_sent += 1;
    }

    /// The peer broke a rule on a stream: it ends, and so does the connection if that happens too often
    /// (CVE-2025-8671).
    pub(super) fn stream_error(
        &mut self,
        now: Instant,
        id: u32,
        code: ErrorCode,
    ) -> Result<Option<Event>, Error> {
        self.fail_stream(now, id, code, Reason::Protocol)
    }

    /// As [`stream_error`](Connection::stream_error), with what the application is told.
    pub(super) fn fail_stream(
        &mut self,
        now: Instant,
        id: u32,
        code: ErrorCode,
        reason: Reason,
    ) -> Result<Option<Event>, Error> {
        self.rates.fault(now)?;
        self.write_reset(id, code);
        self.check_unread()?;
        let Some(key) = self.streams.find(id) else { return Ok(None) };
        let told = self.streams.get(key).is_some_and(|stream| !stream.is_closed());
        self.release(key);
        Ok(told.then_some(Event::Reset { stream: StreamId(id.into()), reason }))
    }

    /// Takes a stream out, whatever its state; all credit goes back to the connection.
    pub(super) fn release(&mut self, key: Key) {
        let Some(open) = self.streams.get(key).map(|stream| !stream.is_closed()) else { return };
        let Some(stream) = self.streams.remove(key, open) else { return };
        if stream.scheduled {
            self.schedule.remove(key, stream.priority);
        }
        if stream.blocked {
            self.blocked -= 1;
        }
        self.queued -= stream.queued;
        self.reserve += stream.borrowed;
        if stream.unconsumed > 0 {
            self.give_connection(stream.unconsumed);
        }
    }

    /// One side of a stream has just ended.
    #[inline]
    pub(super) fn settle(&mut self, key: Key) {
        let Some(stream) = self.streams.get(key) else { return };
        let id = stream.id;
        if stream.is_closed() {
            if stream.unconsumed == 0 || stream.ignores {
                self.release_closed(key);
            } else {
                self.streams.note_closed(id);
            }
        } else if stream.send == Send::Ended && stream.ignores && self.is_server() {
            // The answer is complete, and the rest of the request is not wanted (RFC 9113 §8.1).
            self.write_reset(id, ErrorCode::NO_ERROR);
            self.release(key);
        }
    }

    fn release_closed(&mut self, key: Key) {
        if let Some(stream) = self.streams.remove(key, true) {
            self.reserve += stream.borrowed;
            if stream.unconsumed > 0 {
                self.give_connection(stream.unconsumed);
            }
        }
    }

    /// The application took data of a stream whose incoming side has ended.
    pub(super) fn settle_consumed(&mut self, key: Key) {
        let gone = self.streams.get(key).is_some_and(|stream| stream.is_closed() && stream.unconsumed == 0);
        if gone && let Some(stream) = self.streams.remove(key, false) {
            self.reserve += stream.borrowed;
        }
    }

    /// The application wants no more of what a stream brings.
    pub(super) fn ignore(&mut self, key: Key) {
        let server = self.is_server();
        let Some(stream) = self.streams.get_mut(key) else { return };
        stream.ignores = true;
        let unconsumed = core::mem::take(&mut stream.unconsumed);
        let (id, receiving, sent) = (stream.id, stream.receive != Receive::Ended, stream.send == Send::Ended);
        if unconsumed > 0 {
            self.give_connection(unconsumed);
        }
        if !receiving {
            self.settle_consumed(key);
        } else if sent {
            self.write_reset(id, if server { ErrorCode::NO_ERROR } else { ErrorCode::CANCEL });
            self.release(key);
        }
    }

    /// The connection cannot go on: the peer is told, and the driver with the next event.
    #[cold]
    pub(super) fn fail(&mut self, error: Error) {
        if self.finished || self.failed.is_some() {
            return;
        }
        if error == Error::WriteTimeout {
            self.output.clear();
        } else {
            let text = error.to_string();
            let debug = text.as_bytes().get(..text.len().min(DEBUG)).unwrap_or_default();
            write_goaway(self.output.inline(), self.last_peer, error.code(), debug);
        }
        self.stats.errors += 1;
        self.failed = Some(error);
    }

    /// Finishes what runs and takes nothing new. A server says so twice: requests may be on their way.
    pub(super) fn begin_end(&mut self) {
        if self.ending != Ending::No || self.finished {
            return;
        }
        if self.is_server() && self.stage == Stage::Open {
            write_goaway(self.output.inline(), ANY_STREAM, ErrorCode::NO_ERROR, b"");
            let data = self.timers.drain(self.timers.now);
            write_ping(self.output.inline(), false, data);
            self.ending = Ending::Announced;
        } else {
            self.end_intake();
        }
    }

    /// Takes no streams any more but those that are here.
    pub(super) fn end_intake(&mut self) {
        self.ending = Ending::Final;
        self.timers.drained();
        write_goaway(self.output.inline(), self.last_peer, ErrorCode::NO_ERROR, b"");
        self.check_finished();
    }

    /// Whether there is nothing left to do. Asked after each frame, so that it does not depend on how they were cut.
    #[inline]
    pub(super) fn check_finished(&mut self) {
        let left = self.peer_ending.is_some() && !self.is_server();
        let ending = self.ending == Ending::Final || left;
        if ending && self.streams.open_all() == 0 && self.failed.is_none() {
            self.finished = true;
        }
    }

    /// The peer has closed its side: what it asked for it will not take any more.
    pub(super) fn peer_left(&mut self, whole: bool) {
        let mut left: Vec<u32> =
            self.streams.iter().filter(|stream| !stream.is_closed()).map(|stream| stream.id).collect();
        left.sort_unstable();
        for id in left {
            if let Some(key) = self.streams.find(id) {
                self.release(key);
            }
            self.events.push_back(Event::Reset { stream: StreamId(id.into()), reason: Reason::PeerClosed });
        }
        if !whole && self.stage != Stage::Preface {
            // A frame that is cut is worth a word, but the peer does not read it any more.
            self.failed = Some(Error::UnexpectedEnd);
        } else {
            self.finished = true;
        }
    }
}

//! Data that go (RFC 9113 §5.2, §6.1; RFC 9218 §10).

use bytes::Bytes;
use wirelace_http_semantics::{Event, Priority, StreamId};
use wirelace_http2_frames::write_data_header;

use super::Connection;
use super::stream::{Send, Stream};
use super::streams::Key;
use crate::message;

/// Data of one frame: larger frames save little and keep urgent ones waiting.
const FRAME: u32 = 32 * 1024;

impl Connection {
    /// Writes data of the streams whose turn it is, as far as windows and output let them go.
    pub(super) fn fill(&mut self) {
        while self.send_window > 0 && self.output.room() > 0 {
            let Some(key) = self.schedule.front() else { break };
            let Some(stream) = self.streams.get_mut(key) else {
                self.schedule.pop();
                continue;
            };
            let allowed = stream.send_window.min(self.send_window).min(i64::from(self.peer.frame.min(FRAME)));
            let len = stream.queued.min(usize::try_from(allowed).unwrap_or(0));
            let last = len == stream.queued;
            let end = last && stream.end_queued && stream.trailers.is_none();
            write_data_header(self.output.inline(), stream.id, len, end);
            let mut left = len;
            while left > 0 {
                let Some(mut front) = stream.queue.pop_front() else { break };
                if front.len() > left {
                    self.output.put(front.split_to(left));
                    left = 0;
                    stream.queue.push_front(front);
                } else {
                    left -= front.len();
                    self.output.put(front);
                }
            }
            stream.queued -= len;
            stream.send_window -= len as i64;
            self.send_window -= len as i64;
            self.queued -= len;
            self.rates.moved();
            if stream.is_sendable() {
                self.schedule.rotate();
            } else {
                stream.scheduled = false;
                self.schedule.pop();
            }
            if end {
                self.sent_all(key);
            } else if last && let Some(trailers) = stream.trailers.take() {
                self.write_queued_trailers(key, &trailers);
            } else {
                self.unblock(key);
            }
        }
        if self.full && self.queued <= self.total_buffer() / 2 {
            self.full = false;
            for key in self.streams.keys() {
                self.unblock(key);
            }
        }
    }

    fn write_queued_trailers(&mut self, key: Key, trailers: &wirelace_http_semantics::Fields) {
        let Some(id) = self.streams.get(key).map(|stream| stream.id) else { return };
        self.encoded.clear();
        message::write_trailers(&mut self.encoder, &mut self.encoded, trailers);
        self.write_block(id, true);
        self.sent_all(key);
    }

    /// Everything that this side had to send on a stream is out.
    pub(super) fn sent_all(&mut self, key: Key) {
        if let Some(stream) = self.streams.get_mut(key) {
            stream.send = Send::Ended;
            if core::mem::take(&mut stream.blocked) {
                self.blocked -= 1;
            }
        }
        self.settle(key);
    }

    /// Takes data of the application: to the output where nothing is before them, else into the stream's queue.
    pub(super) fn enqueue(&mut self, key: Key, data: Bytes, end: bool) {
        let idle = self.schedule.is_empty() && self.output.room() > 0;
        let allowed = self.send_window.min(i64::from(self.peer.frame.min(FRAME)));
        let Some(stream) = self.streams.get_mut(key) else { return };
        let len = data.len();
        let fits = len as i64 <= allowed.min(stream.send_window);
        if stream.queued == 0 && (idle && fits || len == 0) {
            if len == 0 && !end {
                return;
            }
            write_data_header(self.output.inline(), stream.id, len, end);
            self.output.put(data);
            stream.send_window -= len as i64;
            self.send_window -= len as i64;
            self.rates.moved();
            if end {
                self.sent_all(key);
            } else {
                self.note_blocked(key);
            }
            return;
        }
        stream.end_queued |= end;
        if len > 0 {
            stream.queue.push_back(data);
            stream.queued += len;
            self.queued += len;
        }
        self.sending_changed(key);
        if !self.full && self.queued >= self.total_buffer() {
            // No stream has capacity from here on, and each is to hear of it when it has.
            self.full = true;
            for key in self.streams.keys() {
                self.note_blocked(key);
            }
        }
    }

    /// Bytes that may wait in all streams together.
    fn total_buffer(&self) -> usize {
        self.limits.send_buffer.max(1).saturating_mul(16)
    }

    /// How many bytes a stream wants now.
    pub(super) fn capacity_of(&self, stream: &Stream) -> usize {
        match stream.send {
            Send::Dropped => self.limits.send_buffer.max(1),
            Send::Body if !stream.end_queued && stream.trailers.is_none() => {
                if self.full && stream.queued > 0 {
                    return 0;
                }
                let window = usize::try_from(stream.send_window).unwrap_or(0);
                window.min(self.limits.send_buffer.max(1)).saturating_sub(stream.queued)
            }
            _ => 0,
        }
    }

    /// A stream without capacity is owed an event when it has some.
    pub(super) fn note_blocked(&mut self, key: Key) {
        let Some(stream) = self.streams.get(key) else { return };
        if stream.send != Send::Body || stream.blocked || self.capacity_of(stream) > 0 {
            return;
        }
        if let Some(stream) = self.streams.get_mut(key) {
            stream.blocked = true;
            self.blocked += 1;
        }
    }

    fn unblock(&mut self, key: Key) {
        let Some(stream) = self.streams.get(key) else { return };
        if !stream.blocked || self.capacity_of(stream) == 0 {
            return;
        }
        let id = stream.id;
        if let Some(stream) = self.streams.get_mut(key) {
            stream.blocked = false;
            self.blocked -= 1;
        }
        self.events.push_back(Event::Capacity { stream: StreamId(id.into()) });
    }

    /// A stream's window or queue is another: it comes into the schedule or leaves it.
    pub(super) fn sending_changed(&mut self, key: Key) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let (id, priority, sendable) = (stream.id, stream.priority, stream.is_sendable());
        if sendable != stream.scheduled {
            stream.scheduled = sendable;
            if sendable {
                self.schedule.insert(key, id, priority);
            } else {
                self.schedule.remove(key, priority);
            }
        }
        self.note_blocked(key);
        self.unblock(key);
    }

    pub(super) fn reprioritise(&mut self, key: Key, priority: Priority) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let before = core::mem::replace(&mut stream.priority, priority);
        if stream.scheduled && before != priority {
            self.schedule.remove(key, before);
            self.schedule.insert(key, stream.id, priority);
        }
    }
}

//! An HTTP/3 connection and the QUIC connection below it, as one machine while a call lasts.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wirelace_http_semantics::{
    Event, Fields, Head, HttpMachine, Priority, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http3::{Connection, Error, quic};
use wirelace_wire::{Machine, Output};

use crate::machine::ServerMachine;

/// Both parts, borrowed: HTTP/3 does not own its transport.
pub(super) struct Http3<'a> {
    pub(super) http: &'a mut Connection,
    pub(super) quic: &'a mut quic::Connection,
    /// There is no byte stream: always empty.
    pub(super) output: &'a mut Output,
}

impl Machine for Http3<'_> {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, now: Instant, _: &mut BytesMut) -> Result<Option<Event>, Error> {
        self.http.poll_event(now, self.quic)
    }

    fn input_closed(&mut self, _: Instant) {}

    fn output(&mut self) -> &mut Output {
        self.output
    }

    fn deadline(&self) -> Option<Instant> {
        self.http.deadline()
    }

    fn on_deadline(&mut self, now: Instant) {
        self.http.on_deadline(now, self.quic);
    }

    fn wants_input(&self) -> bool {
        true
    }

    fn is_finished(&self) -> bool {
        self.http.is_finished()
    }

    fn is_idle(&self) -> bool {
        self.http.is_idle()
    }
}

impl HttpMachine for Http3<'_> {
    fn send_request(&mut self, head: RequestHead, end: bool) -> Result<StreamId, SendError> {
        self.http.send_request(self.quic, &head, end)
    }

    fn send_head(&mut self, stream: StreamId, head: Head, end: bool) -> Result<(), SendError> {
        self.http.send_head(self.quic, stream, &head, end)
    }

    fn send_message(&mut self, stream: StreamId, head: ResponseHead, body: Bytes) -> Result<(), SendError> {
        self.http.send_message(self.quic, stream, &head, body)
    }

    fn capacity(&self, stream: StreamId) -> usize {
        self.http.capacity(self.quic, stream)
    }

    fn send_data(&mut self, stream: StreamId, data: Bytes, end: bool) -> Result<(), SendError> {
        self.http.send_data(self.quic, stream, data, end)
    }

    fn send_trailers(&mut self, stream: StreamId, fields: Fields) -> Result<(), SendError> {
        self.http.send_trailers(self.quic, stream, &fields)
    }

    fn consumed(&mut self, stream: StreamId, bytes: usize) {
        self.http.consumed(self.quic, stream, bytes);
    }

    fn stop_receiving(&mut self, stream: StreamId) {
        self.http.stop_receiving(self.quic, stream);
    }

    fn reset(&mut self, stream: StreamId, reason: Reason) {
        self.http.reset(self.quic, stream, reason);
    }

    fn shut_down(&mut self) {
        self.http.shut_down();
    }
}

impl ServerMachine for Http3<'_> {
    fn is_http1(&self) -> bool {
        false
    }

    fn expects_continue(&self, stream: StreamId) -> bool {
        self.http.expects_continue(stream)
    }

    fn may_push(&self) -> bool {
        self.http.may_push()
    }

    fn push(&mut self, parent: StreamId, head: RequestHead) -> Result<StreamId, SendError> {
        self.http.push(self.quic, parent, &head)
    }

    fn priority(&self, stream: StreamId) -> Option<Priority> {
        Some(self.http.priority(stream))
    }

    fn set_priority(&mut self, stream: StreamId, priority: Priority) {
        self.http.set_priority(self.quic, stream, priority);
    }

    #[cfg(feature = "tracing")]
    fn last_malformed(&self) -> Option<(StreamId, wirelace_http2::Malformed)> {
        self.http.last_malformed()
    }
}

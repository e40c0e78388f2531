//! The connection machine.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wirelace_http_semantics::{
    Event, Fields, Head, HttpMachine, Priority, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_wire::{Machine, Output};

use crate::{Error, Limits, Stats};

/// One HTTP/2 connection, as client or as server.
#[derive(Debug)]
pub struct Connection {
    output: Output,
    stats: Stats,
}

impl Connection {
    /// The server's side. `secure`: the requests that are pushed have the scheme `https`.
    #[must_use]
    pub fn server(limits: impl Into<Arc<Limits>>, secure: bool, now: Instant) -> Connection {
        let _ = (secure, now);
        Connection { output: Output::new(limits.into().output), stats: Stats::default() }
    }

    /// The client's side. `secure`: requests have the scheme `https` where their target names none.
    #[must_use]
    pub fn client(limits: impl Into<Arc<Limits>>, secure: bool, now: Instant) -> Connection {
        let _ = (secure, now);
        Connection { output: Output::new(limits.into().output), stats: Stats::default() }
    }

    /// Server: promises an exchange that the client did not ask for (RFC 9113 §8.4). It is answered like one that it
    /// did, by the `StreamId` that is returned.
    ///
    /// # Errors
    /// The client wants none (`Closed`), takes no more now (`Blocked`), or the head is not fit (`Head`).
    pub fn push(&mut self, parent: StreamId, head: RequestHead) -> Result<StreamId, SendError> {
        let _ = (parent, head);
        Err(SendError::Closed)
    }

    /// Server: whether the client takes pushes.
    #[must_use]
    pub fn may_push(&self) -> bool {
        false
    }

    /// The priority of a stream (RFC 9218).
    #[must_use]
    pub fn priority(&self, stream: StreamId) -> Priority {
        let _ = stream;
        Priority::default()
    }

    /// Server: overrides the priority that the client gave. Client: tells the server (PRIORITY_UPDATE).
    pub fn set_priority(&mut self, stream: StreamId, priority: Priority) {
        let _ = (stream, priority);
    }

    /// Client: how many requests more the server takes now.
    #[must_use]
    pub fn available(&self) -> usize {
        0
    }

    /// Client: whether the server takes extended CONNECT (RFC 8441); `None` before its settings have come.
    #[must_use]
    pub fn connect_protocol(&self) -> Option<bool> {
        None
    }

    /// True after 2xx to CONNECT: data are the tunnel's.
    #[must_use]
    pub fn is_tunnel(&self, stream: StreamId) -> bool {
        let _ = stream;
        false
    }

    /// Server: the client waits for 100 (Continue) before it sends the body.
    #[must_use]
    pub fn expects_continue(&self, stream: StreamId) -> bool {
        let _ = stream;
        false
    }

    /// Server: names alternative services (RFC 7838): for the origin of `stream`, or for `origin`.
    ///
    /// # Errors
    /// It is no server, or the value is not a field value.
    pub fn send_alt_svc(
        &mut self,
        stream: Option<StreamId>,
        origin: &[u8],
        value: &[u8],
    ) -> Result<(), SendError> {
        let _ = (stream, origin, value);
        Err(SendError::Closed)
    }

    /// Server: lists the origins that the connection serves (RFC 8336).
    ///
    /// # Errors
    /// It is no server, or one of them is not ASCII or too long.
    pub fn send_origin(&mut self, origins: &[&[u8]]) -> Result<(), SendError> {
        let _ = origins;
        Err(SendError::Closed)
    }

    /// Measures the round-trip time: see [`Stats::round_trip`].
    pub fn ping(&mut self, now: Instant) {
        let _ = now;
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}

impl Machine for Connection {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, _now: Instant, _input: &mut BytesMut) -> Result<Option<Event>, Error> {
        Ok(None)
    }
    fn input_closed(&mut self, _now: Instant) {}
    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
    fn deadline(&self) -> Option<Instant> {
        None
    }
    fn on_deadline(&mut self, _now: Instant) {}
    fn wants_input(&self) -> bool {
        true
    }
    fn is_finished(&self) -> bool {
        false
    }
}

impl HttpMachine for Connection {
    fn send_request(&mut self, _head: RequestHead, _end: bool) -> Result<StreamId, SendError> {
        Err(SendError::Closed)
    }
    fn send_head(&mut self, _stream: StreamId, _head: Head, _end: bool) -> Result<(), SendError> {
        Err(SendError::Closed)
    }
    fn send_message(&mut self, _: StreamId, _: ResponseHead, _: Bytes) -> Result<(), SendError> {
        Err(SendError::Closed)
    }
    fn capacity(&self, _stream: StreamId) -> usize {
        0
    }
    fn send_data(&mut self, _stream: StreamId, _data: Bytes, _end: bool) -> Result<(), SendError> {
        Err(SendError::Closed)
    }
    fn send_trailers(&mut self, _stream: StreamId, _fields: Fields) -> Result<(), SendError> {
        Err(SendError::Closed)
    }
    fn consumed(&mut self, _stream: StreamId, _bytes: usize) {}
    fn stop_receiving(&mut self, _stream: StreamId) {}
    fn reset(&mut self, _stream: StreamId, _reason: Reason) {}
    fn shut_down(&mut self) {}
}

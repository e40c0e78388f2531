//! A connection of whichever HTTP version the client speaks.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use wirelace_http_semantics::{
    Event, Fields, Head, HttpMachine, Priority, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http1::ServerConnection;
use wirelace_http2::{Connection, Limits as Http2Limits};
use wirelace_wire::{Machine, Output};

use crate::machine::ServerMachine;
use crate::preface::{Preface, look};

/// HTTP/1 or HTTP/2. One machine for both, so that a connection is one task with one driver, whatever it turns out to
/// speak.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "most connections that wait are HTTP/1, and do without a box")]
pub(crate) enum AnyHttp {
    Http1 {
        machine: ServerConnection,
        /// The first bytes have not decided yet. Until then HTTP/1's clock runs, with nothing to read.
        undecided: Option<Undecided>,
    },
    Http2(Box<Connection>),
}

/// What it takes to begin HTTP/2.
#[derive(Debug)]
pub(crate) struct Undecided {
    pub(crate) limits: Arc<Http2Limits>,
    pub(crate) secure: bool,
}

/// Why a connection cannot go on.
#[derive(Debug, Error)]
pub(crate) enum AnyError {
    #[error(transparent)]
    Http1(wirelace_http1::Error),
    #[error(transparent)]
    Http2(wirelace_http2::Error),
}

impl AnyHttp {
    pub(crate) fn http1(machine: ServerConnection) -> AnyHttp {
        AnyHttp::Http1 { machine, undecided: None }
    }

    pub(crate) fn http2(begin: Undecided, now: Instant) -> AnyHttp {
        AnyHttp::Http2(Box::new(Connection::server(begin.limits, begin.secure, now)))
    }

    /// Looks at the first bytes. They stay where they are, for the machine that they decide for.
    #[cold]
    fn decide(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, AnyError> {
        let AnyHttp::Http1 { machine, undecided } = self else { return Ok(None) };
        match look(input) {
            Preface::Absent => *undecided = None,
            Preface::Complete => {
                // The driver has lent it a buffer. Nothing was written yet, so that it can be exchanged.
                let mut buffer = Vec::new();
                machine.output().swap_inline(&mut buffer);
                if let Some(begin) = undecided.take() {
                    *self = AnyHttp::http2(begin, now);
                }
                let inline = self.output().inline();
                buffer.append(inline);
                *inline = buffer;
            }
            Preface::Incomplete => {
                // It may have come to its deadline.
                return machine.poll_event(now, &mut BytesMut::new()).map_err(AnyError::Http1);
            }
        }
        self.poll_event(now, input)
    }
}

macro_rules! either {
    ($any:expr, $machine:ident => $do:expr) => {
        match $any {
            AnyHttp::Http1 { machine: $machine, .. } => $do,
            AnyHttp::Http2($machine) => $do,
        }
    };
}

impl Machine for AnyHttp {
    type Event = Event;
    type Error = AnyError;

    #[inline]
    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, AnyError> {
        match self {
            AnyHttp::Http1 { machine, undecided: None } => {
                machine.poll_event(now, input).map_err(AnyError::Http1)
            }
            AnyHttp::Http2(machine) => machine.poll_event(now, input).map_err(AnyError::Http2),
            AnyHttp::Http1 { .. } => self.decide(now, input),
        }
    }

    fn input_closed(&mut self, now: Instant) {
        if let AnyHttp::Http1 { undecided, .. } = self {
            // What is not complete never will be.
            *undecided = None;
        }
        either!(self, machine => machine.input_closed(now));
    }

    #[inline]
    fn output(&mut self) -> &mut Output {
        either!(self, machine => machine.output())
    }

    #[inline]
    fn deadline(&self) -> Option<Instant> {
        either!(self, machine => machine.deadline())
    }

    fn on_deadline(&mut self, now: Instant) {
        either!(self, machine => machine.on_deadline(now));
    }

    #[inline]
    fn wants_input(&self) -> bool {
        either!(self, machine => machine.wants_input())
    }

    #[inline]
    fn is_finished(&self) -> bool {
        either!(self, machine => machine.is_finished())
    }

    #[inline]
    fn is_output_finished(&self) -> bool {
        either!(self, machine => machine.is_output_finished())
    }

    fn must_reset(&self) -> bool {
        either!(self, machine => machine.must_reset())
    }

    #[inline]
    fn output_progress(&mut self, now: Instant) {
        either!(self, machine => machine.output_progress(now));
    }

    #[inline]
    fn is_idle(&self) -> bool {
        either!(self, machine => machine.is_idle())
    }
}

impl HttpMachine for AnyHttp {
    fn send_request(&mut self, head: RequestHead, end: bool) -> Result<StreamId, SendError> {
        either!(self, machine => machine.send_request(head, end))
    }

    #[inline]
    fn send_head(&mut self, stream: StreamId, head: Head, end: bool) -> Result<(), SendError> {
        either!(self, machine => machine.send_head(stream, head, end))
    }

    #[inline]
    fn send_message(&mut self, stream: StreamId, head: ResponseHead, body: Bytes) -> Result<(), SendError> {
        either!(self, machine => machine.send_message(stream, head, body))
    }

    #[inline]
    fn capacity(&self, stream: StreamId) -> usize {
        either!(self, machine => machine.capacity(stream))
    }

    #[inline]
    fn send_data(&mut self, stream: StreamId, data: Bytes, end: bool) -> Result<(), SendError> {
        either!(self, machine => machine.send_data(stream, data, end))
    }

    fn send_trailers(&mut self, stream: StreamId, fields: Fields) -> Result<(), SendError> {
        either!(self, machine => machine.send_trailers(stream, fields))
    }

    #[inline]
    fn consumed(&mut self, stream: StreamId, bytes: usize) {
        either!(self, machine => machine.consumed(stream, bytes));
    }

    fn stop_receiving(&mut self, stream: StreamId) {
        either!(self, machine => machine.stop_receiving(stream));
    }

    fn reset(&mut self, stream: StreamId, reason: Reason) {
        either!(self, machine => machine.reset(stream, reason));
    }

    fn shut_down(&mut self) {
        if let AnyHttp::Http1 { undecided, .. } = self {
            // Nothing begins any more.
            *undecided = None;
        }
        either!(self, machine => machine.shut_down());
    }
}

impl ServerMachine for AnyHttp {
    #[inline]
    fn is_http1(&self) -> bool {
        matches!(self, AnyHttp::Http1 { .. })
    }

    fn expects_continue(&self, stream: StreamId) -> bool {
        either!(self, machine => machine.expects_continue(stream))
    }

    #[inline]
    fn may_push(&self) -> bool {
        matches!(self, AnyHttp::Http2(machine) if machine.may_push())
    }

    fn push(&mut self, parent: StreamId, head: RequestHead) -> Result<StreamId, SendError> {
        match self {
            AnyHttp::Http1 { .. } => Err(SendError::Closed),
            AnyHttp::Http2(machine) => machine.push(parent, head),
        }
    }

    #[inline]
    fn priority(&self, stream: StreamId) -> Option<Priority> {
        match self {
            AnyHttp::Http1 { .. } => None,
            AnyHttp::Http2(machine) => Some(machine.priority(stream)),
        }
    }

    fn set_priority(&mut self, stream: StreamId, priority: Priority) {
        if let AnyHttp::Http2(machine) = self {
            machine.set_priority(stream, priority);
        }
    }

    #[cfg(feature = "tracing")]
    fn last_malformed(&self) -> Option<(StreamId, wirelace_http2::Malformed)> {
        match self {
            AnyHttp::Http1 { .. } => None,
            AnyHttp::Http2(machine) => machine.last_malformed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelace_http2::PREFACE;

    fn undecided(now: Instant) -> AnyHttp {
        let machine = ServerConnection::new(Arc::<wirelace_http1::Limits>::default(), now);
        AnyHttp::Http1 { machine, undecided: Some(Undecided { limits: Arc::default(), secure: false }) }
    }

    #[test]
    fn a_connection_that_shuts_down_does_not_begin() {
        let now = Instant::now();
        let mut any = undecided(now);
        any.shut_down();
        let mut input = BytesMut::from(&PREFACE[..]);
        assert!(matches!(any.poll_event(now, &mut input), Ok(None)));
        assert!(any.is_finished() && any.is_http1() && any.output().is_empty());
    }

    #[test]
    fn the_drivers_buffer_is_handed_on() {
        let now = Instant::now();
        let mut any = undecided(now);
        any.output().swap_inline(&mut Vec::with_capacity(12_345));
        let mut input = BytesMut::from(&PREFACE[..7]);
        assert!(matches!(any.poll_event(now, &mut input), Ok(None)));
        assert!(any.is_http1() && input == PREFACE[..7], "what does not decide stays");
        input.extend_from_slice(&PREFACE[7..]);
        assert!(matches!(any.poll_event(now, &mut input), Ok(None)));
        assert!(!any.is_http1() && any.output().inline().capacity() >= 12_345);
        assert!(!any.output().is_empty(), "with the server's SETTINGS");
    }

    #[test]
    fn requests_keep_the_bytes_that_were_looked_at() {
        let now = Instant::now();
        let request = b"PROPFIND / HTTP/1.1\r\nhost: a\r\n\r\n";
        for split in 0..request.len() {
            let mut any = undecided(now);
            let mut input = BytesMut::from(&request[..split]);
            assert!(matches!(any.poll_event(now, &mut input), Ok(None)), "{split}");
            input.extend_from_slice(&request[split..]);
            let Ok(Some(Event::Head { head: Head::Request(head), end: true, .. })) =
                any.poll_event(now, &mut input)
            else {
                panic!("{split}")
            };
            assert_eq!((head.method.as_str(), head.path()), ("PROPFIND", "/"), "{split}");
        }
    }
}

//! What the client asks of a connection machine beyond `HttpMachine`.

use std::time::Instant;

use bytes::Bytes;
use wirelace_http_semantics::{HttpMachine, Priority, StreamId};
use wirelace_http1::ClientConnection;
use wirelace_http2::{ErrorCode, Stats};

use crate::error::Error;

/// Whether a request can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    Now,
    /// After another event.
    Later,
    /// No request ever again.
    Never,
}

/// The client's side of a connection, of any HTTP version.
pub(crate) trait ClientMachine: HttpMachine<Error: Into<Error>> {
    /// Exchanges share the connection, and one can be ended without harm to the others.
    const MULTIPLEXED: bool;

    /// Whether a request can be sent.
    fn ready(&self) -> Ready;

    /// Whether the server takes extended CONNECT; `None`: not known yet.
    fn connect_protocol(&self) -> Option<bool>;

    /// The exchange's data are a tunnel's.
    fn is_tunnel(&self, stream: StreamId) -> bool;

    /// Tells the server how urgent the response is now.
    fn set_priority(&mut self, stream: StreamId, priority: Priority);

    /// Measures the round-trip time.
    fn ping(&mut self, now: Instant);

    /// The counters of an HTTP/2 connection.
    fn http2_stats(&self) -> Option<Stats>;

    /// Why an exchange has just been reset, where more is known than the event's reason.
    fn why_reset(&self, stream: StreamId) -> Option<Error>;

    /// What the server said when it ended the connection for an error.
    fn why_ended(&self) -> Option<Error>;
}

impl ClientMachine for ClientConnection {
    const MULTIPLEXED: bool = false;

    fn ready(&self) -> Ready {
        if self.is_ready() {
            Ready::Now
        } else if self.is_closing() {
            Ready::Never
        } else {
            Ready::Later
        }
    }

    fn connect_protocol(&self) -> Option<bool> {
        Some(false)
    }

    fn is_tunnel(&self, _: StreamId) -> bool {
        ClientConnection::is_tunnel(self)
    }

    fn set_priority(&mut self, _: StreamId, _: Priority) {}

    fn ping(&mut self, _: Instant) {}

    fn http2_stats(&self) -> Option<Stats> {
        None
    }

    fn why_reset(&self, _: StreamId) -> Option<Error> {
        None
    }

    fn why_ended(&self) -> Option<Error> {
        None
    }
}

impl ClientMachine for wirelace_http2::Connection {
    const MULTIPLEXED: bool = true;

    fn ready(&self) -> Ready {
        if self.available() > 0 { Ready::Now } else { Ready::Later }
    }

    fn connect_protocol(&self) -> Option<bool> {
        wirelace_http2::Connection::connect_protocol(self)
    }

    fn is_tunnel(&self, stream: StreamId) -> bool {
        wirelace_http2::Connection::is_tunnel(self, stream)
    }

    fn set_priority(&mut self, stream: StreamId, priority: Priority) {
        wirelace_http2::Connection::set_priority(self, stream, priority);
    }

    fn ping(&mut self, now: Instant) {
        wirelace_http2::Connection::ping(self, now);
    }

    fn http2_stats(&self) -> Option<Stats> {
        Some(*self.stats())
    }

    fn why_reset(&self, stream: StreamId) -> Option<Error> {
        if let Some((_, code)) = self.last_reset().filter(|(reset, _)| *reset == stream) {
            return (code != ErrorCode::REFUSED_STREAM).then_some(Error::ResetByServer(code));
        }
        let (_, malformed) = self.last_malformed().filter(|(reset, _)| *reset == stream)?;
        Some(Error::Malformed(malformed))
    }

    fn why_ended(&self) -> Option<Error> {
        let (code, debug) = self.last_go_away().filter(|(code, _)| *code != ErrorCode::NO_ERROR)?;
        Some(Error::EndedByServer { code, debug: Bytes::copy_from_slice(debug) })
    }
}

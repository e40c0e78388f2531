//! What the server asks of a connection machine beyond `HttpMachine`.

use std::fmt::Display;

use wirelace_http_semantics::{HttpMachine, Priority, RequestHead, SendError, StreamId};
use wirelace_http1::ServerConnection;
use wirelace_http2::Connection;
#[cfg(feature = "tracing")]
use wirelace_http2::Malformed;

/// The server's side of a connection, of any HTTP version.
pub(crate) trait ServerMachine: HttpMachine<Error: Display> {
    /// It is HTTP/1: responses must go out in the order of their requests, and the connection has fields of its own.
    fn is_http1(&self) -> bool;

    /// The client waits for 100 (Continue) before it sends the body.
    fn expects_continue(&self, stream: StreamId) -> bool;

    /// The client takes pushes.
    fn may_push(&self) -> bool;

    /// Promises an exchange that the client did not ask for.
    fn push(&mut self, parent: StreamId, head: RequestHead) -> Result<StreamId, SendError>;

    /// How urgent the client finds a response; `None`: the version has no word for it but the field.
    fn priority(&self, stream: StreamId) -> Option<Priority>;

    /// How urgent the response is.
    fn set_priority(&mut self, stream: StreamId, priority: Priority);

    /// The last request that the machine refused by resetting its stream, and the rule that it breaks.
    #[cfg(feature = "tracing")]
    fn last_malformed(&self) -> Option<(StreamId, Malformed)>;
}

impl ServerMachine for ServerConnection {
    #[inline]
    fn is_http1(&self) -> bool {
        true
    }

    fn expects_continue(&self, stream: StreamId) -> bool {
        ServerConnection::expects_continue(self, stream)
    }

    #[inline]
    fn may_push(&self) -> bool {
        false
    }

    fn push(&mut self, _: StreamId, _: RequestHead) -> Result<StreamId, SendError> {
        Err(SendError::Closed)
    }

    #[inline]
    fn priority(&self, _: StreamId) -> Option<Priority> {
        None
    }

    fn set_priority(&mut self, _: StreamId, _: Priority) {}

    /// It ends the connection for that.
    #[cfg(feature = "tracing")]
    fn last_malformed(&self) -> Option<(StreamId, Malformed)> {
        None
    }
}

impl ServerMachine for Connection {
    #[inline]
    fn is_http1(&self) -> bool {
        false
    }

    fn expects_continue(&self, stream: StreamId) -> bool {
        Connection::expects_continue(self, stream)
    }

    fn may_push(&self) -> bool {
        Connection::may_push(self)
    }

    fn push(&mut self, parent: StreamId, head: RequestHead) -> Result<StreamId, SendError> {
        Connection::push(self, parent, head)
    }

    fn priority(&self, stream: StreamId) -> Option<Priority> {
        Some(Connection::priority(self, stream))
    }

    fn set_priority(&mut self, stream: StreamId, priority: Priority) {
        Connection::set_priority(self, stream, priority);
    }

    #[cfg(feature = "tracing")]
    fn last_malformed(&self) -> Option<(StreamId, Malformed)> {
        Connection::last_malformed(self)
    }
}

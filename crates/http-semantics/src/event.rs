//! What happens on an HTTP connection, in the words that all versions share.

use alloc::vec::Vec;

use bytes::Bytes;
use thiserror::Error;

use crate::fields::{FieldError, Fields};
use crate::head::{Head, ResponseHead};

/// Names one exchange on a connection. HTTP/1 numbers its exchanges from 0 in steps of one; HTTP/2 and HTTP/3 use
/// the protocol's stream identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl core::fmt::Display for StreamId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "stream {}", self.0)
    }
}

/// What the peer did.
#[derive(Debug, Clone)]
pub enum Event {
    /// A request at a server, a final response at a client. `end`: no body and no trailers follow.
    Head {
        /// The exchange; at a server, a new one.
        stream: StreamId,
        /// What arrived.
        head: Head,
        /// No body and no trailers follow.
        end: bool,
    },
    /// An interim (1xx) response.
    Informational {
        /// The exchange.
        stream: StreamId,
        /// What arrived.
        head: ResponseHead,
    },
    /// A part of a body; after CONNECT or Upgrade, of the tunnel.
    Data {
        /// The exchange.
        stream: StreamId,
        /// Slices of the read buffer, as they came. May be empty when `end` is set.
        data: Bytes,
        /// Nothing follows.
        end: bool,
    },
    /// The trailer section; nothing follows.
    Trailers {
        /// The exchange.
        stream: StreamId,
        /// Kept apart from the header section (RFC 9110 §6.5).
        fields: Fields,
    },
    /// A send that had to wait may go on: see [`HttpMachine::capacity`](crate::HttpMachine::capacity).
    Capacity {
        /// The exchange.
        stream: StreamId,
    },
    /// The peer promises an exchange that nobody asked for (server push).
    Promise {
        /// The exchange that it belongs to.
        stream: StreamId,
        /// The promised one.
        promised: StreamId,
        /// The request that it will answer.
        head: Head,
    },
    /// The exchange is over before its end; nothing more comes, nothing more can be sent.
    Reset {
        /// The exchange.
        stream: StreamId,
        /// Why.
        reason: Reason,
    },
    /// The peer names alternative services (RFC 7838), which the application may use for later connections.
    AltSvc {
        /// The exchange whose origin they are for; `None`: they are for `origin`.
        stream: Option<StreamId>,
        /// The origin, where no exchange names it.
        origin: Bytes,
        /// As in the field of that name.
        value: Bytes,
    },
    /// The connection serves these origins (RFC 8336), each in ASCII form.
    Origin {
        /// What the server lists.
        origins: Vec<Bytes>,
    },
    /// The peer takes no exchange after `last`.
    GoAway {
        /// The last exchange that the peer did or will process.
        last: StreamId,
        /// Why.
        reason: Reason,
    },
}

/// Why an exchange or a connection ended. Each version maps it to its own code.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing is wrong.
    NoError,
    /// Whoever wanted it wants it no more.
    Cancel,
    /// The peer closed the connection, or its side of the exchange, too early.
    PeerClosed,
    /// Not processed at all: safe to try again.
    Refused,
    /// The peer broke a rule of the protocol.
    Protocol,
    /// A time limit passed.
    Timeout,
    /// A size or count limit was passed.
    Limit,
    /// This side failed.
    Internal,
    /// A code of the protocol that has no name here.
    Code(u64),
}

/// A command that a machine refused. The machine's state is as before.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SendError {
    /// The exchange does not exist, has ended, or was reset.
    #[error("the exchange does not exist or has ended")]
    Closed,
    /// Not now: wait for [`Event::Capacity`]. With HTTP/1, an earlier response has to be finished first; a request
    /// may be tried again when another exchange has ended or output was written.
    #[error("no capacity now: wait for the capacity event")]
    Blocked,
    /// A second head, data before the head, anything after the end.
    #[error("command out of order: head, data, trailers is the order")]
    Order,
    /// The head is of the wrong kind for this role, or cannot be sent in this version.
    #[error("this head cannot be sent here")]
    Head,
    /// The body is longer or shorter than its Content-Length.
    #[error("the body does not have the length that Content-Length announced")]
    BodyLength,
    /// A trailer section may not carry framing, routing or authentication fields (RFC 9110 §6.5.1).
    #[error("this field must not be a trailer (RFC 9110 §6.5.1)")]
    Trailer,
    /// A field that would break the message.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The framing fields contradict each other.
    #[error(transparent)]
    Framing(#[from] crate::framing::FramingError),
    /// The connection takes nothing new.
    #[error("the connection is shutting down")]
    ShuttingDown,
}

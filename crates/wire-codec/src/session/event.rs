//! What a session tells its application.

use core::time::Duration;

use bytes::Bytes;

use crate::error::ErrorCode;

/// An exchange: one request and its response. The initiator's have odd numbers, the acceptor's even ones; in the
/// base form they are numbered in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId(pub u64);

/// The form that both sides speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Six octets of header; answers in the order of the requests.
    Base,
    /// Version 2.0.
    Extended {
        /// Every frame has a CRC32C.
        checksum: bool,
    },
}

/// What happened. Each own request that was not cancelled ends with exactly one event: a part of its response with
/// `end`, or [`Failed`](Event::Failed). Each request of the peer that was not answered to its end is cancelled once.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The form is known; comes once, before all others but [`Failed`](Event::Failed).
    Ready {
        /// What both sides speak.
        form: Form,
    },
    /// A request begins.
    Request {
        /// The new exchange.
        id: ExchangeId,
        /// Its first part.
        data: Bytes,
        /// That is all of it.
        end: bool,
        /// How long the peer waits for the response.
        timeout: Option<Duration>,
    },
    /// A response begins.
    Response {
        /// The exchange.
        id: ExchangeId,
        /// Its first part.
        data: Bytes,
        /// That is all of it, and the exchange is over.
        end: bool,
    },
    /// The next part of a request or response.
    Data {
        /// The exchange.
        id: ExchangeId,
        /// The part.
        data: Bytes,
        /// The last one.
        end: bool,
    },
    /// An own request ended without its response, or inside of it.
    Failed {
        /// The exchange.
        id: ExchangeId,
        /// Why; with [`ErrorCode::REFUSED`] it surely was not processed.
        code: ErrorCode,
        /// The same for a person.
        text: String,
        /// The peer said so, in an ERROR or CANCEL.
        by_peer: bool,
    },
    /// Nobody waits for the response to this request of the peer any more.
    Cancelled {
        /// The exchange.
        id: ExchangeId,
        /// Why.
        code: ErrorCode,
    },
    /// A send for which there was no room may be tried again.
    Capacity {
        /// The exchange.
        id: ExchangeId,
    },
    /// A request for which there was no room may be tried again.
    RequestCapacity,
    /// A message for which there was no room may be tried again.
    MessageCapacity,
    /// A one-way message.
    Message {
        /// The message.
        data: Bytes,
    },
    /// The answer to [`Session::ping`](super::Session::ping).
    Pong {
        /// How long it took.
        round_trip: Duration,
    },
    /// The peer takes no new requests.
    GoAway {
        /// Why.
        code: ErrorCode,
        /// The same for a person.
        text: String,
    },
}

impl Event {
    /// The exchange that it is about.
    pub(super) fn exchange(&self) -> Option<ExchangeId> {
        match self {
            Event::Request { id, .. }
            | Event::Response { id, .. }
            | Event::Data { id, .. }
            | Event::Failed { id, .. }
            | Event::Cancelled { id, .. }
            | Event::Capacity { id } => Some(*id),
            _ => None,
        }
    }
}

/// Why something cannot be sent; nothing of it was.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The form is not known yet.
    #[error("the form is not agreed on yet")]
    NotReady,
    /// There is no room for so much now; an event says when there is more.
    #[error("no room for so much now")]
    Full,
    /// It is longer than the peer, or a frame, can ever take.
    #[error("{length} octets are above the limit of {limit}")]
    TooLong {
        /// Octets that should have been sent.
        length: usize,
        /// How many can be.
        limit: usize,
    },
    /// The exchange or the connection is over, or this direction of it.
    #[error("the exchange is over")]
    Closed,
    /// A response that has begun already, or data before its beginning.
    #[error("out of order")]
    Order,
    /// A request or response of the base form is one frame.
    #[error("the base form has no parts")]
    Whole,
    /// The base form has no messages, and its acceptor sends no requests.
    #[error("the base form has no such thing")]
    Unsupported,
    /// This side or the peer takes no new requests.
    #[error("shutting down")]
    ShuttingDown,
}

/// What a session has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Frames received.
    pub frames_received: u64,
    /// Frames sent.
    pub frames_sent: u64,
    /// Octets of payload received, of requests, responses and messages.
    pub payload_received: u64,
    /// Octets of payload sent.
    pub payload_sent: u64,
    /// Exchanges that this side opened.
    pub requests_sent: u64,
    /// Exchanges that the peer opened.
    pub requests_received: u64,
    /// Exchanges under way, both sides'.
    pub under_way: usize,
    /// Octets of payload that the application has been given and not yet taken.
    pub held: u64,
    /// Octets that may be sent on the connection; 0 in the base form, which counts none.
    pub credit: u64,
    /// Octets that the peer may send on the connection.
    pub window: u64,
    /// The last round trip that was measured.
    pub round_trip: Option<Duration>,
}

//! What the datagram machines tell their applications.

use core::time::Duration;

use bytes::Bytes;

use crate::error::ErrorCode;

/// A call or heartbeat of a client: a number that it uses for nothing else (of 62 bits, so for all practical
/// purposes never again).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// A request at a server: a number of the server's own, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// How a call ended. Each that was not cancelled ends with exactly one of these.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// The response is there.
    Response {
        /// The call.
        id: CallId,
        /// What the server answered.
        payload: Bytes,
    },
    /// The server answered with an error.
    Failed {
        /// The call.
        id: CallId,
        /// Why; in the base form always [`ErrorCode::APPLICATION`]. With [`ErrorCode::REFUSED`] it was not processed.
        code: ErrorCode,
        /// The same for a person.
        text: String,
    },
    /// The answer to a heartbeat.
    Alive {
        /// The heartbeat.
        id: CallId,
        /// From the first time that it was sent until now.
        round_trip: Duration,
    },
    /// No answer came in time; nobody knows whether the request was processed.
    TimedOut {
        /// The call.
        id: CallId,
        /// How often it was sent.
        sends: u32,
    },
}

impl ClientEvent {
    /// The call that ended.
    #[must_use]
    pub const fn id(&self) -> CallId {
        match *self {
            ClientEvent::Response { id, .. }
            | ClientEvent::Failed { id, .. }
            | ClientEvent::Alive { id, .. }
            | ClientEvent::TimedOut { id, .. } => id,
        }
    }
}

/// What came to a server. Each request is to be answered once, with `respond` or `fail`, unless it is cancelled first.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent<A> {
    /// A request.
    Request {
        /// Its number here.
        id: RequestId,
        /// Who sent it. Nothing proves that: addresses of datagrams can be forged.
        from: A,
        /// What it says.
        payload: Bytes,
        /// How long the client waits for the answer from now on.
        timeout: Option<Duration>,
    },
    /// A one-way message, perhaps not for the first time.
    Message {
        /// Who sent it.
        from: A,
        /// What it says.
        payload: Bytes,
    },
    /// Nobody waits for the answer to this request any more; what is answered now is dropped.
    Cancelled {
        /// The request.
        id: RequestId,
    },
}

/// A datagram that wants to go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit<A> {
    /// To whom.
    pub to: A,
    /// All of it.
    pub datagram: Bytes,
}

/// Why something cannot be sent; nothing of it was.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// So many are under way or waiting as may be; a client of the base form makes one call in its life.
    #[error("as many are under way as may be")]
    Full,
    /// It does not fit into a datagram; nothing is split.
    #[error("a datagram of {length} octets is needed, the limit is {limit}")]
    TooLong {
        /// Octets of the datagram: payload and header.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The base form has no messages.
    #[error("the base form has no such thing")]
    Unsupported,
}

/// What a client has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientStats {
    /// Datagrams sent.
    pub sent: u64,
    /// Of them, calls and heartbeats that were sent again.
    pub retransmitted: u64,
    /// Datagrams received.
    pub received: u64,
    /// Of them, those that are no frame, or one that a server does not send.
    pub wrong: u64,
    /// Of them, answers to no call under way: late, sent twice, or never asked for.
    pub duplicates: u64,
    /// Calls that ended without an answer.
    pub timed_out: u64,
    /// Calls under way.
    pub under_way: usize,
    /// Events that were not taken yet.
    pub events: usize,
    /// Messages and cancellations that wait to be sent.
    pub waiting: usize,
    /// The smoothed round trip (RFC 6298), with the time that the server took; only of calls that were sent once.
    pub round_trip: Option<Duration>,
    /// After so long a new call would be sent again, give or take the jitter.
    pub rto: Duration,
}

/// What a server has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerStats {
    /// Datagrams received.
    pub received: u64,
    /// Datagrams put out to be sent.
    pub sent: u64,
    /// Requests that were taken.
    pub requests: u64,
    /// Repeats of requests that were under way.
    pub repeats: u64,
    /// Kept answers that were sent again.
    pub resent: u64,
    /// Messages that were taken.
    pub messages: u64,
    /// Requests that were cancelled, by the client or by their deadline.
    pub cancelled: u64,
    /// Requests that were refused: too many, or shutting down.
    pub refused: u64,
    /// Requests with the id of another.
    pub reused: u64,
    /// Datagrams that are no frame, or one that a client does not send.
    pub wrong: u64,
    /// Datagrams that got no answer, or were not taken, because a limit was reached or it was shutting down.
    pub dropped: u64,
    /// Requests under way.
    pub under_way: usize,
    /// Addresses with requests under way.
    pub addresses: usize,
    /// Events that were not taken yet.
    pub events: usize,
    /// Answers that are kept.
    pub kept: usize,
    /// Their octets.
    pub kept_octets: usize,
    /// Octets that wait to be sent.
    pub output: usize,
}

//! Why a call got no answer.

use std::fmt;
use std::io;
use std::sync::Arc;

use wirelace_wire_codec::ErrorCode;

/// Why a call got no answer.
#[non_exhaustive]
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// There is no connection.
    #[error("cannot connect: {0}")]
    Connect(Arc<io::Error>),
    /// Its time is over.
    #[error("no answer in time")]
    Timeout,
    /// Its time is over, and the system says why there may have been no answer: over UDP, mostly that nobody listens.
    #[error("no answer in time: {}", Trouble(.0))]
    Unreachable(Arc<io::Error>),
    /// The peer answered with an error.
    #[error("{code}: {text}")]
    Peer {
        /// Why; [`ErrorCode::APPLICATION`] for all errors of the base form.
        code: ErrorCode,
        /// The same for a person.
        text: String,
    },
    /// The connection ended first; whether the call was processed is not known.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The connection ended, or is about to, and the call surely was not processed: repeating it is safe.
    #[error("the connection took no more calls")]
    Refused,
    /// The exchange was given up at this side.
    #[error("the exchange was given up")]
    Cancelled,
    /// The answer is complete, and what was left of the request is not wanted.
    #[error("the exchange was answered before the request was complete")]
    Answered,
    /// The peer speaks the base form, which has no such thing.
    #[error("the base form has no {0}")]
    Unsupported(&'static str),
    /// The request is longer than the peer, or a frame of the base form, can take.
    #[error("the request is too long: {length} octets, at most {limit}")]
    RequestTooLong {
        /// Octets of the request.
        length: usize,
        /// How many are possible.
        limit: usize,
    },
    /// The response is longer than the caller wants.
    #[error("the response is too long: more than {limit} octets")]
    ResponseTooLong {
        /// How many are allowed.
        limit: usize,
    },
}

/// What the system said, in plain words where there are some.
struct Trouble<'a>(&'a io::Error);

impl fmt::Display for Trouble<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind() {
            io::ErrorKind::ConnectionRefused => f.write_str("nobody listens there"),
            _ => self.0.fmt(f),
        }
    }
}

//! Why a call got no answer.

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

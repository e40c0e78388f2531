//! What can go wrong with a request.

use std::io;

use wirelace_http_semantics::{Reason, SendError};

/// Any error, as bodies bring it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a request got no answer, or not all of it.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// The request cannot be sent in this version of HTTP. Nothing went out.
    #[error("the request cannot be sent: {0}")]
    Request(#[from] SendError),
    /// The URI has no host, and there is no Host field either; or the version is not HTTP/1.0 or 1.1.
    #[error("the request cannot be sent: {0}")]
    Target(&'static str),
    /// The body of the request failed; the connection was ended.
    #[error("the request's body failed: {0}")]
    RequestBody(#[source] BoxError),
    /// The server has said that it does not process this request: safe to send again on a new connection.
    #[error("the server refused the request before it was processed")]
    Refused,
    /// The server closed the connection before it had answered.
    #[error("the connection was closed before the answer")]
    Closed,
    /// The exchange ended before its end.
    #[error("the exchange was ended early ({0:?})")]
    Reset(Reason),
    /// The server broke a rule of the protocol, or passed a limit.
    #[error("{0}")]
    Protocol(#[from] wirelace_http1::Error),
    /// The transport failed.
    #[error("{0}")]
    Io(#[source] io::Error),
}

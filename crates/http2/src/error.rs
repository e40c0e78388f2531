//! Why a connection ends.

use thiserror::Error;

/// Why an HTTP/2 connection cannot go on.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The first bytes are not the client's preface (RFC 9113 §3.4).
    #[error("the connection does not begin with the HTTP/2 preface (RFC 9113 §3.4)")]
    Preface,
}

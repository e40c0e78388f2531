//! Why a connection ends.

use http::StatusCode;
use thiserror::Error;
use wirelace_http_semantics::Reason;
use wirelace_http_semantics::framing::FramingError;
use wirelace_http_semantics::target::TargetError;

use crate::chunked::ChunkedError;
use crate::head::HeadError;

/// Why an HTTP/1 connection cannot go on.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The head breaks the grammar or a limit.
    #[error("bad head: {0}")]
    Head(#[from] HeadError),
    /// The request-target fits no form.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// An HTTP/1.1 request without Host.
    #[error("HTTP/1.1 request without Host (RFC 9112 §3.2)")]
    HostMissing,
    /// More than one Host line.
    #[error("more than one Host line (RFC 9112 §3.2)")]
    HostRepeated,
    /// Host is not `uri-host [":" port]`.
    #[error("Host is not `host[:port]` (RFC 9110 §7.2)")]
    HostInvalid,
    /// Content-Length and Transfer-Encoding do not say one thing.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// The chunked coding is broken.
    #[error("bad chunked body: {0}")]
    Chunked(#[from] ChunkedError),
    /// The trailer section breaks the grammar or a limit.
    #[error("bad trailer section: {0}")]
    Trailers(HeadError),
    /// A trailer that would have changed the framing or routing of the message.
    #[error("field not allowed as a trailer (RFC 9110 §6.5.1)")]
    ForbiddenTrailer,
    /// An expectation other than `100-continue`.
    #[error("unknown expectation (RFC 9110 §10.1.1)")]
    Expectation,
    /// The body is larger than allowed.
    #[error("body of more than {limit} bytes")]
    BodyTooLarge {
        /// The limit that was passed, in bytes.
        limit: u64,
    },
    /// A head did not arrive in time.
    #[error("head not complete in time")]
    HeadTimeout,
    /// A body arrives too slowly.
    #[error("body arrives too slowly")]
    BodyTimeout,
    /// Nothing happened for long.
    #[error("idle for too long")]
    IdleTimeout,
    /// The peer does not read.
    #[error("peer takes no output")]
    WriteTimeout,
    /// The connection ended inside a message (RFC 9112 §8).
    #[error("connection ended inside a message (RFC 9112 §8)")]
    UnexpectedEnd,
    /// A response that nobody asked for.
    #[error("bytes that answer no request")]
    Unsolicited,
    /// Too many interim responses.
    #[error("more than {limit} interim responses to one request")]
    TooManyInterim {
        /// The limit that was passed.
        limit: u32,
    },
    /// 101 without an Upgrade in the request, or before its end (RFC 9110 §7.8).
    #[error("101 to a request without Upgrade, or before its end (RFC 9110 §7.8)")]
    UnaskedUpgrade,
    /// The application ended an exchange in the middle; HTTP/1 can only end the connection.
    #[error("exchange ended early by the application")]
    Reset,
}

impl Error {
    /// The status a server answers with before it closes; `None` where an answer makes no sense.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        Some(match self {
            Error::Head(error) => StatusCode::from_u16(error.status()).ok()?,
            Error::Trailers(error) if error.status() == 431 => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Error::Framing(FramingError::UnknownCoding) => StatusCode::NOT_IMPLEMENTED,
            Error::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Error::Expectation => StatusCode::EXPECTATION_FAILED,
            Error::HeadTimeout | Error::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Error::IdleTimeout
            | Error::WriteTimeout
            | Error::Unsolicited
            | Error::TooManyInterim { .. }
            | Error::UnaskedUpgrade
            | Error::Reset => return None,
            _ => StatusCode::BAD_REQUEST,
        })
    }

    /// What it means for the exchanges that were under way.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Error::UnexpectedEnd => Reason::PeerClosed,
            Error::HeadTimeout | Error::BodyTimeout | Error::IdleTimeout | Error::WriteTimeout => {
                Reason::Timeout
            }
            Error::BodyTooLarge { .. } => Reason::Limit,
            Error::Reset => Reason::Cancel,
            _ => Reason::Protocol,
        }
    }
}

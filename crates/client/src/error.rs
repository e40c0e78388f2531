//! What can go wrong with a request.

use std::borrow::Cow;
use std::io;

use bytes::Bytes;
use wirelace_http_semantics::{Reason, SendError};
use wirelace_http2::{ErrorCode, Malformed};

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
    /// The URI has no host, and there is no Host field either; the version is not that of the connection; or a field
    /// means something in another version only.
    #[error("the request cannot be sent: {0}")]
    Target(&'static str),
    /// The body of the request failed; the exchange was ended, in HTTP/1 with the connection.
    #[error("the request's body failed: {0}")]
    RequestBody(#[source] BoxError),
    /// The server has said that it does not process this request: safe to send again on a new connection.
    #[error("the server refused the request before it was processed")]
    Refused,
    /// The server takes no more requests on this connection (GOAWAY), for that reason. Nothing was sent: try again on
    /// another one.
    #[error("the server takes no more requests on this connection: {}", words(.0))]
    GoingAway(Reason),
    /// The server does not take extended CONNECT (RFC 8441 §3).
    #[error("the server does not take CONNECT with a protocol (RFC 8441)")]
    NoExtendedConnect,
    /// The server closed the connection before it had answered.
    #[error("the connection was closed before the answer")]
    Closed,
    /// The exchange ended before its end.
    #[error("the exchange was ended early: {}", words(.0))]
    Reset(Reason),
    /// The server reset the exchange's stream, with that code (RFC 9113 §6.4, §7).
    #[error("the server reset the stream: {0}")]
    ResetByServer(ErrorCode),
    /// The server ended the whole connection because of an error (RFC 9113 §5.4.1). `debug`: what it says about it, at
    /// most 256 octets.
    #[error("the server ended the connection: {code}{}", said(debug))]
    EndedByServer {
        /// What is wrong.
        code: ErrorCode,
        /// Its words, or any octets.
        debug: Bytes,
    },
    /// The server's message breaks a rule; its stream was reset, and the connection goes on (RFC 9113 §8.1.1).
    #[error("the response is malformed: {0}")]
    Malformed(#[source] Malformed),
    /// The server broke a rule of the protocol, or passed a limit.
    #[error("{0}")]
    Protocol(#[from] wirelace_http1::Error),
    /// As [`Protocol`](Error::Protocol), in HTTP/2.
    #[error("{0}")]
    Http2(#[from] wirelace_http2::Error),
    /// The transport failed.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// The TLS handshake failed: the server's certificate is not accepted, for instance. Nothing of a request went
    /// out.
    #[cfg(feature = "tls")]
    #[error("{}", handshake(.0))]
    Handshake(#[source] wirelace_tls_glue::TlsError),
    /// TLS failed after the handshake. [`Truncated`](wirelace_tls_glue::TlsError::Truncated): the server closed
    /// without saying so, and what came of the response may be cut.
    #[cfg(feature = "tls")]
    #[error("TLS: {0}")]
    Tls(#[source] wirelace_tls_glue::TlsError),
    /// The server chose an application protocol (ALPN) that this connection does not speak.
    #[cfg(feature = "tls")]
    #[error("the server chose {:?} (ALPN), expected http/1.1", .0.escape_ascii().to_string())]
    Alpn(Bytes),
    /// HTTP/2 was asked for, and the server chose another application protocol (ALPN), or none.
    #[cfg(feature = "tls")]
    #[error("the server does not speak HTTP/2: {}", chosen(.0.as_ref()))]
    NotHttp2(Option<Bytes>),
}

fn said(debug: &[u8]) -> String {
    if debug.is_empty() { String::new() } else { format!(", \"{}\"", debug.escape_ascii()) }
}

fn words(reason: &Reason) -> Cow<'static, str> {
    Cow::Borrowed(match reason {
        Reason::NoError => "it says that nothing is wrong",
        Reason::Cancel => "it was cancelled",
        Reason::PeerClosed => "the connection was closed",
        Reason::Refused => "it was refused before it was processed",
        Reason::Protocol => "a rule of the protocol was broken",
        Reason::Timeout => "it took too long",
        Reason::Limit => "a limit was passed",
        Reason::Internal => "the server, or this side, failed",
        Reason::Code(code) => return Cow::Owned(format!("code {code}")),
        reason => return Cow::Owned(format!("{reason:?}")),
    })
}

impl Error {
    /// Of a transport, which may be TLS.
    pub(crate) fn transport(error: io::Error) -> Error {
        #[cfg(feature = "tls")]
        if let Some(tls) =
            error.get_ref().and_then(|inner| inner.downcast_ref::<wirelace_tls_glue::TlsError>())
        {
            return Error::Tls(tls.clone());
        }
        Error::Io(error)
    }

    /// Another one that says the same, for all that a connection ends with.
    pub(crate) fn again(&self) -> Error {
        match self {
            Error::Protocol(error) => Error::Protocol(*error),
            Error::Http2(error) => Error::Http2(*error),
            Error::Io(error) => Error::Io(match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            }),
            #[cfg(feature = "tls")]
            Error::Tls(error) => Error::Tls(error.clone()),
            Error::Refused => Error::Refused,
            Error::Reset(reason) => Error::Reset(*reason),
            Error::ResetByServer(code) => Error::ResetByServer(*code),
            Error::EndedByServer { code, debug } => {
                Error::EndedByServer { code: *code, debug: debug.clone() }
            }
            Error::Malformed(malformed) => Error::Malformed(*malformed),
            _ => Error::Closed,
        }
    }

    /// True where the server has processed nothing of the request: it may be sent again, on another connection,
    /// whatever its method is. What that takes is a body that is there twice.
    #[must_use]
    pub fn is_retry_safe(&self) -> bool {
        match self {
            Error::Connect(_) | Error::Refused | Error::GoingAway(_) => true,
            #[cfg(feature = "tls")]
            Error::Handshake(_) => true,
            _ => false,
        }
    }

    /// The server has said in TLS why it goes no further.
    pub(crate) fn is_alert(&self) -> bool {
        #[cfg(feature = "tls")]
        return matches!(self, Error::Tls(wirelace_tls_glue::TlsError::Alert(_)));
        #[cfg(not(feature = "tls"))]
        false
    }

    /// What TLS says, if it is TLS that failed. Its
    /// [`Certificate`](wirelace_tls_glue::TlsError::Certificate) has which certificate is refused, by which rule,
    /// and what to do.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&wirelace_tls_glue::TlsError> {
        match self {
            Error::Handshake(error) | Error::Tls(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(feature = "tls")]
fn chosen(alpn: Option<&Bytes>) -> String {
    alpn.map_or_else(
        || "it chose no protocol (ALPN)".to_owned(),
        |alpn| format!("it chose {:?} (ALPN)", alpn.escape_ascii().to_string()),
    )
}

/// A refused certificate says enough by itself; a connection that ends in the handshake lost no data.
#[cfg(feature = "tls")]
fn handshake(error: &wirelace_tls_glue::TlsError) -> String {
    use wirelace_tls_glue::TlsError;
    match error {
        TlsError::Certificate(_) | TlsError::NotTls { .. } | TlsError::HandshakeTimeout(_) => {
            error.to_string()
        }
        TlsError::Truncated => "the server closed the connection during the TLS handshake".to_owned(),
        TlsError::Alert(alert) => format!("the server refused the TLS handshake: {alert}"),
        TlsError::Handshake(why) => format!("TLS handshake: {why}"),
        error => format!("TLS handshake: {error}"),
    }
}

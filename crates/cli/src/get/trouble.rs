//! Why there is no response, and whether trying again may help.

use std::io;
use std::time::Duration;

use http::StatusCode;
use wirelace::client::Error;
use wirelace::tls_glue::TlsError;

use crate::client_tls::{explained, failure};
use crate::failure::Failure;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// What a server may ask for with Retry-After.
const LONGEST_WISH: Duration = Duration::from_secs(60);

/// Why an attempt came to nothing.
pub(super) enum Trouble {
    /// No response, or only a part of one.
    Peer(Error),
    /// The time was up.
    Timeout(Duration),
    /// A status that may pass; after how long to ask again, if the server has said.
    Status(StatusCode, Option<Duration>),
    /// The body cannot be unpacked.
    Packed(io::Error),
    /// The response cannot be written.
    Output(io::Error),
    /// The body of the request cannot be read.
    Input(io::Error),
}

impl Trouble {
    pub(super) fn reason(&self) -> String {
        match self {
            Trouble::Peer(error) => explained(error),
            Trouble::Timeout(limit) => format!("no complete response within {} s", limit.as_secs_f64()),
            Trouble::Status(status, _) => format!("status {}", status.as_u16()),
            Trouble::Packed(error) => format!("the body cannot be unpacked: {error}"),
            Trouble::Output(error) => format!("the response cannot be written: {error}"),
            Trouble::Input(error) => error.to_string(),
        }
    }

    /// What the command ends with; `whose`: the URL.
    pub(super) fn failure(&self, whose: &str) -> Failure {
        match self {
            Trouble::Input(error) => Failure::Usage(format!("the body: {error}")),
            Trouble::Peer(error @ Error::Target(_)) => Failure::Usage(format!("{whose}: {error}")),
            Trouble::Peer(error) => failure(error, whose),
            trouble => Failure::Peer(format!("{whose}: {}", trouble.reason())),
        }
    }

    /// How long to wait before trying again; `None`: never.
    pub(super) fn pause(&self, retries: u32) -> Option<Duration> {
        let growing = FIRST_PAUSE.saturating_mul(1 << retries.min(10)).min(LONGEST_PAUSE);
        match self {
            Trouble::Peer(error) => {
                let passes = match error {
                    Error::Connect(_)
                    | Error::Refused
                    | Error::GoingAway(_)
                    | Error::Reset(_)
                    | Error::ResetByServer(_)
                    | Error::EndedByServer { .. }
                    | Error::Malformed(_)
                    | Error::Closed
                    | Error::Io(_)
                    | Error::Protocol(_)
                    | Error::Http2(_) => true,
                    Error::Handshake(error) | Error::Tls(error) => is_cut(error),
                    _ => false,
                };
                passes.then_some(growing)
            }
            Trouble::Timeout(_) => Some(growing),
            Trouble::Status(_, wish) => Some(wish.map_or(growing, |wish| wish.min(LONGEST_WISH))),
            Trouble::Packed(_) | Trouble::Output(_) | Trouble::Input(_) => None,
        }
    }
}

/// The connection was lost; what was said on it was sound.
pub(super) fn is_cut(error: &TlsError) -> bool {
    matches!(error, TlsError::Truncated | TlsError::HandshakeTimeout(_) | TlsError::Lost(_))
}

/// A status that may be another next time.
pub(super) fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504)
}

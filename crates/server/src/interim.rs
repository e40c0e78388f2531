//! Interim (1xx) responses.

use std::sync::Arc;

use http::StatusCode;
use thiserror::Error;
use wirelace_http_semantics::{Fields, ResponseHead, StreamId};

use crate::link::Link;

/// Sends interim responses to one request, from any task, until its final response is sent.
#[derive(Debug, Clone)]
pub struct Interim {
    link: Arc<Link>,
    stream: StreamId,
}

/// The head has no interim status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} is no interim status: 100 and 102 to 199 are (RFC 9110 §15.2)")]
pub struct NotInterim(StatusCode);

impl Interim {
    pub(crate) fn new(link: Arc<Link>, stream: StreamId) -> Interim {
        Interim { link, stream }
    }

    /// Sends an interim response. It is dropped without a word if the final response has been sent, to a client
    /// of HTTP/1.0, which does not know them, and, where [`Limits::in_flight`](crate::Limits::in_flight) lets
    /// several HTTP/1 requests run at once, while an earlier response is unfinished.
    ///
    /// # Errors
    /// The status is not an interim one; 101 is a final one in this sense.
    pub fn send(&self, head: ResponseHead) -> Result<(), NotInterim> {
        if !head.is_interim() {
            return Err(NotInterim(head.status));
        }
        self.link.push_interim(self.stream, head);
        Ok(())
    }

    /// Sends 103 (Early Hints, RFC 8297), most often with Link fields.
    pub fn early_hints(&self, fields: Fields) {
        let mut head = ResponseHead::new(StatusCode::EARLY_HINTS);
        head.fields = fields;
        self.link.push_interim(self.stream, head);
    }
}

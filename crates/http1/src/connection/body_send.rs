//! The sending half of a body.

use bytes::Bytes;
use wirelace_http_semantics::{Fields, SendError};
use wirelace_wire::Output;

use super::field_send::write_field;
use crate::chunked::write_chunk_start;
pub(super) use crate::encode::is_forbidden_trailer;

/// How the body under way is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodySender {
    /// None is under way.
    Idle,
    /// So many bytes are still owed.
    Known(u64),
    Chunked,
    /// The end of the connection ends it.
    UntilClose,
    /// After CONNECT or Upgrade.
    Tunnel,
    /// The message has no body (HEAD, 304): what the application sends is dropped.
    Discard,
}

impl BodySender {
    /// Sends a part of the body and returns how much of it goes out; `end` makes the sender idle.
    ///
    /// # Errors
    /// More or less than Content-Length announced, or no body under way; nothing was written.
    pub(super) fn data(&mut self, output: &mut Output, data: Bytes, end: bool) -> Result<u64, SendError> {
        let len = data.len() as u64;
        match self {
            BodySender::Idle => return Err(SendError::Order),
            BodySender::Known(remaining) => {
                let left = remaining.checked_sub(len).ok_or(SendError::BodyLength)?;
                if end && left != 0 {
                    return Err(SendError::BodyLength);
                }
                *remaining = left;
                output.put(data);
            }
            BodySender::Chunked => {
                // An empty chunk would end the body.
                if !data.is_empty() {
                    write_chunk_start(output.inline(), data.len());
                    output.put(data);
                    output.put_slice(b"\r\n");
                }
                if end {
                    output.put_slice(b"0\r\n\r\n");
                }
            }
            BodySender::UntilClose | BodySender::Tunnel => output.put(data),
            BodySender::Discard => {}
        }
        let sent = if *self == BodySender::Discard { 0 } else { len };
        if end {
            *self = BodySender::Idle;
        }
        Ok(sent)
    }

    /// Ends the body with trailers, which only the chunked coding has a place for.
    ///
    /// # Errors
    /// A field that must not be a trailer, a broken field, a short body; nothing was written.
    pub(super) fn trailers(&mut self, output: &mut Output, fields: &Fields) -> Result<(), SendError> {
        if *self != BodySender::Chunked {
            return self.data(output, Bytes::new(), true).map(drop);
        }
        if fields.iter().any(|field| is_forbidden_trailer(field.id)) {
            return Err(SendError::Trailer);
        }
        let inline = output.inline();
        let start = inline.len();
        inline.extend_from_slice(b"0\r\n");
        for field in fields.iter() {
            if let Err(error) = write_field(inline, field.name, field.value) {
                inline.truncate(start);
                return Err(error.into());
            }
        }
        inline.extend_from_slice(b"\r\n");
        *self = BodySender::Idle;
        Ok(())
    }
}

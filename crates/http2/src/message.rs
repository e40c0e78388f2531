//! Messages as field blocks (RFC 9113 §8), which HTTP/3 has too.

use http::Version;
use wirelace_hpack::{Encoder, HeaderBlock};
pub use wirelace_http_messages::Malformed;
use wirelace_http_messages::{HpackLines, Received, RequestLines, ResponseLines, TrailerLines};
use wirelace_http_semantics::{Fields, RequestHead, ResponseHead, SendError};

/// See [`wirelace_http_messages::request`].
#[inline]
pub(crate) fn request(
    block: &mut HeaderBlock,
    protocol: bool,
) -> Result<Received<Box<RequestHead>>, Malformed> {
    wirelace_http_messages::request(block, Version::HTTP_2, protocol)
}

pub(crate) fn promised(block: &mut HeaderBlock) -> Result<Received<Box<RequestHead>>, Malformed> {
    wirelace_http_messages::promised(block, Version::HTTP_2)
}

#[inline]
pub(crate) fn response(block: &mut HeaderBlock) -> Result<Received<ResponseHead>, Malformed> {
    wirelace_http_messages::response(block, Version::HTTP_2)
}

pub(crate) fn trailers(block: &mut HeaderBlock) -> Result<Fields, Malformed> {
    wirelace_http_messages::trailers(block)
}

/// Appends the block of a request; its Content-Length. Nothing is appended and the encoder is untouched on error.
#[inline]
pub(crate) fn write_request(
    encoder: &mut Encoder,
    out: &mut Vec<u8>,
    head: &RequestHead,
    secure: bool,
) -> Result<Option<u64>, SendError> {
    let lines = RequestLines::new(head, secure)?;
    lines.write(&mut HpackLines::new(encoder, out));
    Ok(lines.content_length())
}

/// Appends the block of a response; its Content-Length, which is `length` where the head has none. Nothing is appended
/// and the encoder is untouched on error.
#[inline]
pub(crate) fn write_response(
    encoder: &mut Encoder,
    out: &mut Vec<u8>,
    head: &ResponseHead,
    length: Option<u64>,
) -> Result<Option<u64>, SendError> {
    let lines = ResponseLines::new(head, length)?;
    lines.write(&mut HpackLines::new(encoder, out));
    Ok(lines.content_length())
}

/// Whether the fields may be a trailer section (RFC 9110 §6.5.1).
pub(crate) fn check_trailers(fields: &Fields) -> Result<(), SendError> {
    TrailerLines::new(fields).map(|_| ())
}

/// Appends the block of a trailer section; nothing where it may not be one.
pub(crate) fn write_trailers(encoder: &mut Encoder, out: &mut Vec<u8>, fields: &Fields) {
    if let Ok(lines) = TrailerLines::new(fields) {
        lines.write(&mut HpackLines::new(encoder, out));
    }
}

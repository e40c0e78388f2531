//! The sending half of a head: framing and persistence are decided here, and only here.

use http::{Method, StatusCode, Version};
use wirelace_http_semantics::framing::Framing;
use wirelace_http_semantics::{Field, FieldId, Fields, RequestHead, ResponseHead, SendError};
use wirelace_wire::number::write_decimal;

use super::body_send::BodySender;
use super::field_send::{write_field, write_line};
use super::section::Summary;
use crate::encode::{write_request_line, write_status_line};
use crate::head;

/// What a response must know of its request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    pub(super) http10: bool,
    pub(super) to_head: bool,
    pub(super) to_connect: bool,
    pub(super) upgrade: bool,
    pub(super) persists: bool,
}

/// What follows a head that was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) body: BodySender,
    /// The connection stays open after this message, as far as this side is concerned.
    pub(super) persists: bool,
}

/// Writes a final response, or 101. `length`: the body follows at once and has so many bytes.
///
/// # Errors
/// See [`SendError`]; nothing was written.
pub(super) fn write_response(
    out: &mut Vec<u8>,
    head: &ResponseHead,
    request: Answered,
    end: bool,
    length: Option<u64>,
) -> Result<Written, SendError> {
    let start = out.len();
    let result = response(out, head, request, end, length);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn response(
    out: &mut Vec<u8>,
    head: &ResponseHead,
    request: Answered,
    end: bool,
    whole: Option<u64>,
) -> Result<Written, SendError> {
    let status = head.status;
    let switching = status == StatusCode::SWITCHING_PROTOCOLS;
    let tunnel = switching || request.to_connect && status.is_success();
    if switching && !request.upgrade {
        return Err(SendError::Head);
    }
    status_line(out, head)?;
    let summary = write_fields(out, &head.fields)?;
    let announced = summary.framing.content_length;
    let bodiless = request.to_head || tunnel || status == StatusCode::NOT_MODIFIED;
    if let (Some(announced), Some(whole), false) = (announced, whole, bodiless)
        && announced != whole
    {
        return Err(SendError::BodyLength);
    }
    // A 304 describes what is not sent; what would be its length only the application knows.
    let length = announced.or(whole.filter(|_| status != StatusCode::NOT_MODIFIED));
    let mut persists = request.persists && !summary.close;
    let body = if tunnel {
        BodySender::Tunnel
    } else if request.to_head || status == StatusCode::NOT_MODIFIED {
        if let Some(length) = length {
            write_length(out, length);
        } else if request.to_head && !end && !request.http10 {
            // As the GET would have been framed (RFC 9112 §6.1 allows either).
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        BodySender::Discard
    } else if status == StatusCode::NO_CONTENT {
        BodySender::Discard
    } else if end {
        if length.is_some_and(|length| length != 0) {
            return Err(SendError::BodyLength);
        }
        out.extend_from_slice(b"content-length: 0\r\n");
        BodySender::Idle
    } else if let Some(length) = length {
        write_length(out, length);
        BodySender::Known(length)
    } else if request.http10 {
        persists = false;
        BodySender::UntilClose
    } else {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        BodySender::Chunked
    };
    if tunnel {
        if switching && !summary.names_upgrade() {
            out.extend_from_slice(b"connection: upgrade\r\n");
        }
    } else if !persists {
        out.extend_from_slice(b"connection: close\r\n");
    } else if request.http10 {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
    out.extend_from_slice(b"\r\n");
    let body = if end { BodySender::Idle } else { body };
    Ok(Written { body, persists })
}

/// Writes an interim response: no framing, no body (RFC 9110 §15.2).
///
/// # Errors
/// A broken field; nothing was written.
pub(super) fn write_interim(out: &mut Vec<u8>, head: &ResponseHead) -> Result<(), SendError> {
    let start = out.len();
    let result = status_line(out, head).and_then(|()| write_fields(out, &head.fields));
    match result {
        Ok(_) => {
            out.extend_from_slice(b"\r\n");
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// Writes a request.
///
/// # Errors
/// See [`SendError`]; nothing was written.
pub(super) fn write_request(out: &mut Vec<u8>, head: &RequestHead, end: bool) -> Result<Written, SendError> {
    let start = out.len();
    let result = request(out, head, end);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn request(out: &mut Vec<u8>, head: &RequestHead, end: bool) -> Result<Written, SendError> {
    let http10 = head.version == Version::HTTP_10;
    if !http10 && (head.version != Version::HTTP_11 || !head.fields.contains(FieldId::HOST)) {
        return Err(SendError::Head);
    }
    if head.protocol.is_some() {
        return Err(SendError::Head); // Extended CONNECT is for HTTP/2 and HTTP/3.
    }
    let version = if http10 { head::Version::Http10 } else { head::Version::Http11 };
    write_request_line(out, head.method.as_str().as_bytes(), &head.target, version)
        .map_err(|_| SendError::Head)?;
    let summary = write_fields(out, &head.fields)?;
    let length = summary.framing.content_length;
    let connect = head.method == Method::CONNECT;
    let body = if connect {
        // What follows a CONNECT is either a tunnel or nothing (RFC 9110 §9.3.6).
        BodySender::Discard
    } else if end {
        if length.is_some_and(|length| length != 0) {
            return Err(SendError::BodyLength);
        }
        if length.is_some() || matches!(head.method, Method::POST | Method::PUT | Method::PATCH) {
            out.extend_from_slice(b"content-length: 0\r\n");
        }
        BodySender::Idle
    } else if let Some(length) = length {
        write_length(out, length);
        BodySender::Known(length)
    } else if http10 {
        return Err(SendError::BodyLength); // HTTP/1.0 has no other framing for a request.
    } else {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        BodySender::Chunked
    };
    if summary.close {
        out.extend_from_slice(b"connection: close\r\n");
    } else if http10 && summary.keep_alive {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Ok(Written { body, persists: summary.persists(http10) })
}

fn status_line(out: &mut Vec<u8>, head: &ResponseHead) -> Result<(), SendError> {
    if head.status == StatusCode::OK && head.reason.is_none() {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return Ok(());
    }
    let reason = match &head.reason {
        Some(reason) => &reason[..],
        None => head.status.canonical_reason().unwrap_or("").as_bytes(),
    };
    write_status_line(out, head::Version::Http11, head.status.as_u16(), reason).map_err(|_| SendError::Head)
}

/// Writes the application's lines, except those that frame the message or decide over the connection, which it
/// notes instead: this crate writes them.
fn write_fields(out: &mut Vec<u8>, fields: &Fields) -> Result<Summary, SendError> {
    let mut summary = Summary::default();
    for field in fields.iter() {
        match field.id {
            FieldId::CONTENT_LENGTH => {
                note_length(&mut summary, field)?;
                continue;
            }
            FieldId::CONNECTION => {
                if summary.connection(field.value) {
                    write_options(out, field.value)?;
                }
                continue;
            }
            FieldId::TRANSFER_ENCODING | FieldId::KEEP_ALIVE | FieldId::PROXY_CONNECTION => continue,
            FieldId::UPGRADE => summary.upgrade_field(),
            _ => {}
        }
        if field.is_checked() {
            write_line(out, field.name, field.value);
        } else {
            write_field(out, field.name, field.value)?;
        }
    }
    Ok(summary)
}

/// Takes a Content-Length line; the same value twice is one.
fn note_length(summary: &mut Summary, field: Field<'_>) -> Result<(), SendError> {
    let mut framing = Framing::default();
    framing.observe(field.id, field.value)?;
    if summary.framing.content_length.is_some_and(|length| Some(length) != framing.content_length) {
        return Err(SendError::BodyLength);
    }
    summary.framing = framing;
    Ok(())
}

/// The options of a Connection line that this crate does not decide. `upgrade` is among them for requests; a 101
/// gets it in any case.
fn write_options(out: &mut Vec<u8>, value: &[u8]) -> Result<(), SendError> {
    for option in value.split(|&byte| byte == b',').map(wirelace_wire::field::trim_ows) {
        let ours = option.eq_ignore_ascii_case(b"close") || option.eq_ignore_ascii_case(b"keep-alive");
        if !ours && !option.is_empty() {
            write_field(out, b"connection", option)?;
        }
    }
    Ok(())
}

fn write_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"content-length: ");
    write_decimal(out, length);
    out.extend_from_slice(b"\r\n");
}

//! Writing heads and the end of chunked bodies, with everything checked that could be misread.
//!
//! Nothing that a peer could take for a line end, a second field or another message passes
//! (RFC 9110 §5.5, §11.1: response splitting), in any build. A function that fails has written
//! nothing. What the fields *mean* (framing, Host) is the caller's business here; the connection
//! machines take care of it.
//!
//! ```
//! use wirelace_http1::encode::{self, EncodeError};
//! use wirelace_http1::head::Version;
//!
//! let mut out = Vec::new();
//! let fields = [(&b"Host"[..], &b"example.com"[..])];
//! encode::write_request_head(&mut out, b"GET", b"/a", Version::Http11, fields)?;
//! assert_eq!(out, b"GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n");
//!
//! let evil = [(&b"X"[..], &b"a\r\nSet-Cookie: b"[..])];
//! assert_eq!(
//!     encode::write_response_head(&mut out, Version::Http11, 200, b"OK", evil),
//!     Err(EncodeError::FieldValue { line: 0 }),
//! );
//! # Ok::<(), EncodeError>(())
//! ```

use alloc::vec::Vec;

use thiserror::Error;
use wirelace_http_semantics::FieldId;
use wirelace_wire::field::{has_field_octets, is_field_name, is_field_value};
use wirelace_wire::scan::end_of_target;
use wirelace_wire::token::is_token;

use crate::head::Version;

/// What cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// RFC 9110 §9.1.
    #[error("the method must be a token")]
    Method,
    /// RFC 9112 §3.2.
    #[error("the request target must be one or more of the octets 0x21 to 0x7e")]
    Target,
    /// RFC 9110 §15.
    #[error("the status code must be from 100 to 999")]
    Status,
    /// RFC 9112 §4.
    #[error("the reason phrase must have no control characters but HTAB")]
    Reason,
    /// RFC 9110 §5.1.
    #[error("the name of field line {line} must be a token")]
    FieldName {
        /// Which line, from 0.
        line: usize,
    },
    /// RFC 9110 §5.5.
    #[error(
        "the value of field line {line} must have no control characters but HTAB and no whitespace at its ends"
    )]
    FieldValue {
        /// Which line, from 0.
        line: usize,
    },
    /// RFC 9110 §6.5.1.
    #[error("field line {line} must not be sent as a trailer")]
    Trailer {
        /// Which line, from 0.
        line: usize,
    },
}

/// Appends the head of a request, its empty line included.
///
/// # Errors
/// The first part that cannot be written; `out` is as before.
pub fn write_request_head<'a>(
    out: &mut Vec<u8>,
    method: &[u8],
    target: &[u8],
    version: Version,
    fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<(), EncodeError> {
    all_or_nothing(out, |out| {
        write_request_line(out, method, target, version)?;
        write_section(out, fields)
    })
}

/// Appends the head of a response, its empty line included.
///
/// # Errors
/// The first part that cannot be written; `out` is as before.
pub fn write_response_head<'a>(
    out: &mut Vec<u8>,
    version: Version,
    status: u16,
    reason: &[u8],
    fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<(), EncodeError> {
    all_or_nothing(out, |out| {
        write_status_line(out, version, status, reason)?;
        write_section(out, fields)
    })
}

/// Appends a request line (RFC 9112 §3).
///
/// # Errors
/// [`EncodeError::Method`], [`EncodeError::Target`]; `out` is as before.
#[inline]
pub fn write_request_line(
    out: &mut Vec<u8>,
    method: &[u8],
    target: &[u8],
    version: Version,
) -> Result<(), EncodeError> {
    if !is_token(method) {
        return Err(EncodeError::Method);
    }
    if target.is_empty() || end_of_target(target, 0) != target.len() {
        return Err(EncodeError::Target);
    }
    out.reserve(method.len() + target.len() + 12);
    out.extend_from_slice(method);
    out.push(b' ');
    out.extend_from_slice(target);
    out.push(b' ');
    out.extend_from_slice(version.as_bytes());
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Appends a status line (RFC 9112 §4); the reason phrase may be empty.
///
/// # Errors
/// [`EncodeError::Status`], [`EncodeError::Reason`]; `out` is as before.
#[inline]
pub fn write_status_line(
    out: &mut Vec<u8>,
    version: Version,
    status: u16,
    reason: &[u8],
) -> Result<(), EncodeError> {
    if !(100..=999).contains(&status) {
        return Err(EncodeError::Status);
    }
    if !has_field_octets(reason) {
        return Err(EncodeError::Reason);
    }
    let digit = |value: u16| b'0' + (value % 10) as u8;
    out.reserve(reason.len() + 15);
    out.extend_from_slice(version.as_bytes());
    out.extend_from_slice(&[b' ', digit(status / 100), digit(status / 10), digit(status), b' ']);
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Appends one field line (RFC 9112 §5).
///
/// # Errors
/// [`EncodeError::FieldName`], [`EncodeError::FieldValue`] with line 0; `out` is as before.
#[inline]
pub fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<(), EncodeError> {
    field_line(out, 0, name, value)
}

/// Appends the last chunk, a trailer section and its empty line: the end of a chunked body
/// (RFC 9112 §7.1). Without trailers that is `0`, CRLF, CRLF.
///
/// # Errors
/// A broken field line, or one that must not be a trailer ([`is_forbidden_trailer`]); `out` is as
/// before.
pub fn write_last_chunk<'a>(
    out: &mut Vec<u8>,
    trailers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<(), EncodeError> {
    all_or_nothing(out, |out| {
        out.extend_from_slice(b"0\r\n");
        for (line, (name, value)) in trailers.into_iter().enumerate() {
            if is_forbidden_trailer(FieldId::of(name)) {
                return Err(EncodeError::Trailer { line });
            }
            field_line(out, line, name, value)?;
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    })
}

/// Whether a field frames, routes, authorises or describes the message, so that a recipient needs it
/// before the body and it must not be a trailer (RFC 9110 §6.5.1).
#[must_use]
pub fn is_forbidden_trailer(id: FieldId) -> bool {
    id.is_forbidden_trailer()
}

fn write_section<'a>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<(), EncodeError> {
    for (line, (name, value)) in fields.into_iter().enumerate() {
        field_line(out, line, name, value)?;
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

#[inline]
fn field_line(out: &mut Vec<u8>, line: usize, name: &[u8], value: &[u8]) -> Result<(), EncodeError> {
    if !is_field_name(name) {
        return Err(EncodeError::FieldName { line });
    }
    if !is_field_value(value) {
        return Err(EncodeError::FieldValue { line });
    }
    write_line(out, name, value);
    Ok(())
}

/// Appends one field line that has been checked.
#[inline]
pub(crate) fn write_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[inline]
fn all_or_nothing(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let result = write(out);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines<'a> = &'a [(&'a str, &'a str)];

    fn bytes<'a>(fields: Lines<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))
    }

    /// What is written behind something else, or nothing of it.
    fn written(write: impl Fn(&mut Vec<u8>) -> Result<(), EncodeError>) -> Result<Vec<u8>, EncodeError> {
        let mut out = b"before".to_vec();
        let result = write(&mut out);
        assert_eq!(&out[..6], b"before");
        let rest = out.split_off(6);
        if result.is_err() {
            assert_eq!(rest, b"");
        }
        result.map(|()| rest)
    }

    fn request(method: &str, target: &str, fields: Lines) -> Result<Vec<u8>, EncodeError> {
        written(|out| {
            write_request_head(out, method.as_bytes(), target.as_bytes(), Version::Http11, bytes(fields))
        })
    }

    fn response(status: u16, reason: &str, fields: Lines) -> Result<Vec<u8>, EncodeError> {
        written(|out| write_response_head(out, Version::Http10, status, reason.as_bytes(), bytes(fields)))
    }

    #[test]
    fn heads() {
        assert_eq!(
            request("M-SEARCH", "*", &[("Host", "a"), ("X", "")]).unwrap(),
            b"M-SEARCH * HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
        );
        assert_eq!(
            response(404, "Not Found", &[("a", "b\tc \u{e9}")]).unwrap(),
            "HTTP/1.0 404 Not Found\r\na: b\tc \u{e9}\r\n\r\n".as_bytes()
        );
        assert_eq!(response(100, "", &[]).unwrap(), b"HTTP/1.0 100 \r\n\r\n");
        assert_eq!(response(999, "\u{e9}", &[]).unwrap(), "HTTP/1.0 999 \u{e9}\r\n\r\n".as_bytes());
    }

    #[test]
    fn nothing_that_splits_a_message_is_written() {
        for bad in ["\r", "\n", "\r\n", "\0", "\u{1}", "\u{b}", "\u{7f}"] {
            let inside = std::format!("a{bad}b");
            let inside = inside.as_str();
            assert_eq!(request(inside, "/", &[]), Err(EncodeError::Method), "{bad:?}");
            assert_eq!(request("GET", inside, &[]), Err(EncodeError::Target), "{bad:?}");
            assert_eq!(response(200, inside, &[]), Err(EncodeError::Reason), "{bad:?}");
            for text in [inside, bad] {
                let name = [("a", "b"), (text, "c")];
                assert_eq!(request("GET", "/", &name), Err(EncodeError::FieldName { line: 1 }), "{bad:?}");
                let value = [("a", "b"), ("c", text)];
                assert_eq!(response(200, "OK", &value), Err(EncodeError::FieldValue { line: 1 }), "{bad:?}");
                let trailer = written(|out| write_last_chunk(out, bytes(&value)));
                assert_eq!(trailer, Err(EncodeError::FieldValue { line: 1 }));
            }
        }
        for method in ["", "G T", "G:T", "G\u{e9}T"] {
            assert_eq!(request(method, "/", &[]), Err(EncodeError::Method), "{method:?}");
        }
        for target in ["", "/a b", "/\t", "/\u{e9}"] {
            assert_eq!(request("GET", target, &[]), Err(EncodeError::Target), "{target:?}");
        }
        for name in ["", "a b", "a:", "a\t", "\u{e9}"] {
            let fields = [(name, "b")];
            assert_eq!(request("GET", "/", &fields), Err(EncodeError::FieldName { line: 0 }), "{name:?}");
        }
        for value in [" a", "a\t", " "] {
            let fields = [("a", value)];
            assert_eq!(request("GET", "/", &fields), Err(EncodeError::FieldValue { line: 0 }), "{value:?}");
        }
        for status in [0, 99, 1000, u16::MAX] {
            assert_eq!(response(status, "", &[]), Err(EncodeError::Status));
        }
    }

    #[test]
    fn last_chunks() {
        assert_eq!(written(|out| write_last_chunk(out, [])).unwrap(), b"0\r\n\r\n");
        let trailers = [("Server-Timing", "a"), ("X", "y")];
        assert_eq!(
            written(|out| write_last_chunk(out, bytes(&trailers))).unwrap(),
            b"0\r\nServer-Timing: a\r\nX: y\r\n\r\n"
        );
        for name in ["content-length", "Transfer-Encoding", "HOST", "Trailer", "set-cookie", "Authorization"]
        {
            let trailers = [("x", "y"), (name, "1")];
            let result = written(|out| write_last_chunk(out, bytes(&trailers)));
            assert_eq!(result, Err(EncodeError::Trailer { line: 1 }), "{name}");
        }
    }
}

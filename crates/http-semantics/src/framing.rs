//! Where a message body ends (RFC 9110 §8.6, RFC 9112 §6).

use thiserror::Error;
use wirelace_wire::field::trim_ows;
use wirelace_wire::number::parse_decimal;

use crate::field_id::FieldId;

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// So many bytes; 0 also where there can be no body.
    Known(u64),
    /// The chunked coding says.
    Chunked,
    /// The connection's end (responses only).
    UntilClose,
}

/// A framing that could be read in two ways, or not at all: the seed of request smuggling.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FramingError {
    /// Not `1*DIGIT`, or over 2⁶⁴-1.
    #[error("Content-Length is not a decimal number below 2^64 (RFC 9110 §8.6)")]
    ContentLength,
    /// Two Content-Length values that differ.
    #[error("Content-Length values differ (RFC 9112 §6.3)")]
    ContentLengthsDiffer,
    /// Both framings at once.
    #[error("Content-Length and Transfer-Encoding together (RFC 9112 §6.1)")]
    LengthAndEncoding,
    /// The last coding is not chunked, or chunked is applied twice.
    #[error("chunked is not the last transfer coding, or is applied twice (RFC 9112 §6.3)")]
    NotChunkedLast,
    /// A transfer coding that this implementation cannot undo.
    #[error("transfer coding other than chunked (RFC 9112 §6.1)")]
    UnknownCoding,
    /// Transfer-Encoding in an HTTP/1.0 message.
    #[error("Transfer-Encoding in an HTTP/1.0 message (RFC 9112 §6.1)")]
    EncodingInHttp10,
}

/// What the framing fields of one head say, gathered line by line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Framing {
    /// The value of Content-Length, when there is one.
    pub content_length: Option<u64>,
    /// Transfer codings seen in front of a last `chunked`.
    other_codings: bool,
    chunked: bool,
    encoded: bool,
}

impl Framing {
    /// Takes one field line; lines other than Content-Length and Transfer-Encoding are ignored.
    ///
    /// # Errors
    /// The line alone, or together with an earlier one, breaks a rule.
    #[inline]
    pub fn observe(&mut self, id: FieldId, value: &[u8]) -> Result<(), FramingError> {
        match id {
            FieldId::CONTENT_LENGTH => self.observe_length(value),
            FieldId::TRANSFER_ENCODING => self.observe_encoding(value),
            _ => Ok(()),
        }
    }

    fn observe_length(&mut self, value: &[u8]) -> Result<(), FramingError> {
        let length = parse_decimal(value).ok_or(FramingError::ContentLength)?;
        match self.content_length.replace(length) {
            // Equal values on two lines may be collapsed (RFC 9110 §8.6), but no sound sender makes them.
            Some(_) => Err(FramingError::ContentLengthsDiffer),
            None => Ok(()),
        }
    }

    fn observe_encoding(&mut self, value: &[u8]) -> Result<(), FramingError> {
        self.encoded = true;
        for coding in value.split(|&byte| byte == b',') {
            let coding = trim_ows(coding);
            if coding.is_empty() {
                continue; // Empty list members are ignored (RFC 9110 §5.6.1.2).
            }
            if self.chunked {
                return Err(FramingError::NotChunkedLast);
            }
            if coding.eq_ignore_ascii_case(b"chunked") {
                self.chunked = true;
            } else {
                self.other_codings = true;
            }
        }
        Ok(())
    }

    /// True when the message has Transfer-Encoding.
    #[must_use]
    pub fn is_encoded(&self) -> bool {
        self.encoded
    }

    /// The body length of a request (RFC 9112 §6.3).
    ///
    /// # Errors
    /// The fields contradict each other or name a coding that cannot be undone.
    #[inline]
    pub fn of_request(&self, http10: bool) -> Result<BodyLength, FramingError> {
        if !self.encoded {
            return Ok(BodyLength::Known(self.content_length.unwrap_or(0)));
        }
        if http10 {
            return Err(FramingError::EncodingInHttp10);
        }
        if self.content_length.is_some() {
            return Err(FramingError::LengthAndEncoding);
        }
        if !self.chunked {
            return Err(FramingError::NotChunkedLast);
        }
        if self.other_codings {
            return Err(FramingError::UnknownCoding);
        }
        Ok(BodyLength::Chunked)
    }

    /// The body length of a response with this status to this request (RFC 9112 §6.3). A response to CONNECT
    /// with a 2xx status, and 101, have none: what follows is a tunnel.
    ///
    /// # Errors
    /// The fields contradict each other or name a coding that cannot be undone.
    #[inline]
    pub fn of_response(
        &self,
        http10: bool,
        status: u16,
        to_head: bool,
        to_connect: bool,
    ) -> Result<BodyLength, FramingError> {
        let tunnel = to_connect && (200..300).contains(&status);
        if to_head || tunnel || status < 200 || status == 204 || status == 304 {
            return Ok(BodyLength::Known(0));
        }
        if !self.encoded {
            return Ok(self.content_length.map_or(BodyLength::UntilClose, BodyLength::Known));
        }
        if http10 {
            return Err(FramingError::EncodingInHttp10);
        }
        if self.content_length.is_some() {
            return Err(FramingError::LengthAndEncoding);
        }
        if self.other_codings {
            return Err(FramingError::UnknownCoding);
        }
        if !self.chunked {
            return Err(FramingError::NotChunkedLast);
        }
        Ok(BodyLength::Chunked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[(FieldId, &str)]) -> Result<BodyLength, FramingError> {
        let mut framing = Framing::default();
        for (id, value) in lines {
            framing.observe(*id, value.as_bytes())?;
        }
        framing.of_request(false)
    }

    const CL: FieldId = FieldId::CONTENT_LENGTH;
    const TE: FieldId = FieldId::TRANSFER_ENCODING;

    #[test]
    fn requests() {
        assert_eq!(request(&[]), Ok(BodyLength::Known(0)));
        assert_eq!(request(&[(CL, "005")]), Ok(BodyLength::Known(5)));
        assert_eq!(request(&[(TE, "ChUnKeD")]), Ok(BodyLength::Chunked));
        assert_eq!(request(&[(TE, "chunked,")]), Ok(BodyLength::Chunked));
        for bad in ["", "+5", "-5", "5 ", "5, 5", "0x5", "1_0", "18446744073709551616", "5\u{a0}"] {
            assert_eq!(request(&[(CL, bad)]), Err(FramingError::ContentLength), "{bad:?}");
        }
        assert_eq!(request(&[(CL, "5"), (CL, "6")]), Err(FramingError::ContentLengthsDiffer));
        assert_eq!(request(&[(CL, "5"), (TE, "chunked")]), Err(FramingError::LengthAndEncoding));
        assert_eq!(request(&[(TE, "chunked"), (CL, "5")]), Err(FramingError::LengthAndEncoding));
        for bad in [
            "gzip",
            "chunked, gzip",
            "chunked, chunked",
            "identity",
            "chunkedx",
            "\"chunked\"",
            ",",
            "",
            "chunked\u{b}",
        ] {
            assert_eq!(request(&[(TE, bad)]), Err(FramingError::NotChunkedLast), "{bad:?}");
        }
        assert_eq!(request(&[(TE, "chunked"), (TE, "chunked")]), Err(FramingError::NotChunkedLast));
        assert_eq!(request(&[(TE, "gzip"), (TE, "chunked")]), Err(FramingError::UnknownCoding));
        let framing = Framing { encoded: true, chunked: true, ..Framing::default() };
        assert_eq!(framing.of_request(true), Err(FramingError::EncodingInHttp10));
    }

    #[test]
    fn responses() {
        let length = Framing { content_length: Some(7), ..Framing::default() };
        assert_eq!(length.of_response(false, 200, false, false), Ok(BodyLength::Known(7)));
        for (status, head, connect) in [
            (204, false, false),
            (304, false, false),
            (200, true, false),
            (103, false, false),
            (200, false, true),
        ] {
            assert_eq!(length.of_response(false, status, head, connect), Ok(BodyLength::Known(0)));
        }
        assert_eq!(length.of_response(false, 404, false, true), Ok(BodyLength::Known(7)));
        assert_eq!(Framing::default().of_response(false, 200, false, false), Ok(BodyLength::UntilClose));
    }
}

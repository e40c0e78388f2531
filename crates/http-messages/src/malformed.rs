//! What makes a message malformed.

use thiserror::Error;

/// A message that breaks a rule of RFC 9113 §8 or RFC 9114 §4: its stream ends with PROTOCOL_ERROR (§8.1.1), in HTTP/3
/// with H3_MESSAGE_ERROR (§4.1.2).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// A name has an upper-case letter, or a byte that no name has.
    #[error("field name is not a lower-case token (RFC 9113 §8.2.1, RFC 9114 §4.2)")]
    Name,
    /// A value has a control character, or white space at an end.
    #[error(
        "field value has a control character or white space at its ends (RFC 9113 §8.2.1, RFC 9114 §4.2)"
    )]
    Value,
    /// Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding or Upgrade.
    #[error("connection-specific field (RFC 9113 §8.2.2, RFC 9114 §4.2)")]
    ConnectionSpecific,
    /// TE with anything but `trailers`.
    #[error("TE other than `trailers` (RFC 9113 §8.2.2, RFC 9114 §4.2)")]
    Te,
    /// A pseudo-header field that is not defined for this message.
    #[error("pseudo-header field that this message must not have (RFC 9113 §8.3, RFC 9114 §4.3)")]
    PseudoUnknown,
    /// A pseudo-header field came twice.
    #[error("pseudo-header field repeated (RFC 9113 §8.3, RFC 9114 §4.3)")]
    PseudoRepeated,
    /// A pseudo-header field came after a regular one.
    #[error("pseudo-header field after a regular field (RFC 9113 §8.3, RFC 9114 §4.3)")]
    PseudoLate,
    /// A pseudo-header field is missing.
    #[error("mandatory pseudo-header field missing (RFC 9113 §8.3, RFC 9114 §4.3)")]
    PseudoMissing,
    /// The method is no token.
    #[error(":method is not a token (RFC 9113 §8.3.1, RFC 9114 §4.3.1)")]
    Method,
    /// The scheme is not one.
    #[error(":scheme is not a scheme (RFC 9113 §8.3.1, RFC 9114 §4.3.1)")]
    Scheme,
    /// The path is neither `/…` nor `*` with OPTIONS.
    #[error(":path does not start with `/`, and is not `*` of OPTIONS (RFC 9113 §8.3.1, RFC 9114 §4.3.1)")]
    Path,
    /// The authority is not `host[:port]`, is missing, or Host says something else.
    #[error(
        "authority missing, not `host[:port]`, or Host differs from it (RFC 9113 §8.3.1, RFC 9114 §4.3.1)"
    )]
    Authority,
    /// CONNECT with `:scheme` or `:path`, or without `host:port`.
    #[error(
        "CONNECT wants :authority `host:port`, and neither :scheme nor :path (RFC 9113 §8.5, RFC 9114 §4.4)"
    )]
    Connect,
    /// `:protocol` without CONNECT, or where it was not offered.
    #[error(":protocol without CONNECT, or not offered (RFC 8441 §4, RFC 9220 §3)")]
    Protocol,
    /// The status is not three digits, or is 101.
    #[error(":status is not a status code that is used here (RFC 9113 §8.3.2, RFC 9114 §4.3.2)")]
    Status,
    /// Content-Length is no number, or there are two that differ.
    #[error("Content-Length is not one decimal number (RFC 9110 §8.6)")]
    ContentLength,
    /// The body does not have the length that Content-Length says.
    #[error("body does not have the length of Content-Length (RFC 9113 §8.1.1, RFC 9114 §4.1.2)")]
    BodyLength,
    /// An expectation other than `100-continue`.
    #[error("unknown expectation (RFC 9110 §10.1.1)")]
    Expectation,
    /// Something follows the end, or a field section that is no trailer section comes behind the head.
    #[error("field section in the middle of a message that does not end it (RFC 9113 §8.1, RFC 9114 §4.1)")]
    SectionWithoutEnd,
    /// An interim response that ends the stream.
    #[error("interim response that ends the stream (RFC 9113 §8.1, RFC 9114 §4.1)")]
    InterimEnd,
    /// Data before the head.
    #[error("data before the final response (RFC 9113 §8.1, RFC 9114 §4.1)")]
    DataBeforeHead,
    /// A promised request that is not safe, or has a body.
    #[error("promised request is neither GET nor HEAD, or has a body (RFC 9113 §8.4, RFC 9114 §4.6)")]
    Promise,
}

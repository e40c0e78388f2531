//! The heads of HTTP/1 messages (RFC 9112 §2 to §5): a borrowed parser that allocates nothing.
//!
//! Two forms over one loop:
//! - [`parse_request`] and [`parse_response`] fill a slice of [`FieldLine`]s that borrow the input;
//! - [`scan_request`] and [`scan_response`] report positions to a [`FieldSink`] and go on where they
//!   stopped when the input was not all there, so a head that comes byte by byte costs linear time.
//!
//! Both refuse an input at the first byte that no continuation can repair; the verdict does not
//! depend on how the input was cut.
//!
//! # What is accepted
//! Exactly RFC 9112's grammar: one SP between the parts of the first line, CRLF line ends,
//! `HTTP/1.0` or `HTTP/1.1`, a token as method and as field name, a target of 0x21 to 0x7e (its form
//! is for the layer above), no whitespace before the colon, no folded lines, no control characters
//! except HTAB in values. Octets from 0x80 on are accepted in values and reasons only. Up to
//! [`MAX_EMPTY_LINES`] empty lines before a request are skipped (RFC 9112 §2.2). A status code is
//! three digits from 100 to 999: what lies beyond 599 is handed over as it is, for the client to
//! treat as 5xx (RFC 9110 §15). Each deviation is a named bit of [`RequestLeniency`] or
//! [`ResponseLeniency`], off by default.

mod error;
mod fields;
mod request;
mod response;
mod resume;
mod slice;
mod types;

pub use error::{HeadError, HeadErrorKind};
pub use fields::scan_trailers;
pub use request::{RequestIndex, scan_request};
pub use response::{ResponseIndex, scan_response};
pub use resume::HeadScan;
pub use slice::{FieldLine, RequestHead, ResponseHead, parse_request, parse_response, unfold};
pub use types::{FieldSink, HeadLimits, MAX_EMPTY_LINES, RequestLeniency, ResponseLeniency, Status, Version};

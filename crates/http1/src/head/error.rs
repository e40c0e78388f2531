use thiserror::Error;

/// The rule of RFC 9112 that a head broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum HeadErrorKind {
    /// The method is no token followed by one SP (§3.1).
    #[error("the method must be a token followed by one space")]
    Method,
    /// The method is longer than [`HeadLimits::method`](super::HeadLimits::method) (§3: 501).
    #[error("the method is too long")]
    MethodTooLong,
    /// The target is empty or has an octet outside 0x21 to 0x7e (§3.2).
    #[error("the request target must be one or more of the octets 0x21 to 0x7e")]
    Target,
    /// The request line is longer than [`HeadLimits::start_line`](super::HeadLimits::start_line) (§3: 414).
    #[error("the request line is too long")]
    TargetTooLong,
    /// No `HTTP/x.y` where one is due (§2.3).
    #[error("expected HTTP/1.0 or HTTP/1.1 here")]
    Version,
    /// A well-formed version other than 1.0 and 1.1 (RFC 9110 §15.6.6: 505).
    #[error("only HTTP/1.0 and HTTP/1.1 are supported")]
    UnsupportedVersion,
    /// The status code is not three digits from 100 to 999 followed by SP (§4).
    #[error("the status code must be three digits from 100 to 999 followed by one space")]
    StatusCode,
    /// An octet that no reason phrase may contain (§4).
    #[error("octet not allowed in a reason phrase")]
    Reason,
    /// The line ends with something other than CRLF (§2.2).
    #[error("the line must end with CRLF")]
    LineEnd,
    /// More than [`MAX_EMPTY_LINES`](super::MAX_EMPTY_LINES) empty lines before the request line.
    #[error("too many empty lines before the request line")]
    EmptyLines,
    /// The field name is no token (RFC 9110 §5.1).
    #[error("the field name must be a token")]
    FieldName,
    /// Whitespace or the line's end between the field name and its colon (§5.1).
    #[error("the field name must be followed directly by a colon")]
    Colon,
    /// An octet that no field value may contain (RFC 9110 §5.5).
    #[error("octet not allowed in a field value")]
    FieldValue,
    /// A line starts with whitespace (§2.2, §5.2).
    #[error("a field line must not start with whitespace")]
    Fold,
    /// The receiver of the fields has no room for one more (RFC 6585 §5: 431).
    #[error("too many field lines")]
    TooManyFields,
    /// The head is larger than [`HeadLimits::head`](super::HeadLimits::head) (RFC 6585 §5: 431).
    #[error("the head is too large")]
    TooLarge,
}

/// A head that cannot be accepted, whatever comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("{kind} (byte {offset})")]
pub struct HeadError {
    /// The broken rule.
    pub kind: HeadErrorKind,
    /// The offset of the offending byte from the start of the buffer.
    pub offset: usize,
}

impl HeadError {
    pub(crate) const fn new(kind: HeadErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// The status code for the response to such a request: 400, 414, 431, 501 or 505.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.kind {
            HeadErrorKind::TargetTooLong => 414,
            HeadErrorKind::TooManyFields | HeadErrorKind::TooLarge => 431,
            HeadErrorKind::MethodTooLong => 501,
            HeadErrorKind::UnsupportedVersion => 505,
            _ => 400,
        }
    }
}

use core::ops::Range;

/// Empty lines that are skipped before a request line (RFC 9112 §2.2 asks for at least one; some
/// clients send one after each body).
pub const MAX_EMPTY_LINES: usize = 4;

/// The version of a message (RFC 9112 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
}

impl Version {
    /// As it is written in a message.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8; 8] {
        match self {
            Self::Http10 => b"HTTP/1.0",
            Self::Http11 => b"HTTP/1.1",
        }
    }
}

/// What a parser made of its input, when nothing in it was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status<T> {
    /// All there.
    Complete(T),
    /// A proper beginning; more input is needed.
    Partial,
}

impl<T> Status<T> {
    /// What was complete, if it was.
    #[must_use]
    pub fn complete(self) -> Option<T> {
        match self {
            Self::Complete(value) => Some(value),
            Self::Partial => None,
        }
    }

    /// Whether more input is needed.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        matches!(self, Self::Partial)
    }

    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Status<U> {
        match self {
            Self::Complete(value) => Status::Complete(f(value)),
            Self::Partial => Status::Partial,
        }
    }
}

/// Where a scan puts the field lines it finds, as positions in the buffer that it was given.
pub trait FieldSink {
    /// One field line; the value comes without the whitespace around it. False refuses it as one too
    /// many, and the scan ends with [`TooManyFields`](super::HeadErrorKind::TooManyFields).
    fn field(&mut self, name: Range<usize>, value: Range<usize>) -> bool;

    /// The value of the last field goes on in a folded line ([`ResponseLeniency::fold`]): `more` is
    /// the new part without the whitespace around it, perhaps empty; `fold` is the line end and the
    /// whitespace between, which has to be read as spaces (RFC 9112 §5.2). False refuses folding,
    /// and the scan ends with [`Fold`](super::HeadErrorKind::Fold); so does the default.
    fn folded(&mut self, fold: Range<usize>, more: Range<usize>) -> bool {
        let _ = (fold, more);
        false
    }
}

/// How large a head may be, in bytes; the number of field lines is the sink's business.
///
/// What lies beyond [`head`](Self::head) is never looked at, so an error there is
/// [`TooLarge`](super::HeadErrorKind::TooLarge) whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// The whole head with its empty line and, before a request, skipped empty lines.
    pub head: usize,
    /// The first line of a request with its CRLF and skipped empty lines. RFC 9112 §3 wants at
    /// least 8,000 octets.
    pub start_line: usize,
    /// The method.
    pub method: usize,
}

impl Default for HeadLimits {
    /// 64 KiB for the head, 16 KiB for the request line, 64 bytes for the method.
    fn default() -> Self {
        Self { head: 64 * 1024, start_line: 16 * 1024, method: 64 }
    }
}

impl HeadLimits {
    /// No limits, for input whose size is bounded already.
    pub const NONE: Self = Self { head: usize::MAX, start_line: usize::MAX, method: usize::MAX };
}

/// What may deviate from RFC 9112 in a *request*. Everything is off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RequestLeniency {
    /// LF alone ends a line of the head (RFC 9112 §2.2). Chunked framing stays strict.
    pub bare_lf: bool,
}

impl RequestLeniency {
    /// Nothing deviates.
    pub const STRICT: Self = Self { bare_lf: false };

    /// With [`bare_lf`](Self::bare_lf) set to `on`.
    #[must_use]
    pub const fn bare_lf(mut self, on: bool) -> Self {
        self.bare_lf = on;
        self
    }
}

/// What may deviate from RFC 9112 in a *response*. Everything is off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ResponseLeniency {
    /// LF alone ends a line of the head (RFC 9112 §2.2). Chunked framing stays strict.
    pub bare_lf: bool,
    /// A value goes on in lines that start with whitespace (RFC 9112 §5.2); the sink has to agree.
    pub fold: bool,
    /// Whitespace between a field name and its colon is skipped (RFC 9112 §5.1).
    pub space_before_colon: bool,
    /// The line may end right after the status code (RFC 9112 §4 wants a space there).
    pub missing_reason: bool,
}

impl ResponseLeniency {
    /// Nothing deviates.
    pub const STRICT: Self =
        Self { bare_lf: false, fold: false, space_before_colon: false, missing_reason: false };

    /// With [`bare_lf`](Self::bare_lf) set to `on`.
    #[must_use]
    pub const fn bare_lf(mut self, on: bool) -> Self {
        self.bare_lf = on;
        self
    }

    /// With [`fold`](Self::fold) set to `on`.
    #[must_use]
    pub const fn fold(mut self, on: bool) -> Self {
        self.fold = on;
        self
    }

    /// With [`space_before_colon`](Self::space_before_colon) set to `on`.
    #[must_use]
    pub const fn space_before_colon(mut self, on: bool) -> Self {
        self.space_before_colon = on;
        self
    }

    /// With [`missing_reason`](Self::missing_reason) set to `on`.
    #[must_use]
    pub const fn missing_reason(mut self, on: bool) -> Self {
        self.missing_reason = on;
        self
    }
}

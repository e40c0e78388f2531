//! The error that every parser leaf of this crate returns.

use core::fmt;

use nom::error::{ErrorKind, FromExternalError};

/// The grammar rule that the input broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// A token was expected (RFC 9110 §5.6.2).
    Token,
    /// A field name was expected (RFC 9110 §5.1).
    FieldName,
    /// An octet that no field value may contain (RFC 9110 §5.5).
    FieldValue,
    /// An octet that no request target may contain (RFC 9112 §3.2).
    Target,
    /// CRLF was expected (RFC 9112 §2.2).
    Crlf,
    /// A digit was expected.
    Digit,
    /// The number is larger than its type or its limit allows.
    Overflow,
    /// Fixed bytes were expected.
    Tag,
    /// A rule of one of nom's own combinators.
    Syntax,
}

impl ParseErrorKind {
    /// What was wrong, in lower-case words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "expected a token",
            Self::FieldName => "expected a field name",
            Self::FieldValue => "octet not allowed in a field value",
            Self::Target => "octet not allowed in a request target",
            Self::Crlf => "expected CRLF",
            Self::Digit => "expected a digit",
            Self::Overflow => "number too large",
            Self::Tag => "expected other fixed bytes",
            Self::Syntax => "unexpected input",
        }
    }
}

/// A broken grammar rule, and where: a `Copy` pair that works as nom's error type.
///
/// A parser sees only the rest of the input, so the error keeps the number of bytes that were left;
/// [`offset_in`](Self::offset_in) turns it into an offset once the length of the whole is known.
///
/// ```
/// use nom::Parser as _;
/// use wirelace_wire::{error::ParseErrorKind, token::token};
///
/// let input = b" x:";
/// let Err(nom::Err::Error(error)) = token.parse(&input[..]) else { panic!() };
/// assert_eq!(error.kind(), ParseErrorKind::Token);
/// assert_eq!(error.offset_in(input.len()), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ParseError {
    kind: ParseErrorKind,
    remaining: usize,
}

impl ParseError {
    /// An error at the first byte of `rest`.
    #[inline(always)]
    #[must_use]
    pub const fn new(kind: ParseErrorKind, rest: &[u8]) -> Self {
        Self { kind, remaining: rest.len() }
    }

    /// The rule.
    #[must_use]
    pub const fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// How many bytes of the input were left where the rule broke.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.remaining
    }

    /// The offset of the error in an input of `input_len` bytes.
    #[must_use]
    pub const fn offset_in(&self, input_len: usize) -> usize {
        input_len.saturating_sub(self.remaining)
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} bytes before the end of the input", self.kind.as_str(), self.remaining)
    }
}

impl core::error::Error for ParseError {}

impl nom::error::ParseError<&[u8]> for ParseError {
    #[inline(always)]
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self::new(ParseErrorKind::Syntax, input)
    }

    // The innermost error says most; what encloses it adds nothing.
    #[inline(always)]
    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl<E> FromExternalError<&[u8], E> for ParseError {
    #[inline(always)]
    fn from_external_error(input: &[u8], _: ErrorKind, _: E) -> Self {
        Self::new(ParseErrorKind::Syntax, input)
    }
}

#[inline(always)]
pub(crate) const fn error<T>(kind: ParseErrorKind, rest: &[u8]) -> Result<T, nom::Err<ParseError>> {
    Err(nom::Err::Error(ParseError::new(kind, rest)))
}

#[inline(always)]
pub(crate) const fn incomplete<T>() -> Result<T, nom::Err<ParseError>> {
    Err(nom::Err::Incomplete(nom::Needed::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn offset_and_display() {
        let input = b"abcdef";
        let error = ParseError::new(ParseErrorKind::Crlf, &input[4..]);
        assert_eq!(error.offset_in(input.len()), 4);
        assert_eq!(error.to_string(), "expected CRLF, 2 bytes before the end of the input");
    }

    #[test]
    fn works_under_nom_combinators() {
        use nom::{Parser as _, bytes::streaming::tag};
        let result: nom::IResult<&[u8], &[u8], ParseError> = tag(&b"ab"[..]).parse(&b"xab"[..]);
        let Err(nom::Err::Error(error)) = result else { panic!("{result:?}") };
        assert_eq!((error.kind(), error.offset_in(3)), (ParseErrorKind::Syntax, 0));
    }
}

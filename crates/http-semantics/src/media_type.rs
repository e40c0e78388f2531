//! Media types (RFC 9110 §8.3.1): the value of `Content-Type`.

use alloc::borrow::Cow;

use crate::cursor::Cursor;
use crate::parameters::{ParameterError, Parameters};
use wirelace_wire::token::is_tchar;

/// A media type, borrowed from a field value.
///
/// ```
/// use wirelace_http_semantics::media_type::MediaType;
///
/// let html = MediaType::parse(br#"Text/HTML;Charset="utf-8""#).unwrap();
/// assert!(html.is("text", "html"));
/// assert_eq!(html.parameter("charset").unwrap(), &b"utf-8"[..]);
/// ```
#[derive(Clone, Debug)]
pub struct MediaType<'a> {
    kind: &'a str,
    subtype: &'a str,
    parameters: Parameters<'a>,
}

/// Why a value is not a media type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaTypeError {
    /// Not `type/subtype`.
    #[error("expected type/subtype, at offset {0}")]
    Type(usize),
    /// The parameters are malformed; counted from the end of the subtype.
    #[error("after the subtype: {0}")]
    Parameter(ParameterError),
}

impl<'a> MediaType<'a> {
    /// Reads a field value, without whitespace around it.
    ///
    /// # Errors
    /// It is not a media type, or one of its parameters is malformed.
    pub fn parse(value: &'a [u8]) -> Result<Self, MediaTypeError> {
        let mut cursor = Cursor::new(value);
        let kind = token(&mut cursor)?;
        if !cursor.eat(b'/') {
            return Err(MediaTypeError::Type(cursor.offset()));
        }
        let subtype = token(&mut cursor)?;
        let parameters = Parameters::new(cursor.rest());
        for parameter in parameters.clone() {
            parameter.map_err(MediaTypeError::Parameter)?;
        }
        Ok(Self { kind, subtype, parameters })
    }

    /// The type (`text`), as written; compared without regard to case.
    pub fn kind(&self) -> &'a str {
        self.kind
    }

    /// The subtype (`html`), as written; compared without regard to case.
    pub fn subtype(&self) -> &'a str {
        self.subtype
    }

    /// Whether it is `kind/subtype`, in any case and with any parameters.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Its parameters; none of them is an error.
    pub fn parameters(&self) -> Parameters<'a> {
        self.parameters.clone()
    }

    /// The value of the first parameter `name` (in any case).
    pub fn parameter(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.parameters().flatten().find(|parameter| parameter.is(name)).map(|parameter| parameter.value())
    }
}

fn token<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, MediaTypeError> {
    let offset = cursor.offset();
    match core::str::from_utf8(cursor.take_while(is_tchar)) {
        Ok(token) if !token.is_empty() => Ok(token),
        _ => Err(MediaTypeError::Type(offset)),
    }
}

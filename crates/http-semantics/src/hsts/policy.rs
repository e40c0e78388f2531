//! The value of Strict-Transport-Security (RFC 6797 §6.1).

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use wirelace_wire::token::is_tchar;

use crate::cursor::Cursor;
use crate::field_id::FieldId;
use crate::fields::Fields;

/// Directives of one value, at most: the standard has three.
const MAX_DIRECTIVES: usize = 32;
/// What the preload list wants at least: a year, in seconds.
const PRELOAD_AGE: u64 = 31_536_000;

/// What Strict-Transport-Security says. [`Display`](fmt::Display) writes the value of the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HstsPolicy {
    /// How long it holds from when it is received, in seconds; 0 takes an earlier one back (RFC 6797 §6.1.1).
    pub max_age: u64,
    /// Holds for all names below the host's, too (RFC 6797 §6.1.2).
    pub include_subdomains: bool,
    /// The host agrees to be in the lists that browsers bring along. In no RFC; clients make nothing of it.
    pub preload: bool,
}

/// A field value that RFC 6797 §8.1 says to ignore.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{rule} at offset {offset} of strict-transport-security (RFC 6797 §6.1)")]
pub struct HstsError {
    /// The broken rule.
    pub rule: HstsRule,
    /// Where in the value, in bytes.
    pub offset: usize,
}

/// The rules of RFC 6797 §6.1 that a value can break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HstsRule {
    /// A directive is `name` or `name=value`, with `;` between two of them.
    Syntax,
    /// A value in quotes has a byte it may not have, or no end.
    Quoted,
    /// The same directive twice.
    Duplicate,
    /// No max-age.
    MaxAgeMissing,
    /// max-age is not a number of seconds.
    MaxAge,
    /// includeSubDomains has a value.
    IncludeSubDomains,
    /// More directives than anybody needs: 32 are read.
    TooMany,
}

impl fmt::Display for HstsRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "expected `name` or `name=value` with `;` between",
            Self::Quoted => "malformed quoted string",
            Self::Duplicate => "a directive for the second time",
            Self::MaxAgeMissing => "max-age is missing",
            Self::MaxAge => "max-age is not a number of seconds",
            Self::IncludeSubDomains => "includesubdomains has a value",
            Self::TooMany => "more than 32 directives",
        })
    }
}

impl HstsPolicy {
    /// For so many seconds, for the host alone.
    #[must_use]
    pub const fn new(max_age: u64) -> HstsPolicy {
        HstsPolicy { max_age, include_subdomains: false, preload: false }
    }

    /// With all names below.
    #[must_use]
    pub const fn include_subdomains(mut self) -> HstsPolicy {
        self.include_subdomains = true;
        self
    }

    /// Agrees to be in the browsers' lists.
    #[must_use]
    pub const fn preload(mut self) -> HstsPolicy {
        self.preload = true;
        self
    }

    /// Whether the browsers' list would take it: a year, the names below, and `preload`.
    #[must_use]
    pub const fn is_preloadable(&self) -> bool {
        self.max_age >= PRELOAD_AGE && self.include_subdomains && self.preload
    }

    /// Reads one value. A max-age beyond 64 bits is the largest there is.
    ///
    /// # Errors
    /// A rule of RFC 6797 §6.1 is broken: the value is to be ignored as a whole (§8.1).
    pub fn parse(value: &[u8]) -> Result<HstsPolicy, HstsError> {
        let mut cursor = Cursor::new(value);
        let mut names: Vec<&[u8]> = Vec::new();
        let (mut max_age, mut include_subdomains, mut preload) = (None, false, false);
        loop {
            cursor.skip_ows();
            let offset = cursor.offset();
            let wrong = |rule| HstsError { rule, offset };
            let name = cursor.take_while(is_tchar);
            if !name.is_empty() {
                let value = directive_value(&mut cursor)?;
                if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    return Err(wrong(HstsRule::Duplicate));
                }
                if names.len() == MAX_DIRECTIVES {
                    return Err(wrong(HstsRule::TooMany));
                }
                names.push(name);
                if name.eq_ignore_ascii_case(b"max-age") {
                    let seconds = value.as_deref().and_then(delta_seconds);
                    max_age = Some(seconds.ok_or(wrong(HstsRule::MaxAge))?);
                } else if name.eq_ignore_ascii_case(b"includesubdomains") {
                    if value.is_some() {
                        return Err(wrong(HstsRule::IncludeSubDomains));
                    }
                    include_subdomains = true;
                } else if name.eq_ignore_ascii_case(b"preload") {
                    preload = true;
                }
            }
            cursor.skip_ows();
            if cursor.is_empty() {
                let max_age =
                    max_age.ok_or(HstsError { rule: HstsRule::MaxAgeMissing, offset: value.len() })?;
                return Ok(HstsPolicy { max_age, include_subdomains, preload });
            }
            if !cursor.eat(b';') {
                return Err(HstsError { rule: HstsRule::Syntax, offset: cursor.offset() });
            }
        }
    }

    /// Reads the first Strict-Transport-Security field, the only one that counts (RFC 6797 §8.1); `None` without one.
    ///
    /// # Errors
    /// As [`parse`](HstsPolicy::parse); further fields do not help.
    pub fn from_fields(fields: &Fields) -> Result<Option<HstsPolicy>, HstsError> {
        fields.get(FieldId::STRICT_TRANSPORT_SECURITY).map(HstsPolicy::parse).transpose()
    }
}

impl fmt::Display for HstsPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "max-age={}", self.max_age)?;
        if self.include_subdomains {
            f.write_str("; includeSubDomains")?;
        }
        if self.preload {
            f.write_str("; preload")?;
        }
        Ok(())
    }
}

/// `= value`, if that comes next. White space may be around the `=`: the grammar is that of RFC 2616.
fn directive_value<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, [u8]>>, HstsError> {
    cursor.skip_ows();
    if !cursor.eat(b'=') {
        return Ok(None);
    }
    cursor.skip_ows();
    if cursor.eat(b'"') {
        return quoted(cursor).map(Some);
    }
    let value = cursor.take_while(is_tchar);
    if value.is_empty() {
        return Err(HstsError { rule: HstsRule::Syntax, offset: cursor.offset() });
    }
    Ok(Some(Cow::Borrowed(value)))
}

/// The rest of a quoted string, without its escapes.
fn quoted<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, [u8]>, HstsError> {
    let text_byte = |byte: u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..=0xff);
    let plain = |byte: u8| text_byte(byte) && byte != b'"' && byte != b'\\';
    let mut value = Cow::Borrowed(cursor.take_while(plain));
    loop {
        let offset = cursor.offset();
        match cursor.next() {
            Some(b'"') => return Ok(value),
            Some(b'\\') => match cursor.next() {
                Some(byte) if text_byte(byte) => value.to_mut().push(byte),
                _ => return Err(HstsError { rule: HstsRule::Quoted, offset }),
            },
            _ => return Err(HstsError { rule: HstsRule::Quoted, offset }),
        }
        let more = cursor.take_while(plain);
        value.to_mut().extend_from_slice(more);
    }
}

/// Digits alone (RFC 6797 §6.1.1).
fn delta_seconds(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |seconds, byte| {
        byte.is_ascii_digit().then(|| seconds.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    })
}

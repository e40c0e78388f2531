//! Parameters (RFC 9110 §5.6.6): the `;name=value` parts of media types, `Accept` and many other fields.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::cursor::Cursor;
use wirelace_wire::token::is_tchar;

/// One parameter, borrowed from a field value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameter<'a> {
    name: &'a str,
    value: &'a [u8],
    quoted: bool,
}

/// A parameter that breaks the grammar.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed parameter at offset {offset}")]
pub struct ParameterError {
    /// Where in the value it is wrong, in bytes.
    pub offset: usize,
}

impl<'a> Parameter<'a> {
    /// The name as written; names are compared without regard to case.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Whether this is the parameter `name`, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value, without quotes and escapes. A token and the same text in quotes mean the same.
    pub fn value(&self) -> Cow<'a, [u8]> {
        if !self.quoted || !self.value.contains(&b'\\') {
            return Cow::Borrowed(self.value);
        }
        let mut plain = Vec::with_capacity(self.value.len());
        let mut escaped = false;
        for &byte in self.value {
            escaped = byte == b'\\' && !escaped;
            if !escaped {
                plain.push(byte);
            }
        }
        Cow::Owned(plain)
    }
}

/// The parameters that stand in a value after its main part, in order; empty ones (`;;`) are passed over. Ends after
/// the first error.
#[derive(Clone, Debug)]
pub struct Parameters<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Parameters<'a> {
    /// `value`: nothing, or what begins with the first `;` (whitespace before it is fine).
    pub fn new(value: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(value) }
    }

    fn step(&mut self) -> Result<Option<Parameter<'a>>, ParameterError> {
        loop {
            self.cursor.skip_ows();
            if self.cursor.is_empty() {
                return Ok(None);
            }
            self.expect(b';')?;
            self.cursor.skip_ows();
            if !matches!(self.cursor.peek(), None | Some(b';')) {
                break;
            }
        }
        let name = self.cursor.take_while(is_tchar);
        if name.is_empty() {
            return Err(self.error());
        }
        self.expect(b'=')?;
        let quoted = self.cursor.eat(b'"');
        let value = if quoted { self.quoted()? } else { self.cursor.take_while(is_tchar) };
        if !quoted && value.is_empty() {
            return Err(self.error());
        }
        let name = core::str::from_utf8(name).map_err(|_| self.error())?;
        Ok(Some(Parameter { name, value, quoted }))
    }

    /// The rest of a quoted string (RFC 9110 §5.6.4), its escapes left in.
    fn quoted(&mut self) -> Result<&'a [u8], ParameterError> {
        let text = self.cursor.rest();
        let mut length = 0;
        loop {
            length += self.cursor.take_while(is_qdtext).len();
            match self.cursor.next() {
                Some(b'"') => return text.get(..length).ok_or(self.error()),
                Some(b'\\') if self.cursor.peek().is_some_and(is_escapable) => {
                    self.cursor.next();
                    length += 2;
                }
                _ => return Err(self.error()),
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), ParameterError> {
        if self.cursor.eat(byte) { Ok(()) } else { Err(self.error()) }
    }

    fn error(&self) -> ParameterError {
        ParameterError { offset: self.cursor.offset() }
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<Parameter<'a>, ParameterError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.step();
        if result.is_err() {
            self.cursor = Cursor::new(&[]);
        }
        result.transpose()
    }
}

fn is_escapable(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..=0xff)
}

fn is_qdtext(byte: u8) -> bool {
    is_escapable(byte) && byte != b'"' && byte != b'\\'
}

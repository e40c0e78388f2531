//! The part of JSON that Chromium's preload list is written in, with `//` comments. Everything but the entries is
//! passed over where it stands.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::host::HstsHost;
use crate::cursor::Cursor;

/// Arrays and objects within each other, at most.
const MAX_DEPTH: usize = 32;

/// A text that is no preload list in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{rule} at offset {offset} of the preload list")]
pub struct JsonError {
    /// The broken rule.
    pub rule: JsonRule,
    /// Where in the text, in bytes.
    pub offset: usize,
}

/// What can be wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum JsonRule {
    /// A value, a comma, a colon or a bracket must be here.
    Syntax,
    /// A string has a bad escape, a control character or no end.
    String,
    /// More than 32 arrays and objects within each other.
    TooDeep,
    /// No array `entries` in the outermost object.
    NoEntries,
    /// The value of a member has another type.
    Type,
}

impl fmt::Display for JsonRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not json",
            Self::String => "malformed string",
            Self::TooDeep => "more than 32 levels",
            Self::NoEntries => "no array of entries",
            Self::Type => "a member of another type than expected",
        })
    }
}

/// The hosts whose mode is `force-https`, and whether that is for those below them, too.
pub(super) fn entries(text: &str) -> Result<Vec<(HstsHost, bool)>, JsonError> {
    let mut reader = Reader { cursor: Cursor::new(text.as_bytes()) };
    let mut hosts = None;
    reader.object(|reader, name| {
        if name != "entries" {
            return reader.skip_value(1);
        }
        let hosts = hosts.get_or_insert_with(Vec::new);
        reader.array(|reader| {
            hosts.extend(reader.entry()?);
            Ok(())
        })
    })?;
    reader.skip_space();
    if !reader.cursor.is_empty() {
        return Err(reader.wrong(JsonRule::Syntax));
    }
    hosts.ok_or(reader.wrong(JsonRule::NoEntries))
}

struct Reader<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Reader<'a> {
    fn wrong(&self, rule: JsonRule) -> JsonError {
        JsonError { rule, offset: self.cursor.offset() }
    }

    fn skip_space(&mut self) {
        loop {
            self.cursor.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
            if !self.cursor.eat_ignore_case(b"//") {
                return;
            }
            self.cursor.take_while(|byte| byte != b'\n');
        }
    }

    /// Takes `byte`, and space before it.
    fn eat(&mut self, byte: u8) -> bool {
        self.skip_space();
        self.cursor.eat(byte)
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.eat(byte) { Ok(()) } else { Err(self.wrong(JsonRule::Syntax)) }
    }

    /// An object, `member` reading each value.
    fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.expect(b'{')?;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            member(self, &name)?;
            if !self.eat(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// An array, `element` reading each value.
    fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.expect(b'[')?;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.eat(b',') {
                return self.expect(b']');
            }
        }
    }

    fn entry(&mut self) -> Result<Option<(HstsHost, bool)>, JsonError> {
        let (mut host, mut forced, mut below) = (None, false, false);
        self.object(|reader, name| {
            match name {
                "name" => host = HstsHost::new(&reader.string()?),
                "mode" => forced = reader.string()? == "force-https",
                "include_subdomains" => below = reader.boolean()?,
                _ => reader.skip_value(3)?,
            }
            Ok(())
        })?;
        Ok(host.filter(|_| forced).map(|host| (host, below)))
    }

    fn boolean(&mut self) -> Result<bool, JsonError> {
        self.skip_space();
        match self.word() {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err(self.wrong(JsonRule::Type)),
        }
    }

    /// A number, `true`, `false` or `null`, as it is written.
    fn word(&mut self) -> &'a [u8] {
        self.cursor.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    }

    fn skip_value(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth >= MAX_DEPTH {
            return Err(self.wrong(JsonRule::TooDeep));
        }
        self.skip_space();
        match self.cursor.peek() {
            Some(b'{') => self.object(|reader, _| reader.skip_value(depth + 1)),
            Some(b'[') => self.array(|reader| reader.skip_value(depth + 1)),
            Some(b'"') => self.string().map(drop),
            _ if self.word().is_empty() => Err(self.wrong(JsonRule::Syntax)),
            _ => Ok(()),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.skip_space();
        if !self.cursor.eat(b'"') {
            return Err(self.wrong(JsonRule::Type));
        }
        let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
        let mut text = Cow::Borrowed(self.text(plain)?);
        loop {
            let offset = self.cursor.offset();
            match self.cursor.next() {
                Some(b'"') => return Ok(text),
                Some(b'\\') => {
                    let letter = self.escaped().ok_or(JsonError { rule: JsonRule::String, offset })?;
                    text.to_mut().push(letter);
                }
                _ => return Err(JsonError { rule: JsonRule::String, offset }),
            }
            let more = self.text(plain)?;
            String::push_str(text.to_mut(), more);
        }
    }

    /// The input was text, and it is cut at ASCII characters only.
    fn text(&mut self, plain: impl Fn(u8) -> bool) -> Result<&'a str, JsonError> {
        let bytes = self.cursor.take_while(plain);
        core::str::from_utf8(bytes).map_err(|_| self.wrong(JsonRule::String))
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.cursor.next()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => match self.code_unit()? {
                high @ 0xd800..0xdc00 => {
                    let low = self.cursor.eat_ignore_case(b"\\u").then(|| self.code_unit()).flatten()?;
                    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?
                }
                code => char::from_u32(code)?,
            },
            _ => return None,
        })
    }

    fn code_unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |code, _| Some(code << 4 | char::from(self.cursor.next()?).to_digit(16)?))
    }
}

//! Parsing bare items and keys (RFC 9651 §4.2.3.1, §4.2.3.3 to §4.2.10).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::error::{Rule, SyntaxError};
use super::value::{BareItem, Decimal, is_key_rest, is_key_start, is_token_rest, is_token_start};
use crate::cursor::Cursor;

pub(super) fn error(cursor: &Cursor<'_>, rule: Rule) -> SyntaxError {
    SyntaxError { rule, line: 0, offset: cursor.offset() }
}

pub(super) fn bare_item<'a>(cursor: &mut Cursor<'a>) -> Result<BareItem<'a>, SyntaxError> {
    match cursor.peek() {
        Some(b'-' | b'0'..=b'9') => number(cursor),
        Some(b'"') => string(cursor),
        Some(b':') => byte_sequence(cursor),
        Some(b'?') => boolean(cursor),
        Some(b'@') => date(cursor),
        Some(b'%') => display_string(cursor),
        Some(byte) if is_token_start(byte) => {
            text(cursor, Rule::BareItem, is_token_rest).map(|token| BareItem::Token(Cow::Borrowed(token)))
        }
        _ => Err(error(cursor, Rule::BareItem)),
    }
}

pub(super) fn key<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, SyntaxError> {
    if !cursor.peek().is_some_and(is_key_start) {
        return Err(error(cursor, Rule::Key));
    }
    text(cursor, Rule::Key, is_key_rest)
}

/// The characters that `accept` takes; the caller has looked at the first.
fn text<'a>(cursor: &mut Cursor<'a>, rule: Rule, accept: fn(u8) -> bool) -> Result<&'a str, SyntaxError> {
    let error = error(cursor, rule);
    core::str::from_utf8(cursor.take_while(accept)).map_err(|_| error)
}

/// §4.2.4: at most 15 digits, or 12 before the point and 1 to 3 after it.
fn number<'a>(cursor: &mut Cursor<'_>) -> Result<BareItem<'a>, SyntaxError> {
    let error = error(cursor, Rule::Number);
    let negative = cursor.eat(b'-');
    let whole = digits(cursor, 15).ok_or(error)?;
    let signed = |magnitude: i64| if negative { -magnitude } else { magnitude };
    if !cursor.eat(b'.') {
        return Ok(BareItem::Integer(signed(whole.value)));
    }
    let fraction = digits(cursor, 3).ok_or(error)?;
    if whole.count > 12 {
        return Err(error);
    }
    let scale = match fraction.count {
        1 => 100,
        2 => 10,
        _ => 1,
    };
    let decimal = Decimal::from_thousandths(signed(whole.value * 1000 + fraction.value * scale));
    decimal.map(BareItem::Decimal).ok_or(error)
}

struct Digits {
    value: i64,
    count: usize,
}

/// 1 to `max` digits, with none after them.
fn digits(cursor: &mut Cursor<'_>, max: usize) -> Option<Digits> {
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    if digits.is_empty() || digits.len() > max {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some(Digits { value, count: digits.len() })
}

/// §4.2.5.
fn string<'a>(cursor: &mut Cursor<'a>) -> Result<BareItem<'a>, SyntaxError> {
    cursor.next();
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    let start = text(cursor, Rule::String, plain)?;
    if cursor.eat(b'"') {
        return Ok(BareItem::String(Cow::Borrowed(start)));
    }
    let mut whole = String::from(start);
    loop {
        let error = error(cursor, Rule::String);
        match cursor.next() {
            Some(b'"') => return Ok(BareItem::String(Cow::Owned(whole))),
            Some(b'\\') => match cursor.next() {
                Some(escaped @ (b'"' | b'\\')) => whole.push(char::from(escaped)),
                _ => return Err(error),
            },
            _ => return Err(error),
        }
        whole.push_str(text(cursor, Rule::String, plain)?);
    }
}

/// §4.2.7.
fn byte_sequence<'a>(cursor: &mut Cursor<'_>) -> Result<BareItem<'a>, SyntaxError> {
    let error = error(cursor, Rule::ByteSequence);
    cursor.next();
    let base64 = cursor.take_while(|byte| byte != b':');
    if !cursor.eat(b':') {
        return Err(error);
    }
    let bytes = crate::base64::decode(base64).ok_or(error)?;
    Ok(BareItem::ByteSequence(Cow::Owned(bytes)))
}

/// §4.2.8.
fn boolean<'a>(cursor: &mut Cursor<'_>) -> Result<BareItem<'a>, SyntaxError> {
    let error = error(cursor, Rule::Boolean);
    cursor.next();
    match cursor.next() {
        Some(b'0') => Ok(BareItem::Boolean(false)),
        Some(b'1') => Ok(BareItem::Boolean(true)),
        _ => Err(error),
    }
}

/// §4.2.9.
fn date<'a>(cursor: &mut Cursor<'_>) -> Result<BareItem<'a>, SyntaxError> {
    let error = error(cursor, Rule::Date);
    cursor.next();
    match number(cursor)? {
        BareItem::Integer(seconds) => Ok(BareItem::Date(seconds)),
        _ => Err(error),
    }
}

/// §4.2.10.
fn display_string<'a>(cursor: &mut Cursor<'a>) -> Result<BareItem<'a>, SyntaxError> {
    let start = error(cursor, Rule::DisplayString);
    cursor.next();
    if !cursor.eat(b'"') {
        return Err(start);
    }
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'%';
    let head = text(cursor, Rule::DisplayString, plain)?;
    if cursor.eat(b'"') {
        return Ok(BareItem::DisplayString(Cow::Borrowed(head)));
    }
    let mut utf8 = Vec::from(head);
    loop {
        let error = error(cursor, Rule::DisplayString);
        match cursor.next() {
            Some(b'"') => break,
            Some(b'%') => {
                let high = lower_hex(cursor.next()).ok_or(error)?;
                let low = lower_hex(cursor.next()).ok_or(error)?;
                utf8.push(high << 4 | low);
            }
            _ => return Err(error),
        }
        utf8.extend_from_slice(cursor.take_while(plain));
    }
    let string = String::from_utf8(utf8).map_err(|_| start)?;
    Ok(BareItem::DisplayString(Cow::Owned(string)))
}

/// Only lower case is allowed here.
fn lower_hex(byte: Option<u8>) -> Option<u8> {
    match byte? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

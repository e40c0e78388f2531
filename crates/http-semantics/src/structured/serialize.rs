//! Serializing items, lists and dictionaries (RFC 9651 §4.1).

use alloc::vec::Vec;

use super::container::{Dictionary, InnerList, Item, List, Member, Parameters};
use super::error::SerializeError;
use super::value::{
    BareItem, Decimal, in_integer_range, is_key_rest, is_key_start, is_token_rest, is_token_start,
};
use wirelace_wire::number::write_decimal;

type Written = Result<(), SerializeError>;

impl Item<'_> {
    /// Appends it as a field value (§4.1.3).
    ///
    /// # Errors
    /// Some part of it has no serialization; `out` is then as it was.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), SerializeError> {
        all_or_nothing(out, |out| item(self, out))
    }

    /// The field value.
    ///
    /// # Errors
    /// Some part of it has no serialization.
    pub fn serialize(&self) -> Result<Vec<u8>, SerializeError> {
        let mut out = Vec::new();
        item(self, &mut out).map(|()| out)
    }
}

impl List<'_> {
    /// Appends it as a field value (§4.1.1). An empty list has none: its field is not to be sent.
    ///
    /// # Errors
    /// Some part of it has no serialization; `out` is then as it was.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), SerializeError> {
        all_or_nothing(out, |out| list(self, out))
    }

    /// The field value; empty if the list is, and the field is not to be sent then.
    ///
    /// # Errors
    /// Some part of it has no serialization.
    pub fn serialize(&self) -> Result<Vec<u8>, SerializeError> {
        let mut out = Vec::new();
        list(self, &mut out).map(|()| out)
    }
}

impl Dictionary<'_> {
    /// Appends it as a field value (§4.1.2). An empty dictionary has none: its field is not to be sent.
    ///
    /// # Errors
    /// Some part of it has no serialization; `out` is then as it was.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), SerializeError> {
        all_or_nothing(out, |out| dictionary(self, out))
    }

    /// The field value; empty if the dictionary is, and the field is not to be sent then.
    ///
    /// # Errors
    /// Some part of it has no serialization.
    pub fn serialize(&self) -> Result<Vec<u8>, SerializeError> {
        let mut out = Vec::new();
        dictionary(self, &mut out).map(|()| out)
    }
}

fn all_or_nothing(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Written) -> Written {
    let length = out.len();
    write(out).inspect_err(|_| out.truncate(length))
}

fn list(list: &List<'_>, out: &mut Vec<u8>) -> Written {
    for (index, entry) in list.members.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        member(entry, out)?;
    }
    Ok(())
}

fn dictionary(dictionary: &Dictionary<'_>, out: &mut Vec<u8>) -> Written {
    for (index, (name, entry)) in dictionary.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        key(name, out)?;
        match entry {
            // §4.1.2: true is not written.
            Member::Item(Item { value: BareItem::Boolean(true), parameters: list }) => parameters(list, out)?,
            _ => {
                out.push(b'=');
                member(entry, out)?;
            }
        }
    }
    Ok(())
}

fn member(member: &Member<'_>, out: &mut Vec<u8>) -> Written {
    match member {
        Member::Item(entry) => item(entry, out),
        Member::InnerList(list) => inner_list(list, out),
    }
}

/// §4.1.1.1.
fn inner_list(list: &InnerList<'_>, out: &mut Vec<u8>) -> Written {
    out.push(b'(');
    for (index, entry) in list.items.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        item(entry, out)?;
    }
    out.push(b')');
    parameters(&list.parameters, out)
}

fn item(item: &Item<'_>, out: &mut Vec<u8>) -> Written {
    bare_item(&item.value, out)?;
    parameters(&item.parameters, out)
}

/// §4.1.1.2.
fn parameters(parameters: &Parameters<'_>, out: &mut Vec<u8>) -> Written {
    for (name, value) in parameters.iter() {
        out.push(b';');
        key(name, out)?;
        if *value != BareItem::Boolean(true) {
            out.push(b'=');
            bare_item(value, out)?;
        }
    }
    Ok(())
}

/// §4.1.1.3.
fn key(name: &str, out: &mut Vec<u8>) -> Written {
    word(name, out, is_key_start, is_key_rest).ok_or(SerializeError::Key)
}

fn word(text: &str, out: &mut Vec<u8>, start: fn(u8) -> bool, rest: fn(u8) -> bool) -> Option<()> {
    let (&first, tail) = text.as_bytes().split_first()?;
    if !start(first) || !tail.iter().all(|&byte| rest(byte)) {
        return None;
    }
    out.extend_from_slice(text.as_bytes());
    Some(())
}

fn bare_item(value: &BareItem<'_>, out: &mut Vec<u8>) -> Written {
    match value {
        BareItem::Integer(value) => integer(*value, out).ok_or(SerializeError::Integer)?,
        BareItem::Decimal(value) => decimal(*value, out),
        BareItem::String(text) => string(text, out)?,
        BareItem::Token(text) => {
            word(text, out, is_token_start, is_token_rest).ok_or(SerializeError::Token)?;
        }
        BareItem::ByteSequence(bytes) => {
            out.push(b':');
            crate::base64::encode(bytes, out);
            out.push(b':');
        }
        BareItem::Boolean(value) => out.extend_from_slice(if *value { b"?1" } else { b"?0" }),
        BareItem::Date(seconds) => {
            out.push(b'@');
            integer(*seconds, out).ok_or(SerializeError::Date)?;
        }
        BareItem::DisplayString(text) => display_string(text, out),
    }
    Ok(())
}

/// §4.1.4.
fn integer(value: i64, out: &mut Vec<u8>) -> Option<()> {
    if !in_integer_range(value) {
        return None;
    }
    if value < 0 {
        out.push(b'-');
    }
    write_decimal(out, value.unsigned_abs());
    Some(())
}

/// §4.1.5: at least one digit after the point, and no zeros at the end beyond that.
fn decimal(value: Decimal, out: &mut Vec<u8>) {
    if value.thousandths() < 0 {
        out.push(b'-');
    }
    let thousandths = value.thousandths().unsigned_abs();
    write_decimal(out, thousandths / 1000);
    out.push(b'.');
    let mut rest = thousandths % 1000;
    loop {
        write_decimal(out, rest / 100);
        rest = rest % 100 * 10;
        if rest == 0 {
            break;
        }
    }
}

/// §4.1.6.
fn string(text: &str, out: &mut Vec<u8>) -> Written {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b' '..=b'~' => out.push(byte),
            _ => return Err(SerializeError::String),
        }
    }
    out.push(b'"');
    Ok(())
}

/// §4.1.11.
fn display_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"%\"");
    for byte in text.bytes() {
        match byte {
            b'%' | b'"' | 0x00..=0x1f | 0x7f.. => {
                out.extend_from_slice(&[b'%', hex(byte >> 4), hex(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Lower case, as §4.1.11 demands.
fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
}

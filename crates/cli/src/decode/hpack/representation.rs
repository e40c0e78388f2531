//! The representations of fields (RFC 7541 §6) and what they consist of (§5).

use std::fmt;

use wirelace::hpack::huffman::{self, HuffmanError};
use wirelace::wire::prefix_int::prefix_int;

use crate::decode::tree::Count;

/// How a field is represented, or a change of the table's size.
pub(super) struct Representation {
    pub(super) kind: Kind,
    /// Index of the field or of its name, or the new size.
    pub(super) number: u64,
    /// Name and value, where they are not in a table.
    pub(super) strings: Vec<StringLiteral>,
    /// Octets that it takes.
    pub(super) length: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Indexed,
    Inserted,
    NotIndexed,
    NeverIndexed,
    Update,
}

pub(super) struct StringLiteral {
    /// From the start of the representation.
    pub(super) at: usize,
    name: bool,
    huffman: bool,
    /// As they stand there.
    octets: usize,
    pub(super) text: Vec<u8>,
}

/// What is wrong, and where: from the start of the representation.
pub(super) type Broken = (usize, String);

impl Representation {
    /// The one that `rest` begins with.
    pub(super) fn read(rest: &[u8]) -> Result<Representation, Broken> {
        let (kind, bits) = match rest.first().copied().unwrap_or_default() {
            0x80.. => (Kind::Indexed, 7),
            0x40..=0x7f => (Kind::Inserted, 6),
            0x20..=0x3f => (Kind::Update, 5),
            0x10..=0x1f => (Kind::NeverIndexed, 4),
            0x00..=0x0f => (Kind::NotIndexed, 4),
        };
        let mut length = 0;
        let number = integer(rest, &mut length, bits)?;
        let mut strings = Vec::new();
        if !matches!(kind, Kind::Indexed | Kind::Update) {
            if number == 0 {
                strings.push(string(rest, &mut length, true)?);
            }
            strings.push(string(rest, &mut length, false)?);
        }
        Ok(Representation { kind, number, strings, length })
    }

    pub(super) fn section(&self) -> &'static str {
        match self.kind {
            Kind::Indexed => "RFC 7541 §6.1",
            Kind::Inserted => "RFC 7541 §6.2.1",
            Kind::NotIndexed => "RFC 7541 §6.2.2",
            Kind::NeverIndexed => "RFC 7541 §6.2.3",
            Kind::Update => "RFC 7541 §6.3",
        }
    }
}

impl fmt::Display for Representation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        let table = if number <= 61 { "static" } else { "dynamic" };
        let literal = match self.kind {
            Kind::Indexed => return write!(f, "indexed, {number} of the {table} table"),
            Kind::Update => return write!(f, "table size update to {number}"),
            Kind::Inserted => "literal, inserted",
            Kind::NotIndexed => "literal, not indexed",
            Kind::NeverIndexed => "literal, never indexed",
        };
        match number {
            0 => write!(f, "{literal}, new name"),
            _ => write!(f, "{literal}, name {number} of the {table} table"),
        }
    }
}

/// What it is and how it is written, not the text.
impl fmt::Display for StringLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.name { "name" } else { "value" };
        let how = if self.huffman { ", Huffman-coded" } else { "" };
        write!(f, "{what}, {}{how}", Count(self.octets, "octet"))
    }
}

fn integer(input: &[u8], at: &mut usize, bits: u32) -> Result<u64, Broken> {
    let rest = input.get(*at..).unwrap_or_default();
    match prefix_int(rest, bits, u32::MAX.into()) {
        Ok((after, number)) => {
            *at += rest.len() - after.len();
            Ok(number)
        }
        Err(error) if error.is_incomplete() => {
            Err((input.len(), "the block ends within an integer (RFC 7541 §5.1)".into()))
        }
        Err(_) => Err((*at, "integer too large (RFC 7541 §5.1)".into())),
    }
}

fn string(input: &[u8], at: &mut usize, name: bool) -> Result<StringLiteral, Broken> {
    let start = *at;
    let huffman = input.get(start).is_some_and(|first| first & 0x80 != 0);
    let octets = usize::try_from(integer(input, at, 7)?).unwrap_or(usize::MAX);
    let Some(bytes) = at.checked_add(octets).and_then(|end| input.get(*at..end)) else {
        let octets = Count(octets, "octet");
        return Err((input.len(), format!("the block ends within a string of {octets} (RFC 7541 §5.2)")));
    };
    let mut text = Vec::new();
    if huffman {
        huffman::decode(bytes, &mut text, usize::MAX).map_err(|error| (*at + error.offset(), code(error)))?;
    } else {
        text.extend_from_slice(bytes);
    }
    *at += octets;
    Ok(StringLiteral { at: start, name, huffman, octets, text })
}

/// The rule in words; where it is broken is said elsewhere.
fn code(error: HuffmanError) -> String {
    match error {
        HuffmanError::PaddingTooLong { .. } => "more than 7 bits of padding (RFC 7541 §5.2)".into(),
        HuffmanError::PaddingNotEos { .. } => {
            "padding that is not the beginning of EOS (RFC 7541 §5.2)".into()
        }
        HuffmanError::EndOfString { .. } => "EOS inside a string (RFC 7541 §5.2)".into(),
        other => other.to_string(),
    }
}

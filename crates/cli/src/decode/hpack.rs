//! `decode hpack`: one field block (RFC 7541), and the blocks within `decode http2`.

use std::io::Write;

use wirelace::hpack::{BlockLimits, Decoder, HeaderBlock, huffman};
use wirelace::wire::prefix_int::{PREFIX_INT_MAX, prefix_int};

use super::tree::{Plain, Quoted, Tree};
use super::wrong::{Stop, wrong};

/// What a table may have that nothing was said about (RFC 9113 §6.5.2); larger ones are let pass, since settings go the
/// other way.
const TABLE: usize = 1 << 20;

/// Blocks of one direction, with the table that they share.
pub(super) struct Blocks {
    decoder: Decoder,
}

impl Blocks {
    pub(super) fn new() -> Blocks {
        Blocks { decoder: Decoder::new(TABLE) }
    }

    /// Writes the tree of a block. `at`: where each of its parts begins in the input, as places in the block and in
    /// the input.
    pub(super) fn decode(
        &mut self,
        block: &[u8],
        at: &[(usize, usize)],
        tree: &mut Tree<impl Write>,
    ) -> Result<(), Stop> {
        let place = |offset: usize| {
            let part = at.iter().rev().find(|(start, _)| *start <= offset);
            part.map_or(offset, |(start, place)| place + (offset - start))
        };
        let mut offset = 0;
        let mut fields = 0;
        while let Some(rest) = block.get(offset..).filter(|rest| !rest.is_empty()) {
            let one = representation(rest).map_err(|(at, rule)| wrong(place(offset + at), rule))?;
            let (taken, whole) = rest.split_at(one.length);
            let _ = whole;
            if one.is_update() && fields > 0 {
                let rule = "table size update behind a field (RFC 7541 §4.2)";
                return Err(wrong(place(offset), rule));
            }
            let mut field = HeaderBlock::new();
            let limits = BlockLimits { fields: usize::MAX, list_size: usize::MAX };
            self.decoder.decode(taken, &limits, &mut field).map_err(|error| wrong(place(offset), error))?;
            if let Some(found) = field.iter().next() {
                fields += 1;
                let text = format_args!("{}: {} ({one})", Plain(found.name), Plain(found.value));
                tree.open(place(offset), one.section(), text)?;
                for string in &one.strings {
                    let what = if string.name { "name" } else { "value" };
                    let how = if string.huffman { ", Huffman-coded" } else { "" };
                    let text =
                        format_args!("{what}, {} octets{how}: {}", string.octets, Quoted(&string.text));
                    tree.line(place(offset + string.at), "RFC 7541 §5.2", text)?;
                }
                tree.close();
            } else {
                tree.line(place(offset), one.section(), format_args!("{one}"))?;
            }
            offset += one.length;
        }
        Ok(())
    }
}

/// Writes the tree of `input` as one block.
pub(super) fn decode(input: &[u8], tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    Blocks::new().decode(input, &[(0, 0)], tree)
}

/// How a field is represented (RFC 7541 §6).
struct Representation {
    kind: Kind,
    /// Index of the field or of its name, or the new size.
    number: u64,
    strings: Vec<StringLiteral>,
    length: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Indexed,
    Inserted,
    NotIndexed,
    NeverIndexed,
    Update,
}

struct StringLiteral {
    at: usize,
    name: bool,
    huffman: bool,
    octets: usize,
    text: Vec<u8>,
}

impl Representation {
    fn is_update(&self) -> bool {
        self.kind == Kind::Update
    }

    fn section(&self) -> &'static str {
        match self.kind {
            Kind::Indexed => "RFC 7541 §6.1",
            Kind::Inserted => "RFC 7541 §6.2.1",
            Kind::NotIndexed => "RFC 7541 §6.2.2",
            Kind::NeverIndexed => "RFC 7541 §6.2.3",
            Kind::Update => "RFC 7541 §6.3",
        }
    }
}

impl std::fmt::Display for Representation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

/// The representation that `block` begins with, or where and why there is none.
fn representation(block: &[u8]) -> Result<Representation, (usize, String)> {
    let first = block.first().copied().unwrap_or_default();
    let (kind, bits) = match first {
        0x80.. => (Kind::Indexed, 7),
        0x40..=0x7f => (Kind::Inserted, 6),
        0x20..=0x3f => (Kind::Update, 5),
        0x10..=0x1f => (Kind::NeverIndexed, 4),
        0x00..=0x0f => (Kind::NotIndexed, 4),
    };
    let mut at = 0;
    let number = integer(block, &mut at, bits)?;
    let mut strings = Vec::new();
    if !matches!(kind, Kind::Indexed | Kind::Update) {
        if number == 0 {
            strings.push(string(block, &mut at, true)?);
        }
        strings.push(string(block, &mut at, false)?);
    }
    Ok(Representation { kind, number, strings, length: at })
}

fn integer(block: &[u8], at: &mut usize, bits: u32) -> Result<u64, (usize, String)> {
    let rest = block.get(*at..).unwrap_or_default();
    match prefix_int(rest, bits, PREFIX_INT_MAX) {
        Ok((after, number)) => {
            *at += rest.len() - after.len();
            Ok(number)
        }
        Err(error) if error.is_incomplete() => {
            Err((block.len(), "the block ends within an integer (RFC 7541 §5.1)".into()))
        }
        Err(_) => Err((*at, "integer too large (RFC 7541 §5.1)".into())),
    }
}

fn string(block: &[u8], at: &mut usize, name: bool) -> Result<StringLiteral, (usize, String)> {
    let start = *at;
    let coded = block.get(start).is_some_and(|first| first & 0x80 != 0);
    let octets = usize::try_from(integer(block, at, 7)?).unwrap_or(usize::MAX);
    let Some(bytes) = at.checked_add(octets).and_then(|end| block.get(*at..end)) else {
        let rule = format!("the block ends within a string of {octets} octets (RFC 7541 §5.2)");
        return Err((block.len(), rule));
    };
    let mut text = Vec::new();
    if coded {
        huffman::decode(bytes, &mut text, usize::MAX).map_err(|error| (*at, error.to_string()))?;
    } else {
        text.extend_from_slice(bytes);
    }
    *at += octets;
    Ok(StringLiteral { at: start, name, huffman: coded, octets, text })
}

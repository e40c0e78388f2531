//! `decode hpack`: one field block (RFC 7541), and the blocks within `decode http2`.

mod representation;
mod table;

use std::io::Write;

use wirelace::hpack::{BlockLimits, DEFAULT_TABLE_SIZE, DecodeError, Decoder, HeaderBlock};

use super::tree::{Count, Plain, Quoted, Tree};
use super::wrong::{Stop, wrong};
use representation::{Kind, Representation};
use table::TableSizes;

/// The table may grow to this: how far it really may, the settings of the other direction say.
const LARGEST_TABLE: usize = 1 << 20;

/// Size updates at the start of a block: the smallest size and the last (RFC 7541 §4.2).
const SIZE_UPDATES: usize = 2;

/// Writes the tree of `input` as one block.
pub(super) fn decode(input: &[u8], tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    Blocks::new().decode(input, &[(0, 0)], tree)
}

/// Blocks of one direction, with the table that they share.
pub(super) struct Blocks {
    decoder: Decoder,
    sizes: TableSizes,
    /// The field of the last representation.
    field: HeaderBlock,
}

impl Blocks {
    pub(super) fn new() -> Blocks {
        let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
        decoder.set_max_table_size(LARGEST_TABLE);
        Blocks { decoder, sizes: TableSizes::new(), field: HeaderBlock::new() }
    }

    /// Writes the tree of a block. `parts`: where each of its parts begins in the block and in the input, in order.
    pub(super) fn decode(
        &mut self,
        block: &[u8],
        parts: &[(usize, usize)],
        tree: &mut Tree<impl Write>,
    ) -> Result<(), Stop> {
        let place = |offset: usize| {
            let part = parts.partition_point(|(start, _)| *start <= offset).checked_sub(1);
            part.and_then(|part| parts.get(part)).map_or(offset, |(start, place)| place + (offset - start))
        };
        let (mut offset, mut fields, mut updates) = (0, 0, 0);
        while let Some(rest) = block.get(offset..).filter(|rest| !rest.is_empty()) {
            let one = Representation::read(rest).map_err(|(at, rule)| wrong(place(offset + at), rule))?;
            if one.kind == Kind::Update {
                let rule = match updates {
                    _ if fields > 0 => Some("table size update behind a field (RFC 7541 §4.2)"),
                    SIZE_UPDATES => Some("third table size update, two say everything (RFC 7541 §4.2)"),
                    _ => None,
                };
                if let Some(rule) = rule {
                    return Err(wrong(place(offset), rule));
                }
                updates += 1;
            }
            let octets = rest.get(..one.length).unwrap_or(rest);
            self.representation(&one, octets, &|at| place(offset + at), tree)?;
            fields += usize::from(one.kind != Kind::Update);
            offset += one.length;
        }
        Ok(())
    }

    /// One field, or one size update. `place`: where its octets lie in the input.
    fn representation(
        &mut self,
        one: &Representation,
        octets: &[u8],
        place: &impl Fn(usize) -> usize,
        tree: &mut Tree<impl Write>,
    ) -> Result<(), Stop> {
        let limits = BlockLimits { fields: usize::MAX, list_size: usize::MAX };
        self.decoder
            .decode(octets, &limits, &mut self.field)
            .map_err(|error| wrong(place(0), rule(error)))?;
        let Some(field) = self.field.iter().next() else {
            let evicted = match self.sizes.resize(usize::try_from(one.number).unwrap_or(usize::MAX)) {
                0 => String::new(),
                evicted => format!(", {} evicted", Count(evicted, "entry")),
            };
            return Ok(tree.line(place(0), one.section(), format_args!("{one}{evicted}"))?);
        };
        let text = format_args!("{}: {} ({one})", Plain(field.name), Plain(field.value));
        tree.open(place(0), one.section(), text)?;
        if one.kind == Kind::Inserted {
            let inserted = self.sizes.insert(field.name, field.value);
            tree.line(place(0), "RFC 7541 §4.4", inserted)?;
        }
        for string in &one.strings {
            let text = format_args!("{string}: {}", Quoted(&string.text));
            tree.line(place(string.at), "RFC 7541 §5.2", text)?;
        }
        tree.close();
        Ok(())
    }
}

/// The rule in words; where it is broken is said elsewhere.
fn rule(error: DecodeError) -> String {
    match error {
        DecodeError::IndexZero { .. } => "index 0 refers to nothing (RFC 7541 §6.1)".into(),
        DecodeError::IndexOutOfRange { index, entries, .. } => {
            format!("index {index} is beyond the {entries} entries of both tables (RFC 7541 §2.3.3)")
        }
        DecodeError::SizeUpdateTooLarge { size, limit, .. } => {
            format!("table size update to {size}, more than {limit} is not decoded (RFC 7541 §6.3)")
        }
        other => other.to_string(),
    }
}

//! Blocks to fields (RFC 7541 §3, §6).

use wirelace_wire::error::ParseErrorKind;
use wirelace_wire::prefix_int::prefix_int;

use crate::block::{BlockLimits, HeaderBlock, NameAt};
use crate::error::{DecodeError, DecodeRule};
use crate::huffman;
use crate::static_name::StaticName;
use crate::static_table;
use crate::table::Table;

/// What no index and no length needs to pass.
const MAX_INTEGER: u64 = u32::MAX as u64;

/// Decodes the blocks of one direction of a connection, in their order.
#[derive(Debug)]
pub struct Decoder {
    table: Table,
    /// SETTINGS_HEADER_TABLE_SIZE as the peer knows it.
    limit: usize,
    /// The peer has to follow a lowered limit.
    update_due: bool,
}

impl Decoder {
    /// A decoder with a table of `max_table_size` octets: SETTINGS_HEADER_TABLE_SIZE, 4,096 where nothing was said.
    #[must_use]
    pub fn new(max_table_size: usize) -> Decoder {
        Decoder { table: Table::new(max_table_size), limit: max_table_size, update_due: false }
    }

    /// SETTINGS_HEADER_TABLE_SIZE is another, and the peer has acknowledged it (RFC 7541 §4.2).
    pub fn set_max_table_size(&mut self, max_table_size: usize) {
        self.limit = max_table_size;
        self.update_due = max_table_size < self.table.max_size();
    }

    /// Appends the fields of a block to `out`.
    ///
    /// What is beyond `limits` costs no memory: [`HeaderBlock::exceeded`] then says so, and the table is as the peer
    /// has it.
    ///
    /// # Errors
    /// See [`DecodeRule`]. The decoder is of no use any more.
    #[inline]
    pub fn decode(
        &mut self,
        block: &[u8],
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<(), DecodeError> {
        let mut input = Input { block, rest: block, start: 0 };
        self.updates(&mut input)?;
        while let Some(&first) = input.rest.first() {
            input.start = block.len() - input.rest.len();
            match first {
                0x80.. => {
                    let index = input.integer(7)?;
                    self.indexed(&input, index, limits, out)?;
                }
                0x40..=0x7f => self.literal(&mut input, 6, true, false, limits, out)?,
                0x20..=0x3f => return input.wrong(DecodeRule::LateUpdate),
                0x10..=0x1f => self.literal(&mut input, 4, false, true, limits, out)?,
                0x00..=0x0f => self.literal(&mut input, 4, false, false, limits, out)?,
            }
        }
        Ok(())
    }

    /// Size updates at the start of a block: the smallest since the last block, and the last one (RFC 7541 §4.2).
    #[inline]
    fn updates(&mut self, input: &mut Input<'_>) -> Result<(), DecodeError> {
        let mut updates = 0;
        while let Some(0x20..=0x3f) = input.rest.first() {
            input.start = input.block.len() - input.rest.len();
            updates += 1;
            if updates > 2 {
                return input.wrong(DecodeRule::LateUpdate);
            }
            let size = input.integer(5)?;
            if size as usize > self.limit {
                let limit = u32::try_from(self.limit).unwrap_or(u32::MAX);
                return input.wrong(DecodeRule::LargeUpdate { size, limit });
            }
            self.table.set_max_size(size as usize);
            self.update_due = false;
        }
        if self.update_due && !input.block.is_empty() {
            return input.wrong(DecodeRule::MissingUpdate);
        }
        Ok(())
    }

    #[inline]
    fn indexed(
        &self,
        input: &Input<'_>,
        index: u32,
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<(), DecodeError> {
        if let Some((name, value)) = static_table::get(index as usize) {
            if let Some(static_name) = StaticName::at(index as u8)
                && out.admit(name.len() + value.len(), limits)
            {
                let start = out.arena.len();
                out.arena.extend_from_slice(value);
                out.push(NameAt::Static(static_name), start..out.arena.len(), index as u8, false);
            }
            return Ok(());
        }
        let Some(entry) =
            (index as usize).checked_sub(static_table::LEN + 1).and_then(|age| self.table.get(age))
        else {
            return self.bad_index(input, index);
        };
        let (name, value) = self.table.octets(entry);
        let static_name = entry.static_name();
        let name_len = static_name.map_or(name.len(), |name| name.as_bytes().len());
        if out.admit(name_len + value.len(), limits) {
            let start = out.arena.len();
            out.arena.extend_from_slice(name);
            let middle = out.arena.len();
            out.arena.extend_from_slice(value);
            let name = static_name.map_or(NameAt::Arena(start..middle), NameAt::Static);
            out.push(name, middle..out.arena.len(), 0, false);
        }
        Ok(())
    }

    #[cold]
    fn bad_index<T>(&self, input: &Input<'_>, index: u32) -> Result<T, DecodeError> {
        let entries = (static_table::LEN + self.table.len()) as u32;
        input.wrong(DecodeRule::Index { index, entries })
    }

    #[inline]
    fn literal(
        &mut self,
        input: &mut Input<'_>,
        prefix: u32,
        insert: bool,
        sensitive: bool,
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<(), DecodeError> {
        // Strings are decoded at the end of the arena; a field that has no place is taken off again.
        let start = out.arena.len();
        let index = input.integer(prefix)?;
        let static_name = match index {
            0 => {
                input.string(&mut out.arena)?;
                let name = out.arena.get(start..).unwrap_or_default();
                if name.is_empty() {
                    return input.wrong(DecodeRule::EmptyName);
                }
                let known = StaticName::of(name);
                if known.is_some() {
                    out.arena.truncate(start);
                }
                known
            }
            1..=61 => StaticName::at(index as u8),
            _ => {
                let entry = self.table.get(index as usize - static_table::LEN - 1);
                let Some(entry) = entry else { return self.bad_index(input, index) };
                out.arena.extend_from_slice(self.table.octets(entry).0);
                entry.static_name()
            }
        };
        let middle = out.arena.len();
        input.string(&mut out.arena)?;
        let end = out.arena.len();
        if insert {
            let name = out.arena.get(start..middle).unwrap_or_default();
            let value = out.arena.get(middle..end).unwrap_or_default();
            self.table.insert(static_name, name, value);
        }
        let name_len = static_name.map_or(middle - start, |name| name.as_bytes().len());
        if out.admit(name_len + (end - middle), limits) {
            let name = static_name.map_or(NameAt::Arena(start..middle), NameAt::Static);
            out.push(name, middle..end, 0, sensitive);
        } else {
            out.arena.truncate(start);
        }
        Ok(())
    }
}

/// The block, as far as it is read.
struct Input<'a> {
    block: &'a [u8],
    rest: &'a [u8],
    /// Where the field begins that is read.
    start: usize,
}

impl Input<'_> {
    #[cold]
    fn wrong<T>(&self, rule: DecodeRule) -> Result<T, DecodeError> {
        Err(DecodeError::new(self.start, rule))
    }

    #[inline]
    fn integer(&mut self, prefix: u32) -> Result<u32, DecodeError> {
        let mask = (1u8 << prefix) - 1;
        if let [first, rest @ ..] = self.rest
            && first & mask != mask
        {
            self.rest = rest;
            return Ok(u32::from(first & mask));
        }
        match prefix_int(self.rest, prefix, MAX_INTEGER) {
            Ok((rest, value)) => {
                self.rest = rest;
                Ok(value as u32)
            }
            Err(nom::Err::Error(error)) if error.kind() == ParseErrorKind::Overflow => {
                self.wrong(DecodeRule::Integer)
            }
            Err(_) => self.wrong(DecodeRule::Truncated),
        }
    }

    /// Appends a string literal (RFC 7541 §5.2).
    #[inline]
    fn string(&mut self, out: &mut alloc::vec::Vec<u8>) -> Result<(), DecodeError> {
        let coded = self.rest.first().is_some_and(|first| first & 0x80 != 0);
        let len = self.integer(7)? as usize;
        let Some((string, rest)) = self.rest.split_at_checked(len) else {
            return self.wrong(DecodeRule::Truncated);
        };
        self.rest = rest;
        if !coded {
            out.extend_from_slice(string);
            return Ok(());
        }
        match huffman::decode(string, out, usize::MAX) {
            Ok(()) => Ok(()),
            Err(error) => self.wrong(DecodeRule::Huffman(error)),
        }
    }
}

//! The decoder (RFC 7541 §3, §6).

use wirelace_wire::prefix_int::prefix_int;

use crate::block::{BlockLimits, HeaderBlock, Position, size};
use crate::error::DecodeError;
use crate::huffman::{decode_into, room};
use crate::octets::copy;
use crate::static_name::StaticName;
use crate::static_table;
use crate::table::{Entry, Table};
use crate::tables_static::ENTRIES;

/// Size updates at the start of a block: the smallest size, and the last (RFC 7541 §4.2).
const SIZE_UPDATES: usize = 2;

/// Decodes the header blocks of one direction of a connection, in their order.
///
/// The dynamic table takes less than three times its size of memory, and none before it is used.
#[derive(Debug)]
pub struct Decoder {
    table: Table<()>,
    /// What a size update may ask for.
    limit: usize,
    /// The next block has to begin with an update to at most this.
    required: Option<usize>,
}

/// How a literal is treated by the dynamic table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Literal {
    Indexed,
    NotIndexed,
    NeverIndexed,
}

impl Decoder {
    /// A decoder whose table may have `max_table_size` octets: for HTTP/2
    /// [`DEFAULT_TABLE_SIZE`](crate::DEFAULT_TABLE_SIZE), until the peer has acknowledged another.
    #[must_use]
    pub fn new(max_table_size: usize) -> Self {
        let table = Table::new(max_table_size);
        Self { limit: table.max(), table, required: None }
    }

    /// Changes how large the table may be: our SETTINGS_HEADER_TABLE_SIZE, once the peer has acknowledged it. If its
    /// table is larger, the next block has to begin with a size update (RFC 7541 §4.2).
    pub fn set_max_table_size(&mut self, max_table_size: usize) {
        self.limit = max_table_size;
        if self.table.max() > max_table_size {
            // Whatever was required before is more.
            self.required = Some(max_table_size);
            // The update that has to come evicts at least as much.
            self.table.set_max(max_table_size);
            self.table.shrink();
        }
    }

    /// Decodes `block`, all of it, to `out`, whose fields are replaced. A block that goes over `limits` is decoded
    /// to its end all the same, and [`HeaderBlock::exceeded`] says so.
    ///
    /// # Errors
    /// A block that breaks RFC 7541. The table is then out of step with the peer's and the decoder of no more use;
    /// `out` has the fields before the error.
    pub fn decode(
        &mut self,
        block: &[u8],
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<(), DecodeError> {
        out.begin(block.len());
        let mut input = self.size_updates(block)?;
        while let Some(&first) = input.first() {
            input = if first >= 0x80 {
                self.indexed(block, input, limits, out)?
            } else if first >= 0x40 {
                self.literal(block, input, 6, Literal::Indexed, limits, out)?
            } else if first >= 0x20 {
                return Err(DecodeError::SizeUpdateMisplaced { offset: block.len() - input.len() });
            } else {
                let how = if first & 0x10 == 0 { Literal::NotIndexed } else { Literal::NeverIndexed };
                self.literal(block, input, 4, how, limits, out)?
            };
        }
        Ok(())
    }

    /// §6.3, as often as it may be there; returns the fields.
    #[inline]
    fn size_updates<'a>(&mut self, block: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        let mut input = block;
        let mut updates = 0;
        let mut smallest = usize::MAX;
        while let Some(&first) = input.first()
            && first & 0xe0 == 0x20
        {
            let offset = block.len() - input.len();
            if updates == SIZE_UPDATES {
                return Err(DecodeError::SizeUpdateRepeated { offset });
            }
            let (rest, size) = integer(block, input, 5)?;
            if size > self.limit {
                return Err(DecodeError::SizeUpdateTooLarge { offset, size, limit: self.limit });
            }
            self.table.set_max(size);
            smallest = smallest.min(size);
            updates += 1;
            input = rest;
        }
        if let Some(limit) = self.required {
            if input.is_empty() && updates == 0 {
                return Ok(input);
            }
            if smallest > limit {
                return Err(DecodeError::SizeUpdateMissing { offset: block.len() - input.len(), limit });
            }
            self.required = None;
        }
        Ok(input)
    }

    /// §6.1.
    #[inline(always)]
    fn indexed<'a>(
        &mut self,
        block: &[u8],
        input: &'a [u8],
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<&'a [u8], DecodeError> {
        let (rest, index) = integer(block, input, 7)?;
        if index <= static_table::LEN {
            if index == 0 {
                return Err(DecodeError::IndexZero { offset: block.len() - input.len() });
            }
            let index = index as u8;
            let static_name = StaticName::of_entry(index);
            let (name, value) = ENTRIES.get(usize::from(index)).copied().unwrap_or_default();
            if out.charge(size(name.len(), value.len()), limits) {
                copy(value, out.space(value.len()), value.len());
                let value_len = value.len() as u32;
                out.push(Position { value_len, static_name, static_index: index, ..Position::default() });
            }
            return Ok(rest);
        }
        let entry = self.entry(block, input, index)?;
        if out.charge(entry.size as usize, limits) {
            let octets = self.table.bytes().get(entry.start as usize..).unwrap_or_default();
            copy(octets, out.space(entry.stored()), entry.stored());
            out.push(Position {
                name_len: entry.name_len,
                value_len: entry.value_len,
                static_name: entry.static_name,
                ..Position::default()
            });
        }
        Ok(rest)
    }

    /// §6.2. The field is made at the end of the arena, whether it may stay there or not: the table gets it from
    /// there.
    #[inline(always)]
    fn literal<'a>(
        &mut self,
        block: &[u8],
        input: &'a [u8],
        prefix: u32,
        how: Literal,
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<&'a [u8], DecodeError> {
        let (rest, index) = integer(block, input, prefix)?;
        let (rest, static_name, name_len) = if index == 0 {
            let (rest, length) = string(block, rest, 0, out)?;
            match StaticName::of(out.space(length).get(..length).unwrap_or_default()) {
                Some(name) => (rest, Some(name), 0),
                None => (rest, None, length),
            }
        } else if index <= static_table::LEN {
            (rest, StaticName::of_entry(index as u8), 0)
        } else {
            let entry = self.entry(block, input, index)?;
            let name_len = entry.name_len as usize;
            let octets = self.table.bytes().get(entry.start as usize..).unwrap_or_default();
            copy(octets, out.space(name_len), name_len);
            (rest, entry.static_name, name_len)
        };
        let (rest, value_len) = string(block, rest, name_len, out)?;
        let size = size(static_name.map_or(name_len, |name| name.as_bytes().len()), value_len);
        let (name_len, value_len) = (name_len as u32, value_len as u32);
        if how == Literal::Indexed {
            let entry = Entry { start: 0, name_len, value_len, size: size as u32, static_name, extra: () };
            let octets = out.space(entry.stored());
            self.table.insert(entry, |space| copy(octets, space, entry.stored()));
        }
        if out.charge(size, limits) {
            let sensitive = how == Literal::NeverIndexed;
            out.push(Position { start: 0, name_len, value_len, static_name, static_index: 0, sensitive });
        }
        Ok(rest)
    }

    /// The entry of the dynamic table with that index, which is above those of the static table.
    #[inline(always)]
    fn entry(&self, block: &[u8], input: &[u8], index: usize) -> Result<&Entry<()>, DecodeError> {
        self.table.get(index - static_table::LEN - 1).ok_or_else(|| DecodeError::IndexOutOfRange {
            offset: block.len() - input.len(),
            index,
            entries: static_table::LEN + self.table.count(),
        })
    }
}

/// §5.1.
#[inline(always)]
fn integer<'a>(block: &[u8], input: &'a [u8], prefix: u32) -> Result<(&'a [u8], usize), DecodeError> {
    match prefix_int(input, prefix, u64::from(u32::MAX)) {
        Ok((rest, value)) => Ok((rest, value as usize)),
        Err(error) => {
            let offset = block.len() - input.len();
            Err(match error.is_incomplete() {
                true => DecodeError::Truncated { offset },
                false => DecodeError::IntegerOverflow { offset },
            })
        }
    }
}

/// §5.2: the string's text is put `after` octets behind the fields. Returns its length.
#[inline(always)]
fn string<'a>(
    block: &[u8],
    input: &'a [u8],
    after: usize,
    out: &mut HeaderBlock,
) -> Result<(&'a [u8], usize), DecodeError> {
    let (rest, length) = integer(block, input, 7)?;
    let Some(after_string) = rest.get(length..) else {
        return Err(DecodeError::Truncated { offset: block.len() - input.len() });
    };
    let coded = input.first().is_some_and(|first| first & 0x80 != 0);
    if !coded {
        copy(rest, out.space(after + length).get_mut(after..).unwrap_or_default(), length);
        return Ok((after_string, length));
    }
    // No code is shorter than five bits.
    let most = room(length * 8 / 5);
    let space = out.space(after + most).get_mut(after..).unwrap_or_default();
    match decode_into(rest, length, space) {
        Ok(text) => Ok((after_string, text)),
        Err(error) => Err(DecodeError::Huffman(error.moved_by(block.len() - rest.len()))),
    }
}

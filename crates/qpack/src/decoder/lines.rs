//! The fields of a section (RFC 9204 §4.5.2 to §4.5.6).

use wirelace_hpack::huffman::{decode_into, room};
use wirelace_hpack::octets::copy;
use wirelace_hpack::table::{Entry, Table};
use wirelace_hpack::{BlockLimits, HeaderBlock, Position, StaticName, size};

use crate::error::{Error, Place};
use crate::integer::{Fault, integer, string};
use crate::prefix::Prefix;
use crate::static_table;

/// What references are resolved with, and where errors are.
struct Lines<'a> {
    table: &'a Table<()>,
    inserted: u64,
    required: u64,
    base: u64,
    section: &'a [u8],
    stream: u64,
}

/// Which entry of the dynamic table an index means.
#[derive(Clone, Copy)]
enum Index {
    /// §3.2.5: counted back from the Base.
    Relative(u64),
    /// §3.2.6: counted on from it.
    PostBase(u64),
}

/// Decodes the fields of `section`, whose prefix was read, to `out`.
pub(super) fn decode(
    table: &Table<()>,
    inserted: u64,
    stream: u64,
    prefix: &Prefix,
    section: &[u8],
    limits: &BlockLimits,
    out: &mut HeaderBlock,
) -> Result<(), Error> {
    out.begin(section.len());
    let lines = Lines { table, inserted, required: prefix.required, base: prefix.base, section, stream };
    let mut input = section.get(prefix.length..).unwrap_or_default();
    while let Some(&first) = input.first() {
        // The table is not at stake: what goes over the limits need not be decoded.
        if out.exceeded().is_some() {
            break;
        }
        input = if first >= 0xc0 {
            lines.indexed_static(input, limits, out)?
        } else if first >= 0x80 {
            let (rest, index) = lines.integer(input, 6)?;
            lines.indexed(input, Index::Relative(index), limits, out)?;
            rest
        } else if first >= 0x40 {
            let (rest, index) = lines.integer(input, 4)?;
            let name = if first & 0x10 == 0 {
                lines.name(input, Index::Relative(index), out)?
            } else {
                lines.static_name(input, index, out)?
            };
            lines.literal(rest, name, first & 0x20 != 0, limits, out)?
        } else if first >= 0x20 {
            let (rest, length) = lines.string(input, 3, 0, out)?;
            let name = match StaticName::of(out.space(length).get(..length).unwrap_or_default()) {
                Some(name) => (Some(name), 0),
                None => (None, length),
            };
            lines.literal(rest, name, first & 0x10 != 0, limits, out)?
        } else if first >= 0x10 {
            let (rest, index) = lines.integer(input, 4)?;
            lines.indexed(input, Index::PostBase(index), limits, out)?;
            rest
        } else {
            let (rest, index) = lines.integer(input, 3)?;
            let name = lines.name(input, Index::PostBase(index), out)?;
            lines.literal(rest, name, first & 0x08 != 0, limits, out)?
        };
    }
    Ok(())
}

/// A name: HPACK's, or how many octets were put behind the fields.
type Name = (Option<StaticName>, usize);

impl<'a> Lines<'a> {
    /// §4.5.2, T = 1.
    #[inline(always)]
    fn indexed_static(
        &self,
        input: &'a [u8],
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<&'a [u8], Error> {
        let (rest, index) = self.integer(input, 6)?;
        let Some((name, value)) = static_table::get(index) else {
            return Err(self.no_static(input, index));
        };
        if out.charge(size(name.len(), value.len()), limits) {
            let static_name = static_table::hpack_name(index);
            let name_len = if static_name.is_some() { 0 } else { name.len() };
            let space = out.space(name_len + value.len());
            if name_len > 0 {
                copy(name, space, name_len);
            }
            copy(value, space.get_mut(name_len..).unwrap_or_default(), value.len());
            out.push(Position::new(static_name, name_len, value.len(), false));
        }
        Ok(rest)
    }

    /// §4.5.2, T = 0, and §4.5.3.
    #[inline(always)]
    fn indexed(
        &self,
        input: &[u8],
        index: Index,
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<(), Error> {
        let entry = self.entry(input, index)?;
        if out.charge(entry.size as usize, limits) {
            let octets = self.table.bytes().get(entry.start as usize..).unwrap_or_default();
            copy(octets, out.space(entry.stored()), entry.stored());
            let (name_len, value_len) = (entry.name_len as usize, entry.value_len as usize);
            out.push(Position::new(entry.static_name, name_len, value_len, false));
        }
        Ok(())
    }

    /// The name of a static entry, put behind the fields if HPACK lacks it.
    #[inline(always)]
    fn static_name(&self, input: &[u8], index: u64, out: &mut HeaderBlock) -> Result<Name, Error> {
        let Some((name, _)) = static_table::get(index) else {
            return Err(self.no_static(input, index));
        };
        if let Some(name) = static_table::hpack_name(index) {
            return Ok((Some(name), 0));
        }
        copy(name, out.space(name.len()), name.len());
        Ok((None, name.len()))
    }

    /// The name of a dynamic entry, put behind the fields.
    #[inline(always)]
    fn name(&self, input: &[u8], index: Index, out: &mut HeaderBlock) -> Result<Name, Error> {
        let entry = self.entry(input, index)?;
        let length = entry.name_len as usize;
        let octets = self.table.bytes().get(entry.start as usize..).unwrap_or_default();
        copy(octets, out.space(length), length);
        Ok((entry.static_name, length))
    }

    /// The value of a literal whose name is there (§4.5.4 to §4.5.6).
    #[inline(always)]
    fn literal(
        &self,
        input: &'a [u8],
        (static_name, name_len): Name,
        sensitive: bool,
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<&'a [u8], Error> {
        let (rest, value_len) = self.string(input, 7, name_len, out)?;
        let named = static_name.map_or(name_len, |name| name.as_bytes().len());
        if out.charge(size(named, value_len), limits) {
            out.push(Position::new(static_name, name_len, value_len, sensitive));
        }
        Ok(rest)
    }

    #[inline(always)]
    fn entry(&self, input: &[u8], index: Index) -> Result<&Entry<()>, Error> {
        let number = match index {
            Index::Relative(index) => self.base.wrapping_sub(index).wrapping_sub(1),
            Index::PostBase(index) => self.base.wrapping_add(index),
        };
        if number < self.required {
            // It was inserted: no section is decoded before all that it requires.
            let age = self.inserted - 1 - number;
            if let Some(entry) = usize::try_from(age).ok().and_then(|age| self.table.get(age)) {
                return Ok(entry);
            }
        }
        Err(self.no_entry(input, index, number))
    }

    #[cold]
    fn no_entry(&self, input: &[u8], index: Index, number: u64) -> Error {
        let (place, offset) = (Place::Section(self.stream), self.offset(input));
        let (index, before_the_first) = match index {
            Index::Relative(index) => (index, index >= self.base),
            Index::PostBase(index) => (index, false),
        };
        if !before_the_first && number >= self.required {
            return Error::BeyondRequired { place, offset, index, required: self.required };
        }
        Error::DynamicIndex { place, offset, index }
    }

    #[cold]
    fn no_static(&self, input: &[u8], index: u64) -> Error {
        Error::StaticIndex { place: Place::Section(self.stream), offset: self.offset(input), index }
    }

    fn offset(&self, input: &[u8]) -> u64 {
        (self.section.len() - input.len()) as u64
    }

    #[inline(always)]
    fn integer(&self, input: &'a [u8], prefix: u32) -> Result<(&'a [u8], u64), Error> {
        integer(input, prefix).map_err(|fault| self.fault(fault, input))
    }

    #[cold]
    fn fault(&self, fault: Fault, input: &[u8]) -> Error {
        let (place, offset) = (Place::Section(self.stream), self.offset(input));
        match fault {
            Fault::Incomplete => Error::Truncated { place, offset },
            Fault::Overflow => Error::IntegerOverflow { place, offset },
        }
    }

    /// The string's text is put `after` octets behind the fields. Returns its length.
    #[inline(always)]
    fn string(
        &self,
        input: &'a [u8],
        prefix: u32,
        after: usize,
        out: &mut HeaderBlock,
    ) -> Result<(&'a [u8], usize), Error> {
        let (rest, coded, length) = string(input, prefix).map_err(|fault| self.fault(fault, input))?;
        let Some(after_string) = usize::try_from(length).ok().and_then(|length| rest.get(length..)) else {
            return Err(self.fault(Fault::Incomplete, input));
        };
        let length = length as usize;
        if !coded {
            copy(rest, out.space(after + length).get_mut(after..).unwrap_or_default(), length);
            return Ok((after_string, length));
        }
        // No code is shorter than five bits.
        let space = out.space(after + room(length * 8 / 5));
        match decode_into(rest, length, space.get_mut(after..).unwrap_or_default()) {
            Ok(text) => Ok((after_string, text)),
            Err(error) => {
                Err(Error::Huffman { place: Place::Section(self.stream), offset: self.offset(rest), error })
            }
        }
    }
}

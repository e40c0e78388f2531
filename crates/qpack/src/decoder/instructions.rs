//! The encoder stream (RFC 9204 §4.3), and the table that it fills.

use alloc::vec::Vec;

use bytes::{Buf as _, BytesMut};
use wirelace_hpack::huffman::{HuffmanError, decode_into, room};
use wirelace_hpack::octets::copy;
use wirelace_hpack::table::{Entry, SLACK, Table};
use wirelace_hpack::{StaticName, size};

use crate::error::{Error, Place};
use crate::integer::{Fault, integer, least_text, string};
use crate::static_table;

/// What is kept of [`Inserts::scratch`] between two calls.
const SCRATCH_KEPT: usize = 1024;

/// The dynamic table, and where the encoder stream is.
#[derive(Debug)]
pub(super) struct Inserts {
    table: Table<()>,
    /// What the peer may set the capacity to.
    limit: u64,
    /// All inserts that there ever were.
    count: u64,
    /// Octets of the stream that were taken.
    taken: u64,
    /// The entry on its way, as it lies in the table. What it is made of may be evicted for it.
    scratch: Vec<u8>,
}

/// An instruction that does not end well; offsets are from its start.
enum Stop {
    /// Its rest has not arrived.
    Incomplete,
    Wrong(Error),
}

/// A string that is all there.
#[derive(Clone, Copy)]
struct Text<'a> {
    /// It, and what follows it.
    octets: &'a [u8],
    length: usize,
    coded: bool,
}

impl Text<'_> {
    fn least(&self) -> u64 {
        least_text(self.coded, self.length as u64)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Wrong(error)
    }
}

impl Inserts {
    pub(super) fn new(limit: u64) -> Self {
        Self { table: Table::new(0), limit, count: 0, taken: 0, scratch: Vec::new() }
    }

    #[inline(always)]
    pub(super) fn table(&self) -> &Table<()> {
        &self.table
    }

    #[inline(always)]
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn read(&mut self, input: &mut BytesMut) -> Result<(), Error> {
        let mut rest = &input[..];
        let result = loop {
            match self.instruction(rest) {
                Ok(after) => {
                    self.taken += (rest.len() - after.len()) as u64;
                    rest = after;
                }
                Err(Stop::Incomplete) => break Ok(()),
                Err(Stop::Wrong(error)) => break Err(error),
            }
        };
        let left = rest.len();
        input.advance(input.len() - left);
        if self.scratch.len() > SCRATCH_KEPT {
            self.scratch = Vec::new();
        }
        result
    }

    /// Carries out the instruction at the front of `input`, and returns what follows it. Until all of it is there,
    /// only lengths are read: what arrives an octet at a time costs no more.
    fn instruction<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], Stop> {
        let Some(&first) = input.first() else { return Err(Stop::Incomplete) };
        if first >= 0x80 {
            let (rest, index) = self.integer(input, input, 6)?;
            return self.insert_with_reference(input, rest, index, first & 0x40 != 0);
        }
        if first >= 0x40 {
            return self.insert_with_name(input);
        }
        let (rest, number) = self.integer(input, input, 5)?;
        if first >= 0x20 {
            self.set_capacity(number)?;
        } else {
            self.duplicate(number)?;
        }
        Ok(rest)
    }

    /// §4.3.1.
    fn set_capacity(&mut self, capacity: u64) -> Result<(), Error> {
        if capacity > self.limit {
            return Err(Error::Capacity { offset: self.taken, capacity, limit: self.limit });
        }
        self.table.set_max(capacity as usize);
        self.table.shrink();
        Ok(())
    }

    /// §4.3.2; `rest` is the value.
    #[inline]
    fn insert_with_reference<'a>(
        &mut self,
        instruction: &[u8],
        rest: &'a [u8],
        index: u64,
        is_static: bool,
    ) -> Result<&'a [u8], Stop> {
        if is_static {
            let Some((name, _)) = static_table::get(index) else {
                let (place, offset) = (Place::EncoderStream, self.taken);
                return Err(Error::StaticIndex { place, offset, index }.into());
            };
            let (value, rest) = self.text(instruction, rest, 7, name.len() as u64)?;
            let static_name = static_table::hpack_name(index);
            let name_len = if static_name.is_some() { 0 } else { name.len() };
            self.reserve(name_len);
            copy(name, &mut self.scratch, name_len);
            self.add_named(instruction, static_name, name_len, value)?;
            return Ok(rest);
        }
        let &Entry { start, name_len, static_name, .. } = self.entry(index)?;
        let name_len = name_len as usize;
        let named = static_name.map_or(name_len, |name| name.as_bytes().len());
        let (value, rest) = self.text(instruction, rest, 7, named as u64)?;
        self.fill_scratch(start as usize, name_len);
        self.add_named(instruction, static_name, name_len, value)?;
        Ok(rest)
    }

    /// §4.3.3.
    #[inline]
    fn insert_with_name<'a>(&mut self, instruction: &'a [u8]) -> Result<&'a [u8], Stop> {
        let (name, rest) = self.text(instruction, instruction, 5, 0)?;
        let (value, rest) = self.text(instruction, rest, 7, name.least())?;
        let name_len = self.put(instruction, name, 0)?;
        let static_name = StaticName::of(self.scratch.get(..name_len).unwrap_or_default());
        let name_len = if static_name.is_some() { 0 } else { name_len };
        self.add_named(instruction, static_name, name_len, value)?;
        Ok(rest)
    }

    /// §4.3.4.
    fn duplicate(&mut self, index: u64) -> Result<(), Error> {
        let entry = *self.entry(index)?;
        self.fill_scratch(entry.start as usize, entry.stored());
        self.add(entry);
        Ok(())
    }

    /// Adds the entry of the name that the scratch has, and a value.
    #[inline]
    fn add_named(
        &mut self,
        instruction: &[u8],
        static_name: Option<StaticName>,
        name_len: usize,
        value: Text<'_>,
    ) -> Result<(), Error> {
        let value_len = self.put(instruction, value, name_len)?;
        let size = size(static_name.map_or(name_len, |name| name.as_bytes().len()), value_len);
        if size > self.table.max() {
            return Err(self.too_large(size as u64));
        }
        self.add(Entry {
            start: 0,
            name_len: name_len as u32,
            value_len: value_len as u32,
            size: size as u32,
            static_name,
            extra: (),
        });
        Ok(())
    }

    /// Adds what the scratch has.
    #[inline]
    fn add(&mut self, entry: Entry<()>) {
        let scratch = &self.scratch;
        self.table.insert(entry, |space| copy(scratch, space, entry.stored()));
        self.count += 1;
    }

    #[inline]
    fn entry(&self, index: u64) -> Result<&Entry<()>, Error> {
        usize::try_from(index).ok().and_then(|age| self.table.get(age)).ok_or(Error::DynamicIndex {
            place: Place::EncoderStream,
            offset: self.taken,
            index,
        })
    }

    #[inline]
    fn integer<'a>(&self, instruction: &[u8], input: &'a [u8], prefix: u32) -> Result<(&'a [u8], u64), Stop> {
        integer(input, prefix).map_err(|fault| self.fault(fault, input, instruction))
    }

    /// The string at the front of `input`, and what follows it. It has to be all there, and to fit the table with
    /// `others` octets that the entry has beside it: nothing is made for it before.
    #[inline]
    fn text<'a>(
        &self,
        instruction: &[u8],
        input: &'a [u8],
        prefix: u32,
        others: u64,
    ) -> Result<(Text<'a>, &'a [u8]), Stop> {
        let (octets, coded, length) =
            string(input, prefix).map_err(|fault| self.fault(fault, input, instruction))?;
        let least = least_text(coded, length) + others + size(0, 0) as u64;
        if least > self.table.max() as u64 {
            return Err(self.too_large(least).into());
        }
        let length = length as usize;
        let Some(rest) = octets.get(length..) else { return Err(Stop::Incomplete) };
        Ok((Text { octets, length, coded }, rest))
    }

    /// Puts a string's text `at` octets into the scratch; returns its length.
    #[inline]
    fn put(&mut self, instruction: &[u8], text: Text<'_>, at: usize) -> Result<usize, Error> {
        let Text { octets, length, coded } = text;
        if !coded {
            self.reserve(at + length);
            copy(octets, self.scratch.get_mut(at..).unwrap_or_default(), length);
            return Ok(length);
        }
        // No code is shorter than five bits, and no text longer than the table.
        let most = room((length * 8 / 5).min(self.table.max()));
        self.reserve(at + most);
        match decode_into(octets, length, self.scratch.get_mut(at..at + most).unwrap_or_default()) {
            Ok(length) => Ok(length),
            Err(HuffmanError::TooLong { .. }) => Err(self.too_large(self.table.max() as u64 + 1)),
            Err(error) => {
                let offset = self.taken + (instruction.len() - octets.len()) as u64;
                Err(Error::Huffman { place: Place::EncoderStream, offset, error })
            }
        }
    }

    /// Makes the scratch long enough for that, and what copies may write beyond it.
    #[inline(always)]
    fn reserve(&mut self, length: usize) {
        if self.scratch.len() < length + SLACK {
            self.scratch.resize(length + SLACK, 0);
        }
    }

    #[inline]
    fn fill_scratch(&mut self, start: usize, length: usize) {
        self.reserve(length);
        copy(self.table.bytes().get(start..).unwrap_or_default(), &mut self.scratch, length);
    }

    #[cold]
    fn fault(&self, fault: Fault, input: &[u8], instruction: &[u8]) -> Stop {
        match fault {
            Fault::Incomplete => Stop::Incomplete,
            Fault::Overflow => Stop::Wrong(Error::IntegerOverflow {
                place: Place::EncoderStream,
                offset: self.taken + (instruction.len() - input.len()) as u64,
            }),
        }
    }

    #[cold]
    fn too_large(&self, size: u64) -> Error {
        Error::EntryTooLarge { offset: self.taken, size, capacity: self.table.max() as u64 }
    }
}

//! Field lines (RFC 9110 §5) as one byte block with an index.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::Bytes;
use thiserror::Error;
use wirelace_wire::field::{is_field_name, is_field_value, trim_ows};

use crate::field_id::FieldId;
use crate::field_index::{Block, CHECKED, Entry, Field, FieldName, MAX_BLOCK, SENSITIVE};
use crate::field_memory;

/// Lines of a usual message.
const USUAL_LINES: usize = 8;

/// The field lines of a header or trailer section, in order, duplicates and case as they came.
///
/// A codec makes it from the block it received ([`Fields::index`] and [`Fields::set_block`]) without copying;
/// an application makes it with [`push`](Fields::push). Both kinds mix: fields can be added to a received list
/// and removed from it (adding to a received list copies its block once).
#[derive(Clone, Default)]
pub struct Fields {
    pub(crate) block: Block,
    pub(crate) entries: Vec<Entry>,
}

impl Drop for Fields {
    /// The memory serves the next list.
    #[inline]
    fn drop(&mut self) {
        if let Block::Owned(block) = &mut self.block
            && block.capacity() > 0
        {
            field_memory::give_block(core::mem::take(block));
        }
        if self.entries.capacity() > 0 {
            field_memory::give_index(core::mem::take(&mut self.entries));
        }
    }
}

/// A field that must not be sent (RFC 9110 §5.1, §5.5).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldError {
    /// The name is empty, too long or has a byte that no token has.
    #[error("field name is not a token of 1 to 65,535 bytes (RFC 9110 §5.1)")]
    Name,
    /// The value has a control character, or white space at an end.
    #[error("field value has a control character or white space at its ends (RFC 9110 §5.5)")]
    Value,
    /// Names and values together pass 2 GiB.
    #[error("field section is larger than 2 GiB")]
    TooLarge,
}

impl Fields {
    /// No fields.
    #[must_use]
    pub const fn new() -> Fields {
        Fields { block: Block::Owned(Vec::new()), entries: Vec::new() }
    }

    /// No fields, with space for `fields` lines of `bytes` bytes of names and values together.
    #[must_use]
    pub fn with_capacity(fields: usize, bytes: usize) -> Fields {
        Fields { block: Block::Owned(Vec::with_capacity(bytes)), entries: Vec::with_capacity(fields) }
    }

    /// For codecs: an index without its block yet, filled by [`index`](Fields::index).
    #[must_use]
    pub fn for_block(fields: usize) -> Fields {
        Fields { block: Block::Owned(Vec::new()), entries: field_memory::take_index(fields) }
    }

    /// For codecs: adds a line whose name and value are at these positions of the block, which the codec has
    /// checked. Positions beyond 2 GiB are refused.
    ///
    /// # Errors
    /// [`FieldError::TooLarge`] where a position does not fit, [`FieldError::Name`] for a name over 65,535 bytes.
    #[inline]
    pub fn index(&mut self, id: FieldId, name: Range<usize>, value: Range<usize>) -> Result<(), FieldError> {
        if name.end.max(value.end) >= MAX_BLOCK {
            return Err(FieldError::TooLarge);
        }
        let name_len = u16::try_from(name.len()).map_err(|_| FieldError::Name)?;
        self.entries.push(Entry {
            name_start: name.start as u32,
            value_start: value.start as u32,
            value_len: value.len() as u32,
            name_len,
            id,
            flags: 0,
        });
        Ok(())
    }

    /// For codecs: the last line's value goes on to the end of `more` (a folded line), or begins there where it
    /// was empty. False when there is no such line.
    pub fn extend_last(&mut self, more: Range<usize>) -> bool {
        let Some(entry) = self.entries.last_mut() else { return false };
        if entry.value_len == 0 {
            entry.value_start = u32::try_from(more.start).unwrap_or(u32::MAX);
        }
        match more.end.checked_sub(entry.value_start as usize) {
            Some(len) if more.end < MAX_BLOCK => {
                entry.value_len = len as u32;
                true
            }
            _ => false,
        }
    }

    /// For codecs: the block that the index points into.
    #[inline]
    pub fn set_block(&mut self, block: Bytes) {
        self.block = Block::Shared(block);
    }

    /// For codecs: as [`set_block`](Fields::set_block), with a block that is nobody else's: best one that
    /// [`spare_block`](Fields::spare_block) gave.
    #[inline]
    pub fn set_owned_block(&mut self, block: Vec<u8>) {
        self.block = Block::Owned(block);
    }

    /// For codecs: the memory of a list that is gone, to decode another one into.
    #[inline]
    #[must_use]
    pub fn spare_block() -> Vec<u8> {
        field_memory::take_block()
    }

    /// For codecs: a part of the received block; empty where there is none.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Bytes {
        match &self.block {
            Block::Shared(bytes) if range.start <= range.end && range.end <= bytes.len() => {
                bytes.slice(range)
            }
            _ => Bytes::new(),
        }
    }

    /// Adds a line at the end.
    ///
    /// # Errors
    /// The name is not a token, or the value has a control character or white space at its ends.
    pub fn push<'a>(
        &mut self,
        name: impl Into<FieldName<'a>>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), FieldError> {
        let (name, value) = (name.into(), value.as_ref());
        if !is_field_value(value) {
            return Err(FieldError::Value);
        }
        if !name.id.is_known() && !is_field_name(name.name) {
            return Err(FieldError::Name);
        }
        // Well-known names need no bytes; one that was given in capitals keeps them.
        self.append(name.id, if name.canonical { &[] } else { name.name }, value)
    }

    /// Adds a line that has been checked; an empty name is that of `id`.
    #[inline]
    pub(crate) fn append(&mut self, id: FieldId, name: &[u8], value: &[u8]) -> Result<(), FieldError> {
        let name_len = u16::try_from(name.len()).map_err(|_| FieldError::Name)?;
        let more = name.len() + value.len();
        if self.block.bytes().len() + more >= MAX_BLOCK {
            return Err(FieldError::TooLarge);
        }
        if self.entries.capacity() == 0 {
            self.entries = field_memory::take_index(USUAL_LINES);
        }
        let flags = CHECKED;
        let value_len = value.len() as u32;
        if !matches!(&self.block, Block::Owned(block) if block.capacity() > 0) {
            self.block = Block::Owned(core::mem::take(&mut self.block).into_owned(more));
        }
        if let Block::Owned(block) = &mut self.block {
            let name_start = block.len() as u32;
            block.extend_from_slice(name);
            let value_start = block.len() as u32;
            block.extend_from_slice(value);
            self.entries.push(Entry { name_start, value_start, value_len, name_len, id, flags });
        }
        Ok(())
    }

    /// Replaces all lines of that name by one at the end.
    ///
    /// # Errors
    /// As [`push`](Fields::push).
    pub fn set<'a>(
        &mut self,
        name: impl Into<FieldName<'a>>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), FieldError> {
        let name = name.into();
        let before = self.entries.len();
        self.push(name, value)?;
        let mut position = 0;
        let Fields { block, entries } = self;
        entries.retain(|entry| {
            position += 1;
            position > before || !entry.matches(name, block.bytes())
        });
        Ok(())
    }

    /// Removes all lines of that name and returns how many there were.
    pub fn remove<'a>(&mut self, name: impl Into<FieldName<'a>>) -> usize {
        let name = name.into();
        let Fields { block, entries } = self;
        let before = entries.len();
        entries.retain(|entry| !entry.matches(name, block.bytes()));
        before - entries.len()
    }

    /// Keeps the last line out of compression tables (RFC 7541 §7.1.3).
    pub fn mark_last_sensitive(&mut self) {
        if let Some(entry) = self.entries.last_mut() {
            entry.flags |= SENSITIVE;
        }
    }

    /// How many lines fit without more memory.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Drops all lines and keeps the memory.
    pub fn clear(&mut self) {
        match &mut self.block {
            Block::Owned(bytes) => bytes.clear(),
            Block::Shared(_) => self.block = Block::default(),
        }
        self.entries.clear();
    }

    /// Number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The lines in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Field<'_>> + DoubleEndedIterator + Clone {
        let block = self.block.bytes();
        self.entries.iter().map(move |entry| entry.field(block))
    }

    /// The value of the first line of that name.
    #[inline]
    #[must_use]
    pub fn get<'a>(&self, name: impl Into<FieldName<'a>>) -> Option<&[u8]> {
        let name = name.into();
        let block = self.block.bytes();
        let entry = self.entries.iter().find(|entry| entry.matches(name, block))?;
        Some(entry.field(block).value)
    }

    /// The value of the first line of that name as text; `None` also when it is not UTF-8.
    #[must_use]
    pub fn get_str<'a>(&self, name: impl Into<FieldName<'a>>) -> Option<&str> {
        core::str::from_utf8(self.get(name)?).ok()
    }

    /// The values of all lines of that name, in order.
    pub fn get_all<'a>(&self, name: impl Into<FieldName<'a>>) -> impl Iterator<Item = &[u8]> {
        let (name, block) = (name.into(), self.block.bytes());
        let matching = self.entries.iter().filter(move |entry| entry.matches(name, block));
        matching.map(move |entry| entry.field(block).value)
    }

    /// True when a line of that name is there.
    #[must_use]
    pub fn contains<'a>(&self, name: impl Into<FieldName<'a>>) -> bool {
        self.get(name).is_some()
    }

    /// The members of all lines of that name read as one comma-separated list (RFC 9110 §5.6.1), white space
    /// trimmed, empty members left out. Only for lists whose members cannot hold a quoted comma.
    pub fn list(&self, name: FieldId) -> impl Iterator<Item = &[u8]> {
        let block = self.block.bytes();
        self.entries
            .iter()
            .filter(move |entry| entry.id == name)
            .flat_map(move |entry| entry.field(block).value.split(|byte| *byte == b','))
            .map(trim_ows)
            .filter(|member| !member.is_empty())
    }

    /// True when the list of that name has `member`, in any case.
    #[must_use]
    pub fn list_contains(&self, name: FieldId, member: &str) -> bool {
        self.list(name).any(|found| found.eq_ignore_ascii_case(member.as_bytes()))
    }

    /// The size of the section as HTTP/2 and HTTP/3 count it: names, values and 32 for each line (RFC 9113
    /// §6.5.2).
    #[must_use]
    pub fn section_size(&self) -> usize {
        self.iter().map(|field| field.name.len() + field.value.len() + 32).sum()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Fields {
    /// Same lines in the same order; names compare in any case.
    fn eq(&self, other: &Fields) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|(a, b)| a.name.eq_ignore_ascii_case(b.name) && a.value == b.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Fields {
        let block = Bytes::from_static(b"Host: a\r\nX-One: 1\r\nx-one: 2");
        let mut fields = Fields::for_block(3);
        fields.index(FieldId::HOST, 0..4, 6..7).unwrap();
        fields.index(FieldId::OTHER, 9..14, 16..17).unwrap();
        fields.index(FieldId::OTHER, 19..24, 26..27).unwrap();
        fields.set_block(block);
        fields
    }

    #[test]
    fn received_and_added_lines_mix() {
        let mut fields = sample();
        fields.push(FieldId::VIA, "1.1 proxy").unwrap();
        assert_eq!(fields.get("HOST"), Some(&b"a"[..]));
        assert_eq!(fields.get_all("X-ONE").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(fields.get(FieldId::VIA), Some(&b"1.1 proxy"[..]));
        fields.set("x-one", "3").unwrap();
        assert_eq!(fields.get_all("x-one").collect::<Vec<_>>(), [b"3"]);
        assert_eq!(fields.remove(FieldId::HOST), 1);
        let names: Vec<_> = fields.iter().map(|field| field.name).collect();
        assert_eq!(names, [&b"via"[..], b"x-one"]);
    }

    #[test]
    fn names_keep_their_case() {
        assert_eq!(sample().iter().next().unwrap().name, b"Host");
        let mut fields = Fields::new();
        fields.push("Content-Type", "a/b").unwrap();
        assert_eq!(fields.iter().next().unwrap().name, b"Content-Type");
        assert_eq!(fields.get(FieldId::CONTENT_TYPE), Some(&b"a/b"[..]));
    }

    #[test]
    fn what_would_split_a_message_is_refused() {
        let mut fields = Fields::new();
        assert_eq!(fields.push("a b", "x"), Err(FieldError::Name));
        assert_eq!(fields.push("", "x"), Err(FieldError::Name));
        assert_eq!(fields.push("a", "x\r\ny: z"), Err(FieldError::Value));
        assert_eq!(fields.push("a", "x\0"), Err(FieldError::Value));
        assert_eq!(fields.push(FieldId::HOST, "x\n"), Err(FieldError::Value));
        assert_eq!(fields.push("n".repeat(70_000).as_str(), "x"), Err(FieldError::Name));
        assert!(fields.is_empty());
    }

    #[test]
    fn an_index_that_lies_gives_empty_slices() {
        let mut fields = Fields::for_block(1);
        fields.index(FieldId::OTHER, 5..9, 100..200).unwrap();
        fields.set_block(Bytes::from_static(b"abc"));
        assert_eq!(fields.iter().next().unwrap().value, b"");
        assert!(fields.to_header_map().is_empty());
    }

    #[test]
    fn lists_join_lines() {
        let mut fields = Fields::new();
        fields.push(FieldId::CONNECTION, "Keep-Alive, ,").unwrap();
        fields.push(FieldId::CONNECTION, "upgrade").unwrap();
        assert_eq!(fields.list(FieldId::CONNECTION).count(), 2);
        assert!(fields.list_contains(FieldId::CONNECTION, "keep-alive"));
        assert!(!fields.list_contains(FieldId::CONNECTION, "close"));
    }

    #[test]
    fn header_maps_there_and_back() {
        let fields = sample();
        let map = fields.to_header_map();
        assert_eq!(map.get_all("x-one").iter().count(), 2);
        assert_eq!(Fields::from_header_map(&map).unwrap(), fields);
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let mut fields = Fields::new();
        fields.push(FieldId::AUTHORIZATION, "Bearer abc").unwrap();
        assert!(!alloc::format!("{fields:?}").contains("abc"));
    }
}

//! What a header block decodes to.

use alloc::vec::Vec;
use core::ops::Range;

use crate::FIELD_OVERHEAD;
use crate::static_name::StaticName;
use crate::table::SLACK;

/// What a block may decode to. It is charged while decoding, so no block takes more memory than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLimits {
    /// Fields.
    pub fields: usize,
    /// Octets of all names and values and 32 more for each field, as SETTINGS_MAX_HEADER_LIST_SIZE counts
    /// (RFC 9113 §6.5.2).
    pub list_size: usize,
}

/// The limit that a block went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exceeded {
    /// [`BlockLimits::fields`].
    FieldCount,
    /// [`BlockLimits::list_size`].
    ListSize,
}

/// A decoded field, borrowed from its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Field<'a> {
    /// Its name, as it was sent: whether it is in lower case and made of the right octets was not checked.
    pub name: &'a [u8],
    /// Its value, unchecked too.
    pub value: &'a [u8],
    /// The name, if the static table has it, however it was sent.
    pub static_name: Option<StaticName>,
    /// Index of the entry of HPACK's static table that the field was sent as; 0: it was sent in another way.
    pub static_index: u8,
    /// It was sent as a literal that is never indexed (RFC 7541 §6.2.3): so it has to be passed on.
    pub sensitive: bool,
}

/// Where a field lies in [`HeaderBlock::arena`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    pub(crate) start: u32,
    /// 0 if the name is static.
    pub(crate) name_len: u32,
    pub(crate) value_len: u32,
    pub(crate) static_name: Option<StaticName>,
    pub(crate) static_index: u8,
    pub(crate) sensitive: bool,
}

impl Position {
    /// A field for [`HeaderBlock::push`]: how many octets its name takes, unless that is static, and its value.
    #[inline(always)]
    #[must_use]
    pub const fn new(
        static_name: Option<StaticName>,
        name_len: usize,
        value_len: usize,
        sensitive: bool,
    ) -> Self {
        Self {
            start: 0,
            name_len: name_len as u32,
            value_len: value_len as u32,
            static_name,
            static_index: 0,
            sensitive,
        }
    }

    /// Its name; empty if that is static: such names are not stored.
    #[inline]
    #[must_use]
    pub const fn name(&self) -> Range<u32> {
        self.start..self.start + self.name_len
    }

    /// Its value.
    #[inline]
    #[must_use]
    pub const fn value(&self) -> Range<u32> {
        let start = self.start + self.name_len;
        start..start + self.value_len
    }

    /// As [`Field::static_name`].
    #[inline]
    #[must_use]
    pub const fn static_name(&self) -> Option<StaticName> {
        self.static_name
    }

    /// As [`Field::static_index`].
    #[inline]
    #[must_use]
    pub const fn static_index(&self) -> u8 {
        self.static_index
    }

    /// As [`Field::sensitive`].
    #[inline]
    #[must_use]
    pub const fn sensitive(&self) -> bool {
        self.sensitive
    }
}

/// A decoded header block: one arena with all octets, and where the fields lie in it. It is meant to be used again.
#[derive(Debug, Default)]
pub struct HeaderBlock {
    /// Longer than what is used: all of it is zeroed once, so that copies need not be of exact length.
    arena: Vec<u8>,
    used: usize,
    positions: Vec<Position>,
    list_size: usize,
    exceeded: Option<Exceeded>,
}

impl HeaderBlock {
    /// An empty one, without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { arena: Vec::new(), used: 0, positions: Vec::new(), list_size: 0, exceeded: None }
    }

    /// Forgets all fields; keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
        self.positions.clear();
        self.list_size = 0;
        self.exceeded = None;
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// True without any field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Octets of the fields that are here, as [`BlockLimits::list_size`] counts.
    #[must_use]
    pub fn list_size(&self) -> usize {
        self.list_size
    }

    /// The limit that the block went over. Decoding went on, to keep the dynamic table right, but what came after
    /// is not here.
    #[must_use]
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded
    }

    /// The fields, in the order of the block.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Field<'_>> + DoubleEndedIterator + Clone {
        let octets =
            |range: Range<u32>| self.arena.get(range.start as usize..range.end as usize).unwrap_or_default();
        self.positions.iter().map(move |position| Field {
            name: match position.static_name {
                Some(name) => name.as_bytes(),
                None => octets(position.name()),
            },
            value: octets(position.value()),
            static_name: position.static_name,
            static_index: position.static_index,
            sensitive: position.sensitive,
        })
    }

    /// Where the fields lie.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// The octets of all fields.
    #[must_use]
    pub fn arena(&self) -> &[u8] {
        self.arena.get(..self.used).unwrap_or_default()
    }

    /// Takes the octets out, with the memory that they are in: [`positions`](Self::positions) still say where the
    /// fields lie in them, while [`iter`](Self::iter) gives empty values.
    #[must_use]
    pub fn take_arena(&mut self) -> Vec<u8> {
        let mut arena = core::mem::take(&mut self.arena);
        arena.truncate(self.used);
        self.used = 0;
        arena
    }

    /// Gives memory for the next block: what is in `arena` does not matter. Forgets all fields.
    pub fn set_arena(&mut self, arena: Vec<u8>) {
        self.clear();
        self.arena = arena;
    }

    /// Makes it empty, and ready for a block of that length.
    ///
    /// This is for who decodes to it: a field is written to the [`space`](Self::space), [charged](Self::charge) and
    /// then [added](Self::push).
    #[inline]
    pub fn begin(&mut self, block: usize) {
        self.clear();
        // About what Huffman codes and a few indexed fields come to; more is made when it is needed.
        self.room(block + block / 2 + 8 * SLACK);
    }

    /// The octets after those of all fields, at least `length` and [`SLACK`] more: for a field on its way.
    #[inline(always)]
    #[must_use]
    pub fn space(&mut self, length: usize) -> &mut [u8] {
        self.room(length);
        self.arena.get_mut(self.used..).unwrap_or_default()
    }

    #[inline(always)]
    fn room(&mut self, length: usize) {
        let needed = self.used + length + SLACK;
        if needed > self.arena.len() {
            self.grow(needed);
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let length = needed.max(self.arena.len() * 2).max(self.arena.capacity().min(4 * needed));
        self.arena.resize(length, 0);
    }

    /// True if a field of that size may still be added. If not, nothing more can be.
    #[inline(always)]
    #[must_use]
    pub fn charge(&mut self, size: usize, limits: &BlockLimits) -> bool {
        let list_size = self.list_size.saturating_add(size);
        // Offsets have 32 bits.
        let most = limits.list_size.min(u32::MAX as usize);
        if self.exceeded.is_some() | (self.positions.len() >= limits.fields) | (list_size > most) {
            self.exceed(limits);
            return false;
        }
        self.list_size = list_size;
        true
    }

    #[cold]
    fn exceed(&mut self, limits: &BlockLimits) {
        if self.exceeded.is_none() {
            let full = self.positions.len() >= limits.fields;
            self.exceeded = Some(if full { Exceeded::FieldCount } else { Exceeded::ListSize });
        }
    }

    /// Adds the field at the front of the free space, after [`charge`](Self::charge) has agreed.
    #[inline(always)]
    pub fn push(&mut self, mut position: Position) {
        position.start = self.used as u32;
        self.used += position.name_len as usize + position.value_len as usize;
        self.positions.push(position);
    }
}

/// Size of a field with a name and a value of so many octets (RFC 7541 §4.1, RFC 9204 §3.2.1).
#[inline(always)]
#[must_use]
pub const fn size(name: usize, value: usize) -> usize {
    name + value + FIELD_OVERHEAD
}

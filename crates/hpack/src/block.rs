//! Decoded blocks.

use alloc::vec::Vec;
use core::ops::Range;

use crate::static_name::StaticName;

/// What a block may have. What is beyond is decoded, so that the table stays right, and not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLimits {
    /// Fields.
    pub fields: usize,
    /// Octets of names and values, and 32 for each field (RFC 7541 §4.1).
    pub list_size: usize,
}

impl Default for BlockLimits {
    /// 128 fields, 64 KiB.
    fn default() -> BlockLimits {
        BlockLimits { fields: 128, list_size: 64 * 1024 }
    }
}

/// The limit that a block passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// [`BlockLimits::fields`].
    FieldCount,
    /// [`BlockLimits::list_size`].
    ListSize,
}

/// Where a field of a [`HeaderBlock`] lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    name_start: u32,
    name_len: u32,
    value_start: u32,
    value_len: u32,
    /// 0: the name is in the arena.
    static_name: u8,
    static_index: u8,
    sensitive: bool,
}

impl Position {
    /// Where the name lies in the arena; empty where [`static_name`](Position::static_name) is known.
    #[inline]
    #[must_use]
    pub fn name(&self) -> Range<usize> {
        let start = self.name_start as usize;
        start..start + self.name_len as usize
    }

    /// Where the value lies in the arena.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Range<usize> {
        let start = self.value_start as usize;
        start..start + self.value_len as usize
    }

    /// The name, where it is one of the static table.
    #[inline]
    #[must_use]
    pub fn static_name(&self) -> Option<StaticName> {
        StaticName::at(self.static_name)
    }

    /// The entry of the static table that the field is; 0: none, or it came another way.
    #[inline]
    #[must_use]
    pub fn static_index(&self) -> u8 {
        self.static_index
    }

    /// The sender asked never to index it (RFC 7541 §6.2.3).
    #[inline]
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, as it came.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// The sender asked never to index it (RFC 7541 §6.2.3).
    pub sensitive: bool,
    /// The name, where it is one of the static table.
    pub static_name: Option<StaticName>,
    /// The entry of the static table that the field is; 0: none, or it came another way.
    pub static_index: u8,
}

/// The fields of a block, all octets in one arena. To be used again for the next block.
#[derive(Debug, Clone, Default)]
pub struct HeaderBlock {
    pub(crate) arena: Vec<u8>,
    positions: Vec<Position>,
    list_size: usize,
    exceeded: Option<Exceeded>,
}

impl HeaderBlock {
    /// No fields.
    #[must_use]
    pub fn new() -> HeaderBlock {
        HeaderBlock::default()
    }

    /// Drops the fields and keeps the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.arena.clear();
        self.positions.clear();
        self.list_size = 0;
        self.exceeded = None;
    }

    /// Number of fields.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Octets of names and values, and 32 for each field (RFC 7541 §4.1).
    #[must_use]
    pub fn list_size(&self) -> usize {
        self.list_size
    }

    /// The limit that the block passed; the fields are those before it did.
    #[inline]
    #[must_use]
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded
    }

    /// The fields in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Field<'_>> + Clone {
        self.positions.iter().map(|position| {
            let static_name = position.static_name();
            let name = match static_name {
                Some(name) => name.as_bytes(),
                None => self.arena.get(position.name()).unwrap_or_default(),
            };
            Field {
                name,
                value: self.arena.get(position.value()).unwrap_or_default(),
                sensitive: position.sensitive,
                static_name,
                static_index: position.static_index,
            }
        })
    }

    /// Where the fields lie in the arena.
    #[inline]
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Names and values.
    #[inline]
    #[must_use]
    pub fn arena(&self) -> &[u8] {
        &self.arena
    }

    /// Takes the arena out, for whoever goes on with the octets where they are. The positions stay.
    #[inline]
    #[must_use]
    pub fn take_arena(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.arena)
    }

    /// Gives the memory for the next block.
    #[inline]
    pub fn set_arena(&mut self, mut arena: Vec<u8>) {
        arena.clear();
        self.arena = arena;
    }

    /// Whether a field of so many octets has a place; where it has none, no other will.
    #[inline]
    pub(crate) fn admit(&mut self, octets: usize, limits: &BlockLimits) -> bool {
        if self.exceeded.is_some() {
            return false;
        }
        let size = self.list_size + octets + 32;
        if self.positions.len() >= limits.fields {
            self.exceeded = Some(Exceeded::FieldCount);
            return false;
        }
        if size > limits.list_size {
            self.exceeded = Some(Exceeded::ListSize);
            return false;
        }
        self.list_size = size;
        true
    }

    #[inline]
    pub(crate) fn push(&mut self, name: NameAt, value: Range<usize>, static_index: u8, sensitive: bool) {
        let (static_name, name) = match name {
            NameAt::Static(name) => (name.index(), 0..0),
            NameAt::Arena(range) => (0, range),
        };
        self.positions.push(Position {
            name_start: name.start as u32,
            name_len: name.len() as u32,
            value_start: value.start as u32,
            value_len: value.len() as u32,
            static_name,
            static_index,
            sensitive,
        });
    }
}

/// Where a name is.
#[derive(Debug, Clone)]
pub(crate) enum NameAt {
    Static(StaticName),
    Arena(Range<usize>),
}

//! The parts of a field list: the block of bytes and the index into it.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::field_id::FieldId;
use crate::field_memory;

pub(crate) use crate::field_entry::Entry;

/// Names and values together stay below this.
pub(crate) const MAX_BLOCK: usize = 1 << 31;
/// Room that the first added line makes, so that a usual response needs no more.
const USUAL_BYTES: usize = 120;
/// Never to be put into a compression table (RFC 7541 §7.1.3).
pub(crate) const SENSITIVE: u8 = 1;
/// Name and value have been checked when the line was added.
pub(crate) const CHECKED: u8 = 2;

/// The bytes that the index points into.
#[derive(Clone)]
pub(crate) enum Block {
    /// As it was received.
    Shared(Bytes),
    /// Ours to append to.
    Owned(Vec<u8>),
}

impl Default for Block {
    fn default() -> Block {
        Block::Owned(Vec::new())
    }
}

impl Block {
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Block::Shared(bytes) => bytes,
            Block::Owned(bytes) => bytes,
        }
    }

    /// The bytes as ours, with room for `more`.
    #[inline]
    pub(crate) fn into_owned(self, more: usize) -> Vec<u8> {
        let (mut owned, received) = match self {
            Block::Owned(bytes) => (bytes, Bytes::new()),
            Block::Shared(bytes) => (Vec::new(), bytes),
        };
        if owned.capacity() == 0 {
            owned = field_memory::take_block();
            owned.reserve(received.len() + more.max(USUAL_BYTES));
            owned.extend_from_slice(&received);
        }
        owned
    }
}

/// One field line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as it came.
    pub name: &'a [u8],
    /// The value without the white space around it.
    pub value: &'a [u8],
    /// The name's number.
    pub id: FieldId,
    /// The sender asked not to put it into compression tables.
    pub sensitive: bool,
    checked: bool,
}

/// A field name to look for: a well-known one by number, or any other by its bytes in any case.
#[derive(Clone, Copy, Debug)]
pub struct FieldName<'a> {
    pub(crate) id: FieldId,
    pub(crate) name: &'a [u8],
    /// `name` is that of `id`, to the letter.
    pub(crate) canonical: bool,
}

impl From<FieldId> for FieldName<'static> {
    fn from(id: FieldId) -> Self {
        FieldName { id, name: id.name().as_bytes(), canonical: id.is_known() }
    }
}

impl<'a> From<&'a str> for FieldName<'a> {
    fn from(name: &'a str) -> Self {
        name.as_bytes().into()
    }
}

impl<'a> From<&'a [u8]> for FieldName<'a> {
    fn from(name: &'a [u8]) -> Self {
        let id = FieldId::of(name);
        FieldName { id, name, canonical: id.is_known() && name == id.name().as_bytes() }
    }
}

impl Entry {
    #[inline]
    pub(crate) fn field<'a>(&self, block: &'a [u8]) -> Field<'a> {
        let name = if self.name_len == 0 {
            self.id.name().as_bytes()
        } else {
            slice(block, self.name_start, u32::from(self.name_len))
        };
        Field {
            name,
            value: slice(block, self.value_start, self.value_len),
            id: self.id,
            sensitive: self.flags & SENSITIVE != 0,
            checked: self.flags & CHECKED != 0,
        }
    }

    #[inline]
    pub(crate) fn matches(&self, wanted: FieldName<'_>, block: &[u8]) -> bool {
        if wanted.id.is_known() || self.id.is_known() {
            return self.id == wanted.id;
        }
        usize::from(self.name_len) == wanted.name.len()
            && slice(block, self.name_start, u32::from(self.name_len)).eq_ignore_ascii_case(wanted.name)
    }
}

#[inline]
fn slice(block: &[u8], start: u32, len: u32) -> &[u8] {
    let start = start as usize;
    block.get(start..start + len as usize).unwrap_or_default()
}

impl<'a> Field<'a> {
    /// True when name and value were checked as the line was added ([`Fields::push`](crate::Fields::push)), so
    /// that an encoder need not do it again. Lines that a codec received are not: their message may have had other
    /// rules.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.checked
    }

    /// The value as text, when it is UTF-8.
    #[must_use]
    pub fn value_str(&self) -> Option<&'a str> {
        core::str::from_utf8(self.value).ok()
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = matches!(
            self.id,
            FieldId::AUTHORIZATION | FieldId::PROXY_AUTHORIZATION | FieldId::COOKIE | FieldId::SET_COOKIE
        );
        if secret || self.sensitive {
            return write!(f, "{}: (secret)", self.name.escape_ascii());
        }
        write!(f, "{}: {}", self.name.escape_ascii(), self.value.escape_ascii())
    }
}

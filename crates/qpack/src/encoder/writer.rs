//! Field lines (RFC 9204 §4.5) and the inserts that go with them (§4.3).

use alloc::vec::Vec;

use wirelace_hpack::search::{FieldHash, field_hash, name_hash};
use wirelace_hpack::{Indexing, Name, StaticName, is_secret, size, write_string};
use wirelace_wire::prefix_int::write_prefix_int;

use crate::prefix;
use crate::static_table;

use super::entries::{Named, Room};
use super::state::State;

/// Writes the fields of a section, in one pass: entries that are inserted on the way come after the section's Base.
#[derive(Debug)]
pub struct FieldWriter<'a> {
    state: &'a mut State,
    out: &'a mut Vec<u8>,
    stream: u64,
    /// Where the section begins in `out`: with room for a prefix.
    start: usize,
    base: u64,
    /// Its Required Insert Count so far.
    required: u64,
    /// The oldest entry that it refers to so far.
    lowest: u64,
    /// Entries below that may be referred to.
    end: u64,
    /// So may those to come.
    may_block: bool,
}

/// Where a name was found.
#[derive(Clone, Copy)]
enum Index {
    Static(u8),
    Dynamic(u64),
    None,
}

impl<'a> FieldWriter<'a> {
    #[inline]
    pub(super) fn new(state: &'a mut State, stream: u64, out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.resize(start + state.prefix_length, 0);
        let base = state.entries.count();
        let full = state.sent.is_full();
        let limit = state.blocked_streams;
        let may_block = !full && state.entries.capacity() > 0 && state.sent.may_block(stream, limit);
        let end = if full {
            0
        } else if may_block {
            u64::MAX
        } else {
            state.entries.known()
        };
        Self { state, out, stream, start, base, required: 0, lowest: u64::MAX, end, may_block }
    }

    /// Appends a field. A literal name has to be in lower case and not empty.
    #[inline]
    pub fn field(&mut self, name: Name<'_>, value: &[u8], indexing: Indexing) {
        let (static_name, octets) = match name {
            Name::Static(name) => (Some(name), name.as_bytes()),
            Name::Literal(name) => (StaticName::of(name), name),
        };
        let first = static_table::name(static_name, octets);
        let name = Named { static_name, octets, hash: name_hash(static_name, octets) };
        if indexing == Indexing::Never || (indexing == Indexing::Auto && is_secret(static_name, value)) {
            let index = self.name_index(first, name);
            self.literal(index, octets, value, true);
            return;
        }
        if let Some(index) = first.and_then(|first| static_table::find(first, value)) {
            write_prefix_int(self.out, 6, 0xc0, u64::from(index));
            return;
        }
        let hash = field_hash(name.hash, value);
        self.state.counts.note(hash.get() as u32);
        if let Some(number) = self.state.entries.find(name, value, hash, self.end) {
            self.state.habits.found(static_name, name.hash.get());
            self.found(number, name, value, hash);
            return;
        }
        self.not_found(first, name, value, hash, indexing);
    }

    /// A field that the table has. What will soon be evicted is made new first, and not referred to any longer, which
    /// would keep it from being evicted (RFC 9204 §2.1.1.1).
    #[inline]
    fn found(&mut self, number: u64, name: Named<'_>, value: &[u8], hash: FieldHash) {
        if self.state.entries.is_draining(number) && !self.has_newer(number, name, value, hash) {
            let size = size(name.octets.len(), value.len());
            // It is not to be evicted for its own copy if it is what the section refers to.
            let lowest = if self.may_block { self.lowest } else { self.lowest.min(number) };
            if self.state.entries.room(size, lowest, 0, |_, _| false) != Room::None
                && self.state.renew(number)
                && self.may_block
            {
                self.indexed(self.state.entries.count() - 1);
                return;
            }
        }
        self.indexed(number);
    }

    /// Whether that entry was made new already, which the decoder perhaps does not know yet.
    #[cold]
    fn has_newer(&self, number: u64, name: Named<'_>, value: &[u8], hash: FieldHash) -> bool {
        self.state.entries.find(name, value, hash, u64::MAX) != Some(number)
    }

    /// A field that no table has, or none that this section may refer to. Apart, to keep [`field`](Self::field) small.
    #[inline(never)]
    fn not_found(
        &mut self,
        first: Option<u8>,
        name: Named<'_>,
        value: &[u8],
        hash: FieldHash,
        indexing: Indexing,
    ) {
        let insert = indexing == Indexing::Auto
            && self.state.entries.capacity() > 0
            && self.state.habits.missed(name.static_name, name.hash.get(), hash.get())
            && size(name.octets.len(), value.len()) <= self.state.entries.capacity() / 4 * 3;
        if insert
            && let Some(number) = self.insert(first, name, value, hash)
            && self.may_block
        {
            self.indexed(number);
            return;
        }
        let index = self.name_index(first, name);
        self.literal(index, name.octets, value, false);
    }

    /// §4.3.2, §4.3.3.
    fn insert(&mut self, first: Option<u8>, name: Named<'_>, value: &[u8], hash: FieldHash) -> Option<u64> {
        // Whatever cannot be referred to yet is there all the same, and perhaps needed more than this.
        if !self.may_block && self.state.entries.find(name, value, hash, u64::MAX).is_some() {
            return None;
        }
        let size = size(name.octets.len(), value.len());
        if !self.state.make_room(size, hash.get() as u32, self.lowest) {
            return None;
        }
        let entries = &self.state.entries;
        let index = match first {
            Some(index) => Index::Static(index),
            // Instructions arrive in order: any entry will do.
            None => {
                entries.find_name(name, u64::MAX).map_or(Index::None, |at| Index::Dynamic(entries.age(at)))
            }
        };
        let written = self.state.instruct(|out| {
            match index {
                Index::Static(index) => write_prefix_int(out, 6, 0xc0, u64::from(index)),
                Index::Dynamic(age) => write_prefix_int(out, 6, 0x80, age),
                Index::None => write_string(out, 5, 0x40, name.octets),
            }
            write_string(out, 7, 0, value);
        });
        written.then(|| self.state.entries.insert(name, value, hash))
    }

    #[inline(always)]
    fn name_index(&self, first: Option<u8>, name: Named<'_>) -> Index {
        match first {
            Some(index) => Index::Static(index),
            None => self.state.entries.find_name(name, self.end).map_or(Index::None, Index::Dynamic),
        }
    }

    #[inline(always)]
    fn refer(&mut self, number: u64) {
        self.required = self.required.max(number + 1);
        self.lowest = self.lowest.min(number);
    }

    /// §4.5.2, T = 0, and §4.5.3.
    #[inline(always)]
    fn indexed(&mut self, number: u64) {
        self.refer(number);
        match number.checked_sub(self.base) {
            Some(index) => write_prefix_int(self.out, 4, 0x10, index),
            None => write_prefix_int(self.out, 6, 0x80, self.base - 1 - number),
        }
    }

    /// §4.5.4 to §4.5.6.
    #[inline(always)]
    fn literal(&mut self, index: Index, name: &[u8], value: &[u8], never: bool) {
        let flag = |bit: u8| if never { bit } else { 0 };
        match index {
            Index::Static(index) => write_prefix_int(self.out, 4, 0x50 | flag(0x20), u64::from(index)),
            Index::Dynamic(number) => {
                self.refer(number);
                match number.checked_sub(self.base) {
                    Some(index) => write_prefix_int(self.out, 3, flag(0x08), index),
                    None => write_prefix_int(self.out, 4, 0x40 | flag(0x20), self.base - 1 - number),
                }
            }
            Index::None => write_string(self.out, 3, 0x20 | flag(0x10), name),
        }
        write_string(self.out, 7, 0, value);
    }

    /// Writes the prefix in front of the fields.
    #[inline]
    pub(super) fn finish(self) {
        let Self { state, out, stream, start, base, required, lowest, .. } = self;
        let (reserved, end) = (state.prefix_length, out.len());
        prefix::write(out, required, base, state.max_entries);
        let length = out.len() - end;
        if length == reserved {
            out.copy_within(end.., start);
            out.truncate(end);
        } else {
            let prefix = out.split_off(end);
            out.splice(start..start + reserved, prefix);
        }
        state.prefix_length = length;
        if required > 0 {
            state.sent.add(stream, required, lowest, &mut state.entries);
        }
    }
}

//! The encoder's table: what is in it, what may be referred to, and what may be evicted.

use alloc::vec::Vec;

use wirelace_hpack::search::{FieldHash, Link, Linked, NameHash, Search};
use wirelace_hpack::table::{Entry, Table};
use wirelace_hpack::{StaticName, size};

/// An entry is draining when so much of the table, in sixteenths, was inserted since, with itself: it will soon be
/// evicted (RFC 9204 §2.1.1.1).
const DRAINING: u64 = 14;

/// What an entry has beside its octets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    link: Link,
    /// Octets of all entries up to it, with it. It wraps around.
    end: u32,
    /// Sections that were not acknowledged, and whose oldest reference it is.
    ///
    /// That is enough to know: entries leave in their order, so one that is referred to stays as long as the oldest
    /// that the same section refers to.
    pins: u32,
}

/// What has to be done for an entry to be inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Nothing: there is room, or only what is not to be kept is evicted.
    Free,
    /// That entry is in the way, and to be kept: it has to be made new first.
    After(u64),
    /// Something that cannot be evicted is in the way, or too much that is to be kept.
    None,
}

impl Linked for Kept {
    #[inline(always)]
    fn link(&self) -> &Link {
        &self.link
    }

    #[inline(always)]
    fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }
}

/// A name as it is looked for.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) static_name: Option<StaticName>,
    pub(super) octets: &'a [u8],
    pub(super) hash: NameHash,
}

/// Entries are numbered from 0 on, as RFC 9204 §3.2.4 does.
#[derive(Debug, Default)]
pub(super) struct Entries {
    table: Table<Kept>,
    search: Search,
    /// How many were inserted.
    count: u64,
    /// How many of them the decoder is known to have: the Known Received Count.
    known: u64,
    /// Octets of all that were inserted. It wraps around.
    end: u32,
}

impl Entries {
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        // Only ever before the first insert: peers cannot change a limit that is not zero.
        if self.count == 0 {
            self.table.set_max(capacity);
        }
    }

    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.table.max()
    }

    #[inline(always)]
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    #[inline(always)]
    pub(super) fn known(&self) -> u64 {
        self.known
    }

    /// The decoder has so many, and perhaps has had before.
    pub(super) fn set_known(&mut self, known: u64) {
        self.known = self.known.max(known.min(self.count));
    }

    /// The number of the newest entry with that name and value, below `end`.
    #[inline(always)]
    pub(super) fn find(&self, name: Named<'_>, value: &[u8], hash: FieldHash, end: u64) -> Option<u64> {
        let newest = self.count.wrapping_sub(1);
        let usable = |age: usize| newest - (age as u64) < end;
        self.search
            .field(&self.table, hash, name.static_name, name.octets, value, usable)
            .map(|age| newest - age as u64)
    }

    /// The number of the newest entry with that name, below `end`.
    #[inline(always)]
    pub(super) fn find_name(&self, name: Named<'_>, end: u64) -> Option<u64> {
        let newest = self.count.wrapping_sub(1);
        let usable = |age: usize| newest - (age as u64) < end;
        self.search
            .name(&self.table, name.hash, name.static_name, name.octets, usable)
            .map(|age| newest - age as u64)
    }

    /// How far back that entry is: its relative index in an instruction (RFC 9204 §3.2.5).
    #[inline(always)]
    pub(super) fn age(&self, number: u64) -> u64 {
        self.count - 1 - number
    }

    /// Whether that entry will be evicted before long.
    #[inline]
    pub(super) fn is_draining(&self, number: u64) -> bool {
        let Some(entry) = self.get(number) else { return false };
        let since = self.end.wrapping_sub(entry.extra.end).saturating_add(entry.size);
        u64::from(since) * 16 > self.table.max() as u64 * DRAINING
    }

    /// Whether an entry of that size can be inserted, evicting only what no one needs: entries below `lowest`, which
    /// the decoder has, and to which no section refers that was not acknowledged (RFC 9204 §2.1.1). At most `most` of
    /// those in the way, given by hash and size, may be ones to keep: they have to be made new first.
    pub(super) fn room(
        &self,
        size: usize,
        lowest: u64,
        most: usize,
        keep: impl Fn(u32, u32) -> bool,
    ) -> Room {
        if size > self.table.max() {
            return Room::None;
        }
        let mut free = self.table.max() - self.table.size();
        let end = lowest.min(self.known);
        let mut number = self.count - self.table.count() as u64;
        let (mut first, mut kept) = (None, 0);
        while free < size {
            let Some(entry) = self.get(number).filter(|entry| number < end && entry.extra.pins == 0) else {
                return Room::None;
            };
            if keep(entry.extra.link.field_hash(), entry.size) {
                if kept == most {
                    return Room::None;
                }
                kept += 1;
                first = first.or(Some(number));
            } else {
                free += entry.size as usize;
            }
            number += 1;
        }
        first.map_or(Room::Free, Room::After)
    }

    /// Inserts an entry again, whose size there is room for (RFC 9204 §4.3.4); returns the number of the copy.
    pub(super) fn duplicate(&mut self, number: u64, scratch: &mut Vec<u8>) -> u64 {
        let Some(entry) = self.get(number).copied() else { return number };
        let start = entry.start as usize;
        scratch.clear();
        scratch.extend_from_slice(self.table.bytes().get(start..start + entry.stored()).unwrap_or_default());
        self.add(entry, scratch, &[])
    }

    /// Inserts a field that there [is room](Self::has_room) for; returns its number.
    pub(super) fn insert(&mut self, name: Named<'_>, value: &[u8], hash: FieldHash) -> u64 {
        let stored = if name.static_name.is_some() { &[][..] } else { name.octets };
        let entry = Entry {
            start: 0,
            name_len: stored.len() as u32,
            value_len: value.len() as u32,
            size: size(name.octets.len(), value.len()) as u32,
            static_name: name.static_name,
            extra: Kept { link: Link::new(name.hash, hash), ..Kept::default() },
        };
        self.add(entry, stored, value)
    }

    fn add(&mut self, mut entry: Entry<Kept>, name: &[u8], value: &[u8]) -> u64 {
        self.end = self.end.wrapping_add(entry.size);
        entry.extra.end = self.end;
        entry.extra.pins = 0;
        self.table.insert(entry, |space| {
            let (name_space, rest) = space.split_at_mut(name.len().min(space.len()));
            name_space.copy_from_slice(name);
            if let Some(value_space) = rest.get_mut(..value.len()) {
                value_space.copy_from_slice(value);
            }
        });
        self.search.inserted(&mut self.table);
        self.count += 1;
        self.count - 1
    }

    pub(super) fn pin(&mut self, number: u64) {
        if let Some(entry) = self.get_mut(number) {
            entry.extra.pins += 1;
        }
    }

    pub(super) fn unpin(&mut self, number: u64) {
        if let Some(entry) = self.get_mut(number) {
            entry.extra.pins = entry.extra.pins.saturating_sub(1);
        }
    }

    #[inline(always)]
    fn get(&self, number: u64) -> Option<&Entry<Kept>> {
        let age = self.count.checked_sub(1)?.checked_sub(number)?;
        usize::try_from(age).ok().and_then(|age| self.table.get(age))
    }

    #[inline(always)]
    fn get_mut(&mut self, number: u64) -> Option<&mut Entry<Kept>> {
        let age = self.count.checked_sub(1)?.checked_sub(number)?;
        usize::try_from(age).ok().and_then(|age| self.table.get_mut(age))
    }
}

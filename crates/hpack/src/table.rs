//! The dynamic table (RFC 7541 §2.3.2, §4): a ring of entries over one buffer of octets.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::static_name::StaticName;

/// What an entry costs beside its octets (RFC 7541 §4.1).
pub(crate) const OVERHEAD: usize = 32;

/// An entry. Names of the static table need no octets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Where its octets begin, counted from the first that ever were in the table.
    start: u64,
    name_len: u32,
    value_len: u32,
    /// 0: the name is among the octets.
    static_name: u8,
}

impl Entry {
    fn size(&self) -> usize {
        let name = self.static_name().map_or(self.name_len as usize, |name| name.as_bytes().len());
        name + self.value_len as usize + OVERHEAD
    }

    #[inline]
    pub(crate) fn static_name(&self) -> Option<StaticName> {
        StaticName::at(self.static_name)
    }
}

/// A dynamic table. The memory is at most twice its size, and 24 octets for each entry.
#[derive(Debug)]
pub(crate) struct Table {
    entries: VecDeque<Entry>,
    octets: Vec<u8>,
    /// What was dropped in front of `octets`.
    dropped: u64,
    size: usize,
    max_size: usize,
    /// Entries that were ever inserted.
    inserted: u32,
}

impl Table {
    pub(crate) fn new(max_size: usize) -> Table {
        Table { entries: VecDeque::new(), octets: Vec::new(), dropped: 0, size: 0, max_size, inserted: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn max_size(&self) -> usize {
        self.max_size
    }

    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Entries that were ever inserted: the newest has this number, the first has 1. It wraps.
    pub(crate) fn inserted(&self) -> u32 {
        self.inserted
    }

    /// The entry, the newest being 0.
    #[inline]
    pub(crate) fn get(&self, age: usize) -> Option<&Entry> {
        self.entries.get(self.entries.len().checked_sub(age + 1)?)
    }

    /// An entry's name, where it is not of the static table, and its value.
    #[inline]
    pub(crate) fn octets(&self, entry: &Entry) -> (&[u8], &[u8]) {
        let start = (entry.start - self.dropped) as usize;
        let len = entry.name_len as usize + entry.value_len as usize;
        let octets = self.octets.get(start..start + len).unwrap_or_default();
        octets.split_at_checked(entry.name_len as usize).unwrap_or_default()
    }

    pub(crate) fn set_max_size(&mut self, max_size: usize) {
        self.max_size = max_size;
        self.make_room(0);
        if max_size == 0 {
            self.octets = Vec::new();
        }
    }

    /// Evicts until `size` more fit.
    #[inline]
    fn make_room(&mut self, size: usize) {
        while self.size + size > self.max_size {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.size -= oldest.size();
        }
    }

    /// Inserts an entry; false when it is larger than the table, which is empty then (RFC 7541 §4.4).
    #[inline]
    pub(crate) fn insert(&mut self, static_name: Option<StaticName>, name: &[u8], value: &[u8]) -> bool {
        let name_len = static_name.map_or(name.len(), |name| name.as_bytes().len());
        let size = name_len + value.len() + OVERHEAD;
        self.make_room(size);
        if size > self.max_size {
            return false;
        }
        self.compact(name.len() + value.len());
        let stored: &[u8] = if static_name.is_some() { &[] } else { name };
        let start = self.dropped + self.octets.len() as u64;
        self.octets.extend_from_slice(stored);
        self.octets.extend_from_slice(value);
        self.size += size;
        self.inserted = self.inserted.wrapping_add(1);
        self.entries.push_back(Entry {
            start,
            name_len: stored.len() as u32,
            value_len: value.len() as u32,
            static_name: static_name.map_or(0, StaticName::index),
        });
        true
    }

    /// Drops what evicted entries left, once it is as much as the table may hold: each octet is moved at most once for
    /// each that was inserted.
    #[inline]
    fn compact(&mut self, more: usize) {
        if self.octets.len() + more <= 2 * self.max_size {
            return;
        }
        let live =
            self.entries.front().map_or(self.octets.len(), |oldest| (oldest.start - self.dropped) as usize);
        self.octets.drain(..live.min(self.octets.len()));
        self.dropped += live as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn entries_go_in_order_and_memory_is_bounded() {
        let mut table = Table::new(200);
        for n in 0..10_000u32 {
            let value = vec![b'v'; (n % 90) as usize];
            assert!(table.insert(None, b"name", &value));
            assert!(table.size() <= 200 && table.octets.capacity() <= 800);
            let newest = table.get(0).unwrap();
            assert_eq!(table.octets(newest), (&b"name"[..], &value[..]));
            for age in 0..table.len() {
                let expected = ((n - age as u32) % 90) as usize;
                assert_eq!(table.octets(table.get(age).unwrap()).1.len(), expected);
            }
        }
        assert_eq!(table.inserted(), 10_000);
        table.set_max_size(0);
        assert_eq!((table.len(), table.size()), (0, 0));
        assert!(!table.insert(None, b"a", b""));
    }

    #[test]
    fn an_entry_larger_than_the_table_empties_it() {
        let mut table = Table::new(100);
        assert!(table.insert(Some(StaticName::DATE), b"date", b"1"));
        assert_eq!(table.size(), 37);
        assert!(!table.insert(None, b"name", &[0; 65]));
        assert_eq!((table.len(), table.size()), (0, 0));
        assert!(table.insert(None, b"name", &[0; 64]));
        assert_eq!(table.size(), 100);
    }
}

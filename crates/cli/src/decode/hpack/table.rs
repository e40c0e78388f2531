//! How full the dynamic table is (RFC 7541 §4).

use std::collections::VecDeque;
use std::fmt;

use wirelace::hpack::{DEFAULT_TABLE_SIZE, FIELD_OVERHEAD};

use crate::decode::tree::Count;

/// The sizes of the entries, the newest first.
pub(super) struct TableSizes {
    entries: VecDeque<usize>,
    size: usize,
    max: usize,
}

impl TableSizes {
    pub(super) fn new() -> TableSizes {
        TableSizes { entries: VecDeque::new(), size: 0, max: DEFAULT_TABLE_SIZE }
    }

    /// A size update; returns how many entries it evicts.
    pub(super) fn resize(&mut self, max: usize) -> usize {
        self.max = max;
        self.evict(max)
    }

    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) -> Inserted {
        let size = name.len() + value.len() + FIELD_OVERHEAD;
        let evicted = self.evict(self.max.saturating_sub(size));
        let fits = size <= self.max;
        if fits {
            self.entries.push_front(size);
            self.size += size;
        }
        Inserted { fits, evicted, entries: self.entries.len(), size: self.size, max: self.max }
    }

    /// Until at most `left` octets are left.
    fn evict(&mut self, left: usize) -> usize {
        let before = self.entries.len();
        while self.size > left {
            self.size -= self.entries.pop_back().unwrap_or(self.size);
        }
        before - self.entries.len()
    }
}

/// What an insertion did.
pub(super) struct Inserted {
    fits: bool,
    evicted: usize,
    entries: usize,
    size: usize,
    max: usize,
}

impl fmt::Display for Inserted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inserted { entries, size, max, .. } = *self;
        let entries = Count(entries, "entry");
        match self.fits {
            true => write!(f, "now entry 62; the table has {entries}, {size} of {max} octets")?,
            false => write!(f, "larger than the table of {max} octets, which is empty now")?,
        }
        match self.evicted {
            0 => Ok(()),
            evicted => write!(f, ", {} evicted", Count(evicted, "entry")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_make_room() {
        let mut table = TableSizes::new();
        assert_eq!(table.resize(100), 0);
        let field = |table: &mut TableSizes, len| table.insert(b"", &vec![b'x'; len]).to_string();
        assert_eq!(field(&mut table, 8), "now entry 62; the table has 1 entry, 40 of 100 octets");
        assert_eq!(field(&mut table, 28), "now entry 62; the table has 2 entries, 100 of 100 octets");
        assert_eq!(
            field(&mut table, 1),
            "now entry 62; the table has 2 entries, 93 of 100 octets, 1 entry evicted"
        );
        assert_eq!(
            field(&mut table, 69),
            "larger than the table of 100 octets, which is empty now, 2 entries evicted"
        );
        assert_eq!(field(&mut table, 0), "now entry 62; the table has 1 entry, 32 of 100 octets");
        assert_eq!((table.resize(32), table.resize(31)), (0, 1));
    }
}

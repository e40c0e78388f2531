//! The dynamic table (RFC 7541 §2.3.2, §4; RFC 9204 §3.2): a ring of entries over a ring of octets.
//!
//! The octets of an entry lie in one piece: one that does not fit before the end of the ring goes to its front. With
//! twice the size of the table there is always room for that, since each entry counts [`FIELD_OVERHEAD`] octets
//! more than it has. Both rings grow as they fill: a table that nobody uses has no memory.

use alloc::vec::Vec;

use crate::FIELD_OVERHEAD;
use crate::octets::CHUNK;
use crate::static_name::StaticName;

/// Octets after each entry that may be read, and written while it is made: short copies then have a fixed length.
pub const SLACK: usize = FIELD_OVERHEAD;
const _: () = assert!(SLACK >= CHUNK);

/// Largest table, in octets: offsets into twice as many fit 32 bits.
pub const LARGEST: usize = 1 << 30;

const FIRST_BYTES: usize = 512;
const FIRST_ENTRIES: usize = 8;

/// An entry; `X` is what the encoder needs to find it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry<X> {
    /// Where its name, if not static, and then its value lie in [`Table::bytes`].
    pub start: u32,
    /// 0 if the name is static: such names are not stored.
    pub name_len: u32,
    /// Octets of its value.
    pub value_len: u32,
    /// RFC 7541 §4.1.
    pub size: u32,
    /// Its name, if the static table has it.
    pub static_name: Option<StaticName>,
    /// What its user keeps with it.
    pub extra: X,
}

impl<X> Entry<X> {
    /// How many octets of the ring it takes.
    #[inline(always)]
    #[must_use]
    pub const fn stored(&self) -> usize {
        self.name_len as usize + self.value_len as usize
    }
}

/// The table: what was inserted, as far as it has not been evicted.
#[derive(Debug, Default)]
pub struct Table<X> {
    bytes: Vec<u8>,
    /// A power of two; an entry stands at its number modulo that.
    entries: Vec<Entry<X>>,
    /// Number of the entry to come. Numbers wrap around.
    next: u32,
    count: u32,
    size: usize,
    max: usize,
    /// Where the octets of the next entry go, if they fit.
    write: usize,
}

impl<X: Copy + Default> Table<X> {
    /// A table of at most `max` octets, and of [`LARGEST`]; without memory.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max: max.min(LARGEST), ..Self::default() }
    }

    /// The most that it may have, in octets.
    #[inline(always)]
    #[must_use]
    pub fn max(&self) -> usize {
        self.max
    }

    /// Octets that its entries count.
    #[inline(always)]
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many entries it has.
    #[inline(always)]
    #[must_use]
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Octets of all entries, and more.
    #[inline(always)]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Changes the size; evicts what is too much.
    pub fn set_max(&mut self, max: usize) {
        self.max = max.min(LARGEST);
        self.evict_to(self.max);
    }

    /// Gives back memory that a table of the size it has now can do without.
    pub fn shrink(&mut self) {
        if self.bytes.len() > self.largest() {
            self.move_bytes(self.largest().min(self.live() + FIRST_BYTES));
        }
        let most = self.most_entries();
        if self.entries.len() > most {
            self.move_entries(most.max(self.count().next_power_of_two()));
        }
    }

    /// The entry inserted `age` entries before the newest.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, age: usize) -> Option<&Entry<X>> {
        if age >= self.count() {
            return None;
        }
        self.entries.get(self.slot(self.next.wrapping_sub(1).wrapping_sub(age as u32)))
    }

    /// How many entries were inserted after that one, if it is still there.
    #[inline(always)]
    #[must_use]
    pub fn age(&self, number: u32) -> Option<usize> {
        let age = self.next.wrapping_sub(1).wrapping_sub(number);
        (age < self.count).then_some(age as usize)
    }

    /// The number of the entry to come.
    #[inline(always)]
    #[must_use]
    pub fn next(&self) -> u32 {
        self.next
    }

    /// As [`get`](Self::get), to change what is kept with the entry.
    #[inline(always)]
    pub fn get_mut(&mut self, age: usize) -> Option<&mut Entry<X>> {
        if age >= self.count() {
            return None;
        }
        let slot = self.slot(self.next.wrapping_sub(1).wrapping_sub(age as u32));
        self.entries.get_mut(slot)
    }

    /// How many entries there is room for without a move.
    #[inline(always)]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.entries.len()
    }

    /// Numbers of all entries and the entries, oldest first.
    pub fn iter_mut(&mut self, mut each: impl FnMut(u32, &mut Entry<X>)) {
        for back in (1..=self.count).rev() {
            let number = self.next.wrapping_sub(back);
            let slot = self.slot(number);
            if let Some(entry) = self.entries.get_mut(slot) {
                each(number, entry);
            }
        }
    }

    /// Inserts an entry, evicting as many as that takes; one larger than the table only empties it (RFC 7541 §4.4).
    /// `fill` writes its octets, and up to [`SLACK`] more; [`Entry::start`] is set here. What is evicted is gone
    /// before `fill` runs.
    #[inline(always)]
    pub fn insert(&mut self, mut entry: Entry<X>, fill: impl FnOnce(&mut [u8])) {
        let size = entry.size as usize;
        let Some(left) = self.max.checked_sub(size) else {
            self.evict_to(0);
            return;
        };
        if self.size > left {
            self.evict_to(left);
        }
        if self.count() == self.entries.len() {
            self.move_entries((self.entries.len() * 2).max(FIRST_ENTRIES));
        }
        let stored = entry.stored();
        let start = match self.place(stored + SLACK) {
            Some(start) => start,
            None => self.grow(stored + SLACK),
        };
        entry.start = start as u32;
        if let Some(space) = self.bytes.get_mut(start..start + stored + SLACK) {
            fill(space);
        }
        let slot = self.slot(self.next);
        if let Some(cell) = self.entries.get_mut(slot) {
            *cell = entry;
        }
        self.write = start + stored;
        self.size += size;
        self.count += 1;
        self.next = self.next.wrapping_add(1);
    }

    #[inline(always)]
    fn slot(&self, number: u32) -> usize {
        // Empty: the slot does not exist, as it should be.
        number as usize & self.entries.len().wrapping_sub(1)
    }

    #[inline]
    fn evict_to(&mut self, limit: usize) {
        while self.size > limit && self.count > 0 {
            let size = self.get(self.count() - 1).map_or(0, |oldest| oldest.size);
            self.size -= size as usize;
            self.count -= 1;
        }
    }

    /// Where `need` octets are free in one piece.
    #[inline(always)]
    fn place(&self, need: usize) -> Option<usize> {
        let Some(oldest) = self.count.checked_sub(1).and_then(|age| self.get(age as usize)) else {
            return (need <= self.bytes.len()).then_some(0);
        };
        let oldest = oldest.start as usize;
        // In a ring that has wrapped, the slack keeps the two apart.
        let end = if self.write >= oldest { self.bytes.len() } else { oldest };
        if self.write + need <= end {
            Some(self.write)
        } else if self.write >= oldest && need <= oldest {
            Some(0)
        } else {
            None
        }
    }

    /// Makes a larger ring, and says where in it `need` octets are free.
    #[cold]
    fn grow(&mut self, need: usize) -> usize {
        let wanted = (self.bytes.len() * 2).max(FIRST_BYTES).min(self.largest());
        self.move_bytes(wanted.max(self.live() + need));
        self.write
    }

    /// The most octets that are ever needed.
    fn largest(&self) -> usize {
        2 * self.max
    }

    fn most_entries(&self) -> usize {
        (self.max / FIELD_OVERHEAD).next_power_of_two()
    }

    /// Octets of the entries, each with its slack.
    fn live(&self) -> usize {
        (0..self.count()).filter_map(|age| self.get(age)).map(|entry| entry.stored() + SLACK).sum()
    }

    fn move_bytes(&mut self, length: usize) {
        let mut moved = Vec::with_capacity(length);
        let old = core::mem::take(&mut self.bytes);
        self.iter_mut(|_, entry| {
            let from = entry.start as usize;
            entry.start = moved.len() as u32;
            moved.extend_from_slice(old.get(from..from + entry.stored()).unwrap_or_default());
        });
        self.write = moved.len();
        moved.resize(length.max(self.write + SLACK), 0);
        self.bytes = moved;
    }

    fn move_entries(&mut self, capacity: usize) {
        let mut moved = alloc::vec![Entry::default(); capacity];
        let mask = capacity.wrapping_sub(1);
        self.iter_mut(|number, entry| {
            if let Some(cell) = moved.get_mut(number as usize & mask) {
                *cell = *entry;
            }
        });
        self.entries = moved;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    /// Inserts a nameless entry (its size counts `name` octets that are not stored), in the table and in a model.
    struct Pair {
        table: Table<()>,
        model: VecDeque<(usize, Vec<u8>)>,
    }

    impl Pair {
        fn new(max: usize) -> Self {
            Self { table: Table::new(max), model: VecDeque::new() }
        }

        fn model_size(&self) -> usize {
            self.model.iter().map(|(size, _)| size).sum()
        }

        fn insert(&mut self, value: Vec<u8>, name: usize) {
            let size = value.len() + name + FIELD_OVERHEAD;
            let entry = Entry { value_len: value.len() as u32, size: size as u32, ..Entry::default() };
            self.table.insert(entry, |space| {
                // The slack is there to be overwritten.
                space.fill(0xee);
                space[..value.len()].copy_from_slice(&value);
            });
            while self.model_size() + size > self.table.max() && self.model.pop_back().is_some() {}
            if size <= self.table.max() {
                self.model.push_front((size, value));
            }
        }

        fn set_max(&mut self, max: usize) {
            self.table.set_max(max);
            while self.model_size() > max {
                self.model.pop_back();
            }
        }

        fn check(&self) {
            assert_eq!(self.table.count(), self.model.len());
            assert_eq!(self.table.size, self.model_size());
            for (age, (size, value)) in self.model.iter().enumerate() {
                let entry = self.table.get(age).unwrap();
                let start = entry.start as usize;
                assert_eq!(&self.table.bytes()[start..start + value.len()], &value[..]);
                assert!(self.table.bytes().len() >= start + value.len() + SLACK);
                assert_eq!(entry.size as usize, *size);
            }
            assert!(self.table.get(self.model.len()).is_none());
        }
    }

    #[test]
    fn an_unused_table_has_no_memory() {
        let table = Table::<u64>::new(4096);
        assert_eq!((table.bytes.capacity(), table.entries.capacity()), (0, 0));
        assert!(table.get(0).is_none());
    }

    #[test]
    fn memory_is_bounded_by_the_size() {
        let mut pair = Pair::new(4096);
        for length in (0..5000).map(|at| at * 37 % 300) {
            pair.insert(alloc::vec![length as u8; length], 0);
        }
        pair.check();
        for _ in 0..300 {
            pair.insert(Vec::new(), 0);
        }
        pair.check();
        assert_eq!(pair.table.count(), 128);
        assert!(pair.table.bytes.capacity() <= 8192);
        assert_eq!(pair.table.entries.capacity(), 128);

        pair.set_max(100);
        pair.table.shrink();
        pair.check();
        assert!(pair.table.bytes.capacity() <= 512 && pair.table.entries.capacity() <= 4);
        pair.set_max(0);
        pair.table.shrink();
        pair.insert(Vec::new(), 1);
        pair.check();
    }

    #[test]
    fn one_larger_than_the_table_empties_it() {
        let mut pair = Pair::new(100);
        pair.insert(alloc::vec![1; 10], 0);
        pair.insert(alloc::vec![2; 68], 0);
        assert_eq!(pair.table.count(), 1);
        pair.insert(alloc::vec![3; 69], 0);
        assert_eq!(pair.table.count(), 0);
        pair.check();
    }

    #[test]
    fn numbers_wrap_around() {
        let mut pair = Pair::new(300);
        pair.table.next = u32::MAX - 3;
        for at in 0..10 {
            pair.insert(alloc::vec![at; 5], 0);
            pair.check();
        }
        assert_eq!(pair.table.age(pair.table.next().wrapping_sub(1)), Some(0));
        assert_eq!(pair.table.age(pair.table.next()), None);
    }

    proptest! {
        #[test]
        fn does_what_a_list_does(
            max in 0usize..1500,
            steps in proptest::collection::vec((0usize..700, 0usize..40, 0u8..20, 0usize..1500), 0..80),
        ) {
            let mut pair = Pair::new(max);
            for (at, (length, name, what, max)) in steps.into_iter().enumerate() {
                match what {
                    0 => pair.set_max(max),
                    1 => pair.table.shrink(),
                    // Mostly short ones.
                    2..=16 => pair.insert(alloc::vec![at as u8; length / 10], name),
                    _ => pair.insert(alloc::vec![at as u8; length], name),
                }
                pair.check();
            }
        }
    }
}

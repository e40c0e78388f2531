//! Finds entries of the encoder's table by what they have.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use crate::static_name::StaticName;
use crate::table::{OVERHEAD, Table};

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash of octets, a word at a time. The table has few entries, and who floods one chain has filled the table with
/// its own fields: at most some hundred comparisons.
#[inline]
pub(crate) fn hash(seed: u64, octets: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(SEED).rotate_left(29);
    let mut hash = mix(seed, octets.len() as u64);
    let (words, rest) = octets.as_chunks::<8>();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    if let Some(last) = octets.last_chunk::<8>().filter(|_| !rest.is_empty()) {
        return mix(hash, u64::from_le_bytes(*last));
    }
    let mut word = 0;
    for &octet in rest {
        word = word << 8 | u64::from(octet);
    }
    mix(hash, word)
}

/// Hash of a name, and of a name with its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hashes {
    pub(crate) name: u64,
    pub(crate) field: u64,
}

/// What chains an entry to older ones with the same slot.
#[derive(Debug, Clone, Copy)]
struct Links {
    name: u32,
    field: u32,
    field_hash: u32,
}

/// Chains of entries by slot; each link is the number of an entry, 0: none. A chain ends at the first that was evicted,
/// since it goes from the newest to the oldest.
#[derive(Debug)]
pub(crate) struct Index {
    names: Vec<u32>,
    fields: Vec<u32>,
    /// Of the entries of the table, the oldest first.
    links: VecDeque<Links>,
    shift: u32,
}

impl Index {
    pub(crate) fn new(max_size: usize) -> Index {
        let slots = (max_size / OVERHEAD).max(1).next_power_of_two();
        Index {
            names: vec![0; slots],
            fields: vec![0; slots],
            links: VecDeque::new(),
            shift: 64 - slots.trailing_zeros().max(1),
        }
    }

    #[inline]
    fn slot(&self, hash: u64) -> usize {
        (hash.wrapping_mul(SEED) >> self.shift) as usize % self.names.len()
    }

    /// The table has just got an entry.
    pub(crate) fn inserted(&mut self, table: &Table, hashes: Hashes) {
        let number = table.inserted();
        let (name, field) = (self.slot(hashes.name), self.slot(hashes.field));
        let mut links = Links { name: 0, field: 0, field_hash: hashes.field as u32 };
        if let Some(slot) = self.names.get_mut(name) {
            links.name = core::mem::replace(slot, number);
        }
        if let Some(slot) = self.fields.get_mut(field) {
            links.field = core::mem::replace(slot, number);
        }
        self.links.push_back(links);
        self.evicted(table);
    }

    /// The table may have fewer entries.
    pub(crate) fn evicted(&mut self, table: &Table) {
        while self.links.len() > table.len() {
            self.links.pop_front();
        }
    }

    /// How old an entry is, the newest being 0; `None`: it is not there any more.
    #[inline]
    fn age(&self, table: &Table, number: u32) -> Option<usize> {
        let age = table.inserted().wrapping_sub(number) as usize;
        (number != 0 && age < self.links.len()).then_some(age)
    }

    #[inline]
    fn links(&self, age: usize) -> Option<&Links> {
        self.links.get(self.links.len().checked_sub(age + 1)?)
    }

    /// The age of an entry with this name and value.
    #[inline]
    pub(crate) fn field(
        &self,
        table: &Table,
        hash: u64,
        static_name: Option<StaticName>,
        name: &[u8],
        value: &[u8],
    ) -> Option<usize> {
        let mut number = *self.fields.get(self.slot(hash))?;
        loop {
            let age = self.age(table, number)?;
            let links = self.links(age)?;
            if links.field_hash == hash as u32
                && let Some(entry) = table.get(age)
                && entry.static_name() == static_name
            {
                let (known_name, known_value) = table.octets(entry);
                if known_value == value && (static_name.is_some() || known_name == name) {
                    return Some(age);
                }
            }
            number = links.field;
        }
    }

    /// The age of an entry with this name, which the static table does not have.
    #[inline]
    pub(crate) fn name(&self, table: &Table, hash: u64, name: &[u8]) -> Option<usize> {
        let mut number = *self.names.get(self.slot(hash))?;
        loop {
            let age = self.age(table, number)?;
            let links = self.links(age)?;
            if let Some(entry) = table.get(age)
                && entry.static_name().is_none()
                && table.octets(entry).0 == name
            {
                return Some(age);
            }
            number = links.name;
        }
    }
}

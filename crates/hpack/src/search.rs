//! Finds entries of an encoder's dynamic table by name, and by name and value.
//!
//! Each bucket leads to its newest entry, and each entry to the next older one of its bucket. Entries leave in the
//! order in which they came, so a chain ends at the first one that is gone: eviction costs nothing.

use alloc::vec::Vec;

use crate::octets::same;
use crate::static_name::StaticName;
use crate::table::{Entry, Table};

/// How many entries of a chain are looked at: a peer that makes hashes collide costs compression, not time.
const STEPS: usize = 16;

/// A number that no entry has before 2^32 of them were there. What is found is always compared.
const NONE: u32 = u32::MAX;

/// Hash of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameHash(u64);

impl NameHash {
    /// The hash as a number.
    #[inline(always)]
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Hash of a name and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldHash(u64);

impl FieldHash {
    /// The hash as a number.
    #[inline(always)]
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What an entry has beside its octets, to be found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    name_hash: u32,
    field_hash: u32,
    /// The next older entries in the same buckets.
    older_name: u32,
    older_field: u32,
}

impl Link {
    /// The link of an entry to come.
    #[inline(always)]
    #[must_use]
    pub const fn new(name: NameHash, field: FieldHash) -> Self {
        Self { name_hash: name.0 as u32, field_hash: field.0 as u32, older_name: NONE, older_field: NONE }
    }

    /// What is kept of the [`FieldHash`]: its low half.
    #[inline(always)]
    #[must_use]
    pub const fn field_hash(&self) -> u32 {
        self.field_hash
    }
}

/// What has a [`Link`], among other things.
pub trait Linked: Copy + Default {
    /// The link.
    fn link(&self) -> &Link;
    /// The link, to be changed.
    fn link_mut(&mut self) -> &mut Link;
}

impl Linked for Link {
    #[inline(always)]
    fn link(&self) -> &Link {
        self
    }

    #[inline(always)]
    fn link_mut(&mut self) -> &mut Link {
        self
    }
}

/// Where to begin looking.
#[derive(Debug, Default)]
pub struct Search {
    /// As many as the table has room for entries.
    names: Vec<u32>,
    fields: Vec<u32>,
}

impl Search {
    /// Age of the newest entry with that name and value whose age is `usable`.
    #[inline]
    pub fn field<X: Linked>(
        &self,
        table: &Table<X>,
        hash: FieldHash,
        static_name: Option<StaticName>,
        name: &[u8],
        value: &[u8],
        usable: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let mut number = bucket(&self.fields, hash.0);
        for _ in 0..STEPS {
            let age = table.age(number)?;
            let entry = table.get(age)?;
            let link = entry.extra.link();
            if link.field_hash == hash.0 as u32
                && entry.static_name == static_name
                && entry.value_len as usize == value.len()
                && has_name(table, entry, name)
                && same(octets(table, entry.start + entry.name_len, entry.value_len), value)
                && usable(age)
            {
                return Some(age);
            }
            number = link.older_field;
        }
        None
    }

    /// Age of the newest entry with that name whose age is `usable`.
    #[inline]
    pub fn name<X: Linked>(
        &self,
        table: &Table<X>,
        hash: NameHash,
        static_name: Option<StaticName>,
        name: &[u8],
        usable: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let mut number = bucket(&self.names, hash.0);
        for _ in 0..STEPS {
            let age = table.age(number)?;
            let entry = table.get(age)?;
            let link = entry.extra.link();
            if link.name_hash == hash.0 as u32
                && entry.static_name == static_name
                && has_name(table, entry, name)
                && usable(age)
            {
                return Some(age);
            }
            number = link.older_name;
        }
        None
    }

    /// Notes the entry that `table` has just got.
    #[inline]
    pub fn inserted<X: Linked>(&mut self, table: &mut Table<X>) {
        if self.fields.len() != table.capacity() {
            self.rebuild(table);
            return;
        }
        let number = table.next().wrapping_sub(1);
        if let Some(entry) = table.get_mut(0) {
            self.link(number, entry.extra.link_mut());
        }
    }

    #[inline(always)]
    fn link(&mut self, number: u32, link: &mut Link) {
        link.older_name = replace(&mut self.names, u64::from(link.name_hash), number);
        link.older_field = replace(&mut self.fields, u64::from(link.field_hash), number);
    }

    #[cold]
    fn rebuild<X: Linked>(&mut self, table: &mut Table<X>) {
        self.names = alloc::vec![NONE; table.capacity()];
        self.fields = self.names.clone();
        table.iter_mut(|number, entry| self.link(number, entry.extra.link_mut()));
    }
}

#[inline(always)]
fn bucket(heads: &[u32], hash: u64) -> u32 {
    heads.get(hash as usize & heads.len().wrapping_sub(1)).copied().unwrap_or(NONE)
}

#[inline(always)]
fn replace(heads: &mut [u32], hash: u64, number: u32) -> u32 {
    let mask = heads.len().wrapping_sub(1);
    heads.get_mut(hash as usize & mask).map_or(NONE, |head| core::mem::replace(head, number))
}

#[inline(always)]
fn octets<X: Copy + Default>(table: &Table<X>, start: u32, length: u32) -> &[u8] {
    let start = start as usize;
    table.bytes().get(start..start + length as usize).unwrap_or_default()
}

/// True if the entry's name is static (and compared as such), or is `name`.
#[inline(always)]
fn has_name<X: Copy + Default>(table: &Table<X>, entry: &Entry<X>, name: &[u8]) -> bool {
    entry.static_name.is_some() || same(octets(table, entry.start, entry.name_len), name)
}

/// Hash of a name; of one that is static, by its number.
#[inline(always)]
#[must_use]
pub fn name_hash(static_name: Option<StaticName>, name: &[u8]) -> NameHash {
    NameHash(match static_name {
        Some(name) => u64::from(name.index()).wrapping_mul(FACTOR),
        None => hash(SEED, name),
    })
}

/// Hash of the name with that hash, and a value.
#[inline(always)]
#[must_use]
pub fn field_hash(name: NameHash, value: &[u8]) -> FieldHash {
    FieldHash(hash(name.0, value))
}

const SEED: u64 = 0x2545_f491_4f6c_dd1d;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The product of two words, folded to one.
#[inline(always)]
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

/// A hash for tables of our own size: fast, not secret.
#[inline(always)]
fn hash(seed: u64, octets: &[u8]) -> u64 {
    let mut hash = seed ^ (octets.len() as u64).wrapping_mul(SEED);
    let pair = |hash, one, other| fold(one ^ FACTOR, other ^ hash);
    if octets.len() <= 16 {
        // Some octets twice, which is cheaper than each once.
        let (one, other) = match (octets.first_chunk::<8>(), octets.last_chunk::<8>()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (octets.first_chunk::<4>(), octets.last_chunk::<4>()) {
                (Some(first), Some(last)) => {
                    (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
                }
                _ => (octets.iter().fold(0, |word, &octet| word << 8 | u64::from(octet)), 0),
            },
        };
        // Twice, since a short one changes few bits.
        return fold(pair(hash, one, other), FACTOR);
    }
    let halves = |chunk: &[u8; 16]| {
        let whole = u128::from_le_bytes(*chunk);
        (whole as u64, (whole >> 64) as u64)
    };
    let (chunks, _) = octets.as_chunks::<16>();
    for chunk in chunks {
        let (one, other) = halves(chunk);
        hash = pair(hash, one, other);
    }
    let (one, other) = octets.last_chunk().map_or((0, 0), halves);
    fold(pair(hash, one, other), FACTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_differ() {
        let mut seen = alloc::collections::BTreeSet::new();
        let mut twice = 0;
        let mut add = |octets: &[u8]| twice += usize::from(!seen.insert(hash(SEED, octets) as u32));
        add(b"");
        for length in 1..100 {
            let mut octets = alloc::vec![0u8; length];
            add(&octets);
            for at in 0..length {
                octets[at] = 1;
                add(&octets);
                octets[at] = 0;
            }
        }
        // Far fewer than any bucket has.
        assert!(twice < 5, "{twice}");
    }

    #[test]
    fn buckets_fill_evenly() {
        let mut buckets = [0; 64];
        for number in 0..6400u32 {
            let value = alloc::format!("{number}");
            buckets[hash(SEED, value.as_bytes()) as usize % 64] += 1;
        }
        assert!(buckets.iter().all(|&count| (50..150).contains(&count)), "{buckets:?}");
    }
}

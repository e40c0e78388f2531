//! The streams that are open, by number.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use super::stream::Stream;
use crate::stream_id::StreamId;

/// Hashes numbers that the peer chooses, with a key that it does not know.
#[derive(Debug, Clone, Copy)]
struct Keyed {
    key: u64,
    state: u64,
}

impl Hasher for Keyed {
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let mixed = u128::from(self.state ^ value) * u128::from(self.key);
        self.state = (mixed as u64) ^ (mixed >> 64) as u64;
    }
}

impl BuildHasher for Keyed {
    type Hasher = Keyed;

    fn build_hasher(&self) -> Keyed {
        *self
    }
}

/// Streams in places that stay theirs while they are open.
#[derive(Debug)]
pub(super) struct Table {
    places: Vec<Option<Stream>>,
    free: Vec<u32>,
    numbers: HashMap<StreamId, u32, Keyed>,
}

impl Table {
    pub(super) fn new() -> Table {
        let random = RandomState::new();
        // Odd, so that no two numbers are the same after it.
        let hasher = Keyed { key: random.hash_one(1) | 1, state: random.hash_one(2) };
        Table { places: Vec::new(), free: Vec::new(), numbers: HashMap::with_hasher(hasher) }
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The place of a stream.
    pub(super) fn slot(&self, id: StreamId) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Stream> {
        self.places.get(slot as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Stream> {
        self.places.get_mut(slot as usize)?.as_mut()
    }

    pub(super) fn insert(&mut self, stream: Stream) -> u32 {
        let id = stream.id;
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.places.get_mut(slot as usize) {
                    *place = Some(stream);
                }
                slot
            }
            None => {
                self.places.push(Some(stream));
                (self.places.len() - 1) as u32
            }
        };
        self.numbers.insert(id, slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if let Some(place) = self.places.get_mut(slot as usize)
            && let Some(stream) = place
        {
            self.numbers.remove(&stream.id);
            // In its place: it is large to move.
            *place = None;
            self.free.push(slot);
        }
    }

    /// Places that may have a stream.
    pub(super) fn places(&self) -> u32 {
        self.places.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_numbers_find_them() {
        let mut table = Table::new();
        for round in 0..10u64 {
            let slots: Vec<u32> = (0..50)
                .map(|n| table.insert(Stream::new(StreamId(round * 200 + n * 4), None, None)))
                .collect();
            for (n, slot) in slots.iter().enumerate() {
                let id = StreamId(round * 200 + n as u64 * 4);
                assert_eq!(table.slot(id), Some(*slot));
                assert_eq!(table.get(*slot).map(|stream| stream.id), Some(id));
            }
            assert_eq!(table.places(), 50);
            for slot in slots {
                table.remove(slot);
                table.remove(slot);
                assert!(table.get(slot).is_none());
            }
            assert_eq!(table.len(), 0);
        }
    }
}

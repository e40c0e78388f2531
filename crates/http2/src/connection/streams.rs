//! All streams of a connection, by number.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::stream::Stream;

/// Where a stream is kept, until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u32);

/// Spreads numbers that grow in steps of two. The peer chooses them, but in growing order and few at a time.
#[derive(Default)]
pub(super) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

/// The streams that are not closed, and those that are while the application still holds what they brought.
#[derive(Debug, Default)]
pub(super) struct Streams {
    slots: Vec<Option<Stream>>,
    free: Vec<u32>,
    by_id: HashMap<u32, u32, BuildHasherDefault<NumberHasher>>,
    /// The one looked for last: most often it is the next one, too.
    last: Option<(u32, Key)>,
    /// Streams that are not closed, odd and even ones.
    open: [u32; 2],
}

impl Streams {
    /// Whether no stream is kept, closed or not.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.len() == self.free.len()
    }

    /// Streams that are not closed and have odd (`true`) numbers, or even ones.
    pub(super) fn open(&self, odd: bool) -> u32 {
        let [even_ones, odd_ones] = self.open;
        if odd { odd_ones } else { even_ones }
    }

    /// Streams that are not closed.
    pub(super) fn open_all(&self) -> u32 {
        self.open.iter().sum()
    }

    fn count(&mut self, id: u32, by: i32) {
        let [even_ones, odd_ones] = &mut self.open;
        let open = if id & 1 == 1 { odd_ones } else { even_ones };
        *open = open.saturating_add_signed(by);
    }

    #[inline]
    pub(super) fn find(&self, id: u32) -> Option<Key> {
        match self.last {
            Some((last, key)) if last == id => Some(key),
            _ => self.by_id.get(&id).map(|&index| Key(index)),
        }
    }

    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<&Stream> {
        self.slots.get(key.0 as usize)?.as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Stream> {
        self.slots.get_mut(key.0 as usize)?.as_mut()
    }

    /// Both at once, for a stream that is wanted by its number.
    #[inline]
    pub(super) fn by_id_mut(&mut self, id: u32) -> Option<(Key, &mut Stream)> {
        let key = self.find(id)?;
        self.last = Some((id, key));
        Some((key, self.get_mut(key)?))
    }

    pub(super) fn insert(&mut self, stream: Stream) -> Key {
        let id = stream.id;
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        if let Some(slot) = self.slots.get_mut(index as usize) {
            *slot = Some(stream);
        }
        self.by_id.insert(id, index);
        self.last = Some((id, Key(index)));
        self.count(id, 1);
        Key(index)
    }

    /// The stream has just been closed by both sides; it stays while the application holds what it brought.
    pub(super) fn note_closed(&mut self, id: u32) {
        self.count(id, -1);
    }

    /// Takes a stream out; `open`: it was not closed before.
    pub(super) fn remove(&mut self, key: Key, open: bool) -> Option<Stream> {
        let stream = self.slots.get_mut(key.0 as usize)?.take()?;
        self.by_id.remove(&stream.id);
        self.free.push(key.0);
        self.last = None;
        if open {
            self.count(stream.id, -1);
        }
        Some(stream)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.slots.iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.slots.iter_mut().flatten()
    }

    /// All keys that are in use.
    pub(super) fn keys(&self) -> Vec<Key> {
        let used = self.slots.iter().enumerate().filter(|(_, slot)| slot.is_some());
        used.map(|(index, _)| Key(index as u32)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn places_are_used_again_and_numbers_find_their_stream() {
        let mut streams = Streams::default();
        let now = Instant::now();
        for round in 0..50u32 {
            let ids: Vec<u32> = (0..40).map(|n| round * 100 + n * 2 + 1).collect();
            for &id in &ids {
                streams.insert(Stream::new(id, 1, 1, now));
            }
            assert_eq!((streams.open(true), streams.open(false)), (40, 0));
            for &id in ids.iter().rev() {
                let (key, stream) = streams.by_id_mut(id).unwrap();
                assert_eq!(stream.id, id);
                assert_eq!(streams.remove(key, true).unwrap().id, id);
                assert!(streams.find(id).is_none());
            }
            assert!(streams.is_empty() && streams.open_all() == 0);
        }
        assert_eq!(streams.slots.len(), 40);
    }
}

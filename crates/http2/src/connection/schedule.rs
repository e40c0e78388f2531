//! In which order streams send (RFC 9218 §10).

use std::collections::VecDeque;

use wirelace_http_semantics::Priority;

use super::streams::Key;

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: Key,
    id: u32,
    incremental: bool,
}

/// The streams with data that their windows let go. The most urgent go first; of the same urgency those whose parts
/// are of use by themselves take turns, each of the others goes as a whole, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    buckets: [VecDeque<Entry>; 8],
    /// Bit `n`: bucket `n` has entries.
    filled: u8,
}

impl Schedule {
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    pub(super) fn insert(&mut self, key: Key, id: u32, priority: Priority) {
        let urgency = usize::from(priority.urgency());
        let incremental = priority.is_incremental();
        let Some(bucket) = self.buckets.get_mut(urgency) else { return };
        let entry = Entry { key, id, incremental };
        let place = if incremental {
            bucket.len()
        } else {
            // Behind those that came before it.
            bucket.iter().position(|other| !other.incremental && other.id > id).unwrap_or(bucket.len())
        };
        bucket.insert(place, entry);
        self.filled |= 1 << urgency;
    }

    /// The stream whose turn it is.
    pub(super) fn front(&self) -> Option<Key> {
        Some(self.bucket()?.front()?.key)
    }

    fn bucket(&self) -> Option<&VecDeque<Entry>> {
        self.buckets.get(self.filled.trailing_zeros() as usize)
    }

    /// The stream whose turn it is has nothing more.
    pub(super) fn pop(&mut self) {
        let urgency = self.filled.trailing_zeros() as usize;
        if let Some(bucket) = self.buckets.get_mut(urgency) {
            bucket.pop_front();
            if bucket.is_empty() {
                self.filled &= !(1 << urgency);
            }
        }
    }

    /// The stream whose turn it is has sent a frame and has more: others get their turn, if it shares.
    pub(super) fn rotate(&mut self) {
        let urgency = self.filled.trailing_zeros() as usize;
        if let Some(bucket) = self.buckets.get_mut(urgency)
            && let Some(front) = bucket.front().copied()
            && front.incremental
        {
            bucket.rotate_left(1);
        }
    }

    pub(super) fn remove(&mut self, key: Key, priority: Priority) {
        let urgency = usize::from(priority.urgency());
        if let Some(bucket) = self.buckets.get_mut(urgency) {
            bucket.retain(|entry| entry.key != key);
            if bucket.is_empty() {
                self.filled &= !(1 << urgency);
            }
        }
    }
}

//! In which order streams send (RFC 9218 §10).

use std::collections::VecDeque;

use crate::stream_id::StreamId;

/// Streams with something to send. The most urgent go first; of the same urgency, incremental ones take turns.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    buckets: [VecDeque<(StreamId, bool)>; 8],
    /// Bit `n`: bucket `n` has entries.
    filled: u8,
}

impl Schedule {
    pub(crate) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Somebody may have data that count against no window.
    pub(crate) fn has_lost(&self) -> bool {
        false
    }

    pub(crate) fn insert(&mut self, id: StreamId, urgency: u8, incremental: bool) {
        let Some(bucket) = self.buckets.get_mut(usize::from(urgency)) else { return };
        let place = if incremental {
            bucket.len()
        } else {
            bucket.iter().position(|(other, turns)| !turns && *other > id).unwrap_or(bucket.len())
        };
        bucket.insert(place, (id, incremental));
        self.filled |= 1 << urgency;
    }

    pub(crate) fn front(&self) -> Option<StreamId> {
        self.buckets.get(self.filled.trailing_zeros() as usize)?.front().map(|(id, _)| *id)
    }

    pub(crate) fn pop(&mut self) {
        let urgency = self.filled.trailing_zeros() as usize;
        if let Some(bucket) = self.buckets.get_mut(urgency) {
            bucket.pop_front();
            if bucket.is_empty() {
                self.filled &= !(1 << urgency);
            }
        }
    }

    /// The stream in front has had its turn, and has more.
    pub(crate) fn rotate(&mut self) {
        let urgency = self.filled.trailing_zeros() as usize;
        if let Some(bucket) = self.buckets.get_mut(urgency)
            && let Some((id, true)) = bucket.front().copied()
        {
            bucket.pop_front();
            bucket.push_back((id, true));
        }
    }

    /// Nothing of the stream in front can go now. False: nor of any other.
    pub(crate) fn skip(&mut self) -> bool {
        false
    }

    pub(crate) fn remove(&mut self, id: StreamId, urgency: u8) {
        if let Some(bucket) = self.buckets.get_mut(usize::from(urgency)) {
            bucket.retain(|(other, _)| *other != id);
            if bucket.is_empty() {
                self.filled &= !(1 << urgency);
            }
        }
    }
}

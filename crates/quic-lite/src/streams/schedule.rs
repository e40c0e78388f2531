//! In which order streams send (RFC 9218 §10).

use std::collections::VecDeque;

use super::priority::Priority;
use crate::stream_id::StreamId;

#[derive(Debug, Clone, Copy)]
struct Entry {
    slot: u32,
    id: StreamId,
    incremental: bool,
}

/// Streams that have something to send. The most urgent go first; of the same urgency those whose parts are of use by
/// themselves take turns, each of the others goes as a whole, in the order of their numbers.
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

    pub(super) fn insert(&mut self, slot: u32, id: StreamId, priority: Priority) {
        let Some(bucket) = self.buckets.get_mut(usize::from(priority.urgency)) else { return };
        let entry = Entry { slot, id, incremental: priority.incremental };
        let mut place = bucket.len();
        if !priority.incremental {
            // From behind: most streams are younger than those that wait.
            for (index, other) in bucket.iter().enumerate().rev().filter(|(_, other)| !other.incremental) {
                if other.id < id {
                    break;
                }
                place = index;
            }
        }
        bucket.insert(place, entry);
        self.filled |= 1 << priority.urgency;
    }

    /// How urgent the next stream is; 8: there is none.
    pub(super) fn urgency(&self) -> u32 {
        self.filled.trailing_zeros()
    }

    /// The stream whose turn it is.
    pub(super) fn front(&self) -> Option<u32> {
        Some(self.buckets.get(self.urgency() as usize)?.front()?.slot)
    }

    /// The stream whose turn it is has nothing more.
    pub(super) fn pop(&mut self) {
        let urgency = self.urgency();
        if let Some(bucket) = self.buckets.get_mut(urgency as usize) {
            bucket.pop_front();
            if bucket.is_empty() {
                self.filled &= !(1 << urgency);
            }
        }
    }

    /// The stream whose turn it is has sent a frame and has more: others get their turn, if it shares.
    pub(super) fn rotate(&mut self) {
        let urgency = self.urgency() as usize;
        if let Some(bucket) = self.buckets.get_mut(urgency)
            && bucket.front().is_some_and(|front| front.incremental)
        {
            bucket.rotate_left(1);
        }
    }

    pub(super) fn remove(&mut self, slot: u32, priority: Priority) {
        if let Some(bucket) = self.buckets.get_mut(usize::from(priority.urgency)) {
            if let Some(place) = bucket.iter().position(|entry| entry.slot == slot) {
                bucket.remove(place);
            }
            if bucket.is_empty() {
                self.filled &= !(1 << priority.urgency);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(schedule: &mut Schedule, turns: usize) -> Vec<u32> {
        let mut order = Vec::new();
        for _ in 0..turns {
            order.extend(schedule.front());
            schedule.rotate();
        }
        order
    }

    #[test]
    fn urgent_first_then_by_number_and_parts_in_turns() {
        let mut schedule = Schedule::default();
        let whole = |urgency| Priority { urgency, incremental: false };
        let parts = |urgency| Priority { urgency, incremental: true };
        assert_eq!((schedule.front(), schedule.urgency()), (None, 8));
        schedule.insert(3, StreamId(12), whole(3));
        schedule.insert(1, StreamId(4), whole(3));
        schedule.insert(2, StreamId(8), whole(3));
        schedule.insert(9, StreamId(36), whole(1));
        schedule.insert(5, StreamId(20), parts(7));
        schedule.insert(6, StreamId(24), parts(7));
        assert_eq!(drain(&mut schedule, 2), [9, 9]);
        schedule.pop();
        assert_eq!(drain(&mut schedule, 2), [1, 1]);
        schedule.remove(2, whole(3));
        schedule.pop();
        assert_eq!(drain(&mut schedule, 1), [3]);
        schedule.pop();
        assert_eq!(drain(&mut schedule, 4), [5, 6, 5, 6]);
        schedule.remove(5, parts(7));
        schedule.remove(6, parts(7));
        assert!(schedule.is_empty());
    }
}

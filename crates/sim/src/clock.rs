//! Time that passes only when the simulation says so.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// A virtual clock: one real [`Instant`] as its start, and an offset.
///
/// Only differences of instants have a meaning, so runs are the same whenever they are started.
#[derive(Debug, Clone)]
pub struct Clock {
    start: Instant,
    now: Instant,
}

impl Clock {
    /// A clock that stands at its start.
    #[must_use]
    pub fn new() -> Clock {
        let start = Instant::now();
        Clock { start, now: start }
    }

    /// The current virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now.duration_since(self.start)
    }

    /// Moves the clock on.
    pub fn advance(&mut self, by: Duration) {
        self.now += by;
    }

    /// Moves the clock on to `at`; a time in the past leaves it where it is.
    pub fn advance_to(&mut self, at: Instant) {
        self.now = self.now.max(at);
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::new()
    }
}

/// Things that happen at a time: earliest first, and in order of insertion where times are equal.
#[derive(Debug)]
pub struct Schedule<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    inserted: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    number: u64,
    item: T,
}

impl<T> Schedule<T> {
    /// Nothing is scheduled.
    #[must_use]
    pub const fn new() -> Schedule<T> {
        Schedule { heap: BinaryHeap::new(), inserted: 0 }
    }

    /// Schedules `item`.
    pub fn push(&mut self, at: Instant, item: T) {
        self.heap.push(Reverse(Entry { at, number: self.inserted, item }));
        self.inserted += 1;
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes the next thing whose time has come.
    pub fn pop(&mut self, now: Instant) -> Option<T> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.item)
    }

    /// How many things are scheduled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// True when nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<T> Default for Schedule<T> {
    fn default() -> Schedule<T> {
        Schedule::new()
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_only_goes_forward() {
        let mut clock = Clock::new();
        let start = clock.now();
        clock.advance(Duration::from_secs(3600));
        clock.advance_to(start);
        assert_eq!(clock.elapsed(), Duration::from_secs(3600));
    }

    #[test]
    fn earliest_first_then_first_come() {
        let now = Instant::now();
        let later = now + Duration::from_nanos(1);
        let mut schedule = Schedule::new();
        for (at, item) in [(later, 'c'), (now, 'a'), (later, 'd'), (now, 'b')] {
            schedule.push(at, item);
        }
        assert_eq!((schedule.pop(now), schedule.pop(now), schedule.pop(now)), (Some('a'), Some('b'), None));
        assert_eq!(schedule.next_at(), Some(later));
        assert_eq!(
            (schedule.pop(later), schedule.pop(later), schedule.pop(later)),
            (Some('c'), Some('d'), None)
        );
        assert!(schedule.is_empty());
    }
}

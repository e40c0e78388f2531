//! The packet numbers that were received, as an ACK frame tells them (RFC 9000 §13.2.3, §19.3.1).

use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// A bounded set of packet numbers. The oldest ranges make room for new ones, and nothing at or below what was dropped
/// is taken again: a packet that is no longer tracked must not be processed twice (RFC 9000 §12.3).
#[derive(Debug, Clone)]
pub(crate) struct RangeSet {
    /// Ascending, with at least one missing number between neighbours.
    ranges: VecDeque<(u64, u64)>,
    limit: usize,
    /// Smallest number that can still be new.
    floor: u64,
}

impl RangeSet {
    /// An empty set of at most `limit` ranges (at least one).
    pub(crate) fn new(limit: usize) -> RangeSet {
        RangeSet { ranges: VecDeque::new(), limit: limit.max(1), floor: 0 }
    }

    /// Whether the packet was not seen before, as far as is known.
    #[cfg(test)]
    pub(crate) fn is_new(&self, number: u64) -> bool {
        number >= self.floor && !self.contains(number)
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        // The newest ranges are asked about most.
        self.ranges.iter().rev().find(|(start, _)| *start <= number).is_some_and(|(_, end)| number <= *end)
    }

    /// Adds a number; `false` when it was there, or is older than what the set still tracks.
    pub(crate) fn insert(&mut self, number: u64) -> bool {
        if number < self.floor {
            return false;
        }
        // `at`: how many ranges start at or below the number.
        let mut at = self.ranges.len();
        while at > 0 && self.ranges.get(at - 1).is_some_and(|(start, _)| *start > number) {
            at -= 1;
        }
        let below = at.checked_sub(1).and_then(|below| self.ranges.get(below)).copied();
        if below.is_some_and(|(_, end)| number <= end) {
            return false;
        }
        let joins_below = below.is_some_and(|(_, end)| end + 1 == number);
        let joins_above = self.ranges.get(at).is_some_and(|(start, _)| number + 1 == *start);
        match (joins_below, joins_above) {
            (true, true) => {
                let upper_end = self.ranges.remove(at).map_or(number, |(_, end)| end);
                if let Some(range) = self.ranges.get_mut(at - 1) {
                    range.1 = upper_end;
                }
            }
            (true, false) => {
                if let Some(range) = self.ranges.get_mut(at - 1) {
                    range.1 = number;
                }
            }
            (false, true) => {
                if let Some(range) = self.ranges.get_mut(at) {
                    range.0 = number;
                }
            }
            (false, false) => {
                self.ranges.insert(at, (number, number));
                if self.ranges.len() > self.limit
                    && let Some((_, end)) = self.ranges.pop_front()
                {
                    self.floor = end + 1;
                    return end != number;
                }
            }
        }
        true
    }

    /// Forgets every number below `number`, and takes none of them any more.
    pub(crate) fn remove_below(&mut self, number: u64) {
        self.floor = self.floor.max(number);
        while let Some(front) = self.ranges.front_mut() {
            if front.1 < number {
                self.ranges.pop_front();
            } else {
                front.0 = front.0.max(number);
                return;
            }
        }
    }

    /// The ranges, largest first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u64>> + Clone + '_ {
        self.ranges.iter().rev().map(|&(start, end)| start..=end)
    }

    #[cfg(test)]
    pub(crate) fn largest(&self) -> Option<u64> {
        self.ranges.back().map(|range| range.1)
    }

    /// Number of ranges.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ranges(set: &RangeSet) -> Vec<RangeInclusive<u64>> {
        set.iter().collect()
    }

    #[test]
    fn numbers_join_to_ranges_on_both_sides() {
        let mut set = RangeSet::new(8);
        for number in [0, 1, 2, 5, 7, 3] {
            assert!(set.insert(number));
        }
        assert_eq!(ranges(&set), [7..=7, 5..=5, 0..=3]);
        assert!(set.insert(6));
        assert!(set.insert(4));
        assert_eq!(ranges(&set), [0..=7]);
        assert!(!set.insert(4));
        assert!(!set.insert(0));
        assert_eq!(set.largest(), Some(7));
    }

    #[test]
    fn the_oldest_range_makes_room_and_never_returns() {
        let mut set = RangeSet::new(2);
        assert!(set.insert(10));
        assert!(set.insert(20));
        assert!(set.insert(30));
        assert_eq!(ranges(&set), [30..=30, 20..=20]);
        assert!(!set.is_new(10));
        assert!(!set.insert(10));
        assert!(!set.insert(5));
        // Above what was dropped, but older than the whole set.
        assert!(set.is_new(15));
        assert!(!set.insert(15));
        assert!(!set.is_new(15));
        assert!(set.insert(21));
        assert_eq!(set.len(), 2);
    }

    #[test]
    fn what_is_below_is_removed_within_a_range_too() {
        let mut set = RangeSet::new(8);
        for number in [1, 2, 3, 4, 8, 9] {
            set.insert(number);
        }
        set.remove_below(3);
        assert_eq!(ranges(&set), [8..=9, 3..=4]);
        assert!(!set.is_new(2));
        set.remove_below(9);
        assert_eq!(ranges(&set), [9..=9]);
        set.remove_below(100);
        assert!(set.is_empty());
        assert!(!set.insert(99));
        assert!(set.insert(100));
    }

    #[test]
    fn the_largest_packet_number_has_no_successor() {
        let largest = (1 << 62) - 1;
        let mut set = RangeSet::new(1);
        assert!(set.insert(largest));
        assert!(!set.insert(largest));
        assert_eq!(ranges(&set), [largest..=largest]);
    }

    proptest! {
        #[test]
        fn it_is_a_set(numbers in prop::collection::vec(0u64..200, 0..300)) {
            let mut set = RangeSet::new(200);
            let mut model = BTreeSet::new();
            for number in numbers {
                prop_assert_eq!(set.is_new(number), !model.contains(&number));
                prop_assert_eq!(set.insert(number), model.insert(number));
            }
            let mut told: Vec<u64> = set.iter().flatten().collect();
            told.sort_unstable();
            prop_assert_eq!(told, model.into_iter().collect::<Vec<_>>());
            for (upper, lower) in set.iter().zip(set.iter().skip(1)) {
                prop_assert!(lower.end() + 1 < *upper.start());
            }
        }

        #[test]
        fn a_number_is_never_taken_twice_whatever_the_bound(
            limit in 1usize..6,
            numbers in prop::collection::vec(0u64..60, 0..200),
        ) {
            let mut set = RangeSet::new(limit);
            let mut taken = BTreeSet::new();
            for number in numbers {
                if set.insert(number) {
                    prop_assert!(taken.insert(number));
                }
                prop_assert!(set.len() <= limit);
            }
        }
    }
}

//! Sets of offsets.

use std::collections::BTreeMap;

/// A set of offsets, as ranges that neither overlap nor touch.
#[derive(Debug, Default)]
pub(super) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first range: start and end.
    pub(super) fn first(&self) -> Option<(u64, u64)> {
        self.0.first_key_value().map(|(start, end)| (*start, *end))
    }

    pub(super) fn insert(&mut self, mut start: u64, mut end: u64) {
        if start >= end {
            return;
        }
        if let Some((before, over)) = self.0.range_mut(..=start).next_back()
            && *over >= start
        {
            if *over >= end {
                return;
            }
            start = *before;
        }
        while let Some((&next, &over)) = self.0.range(start..=end).next() {
            self.0.remove(&next);
            end = end.max(over);
        }
        self.0.insert(start, end);
    }

    pub(super) fn remove(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        if let Some((_, over)) = self.0.range_mut(..start).next_back()
            && *over > start
        {
            let rest = core::mem::replace(over, start);
            if rest > end {
                self.0.insert(end, rest);
                return;
            }
        }
        while let Some((&next, &over)) = self.0.range(start..end).next() {
            self.0.remove(&next);
            if over > end {
                self.0.insert(end, over);
            }
        }
    }

    /// Removes the first `max` offsets of the first range.
    pub(super) fn remove_front(&mut self, max: u64) {
        if let Some((start, end)) = self.0.pop_first()
            && end - start > max
        {
            self.0.insert(start + max, end);
        }
    }

    /// Calls `each` with what of `start..end` is not in the set.
    pub(super) fn gaps(&self, start: u64, end: u64, mut each: impl FnMut(u64, u64)) {
        let mut at = start;
        if let Some((_, over)) = self.0.range(..=start).next_back() {
            at = at.max(*over);
        }
        if at >= end {
            return;
        }
        for (next, over) in self.0.range(at..end) {
            if *next > at {
                each(at, *next);
            }
            at = *over;
        }
        if at < end {
            each(at, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use wirelace_sim::Rng;

    #[test]
    fn the_same_as_a_plain_set() {
        for seed in 0..300 {
            let mut rng = Rng::new(seed);
            let mut ranges = Ranges::default();
            let mut model = BTreeSet::new();
            for _ in 0..60 {
                let start = rng.below(64) as u64;
                let end = start + rng.below(20) as u64;
                match rng.below(4) {
                    0 | 1 => {
                        ranges.insert(start, end);
                        model.extend(start..end);
                    }
                    2 => {
                        ranges.remove(start, end);
                        model.retain(|at| !(start..end).contains(at));
                    }
                    _ => {
                        let max = 1 + rng.below(6) as u64;
                        if let Some((first, over)) = ranges.first() {
                            assert_eq!(model.first(), Some(&first));
                            model.retain(|at| !(first..over.min(first + max)).contains(at));
                        }
                        ranges.remove_front(max);
                    }
                }
                let mut gaps = BTreeSet::new();
                ranges.gaps(start, end, |from, to| gaps.extend(from..to));
                assert_eq!(gaps, (start..end).filter(|at| !model.contains(at)).collect());
                let all: Vec<u64> = ranges.0.iter().flat_map(|(start, end)| *start..*end).collect();
                assert_eq!(all, model.iter().copied().collect::<Vec<_>>());
                let mut last = None;
                for (start, end) in &ranges.0 {
                    assert!(start < end && last.is_none_or(|last| last < *start), "{ranges:?}");
                    last = Some(*end);
                }
            }
        }
    }
}

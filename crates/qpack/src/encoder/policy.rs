//! Which fields go to the dynamic table.
//!
//! A field is worth its place if it comes again. Names differ in that, and servers do, so the encoder watches: each
//! name has a score, which rises when one of its fields is found or seen again, and falls when one is new. As long
//! as it has not fallen below zero, new fields of that name are inserted; after that only those that were seen
//! before, for which hashes of the last few are kept. As in HPACK, so far; but here entries can be made new before
//! they are evicted, so it also counts how often each field comes, to know which to keep.

use wirelace_hpack::StaticName;

/// Scores: enough for the names of the static table, and as many for others, which may share them.
const SCORES: usize = 128;
const OTHER_NAMES: u64 = 64;

/// Remembered hashes. Not more: what was seen long ago does not come again before it would be evicted.
const SEEN: usize = 128;

/// Counters of fields; a power of two.
const COUNTS: usize = 512;

/// After so many fields counts are halved: what was of use long ago is not for ever.
const HALVED_AFTER: u32 = 500;

/// The best that a name can be: three new fields in a row, and it is doubted.
const HIGHEST: i8 = 3;
/// The worst: that many have to be seen again until it is trusted.
const LOWEST: i8 = -16;

/// Names that start with the doubt, as most of their fields come once.
const DOUBTED: [StaticName; 8] = [
    StaticName::PATH,
    StaticName::AGE,
    StaticName::CONTENT_LENGTH,
    StaticName::ETAG,
    StaticName::IF_MODIFIED_SINCE,
    StaticName::IF_NONE_MATCH,
    StaticName::LOCATION,
    StaticName::SET_COOKIE,
];

/// Where a field is counted.
#[inline(always)]
const fn places(field_hash: u32) -> [usize; 2] {
    [field_hash as usize % COUNTS, (field_hash >> 16) as usize % COUNTS]
}

/// What was learned about the fields of a connection.
#[derive(Debug)]
pub(super) struct Habits {
    scores: [i8; SCORES],
    /// Of fields that were not found.
    prints: [u16; SEEN],
    /// How often fields were written, by two hashes each.
    counts: [u8; COUNTS],
    /// How many were written since the counts were halved.
    noted: u32,
}

impl Habits {
    pub(super) fn new() -> Self {
        let mut scores = [HIGHEST; SCORES];
        for name in DOUBTED {
            if let Some(score) = scores.get_mut(usize::from(name.index())) {
                *score = -1;
            }
        }
        Self { scores, prints: [0; SEEN], counts: [0; COUNTS], noted: 0 }
    }

    /// The score of a name, by its hash if it is not static.
    #[inline(always)]
    fn score(&mut self, name: Option<StaticName>, name_hash: u64) -> Option<&mut i8> {
        let at = name.map_or(OTHER_NAMES + name_hash % OTHER_NAMES, |name| u64::from(name.index()));
        self.scores.get_mut(at as usize % SCORES)
    }

    /// A field is written that may be in the table, or may come there.
    #[inline]
    pub(super) fn note(&mut self, field_hash: u32) {
        let least = self.seen(field_hash);
        for at in places(field_hash) {
            if let Some(count) = self.counts.get_mut(at)
                && *count == least
            {
                *count = count.saturating_add(1);
            }
        }
        self.noted += 1;
        if self.noted == HALVED_AFTER {
            self.noted = 0;
            self.counts.iter_mut().for_each(|count| *count /= 2);
        }
    }

    /// About how often a field was written of late; rather too often than too seldom.
    #[inline]
    pub(super) fn seen(&self, field_hash: u32) -> u8 {
        let count = |at: usize| self.counts.get(at).copied().unwrap_or(0);
        let [one, other] = places(field_hash);
        count(one).min(count(other))
    }

    /// A field was found in the dynamic table.
    #[inline(always)]
    pub(super) fn found(&mut self, name: Option<StaticName>, name_hash: u64) {
        if let Some(score) = self.score(name, name_hash) {
            *score = (*score + 1).min(HIGHEST);
        }
    }

    /// A field was not found: true if it is worth being inserted.
    #[inline(always)]
    pub(super) fn missed(&mut self, name: Option<StaticName>, name_hash: u64, field_hash: u64) -> bool {
        let print = (field_hash >> 16) as u16;
        let again = self
            .prints
            .get_mut(field_hash as usize % SEEN)
            .is_some_and(|before| core::mem::replace(before, print) == print);
        let Some(score) = self.score(name, name_hash) else { return again };
        *score = if again { (*score + 1).min(HIGHEST) } else { (*score - 1).max(LOWEST) };
        again || *score >= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Option<StaticName> = Some(StaticName::REFERER);

    #[test]
    fn new_fields_go_in_until_too_many_are_new() {
        let mut habits = Habits::new();
        let inserted = (1..=10).filter(|&new| habits.missed(NAME, 0, new << 16)).count();
        assert_eq!(inserted, 3);
        // One that comes again does, and as many as were new make up for it.
        assert!(habits.missed(NAME, 0, 10 << 16));
        assert!(!habits.missed(NAME, 0, 11 << 16));
        (0..8).for_each(|_| habits.found(NAME, 0));
        assert!(habits.missed(NAME, 0, 12 << 16));
    }

    #[test]
    fn doubted_names_wait_for_the_second_time() {
        let mut habits = Habits::new();
        let path = Some(StaticName::PATH);
        assert!(!habits.missed(path, 0, 1 << 16));
        assert!(habits.missed(path, 0, 1 << 16));
    }

    #[test]
    fn scores_stay_within_their_bounds() {
        let mut habits = Habits::new();
        (0..1000).for_each(|new| _ = habits.missed(None, 5, (new << 16) | (new % 128)));
        assert_eq!(habits.score(None, 5), Some(&mut LOWEST.clone()));
        (0..1000).for_each(|_| habits.found(None, 5));
        assert_eq!(habits.score(None, 5), Some(&mut HIGHEST.clone()));
        // Other names are not touched.
        assert_eq!(habits.score(None, 6), Some(&mut HIGHEST.clone()));
        assert_eq!(habits.score(NAME, 5), Some(&mut HIGHEST.clone()));
    }

    #[test]
    fn fields_are_counted_and_forgotten() {
        let mut habits = Habits::new();
        (0..10).for_each(|_| habits.note(0x0001_0002));
        habits.note(0x0003_0002);
        assert_eq!((habits.seen(0x0001_0002), habits.seen(0x0003_0002), habits.seen(5)), (10, 1, 0));
        // A field that shares both places counts for both.
        assert_eq!(habits.seen(0x0201_0202), 10);
        (0..HALVED_AFTER - 11).for_each(|_| habits.note(0x0007_0008));
        assert_eq!(habits.seen(0x0001_0002), 5);
        assert_eq!(habits.seen(0x0007_0008), u8::MAX / 2);
    }
}

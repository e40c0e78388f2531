//! How often fields come.
//!
//! What is worth being inserted is learned as in HPACK ([`wirelace_hpack::Habits`]). But here entries can be made new
//! before they are evicted, and this tells which to keep.

/// Counters of fields; a power of two.
const COUNTS: usize = 512;

/// After so many fields counts are halved: what was of use long ago is not for ever.
const HALVED_AFTER: u32 = 500;

/// Where a field is counted.
#[inline(always)]
const fn places(field_hash: u32) -> [usize; 2] {
    [field_hash as usize % COUNTS, (field_hash >> 16) as usize % COUNTS]
}

/// About how often each field of a connection came of late.
#[derive(Debug)]
pub(super) struct Counts {
    /// How often fields were written, by two hashes each.
    counts: [u8; COUNTS],
    /// How many were written since the counts were halved.
    noted: u32,
}

impl Counts {
    pub(super) fn new() -> Counts {
        Counts { counts: [0; COUNTS], noted: 0 }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_and_forgotten() {
        let mut counts = Counts::new();
        (0..10).for_each(|_| counts.note(0x0001_0002));
        counts.note(0x0003_0002);
        assert_eq!((counts.seen(0x0001_0002), counts.seen(0x0003_0002), counts.seen(5)), (10, 1, 0));
        // A field that shares both places counts for both.
        assert_eq!(counts.seen(0x0201_0202), 10);
        (0..HALVED_AFTER - 11).for_each(|_| counts.note(0x0007_0008));
        assert_eq!(counts.seen(0x0001_0002), 5);
        assert_eq!(counts.seen(0x0007_0008), u8::MAX / 2);
    }
}

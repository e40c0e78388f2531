//! Random numbers that follow from a seed.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A SplitMix64 generator: 64 bits of state, every seed is a good one, and the same seed gives the same numbers on
/// every machine. Predictable by design: never for keys, masks or anything else that an attacker must not guess.
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// A generator with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// A generator of its own for a part of the simulation, so that one part drawing more numbers does not
    /// change what the others see.
    #[must_use]
    pub fn fork(&mut self) -> Rng {
        Rng::new(self.next_u64())
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The bias is at most bound / 2^64.
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A number of this range; its start when the range is empty.
    pub fn within(&mut self, range: RangeInclusive<usize>) -> usize {
        let (start, end) = range.into_inner();
        start + self.below(end.saturating_sub(start).saturating_add(1))
    }

    /// A time of this range, in whole nanoseconds; its start when the range is empty.
    pub fn duration(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let span = range.end().saturating_sub(*range.start());
        let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let part = (u128::from(self.next_u64()) * (u128::from(span) + 1)) >> 64;
        *range.start() + Duration::from_nanos(part as u64)
    }

    /// True in `percent` of 100 cases.
    pub fn percent(&mut self, percent: u8) -> bool {
        self.below(100) < usize::from(percent)
    }

    /// One of `items`.
    ///
    /// # Panics
    /// `items` is empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// `len` random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next_u64() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        // Published test vector of SplitMix64 with seed 1234567.
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
        assert_eq!(rng.next_u64(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn ranges_are_respected_and_reached() {
        let mut rng = Rng::new(1);
        let mut seen = [0u32; 5];
        for _ in 0..1000 {
            seen[rng.within(3..=7) - 3] += 1;
        }
        assert!(seen.iter().all(|&count| count > 100), "{seen:?}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.within(4..=4), 4);
        let range = Duration::from_millis(2)..=Duration::from_millis(5);
        for _ in 0..1000 {
            assert!(range.contains(&rng.duration(&range)));
        }
        assert!(!rng.percent(0) && rng.percent(100));
    }

    #[test]
    fn forks_do_not_disturb() {
        let mut one = Rng::new(7);
        let mut other = Rng::new(7);
        let _ = one.fork().bytes(100);
        let _ = other.fork();
        assert_eq!(one.next_u64(), other.next_u64());
    }
}

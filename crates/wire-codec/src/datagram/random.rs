//! Random numbers that follow from a seed.

use core::time::Duration;

/// SplitMix64; for the first id and for jitter, never for secrets.
#[derive(Debug, Clone)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    pub(super) const fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// `span`, longer or shorter by up to `percent`, which is at most 100.
    pub(super) fn around(&mut self, span: Duration, percent: u8) -> Duration {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4);
        let most = nanos / 100 * u64::from(percent.min(100));
        // The product of two numbers of 64 bits, halved.
        let part = (u128::from(self.next()) * (u128::from(most) * 2 + 1)) >> 64;
        Duration::from_nanos(nanos - most + part as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_in_its_range_and_reaches_its_ends() {
        let mut random = Random::new(1);
        let span = Duration::from_secs(1);
        let spans: Vec<_> = (0..1000).map(|_| random.around(span, 25)).collect();
        let (low, high) = (Duration::from_millis(750), Duration::from_millis(1250));
        assert!(spans.iter().all(|span| (low..=high).contains(span)));
        assert!(spans.iter().any(|span| *span < Duration::from_millis(760)));
        assert!(spans.iter().any(|span| *span > Duration::from_millis(1240)));
        assert_eq!(random.around(span, 0), span);
        assert!(random.around(Duration::MAX, 100) > Duration::ZERO);
    }
}

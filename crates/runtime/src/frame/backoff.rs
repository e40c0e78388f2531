//! How long to wait before the next try.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Waiting times that double from failure to failure. Half of each is random, so that many who lost the same server
/// do not come back at once.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    initial: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(initial: Duration, max: Duration) -> Backoff {
        Backoff { initial, max: max.max(initial), failures: 0 }
    }

    /// After one more failure; `random` may be any number.
    pub(super) fn next(&mut self, random: u64) -> Duration {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let half = self.initial.saturating_mul(factor).min(self.max) / 2;
        half.saturating_add(half.mul_f64((random >> 32) as f64 / f64::from(u32::MAX)))
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Random enough to spread callers.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn it_doubles_up_to_a_limit_and_begins_anew() {
        let mut backoff = Backoff::new(100 * MS, 30_000 * MS);
        let mut most: Vec<Duration> = (0..12).map(|_| backoff.next(u64::MAX)).collect();
        assert_eq!(most.split_off(9), [30_000 * MS; 3]);
        assert_eq!(most, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600].map(|ms| ms * MS));
        backoff.reset();
        assert_eq!(backoff.next(0), 50 * MS);
        assert_eq!(backoff.next(1 << 63).as_millis(), 150);
        backoff.failures = u32::MAX;
        assert_eq!(backoff.next(0), 15_000 * MS);
        assert!(Backoff::new(Duration::MAX, MS).next(u64::MAX) > Duration::MAX / 3);
    }

    #[test]
    fn callers_are_spread() {
        let waits: Vec<Duration> = (0..100).map(|_| Backoff::new(100 * MS, MS).next(random())).collect();
        assert!(waits.iter().all(|wait| (50 * MS..=100 * MS).contains(wait)));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}

//! Rates: how often a peer may do something.

use core::time::Duration;
use std::time::Instant;

/// A token bucket: `burst` tokens at once, refilled at `rate` tokens a second.
///
/// Machines charge it for what a peer can do for free and the receiver cannot (resets, pings, empty frames).
/// Time is passed in, so a simulator decides how fast it runs.
#[derive(Debug, Clone)]
pub struct Budget {
    tokens: u64,
    burst: u64,
    /// Nanoseconds in which one token comes back; `u64::MAX`: never.
    interval: u64,
    refilled: Option<Instant>,
}

impl Budget {
    /// A full bucket of `burst` tokens that gains `rate` tokens a second; a rate of 0 never refills.
    #[must_use]
    pub const fn new(burst: u32, rate: u32) -> Budget {
        let interval = if rate == 0 { u64::MAX } else { 1_000_000_000 / rate as u64 };
        Budget { tokens: burst as u64, burst: burst as u64, interval, refilled: None }
    }

    /// Takes `tokens`; false, with nothing taken, when the peer has used up what it had.
    #[must_use]
    pub fn take(&mut self, now: Instant, tokens: u32) -> bool {
        self.refill(now);
        match self.tokens.checked_sub(u64::from(tokens)) {
            Some(left) => {
                self.tokens = left;
                true
            }
            None => false,
        }
    }

    /// Tokens left at `now`.
    #[must_use]
    pub fn available(&mut self, now: Instant) -> u64 {
        self.refill(now);
        self.tokens
    }

    fn refill(&mut self, now: Instant) {
        let Some(refilled) = self.refilled else {
            self.refilled = Some(now);
            return;
        };
        let elapsed = u64::try_from(now.saturating_duration_since(refilled).as_nanos()).unwrap_or(u64::MAX);
        let gained = elapsed / self.interval.max(1);
        if gained == 0 {
            return;
        }
        self.tokens = self.tokens.saturating_add(gained).min(self.burst);
        // Only whole tokens are paid out; the rest of the interval stays on the account.
        let paid = Duration::from_nanos(gained.saturating_mul(self.interval));
        self.refilled = Some(refilled.checked_add(paid).unwrap_or(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_beyond_the_burst_and_refills_with_time() {
        let start = Instant::now();
        let mut budget = Budget::new(10, 2);
        assert!(budget.take(start, 10));
        assert!(!budget.take(start, 1));
        assert!(!budget.take(start + Duration::from_millis(499), 1));
        assert!(budget.take(start + Duration::from_millis(500), 1));
        assert!(!budget.take(start + Duration::from_millis(999), 1));
        assert!(budget.take(start + Duration::from_millis(1000), 1));
        assert_eq!(budget.available(start + Duration::from_secs(3600)), 10);
    }

    #[test]
    fn many_small_steps_earn_as_much_as_one_large_one() {
        let start = Instant::now();
        let mut budget = Budget::new(1000, 100);
        assert!(budget.take(start, 1000));
        for step in 1..=1000u64 {
            let _ = budget.available(start + Duration::from_millis(step));
        }
        assert_eq!(budget.available(start + Duration::from_millis(1000)), 100);
    }

    #[test]
    fn a_rate_of_zero_never_refills() {
        let start = Instant::now();
        let mut budget = Budget::new(1, 0);
        assert!(budget.take(start, 1));
        assert!(!budget.take(start + Duration::from_secs(1 << 32), 1));
    }
}

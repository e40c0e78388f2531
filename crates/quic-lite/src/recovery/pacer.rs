//! Spreads a window over a round trip, in trains short enough for the path and long enough for the system call
//! (RFC 9002 §7.7).

use std::time::{Duration, Instant};

/// Datagrams that may always go at once (RFC 9002 §7.7: the initial window).
const BURST: u64 = 10;

/// Longest train worth waiting for: what one segmentation offload call takes.
const TRAIN: u64 = 64;

/// Timers fire late by a millisecond or so; what was earned in that time must not be lost.
const SLACK: Duration = Duration::from_millis(2);

/// How often a train should go, if the rate allows.
const BETWEEN_TRAINS: Duration = Duration::from_micros(500);

/// A round trip without any length would fill the bucket in no time, and never.
const SHORTEST: Duration = Duration::from_micros(1);

/// A token bucket, filled with a little more than a window in a round trip: 5/4 of it, and twice while the window
/// doubles, so that pacing never holds growth back.
#[derive(Debug, Clone)]
pub(crate) struct Pacer {
    /// Bytes that could go at `updated`.
    tokens: u64,
    updated: Instant,
    rate: Rate,
    max_datagram: u64,
}

/// `window` bytes times `quarters` / 4 in each `rtt`.
#[derive(Debug, Clone, Copy)]
struct Rate {
    window: u64,
    quarters: u8,
    rtt: Duration,
}

impl Rate {
    fn bytes_in(self, time: Duration) -> u64 {
        let bytes = time.as_nanos() * u128::from(self.window) * u128::from(self.quarters)
            / (self.rtt.as_nanos().max(1) * 4);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    fn time_for(self, bytes: u64) -> Duration {
        let per = (u128::from(self.window) * u128::from(self.quarters)).max(1);
        let nanos = (u128::from(bytes) * self.rtt.as_nanos() * 4).div_ceil(per);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Pacer {
    pub(crate) fn new(now: Instant, window: u64, rtt: Duration, max_datagram: u16) -> Pacer {
        let max_datagram = u64::from(max_datagram);
        let rate = Rate { window, quarters: 8, rtt: rtt.max(SHORTEST) };
        Pacer { tokens: BURST * max_datagram, updated: now, rate, max_datagram }
    }

    /// Window or round-trip time are others from now on.
    pub(crate) fn set_rate(&mut self, now: Instant, window: u64, slow_start: bool, rtt: Duration) {
        self.refill(now);
        self.rate = Rate { window, quarters: if slow_start { 8 } else { 5 }, rtt: rtt.max(SHORTEST) };
    }

    pub(crate) fn set_max_datagram(&mut self, max_datagram: u16) {
        self.max_datagram = u64::from(max_datagram);
    }

    /// Bytes left. Probes may have gone out beyond what was allowed; that is not held against what follows.
    pub(crate) fn on_sent(&mut self, now: Instant, size: u16) {
        self.refill(now);
        self.tokens = self.tokens.saturating_sub(u64::from(size));
    }

    /// Bytes that may go now; 0 while it is less than a datagram.
    pub(crate) fn allowance(&self, now: Instant) -> u64 {
        let tokens = self.tokens_at(now);
        if tokens < self.max_datagram { 0 } else { tokens }
    }

    /// When the next train may go, if nothing may now (as of the last change).
    pub(crate) fn next_send(&self) -> Option<Instant> {
        if self.tokens >= self.max_datagram {
            return None;
        }
        let train = self.rate.bytes_in(BETWEEN_TRAINS).clamp(self.max_datagram, TRAIN * self.max_datagram);
        // Later than now, however fast the path is: whoever is woken at once would have nothing to send.
        let time = self.rate.time_for(train - self.tokens).max(Duration::from_nanos(1));
        Some(self.updated + time)
    }

    /// The bucket's size.
    fn burst(&self) -> u64 {
        self.rate.bytes_in(SLACK).max(BURST * self.max_datagram)
    }

    fn tokens_at(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.updated);
        if elapsed.is_zero() {
            return self.tokens;
        }
        self.tokens.saturating_add(self.rate.bytes_in(elapsed)).min(self.burst().max(self.tokens))
    }

    fn refill(&mut self, now: Instant) {
        if now > self.updated {
            self.tokens = self.tokens_at(now).min(self.burst());
            self.updated = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn drain(pacer: &mut Pacer, now: Instant) -> u64 {
        let mut datagrams = 0;
        while pacer.allowance(now) > 0 {
            pacer.on_sent(now, 1200);
            datagrams += 1;
        }
        datagrams
    }

    #[test]
    fn the_first_burst_is_ten_datagrams() {
        let now = Instant::now();
        let mut pacer = Pacer::new(now, 12_000, 100 * MS, 1200);
        assert_eq!(pacer.next_send(), None);
        assert_eq!(drain(&mut pacer, now), 10);
        assert!(pacer.next_send().is_some_and(|next| next > now));
        // A pause does not add up.
        assert_eq!(drain(&mut pacer, now + 10_000 * MS), 10);
    }

    #[test]
    fn five_quarters_of_a_window_go_in_a_round_trip() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start, 120_000, 100 * MS, 1200);
        pacer.set_rate(start, 120_000, false, 100 * MS);
        drain(&mut pacer, start);
        let mut now = start;
        let mut datagrams = 0;
        while let Some(next) = pacer.next_send() {
            assert!(next > now);
            now = next;
            if now > start + 1000 * MS {
                break;
            }
            let train = drain(&mut pacer, now);
            assert!(train > 0, "{:?} after the start", now - start);
            datagrams += train;
        }
        assert!((1240..=1250).contains(&datagrams), "{datagrams}");
    }

    #[test]
    fn fast_paths_send_trains_and_slow_ones_single_datagrams() {
        let start = Instant::now();
        for (window, train) in [(120_000, 1), (12_000_000, 62), (120_000_000, 64)] {
            let mut pacer = Pacer::new(start, window, 100 * MS, 1200);
            pacer.set_rate(start, window, false, 100 * MS);
            drain(&mut pacer, start);
            let next = pacer.next_send().unwrap();
            assert_eq!(drain(&mut pacer, next), train, "window {window}");
        }
    }

    #[test]
    fn a_late_timer_loses_nothing() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start, 12_000_000, 100 * MS, 1200);
        pacer.set_rate(start, 12_000_000, false, 100 * MS);
        drain(&mut pacer, start);
        // 150 bytes in a microsecond.
        assert!(drain(&mut pacer, start + 2 * MS) >= 249);
    }

    #[test]
    fn extreme_rates_do_not_overflow() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start, u64::MAX / 16, Duration::ZERO, u16::MAX);
        drain_some(&mut pacer, start);
        assert!(pacer.allowance(start + MS) > 0);
        let mut pacer = Pacer::new(start, 1, Duration::from_secs(1 << 40), u16::MAX);
        drain_some(&mut pacer, start);
        pacer.next_send();
    }

    fn drain_some(pacer: &mut Pacer, now: Instant) {
        for _ in 0..100 {
            pacer.on_sent(now, u16::MAX);
        }
    }
}

//! The round-trip time of a path (RFC 9002 §5).

use std::time::{Duration, Instant};

/// Shortest time that timers are asked to tell apart (RFC 9002 §6.1.2).
pub(crate) const GRANULARITY: Duration = Duration::from_millis(1);

/// Estimate of the round-trip time, from samples and what the peer says of its own delay.
#[derive(Debug, Clone)]
pub(crate) struct Rtt {
    latest: Duration,
    min: Duration,
    smoothed: Duration,
    variation: Duration,
    first_sample: Option<Instant>,
}

impl Rtt {
    /// Before any sample: `initial` is only an assumption (RFC 9002 §6.2.2).
    pub(crate) fn new(initial: Duration) -> Rtt {
        Rtt { latest: initial, min: initial, smoothed: initial, variation: initial / 2, first_sample: None }
    }

    /// Takes a sample at `now`. `ack_delay` is what the peer's delay may take away: zero for Initial packets, and no
    /// more than its `max_ack_delay` once the handshake is confirmed (RFC 9002 §5.3).
    pub(crate) fn on_sample(&mut self, now: Instant, sample: Duration, ack_delay: Duration) {
        self.latest = sample;
        if self.first_sample.is_none() {
            self.first_sample = Some(now);
            self.min = sample;
            self.smoothed = sample;
            self.variation = sample / 2;
            return;
        }
        // The minimum takes no account of the delay: a peer could lie it down to nothing.
        self.min = self.min.min(sample);
        let adjusted = if sample >= self.min.saturating_add(ack_delay) { sample - ack_delay } else { sample };
        self.variation = self.variation * 3 / 4 + self.smoothed.abs_diff(adjusted) / 4;
        self.smoothed = self.smoothed * 7 / 8 + adjusted / 8;
    }

    /// The next sample counts as the minimum: after persistent congestion the path may be another (RFC 9002 §5.2).
    pub(crate) fn forget_min(&mut self) {
        self.min = self.latest;
    }

    /// The newest sample; the assumed time before the first.
    pub(crate) fn latest(&self) -> Duration {
        self.latest
    }

    #[cfg(test)]
    pub(crate) fn min(&self) -> Duration {
        self.min
    }

    pub(crate) fn smoothed(&self) -> Duration {
        self.smoothed
    }

    #[cfg(test)]
    pub(crate) fn variation(&self) -> Duration {
        self.variation
    }

    /// When the first sample was taken.
    pub(crate) fn first_sample(&self) -> Option<Instant> {
        self.first_sample
    }

    /// Probe timeout without the peer's acknowledgement delay and without backoff (RFC 9002 §6.2.1).
    pub(crate) fn pto_base(&self) -> Duration {
        self.smoothed + (self.variation * 4).max(GRANULARITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn before_a_sample_the_timeout_is_three_initial_times() {
        assert_eq!(Rtt::new(ms(333)).pto_base(), ms(999));
    }

    #[test]
    fn the_first_sample_replaces_everything_and_ignores_the_delay() {
        let mut rtt = Rtt::new(ms(333));
        let now = Instant::now();
        rtt.on_sample(now, ms(100), ms(50));
        assert_eq!(
            (rtt.latest(), rtt.min(), rtt.smoothed(), rtt.variation()),
            (ms(100), ms(100), ms(100), ms(50))
        );
        assert_eq!(rtt.first_sample(), Some(now));
    }

    #[test]
    fn later_samples_are_smoothed_without_the_peers_delay() {
        let mut rtt = Rtt::new(ms(333));
        let now = Instant::now();
        rtt.on_sample(now, ms(80), ms(0));
        rtt.on_sample(now, ms(184), ms(24));
        // 160 after adjustment: variation 3/4 * 40 + 1/4 * 80, smoothed 7/8 * 80 + 1/8 * 160.
        assert_eq!(
            (rtt.latest(), rtt.min(), rtt.smoothed(), rtt.variation()),
            (ms(184), ms(80), ms(90), ms(50))
        );
    }

    #[test]
    fn a_delay_that_would_go_below_the_minimum_is_not_believed() {
        let mut rtt = Rtt::new(ms(333));
        let now = Instant::now();
        rtt.on_sample(now, ms(80), ms(0));
        rtt.on_sample(now, ms(88), ms(9));
        assert_eq!(rtt.smoothed(), ms(81));
        rtt.on_sample(now, ms(40), Duration::MAX);
        assert_eq!(rtt.min(), ms(40));
    }

    #[test]
    fn the_timeout_has_a_floor_for_paths_without_variation() {
        let mut rtt = Rtt::new(ms(333));
        let now = Instant::now();
        for _ in 0..100 {
            rtt.on_sample(now, ms(10), ms(0));
        }
        assert!(rtt.pto_base() >= ms(10) + GRANULARITY);
        assert!(rtt.pto_base() < ms(10) + GRANULARITY + Duration::from_micros(50));
    }

    #[test]
    fn the_minimum_can_be_forgotten() {
        let mut rtt = Rtt::new(ms(333));
        let now = Instant::now();
        rtt.on_sample(now, ms(10), ms(0));
        rtt.on_sample(now, ms(70), ms(0));
        rtt.forget_min();
        assert_eq!(rtt.min(), ms(70));
    }
}

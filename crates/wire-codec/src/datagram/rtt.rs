//! How long an answer takes (RFC 6298).

use core::time::Duration;

use super::options::Timing;

/// The clock's granularity: what an answer may always take longer than the average.
const GRANULARITY: Duration = Duration::from_millis(1);

/// No round trip counts for more.
const LONGEST: Duration = Duration::from_secs(3600);

/// The smoothed round trip, and the wait that follows from it.
#[derive(Debug, Clone)]
pub(super) struct RoundTrip {
    initial: Duration,
    min: Duration,
    max: Duration,
    smoothed: Option<Duration>,
    variation: Duration,
    /// What calls that had to be sent again led to, until one is answered that was sent once (Karn): without it, a
    /// path slower than the first wait would never be measured.
    held: Duration,
}

impl RoundTrip {
    pub(super) const fn new(timing: &Timing) -> RoundTrip {
        RoundTrip {
            initial: timing.initial_rto,
            min: timing.min_rto,
            max: timing.max_rto,
            smoothed: None,
            variation: Duration::ZERO,
            held: Duration::ZERO,
        }
    }

    pub(super) const fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// A call that was sent once was answered after `round_trip`.
    pub(super) fn sample(&mut self, round_trip: Duration) {
        let round_trip = round_trip.min(LONGEST);
        self.held = Duration::ZERO;
        match &mut self.smoothed {
            None => {
                self.smoothed = Some(round_trip);
                self.variation = round_trip / 2;
            }
            Some(smoothed) => {
                self.variation = (self.variation * 3 + smoothed.abs_diff(round_trip)) / 4;
                *smoothed = (*smoothed * 7 + round_trip) / 8;
            }
        }
    }

    /// A call was answered that was sent more than once, the last time with `wait` to follow.
    pub(super) fn ambiguous(&mut self, wait: Duration) {
        self.held = self.twice(self.rto()).min(wait);
    }

    /// How long to wait for an answer before sending again.
    pub(super) fn rto(&self) -> Duration {
        let measured = match self.smoothed {
            Some(smoothed) => smoothed + (self.variation * 4).max(GRANULARITY),
            None => self.initial,
        };
        measured.max(self.held).max(self.min).min(self.max)
    }

    /// The wait after `wait`.
    pub(super) fn twice(&self, wait: Duration) -> Duration {
        wait.saturating_mul(2).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn follows_rfc_6298() {
        let mut round_trip = RoundTrip::new(&Timing::default());
        assert_eq!((round_trip.rto(), round_trip.smoothed()), (ms(500), None));
        round_trip.sample(ms(100));
        assert_eq!((round_trip.rto(), round_trip.smoothed()), (ms(300), Some(ms(100))));
        round_trip.sample(ms(180));
        // Variation 3/4 * 50 + 1/4 * 80 = 57.5; smoothed 7/8 * 100 + 1/8 * 180 = 110.
        assert_eq!((round_trip.rto(), round_trip.smoothed()), (ms(340), Some(ms(110))));
    }

    #[test]
    fn stays_between_its_limits() {
        let mut round_trip = RoundTrip::new(&Timing::default());
        for _ in 0..100 {
            round_trip.sample(Duration::ZERO);
        }
        assert_eq!(round_trip.rto(), ms(20));
        for _ in 0..100 {
            round_trip.sample(Duration::MAX);
        }
        assert_eq!(round_trip.rto(), ms(4000));
        assert_eq!(round_trip.twice(ms(3000)), ms(4000));
    }

    #[test]
    fn what_was_sent_again_holds_until_it_is_measured() {
        let mut round_trip = RoundTrip::new(&Timing::default());
        round_trip.ambiguous(ms(4000));
        assert_eq!((round_trip.rto(), round_trip.smoothed()), (ms(1000), None));
        round_trip.ambiguous(ms(1500));
        assert_eq!(round_trip.rto(), ms(1500));
        round_trip.sample(ms(100));
        assert_eq!(round_trip.rto(), ms(300));
    }
}

//! Slow start that ends when the round-trip time grows, before packets are lost (HyStart++, RFC 9406).

use std::time::{Duration, Instant};

/// Samples that a round needs before it says anything.
const SAMPLES: u32 = 8;
const MIN_THRESHOLD: Duration = Duration::from_millis(4);
const MAX_THRESHOLD: Duration = Duration::from_millis(16);
const MIN_RTT_DIVISOR: u32 = 8;
/// How much slower conservative slow start grows.
const GROWTH_DIVISOR: u64 = 4;
/// Rounds of conservative slow start.
const CONSERVATIVE_ROUNDS: u32 = 5;

/// What an acknowledgement does to the window in slow start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    /// By so many bytes.
    By(u64),
    /// Slow start is over: the window is large enough.
    Enough,
}

#[derive(Debug, Clone, Copy)]
struct Conservative {
    rounds: u32,
    /// Smallest time in the round before: if it is undercut, the path was not full after all.
    baseline: Duration,
}

/// Watches the smallest round-trip time of each round.
#[derive(Debug, Clone)]
pub(super) struct SlowStart {
    /// Packets sent from then on belong to the next round.
    round_start: Instant,
    last_round: Option<Duration>,
    this_round: Option<Duration>,
    samples: u32,
    conservative: Option<Conservative>,
}

impl SlowStart {
    pub(super) fn new(now: Instant) -> SlowStart {
        SlowStart { round_start: now, last_round: None, this_round: None, samples: 0, conservative: None }
    }

    /// `bytes` are acknowledged, of packets up to one sent at `sent`; `rtt` is the newest sample. The limit `L` of
    /// RFC 9406 §4.3 is infinite, since sending is paced.
    pub(super) fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, rtt: Duration) -> Growth {
        let mut round_over = false;
        if sent >= self.round_start {
            round_over = self.this_round.is_some();
            self.round_start = now;
            self.last_round = self.this_round.take().or(self.last_round);
            self.samples = 0;
        }
        self.samples += 1;
        let smallest = self.this_round.map_or(rtt, |smallest| smallest.min(rtt));
        self.this_round = Some(smallest);
        let Some(mut conservative) = self.conservative else {
            self.look_for_growth(smallest);
            return Growth::By(bytes);
        };
        if self.samples >= SAMPLES && smallest < conservative.baseline {
            self.conservative = None;
            return Growth::By(bytes);
        }
        if round_over {
            conservative.rounds += 1;
            if conservative.rounds >= CONSERVATIVE_ROUNDS {
                return Growth::Enough;
            }
        }
        self.conservative = Some(conservative);
        Growth::By(bytes / GROWTH_DIVISOR)
    }

    fn look_for_growth(&mut self, smallest: Duration) {
        let Some(last) = self.last_round else { return };
        let threshold = (last / MIN_RTT_DIVISOR).clamp(MIN_THRESHOLD, MAX_THRESHOLD);
        if self.samples >= SAMPLES && smallest >= last + threshold {
            self.conservative = Some(Conservative { rounds: 0, baseline: smallest });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    struct Rounds {
        slow_start: SlowStart,
        now: Instant,
    }

    impl Rounds {
        fn new() -> Rounds {
            let now = Instant::now();
            Rounds { slow_start: SlowStart::new(now), now }
        }

        /// A round of ten acknowledgements; what the last one said.
        fn round(&mut self, rtt: Duration) -> Growth {
            let sent = self.now;
            self.now += rtt;
            let first = self.slow_start.on_ack(self.now, sent, 1000, rtt);
            if first == Growth::Enough {
                return first;
            }
            // Sent together with the first: still this round.
            (0..9).map(|_| self.slow_start.on_ack(self.now, sent, 1000, rtt)).last().unwrap()
        }
    }

    #[test]
    fn a_steady_path_doubles_forever() {
        let mut rounds = Rounds::new();
        for _ in 0..50 {
            assert_eq!(rounds.round(50 * MS), Growth::By(1000));
        }
        // Growth within the threshold of an eighth.
        assert_eq!(rounds.round(56 * MS), Growth::By(1000));
    }

    #[test]
    fn a_growing_round_trip_ends_it_after_five_careful_rounds() {
        let mut rounds = Rounds::new();
        rounds.round(50 * MS);
        rounds.round(58 * MS);
        for _ in 0..4 {
            assert_eq!(rounds.round(60 * MS), Growth::By(250));
        }
        assert_eq!(rounds.round(60 * MS), Growth::Enough);
    }

    #[test]
    fn a_passing_bump_is_forgiven() {
        let mut rounds = Rounds::new();
        rounds.round(50 * MS);
        rounds.round(70 * MS);
        assert_eq!(rounds.round(70 * MS), Growth::By(250));
        assert_eq!(rounds.round(50 * MS), Growth::By(1000));
    }
}

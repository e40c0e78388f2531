//! How many bytes may be in flight (RFC 9002 §7): NewReno, or CUBIC (RFC 9438), both with HyStart++ (RFC 9406).

mod cubic;
mod new_reno;
mod slow_start;

use std::time::{Duration, Instant};

use self::cubic::Cubic;
use self::new_reno::NewReno;
use self::slow_start::{Growth, SlowStart};
use crate::config::CongestionControl;

#[derive(Debug, Clone)]
enum Avoidance {
    NewReno(NewReno),
    Cubic(Cubic),
}

/// What was before packets were lost, to go back to if they only came late (RFC 9438 §4.9.2).
#[derive(Debug, Clone)]
struct Before {
    window: u64,
    threshold: u64,
    avoidance: Avoidance,
    /// Lost packets that have not arrived yet.
    missing: u64,
}

/// The congestion window of a path.
#[derive(Debug, Clone)]
pub(crate) struct Congestion {
    /// Bytes.
    window: u64,
    /// Slow start goes on below.
    threshold: u64,
    max_datagram: u64,
    initial_packets: u64,
    slow_start: SlowStart,
    avoidance: Avoidance,
    /// When the last recovery period began: losses of packets sent before are part of what it answers.
    recovery_start: Option<Instant>,
    before: Option<Before>,
}

impl Congestion {
    pub(crate) fn new(
        algorithm: CongestionControl,
        now: Instant,
        max_datagram: u16,
        initial_packets: u64,
    ) -> Congestion {
        let max_datagram = u64::from(max_datagram);
        let avoidance = match algorithm {
            CongestionControl::NewReno => Avoidance::NewReno(NewReno::default()),
            CongestionControl::Cubic => Avoidance::Cubic(Cubic::new(now)),
        };
        Congestion {
            window: initial_window(max_datagram, initial_packets),
            threshold: u64::MAX,
            max_datagram,
            initial_packets,
            slow_start: SlowStart::new(now),
            avoidance,
            recovery_start: None,
            before: None,
        }
    }

    /// Bytes that may be in flight.
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    pub(crate) fn in_slow_start(&self) -> bool {
        self.window < self.threshold
    }

    /// A packet sent at `time` was on its way when congestion was seen last (RFC 9002 §7.3.2).
    pub(crate) fn in_recovery(&self, time: Instant) -> bool {
        self.recovery_start.is_some_and(|start| time <= start)
    }

    /// Packets of `bytes` arrived, the newest sent at `sent`, when the window was in use and congestion not just seen.
    pub(crate) fn on_acked(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        latest: Duration,
        smoothed: Duration,
    ) {
        if self.in_slow_start() {
            match self.slow_start.on_ack(now, sent, bytes, latest) {
                Growth::By(bytes) => self.window = self.window.saturating_add(bytes),
                Growth::Enough => self.threshold = self.window,
            }
            return;
        }
        self.window = match &mut self.avoidance {
            Avoidance::NewReno(reno) => reno.on_ack(self.window, bytes, self.max_datagram),
            Avoidance::Cubic(cubic) => cubic.on_ack(now, self.window, bytes, smoothed, self.max_datagram),
        };
    }

    /// Packets arrived, or the first goes out after a pause, but the window is larger than what is sent: it stays
    /// (RFC 9002 §7.8).
    pub(crate) fn on_limited(&mut self, now: Instant) {
        if let Avoidance::Cubic(cubic) = &mut self.avoidance {
            cubic.on_limited(now);
        }
    }

    /// So many packets were lost, the newest sent at `sent`; `false` if what was done before answers it already.
    pub(crate) fn on_lost(&mut self, now: Instant, sent: Instant, packets: u64) -> bool {
        let before = Before {
            window: self.window,
            threshold: self.threshold,
            avoidance: self.avoidance.clone(),
            missing: packets,
        };
        if self.reduce(now, sent) {
            self.before = Some(before);
            return true;
        }
        if let Some(before) = &mut self.before {
            before.missing += packets;
        }
        false
    }

    /// A packet sent at `sent` was marked; `false` if what was done before answers it already.
    pub(crate) fn on_marked(&mut self, now: Instant, sent: Instant) -> bool {
        self.before = None;
        self.reduce(now, sent)
    }

    /// So many packets arrived that were lost since the last reduction. If all have, there was no congestion.
    pub(crate) fn on_arrived_late(&mut self, packets: u64) {
        if let Some(before) = &mut self.before {
            before.missing = before.missing.saturating_sub(packets);
        }
        let Some(before) = self.before.take_if(|before| before.missing == 0) else { return };
        self.window = self.window.max(before.window);
        self.threshold = before.threshold;
        self.avoidance = before.avoidance;
        self.recovery_start = None;
    }

    /// When the last reduction was.
    pub(crate) fn recovery_start(&self) -> Option<Instant> {
        self.recovery_start
    }

    fn reduce(&mut self, now: Instant, sent: Instant) -> bool {
        if self.in_recovery(sent) {
            return false;
        }
        self.recovery_start = Some(now);
        let window = match &mut self.avoidance {
            Avoidance::NewReno(reno) => reno.on_congestion(self.window),
            Avoidance::Cubic(cubic) => cubic.on_congestion(now, self.window, self.max_datagram),
        };
        self.window = window.max(self.min_window());
        self.threshold = self.window;
        true
    }

    /// Nothing arrived for long: back to the least (RFC 9002 §7.6.2).
    pub(crate) fn on_persistent_congestion(&mut self, now: Instant) {
        self.window = self.min_window();
        self.recovery_start = None;
        self.before = None;
        self.slow_start = SlowStart::new(now);
        if let Avoidance::Cubic(cubic) = &mut self.avoidance {
            cubic.on_collapse();
        }
    }

    /// Another size of datagrams. A window that has not moved yet is the initial window of the new size, since a
    /// smaller size may be what lets the handshake through (RFC 9002 §7.2).
    pub(crate) fn on_mtu_changed(&mut self, max_datagram: u16) {
        let untouched = self.window == initial_window(self.max_datagram, self.initial_packets);
        self.max_datagram = u64::from(max_datagram);
        if untouched && self.threshold == u64::MAX {
            self.window = initial_window(self.max_datagram, self.initial_packets);
        }
        self.window = self.window.max(self.min_window());
    }

    /// RFC 9002 §7.2.
    fn min_window(&self) -> u64 {
        2 * self.max_datagram
    }
}

/// Ten datagrams, of no more than 14,720 bytes unless two are more than that (RFC 9002 §7.2); another number of packets
/// moves both.
fn initial_window(max_datagram: u64, packets: u64) -> u64 {
    (packets * max_datagram).min((packets * 1472).max(2 * max_datagram)).max(2 * max_datagram)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const BOTH: [CongestionControl; 2] = [CongestionControl::NewReno, CongestionControl::Cubic];

    #[test]
    fn the_initial_window_is_ten_datagrams_with_a_bound() {
        assert_eq!(initial_window(1200, 10), 12_000);
        assert_eq!(initial_window(1472, 10), 14_720);
        assert_eq!(initial_window(1500, 10), 14_720);
        assert_eq!(initial_window(9000, 10), 18_000);
        assert_eq!(initial_window(1200, 1), 2_400);
    }

    #[test]
    fn congestion_counts_once_in_a_recovery_period() {
        for algorithm in BOTH {
            let now = Instant::now();
            let mut congestion = Congestion::new(algorithm, now, 1200, 10);
            congestion.on_acked(now + 50 * MS, now, 12_000, 50 * MS, 50 * MS);
            assert_eq!(congestion.window(), 24_000);
            assert!(congestion.in_slow_start());
            assert!(congestion.on_lost(now + 60 * MS, now + 10 * MS, 1));
            let window = congestion.window();
            assert_eq!(window, if algorithm == CongestionControl::Cubic { 16_800 } else { 12_000 });
            assert!(!congestion.in_slow_start());
            assert!(!congestion.on_lost(now + 70 * MS, now + 60 * MS, 1));
            assert_eq!(congestion.window(), window);
            assert!(congestion.in_recovery(now + 60 * MS) && !congestion.in_recovery(now + 61 * MS));
            assert!(congestion.on_lost(now + 90 * MS, now + 61 * MS, 1));
            assert!(congestion.window() < window);
        }
    }

    #[test]
    fn the_window_comes_back_when_all_arrive_late() {
        for algorithm in BOTH {
            let now = Instant::now();
            let mut congestion = Congestion::new(algorithm, now, 1200, 100);
            assert!(congestion.on_lost(now + 10 * MS, now, 3));
            assert!(!congestion.on_lost(now + 11 * MS, now, 2));
            let reduced = congestion.window();
            congestion.on_arrived_late(4);
            assert_eq!(congestion.window(), reduced);
            congestion.on_arrived_late(1);
            assert_eq!(congestion.window(), 120_000);
            assert!(congestion.in_slow_start() && !congestion.in_recovery(now));
            // Only once, and not when marks or silence said the same.
            congestion.on_lost(now + 20 * MS, now + 11 * MS, 1);
            congestion.on_marked(now + 21 * MS, now + 11 * MS);
            congestion.on_arrived_late(1);
            assert!(congestion.window() < 120_000);
            congestion.on_lost(now + 40 * MS, now + 30 * MS, 1);
            congestion.on_persistent_congestion(now + 40 * MS);
            congestion.on_arrived_late(1);
            assert_eq!(congestion.window(), 2400);
        }
    }

    #[test]
    fn the_window_never_falls_below_two_datagrams() {
        for algorithm in BOTH {
            let now = Instant::now();
            let mut congestion = Congestion::new(algorithm, now, 1200, 10);
            for round in 1..20 {
                congestion.on_lost(now + round * 10 * MS, now + round * 10 * MS - MS, 1);
            }
            assert_eq!(congestion.window(), 2400);
        }
    }

    #[test]
    fn persistent_congestion_collapses_and_slow_start_follows() {
        for algorithm in BOTH {
            let now = Instant::now();
            let mut congestion = Congestion::new(algorithm, now, 1200, 100);
            congestion.on_lost(now + MS, now + MS, 1);
            congestion.on_persistent_congestion(now + MS);
            assert_eq!(congestion.window(), 2400);
            assert!(congestion.in_slow_start());
            assert!(!congestion.in_recovery(now));
            congestion.on_acked(now + 50 * MS, now, 2400, 50 * MS, 50 * MS);
            assert_eq!(congestion.window(), 4800);
        }
    }

    #[test]
    fn slow_start_after_a_collapse_knows_nothing_of_the_one_before() {
        let start = Instant::now();
        let mut congestion = Congestion::new(CongestionControl::Cubic, start, 1200, 10);
        let grown = |congestion: &mut Congestion, after: u32, sent: u32, rtt: Duration| {
            let before = congestion.window();
            for _ in 0..10 {
                congestion.on_acked(start + after * MS, start + sent * MS, 100, rtt, rtt);
            }
            congestion.window() - before
        };
        assert_eq!(grown(&mut congestion, 50, 0, 50 * MS), 1000);
        grown(&mut congestion, 130, 50, 80 * MS);
        // Careful by now.
        assert_eq!(grown(&mut congestion, 210, 130, 80 * MS), 250);
        congestion.on_persistent_congestion(start + 2000 * MS);
        assert_eq!(grown(&mut congestion, 2080, 2000, 80 * MS), 1000);
    }

    #[test]
    fn another_datagram_size_moves_only_the_untouched_window() {
        let now = Instant::now();
        let mut congestion = Congestion::new(CongestionControl::Cubic, now, 1200, 10);
        congestion.on_mtu_changed(1400);
        assert_eq!(congestion.window(), 14_000);
        congestion.on_acked(now, now, 500, MS, MS);
        congestion.on_mtu_changed(1200);
        assert_eq!(congestion.window(), 14_500);
        congestion.on_mtu_changed(9000);
        assert_eq!(congestion.window(), 18_000);
    }
}

//! The bytes in flight, and whether they make use of the window (RFC 9002 §7.8).

use std::time::Instant;

/// Datagrams by which a flight may stay below the window and still use it.
const MARGIN: u64 = 3;

/// Bytes of the current path that are neither acknowledged nor lost.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    bytes: u64,
    /// Most bytes in flight in this round trip, and in the one before. An application with too little to send, or a
    /// flow-control limit, shows in that; what only the pacer holds back for a moment does not.
    peak: u64,
    last_peak: u64,
    /// Packets sent from then on belong to the next round trip.
    round_start: Instant,
}

impl Flight {
    pub(super) fn new(now: Instant) -> Flight {
        Flight { bytes: 0, peak: 0, last_peak: 0, round_start: now }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// `true` if nothing was in flight before.
    pub(super) fn add(&mut self, size: u16) -> bool {
        let was_idle = self.bytes == 0;
        if was_idle {
            self.peak = 0;
            self.last_peak = 0;
        }
        self.bytes += u64::from(size);
        self.peak = self.peak.max(self.bytes);
        was_idle
    }

    pub(super) fn remove(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Other packets count: another path is the current one.
    pub(super) fn restart(&mut self, now: Instant, bytes: u64) {
        *self = Flight { bytes, peak: bytes, ..Flight::new(now) };
    }

    /// A packet sent at `sent` arrived.
    pub(super) fn on_acked(&mut self, now: Instant, sent: Instant) {
        if sent >= self.round_start {
            self.last_peak = self.peak;
            self.peak = self.bytes;
            self.round_start = now;
        }
    }

    /// Whether the window is what limits sending. While it doubles, half of it in use is enough.
    pub(super) fn uses(&self, window: u64, slow_start: bool, max_datagram: u64) -> bool {
        let peak = self.peak.max(self.last_peak);
        if slow_start { peak * 2 >= window } else { peak + MARGIN * max_datagram > window }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RTT: Duration = Duration::from_millis(50);

    #[test]
    fn a_full_round_trip_ago_still_counts_and_two_do_not() {
        let start = Instant::now();
        let mut flight = Flight::new(start);
        assert!(flight.add(6000));
        assert!(!flight.add(6000));
        flight.on_acked(start + RTT, start);
        flight.remove(11_000);
        assert!(flight.uses(15_000, false, 1200));
        assert!(!flight.uses(15_601, false, 1200));
        assert!(flight.uses(24_000, true, 1200));
        assert!(!flight.uses(24_001, true, 1200));
        flight.on_acked(start + RTT * 2, start + RTT);
        assert!(flight.uses(15_000, false, 1200));
        flight.on_acked(start + RTT * 3, start + RTT * 2);
        assert!(!flight.uses(15_000, false, 1200));
    }

    #[test]
    fn a_pause_ends_the_use() {
        let start = Instant::now();
        let mut flight = Flight::new(start);
        flight.add(12_000);
        flight.remove(12_000);
        flight.add(1000);
        assert!(!flight.uses(12_000, false, 1200));
        assert_eq!(flight.bytes(), 1000);
    }
}

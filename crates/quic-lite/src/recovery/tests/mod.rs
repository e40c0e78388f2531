//! What RFC 9002 leaves easy to get wrong.

mod frames;
mod spaces;
mod timers;
mod window;

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::outcome::Acked;
use super::*;
use crate::config::CongestionControl;

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const DATAGRAM: u16 = 1200;
pub(super) const MAX_ACK_DELAY: Duration = Duration::from_millis(25);

pub(super) struct Side {
    pub(super) recovery: Recovery<u64>,
    pub(super) now: Instant,
    pub(super) acked: Vec<u64>,
    pub(super) lost: Vec<u64>,
}

impl Side {
    pub(super) fn new(settings: &RecoverySettings) -> Side {
        let now = Instant::now();
        Side { recovery: Recovery::new(settings, now), now, acked: Vec::new(), lost: Vec::new() }
    }

    pub(super) fn client() -> Side {
        Side::new(&RecoverySettings::default())
    }

    /// After the handshake.
    pub(super) fn confirmed() -> Side {
        let mut side = Side::client();
        side.recovery.set_max_ack_delay(MAX_ACK_DELAY);
        side.recovery.set_handshake_state(true, true, true);
        side
    }

    /// With a window of 100 packets.
    pub(super) fn wide() -> Side {
        let mut side =
            Side::new(&RecoverySettings { initial_window_packets: 100, ..RecoverySettings::default() });
        side.recovery.set_handshake_state(true, true, true);
        side
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    pub(super) fn packet(&self) -> Sent {
        Sent { time: self.now, size: DATAGRAM, ack_eliciting: true, in_flight: true, ecn: false, path: 0 }
    }

    pub(super) fn quiet(&self) -> Sent {
        Sent { ack_eliciting: false, in_flight: false, ..self.packet() }
    }

    pub(super) fn send(&mut self, space: Space, numbers: RangeInclusive<u64>) {
        for number in numbers {
            self.recovery.on_sent(space, number, self.packet(), &[number]);
        }
    }

    pub(super) fn ack(&mut self, space: Space, ranges: &[RangeInclusive<u64>]) -> Acked {
        self.ack_with(space, ranges, Duration::ZERO, None).unwrap()
    }

    pub(super) fn ack_with(
        &mut self,
        space: Space,
        ranges: &[RangeInclusive<u64>],
        delay: Duration,
        ecn: Option<EcnCounts>,
    ) -> Result<Acked, RecoveryError> {
        let ranges = ranges.iter().cloned();
        self.recovery.on_ack(self.now, space, ranges, delay, ecn, &mut self.acked, &mut self.lost)
    }

    pub(super) fn timeout(&mut self) -> Timeout {
        self.now = self.now.max(self.recovery.deadline().unwrap());
        self.recovery.on_timeout(self.now, &mut self.lost)
    }

    /// Time until the timer.
    pub(super) fn left(&self) -> Option<Duration> {
        self.recovery.deadline().map(|at| at.saturating_duration_since(self.now))
    }
}

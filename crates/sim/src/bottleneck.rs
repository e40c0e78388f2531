//! The slowest place of a path: a line of some rate, and the queue in front of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// An amount of waiting packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// So many packets.
    Packets(usize),
    /// So many octets, headers included.
    Octets(usize),
}

impl Backlog {
    /// No amount is more than this.
    pub const UNBOUNDED: Backlog = Backlog::Packets(usize::MAX);
}

/// Packets that wait for the line, each with the time at which its transmission starts. The one that is being
/// transmitted does not wait.
#[derive(Debug, Default)]
pub(crate) struct Bottleneck {
    waiting: VecDeque<(Instant, usize)>,
    octets: usize,
    /// When the line has sent all it has.
    free_at: Option<Instant>,
}

impl Bottleneck {
    /// Packets and octets that wait at `now`.
    pub(crate) fn waiting(&mut self, now: Instant) -> (usize, usize) {
        while let Some(&(start, len)) = self.waiting.front() {
            if start > now {
                break;
            }
            self.waiting.pop_front();
            self.octets -= len;
        }
        (self.waiting.len(), self.octets)
    }

    /// True when a packet of `len` octets would wait, and `limit` would then be exceeded.
    pub(crate) fn exceeds(&mut self, now: Instant, len: usize, limit: Backlog) -> bool {
        let (packets, octets) = self.waiting(now);
        if self.free_at.is_none_or(|at| at <= now) {
            return false;
        }
        match limit {
            Backlog::Packets(limit) => packets.saturating_add(1) > limit,
            Backlog::Octets(limit) => octets.saturating_add(len) > limit,
        }
    }

    /// Queues a packet of `len` octets for a line of `rate` bits a second. Returns when it has left the line.
    pub(crate) fn push(&mut self, now: Instant, len: usize, rate: u64) -> Instant {
        let start = self.free_at.map_or(now, |at| at.max(now));
        if start > now {
            self.waiting.push_back((start, len));
            self.octets += len;
        }
        let nanos = (len as u128 * 8 * 1_000_000_000).div_ceil(u128::from(rate.max(1)));
        let end = start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.free_at = Some(end);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_drains_at_the_rate() {
        let now = Instant::now();
        let mut bottleneck = Bottleneck::default();
        // 1250 octets at 10 Mbit/s: a millisecond each.
        for number in 1..=4 {
            let end = bottleneck.push(now, 1250, 10_000_000);
            assert_eq!(end - now, Duration::from_millis(number));
        }
        assert_eq!(bottleneck.waiting(now), (3, 3750));
        assert!(!bottleneck.exceeds(now, 1250, Backlog::Packets(4)));
        assert!(bottleneck.exceeds(now, 1250, Backlog::Packets(3)));
        assert!(!bottleneck.exceeds(now, 1250, Backlog::Octets(5000)));
        assert!(bottleneck.exceeds(now, 1251, Backlog::Octets(5000)));
        let later = now + Duration::from_millis(2);
        assert_eq!(bottleneck.waiting(later), (1, 1250));
        // An idle line takes a packet even where nothing may wait.
        let idle = now + Duration::from_millis(4);
        assert!(bottleneck.exceeds(later, 1, Backlog::Packets(0)));
        assert!(!bottleneck.exceeds(idle, 1, Backlog::Packets(0)));
        assert_eq!(bottleneck.push(idle, 1250, 10_000_000) - idle, Duration::from_millis(1));
    }
}

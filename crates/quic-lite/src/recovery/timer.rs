//! The one timer of recovery: time threshold or probe timeout (RFC 9002 §6.1.2, §6.2, §A.8).

use std::time::{Duration, Instant};

use super::Recovery;
use super::outcome::Timeout;
use super::packet::Space;

/// Backoff goes no further than 2 to the power of that; the idle timeout comes long before.
const MAX_BACKOFF: u32 = 16;

/// Probe timeouts in a row after which packets are no longer marked, if none that was ever arrived (RFC 9000 §13.4.2).
const UNPROVEN_TIMEOUTS: u32 = 2;

/// A probe timeout to come.
struct Probe {
    at: Instant,
    space: Space,
    count: u8,
}

impl<F: Copy> Recovery<F> {
    /// When [`on_timeout`](Self::on_timeout) is to be called. A server at the amplification limit has no probe timeout,
    /// but still finds packets lost.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if !self.overdue.is_empty() {
            return Some(self.anchor);
        }
        let lost = self.spaces.iter().filter_map(|(_, state)| state.loss.deadline()).min();
        lost.or_else(|| self.probe().map(|probe| probe.at))
    }

    /// The timer may have expired; frames of packets that are lost by now are appended to `lost`. When a probe is to go,
    /// so are the frames of the oldest packets in flight: the probe is of most use if it carries them once more
    /// (RFC 9002 §6.2.4). Those packets count on, without their frames.
    pub(crate) fn on_timeout(&mut self, now: Instant, lost: &mut Vec<F>) -> Timeout {
        if !self.overdue.is_empty() {
            lost.append(&mut self.overdue);
            return Timeout::Lost;
        }
        let mut due = false;
        for space in Space::ALL {
            if self.spaces.get(space).loss.deadline().is_some_and(|at| at <= now) {
                due = true;
                self.detect_lost(now, space, lost);
                self.spaces.get_mut(space).sent.trim();
            }
        }
        if due {
            return Timeout::Lost;
        }
        if self.spaces.iter().any(|(_, state)| state.loss.deadline().is_some()) {
            return Timeout::Nothing;
        }
        let Some(probe) = self.probe().filter(|probe| probe.at <= now) else { return Timeout::Nothing };
        self.pto_count += 1;
        self.stats.probe_timeouts += 1;
        self.anchor = now;
        // A path that drops what is marked must not cost the handshake.
        if self.pto_count >= UNPROVEN_TIMEOUTS && self.spaces.iter().all(|(_, state)| state.ecn.is_unproven())
        {
            self.spaces.iter_mut().for_each(|state| state.ecn.give_up());
        }
        self.spaces.get_mut(probe.space).sent.take_oldest(probe.count, lost);
        Timeout::Probe { space: probe.space, count: probe.count }
    }

    /// The probe timeout of 1-RTT packets, without backoff (RFC 9002 §6.2.1).
    pub(crate) fn probe_timeout(&self) -> Duration {
        self.rtt.pto_base() + self.max_ack_delay
    }

    fn probe(&self) -> Option<Probe> {
        if self.amplification_limited {
            return None;
        }
        let backoff = 1u32 << self.pto_count.min(MAX_BACKOFF);
        let base = self.rtt.pto_base().saturating_mul(backoff);
        let in_flight = self.spaces.iter().filter_map(|(space, state)| {
            let delay = match space {
                // Until then the peer may be unable to read or to acknowledge them.
                Space::Data if !self.confirmed => return None,
                Space::Data => self.max_ack_delay.saturating_mul(backoff),
                Space::Initial | Space::Handshake => Duration::ZERO,
            };
            let last = state.last_ack_eliciting.filter(|_| state.ack_eliciting > 0)?;
            Some(Probe { at: last.checked_add(base.saturating_add(delay))?, space, count: 2 })
        });
        in_flight.min_by_key(|probe| probe.at).or_else(|| {
            // The server may wait for the client to show that it is there (RFC 9002 §6.2.2.1). 0-RTT packets in flight
            // do not help: they have no timeout yet.
            let space = if self.has_handshake_keys { Space::Handshake } else { Space::Initial };
            let at = self.anchor.checked_add(base).filter(|_| !self.peer_validated)?;
            Some(Probe { at, space, count: 1 })
        })
    }
}

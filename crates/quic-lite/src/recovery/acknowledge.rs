//! What an ACK frame does (RFC 9002 §A.7).

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::Recovery;
use super::ecn::EcnVerdict;
use super::loss::LossRules;
use super::outcome::{Acked, RecoveryError};
use super::packet::{EcnCounts, Sent, Space};

/// The packets that an ACK frame newly acknowledges, added up.
#[derive(Default)]
struct Newly {
    count: usize,
    largest: Option<(u64, Sent)>,
    any_ack_eliciting: bool,
    largest_size: u16,
    ecn: u64,
    /// Bytes of the current path that leave the flight.
    bytes: u64,
    /// Those of them that may make the window grow.
    growth: u64,
}

impl<F: Copy> Recovery<F> {
    /// An ACK frame of this space. `ranges`: what it acknowledges, largest first. `ack_delay`: what it says of the
    /// peer's delay, unscaled. Frames of packets that arrived are appended to `acked`, of packets that are therefore
    /// lost to `lost`.
    ///
    /// # Errors
    /// It acknowledges a packet that was never sent; nothing has changed then.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn on_ack(
        &mut self,
        now: Instant,
        space: Space,
        ranges: impl Iterator<Item = RangeInclusive<u64>> + Clone,
        ack_delay: Duration,
        ecn: Option<EcnCounts>,
        acked: &mut Vec<F>,
        lost: &mut Vec<F>,
    ) -> Result<Acked, RecoveryError> {
        let state = self.spaces.get_mut(space);
        let Some(first) = ranges.clone().next().filter(|_| !state.discarded) else {
            return Ok(Acked::default());
        };
        let largest = *first.end();
        if largest >= state.sent.next() {
            return Err(RecoveryError::AckOfUnsent { number: largest });
        }
        let mut left_out =
            ranges.clone().filter_map(|range| state.numbers.left_out(*range.start(), *range.end()));
        if let Some(number) = left_out.next() {
            return Err(RecoveryError::AckOfUnsent { number });
        }
        lost.append(&mut self.overdue);
        let since = self.congestion.recovery_start();
        let spurious = state.loss.find_spurious(ranges.clone(), state.largest_acked, since);
        self.stats.spurious += spurious.packets;
        self.congestion.on_arrived_late(spurious.counted);
        let newly = self.resolve(space, ranges, acked);
        let Some((largest_newly, newest)) = newly.largest else {
            return Ok(Acked::default());
        };
        let state = self.spaces.get_mut(space);
        let raises_largest = state.largest_acked.is_none_or(|known| largest_newly > known);
        if raises_largest {
            state.largest_acked = Some(largest_newly);
        }
        let verdict = state.ecn.on_ack(ecn, newly.ecn, raises_largest);
        if largest_newly == largest && newly.any_ack_eliciting && newest.path == self.path {
            let delay = self.believed_delay(space, ack_delay);
            self.rtt.on_sample(now, now.saturating_duration_since(newest.time), delay);
        }
        let mut congestion = false;
        if verdict == EcnVerdict::Congestion
            && newest.path == self.path
            && self.congestion.on_marked(now, newest.time)
        {
            congestion = true;
            self.stats.congestion_events += 1;
            self.stats.ecn_events += 1;
        }
        congestion |= self.detect_lost(now, space, lost);
        self.spaces.get_mut(space).sent.trim();
        self.flight.on_acked(now, newest.time);
        self.flight.remove(newly.bytes);
        self.grow(now, &newly, newest.time);
        self.update_pacer(now);
        // A client keeps its patience until the server is known to answer freely (RFC 9002 §6.2.1).
        if self.peer_validated {
            self.pto_count = 0;
        }
        self.anchor = self.anchor.max(now);
        Ok(Acked {
            newly: newly.count,
            largest_newly: Some(largest_newly),
            any_ack_eliciting: newly.any_ack_eliciting,
            largest_size: newly.largest_size,
            ecn_failed: verdict == EcnVerdict::Failed,
            congestion,
        })
    }

    /// Resolves what the frame acknowledges. Only numbers from the oldest outstanding one on are looked at, and what is
    /// older than the packet threshold is not outstanding: the work is for new packets, not for the frame's length.
    fn resolve(
        &mut self,
        space: Space,
        ranges: impl Iterator<Item = RangeInclusive<u64>>,
        acked: &mut Vec<F>,
    ) -> Newly {
        let mut newly = Newly::default();
        let state = self.spaces.get_mut(space);
        let (oldest, end) = (state.sent.first(), state.sent.next());
        for range in ranges {
            if *range.end() < oldest {
                break;
            }
            for number in (*range.start()).max(oldest)..range.end().saturating_add(1).min(end) {
                let Some(sent) = state.sent.acknowledge(number, acked) else { continue };
                state.uncount(&sent);
                newly.count += 1;
                newly.largest_size = newly.largest_size.max(sent.size);
                newly.any_ack_eliciting |= sent.ack_eliciting;
                newly.ecn += u64::from(sent.ecn);
                if newly.largest.is_none_or(|(largest, _)| number > largest) {
                    newly.largest = Some((number, sent));
                }
                if sent.in_flight && sent.path == self.path {
                    newly.bytes += u64::from(sent.size);
                    if !self.congestion.in_recovery(sent.time) {
                        newly.growth += u64::from(sent.size);
                    }
                }
            }
        }
        newly
    }

    /// What the peer's delay may take from a sample (RFC 9002 §5.3).
    fn believed_delay(&self, space: Space, ack_delay: Duration) -> Duration {
        match space {
            Space::Initial => Duration::ZERO,
            _ if self.confirmed => ack_delay.min(self.max_ack_delay),
            _ => ack_delay,
        }
    }

    fn grow(&mut self, now: Instant, newly: &Newly, newest: Instant) {
        // Congestion may have been seen only now.
        if newly.growth == 0 || self.congestion.in_recovery(newest) {
            return;
        }
        let (window, slow_start) = (self.congestion.window(), self.congestion.in_slow_start());
        if self.flight.uses(window, slow_start, u64::from(self.settings.max_datagram)) {
            let (latest, smoothed) = (self.rtt.latest(), self.rtt.smoothed());
            self.congestion.on_acked(now, newest, newly.growth, latest, smoothed);
        } else {
            self.congestion.on_limited(now);
        }
    }

    /// Looks for lost packets of a space; whether the window was reduced.
    pub(super) fn detect_lost(&mut self, now: Instant, space: Space, lost: &mut Vec<F>) -> bool {
        let rules = LossRules {
            round_trip: self.rtt.latest().max(self.rtt.smoothed()),
            persistent: (self.rtt.pto_base() + self.max_ack_delay) * 3,
            first_sample: self.rtt.first_sample(),
            path: self.path,
        };
        let state = self.spaces.get_mut(space);
        let Some(largest) = state.largest_acked else { return false };
        let losses = state.loss.detect(now, &mut state.sent, largest, &rules, lost);
        self.on_losses(now, space, &losses)
    }
}

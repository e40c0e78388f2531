//! Which packets of a space are lost, and whether that is persistent congestion (RFC 9002 §6.1, §7.6).

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::packet::Sent;
use super::rtt::GRANULARITY;
use super::sent::SentPackets;

/// Packets that reordering may put a packet back before it counts as lost, however much reordering was seen.
const MAX_PACKET_THRESHOLD: u64 = 64;

/// Eighths of a round trip that reordering may add to the time that a packet has.
const MAX_PATIENCE: u32 = 7;

/// Lost packets that are remembered, to notice that they arrived after all.
const REMEMBERED: usize = 128;

/// What one look for lost packets found.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Losses {
    pub packets: u64,
    /// Those sent with ECT(0).
    pub ecn: u64,
    /// Bytes of the current path that leave the flight.
    pub bytes: u64,
    /// The packets that those are.
    pub in_flight: u64,
    /// Ack-eliciting packets.
    pub ack_eliciting: u32,
    /// When the newest packet of the current path that counts in flight was sent: a congestion event of that time.
    pub newest: Option<Instant>,
    /// Nothing arrived for so long that the path is taken for another.
    pub persistent: bool,
}

/// What a look for lost packets measures by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LossRules {
    /// The longer of the newest round-trip time and the smoothed one.
    pub round_trip: Duration,
    /// Persistent congestion takes this long (RFC 9002 §7.6.1).
    pub persistent: Duration,
    /// Packets sent before do not count for that.
    pub first_sample: Option<Instant>,
    pub path: u8,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    number: u64,
    sent: Instant,
    lost: Instant,
    /// For being so many packets behind, not for its age.
    by_count: bool,
    /// It counted for congestion.
    counted: bool,
}

/// Packets that were taken for lost and arrived.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spurious {
    pub packets: u64,
    /// Those that counted for congestion, and were not lost before a given time.
    pub counted: u64,
}

/// Packets lost one after another, without one between them that arrived.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// First ack-eliciting packet.
    start: Instant,
    /// Smallest number in it.
    first: u64,
}

/// Loss detection in one packet number space.
#[derive(Debug)]
pub(crate) struct LossDetection {
    packet_threshold: u64,
    /// Eighths of a round trip.
    time_threshold: u32,
    max_time_threshold: u32,
    /// When the oldest outstanding packet counts as lost.
    deadline: Option<Instant>,
    run: Option<Run>,
    /// Numbers below were judged: acknowledged or lost.
    judged: u64,
    remembered: VecDeque<Remembered>,
}

impl LossDetection {
    /// `time_threshold` in eighths of a round trip.
    pub(crate) fn new(packet_threshold: u64, time_threshold: u32) -> LossDetection {
        LossDetection {
            packet_threshold,
            time_threshold,
            max_time_threshold: time_threshold + MAX_PATIENCE,
            deadline: None,
            run: None,
            judged: 0,
            remembered: VecDeque::new(),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Resolves packets below `largest_acked` that must have arrived by now, had they not been lost. To be called after
    /// all that an ACK frame acknowledges is resolved.
    pub(crate) fn detect<F: Copy>(
        &mut self,
        now: Instant,
        packets: &mut SentPackets<F>,
        largest_acked: u64,
        rules: &LossRules,
        frames: &mut Vec<F>,
    ) -> Losses {
        self.deadline = None;
        let mut losses = Losses::default();
        let delay = (rules.round_trip * self.time_threshold / 8).max(GRANULARITY);
        // In the order of numbers, which is that of time: the first that is not lost ends it.
        let mut number = self.judged;
        if packets.first() > number {
            // The largest acknowledged packet of before has left the front.
            number = packets.first();
            self.run = None;
        }
        while number < largest_acked {
            let Some(sent) = packets.get(number).copied() else {
                if packets.has_arrived(number) {
                    self.run = None;
                }
                number += 1;
                continue;
            };
            let by_count = largest_acked - number >= self.packet_threshold;
            let due = sent.time + delay;
            if !by_count && due > now {
                self.deadline = Some(due);
                break;
            }
            packets.lose(number, frames);
            self.on_lost(now, number, &sent, by_count, rules, &mut losses);
            number += 1;
        }
        self.judged = number;
        while self.remembered.front().is_some_and(|lost| lost.sent + rules.persistent < now) {
            self.remembered.pop_front();
        }
        losses
    }

    fn on_lost(
        &mut self,
        now: Instant,
        number: u64,
        sent: &Sent,
        by_count: bool,
        rules: &LossRules,
        losses: &mut Losses,
    ) {
        losses.packets += 1;
        losses.ecn += u64::from(sent.ecn);
        losses.ack_eliciting += u32::from(sent.ack_eliciting);
        if self.remembered.len() >= REMEMBERED {
            self.remembered.pop_front();
        }
        let counted = sent.path == rules.path && sent.in_flight;
        self.remembered.push_back(Remembered { number, sent: sent.time, lost: now, by_count, counted });
        if !counted {
            return;
        }
        losses.in_flight += 1;
        losses.bytes += u64::from(sent.size);
        losses.newest = Some(sent.time);
        if !sent.ack_eliciting || rules.first_sample.is_none_or(|sample| sent.time <= sample) {
            return;
        }
        let run = *self.run.get_or_insert(Run { start: sent.time, first: number });
        if sent.time.saturating_duration_since(run.start) > rules.persistent {
            losses.persistent = true;
            self.run = None;
        }
    }

    /// How many packets that were taken for lost an ACK frame acknowledges. The thresholds grow with the reordering that
    /// they show (RFC 9002 §6.1.1, §6.1.2), up to a bound. `ranges` as in the frame, largest first. `since`: when the last
    /// reduction of the window was.
    pub(crate) fn find_spurious(
        &mut self,
        ranges: impl Iterator<Item = RangeInclusive<u64>>,
        largest_acked: Option<u64>,
        since: Option<Instant>,
    ) -> Spurious {
        if self.remembered.is_empty() {
            return Spurious::default();
        }
        let mut ranges = ranges.peekable();
        let mut found = Spurious::default();
        let (mut distance, mut too_early, mut newest) = (0, false, None);
        let mut index = self.remembered.len();
        while let Some(lost) = index.checked_sub(1).and_then(|index| self.remembered.get(index)).copied() {
            index -= 1;
            while ranges.next_if(|range| *range.start() > lost.number).is_some() {}
            let Some(range) = ranges.peek() else { break };
            if lost.number <= *range.end() {
                self.remembered.remove(index);
                found.packets += 1;
                found.counted += u64::from(lost.counted && since.is_some_and(|since| lost.lost >= since));
                newest = newest.or(Some(lost.number));
                too_early |= !lost.by_count;
                if lost.by_count {
                    distance = distance.max(largest_acked.unwrap_or(0).saturating_sub(lost.number));
                }
            }
        }
        if self.run.is_some_and(|run| newest.is_some_and(|newest| newest >= run.first)) {
            self.run = None;
        }
        if too_early {
            self.time_threshold = (self.time_threshold + 1).min(self.max_time_threshold);
        }
        if distance >= self.packet_threshold {
            self.packet_threshold = self.packet_threshold.max((distance + 1).min(MAX_PACKET_THRESHOLD));
        }
        found
    }

    /// The space is given up, or all its packets are.
    pub(crate) fn clear(&mut self) {
        self.deadline = None;
        self.run = None;
        self.remembered.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn sent(time: Instant) -> Sent {
        Sent { time, size: 1000, ack_eliciting: true, in_flight: true, ecn: false, path: 0 }
    }

    fn rules(start: Instant) -> LossRules {
        LossRules { round_trip: 80 * MS, persistent: 900 * MS, first_sample: Some(start - MS), path: 0 }
    }

    /// Packets 0.. sent `gap` apart.
    fn packets(start: Instant, count: u32, gap: Duration) -> SentPackets<u32> {
        let mut packets = SentPackets::new();
        for number in 0..count {
            packets.push(number.into(), sent(start + gap * number), [number]);
        }
        packets
    }

    #[test]
    fn three_packets_behind_is_lost_and_two_is_not() {
        let start = Instant::now();
        let mut ring = packets(start, 5, MS);
        let mut detection = LossDetection::new(3, 9);
        let mut frames = Vec::new();
        ring.acknowledge(3, &mut Vec::new());
        let losses = detection.detect(start + 10 * MS, &mut ring, 3, &rules(start), &mut frames);
        assert_eq!((losses.packets, losses.bytes, losses.newest), (1, 1000, Some(start)));
        assert_eq!(frames, [0]);
        assert_eq!(detection.deadline(), Some(start + MS + 90 * MS));
    }

    #[test]
    fn the_rest_is_lost_in_time() {
        let start = Instant::now();
        let mut ring = packets(start, 3, MS);
        let mut detection = LossDetection::new(3, 9);
        let mut frames = Vec::new();
        ring.acknowledge(2, &mut Vec::new());
        assert_eq!(detection.detect(start + 80 * MS, &mut ring, 2, &rules(start), &mut frames).packets, 0);
        let at = detection.deadline().unwrap();
        assert_eq!(detection.detect(at, &mut ring, 2, &rules(start), &mut frames).packets, 1);
        let at = detection.deadline().unwrap();
        assert_eq!(detection.detect(at, &mut ring, 2, &rules(start), &mut frames).packets, 1);
        assert_eq!(detection.deadline(), None);
        assert_eq!(frames, [0, 1]);
    }

    #[test]
    fn packets_after_the_largest_acknowledged_are_never_lost() {
        let start = Instant::now();
        let mut ring = packets(start, 5, MS);
        let mut detection = LossDetection::new(3, 9);
        ring.acknowledge(0, &mut Vec::new());
        let losses = detection.detect(start + 9000 * MS, &mut ring, 0, &rules(start), &mut Vec::new());
        assert_eq!((losses.packets, detection.deadline()), (0, None));
    }

    /// Acknowledges each of `acked` in turn; whether any found persistent congestion.
    fn persistent(count: u32, gap: Duration, acked: &[u64], rules: &LossRules, start: Instant) -> bool {
        let mut ring = packets(start, count, gap);
        let mut detection = LossDetection::new(3, 9);
        let mut found = false;
        for &number in acked {
            ring.acknowledge(number, &mut Vec::new());
            found |= detection.detect(start, &mut ring, number, rules, &mut Vec::new()).persistent;
            ring.trim();
        }
        found
    }

    #[test]
    fn a_run_of_losses_longer_than_the_duration_is_persistent() {
        let start = Instant::now();
        let rules = rules(start);
        // Packets 0 to 10 are lost, 1000 ms from the first to the last.
        assert!(persistent(14, 100 * MS, &[13], &rules, start));
        // 0 to 9: 900 ms, not longer.
        assert!(!persistent(13, 100 * MS, &[12], &rules, start));
        assert!(persistent(30, 100 * MS, &[1, 29], &rules, start));
    }

    #[test]
    fn a_run_goes_on_from_one_frame_to_the_next() {
        let start = Instant::now();
        let rules = rules(start);
        let mut ring = packets(start, 20, 100 * MS);
        let mut detection = LossDetection::new(3, 9);
        let mut look = |acknowledged, now| {
            ring.acknowledge(acknowledged, &mut Vec::new());
            detection.detect(now, &mut ring, acknowledged, &rules, &mut Vec::new())
        };
        // 0 to 9, 900 ms; number 10 only in time.
        let losses = look(12, start + 1000 * MS);
        assert_eq!((losses.packets, losses.persistent), (10, false));
        let losses = look(12, start + 1090 * MS);
        assert_eq!((losses.packets, losses.persistent), (1, true));
    }

    #[test]
    fn a_packet_that_arrives_after_all_ends_the_run() {
        let start = Instant::now();
        let rules = rules(start);
        let mut ring = packets(start, 20, 100 * MS);
        let mut detection = LossDetection::new(3, 9);
        ring.acknowledge(12, &mut Vec::new());
        assert!(!detection.detect(start, &mut ring, 12, &rules, &mut Vec::new()).persistent);
        assert_eq!(detection.find_spurious(std::iter::once(9..=9), Some(12), None).packets, 1);
        assert!(!detection.detect(start + 1090 * MS, &mut ring, 12, &rules, &mut Vec::new()).persistent);
    }

    #[test]
    fn a_packet_that_arrived_ends_the_run() {
        let start = Instant::now();
        let rules = rules(start);
        assert!(!persistent(17, 100 * MS, &[7, 16], &rules, start));
        let mut ring = packets(start, 17, 100 * MS);
        let mut detection = LossDetection::new(3, 9);
        for number in [7, 16] {
            ring.acknowledge(number, &mut Vec::new());
        }
        assert!(!detection.detect(start, &mut ring, 16, &rules, &mut Vec::new()).persistent);
    }

    #[test]
    fn before_the_first_sample_nothing_is_persistent() {
        let start = Instant::now();
        let base = rules(start);
        let none = LossRules { first_sample: None, ..base };
        assert!(!persistent(40, 100 * MS, &[39], &none, start));
        let late = LossRules { first_sample: Some(start + 500 * MS), ..base };
        assert!(!persistent(14, 100 * MS, &[13], &late, start));
        assert!(persistent(40, 100 * MS, &[39], &late, start));
    }

    #[test]
    fn other_paths_and_packets_not_in_flight_say_nothing_of_congestion() {
        let start = Instant::now();
        let mut ring = SentPackets::new();
        ring.push(0, Sent { path: 1, ..sent(start) }, [0]);
        ring.push(1, Sent { in_flight: false, ..sent(start) }, [1]);
        ring.push(9, sent(start), [2]);
        ring.acknowledge(9, &mut Vec::new());
        let mut frames = Vec::new();
        let losses = LossDetection::new(3, 9).detect(start, &mut ring, 9, &rules(start), &mut frames);
        assert_eq!((losses.packets, losses.bytes, losses.newest), (2, 0, None));
        assert_eq!(frames, [0, 1]);
    }

    #[test]
    fn only_losses_since_the_reduction_count_for_taking_it_back() {
        let start = Instant::now();
        let mut ring = packets(start, 10, Duration::ZERO);
        let mut detection = LossDetection::new(3, 9);
        ring.acknowledge(4, &mut Vec::new());
        detection.detect(start + 10 * MS, &mut ring, 4, &rules(start), &mut Vec::new());
        ring.acknowledge(9, &mut Vec::new());
        detection.detect(start + 20 * MS, &mut ring, 9, &rules(start), &mut Vec::new());
        let ranges = [5..=6, 0..=1].into_iter();
        let found = detection.find_spurious(ranges, Some(9), Some(start + 20 * MS));
        assert_eq!((found.packets, found.counted), (4, 2));
    }

    #[test]
    fn packets_that_are_late_get_more_time_up_to_a_bound() {
        let start = Instant::now();
        let mut detection = LossDetection::new(3, 9);
        let mut ring = packets(start, 200, Duration::ZERO);
        for (step, eighths) in (10..=16).chain([16, 16]).enumerate() {
            let number = step as u64 * 10;
            ring.acknowledge(number + 1, &mut Vec::new());
            let mut frames = Vec::new();
            detection.detect(start + 200 * MS, &mut ring, number + 1, &rules(start), &mut frames);
            assert_eq!(
                detection.find_spurious(std::iter::once(number..=number), Some(number + 1), None).packets,
                1
            );
            assert_eq!((detection.time_threshold, detection.packet_threshold), (eighths, 3));
        }
    }

    #[test]
    fn reordering_raises_the_threshold_up_to_a_bound() {
        let start = Instant::now();
        let mut ring = packets(start, 400, Duration::ZERO);
        let mut detection = LossDetection::new(3, 9);
        let mut acked = |detection: &mut LossDetection, number: u64| {
            let spurious =
                detection.find_spurious(std::iter::once(number..=number), Some(number + 5), None).packets;
            ring.acknowledge(number + 5, &mut Vec::new());
            detection.detect(start, &mut ring, number + 5, &rules(start), &mut Vec::new());
            spurious
        };
        assert_eq!(acked(&mut detection, 0), 0);
        assert_eq!(detection.packet_threshold, 3);
        assert_eq!(acked(&mut detection, 0), 1);
        assert_eq!(detection.packet_threshold, 6);
        // Only once.
        assert_eq!(acked(&mut detection, 0), 0);
        acked(&mut detection, 300);
        assert_eq!(detection.find_spurious([290..=295, 250..=280].into_iter(), Some(390), None).packets, 37);
        assert_eq!(detection.packet_threshold, MAX_PACKET_THRESHOLD);
    }
}

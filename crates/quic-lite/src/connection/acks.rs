//! Which packets came, and when to say so (RFC 9000 §13.2).

use std::time::{Duration, Instant};

use crate::recovery::RangeSet;
use crate::transmit::Ecn;

/// Ranges that one ACK frame may have; older ones are forgotten.
pub(crate) const MOST_RANGES: usize = 32;
/// Packets that ask for an acknowledgement before one is sent at once (§13.2.2).
const PACKETS: u32 = 2;

/// ECN marks that came, for ACK frames (§13.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EcnSeen {
    pub(crate) ect0: u64,
    pub(crate) ect1: u64,
    pub(crate) ce: u64,
}

impl EcnSeen {
    pub(crate) fn any(&self) -> bool {
        *self != EcnSeen::default()
    }
}

/// The packets of one number space that came.
#[derive(Debug)]
pub(crate) struct Acks {
    received: RangeSet,
    /// Packets below were acknowledged, and the peer knows it: one of them that comes now is a duplicate.
    floor: u64,
    largest: Option<u64>,
    largest_at: Option<Instant>,
    /// That ask for an acknowledgement, since the last one was sent.
    unacknowledged: u32,
    /// Anything came that the last ACK did not say.
    news: bool,
    at_once: bool,
    deadline: Option<Instant>,
    seen: EcnSeen,
}

impl Acks {
    pub(crate) fn new() -> Acks {
        Acks {
            received: RangeSet::new(MOST_RANGES),
            floor: 0,
            largest: None,
            largest_at: None,
            unacknowledged: 0,
            news: false,
            at_once: false,
            deadline: None,
            seen: EcnSeen::default(),
        }
    }

    /// It was here already, or is so old that nobody knows.
    pub(crate) fn is_known(&self, number: u64) -> bool {
        number < self.floor || self.received.contains(number)
    }

    /// The largest packet number that came, which the numbers in headers are relative to.
    pub(crate) fn largest(&self) -> Option<u64> {
        self.largest
    }

    /// A packet was opened. `delay`: how long its acknowledgement may wait; `None`: not at all.
    pub(crate) fn on_packet(
        &mut self,
        now: Instant,
        number: u64,
        asks: bool,
        ecn: Ecn,
        delay: Option<Duration>,
    ) {
        let in_order = self.largest.is_none_or(|largest| number == largest + 1);
        self.received.insert(number);
        // Ranges that were dropped for want of room: whatever comes below is taken for known.
        if self.received.len() >= MOST_RANGES
            && let Some(lowest) = self.received.iter().last().map(|range| *range.start())
        {
            self.floor = self.floor.max(lowest);
        }
        if self.largest.is_none_or(|largest| number > largest) {
            self.largest = Some(number);
            self.largest_at = Some(now);
        }
        match ecn {
            Ecn::NotEct => {}
            Ecn::Ect0 => self.seen.ect0 += 1,
            Ecn::Ect1 => self.seen.ect1 += 1,
            Ecn::Ce => self.seen.ce += 1,
        }
        self.news = true;
        if !asks {
            return;
        }
        self.unacknowledged += 1;
        // Out of order: the peer is to see its loss soon (§13.2.1).
        match delay {
            Some(delay) if in_order && ecn != Ecn::Ce && self.unacknowledged < PACKETS => {
                self.deadline.get_or_insert(now + delay);
            }
            _ => self.at_once = true,
        }
    }

    /// An ACK has to go now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.at_once || self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// There is something to say where a packet goes anyway.
    pub(crate) fn has_news(&self) -> bool {
        self.news && !self.received.is_empty() && self.unacknowledged > 0
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.at_once { None } else { self.deadline }
    }

    pub(crate) fn received(&self) -> &RangeSet {
        &self.received
    }

    pub(crate) fn seen(&self) -> &EcnSeen {
        &self.seen
    }

    /// How long ago the largest came.
    pub(crate) fn delay(&self, now: Instant) -> Duration {
        self.largest_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    /// An ACK of all was written.
    pub(crate) fn written(&mut self) {
        self.unacknowledged = 0;
        self.news = false;
        self.at_once = false;
        self.deadline = None;
    }

    /// The peer knows what an ACK said whose largest number was that: it need not be said again (§13.2.4).
    pub(crate) fn acknowledged(&mut self, largest: u64) {
        // The newest stay, so that there is always something to say.
        let keep = self.largest.map_or(0, |newest| newest.min(largest));
        self.received.remove_below(keep);
        self.floor = self.floor.max(keep);
    }
}

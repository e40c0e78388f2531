//! A one-way path for packets: a bottleneck, a line with faults, a delay.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::bottleneck::Bottleneck;
use crate::clock::Schedule;
use crate::damage::{flip_bits, truncate};
use crate::faults::FaultState;
use crate::link_settings::{EcnPath, LinkSettings};
use crate::packet::{Ecn, Packet};
use crate::rng::Rng;

/// What became of a packet when it was sent. The sender must not know; a trace may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is on its way, maybe twice or changed.
    Travels,
    /// It is longer than the MTU, or fell into the black hole.
    TooLong,
    /// The queue was full, or above the mark and the packet not ECN-capable.
    QueueFull,
    /// It is in the list of packets to drop.
    Listed,
    /// It left the bottleneck in a blackout.
    Blackout,
    /// It was lost on the line.
    Lost,
}

/// What became of the packets of a [`Link`]. `sent` is the sum of `travelling`, `too_long`, `queue_full`, `listed`,
/// `blackout` and `lost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkCounts {
    /// Packets taken from the sender.
    pub sent: u64,
    /// Of them, those that went on their way.
    pub travelling: u64,
    /// Of them, those longer than the MTU at that time.
    pub too_long: u64,
    /// Of them, those that found the queue full.
    pub queue_full: u64,
    /// Of them, those in the list of packets to drop.
    pub listed: u64,
    /// Of them, those that left the bottleneck in a blackout.
    pub blackout: u64,
    /// Of them, those lost by chance.
    pub lost: u64,
    /// Packets marked CE in the queue (marked already does not count).
    pub marked: u64,
    /// Packets that arrive twice.
    pub duplicated: u64,
    /// Copies with changed bits.
    pub corrupted: u64,
    /// Copies cut short.
    pub truncated: u64,
    /// Copies that arrive after one that was sent later.
    pub overtaken: u64,
    /// Copies given to the receiver.
    pub delivered: u64,
    /// Octets of their datagrams.
    pub delivered_octets: u64,
    /// The most packets that ever waited.
    pub longest_queue: usize,
}

/// A one-way path for packets. The same seed, settings and calls give the same deliveries.
///
/// ```
/// use bytes::Bytes;
/// use std::time::Duration;
/// use wirelace_sim::{Clock, Ecn, Link, LinkSettings, Packet};
///
/// let mut clock = Clock::new();
/// let mut link = Link::new(42, LinkSettings::interop(), clock.now());
/// for _ in 0..2 {
///     let (source, destination) = ("10.0.0.1:9".parse().unwrap(), "10.0.0.2:443".parse().unwrap());
///     let data = Bytes::from(vec![0; 1222]); // and 28 octets of headers
///     link.send(clock.now(), Packet { source, destination, ecn: Ecn::Ect0, data });
/// }
/// let mut times = Vec::new();
/// while let Some(at) = link.next_at() {
///     clock.advance_to(at);
///     while link.receive(clock.now()).is_some() {
///         times.push(clock.elapsed());
///     }
/// }
/// // A millisecond on the line each, 15 more on the way.
/// assert_eq!(times, [Duration::from_millis(16), Duration::from_millis(17)]);
/// ```
#[derive(Debug)]
pub struct Link {
    rng: Rng,
    settings: LinkSettings,
    start: Instant,
    bottleneck: Bottleneck,
    losses: FaultState,
    duplications: FaultState,
    corruptions: FaultState,
    truncations: FaultState,
    in_flight: Schedule<Packet>,
    last_arrival: Instant,
    counts: LinkCounts,
}

impl Link {
    /// A link with nothing on its way, whose times count from `now`.
    #[must_use]
    pub fn new(seed: u64, settings: LinkSettings, now: Instant) -> Link {
        Link {
            rng: Rng::new(seed),
            settings,
            start: now,
            bottleneck: Bottleneck::default(),
            losses: FaultState::default(),
            duplications: FaultState::default(),
            corruptions: FaultState::default(),
            truncations: FaultState::default(),
            in_flight: Schedule::new(),
            last_arrival: now,
            counts: LinkCounts::default(),
        }
    }

    /// Takes a packet.
    pub fn send(&mut self, now: Instant, packet: Packet) -> Fate {
        self.counts.sent += 1;
        let fate = self.take(now, packet);
        *match fate {
            Fate::Travels => &mut self.counts.travelling,
            Fate::TooLong => &mut self.counts.too_long,
            Fate::QueueFull => &mut self.counts.queue_full,
            Fate::Listed => &mut self.counts.listed,
            Fate::Blackout => &mut self.counts.blackout,
            Fate::Lost => &mut self.counts.lost,
        } += 1;
        fate
    }

    /// The next packet that has arrived by `now`.
    pub fn receive(&mut self, now: Instant) -> Option<Packet> {
        let packet = self.in_flight.pop(now)?;
        self.counts.delivered += 1;
        self.counts.delivered_octets += packet.data.len() as u64;
        Some(packet)
    }

    /// When the next packet arrives; in the past while it has not been received.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.in_flight.next_at()
    }

    /// Copies on their way or waiting for the line.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Packets that wait for the line.
    pub fn queued(&mut self, now: Instant) -> usize {
        self.bottleneck.waiting(now).0
    }

    /// How it treats packets.
    #[must_use]
    pub fn settings(&self) -> &LinkSettings {
        &self.settings
    }

    /// How it treats packets from now on; what is queued or on its way stays as it is. Times still count from the
    /// start of the link.
    pub fn change(&mut self, settings: LinkSettings) {
        self.settings = settings;
    }

    /// What became of the packets so far.
    #[must_use]
    pub fn counts(&self) -> LinkCounts {
        self.counts
    }

    fn take(&mut self, now: Instant, mut packet: Packet) -> Fate {
        if packet.data.len() > self.mtu(now.duration_since(self.start)) {
            return Fate::TooLong;
        }
        packet.ecn = on_path(packet.ecn, self.settings.ecn);
        let Some(left) = self.through_bottleneck(now, &mut packet) else {
            return Fate::QueueFull;
        };
        if self.settings.drops.contains(&self.counts.sent) {
            return Fate::Listed;
        }
        if self.settings.blackouts.covers(left.duration_since(self.start)) {
            return Fate::Blackout;
        }
        if self.losses.strikes(&mut self.rng, &self.settings.loss) {
            return Fate::Lost;
        }
        if self.duplications.strikes(&mut self.rng, &self.settings.duplication) {
            self.counts.duplicated += 1;
            self.copy(left, packet.clone());
        }
        self.copy(left, packet);
        Fate::Travels
    }

    fn mtu(&self, at: Duration) -> usize {
        let hole = self.settings.black_hole.filter(|hole| at >= hole.from);
        hole.map_or(usize::MAX, |hole| hole.mtu).min(self.settings.mtu)
    }

    /// When the packet has left the line; `None`: there was no room.
    fn through_bottleneck(&mut self, now: Instant, packet: &mut Packet) -> Option<Instant> {
        let Some(rate) = self.settings.rate else {
            return Some(now);
        };
        let len = packet.data.len() + self.settings.overhead;
        if self.bottleneck.exceeds(now, len, self.settings.queue) {
            return None;
        }
        if let Some(marking) = self.settings.marking
            && self.bottleneck.exceeds(now, len, marking.above)
        {
            if packet.ecn.is_capable() {
                self.counts.marked += u64::from(packet.ecn != Ecn::Ce);
                packet.ecn = Ecn::Ce;
            } else if marking.drops_others {
                return None;
            }
        }
        let left = self.bottleneck.push(now, len, rate);
        self.counts.longest_queue = self.counts.longest_queue.max(self.bottleneck.waiting(now).0);
        Some(left)
    }

    fn copy(&mut self, left: Instant, mut packet: Packet) {
        let jitter = self.rng.duration(&(Duration::ZERO..=self.settings.jitter));
        let mut at = left + self.settings.delay + jitter;
        if !self.settings.reorders {
            at = at.max(self.last_arrival);
        }
        self.counts.overtaken += u64::from(at < self.last_arrival);
        self.last_arrival = at.max(self.last_arrival);
        packet.data = self.damaged(packet.data);
        self.in_flight.push(at, packet);
    }

    fn damaged(&mut self, mut data: Bytes) -> Bytes {
        if self.corruptions.strikes(&mut self.rng, &self.settings.corruption) && !data.is_empty() {
            self.counts.corrupted += 1;
            data = flip_bits(&mut self.rng, &data);
        }
        if self.truncations.strikes(&mut self.rng, &self.settings.truncation) && !data.is_empty() {
            self.counts.truncated += 1;
            data = truncate(&mut self.rng, &data);
        }
        data
    }
}

fn on_path(ecn: Ecn, path: EcnPath) -> Ecn {
    match (path, ecn) {
        (EcnPath::Clears, _) => Ecn::NotEct,
        (EcnPath::Swaps, Ecn::Ect0) => Ecn::Ect1,
        (EcnPath::Swaps, Ecn::Ect1) => Ecn::Ect0,
        (EcnPath::MarksAll, Ecn::Ect0 | Ecn::Ect1) => Ecn::Ce,
        (_, ecn) => ecn,
    }
}

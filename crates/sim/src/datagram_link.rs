//! A one-way path for datagrams with the ways of UDP that a protocol has to live with.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::clock::Schedule;
use crate::damage::flip_bits;
use crate::rng::Rng;

/// How a [`DatagramLink`] treats what goes through it. The default only delays, and so reorders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatagramSettings {
    /// How many datagrams of 100 vanish.
    pub loss: u8,
    /// How many of 100 arrive twice; each copy has a delay of its own.
    pub duplication: u8,
    /// How many copies of 100 arrive with one to three bits changed.
    pub corruption: u8,
    /// How long each copy travels: whatever takes longer than what was sent later arrives later, too.
    pub delay: RangeInclusive<Duration>,
    /// Octets of the longest datagram that gets through; longer ones vanish.
    pub mtu: usize,
}

impl Default for DatagramSettings {
    fn default() -> DatagramSettings {
        DatagramSettings {
            loss: 0,
            duplication: 0,
            corruption: 0,
            delay: Duration::ZERO..=Duration::from_millis(20),
            mtu: 65_507,
        }
    }
}

impl DatagramSettings {
    /// A link that delivers every datagram once, at once and in order.
    #[must_use]
    pub fn ideal() -> DatagramSettings {
        DatagramSettings {
            delay: Duration::ZERO..=Duration::ZERO,
            mtu: usize::MAX,
            ..DatagramSettings::default()
        }
    }
}

/// What became of the datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DatagramCounts {
    /// Datagrams taken from the sender.
    pub sent: u64,
    /// Of them, those that vanished, but not for their length.
    pub lost: u64,
    /// Of them, those that vanished because they are longer than the MTU.
    pub too_long: u64,
    /// Of them, those that arrive twice.
    pub duplicated: u64,
    /// Copies with changed bits.
    pub corrupted: u64,
    /// Copies given to the receiver.
    pub delivered: u64,
}

/// A one-way path for datagrams. The same seed, settings and calls give the same deliveries.
///
/// ```
/// use bytes::Bytes;
/// use wirelace_sim::{Clock, DatagramLink, DatagramSettings};
///
/// let mut clock = Clock::new();
/// let mut link = DatagramLink::new(42, DatagramSettings { duplication: 100, ..DatagramSettings::default() });
/// link.send(clock.now(), Bytes::from_static(b"once"));
/// let mut received = 0;
/// while let Some(at) = link.next_at() {
///     clock.advance_to(at);
///     while link.receive(clock.now()).is_some() {
///         received += 1;
///     }
/// }
/// assert_eq!(received, 2);
/// ```
#[derive(Debug)]
pub struct DatagramLink {
    rng: Rng,
    settings: DatagramSettings,
    in_flight: Schedule<Bytes>,
    counts: DatagramCounts,
}

impl DatagramLink {
    /// A link with nothing on its way.
    #[must_use]
    pub fn new(seed: u64, settings: DatagramSettings) -> DatagramLink {
        DatagramLink {
            rng: Rng::new(seed),
            settings,
            in_flight: Schedule::new(),
            counts: DatagramCounts::default(),
        }
    }

    /// Takes a datagram; nobody knows what becomes of it.
    pub fn send(&mut self, now: Instant, datagram: Bytes) {
        self.counts.sent += 1;
        if datagram.len() > self.settings.mtu {
            self.counts.too_long += 1;
            return;
        }
        if self.rng.percent(self.settings.loss) {
            self.counts.lost += 1;
            return;
        }
        if self.rng.percent(self.settings.duplication) {
            self.counts.duplicated += 1;
            self.copy(now, datagram.clone());
        }
        self.copy(now, datagram);
    }

    /// The next datagram that has arrived by `now`.
    pub fn receive(&mut self, now: Instant) -> Option<Bytes> {
        let datagram = self.in_flight.pop(now)?;
        self.counts.delivered += 1;
        Some(datagram)
    }

    /// When the next datagram arrives; in the past while it has not been received.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.in_flight.next_at()
    }

    /// Copies on their way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// How it treats datagrams from now on; what is on its way stays as it is.
    pub fn change(&mut self, settings: DatagramSettings) {
        self.settings = settings;
    }

    /// What became of the datagrams so far.
    #[must_use]
    pub fn counts(&self) -> DatagramCounts {
        self.counts
    }

    fn copy(&mut self, now: Instant, datagram: Bytes) {
        let at = now + self.rng.duration(&self.settings.delay);
        let corrupt = self.rng.percent(self.settings.corruption) && !datagram.is_empty();
        let datagram = if corrupt {
            self.counts.corrupted += 1;
            flip_bits(&mut self.rng, &datagram)
        } else {
            datagram
        };
        self.in_flight.push(at, datagram);
    }
}

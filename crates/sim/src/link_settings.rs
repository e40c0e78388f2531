//! How a link treats packets, with the links of the QUIC interop runner.

use std::ops::Range;
use std::time::Duration;

use crate::bottleneck::Backlog;
use crate::datagram_link::DatagramSettings;
use crate::faults::Faults;

/// How a [`Link`](crate::Link) treats what goes through it. Times count from the start of the link. The default
/// delivers everything once, at once, in order and as it was.
///
/// A packet passes in this order: the MTU, the bottleneck and its queue, the line (where it is lost, repeated and
/// changed, after it has taken its time in the bottleneck), the delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSettings {
    /// Which packets vanish.
    pub loss: Faults,
    /// Which packets arrive twice; each copy has a jitter and faults of its own.
    pub duplication: Faults,
    /// Which copies arrive with one to three bits changed.
    pub corruption: Faults,
    /// Which copies arrive without their last octets.
    pub truncation: Faults,
    /// How long each copy travels at least.
    pub delay: Duration,
    /// How much longer it may travel.
    pub jitter: Duration,
    /// True: the jitter reorders. False: what travels faster waits for what was sent before it.
    pub reorders: bool,
    /// Bits a second; `None`: no limit, and no queue.
    pub rate: Option<u64>,
    /// How much may wait for the line: what comes when it is full vanishes (drop-tail).
    pub queue: Backlog,
    /// Marks in a queue that grows.
    pub marking: Option<Marking>,
    /// Octets of headers that each packet has on the line, besides its datagram: 28 for IPv4 and UDP.
    pub overhead: usize,
    /// Octets of the longest datagram that gets through, headers not counted; longer ones vanish.
    pub mtu: usize,
    /// A change of the MTU that nobody tells the sender.
    pub black_hole: Option<BlackHole>,
    /// When nothing gets through. What leaves the bottleneck in such a time vanishes.
    pub blackouts: Blackouts,
    /// Packets that vanish, by number in order of sending; the first is 1.
    pub drops: Vec<u64>,
    /// What the path does to the ECN field, besides marking.
    pub ecn: EcnPath,
}

/// Congestion marks (RFC 3168, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marking {
    /// An ECN-capable packet that would make the backlog larger than this is marked CE.
    pub above: Backlog,
    /// True: a packet that is not ECN-capable vanishes where another would be marked. False: it passes, until
    /// the queue is full.
    pub drops_others: bool,
}

/// From a time on, longer datagrams vanish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlackHole {
    /// When it begins.
    pub from: Duration,
    /// Octets of the longest datagram that still gets through.
    pub mtu: usize,
}

/// Times in which nothing gets through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Blackouts {
    /// Never.
    #[default]
    Never,
    /// In these times.
    At(Vec<Range<Duration>>),
    /// Again and again: everything passes for a time, then nothing for another.
    Cycle {
        /// How long packets pass.
        on: Duration,
        /// How long they do not.
        off: Duration,
    },
}

impl Blackouts {
    /// True when nothing gets through at this time.
    #[must_use]
    pub fn covers(&self, at: Duration) -> bool {
        match self {
            Blackouts::Never => false,
            Blackouts::At(times) => times.iter().any(|time| time.contains(&at)),
            Blackouts::Cycle { on, off } => {
                let cycle = (*on + *off).as_nanos().max(1);
                at.as_nanos() % cycle >= on.as_nanos() && !off.is_zero()
            }
        }
    }
}

/// What a path does to ECN fields (RFC 9000, section 13.4.2 has to find out).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EcnPath {
    /// It leaves them alone.
    #[default]
    Keeps,
    /// It clears them.
    Clears,
    /// It makes ECT(0) and ECT(1) of each other.
    Swaps,
    /// It marks everything that is ECN-capable CE.
    MarksAll,
}

impl Default for LinkSettings {
    fn default() -> LinkSettings {
        LinkSettings {
            loss: Faults::NEVER,
            duplication: Faults::NEVER,
            corruption: Faults::NEVER,
            truncation: Faults::NEVER,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            reorders: false,
            rate: None,
            queue: Backlog::UNBOUNDED,
            marking: None,
            overhead: 28,
            mtu: usize::MAX,
            black_hole: None,
            blackouts: Blackouts::Never,
            drops: Vec::new(),
            ecn: EcnPath::Keeps,
        }
    }
}

impl From<DatagramSettings> for LinkSettings {
    fn from(settings: DatagramSettings) -> LinkSettings {
        LinkSettings {
            loss: Faults::percent(settings.loss),
            duplication: Faults::percent(settings.duplication),
            corruption: Faults::percent(settings.corruption),
            delay: *settings.delay.start(),
            jitter: settings.delay.end().saturating_sub(*settings.delay.start()),
            reorders: true,
            mtu: settings.mtu,
            ..LinkSettings::default()
        }
    }
}

/// The links of the QUIC interop runner, one direction each.
impl LinkSettings {
    /// The base of all its cases: 15 ms one way, 10 Mbit/s, a queue of 25 packets, Ethernet's MTU.
    #[must_use]
    pub fn interop() -> LinkSettings {
        LinkSettings {
            delay: Duration::from_millis(15),
            rate: Some(10_000_000),
            queue: Backlog::Packets(25),
            mtu: 1472,
            ..LinkSettings::default()
        }
    }

    /// `longrtt`: 750 ms one way.
    #[must_use]
    pub fn interop_longrtt() -> LinkSettings {
        LinkSettings { delay: Duration::from_millis(750), ..LinkSettings::interop() }
    }

    /// `handshakeloss`: 30 % vanish, three in a row at most.
    #[must_use]
    pub fn interop_handshakeloss() -> LinkSettings {
        LinkSettings { loss: Faults::percent(30).at_most_in_a_row(3), ..LinkSettings::interop() }
    }

    /// `transferloss`: 2 % vanish, three in a row at most.
    #[must_use]
    pub fn interop_transferloss() -> LinkSettings {
        LinkSettings { loss: Faults::percent(2).at_most_in_a_row(3), ..LinkSettings::interop() }
    }

    /// `handshakecorruption`: 30 % are changed, three in a row at most.
    #[must_use]
    pub fn interop_handshakecorruption() -> LinkSettings {
        LinkSettings { corruption: Faults::percent(30).at_most_in_a_row(3), ..LinkSettings::interop() }
    }

    /// `transfercorruption`: 2 % are changed, three in a row at most.
    #[must_use]
    pub fn interop_transfercorruption() -> LinkSettings {
        LinkSettings { corruption: Faults::percent(2).at_most_in_a_row(3), ..LinkSettings::interop() }
    }

    /// `blackhole`: everything passes for 5 s, nothing for 2 s, again and again.
    #[must_use]
    pub fn interop_blackhole() -> LinkSettings {
        let blackouts = Blackouts::Cycle { on: Duration::from_secs(5), off: Duration::from_secs(2) };
        LinkSettings { blackouts, ..LinkSettings::interop() }
    }

    /// `amplificationlimit`, from client to server: the client's datagrams 2 to 7 vanish.
    #[must_use]
    pub fn interop_amplificationlimit() -> LinkSettings {
        LinkSettings { drops: (2..=7).collect(), ..LinkSettings::interop() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blackouts_have_a_start_and_an_end() {
        let ms = Duration::from_millis;
        let cycle = LinkSettings::interop_blackhole().blackouts;
        for (at, covered) in
            [(0, false), (4999, false), (5000, true), (6999, true), (7000, false), (12_500, true)]
        {
            assert_eq!(cycle.covers(ms(at)), covered, "{at}");
        }
        let times = Blackouts::At(vec![ms(1)..ms(2), ms(5)..ms(6)]);
        for (at, covered) in [(0, false), (1, true), (2, false), (5, true), (6, false)] {
            assert_eq!(times.covers(ms(at)), covered, "{at}");
        }
        assert!(!Blackouts::Cycle { on: ms(0), off: ms(0) }.covers(ms(0)));
    }
}

//! What happened in a run, for the person who has to explain a seed.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// One of the two ends of a [`Pair`](crate::Pair).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The first peer.
    Client,
    /// The second peer.
    Server,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum What {
    /// Bytes were appended to the input.
    Read(usize),
    /// The other side closed its half.
    InputClosed,
    /// The connection was reset.
    Reset,
    /// The machine returned an event, with the peer's text for it.
    Event(String),
    /// The machine returned an error, with the peer's text for it.
    Error(String),
    /// The application did something.
    Acted,
    /// Output was accepted by the link.
    Wrote(usize),
    /// A timer was fired.
    Deadline,
    /// This side closed its half of the connection.
    HalfClosed,
    /// This side closed the connection.
    Closed,
}

/// A step with its time and side.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TraceEntry {
    /// Virtual time since the start.
    pub at: Duration,
    /// Who did it.
    pub side: Side,
    /// What was done.
    pub what: What,
}

/// An entry of a [`Trace`].
pub trait Traced: fmt::Display {
    /// Adds all that must be equal in equal runs.
    fn mix(&self, fingerprint: &mut Fingerprint);
}

impl Traced for TraceEntry {
    fn mix(&self, fingerprint: &mut Fingerprint) {
        fingerprint.mix(self.at.as_nanos() as u64);
        fingerprint.mix(self.side as u64);
        fingerprint.mix(match &self.what {
            What::Read(len) => *len as u64 * 16,
            What::Wrote(len) => *len as u64 * 16 + 1,
            What::InputClosed => 2,
            What::Reset => 3,
            What::Event(_) => 4,
            What::Error(_) => 5,
            What::Acted => 6,
            What::Deadline => 7,
            What::HalfClosed => 8,
            What::Closed => 9,
        });
    }
}

impl fmt::Display for TraceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Client => "client",
            Side::Server => "server",
        };
        write!(f, "{:>12.6} s  {side}  {:?}", self.at.as_secs_f64(), self.what)
    }
}

/// A hash of numbers (FNV-1a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// Of nothing.
    #[must_use]
    pub const fn new() -> Fingerprint {
        Fingerprint(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a number.
    pub fn mix(&mut self, value: u64) {
        self.mix_octets(&value.to_le_bytes());
    }

    /// Adds octets.
    pub fn mix_octets(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = (self.0 ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The hash.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl Default for Fingerprint {
    fn default() -> Fingerprint {
        Fingerprint::new()
    }
}

/// The last steps of a run, and a fingerprint of all of them.
#[derive(Debug, Clone)]
pub struct Trace<T = TraceEntry> {
    entries: VecDeque<T>,
    keep: usize,
    steps: u64,
    fingerprint: Fingerprint,
}

impl<T: Traced> Trace<T> {
    /// A trace that remembers the last `keep` steps.
    #[must_use]
    pub fn new(keep: usize) -> Trace<T> {
        Trace { entries: VecDeque::new(), keep, steps: 0, fingerprint: Fingerprint::new() }
    }

    /// Adds a step.
    pub fn push(&mut self, entry: T) {
        self.steps += 1;
        entry.mix(&mut self.fingerprint);
        if self.keep == 0 {
            return;
        }
        if self.entries.len() == self.keep {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The last steps, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &T> {
        self.entries.iter()
    }

    /// How many steps there were.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// A hash of all steps: equal runs have equal fingerprints.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint.value()
    }
}

impl<T: Traced> fmt::Display for Trace<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped = self.steps - self.entries.len() as u64;
        if dropped > 0 {
            writeln!(f, "({dropped} earlier steps)")?;
        }
        for entry in &self.entries {
            writeln!(f, "{entry}")?;
        }
        Ok(())
    }
}

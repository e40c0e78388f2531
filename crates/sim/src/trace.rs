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

/// The last steps of a run, and a fingerprint of all of them.
#[derive(Debug, Clone)]
pub struct Trace {
    entries: VecDeque<TraceEntry>,
    keep: usize,
    steps: u64,
    fingerprint: u64,
}

impl Trace {
    /// A trace that remembers the last `keep` steps.
    #[must_use]
    pub fn new(keep: usize) -> Trace {
        Trace { entries: VecDeque::new(), keep, steps: 0, fingerprint: 0xcbf2_9ce4_8422_2325 }
    }

    /// Adds a step.
    pub fn push(&mut self, entry: TraceEntry) {
        self.steps += 1;
        self.mix(entry.at.as_nanos() as u64);
        self.mix(entry.side as u64);
        match &entry.what {
            What::Read(len) => self.mix(*len as u64 * 16),
            What::Wrote(len) => self.mix(*len as u64 * 16 + 1),
            What::InputClosed => self.mix(2),
            What::Reset => self.mix(3),
            What::Event(_) => self.mix(4),
            What::Error(_) => self.mix(5),
            What::Acted => self.mix(6),
            What::Deadline => self.mix(7),
            What::HalfClosed => self.mix(8),
            What::Closed => self.mix(9),
        }
        if self.keep == 0 {
            return;
        }
        if self.entries.len() == self.keep {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The last steps, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &TraceEntry> {
        self.entries.iter()
    }

    /// How many steps there were.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// A hash of all steps (FNV-1a): equal runs have equal fingerprints.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn mix(&mut self, value: u64) {
        for byte in value.to_le_bytes() {
            self.fingerprint = (self.fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped = self.steps - self.entries.len() as u64;
        if dropped > 0 {
            writeln!(f, "({dropped} earlier steps)")?;
        }
        for TraceEntry { at, side, what } in &self.entries {
            let side = match side {
                Side::Client => "client",
                Side::Server => "server",
            };
            writeln!(f, "{:>12.6} s  {side}  {what:?}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

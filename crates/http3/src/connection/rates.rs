//! How often a peer may do what costs it nothing (RFC 9114 §10.5).

use std::time::Instant;

use wirelace_wire::Budget;

use crate::error::{Error, Flood};

#[derive(Debug)]
pub(super) struct Rates {
    resets: Budget,
    faults: Budget,
    controls: Budget,
    unknown: Budget,
    empty: Budget,
}

impl Rates {
    pub(super) fn new() -> Rates {
        Rates {
            // A page that goes away cancels all it has asked for.
            resets: Budget::new(500, 50),
            faults: Budget::new(500, 50),
            // Browsers send PRIORITY_UPDATE with every request.
            controls: Budget::new(4000, 400),
            unknown: Budget::new(256 * 1024, 16 * 1024),
            empty: Budget::new(100, 20),
        }
    }

    /// The peer reset an exchange that was under way (CVE-2023-44487).
    pub(super) fn reset(&mut self, now: Instant) -> Result<(), Error> {
        charge(&mut self.resets, now, 1, Flood::Resets)
    }

    /// This side has to end an exchange that the peer broke (CVE-2025-8671).
    pub(super) fn fault(&mut self, now: Instant) -> Result<(), Error> {
        charge(&mut self.faults, now, 1, Flood::Faults)
    }

    /// A frame that moves no data.
    pub(super) fn control(&mut self, now: Instant) -> Result<(), Error> {
        charge(&mut self.controls, now, 1, Flood::Controls)
    }

    /// Bytes of what is not known.
    pub(super) fn unknown(&mut self, now: Instant, bytes: usize) -> Result<(), Error> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        charge(&mut self.unknown, now, bytes, Flood::Unknown)
    }

    /// DATA without data.
    pub(super) fn empty_data(&mut self, now: Instant) -> Result<(), Error> {
        charge(&mut self.empty, now, 1, Flood::EmptyData)
    }
}

fn charge(budget: &mut Budget, now: Instant, tokens: u32, flood: Flood) -> Result<(), Error> {
    if budget.take(now, tokens) { Ok(()) } else { Err(Error::Flood(flood)) }
}

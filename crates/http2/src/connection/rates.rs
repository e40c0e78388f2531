//! How often a peer may do what costs it nothing (RFC 9113 §10.5).

use std::time::Instant;

use wirelace_wire::Budget;

use crate::error::{Error, Flood};

/// Tokens that a DATA frame earns: the peer answers it with WINDOW_UPDATEs for stream and connection, perhaps a PING.
const EARNED: u32 = 3;
const EARNED_MAX: u32 = 4096;

#[derive(Debug)]
pub(super) struct Rates {
    resets: Budget,
    faults: Budget,
    controls: Budget,
    settings: Budget,
    empty: Budget,
    earned: u32,
}

impl Rates {
    pub(super) fn new() -> Rates {
        Rates {
            // A page that goes away cancels all it has asked for.
            resets: Budget::new(500, 50),
            // As many: a client may open more streams than are allowed before it knows how many are.
            faults: Budget::new(500, 50),
            controls: Budget::new(4000, 400),
            settings: Budget::new(50, 5),
            empty: Budget::new(100, 20),
            earned: 0,
        }
    }

    /// The peer reset a stream that was under way.
    pub(super) fn reset(&mut self, now: Instant) -> Result<(), Error> {
        charge(&mut self.resets, now, 1, Flood::Resets)
    }

    /// This side has to reset a stream that the peer broke.
    pub(super) fn fault(&mut self, now: Instant) -> Result<(), Error> {
        charge(&mut self.faults, now, 1, Flood::Faults)
    }

    /// A frame that moves no data.
    pub(super) fn control(&mut self, now: Instant) -> Result<(), Error> {
        match self.earned.checked_sub(1) {
            Some(left) => {
                self.earned = left;
                Ok(())
            }
            None => charge(&mut self.controls, now, 1, Flood::Controls),
        }
    }

    /// SETTINGS.
    pub(super) fn settings(&mut self, now: Instant) -> Result<(), Error> {
        charge(&mut self.settings, now, 1, Flood::Settings)
    }

    /// DATA without data.
    pub(super) fn empty_data(&mut self, now: Instant) -> Result<(), Error> {
        charge(&mut self.empty, now, 1, Flood::EmptyData)
    }

    /// Data have gone, in either direction.
    pub(super) fn moved(&mut self) {
        self.earned = (self.earned + EARNED).min(EARNED_MAX);
    }
}

fn charge(budget: &mut Budget, now: Instant, tokens: u32, flood: Flood) -> Result<(), Error> {
    if budget.take(now, tokens) { Ok(()) } else { Err(Error::Flood(flood)) }
}

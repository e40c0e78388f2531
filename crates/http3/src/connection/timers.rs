//! Since when things are waited for.

use std::time::Instant;

#[derive(Debug)]
pub(super) struct Timers {
    /// The peer's SETTINGS are awaited since then.
    pub(super) opening: Option<Instant>,
    pub(super) drain: Option<Instant>,
    pub(super) sweep: Option<Instant>,
}

impl Timers {
    pub(super) fn new(now: Instant) -> Timers {
        Timers { opening: Some(now), drain: None, sweep: None }
    }

    pub(super) fn settings_came(&mut self) {
        self.opening = None;
    }

    pub(super) fn drain(&mut self, now: Instant) {
        self.drain = Some(now);
    }
}

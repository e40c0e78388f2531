//! Deadlines of one connection.

use core::time::Duration;
use std::time::Instant;

use super::error::Error;
use super::limits::Timeouts;

/// What the peer is expected to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Nothing: the application's turn.
    No,
    /// To start something, since then.
    Idle(Instant),
    /// To finish a head that began then.
    Head(Instant),
    /// To bring more body; in the span that began then it brought so many bytes.
    Body {
        /// Start of the span.
        since: Instant,
        /// The body's byte count at the start of the span.
        from: u64,
    },
}

/// The timers of one connection.
#[derive(Debug)]
pub(super) struct Timers {
    timeouts: Timeouts,
    pub(super) waiting: Waiting,
    /// Since when output waits without progress.
    stalled: Option<Instant>,
}

impl Timers {
    pub(super) fn new(timeouts: Timeouts) -> Timers {
        Timers { timeouts, waiting: Waiting::No, stalled: None }
    }

    /// The peer owes more of a body of which `received` bytes are here.
    pub(super) fn body(&mut self, now: Instant, received: u64) {
        if !matches!(self.waiting, Waiting::Body { .. }) {
            self.waiting = Waiting::Body { since: now, from: received };
        }
    }

    /// The peer owes the rest of a head that began at `since`.
    pub(super) fn head(&mut self, since: Instant) {
        // The first head of a connection is due from its start.
        if !matches!(self.waiting, Waiting::Head(_)) {
            self.waiting = Waiting::Head(since);
        }
    }

    /// The peer has nothing to do but to start something.
    pub(super) fn idle(&mut self, now: Instant) {
        if !matches!(self.waiting, Waiting::Idle(_)) {
            self.waiting = Waiting::Idle(now);
        }
    }

    /// Whether output waits.
    pub(super) fn output(&mut self, now: Instant, waits: bool) {
        if !waits {
            self.stalled = None;
        } else if self.stalled.is_none() {
            self.stalled = Some(now);
        }
    }

    /// The peer took some output, and `waits` tells whether more is left.
    pub(super) fn output_progress(&mut self, now: Instant, waits: bool) {
        self.stalled = waits.then_some(now);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let receive = match self.waiting {
            Waiting::No => None,
            Waiting::Idle(since) => add(since, self.timeouts.idle),
            Waiting::Head(since) => add(since, self.timeouts.head),
            Waiting::Body { since, .. } => add(since, self.timeouts.body),
        };
        let write = self.stalled.and_then(|since| add(since, self.timeouts.write));
        match (receive, write) {
            (Some(receive), Some(write)) => Some(receive.min(write)),
            (deadline, None) | (None, deadline) => deadline,
        }
    }

    /// What has expired at `now`; `received` is the body's byte count.
    pub(super) fn expired(&mut self, now: Instant, received: u64) -> Option<Error> {
        let passed = |since, timeout| add(since, timeout).is_some_and(|deadline| deadline <= now);
        if self.stalled.is_some_and(|since| passed(since, self.timeouts.write)) {
            return Some(Error::WriteTimeout);
        }
        match self.waiting {
            Waiting::Idle(since) if passed(since, self.timeouts.idle) => Some(Error::IdleTimeout),
            Waiting::Head(since) if passed(since, self.timeouts.head) => Some(Error::HeadTimeout),
            Waiting::Body { since, from } if passed(since, self.timeouts.body) => {
                if received.saturating_sub(from) < self.timeouts.body_bytes {
                    return Some(Error::BodyTimeout);
                }
                self.waiting = Waiting::Body { since: now, from: received };
                None
            }
            _ => None,
        }
    }
}

fn add(since: Instant, timeout: Option<Duration>) -> Option<Instant> {
    since.checked_add(timeout?)
}

//! The timers of a connection that are no one else's.

use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// Nothing came for so long (RFC 9000 §10.1).
    pub(crate) idle: Option<Instant>,
    /// The handshake has to be complete.
    pub(crate) handshake: Option<Instant>,
    /// The end of closing or draining (§10.2).
    pub(crate) close: Option<Instant>,
    /// A sign of life is due.
    pub(crate) keep_alive: Option<Instant>,
    /// Early keys are dropped (RFC 9001 §4.9.3).
    pub(crate) early_keys: Option<Instant>,
    /// The handshake was last sent again.
    pub(crate) repeated: Option<Instant>,
    /// When nothing could go: whatever was due by then is held back by something that time does not change.
    pub(crate) nothing_went: Option<Instant>,
    /// What the idle timer was last set to.
    idle_timeout: Option<Duration>,
    /// Something that asks for an answer was sent since the last packet came.
    asked: bool,
}

impl Timers {
    /// The smaller of both sides' timeouts; zero: none.
    pub(crate) fn set_idle_timeout(&mut self, ours: Duration, peers: Duration) {
        self.idle_timeout = match (ours.is_zero(), peers.is_zero()) {
            (true, true) => None,
            (true, false) => Some(peers),
            (false, true) => Some(ours),
            (false, false) => Some(ours.min(peers)),
        };
    }

    /// A packet came, or the first that asks for an answer goes. Never less than three probe timeouts.
    fn restart(&mut self, now: Instant, probe: Duration) {
        self.idle = self.idle_timeout.map(|timeout| now + timeout.max(probe * 3));
    }

    pub(crate) fn received(&mut self, now: Instant, probe: Duration, keep_alive: Option<Duration>) {
        self.asked = false;
        self.restart(now, probe);
        self.keep_alive = keep_alive.map(|after| now + after);
    }

    pub(crate) fn sent_asking(&mut self, now: Instant, probe: Duration, keep_alive: Option<Duration>) {
        if !core::mem::replace(&mut self.asked, true) {
            self.restart(now, probe);
        }
        self.keep_alive = keep_alive.map(|after| now + after);
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        [self.idle, self.handshake, self.close, self.keep_alive, self.early_keys].into_iter().flatten().min()
    }
}

//! Flow control (RFC 9000 §4): what each side may send, and the credit that goes back.

use std::time::{Duration, Instant};

use wirelace_wire::varint::VARINT_MAX;

/// What time it is, and how long a round trip takes, as far as it was told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    pub(super) now: Option<Instant>,
    pub(super) rtt: Duration,
}

/// A window that this side grants: octets of a stream or of all, or streams. At any time
/// `available + what is granted with the next frame + what the application holds` is its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceiveWindow {
    size: u64,
    /// Up to which it grows.
    max: u64,
    /// No limit is above it.
    ceiling: u64,
    /// The limit that was told.
    granted: u64,
    /// What the peer has used.
    received: u64,
    /// What the application took.
    consumed: u64,
    /// A frame with a limit was lost.
    again: bool,
    /// When a limit was told last, and what was consumed then.
    told: Option<(Instant, u64)>,
}

impl ReceiveWindow {
    pub(super) fn new(size: u64, max: u64, ceiling: u64) -> ReceiveWindow {
        let size = size.min(ceiling);
        ReceiveWindow {
            size,
            max: max.clamp(size, ceiling),
            ceiling,
            granted: size,
            received: 0,
            consumed: 0,
            again: false,
            told: None,
        }
    }

    /// Of octets.
    pub(super) fn of_data(size: u64, max: u64) -> ReceiveWindow {
        ReceiveWindow::new(size, max, VARINT_MAX)
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The limit that was told.
    pub(super) fn granted(&self) -> u64 {
        self.granted
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The peer has used `more`; false: that is more than it may.
    #[must_use]
    pub(super) fn receive(&mut self, more: u64) -> bool {
        self.received = self.received.saturating_add(more);
        self.received <= self.granted
    }

    /// The application took `more`.
    pub(super) fn consume(&mut self, more: u64) {
        self.consumed = self.consumed.saturating_add(more);
    }

    /// The window is at least that large.
    pub(super) fn ensure(&mut self, size: u64) {
        self.size = self.size.max(size.min(self.max));
    }

    fn limit(&self) -> u64 {
        self.consumed.saturating_add(self.size).min(self.ceiling)
    }

    /// Whether it is time to tell a new limit: for half the window, or as much as the peer has left, so that it never
    /// waits for credit that lies here; or the last one was lost.
    pub(super) fn is_due(&self) -> bool {
        let returned = self.limit().saturating_sub(self.granted);
        let left = self.granted.saturating_sub(self.received);
        self.again
            || returned > 0 && (returned >= self.size / 2 || returned >= left && returned >= self.size / 8)
    }

    /// The limit to tell. The window doubles when it was used up within two round trips.
    pub(super) fn update(&mut self, clock: Clock) -> u64 {
        let again = core::mem::take(&mut self.again);
        if let Some(now) = clock.now {
            if let Some((since, consumed)) = self.told
                && !again
            {
                let took = now.saturating_duration_since(since).as_nanos();
                let used = u128::from(self.consumed.saturating_sub(consumed));
                if took.saturating_mul(u128::from(self.size)) <= used.saturating_mul(2 * clock.rtt.as_nanos())
                {
                    self.size = self.size.saturating_mul(2).min(self.max);
                }
            }
            self.told = Some((now, self.consumed));
        }
        self.granted = self.granted.max(self.limit());
        self.granted
    }

    /// A frame with a limit was lost. Another one may have arrived since, but nobody noted what it said.
    pub(super) fn on_lost(&mut self) {
        self.again = true;
    }
}

/// What the peer lets this side send.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SendWindow {
    /// The peer's limit.
    pub(super) limit: u64,
    /// What was used of it.
    pub(super) used: u64,
    /// The limit at which the peer was told that it blocks.
    told: Option<u64>,
}

impl SendWindow {
    pub(super) fn new(limit: u64, used: u64) -> SendWindow {
        SendWindow { limit, used, told: None }
    }

    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// Whether the peer raised it.
    pub(super) fn raise(&mut self, limit: u64) -> bool {
        let raised = limit > self.limit;
        self.limit = self.limit.max(limit);
        raised
    }

    /// Whether the peer has to be told, once for each limit (RFC 9000 §4.1).
    pub(super) fn is_blocked_news(&self) -> bool {
        self.told != Some(self.limit)
    }

    pub(super) fn tell_blocked(&mut self) -> u64 {
        self.told = Some(self.limit);
        self.limit
    }

    /// The frame that told it was lost.
    pub(super) fn on_blocked_lost(&mut self) {
        self.told = None;
    }
}

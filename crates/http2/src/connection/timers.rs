//! Deadlines of a connection and of its streams.

use core::time::Duration;
use std::time::Instant;

use crate::limits::Timeouts;

/// How long the answer to the PING is waited for that says which streams were still on their way.
pub(super) const DRAIN: Duration = Duration::from_secs(1);
/// After this a round-trip time is measured anew, where data move.
pub(super) const SAMPLE: Duration = Duration::from_secs(10);

/// A PING that was not answered yet.
#[derive(Debug, Clone, Copy)]
struct Ping {
    sent: Instant,
    data: u64,
}

/// The timers of one connection.
#[derive(Debug)]
pub(super) struct Timers {
    pub(super) timeouts: Timeouts,
    /// When the machine was last given the time.
    pub(super) now: Instant,
    pub(super) heard: Instant,
    /// Preface and first SETTINGS are awaited since then.
    pub(super) opening: Option<Instant>,
    /// This side's SETTINGS are not acknowledged since then.
    pub(super) settings: Option<Instant>,
    /// The first of them were acknowledged.
    settings_known: bool,
    /// A field block is incomplete since then.
    pub(super) block: Option<Instant>,
    ping: Option<Ping>,
    pings: u64,
    pub(super) sampled: Option<Instant>,
    pub(super) drain: Option<Instant>,
    pub(super) idle: Option<Instant>,
    /// Output waits without progress since then.
    pub(super) stalled: Option<Instant>,
    /// Streams are looked at again then.
    pub(super) sweep: Option<Instant>,
}

impl Timers {
    pub(super) fn new(timeouts: Timeouts, now: Instant) -> Timers {
        Timers {
            timeouts,
            now,
            heard: now,
            opening: Some(now),
            settings: Some(now),
            settings_known: false,
            block: None,
            ping: None,
            pings: 0,
            sampled: None,
            drain: None,
            idle: None,
            stalled: None,
            sweep: None,
        }
    }

    /// Since when the answer to a PING is awaited.
    pub(super) fn ping_sent(&self) -> Option<Instant> {
        self.ping.map(|ping| ping.sent)
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    pub(super) fn settings_came(&mut self) {
        self.opening = None;
    }

    pub(super) fn settings_sent(&mut self, now: Instant) {
        self.settings.get_or_insert(now);
    }

    /// The round trip that the acknowledgement took; `last`: no other is awaited.
    pub(super) fn settings_acknowledged(&mut self, now: Instant, last: bool) -> Option<Duration> {
        let sent = self.settings.take()?;
        self.settings = (!last).then_some(now);
        self.settings_known = true;
        self.sampled = Some(now);
        Some(now.saturating_duration_since(sent))
    }

    pub(super) fn settings_are_known(&self) -> bool {
        self.settings_known
    }

    pub(super) fn block_began(&mut self, now: Instant) {
        self.block = Some(now);
    }

    pub(super) fn block_ended(&mut self) {
        self.block = None;
    }

    pub(super) fn stream_opened(&mut self) {
        self.idle = None;
    }

    /// What a PING is to carry; `None` while another is under way.
    pub(super) fn ping(&mut self, now: Instant) -> Option<[u8; 8]> {
        if self.ping.is_some() {
            return None;
        }
        Some(self.begin_ping(now))
    }

    fn begin_ping(&mut self, now: Instant) -> [u8; 8] {
        self.pings += 1;
        self.ping = Some(Ping { sent: now, data: self.pings });
        self.sampled = Some(now);
        self.pings.to_be_bytes()
    }

    /// As [`ping`](Timers::ping), whatever is under way: its answer ends the intake of streams.
    pub(super) fn drain(&mut self, now: Instant) -> [u8; 8] {
        self.drain = Some(now);
        self.begin_ping(now)
    }

    pub(super) fn drained(&mut self) {
        self.drain = None;
    }

    /// The round trip of the PING that this answers.
    pub(super) fn pong(&mut self, now: Instant, data: [u8; 8]) -> Option<Duration> {
        let ping = self.ping.filter(|ping| ping.data.to_be_bytes() == data)?;
        self.ping = None;
        Some(now.saturating_duration_since(ping.sent))
    }

    /// The peer took some output, and `waits` tells whether more is left.
    pub(super) fn output(&mut self, now: Instant, waits: bool) {
        self.stalled = waits.then_some(now);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let timeouts = &self.timeouts;
        let quiet = if self.ping.is_none() { add(Some(self.heard), timeouts.keep_alive) } else { None };
        let all = [
            add(self.opening, timeouts.head),
            add(self.block, timeouts.head),
            add(self.settings, timeouts.settings),
            add(self.ping.map(|ping| ping.sent), timeouts.ping),
            add(self.drain, Some(DRAIN)),
            add(self.idle, timeouts.idle),
            add(self.stalled, timeouts.write),
            self.sweep,
            quiet,
        ];
        all.into_iter().flatten().min()
    }
}

pub(super) fn add(since: Option<Instant>, timeout: Option<Duration>) -> Option<Instant> {
    since?.checked_add(timeout?)
}

pub(super) fn passed(since: Option<Instant>, timeout: Option<Duration>, now: Instant) -> bool {
    add(since, timeout).is_some_and(|deadline| deadline <= now)
}

//! Deadlines of a connection and of its streams.

use core::time::Duration;
use std::time::Instant;

use wirelace_http_semantics::{Event, Reason, StreamId};
use wirelace_http2_frames::ErrorCode;

use super::Connection;
use super::ending::Ending;
use super::stream::Receive;
use crate::error::Error;
use crate::limits::Timeouts;

/// How long the answer to the PING is waited for that says which streams were still on their way.
const DRAIN: Duration = Duration::from_secs(1);
/// After this a round-trip time is measured anew, where data move.
const SAMPLE: Duration = Duration::from_secs(10);

/// A PING that was not answered yet.
#[derive(Debug, Clone, Copy)]
struct Ping {
    sent: Instant,
    data: u64,
}

/// The timers of one connection.
#[derive(Debug)]
pub(super) struct Timers {
    timeouts: Timeouts,
    /// When the machine was last given the time.
    pub(super) now: Instant,
    heard: Instant,
    /// Preface and first SETTINGS are awaited since then.
    opening: Option<Instant>,
    /// This side's SETTINGS are not acknowledged since then.
    settings: Option<Instant>,
    /// A field block is incomplete since then.
    block: Option<Instant>,
    ping: Option<Ping>,
    pings: u64,
    sampled: Option<Instant>,
    drain: Option<Instant>,
    idle: Option<Instant>,
    /// Output waits without progress since then.
    stalled: Option<Instant>,
    /// Streams are looked at again then.
    sweep: Option<Instant>,
}

impl Timers {
    pub(super) fn new(timeouts: Timeouts, now: Instant) -> Timers {
        Timers {
            timeouts,
            now,
            heard: now,
            opening: Some(now),
            settings: Some(now),
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

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    pub(super) fn settings_came(&mut self) {
        self.opening = None;
    }

    /// The round trip that the acknowledgement took; `None` when none was due.
    pub(super) fn settings_acknowledged(&mut self, now: Instant) -> Option<Duration> {
        let sent = self.settings.take()?;
        self.sampled = Some(now);
        Some(now.saturating_duration_since(sent))
    }

    pub(super) fn settings_are_known(&self) -> bool {
        self.settings.is_none()
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

fn add(since: Option<Instant>, timeout: Option<Duration>) -> Option<Instant> {
    since?.checked_add(timeout?)
}

fn passed(since: Option<Instant>, timeout: Option<Duration>, now: Instant) -> bool {
    add(since, timeout).is_some_and(|deadline| deadline <= now)
}

impl Connection {
    /// After the events are out: what is waited for from here on.
    pub(super) fn update_timers(&mut self, now: Instant) {
        let timers = &mut self.timers;
        if self.output.is_empty() {
            timers.stalled = None;
        } else if timers.stalled.is_none() {
            timers.stalled = Some(now);
        }
        if self.streams.is_empty() {
            timers.sweep = None;
            if timers.idle.is_none() && timers.opening.is_none() {
                timers.idle = Some(now);
            }
            return;
        }
        if timers.sweep.is_none() {
            let spans = [timers.timeouts.body, timers.timeouts.stall];
            let period = spans.into_iter().flatten().min().map(|span| span / 4);
            timers.sweep = add(Some(now), period);
        }
        let stale = timers.sampled.is_some_and(|sampled| now.saturating_duration_since(sampled) >= SAMPLE);
        if stale && self.stats.body_received > self.sampled_at {
            self.sampled_at = self.stats.body_received;
            self.ping(now);
        }
    }

    pub(super) fn expire(&mut self, now: Instant) {
        let timeouts = self.timers.timeouts;
        if passed(self.timers.stalled, timeouts.write, now) {
            self.fail(Error::WriteTimeout);
        } else if passed(self.timers.opening, timeouts.head, now)
            || passed(self.timers.block, timeouts.head, now)
        {
            self.fail(Error::HeadTimeout);
        } else if passed(self.timers.settings, timeouts.settings, now) {
            self.fail(Error::SettingsTimeout);
        } else if passed(self.timers.ping.map(|ping| ping.sent), timeouts.ping, now) {
            self.fail(Error::PingTimeout);
        }
        if passed(self.timers.drain, Some(DRAIN), now) && self.ending == Ending::Announced {
            self.end_intake();
        }
        if passed(self.timers.idle, timeouts.idle, now) {
            self.timers.idle = None;
            self.begin_end();
        }
        if self.timers.ping.is_none() && passed(Some(self.timers.heard), timeouts.keep_alive, now) {
            self.ping(now);
        }
        if self.timers.sweep.is_some_and(|sweep| sweep <= now) {
            self.timers.sweep = None;
            self.sweep(now);
        }
    }

    /// Ends streams whose peer does not do its part.
    fn sweep(&mut self, now: Instant) {
        let timeouts = self.timers.timeouts;
        let connection_waits = self.send_window <= 0;
        let mut late = Vec::new();
        for stream in self.streams.iter_mut() {
            let owes_body = stream.receive == Receive::Body
                && !stream.tunnel
                && !stream.ignores
                && !stream.expects_continue
                && stream.window.available() > 0
                && self.window.available() > 0
                && self.role == crate::settings::Role::Server;
            let receiving = stream.mark.receiving.filter(|_| owes_body);
            match receiving {
                Some((since, received)) if passed(Some(since), timeouts.body, now) => {
                    if stream.received.saturating_sub(received) < timeouts.body_bytes {
                        late.push(stream.id);
                    }
                    stream.mark.receiving = Some((now, stream.received));
                }
                Some(_) => {}
                None => stream.mark.receiving = owes_body.then_some((now, stream.received)),
            }
            let waits = stream.queued > 0 && (connection_waits || stream.send_window <= 0);
            match stream.mark.sending.filter(|&(_, queued)| waits && queued == stream.queued) {
                Some((since, _)) if passed(Some(since), timeouts.stall, now) => late.push(stream.id),
                Some(_) => {}
                None => stream.mark.sending = waits.then_some((now, stream.queued)),
            }
        }
        for id in late {
            let Some(key) = self.streams.find(id) else { continue };
            let told = self.streams.get(key).is_some_and(|stream| !stream.is_closed());
            self.release(key);
            self.write_reset(id, ErrorCode::CANCEL);
            if told {
                let stream = StreamId(id.into());
                self.events.push_back(Event::Reset { stream, reason: Reason::Timeout });
            }
        }
    }
}

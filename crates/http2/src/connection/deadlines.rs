//! What happens when time passes.

use std::time::Instant;

use wirelace_http_semantics::{Event, Reason, StreamId};
use wirelace_http2_frames::ErrorCode;

use super::Connection;
use super::state::Ending;
use super::stream::Receive;
use super::timers::{DRAIN, SAMPLE, add, passed};
use crate::error::Error;

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
        } else if passed(self.timers.ping_sent(), timeouts.ping, now) {
            self.fail(Error::PingTimeout);
        }
        if passed(self.timers.drain, Some(DRAIN), now) && self.ending == Ending::Announced {
            self.end_intake();
        }
        if passed(self.timers.idle, timeouts.idle, now) {
            self.timers.idle = None;
            self.begin_end();
        }
        if self.timers.ping_sent().is_none() && passed(Some(self.timers.heard), timeouts.keep_alive, now) {
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
        let server = self.is_server();
        let connection_waits = self.send_window <= 0;
        let mut late = Vec::new();
        for stream in self.streams.iter_mut() {
            let owes_body = stream.receive == Receive::Body
                && !stream.tunnel
                && !stream.ignores
                && !stream.expects_continue
                && stream.window.available() > 0
                && self.window.available() > 0
                && server;
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
            // A server may answer without taking the rest of the request: the answer is still wanted.
            let waits = server && stream.queued > 0 && (connection_waits || stream.send_window <= 0);
            match stream.mark.sending.filter(|&(_, queued)| waits && queued == stream.queued) {
                Some((since, _)) if passed(Some(since), timeouts.stall, now) => late.push(stream.id),
                Some(_) => {}
                None => stream.mark.sending = waits.then_some((now, stream.queued)),
            }
        }
        for id in late {
            let Some(key) = self.streams.find(id) else { continue };
            let told = self.streams.get(key).is_some_and(|stream| !stream.is_closed());
            self.write_reset(id, ErrorCode::CANCEL);
            self.release(key);
            if told {
                let stream = StreamId(id.into());
                self.events.push_back(Event::Reset { stream, reason: Reason::Timeout });
            }
        }
    }
}

//! Deadlines of a connection and of its exchanges.

use core::time::Duration;
use std::time::Instant;

use wirelace_http_semantics::Reason;
use wirelace_quic_lite::Connection as Quic;

use super::exchange::{Receive, Send};
use super::{Connection, Ending};
use crate::error::Error;
use crate::error_code::ErrorCode;

/// How long requests may still be on their way after the first GOAWAY (RFC 9114 §5.2).
const DRAIN: Duration = Duration::from_secs(1);
/// How often exchanges are looked at.
const SWEEP: Duration = Duration::from_secs(1);

impl Connection {
    /// When [`on_deadline`](Connection::on_deadline) wants to be called; `None`: no timer is running.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.finished {
            return None;
        }
        let head = self.limits.timeouts.head;
        let opening = self.timers.opening.and_then(|since| since.checked_add(head?));
        let drain = self.timers.drain.map(|since| since + DRAIN);
        [opening, drain, self.timers.sweep].into_iter().flatten().min()
    }

    /// A timer may have expired. Calling it early is harmless.
    pub fn on_deadline(&mut self, now: Instant, quic: &mut Quic) {
        self.now = now;
        if self.finished {
            return;
        }
        let passed = |since: Option<Instant>, time: Option<Duration>| {
            since.zip(time).and_then(|(since, time)| since.checked_add(time)).is_some_and(|end| end <= now)
        };
        if passed(self.timers.opening, self.limits.timeouts.head) {
            self.timers.opening = None;
            self.fail(Error::SettingsTimeout);
        }
        if passed(self.timers.drain, Some(DRAIN)) {
            self.timers.drain = None;
            if self.ending == Ending::Announced {
                self.end_intake();
            }
        }
        if self.timers.sweep.is_some_and(|at| at <= now) {
            self.timers.sweep = None;
            self.sweep(quic);
            self.watch();
        }
    }

    /// Exchanges are looked at from time to time as long as there are some.
    pub(super) fn watch(&mut self) {
        let timeouts = &self.limits.timeouts;
        let any = timeouts.head.or(timeouts.body).or(timeouts.stall).is_some();
        if (self.exchanges.is_empty() || !any) && !self.pushes.waits() {
            self.timers.sweep = None;
        } else if self.timers.sweep.is_none() {
            self.timers.sweep = self.now.checked_add(SWEEP);
        }
    }

    fn sweep(&mut self, quic: &mut Quic) {
        self.drop_unpromised(quic);
        let (now, timeouts, server) = (self.now, self.limits.timeouts, self.is_server());
        let late = |since: Instant, time: Option<Duration>| {
            time.is_some_and(|time| now.saturating_duration_since(since) >= time)
        };
        let mut ended = Vec::new();
        for exchange in self.exchanges.values_mut() {
            let head = server && exchange.receive == Receive::Head && late(exchange.opened, timeouts.head);
            let wants = exchange.receive == Receive::Body && !exchange.tunnel && exchange.unconsumed == 0;
            let mut slow = false;
            if !wants {
                exchange.receiving = None;
            } else if let Some((since, received)) = exchange.receiving {
                if late(since, timeouts.body) {
                    slow = exchange.received - received < timeouts.body_bytes;
                    exchange.receiving = Some((now, exchange.received));
                }
            } else {
                exchange.receiving = Some((now, exchange.received));
            }
            let stuck =
                server && exchange.send == Send::Body && !exchange.tunnel || !exchange.pending.is_empty();
            let stuck = stuck && exchange.stream.is_some_and(|stream| quic.capacity(stream) == 0);
            if !stuck {
                exchange.sending = None;
            }
            let stalled = stuck && late(*exchange.sending.get_or_insert(now), timeouts.stall);
            if head || slow || stalled {
                // A complete answer stands, whatever becomes of the rest of the request.
                let quiet = exchange.ignores && exchange.send == Send::Ended;
                ended.push((exchange.id, exchange.told && !quiet, quiet));
            }
        }
        ended.sort_unstable();
        for (id, told, quiet) in ended {
            let code = if quiet { ErrorCode::H3_NO_ERROR } else { ErrorCode::H3_REQUEST_CANCELLED };
            self.abandon(quic, id, code);
            if told {
                let stream = wirelace_http_semantics::StreamId(id);
                self.events
                    .push_back(wirelace_http_semantics::Event::Reset { stream, reason: Reason::Timeout });
            }
        }
    }
}

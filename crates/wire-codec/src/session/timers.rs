//! Deadlines of the connection.

use core::time::Duration;
use std::time::Instant;

use super::error::Error;
use super::options::Timeouts;

/// Octets of a frame under way that give a second more.
const OCTETS_A_SECOND: u64 = 4096;

/// What a timer wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    /// The hello is not answered.
    Hello,
    /// Ask the peer for a sign of life.
    Heartbeat,
    /// The connection is over.
    End(Error),
}

/// The timers of one connection.
#[derive(Debug)]
pub(super) struct Timers {
    timeouts: Timeouts,
    /// The initiator's hello went out then.
    hello: Option<Instant>,
    /// Something came then.
    received: Instant,
    /// A sign of life was asked for then.
    asked: Option<Instant>,
    /// A frame began then, and so many octets of it are there.
    frame: Option<(Instant, usize)>,
    /// Output waits since then.
    stalled: Option<Instant>,
    /// Nothing is under way since then.
    idle: Option<Instant>,
    pub(super) may_ask: bool,
}

impl Timers {
    pub(super) fn new(timeouts: Timeouts, now: Instant) -> Timers {
        Timers {
            timeouts,
            hello: None,
            received: now,
            asked: None,
            frame: None,
            stalled: None,
            idle: None,
            may_ask: false,
        }
    }

    pub(super) fn hello_sent(&mut self, now: Instant) {
        self.hello = Some(now);
    }

    pub(super) fn hello_over(&mut self) {
        self.hello = None;
    }

    /// Octets came.
    pub(super) fn received(&mut self, now: Instant) {
        self.received = now;
        self.asked = None;
    }

    /// So many octets of a frame wait for the rest; 0: none has begun.
    pub(super) fn frame(&mut self, now: Instant, octets: usize) {
        self.frame = match self.frame {
            _ if octets == 0 => None,
            Some((since, _)) => Some((since, octets)),
            None => Some((now, octets)),
        };
    }

    /// The frame that had begun is complete, and `octets` of the next are there.
    pub(super) fn next_frame(&mut self, now: Instant, octets: usize) {
        self.frame = None;
        self.frame(now, octets);
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

    /// Whether nothing is under way.
    pub(super) fn idle(&mut self, now: Instant, idle: bool) {
        if !idle {
            self.idle = None;
        } else if self.idle.is_none() {
            self.idle = Some(now);
        }
    }

    /// Something was under way just now.
    pub(super) fn busy(&mut self) {
        self.idle = None;
    }

    fn all(&self) -> [Option<(Instant, Due)>; 5] {
        let at = |since: Option<Instant>, span: Option<Duration>| since?.checked_add(span?);
        let frame = self.frame.and_then(|(since, octets)| {
            let more = Duration::from_millis((octets as u64).saturating_mul(1000) / OCTETS_A_SECOND);
            since.checked_add(self.timeouts.frame?.checked_add(more)?)
        });
        let alive = match self.asked {
            Some(asked) => {
                at(Some(asked), Some(self.timeouts.missed)).map(|at| (at, Due::End(Error::HeartbeatMissed)))
            }
            None if self.may_ask => {
                at(Some(self.received), self.timeouts.heartbeat).map(|at| (at, Due::Heartbeat))
            }
            None => None,
        };
        [
            at(self.hello, Some(self.timeouts.hello)).map(|at| (at, Due::Hello)),
            frame.map(|at| (at, Due::End(Error::FrameStalled))),
            at(self.stalled, self.timeouts.write).map(|at| (at, Due::End(Error::WriteStalled))),
            at(self.idle, self.timeouts.idle).map(|at| (at, Due::End(Error::Idle))),
            alive,
        ]
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.all().into_iter().flatten().map(|(at, _)| at).min()
    }

    /// What is due at `now`, the worst last.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        let (_, due) =
            self.all().into_iter().flatten().filter(|(at, _)| *at <= now).min_by_key(|(at, _)| *at)?;
        match due {
            Due::Hello => self.hello = None,
            Due::Heartbeat => self.asked = Some(now),
            Due::End(_) => {}
        }
        Some(due)
    }
}

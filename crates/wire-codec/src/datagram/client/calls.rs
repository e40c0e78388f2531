//! The calls of a client that are under way, and when something is to be done for them.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use bytes::Bytes;

/// A call or a heartbeat.
#[derive(Debug)]
pub(super) struct Call {
    /// Of a request; a heartbeat has none.
    pub(super) payload: Option<Bytes>,
    /// How long it takes at most.
    pub(super) timeout: Duration,
    /// It ends then.
    pub(super) deadline: Instant,
    pub(super) sends: u32,
    pub(super) first_sent: Option<Instant>,
    /// The wait after the last send, before jitter.
    pub(super) wait: Duration,
    /// It is to be sent then, or since then.
    send_at: Instant,
    /// It waits to be sent.
    ready: bool,
}

impl Call {
    /// When time does something to it.
    fn timer(&self) -> Instant {
        if self.ready { self.deadline } else { self.send_at.min(self.deadline) }
    }
}

/// What time has done.
#[derive(Debug)]
pub(super) enum Due {
    /// This call is over.
    TimedOut(u64, Call),
    /// A call has to be sent again.
    Send,
}

/// All calls under way. Each has one timer, and one place among those to be sent at most.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: HashMap<u64, Call>,
    timers: BTreeSet<(Instant, u64)>,
    ready: BTreeSet<(Instant, u64)>,
}

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn get(&self, id: u64) -> Option<&Call> {
        self.calls.get(&id)
    }

    /// The call, where there is one at most.
    pub(super) fn only(&self) -> Option<u64> {
        self.timers.first().map(|(_, id)| *id)
    }

    /// A new call, to be sent at once. `id` is not under way.
    pub(super) fn open(&mut self, now: Instant, id: u64, payload: Option<Bytes>, timeout: Duration) {
        let deadline = now.checked_add(timeout).unwrap_or(now);
        let call = Call {
            payload,
            timeout,
            deadline,
            sends: 0,
            first_sent: None,
            wait: Duration::ZERO,
            send_at: now,
            ready: true,
        };
        self.timers.insert((call.timer(), id));
        self.ready.insert((now, id));
        self.calls.insert(id, call);
    }

    /// Takes a call out.
    pub(super) fn end(&mut self, id: u64) -> Option<Call> {
        let call = self.calls.remove(&id)?;
        self.timers.remove(&(call.timer(), id));
        if call.ready {
            self.ready.remove(&(call.send_at, id));
        }
        Some(call)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// What is due at `now`, one after the other.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        let &(at, id) = self.timers.first().filter(|(at, _)| *at <= now)?;
        let call = self.calls.get_mut(&id)?;
        if call.deadline <= now {
            return self.end(id).map(|call| Due::TimedOut(id, call));
        }
        self.timers.remove(&(at, id));
        call.ready = true;
        self.timers.insert((call.timer(), id));
        self.ready.insert((call.send_at, id));
        Some(Due::Send)
    }

    /// The call that has waited longest to be sent.
    pub(super) fn next_ready(&self) -> Option<u64> {
        self.ready.first().map(|(_, id)| *id)
    }

    /// The call was sent. It is sent again after `jittered`, which comes of `wait`.
    pub(super) fn sent(&mut self, now: Instant, id: u64, wait: Duration, jittered: Duration) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        self.timers.remove(&(call.timer(), id));
        if call.ready {
            self.ready.remove(&(call.send_at, id));
        }
        call.ready = false;
        call.sends = call.sends.saturating_add(1);
        call.first_sent.get_or_insert(now);
        call.wait = wait;
        call.send_at = now.checked_add(jittered).unwrap_or(call.deadline);
        self.timers.insert((call.timer(), id));
    }
}

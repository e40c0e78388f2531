//! What time brings.

use std::time::Instant;

use super::{Connection, Stage};
use crate::event::CloseReason;
use crate::recovery::{Space, Timeout};

impl Connection {
    /// When [`on_deadline`](Connection::on_deadline) wants to be called; `None`: never.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Closed => return None,
            Stage::Closing | Stage::Draining => return self.timers.close,
            Stage::Handshaking | Stage::Open => {}
        }
        // Nothing goes before more has come.
        let may_send = self.path.has_room(!self.confirmed);
        let acks = self.spaces.iter().filter_map(|space| space.acks.deadline()).min().filter(|_| may_send);
        let keys = self.keys.one_rtt.as_ref().and_then(|keys| keys.deadline());
        let previous = self.previous_path.as_ref().and_then(|path| path.deadline());
        // Where the pacer alone holds back.
        let pacer = if may_send && self.wants_to_send() { self.recovery.next_send() } else { None };
        // What had its chance and did not go waits for something else: an address that is not validated, mostly.
        let tried = |at: &Instant| self.timers.nothing_went.is_some_and(|tried| tried >= *at);
        let (acks, pacer) = (acks.filter(|at| !tried(at)), pacer.filter(|at| !tried(at)));
        [self.timers.next(), self.recovery.deadline(), acks, keys, self.path.deadline(), previous, pacer]
            .into_iter()
            .flatten()
            .min()
    }

    /// A timer may have expired. Calling it early is harmless.
    pub fn on_deadline(&mut self, now: Instant) {
        let expired = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if self.stage >= Stage::Closing {
            if expired(self.timers.close) {
                self.stage = Stage::Closed;
                self.closing = None;
                self.timers.close = None;
            }
            return;
        }
        if expired(self.timers.idle) {
            return self.drop_silently(CloseReason::Idle);
        }
        if expired(self.timers.handshake) {
            return self.drop_silently(CloseReason::HandshakeTimeout);
        }
        if expired(self.timers.keep_alive) {
            self.timers.keep_alive = None;
            self.spaces[2].ping |= self.stage == Stage::Open;
        }
        if expired(self.timers.early_keys) {
            self.timers.early_keys = None;
            self.keys.early = None;
        }
        if let Some(keys) = &mut self.keys.one_rtt {
            keys.on_deadline(now);
        }
        self.path_deadlines(now);
        if expired(self.recovery.deadline()) {
            self.lost.clear();
            let mut lost = core::mem::take(&mut self.lost);
            let timeout = self.recovery.on_timeout(now, &mut lost);
            self.lost = lost;
            self.on_lost(now);
            if let Timeout::Probe { space, count } = timeout {
                self.probe(space, count);
                if self.path.mtu.timed_out(now) {
                    self.recovery.on_mtu_changed(self.path.mtu.current());
                }
            }
        }
    }

    /// Packets have to go whatever the window says, and ask for an answer (RFC 9002 §6.2.4).
    fn probe(&mut self, space: Space, count: u8) {
        let state = self.space(space);
        state.probes = state.probes.max(count);
        state.ping = true;
        if space != Space::Data {
            self.repeat_handshake();
        }
    }

    /// What was not acknowledged of the handshake goes again, at all levels: the packets share datagrams.
    pub(super) fn repeat_handshake(&mut self) {
        for state in &mut self.spaces {
            state.crypto_out.retransmit();
            if state.wants_crypto() {
                state.probes = state.probes.max(1);
            }
        }
    }

    fn path_deadlines(&mut self, now: Instant) {
        if let Some(previous) = &mut self.previous_path
            && !previous.on_deadline(now, &mut self.entropy)
        {
            self.previous_path = None;
        }
        if !self.path.on_deadline(now, &mut self.entropy) && !self.path.validated {
            // The peer is not where packets seem to come from: back to where it was (RFC 9000 §9.3.2).
            match self.previous_path.take() {
                Some(previous) => self.go_back(now, previous),
                // There is no other: the idle timer says when it is enough.
                None => {
                    let until = now + self.validation_time();
                    self.path.begin_validation(&mut self.entropy, until);
                }
            }
        }
    }
}

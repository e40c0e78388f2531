//! Loss recovery and congestion control (RFC 9002): what was sent, what arrived, what is lost, and what may go when.
//!
//! It knows no frames but through a type parameter: they come back, each once, as acknowledged or as lost.

mod acknowledge;
mod congestion;
mod ecn;
mod flight;
mod loss;
mod numbers;
mod outcome;
mod pacer;
mod packet;
mod ranges;
mod rtt;
mod sent;
mod settings;
#[cfg(test)]
mod simulation;
mod space;
#[cfg(test)]
mod tests;
mod timer;

use std::time::{Duration, Instant};

pub(crate) use self::outcome::{RecoveryError, RecoveryStats, Timeout};
pub(crate) use self::packet::{EcnCounts, Sent, Space};
pub(crate) use self::ranges::RangeSet;
pub(crate) use self::rtt::Rtt;
pub(crate) use self::settings::RecoverySettings;

use self::congestion::Congestion;
use self::flight::Flight;
use self::loss::Losses;
use self::pacer::Pacer;
use self::space::Spaces;
use crate::entropy::Entropy;
use crate::stats::Stats;

/// Packets without a need for acknowledgement that are tracked in a space. A peer that never acknowledges any makes no
/// more state than that.
const MAX_QUIET: u32 = 4096;

/// Quiet packets in a row after which one should ask for an acknowledgement (RFC 9000 §13.2.4).
const QUIET_RUN: u32 = 64;

/// Recovery of one connection; `F` is what a frame of a sent packet is remembered by.
#[derive(Debug)]
pub(crate) struct Recovery<F> {
    settings: RecoverySettings,
    spaces: Spaces<F>,
    rtt: Rtt,
    congestion: Congestion,
    pacer: Pacer,
    flight: Flight,
    /// The current path: [`Sent::path`].
    path: u8,
    pto_count: u32,
    max_ack_delay: Duration,
    has_handshake_keys: bool,
    peer_validated: bool,
    confirmed: bool,
    amplification_limited: bool,
    /// When something last happened that arms a client's timer although nothing is in flight (RFC 9002 §6.2.2.1).
    anchor: Instant,
    /// Frames of packets that are given up for want of room.
    overdue: Vec<F>,
    stats: RecoveryStats,
}

impl<F: Copy> Recovery<F> {
    pub(crate) fn new(settings: &RecoverySettings, now: Instant) -> Recovery<F> {
        let rtt = Rtt::new(settings.initial_rtt);
        let congestion = congestion(settings, now);
        Recovery {
            settings: settings.clone(),
            spaces: Spaces::new(settings),
            pacer: Pacer::new(now, congestion.window(), rtt.smoothed(), settings.max_datagram),
            rtt,
            congestion,
            flight: Flight::new(now),
            path: 0,
            pto_count: 0,
            max_ack_delay: Duration::from_millis(25),
            has_handshake_keys: false,
            peer_validated: false,
            confirmed: false,
            amplification_limited: false,
            anchor: now,
            overdue: Vec::new(),
            stats: RecoveryStats::default(),
        }
    }

    /// The packet number to send with. In the Data space one is left out now and then, so that a peer which
    /// acknowledges what it has not seen is found out (RFC 9000 §21.4).
    pub(crate) fn next_number(&mut self, space: Space, entropy: &mut Entropy) -> u64 {
        let window = self.congestion.window() / u64::from(self.settings.max_datagram).max(1);
        self.spaces.get_mut(space).numbers.allocate(window, entropy)
    }

    /// A packet goes out. Numbers of a space must rise; one that was allocated and is not sent is simply left out.
    pub(crate) fn on_sent(&mut self, space: Space, number: u64, sent: Sent, frames: &[F]) {
        let state = self.spaces.get_mut(space);
        if state.discarded {
            return;
        }
        self.stats.sent += 1;
        state.sent.push(number, sent, frames.iter().copied());
        if sent.ecn {
            state.ecn.on_sent();
        }
        if sent.ack_eliciting {
            state.ack_eliciting += 1;
            state.last_ack_eliciting = Some(sent.time);
            self.anchor = sent.time;
        } else {
            state.quiet += 1;
        }
        if sent.in_flight && sent.path == self.path {
            if self.flight.add(sent.size) {
                self.congestion.on_limited(sent.time);
            }
            self.pacer.on_sent(sent.time, sent.size);
        }
        if self.spaces.get(space).quiet > MAX_QUIET {
            self.give_up_oldest(space);
        }
    }

    /// The oldest packet is lost, since nothing is ever acknowledged.
    fn give_up_oldest(&mut self, space: Space) {
        let state = self.spaces.get_mut(space);
        let known = self.overdue.len();
        if let Some(sent) = state.sent.lose(state.sent.first(), &mut self.overdue) {
            state.uncount(&sent);
            if !sent.ack_eliciting {
                // Only acknowledgements: they are not repeated.
                self.overdue.truncate(known);
            }
            if sent.in_flight && sent.path == self.path {
                self.flight.remove(u64::from(sent.size));
            }
        }
        state.sent.trim();
    }

    /// Handshake keys are there; the server knows that the client is where it says (RFC 9002 §6.2.2.1; a server always
    /// says `true`); the handshake is confirmed (RFC 9001 §4.1.2).
    pub(crate) fn set_handshake_state(
        &mut self,
        has_handshake_keys: bool,
        peer_completed_address_validation: bool,
        confirmed: bool,
    ) {
        self.has_handshake_keys = has_handshake_keys;
        self.peer_validated = peer_completed_address_validation;
        self.confirmed = confirmed;
    }

    /// The peer's transport parameter.
    pub(crate) fn set_max_ack_delay(&mut self, delay: Duration) {
        self.max_ack_delay = delay;
    }

    /// A server that may not send more before it hears from the client waits without a timer (RFC 9002 §6.2.2.1).
    pub(crate) fn set_amplification_limited(&mut self, limited: bool) {
        self.amplification_limited = limited;
    }

    /// The keys of a space are gone: its packets count no longer, and its frames do not come back (RFC 9002 §6.4).
    pub(crate) fn discard(&mut self, space: Space) {
        let path = self.path;
        let state = self.spaces.get_mut(space);
        if state.discarded {
            return;
        }
        state.discarded = true;
        let counted = state.sent.iter_mut().filter(|sent| sent.in_flight && sent.path == path);
        self.flight.remove(counted.map(|sent| u64::from(sent.size)).sum());
        state.sent.clear();
        state.loss.clear();
        state.ack_eliciting = 0;
        state.quiet = 0;
        self.pto_count = 0;
    }

    /// All packets of a space are lost, for a reason that is not congestion: Retry, 0-RTT that was rejected, another
    /// version. Packet numbers go on.
    pub(crate) fn lose_all(&mut self, space: Space, lost: &mut Vec<F>) {
        let state = self.spaces.get_mut(space);
        for number in state.sent.first()..state.sent.next() {
            if let Some(sent) = state.sent.lose(number, lost) {
                state.uncount(&sent);
                if sent.in_flight && sent.path == self.path {
                    self.flight.remove(u64::from(sent.size));
                }
            }
        }
        state.sent.trim();
        state.loss.clear();
        self.pto_count = 0;
    }

    /// The connection goes on over another path. `path`: what [`Sent::path`] says from now on. `reset`: it is another
    /// way through the network, and begins with the initial window and round-trip time (RFC 9000 §9.4); otherwise only
    /// a port changed.
    pub(crate) fn on_path_changed(&mut self, now: Instant, path: u8, reset: bool) {
        let old = core::mem::replace(&mut self.path, path);
        if !reset {
            let all = self.spaces.iter_mut().flat_map(|state| state.sent.iter_mut());
            all.filter(|sent| sent.path == old).for_each(|sent| sent.path = path);
            return;
        }
        self.rtt = Rtt::new(self.settings.initial_rtt);
        self.congestion = congestion(&self.settings, now);
        self.pacer =
            Pacer::new(now, self.congestion.window(), self.rtt.smoothed(), self.settings.max_datagram);
        self.pto_count = 0;
        let mut bytes = 0;
        for state in self.spaces.iter_mut() {
            state.ecn.on_path_changed();
            let counted = state.sent.iter_mut().filter(|sent| sent.in_flight && sent.path == path);
            bytes += counted.map(|sent| u64::from(sent.size)).sum::<u64>();
        }
        self.flight.restart(now, bytes);
    }

    /// Another largest datagram size.
    pub(crate) fn on_mtu_changed(&mut self, max_datagram: u16) {
        self.settings.max_datagram = max_datagram;
        self.congestion.on_mtu_changed(max_datagram);
        self.pacer.set_max_datagram(max_datagram);
    }

    /// Bytes that may go now. Nothing while the pacer would let go less than a datagram; what is left of the window may
    /// be less. Probes go whatever it says.
    pub(crate) fn allowance(&self, now: Instant) -> usize {
        let window = self.congestion.window().saturating_sub(self.flight.bytes());
        usize::try_from(window.min(self.pacer.allowance(now))).unwrap_or(usize::MAX)
    }

    /// When more may go, if only the pacer holds back.
    pub(crate) fn next_send(&self) -> Option<Instant> {
        let window = self.congestion.window().saturating_sub(self.flight.bytes());
        self.pacer.next_send().filter(|_| window >= u64::from(self.settings.max_datagram))
    }

    /// So many packets went out that do not ask for an acknowledgement, and none that does, that the next one should
    /// have a PING frame (RFC 9000 §13.2.4).
    pub(crate) fn wants_ping(&self, space: Space) -> bool {
        let state = self.spaces.get(space);
        state.ack_eliciting == 0 && state.quiet >= QUIET_RUN
    }

    /// Whether packets may be sent with ECT(0).
    pub(crate) fn ecn(&self) -> bool {
        self.spaces.iter().all(|(_, state)| state.ecn.is_usable())
    }

    pub(crate) fn largest_acked(&self, space: Space) -> Option<u64> {
        self.spaces.get(space).largest_acked
    }

    /// Bytes in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.flight.bytes()
    }

    /// The congestion window, in bytes.
    pub(crate) fn window(&self) -> u64 {
        self.congestion.window()
    }

    pub(crate) fn rtt(&self) -> &Rtt {
        &self.rtt
    }

    #[cfg(test)]
    pub(crate) fn stats(&self) -> &RecoveryStats {
        &self.stats
    }

    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.packets_lost += self.stats.lost;
        stats.probe_timeouts += self.stats.probe_timeouts;
        stats.congestion_events += self.stats.congestion_events;
        stats.window = self.window();
        stats.in_flight = self.in_flight();
        stats.round_trip = self.rtt.smoothed();
    }

    /// Packets of a space are lost: they leave the flight, and the window answers. Whether it was reduced.
    fn on_losses(&mut self, now: Instant, space: Space, losses: &Losses) -> bool {
        if losses.packets == 0 {
            return false;
        }
        self.stats.lost += losses.packets;
        self.stats.lost_bytes += losses.bytes;
        self.flight.remove(losses.bytes);
        let state = self.spaces.get_mut(space);
        state.ack_eliciting = state.ack_eliciting.saturating_sub(losses.ack_eliciting);
        state.quiet = state.quiet.saturating_sub(losses.packets as u32 - losses.ack_eliciting);
        for _ in 0..losses.ecn {
            state.ecn.on_lost();
        }
        let reduced = losses.newest.is_some_and(|sent| self.congestion.on_lost(now, sent, losses.in_flight));
        self.stats.congestion_events += u64::from(reduced);
        if losses.persistent {
            self.stats.persistent_congestion += 1;
            self.congestion.on_persistent_congestion(now);
            self.rtt.forget_min();
        }
        self.update_pacer(now);
        reduced
    }

    fn update_pacer(&mut self, now: Instant) {
        let (window, slow_start) = (self.congestion.window(), self.congestion.in_slow_start());
        self.pacer.set_rate(now, window, slow_start, self.rtt.smoothed());
    }
}

fn congestion(settings: &RecoverySettings, now: Instant) -> Congestion {
    Congestion::new(settings.congestion, now, settings.max_datagram, settings.initial_window_packets)
}

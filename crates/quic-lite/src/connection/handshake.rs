//! The handshake: CRYPTO octets between frames and TLS, keys, transport parameters (RFC 9001 §4).

use std::time::{Duration, Instant};

use bytes::Bytes;
use wirelace_tls_glue::quic::{CryptoError, Level, QuicEvent};

use super::{Connection, Stage};
use crate::error::{TransportError, TransportErrorCode};
use crate::event::{CloseReason, Event};
use crate::recovery::Space;
use crate::transport_parameters::TransportParameters;

fn space_of(level: Level) -> Space {
    match level {
        Level::Initial => Space::Initial,
        Level::Handshake => Space::Handshake,
        Level::ZeroRtt | Level::OneRtt => Space::Data,
    }
}

impl Connection {
    /// Gives TLS what has come, and takes what it has, until neither changes anything.
    pub(super) fn work_on_handshake(&mut self, now: Instant) {
        let keys = self.keys.count();
        if let Err(error) = self.hand_over(now) {
            self.fail_crypto(now, error);
        } else if self.keys.count() > keys && !self.undecryptable.is_empty() && !self.is_closing() {
            self.retry_undecryptable(now);
        }
    }

    fn hand_over(&mut self, now: Instant) -> Result<(), CryptoError> {
        loop {
            while let Some(event) = self.tls.poll_event()? {
                if let Err(error) = self.on_tls(now, event) {
                    self.fail(now, error);
                    return Ok(());
                }
            }
            let level = self.tls.expected_level();
            let space = space_of(level);
            let below = self.spaces.iter().take(space.index());
            if below.into_iter().any(|state| !state.crypto_in.is_empty()) {
                let error = TransportError::new(
                    TransportErrorCode::PROTOCOL_VIOLATION,
                    "CRYPTO data behind the end of their level (RFC 9001 §4.1.3)",
                );
                self.fail(now, error.of_frame(0x06));
                return Ok(());
            }
            let Some(data) = self.space(space).crypto_in.read(usize::MAX) else { return Ok(()) };
            self.tls.read_crypto(now, level, &data)?;
        }
    }

    fn on_tls(&mut self, now: Instant, event: QuicEvent) -> Result<(), TransportError> {
        match event {
            QuicEvent::Crypto { level, data } => self.space(space_of(level)).crypto_out.write(data),
            QuicEvent::EarlyKeys(keys) => self.keys.early = Some(keys),
            QuicEvent::HandshakeKeys(keys) => {
                self.keys.handshake = Some(keys);
                self.update_recovery_state();
            }
            QuicEvent::OneRttKeys { keys, updates } => {
                self.keys.set_one_rtt(*keys, updates)?;
                if !self.is_server() {
                    self.keys.early = None;
                }
            }
            QuicEvent::TransportParameters(octets) => self.on_parameters(&octets)?,
            QuicEvent::EarlyData { accepted } => {
                if !accepted {
                    self.early_data_refused();
                }
                self.events.push_back(Event::EarlyData { accepted });
            }
            QuicEvent::Complete(report) => {
                self.stage = Stage::Open;
                self.keys.may_open = true;
                self.timers.handshake = None;
                self.local_ids.fill(&mut self.entropy);
                self.events.push_back(Event::Complete(report));
                if self.is_server() {
                    self.handshake_done = true;
                    self.confirm();
                    // Early packets may still come, out of order.
                    self.timers.early_keys = Some(now + self.three_probes());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Client with keys for early data: the server's limits of last time hold.
    pub(super) fn begin_early_data(&mut self) {
        let Some(remembered) = self.tls.remembered_parameters() else { return };
        // They were valid then.
        if let Ok(parameters) = TransportParameters::parse(remembered, self.peer_side()) {
            self.apply_limits(&parameters);
        }
    }

    fn early_data_refused(&mut self) {
        self.keys.early = None;
        self.lost.clear();
        self.recovery.lose_all(Space::Data, &mut self.lost);
        self.lost.clear();
        self.streams.reject_early_data();
    }

    fn on_parameters(&mut self, octets: &Bytes) -> Result<(), TransportError> {
        let parameters = TransportParameters::parse(octets, self.peer_side())?;
        let wrong = |reason| TransportError::new(TransportErrorCode::TRANSPORT_PARAMETER_ERROR, reason);
        // RFC 9000 §7.3: nobody has changed the ids on their way.
        if parameters.initial_source_connection_id != self.peer_first {
            return Err(wrong("initial_source_connection_id is not that of the packets (RFC 9000 §7.3)"));
        }
        if !self.is_server() {
            if parameters.original_destination_connection_id != Some(self.original) {
                return Err(wrong(
                    "original_destination_connection_id is not that of the first packet (RFC 9000 §7.3)",
                ));
            }
            if parameters.retry_source_connection_id != self.retry {
                return Err(wrong("retry_source_connection_id is not that of the Retry (RFC 9000 §7.3)"));
            }
            if let Some(token) = &parameters.stateless_reset_token {
                self.remote_ids.set_first_token(*token);
            }
        }
        self.apply_limits(&parameters);
        self.local_ids.set_peer_limit(parameters.active_connection_id_limit);
        self.timers.set_idle_timeout(self.limits.idle_timeout, parameters.max_idle_timeout);
        self.recovery.set_max_ack_delay(parameters.max_ack_delay);
        self.peer = Some(Box::new(parameters));
        Ok(())
    }

    fn apply_limits(&mut self, parameters: &TransportParameters) {
        self.streams.set_peer_limits(
            parameters.initial_max_data,
            parameters.initial_max_stream_data_bidi_local,
            parameters.initial_max_stream_data_bidi_remote,
            parameters.initial_max_stream_data_uni,
            parameters.initial_max_streams_bidi,
            parameters.initial_max_streams_uni,
        );
    }

    /// Both sides know that the handshake is complete (RFC 9001 §4.1.2).
    pub(super) fn confirm(&mut self) {
        if core::mem::replace(&mut self.confirmed, true) {
            return;
        }
        self.discard(Space::Initial);
        self.discard(Space::Handshake);
        self.update_recovery_state();
        let peer = self.peer.as_ref().map_or(u64::MAX, |peer| peer.max_udp_payload_size);
        self.path.mtu.enable(peer);
        self.events.push_back(Event::Confirmed);
    }

    /// Drops the keys of a level and all that belongs to it (RFC 9001 §4.9).
    pub(super) fn discard(&mut self, space: Space) {
        let had = match space {
            Space::Initial => self.keys.initial.take().is_some(),
            Space::Handshake => self.keys.handshake.take().is_some(),
            Space::Data => false,
        };
        if had {
            self.recovery.discard(space);
            *self.space(space) = super::space::SpaceState::new();
        }
    }

    pub(super) fn update_recovery_state(&mut self) {
        // Whether the server knows by now that the client is there (RFC 9002 §6.2.2.1).
        let validated = self.is_server() || self.confirmed || self.handshake_acknowledged;
        self.recovery.set_handshake_state(self.keys.handshake.is_some(), validated, self.confirmed);
    }

    pub(super) fn three_probes(&self) -> Duration {
        self.recovery.probe_timeout() * 3
    }

    /// How long a path has to show that it works (RFC 9000 §8.2.4).
    pub(super) fn validation_time(&self) -> Duration {
        // Of a path without samples: one round trip, and four times half of one.
        self.three_probes().max(self.limits.initial_rtt * 9)
    }

    fn fail_crypto(&mut self, now: Instant, error: CryptoError) {
        let code = TransportErrorCode::from_code(error.code);
        self.close_for(now, code, 0x06, CloseReason::Crypto(error));
    }
}

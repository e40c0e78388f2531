//! What frames do (RFC 9000 §19).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::path::Answer;
use super::{Connection, Datagrams};
use crate::error::{TransportError, TransportErrorCode};
use crate::event::{CloseReason, Event};
use crate::frame::{Ack, Frame, Frames, PacketType, reset_token};
use crate::recovery::{EcnCounts, Space};

/// NEW_TOKENs that wait for the application, at most.
const TOKENS: usize = 4;
/// DATAGRAM frames with less data than that are copied out of their packets.
const COPIED: usize = 700;

/// Where a packet came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) space: Space,
    pub(super) packet: PacketType,
    /// On the path that is in use; else it is a probe, or the peer has moved.
    pub(super) on_path: bool,
    pub(super) remote: SocketAddr,
    pub(super) local: Option<IpAddr>,
    /// Octets of its datagram.
    pub(super) datagram: usize,
}

/// What a payload was.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Payload {
    /// It asks for an acknowledgement.
    pub(super) asks: bool,
    /// It has other than probing frames (RFC 9000 §9.1).
    pub(super) moves: bool,
    /// It has CRYPTO.
    pub(super) crypto: bool,
}

fn violation(reason: &'static str) -> TransportError {
    TransportError::new(TransportErrorCode::PROTOCOL_VIOLATION, reason)
}

impl Connection {
    /// The payload of an opened packet.
    pub(super) fn on_payload(
        &mut self,
        now: Instant,
        came: Came,
        used: &crate::connection_id::ConnectionId,
        payload: &Bytes,
    ) -> Result<Payload, TransportError> {
        if payload.is_empty() {
            return Err(violation("a packet without frames (RFC 9000 §12.4)"));
        }
        let mut what = Payload::default();
        let mut frames = Frames::new(payload, came.packet);
        loop {
            let at = frames.offset();
            let Some(frame) = frames.next() else { break };
            let frame = frame?;
            what.asks |= frame.is_ack_eliciting();
            what.moves |= !frame.is_probing();
            what.crypto |= matches!(frame, Frame::Crypto { .. });
            self.on_frame(now, came, used, payload, frame).map_err(|error| {
                // Each type that is known is one octet.
                let error = error.at(at);
                payload.get(at).map_or(error, |frame_type| error.of_frame((*frame_type).into()))
            })?;
            if self.is_closing() {
                break;
            }
        }
        Ok(what)
    }

    fn on_frame(
        &mut self,
        now: Instant,
        came: Came,
        used: &crate::connection_id::ConnectionId,
        payload: &Bytes,
        frame: Frame<'_>,
    ) -> Result<(), TransportError> {
        match frame {
            Frame::Padding { .. } | Frame::Ping => {}
            Frame::Ack(ack) => self.on_ack(now, came.space, &ack)?,
            Frame::Crypto { offset, data } => {
                let data = payload.slice_ref(data);
                self.space(came.space).on_crypto(offset, data)?;
            }
            Frame::Stream { id, offset, data, fin } => {
                self.streams.on_stream(id, offset, payload.slice_ref(data), fin)?;
            }
            Frame::ResetStream { id, code, final_size } => {
                self.streams.on_reset_stream(id, code, final_size)?
            }
            Frame::StopSending { id, code } => self.streams.on_stop_sending(id, code)?,
            Frame::MaxData(value) => self.streams.on_max_data(value),
            Frame::MaxStreamData { id, value } => self.streams.on_max_stream_data(id, value)?,
            Frame::MaxStreams { direction, value } => self.streams.on_max_streams(direction, value)?,
            Frame::DataBlocked(_) => {}
            Frame::StreamDataBlocked { id, value } => self.streams.on_stream_data_blocked(id, value)?,
            Frame::StreamsBlocked { direction, value } => {
                self.streams.on_streams_blocked(direction, value)?
            }
            Frame::NewToken { token } => {
                if self.is_server() {
                    return Err(violation("NEW_TOKEN from a client (RFC 9000 §19.7)"));
                }
                // The newest are of most use; a copy does not keep the packet.
                let old = |event: &Event| matches!(event, Event::NewToken(_));
                if self.events.iter().filter(|event| old(event)).count() >= TOKENS
                    && let Some(oldest) = self.events.iter().position(old)
                {
                    self.events.remove(oldest);
                }
                self.events.push_back(Event::NewToken(Bytes::copy_from_slice(token)));
            }
            Frame::NewConnectionId { sequence, retire_prior_to, id, token } => {
                self.remote_ids.on_new(sequence, retire_prior_to, id, reset_token(token))?;
            }
            Frame::RetireConnectionId { sequence } => {
                self.local_ids.on_retire(sequence, used)?;
                self.local_ids.fill(&mut self.entropy);
            }
            Frame::PathChallenge(data) => {
                if came.on_path {
                    self.path.on_challenge(data);
                } else {
                    Answer::new(came.remote, came.local, data, came.datagram).add_to(&mut self.answers);
                }
            }
            Frame::PathResponse(data) => self.on_path_response(data),
            Frame::HandshakeDone => {
                if self.is_server() {
                    return Err(violation("HANDSHAKE_DONE from a client (RFC 9000 §19.20)"));
                }
                self.confirm();
            }
            Frame::ConnectionClose { code, frame_type, reason } => {
                let reason = Bytes::copy_from_slice(reason);
                self.on_peer_close(now, CloseReason::Peer { code, frame_type: Some(frame_type), reason });
            }
            Frame::ApplicationClose { code, reason } => {
                let reason = Bytes::copy_from_slice(reason);
                self.on_peer_close(now, CloseReason::Application { code, reason });
            }
            Frame::Datagram { data } => self.on_datagram(payload.slice_ref(data))?,
        }
        Ok(())
    }

    fn on_ack(&mut self, now: Instant, space: Space, ack: &Ack<'_>) -> Result<(), TransportError> {
        let delay = if space == Space::Data {
            let exponent = self.peer.as_ref().map_or(3, |peer| peer.ack_delay_exponent);
            Duration::from_micros(ack.delay.saturating_mul(1 << exponent.min(20)))
        } else {
            Duration::ZERO
        };
        let ecn = ack.ecn.map(|ecn| EcnCounts { ect0: ecn.ect0, ect1: ecn.ect1, ce: ecn.ce });
        self.acked.clear();
        self.lost.clear();
        let outcome =
            self.recovery.on_ack(now, space, ack.ranges(), delay, ecn, &mut self.acked, &mut self.lost)?;
        if outcome.newly > 0 {
            self.path.mtu.arrived(outcome.largest_size);
        }
        if space == Space::Handshake && !self.is_server() && !self.handshake_acknowledged {
            self.handshake_acknowledged = true;
            self.update_recovery_state();
        }
        if let Some(largest) = outcome.largest_newly
            && space == Space::Data
            && let Some(keys) = &mut self.keys.one_rtt
        {
            keys.acknowledged(largest);
        }
        self.on_acked();
        self.on_lost(now);
        Ok(())
    }

    fn on_path_response(&mut self, data: [u8; 8]) {
        if self.path.on_response(data, &mut self.entropy) {
            self.update_amplification();
            if self.previous_path.take().is_some() {
                self.events.push_back(Event::Migrated { remote: self.path.remote });
            }
        } else if let Some(previous) = &mut self.previous_path {
            // It was the old place that answered: whoever is at the new one only repeats its packets.
            previous.on_response(data, &mut self.entropy);
        }
    }

    fn on_datagram(&mut self, data: Bytes) -> Result<(), TransportError> {
        if data.len() as u64 > self.limits.max_datagram_frame {
            return Err(violation("a DATAGRAM frame that is larger than this side takes (RFC 9221 §3)"));
        }
        // What is much smaller than its packet must not keep it.
        let data = if data.len() < COPIED { Bytes::copy_from_slice(&data) } else { data };
        let cost = Datagrams::cost(&data);
        while self.datagrams.incoming_bytes + cost > self.limits.datagram_buffer {
            let Some(oldest) = self.events.iter().position(|event| matches!(event, Event::Datagram(_)))
            else {
                return Ok(());
            };
            if let Some(Event::Datagram(oldest)) = self.events.remove(oldest) {
                self.datagrams.incoming_bytes -= Datagrams::cost(&oldest);
            }
        }
        self.datagrams.incoming_bytes += cost;
        self.events.push_back(Event::Datagram(data));
        Ok(())
    }
}

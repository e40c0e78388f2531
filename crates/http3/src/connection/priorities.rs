//! Priorities (RFC 9218).

use wirelace_http_semantics::{Priority, StreamId};
use wirelace_quic_lite::{Connection as Quic, StreamId as QuicStream};
use wirelace_wire::varint::decode_varint;

use super::Connection;
use super::exchange::PUSH;
use crate::error::Error;
use crate::frame::{FrameHeader, FrameType, put_varint};
use crate::settings::Role;

/// Priorities of requests to come that are kept.
const EARLY: usize = 64;

impl Connection {
    /// The priority of an exchange (RFC 9218); the default one where there is no such exchange.
    #[must_use]
    pub fn priority(&self, stream: StreamId) -> Priority {
        self.exchanges.get(&stream.0).map_or_else(Priority::default, |exchange| exchange.priority)
    }

    /// Server: overrides the priority that the client gave (RFC 9218 §8). Client: tells the server (PRIORITY_UPDATE,
    /// §7.2). Nothing happens where there is no such exchange.
    pub fn set_priority(&mut self, quic: &mut Quic, stream: StreamId, priority: Priority) {
        let Some(exchange) = self.exchanges.get_mut(&stream.0) else { return };
        exchange.priority = priority;
        if self.role == Role::Client {
            let mut payload = Vec::new();
            let kind = if stream.0 >= PUSH {
                FrameType::PRIORITY_UPDATE_PUSH
            } else {
                FrameType::PRIORITY_UPDATE_REQUEST
            };
            put_varint(&mut payload, stream.0 & !PUSH);
            priority.write(&mut payload);
            let out = &mut self.control.pending;
            FrameHeader { kind, length: payload.len() as u64 }.write(out);
            out.extend_from_slice(&payload);
        }
        self.apply_priority(quic, stream.0);
    }

    /// What is sent on the stream of an exchange goes by its priority.
    pub(super) fn apply_priority(&self, quic: &mut Quic, id: u64) {
        if let Some(exchange) = self.exchanges.get(&id)
            && let Some(stream) = exchange.stream
        {
            // The most urgent place is that of the critical streams: behind any other, the QPACK encoder's could wait for
            // credit that streams hold which wait for it (RFC 9204 §2.1.3). So 6 and 7 are one.
            let urgency = (exchange.priority.urgency() + 1).min(7);
            quic.set_priority(stream, urgency, exchange.priority.is_incremental());
        }
    }

    pub(super) fn on_priority_update(
        &mut self,
        quic: &mut Quic,
        stream: QuicStream,
        frame: FrameType,
        payload: &[u8],
    ) -> Result<(), Error> {
        let cut = Error::Frame { frame, stream: stream.0 };
        let Some((element, taken)) = decode_varint(payload) else { return Err(cut) };
        let priority = Priority::parse(payload.get(taken..).unwrap_or_default());
        let id = if frame == FrameType::PRIORITY_UPDATE_REQUEST {
            if element % 4 != 0 {
                return Err(Error::Id { frame, id: element });
            }
            element
        } else {
            if !self.pushes.was_promised(element) {
                return Err(Error::Id { frame, id: element });
            }
            PUSH | element
        };
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.priority = priority;
            exchange.told_priority = true;
            self.apply_priority(quic, id);
        } else if id < PUSH && id >= self.next_peer {
            // The request is on its way (RFC 9218 §7).
            self.early_priorities.retain(|&(early, _)| early != id);
            if self.early_priorities.len() >= EARLY {
                self.early_priorities.pop_front();
            }
            self.early_priorities.push_back((id, priority));
        }
        Ok(())
    }
}

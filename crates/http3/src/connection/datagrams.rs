//! HTTP datagrams (RFC 9297 §2).

use bytes::{Buf as _, Bytes};
use wirelace_http_semantics::{SendError, StreamId};
use wirelace_quic_lite::Connection as Quic;
use wirelace_wire::varint::decode_varint;

use super::Connection;
use super::exchange::PUSH;
use crate::error::Error;
use crate::extension::{ExtensionEvent, cost};
use crate::frame::put_varint;

/// The largest quarter of a stream id (RFC 9297 §2.1).
const MOST: u64 = (1 << 60) - 1;

impl Connection {
    /// Octets of the largest datagram that [`send_datagram`](Connection::send_datagram) takes now; `None`: the peer has
    /// not said that it takes any.
    #[must_use]
    pub fn max_datagram(&self, quic: &Quic, stream: StreamId) -> Option<usize> {
        let taken = self.limits.datagrams && self.peer_settings.as_ref().is_some_and(|peer| peer.h3_datagram);
        let id = wirelace_wire::varint::varint_len(stream.0 / 4)?;
        quic.max_datagram().filter(|_| taken)?.checked_sub(id)
    }

    /// Sends a datagram that belongs to an exchange: once, without order, perhaps lost.
    ///
    /// # Errors
    /// There is no such exchange (`Closed`), or the peer takes no datagrams, or none so large (`Head`).
    pub fn send_datagram(&mut self, quic: &mut Quic, stream: StreamId, data: &[u8]) -> Result<(), SendError> {
        if stream.0 >= PUSH || !self.exchanges.contains_key(&stream.0) {
            return Err(SendError::Closed);
        }
        if self.max_datagram(quic, stream).is_none_or(|most| data.len() > most) {
            return Err(SendError::Head);
        }
        let mut datagram = Vec::with_capacity(8 + data.len());
        put_varint(&mut datagram, stream.0 / 4);
        datagram.extend_from_slice(data);
        quic.send_datagram(datagram.into()).map_err(|_| SendError::Closed)
    }

    pub(super) fn on_datagram(&mut self, mut data: Bytes) {
        let Some((quarter, taken)) = decode_varint(&data).filter(|(quarter, _)| *quarter <= MOST) else {
            return self.fail(Error::Datagram);
        };
        data.advance(taken);
        let id = quarter * 4;
        if !self.exchanges.contains_key(&id) {
            return; // Its stream is over, or not here yet: datagrams may get lost.
        }
        self.datagram_bytes += cost(&data);
        self.extension_events.push_back(ExtensionEvent::Datagram { stream: StreamId(id), data });
        while self.datagram_bytes > self.limits.datagram_buffer {
            let oldest = self
                .extension_events
                .iter()
                .position(|event| matches!(event, ExtensionEvent::Datagram { .. }));
            match oldest.and_then(|at| self.extension_events.remove(at)) {
                Some(ExtensionEvent::Datagram { data, .. }) => self.datagram_bytes -= cost(&data),
                _ => break,
            }
        }
    }
}

//! A unidirectional stream that this side sends on all the time: control, QPACK encoder, QPACK decoder.

use bytes::Bytes;
use wirelace_quic_lite::{Connection as Quic, Direction, StreamId as QuicStream};

use crate::frame::put_varint;
use crate::stream_type::StreamType;

#[derive(Debug)]
pub(super) struct OwnStream {
    pub(super) kind: StreamType,
    pub(super) stream: Option<QuicStream>,
    /// What the transport did not take yet.
    pub(super) pending: Vec<u8>,
}

impl OwnStream {
    pub(super) fn new(kind: StreamType) -> OwnStream {
        let mut pending = Vec::new();
        put_varint(&mut pending, kind.0);
        OwnStream { kind, stream: None, pending }
    }

    /// Bytes that the stream takes at once; it is opened if it can be.
    pub(super) fn capacity(&mut self, quic: &mut Quic) -> usize {
        self.open(quic);
        let room = self.stream.map_or(0, |stream| quic.capacity(stream));
        room.saturating_sub(self.pending.len())
    }

    fn open(&mut self, quic: &mut Quic) {
        if self.stream.is_none() && quic.available(Direction::Unidirectional) > 0 {
            self.stream = quic.open(Direction::Unidirectional);
            if let Some(stream) = self.stream {
                // Nothing else can be understood, or go on, without them.
                quic.set_priority(stream, 0, false);
            }
        }
    }

    /// Sends what waits, as far as it goes.
    pub(super) fn flush(&mut self, quic: &mut Quic) {
        if self.pending.is_empty() {
            return;
        }
        self.open(quic);
        if let Some(stream) = self.stream
            && quic.write(stream, Bytes::copy_from_slice(&self.pending), false).is_ok()
        {
            self.pending.clear();
        }
    }
}

//! What goes beyond HTTP: streams and datagrams that an extension as WebTransport makes use of.

use bytes::Bytes;
use wirelace_http_semantics::StreamId;
use wirelace_quic_lite::StreamId as QuicStream;

/// What came for an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtensionEvent {
    /// An HTTP datagram (RFC 9297 §2).
    Datagram {
        /// The exchange that it belongs to.
        stream: StreamId,
        /// Its payload.
        data: Bytes,
    },
    /// The peer has opened a stream of a type that was [registered](crate::Connection::take_streams). HTTP/3 has no more
    /// to do with it: what the transport tells of it comes back from
    /// [`on_quic_event`](crate::Connection::on_quic_event). It should be read at once.
    Stream {
        /// The stream of the transport.
        stream: QuicStream,
        /// The type, or signal value, that it began with.
        kind: u64,
        /// What came behind it so far; its credit is to be given back by
        /// [`consumed`](wirelace_quic_lite::Connection::consumed) of the transport.
        data: Bytes,
        /// Nothing follows.
        end: bool,
    },
}

/// Types of streams that go to an extension.
#[derive(Debug, Default)]
pub(crate) struct Registered {
    pub(crate) unidirectional: Vec<u64>,
    pub(crate) bidirectional: Vec<u64>,
}

/// What a datagram that waits counts: empty ones take memory too.
pub(crate) fn cost(data: &[u8]) -> usize {
    data.len() + 64
}

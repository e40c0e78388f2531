//! Counters.

use std::time::Duration;

/// What happened on a connection so far.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams that went.
    pub datagrams_sent: u64,
    /// Datagrams that came.
    pub datagrams_received: u64,
    /// Bytes of the datagrams that went: UDP payload.
    pub bytes_sent: u64,
    /// Bytes of the datagrams that came: UDP payload.
    pub bytes_received: u64,
    /// Packets that went.
    pub packets_sent: u64,
    /// Packets that were opened.
    pub packets_received: u64,
    /// Packets that were dropped: no keys, no sense, or not what was sealed.
    pub packets_dropped: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets that were found to be lost on their way to the peer (RFC 9002 §6.1).
    pub packets_lost: u64,
    /// Probe timeouts (RFC 9002 §6.2).
    pub probe_timeouts: u64,
    /// Times that the congestion window was reduced (RFC 9002 §7.3.2).
    pub congestion_events: u64,
    /// The congestion window: bytes that may be on their way (RFC 9002 §7).
    pub window: u64,
    /// Bytes that are on their way now.
    pub in_flight: u64,
    /// The round trip, smoothed (RFC 9002 §5.3).
    pub round_trip: Duration,
    /// Octets of the largest datagram that goes through: UDP payload (RFC 9000 §14.3).
    pub datagram_size: u16,
    /// Key updates, from both sides (RFC 9001 §6).
    pub key_updates: u64,
    /// Streams that are remembered.
    pub streams_open: usize,
    /// Streams that this side opened.
    pub streams_opened: u64,
    /// Streams that the peer opened.
    pub streams_accepted: u64,
    /// Streams that the peer reset or stopped.
    pub streams_reset: u64,
    /// Bytes of stream data that went, each once.
    pub stream_bytes_sent: u64,
    /// Bytes of stream data that went again.
    pub stream_bytes_sent_again: u64,
    /// Bytes of stream data that came, each once.
    pub stream_bytes_received: u64,
    /// Bytes of them that the application has not taken.
    pub stream_bytes_held: u64,
    /// Pieces of them that were not read, and are in the buffers of their packets.
    pub stream_pieces_shared: usize,
    /// Bytes of buffers that others were copied to.
    pub stream_bytes_copied: usize,
}

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
    /// Their bytes.
    pub bytes_sent: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Packets that went.
    pub packets_sent: u64,
    /// Packets that were opened.
    pub packets_received: u64,
    /// Packets that were dropped: no keys, no sense, or not what was sealed.
    pub packets_dropped: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets that were lost on their way to the peer.
    pub packets_lost: u64,
    /// Probe timeouts (RFC 9002 §6.2).
    pub probe_timeouts: u64,
    /// Times that the window was reduced.
    pub congestion_events: u64,
    /// Bytes that may be on their way.
    pub window: u64,
    /// Bytes that are.
    pub in_flight: u64,
    /// Smoothed.
    pub round_trip: Duration,
    /// Octets of the largest datagram that goes through.
    pub datagram_size: u16,
    /// Key updates, from both sides.
    pub key_updates: u64,
}

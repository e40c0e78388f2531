//! What happened on a connection.

use core::time::Duration;

/// Counters of one connection.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Exchanges begun, pushed ones included.
    pub exchanges: u64,
    /// Body bytes received, without padding and framing.
    pub body_received: u64,
    /// Body bytes sent, without framing.
    pub body_sent: u64,
    /// Streams reset by the peer.
    pub resets_received: u64,
    /// Streams reset by this side.
    pub resets_sent: u64,
    /// Messages that broke a rule of RFC 9113 §8.
    pub malformed: u64,
    /// Errors that ended the connection: 0 or 1.
    pub errors: u64,
    /// The last round-trip time that a PING measured.
    pub round_trip: Option<Duration>,
}

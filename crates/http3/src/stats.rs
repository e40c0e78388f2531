//! What happened on a connection.

/// Counters of one connection; those of the transport are with QUIC.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Exchanges begun, pushed ones included.
    pub exchanges: u64,
    /// Body bytes received, without framing.
    pub body_received: u64,
    /// Body bytes sent, without framing.
    pub body_sent: u64,
    /// Streams reset by the peer.
    pub resets_received: u64,
    /// Streams reset by this side.
    pub resets_sent: u64,
    /// Messages that broke a rule of RFC 9114 §4.
    pub malformed: u64,
    /// Field sections that had to wait for the peer's encoder stream (RFC 9204 §2.1.2).
    pub blocked_sections: u64,
    /// Bytes of unknown frames and streams, thrown away.
    pub discarded: u64,
    /// Errors that ended the connection: 0 or 1.
    pub errors: u64,
}

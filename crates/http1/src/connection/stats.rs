//! What happened on a connection.

/// Counters of one connection.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Exchanges begun.
    pub exchanges: u64,
    /// Body bytes received, without framing.
    pub body_received: u64,
    /// Body bytes sent, without framing.
    pub body_sent: u64,
    /// Errors that ended the connection: 0 or 1.
    pub errors: u64,
}

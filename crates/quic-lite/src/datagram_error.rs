//! Why a DATAGRAM frame does not go.

/// Why a DATAGRAM frame cannot go (RFC 9221 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatagramError {
    /// The peer takes none.
    #[error("the peer takes no DATAGRAM frames (RFC 9221 §3)")]
    Unsupported,
    /// It is larger than a packet, or than the peer takes.
    #[error("{size} octets are more than a DATAGRAM frame may have now, {limit} (RFC 9221 §5)")]
    TooLarge {
        /// Octets that were given.
        size: usize,
        /// Octets that would go.
        limit: usize,
    },
    /// The connection is over.
    #[error("the connection is over")]
    Closed,
}

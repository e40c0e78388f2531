//! What recovery is told of a packet.

use std::time::Instant;

/// A packet number space (RFC 9000 §12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Space {
    Initial,
    Handshake,
    /// 0-RTT and 1-RTT packets.
    Data,
}

impl Space {
    pub(crate) const ALL: [Space; 3] = [Space::Initial, Space::Handshake, Space::Data];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// A packet that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub time: Instant,
    /// Bytes of the packet that count in flight; whatever they are when `in_flight` is false.
    pub size: u16,
    pub ack_eliciting: bool,
    /// Ack-eliciting or padded (RFC 9002 §2). False for a probe for a larger datagram too: its loss says nothing of
    /// congestion (RFC 9000 §14.4).
    pub in_flight: bool,
    /// Sent with ECT(0).
    pub ecn: bool,
    /// Generation of the path that it was sent on. Packets of another path than the current one touch neither the RTT
    /// nor the congestion window.
    pub path: u8,
}

/// The ECN counts of an ACK frame (RFC 9000 §19.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct EcnCounts {
    pub ect0: u64,
    pub ect1: u64,
    pub ce: u64,
}

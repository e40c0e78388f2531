//! What recovery answers.

use super::packet::Space;

/// What an ACK frame did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Acked {
    /// Packets acknowledged for the first time; packets that were taken for lost are not among them.
    pub newly: usize,
    /// The largest of them.
    pub largest_newly: Option<u64>,
    pub any_ack_eliciting: bool,
    /// Octets of the longest of them.
    pub largest_size: u16,
    /// ECN does not work on this path: [`ecn`](super::Recovery::ecn) is false from now on.
    pub ecn_failed: bool,
    /// The window was reduced.
    pub congestion: bool,
}

/// What a timer brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeout {
    /// It is not due.
    Nothing,
    /// Packets were lost, or are not yet: their timer is another.
    Lost,
    /// At least one and at most `count` ack-eliciting packets of this space have to go, whatever the window and the
    /// pacer say (RFC 9002 §6.2.4). A client's probe without anything to repeat is padded like any of its packets in
    /// that space, so that the server may send more.
    Probe { space: Space, count: u8 },
}

/// A peer that does not keep to RFC 9002.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RecoveryError {
    /// PROTOCOL_VIOLATION.
    #[error("packet {number} is acknowledged and was never sent (RFC 9000 §13.1)")]
    AckOfUnsent { number: u64 },
}

/// Counts of what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RecoveryStats {
    pub sent: u64,
    pub lost: u64,
    pub lost_bytes: u64,
    /// Packets taken for lost that arrived after all.
    pub spurious: u64,
    pub probe_timeouts: u64,
    /// Times that the window was reduced.
    pub congestion_events: u64,
    /// Those of them that ECN marks told.
    pub ecn_events: u64,
    pub persistent_congestion: u64,
}

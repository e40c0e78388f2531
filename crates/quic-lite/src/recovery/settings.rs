//! What recovery begins with.

use std::time::Duration;

use crate::config::CongestionControl;

/// How recovery begins.
#[derive(Debug, Clone)]
pub(crate) struct RecoverySettings {
    /// Assumed round-trip time before the first sample (RFC 9002 §6.2.2).
    pub initial_rtt: Duration,
    /// Bytes of the largest datagram.
    pub max_datagram: u16,
    /// The initial window, in datagrams (RFC 9002 §7.2).
    pub initial_window_packets: u64,
    /// Packets that reordering may put a packet back before it counts as lost (RFC 9002 §6.1.1). Reordering that is
    /// seen raises this and the next.
    pub packet_threshold: u64,
    /// Eighths of a round-trip time that a packet has to arrive once a later one did (RFC 9002 §6.1.2).
    pub time_threshold_eighths: u32,
    pub congestion: CongestionControl,
}

impl Default for RecoverySettings {
    fn default() -> RecoverySettings {
        RecoverySettings {
            initial_rtt: Duration::from_millis(333),
            max_datagram: 1200,
            initial_window_packets: 10,
            packet_threshold: 3,
            time_threshold_eighths: 9,
            congestion: CongestionControl::default(),
        }
    }
}

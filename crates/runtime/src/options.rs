//! What a connection's driver needs to know.

use std::time::Duration;

/// Limits of the driver; those of the protocol are the machine's.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub struct DriverOptions {
    /// Bytes that the machine has not taken yet beyond which nothing is read. Must be larger than the largest
    /// element that the machine waits for as a whole. Default: 256 KiB.
    pub max_input: usize,
    /// How long what runs may go on without a sign of life after the peer closed its sending side. A peer that
    /// is gone looks the same until something is written to it. Zero: it counts as gone. Default: 30 s.
    pub half_close: Duration,
    /// How long writing what is left may stand still, and how long the peer is then listened to, once the
    /// connection is over: closing at once could destroy what it has not read yet (RFC 9112 §9.6). Default: 5 s.
    pub linger: Duration,
    /// What is read and thrown away meanwhile, at most. Default: 16 MiB.
    pub linger_bytes: usize,
}

impl Default for DriverOptions {
    fn default() -> Self {
        DriverOptions {
            max_input: 256 * 1024,
            half_close: Duration::from_secs(30),
            linger: Duration::from_secs(5),
            linger_bytes: 16 * 1024 * 1024,
        }
    }
}

//! What a decoder offers.

/// What the peer's encoder may make us keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest table, in octets: our SETTINGS_QPACK_MAX_TABLE_CAPACITY. 4096 by default, at most 2^30. The table
    /// takes less than three times that of memory, and none before it is used.
    pub table_capacity: u64,
    /// Streams whose sections wait for the encoder stream: our SETTINGS_QPACK_BLOCKED_STREAMS. 16 by default.
    pub blocked_streams: u64,
    /// Encoded octets of all sections that wait, where each counts 64 more than it has. 256 KiB by default.
    pub blocked_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { table_capacity: 4096, blocked_streams: 16, blocked_bytes: 256 * 1024 }
    }
}

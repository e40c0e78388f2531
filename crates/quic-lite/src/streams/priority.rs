//! What a stream's sender says of its urgency (RFC 9218 §4).

/// A stream's priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Priority {
    /// 0 (first) to 7.
    pub(super) urgency: u8,
    /// Parts of it are of use by themselves.
    pub(super) incremental: bool,
}

impl Default for Priority {
    fn default() -> Priority {
        Priority { urgency: 3, incremental: false }
    }
}

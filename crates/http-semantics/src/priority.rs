//! Priorities (RFC 9218).

/// How urgent a response is, and whether its parts are of use one by one (RFC 9218 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Priority {
    urgency: u8,
    incremental: bool,
}

impl Default for Priority {
    /// Urgency 3, not incremental (RFC 9218 §4.1, §4.2).
    fn default() -> Priority {
        Priority { urgency: 3, incremental: false }
    }
}

impl Priority {
    /// A priority of that urgency, 0 (first) to 7 (last; larger ones count as 7).
    #[must_use]
    pub const fn new(urgency: u8, incremental: bool) -> Priority {
        Priority { urgency: if urgency > 7 { 7 } else { urgency }, incremental }
    }

    /// 0 (first) to 7 (last).
    #[must_use]
    pub const fn urgency(self) -> u8 {
        self.urgency
    }

    /// Whether its parts are of use one by one, so that responses of this urgency may share the connection.
    #[must_use]
    pub const fn is_incremental(self) -> bool {
        self.incremental
    }
}

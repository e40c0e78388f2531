//! What is said when a connection ends, and when it is said again (RFC 9000 §10.2).

use bytes::Bytes;

use crate::error::TransportErrorCode;

/// What CONNECTION_CLOSE says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Transport { code: TransportErrorCode, frame_type: u64 },
    Application { code: u64 },
}

#[derive(Debug)]
pub(super) struct Closing {
    pub(super) said: Said,
    pub(super) reason: Bytes,
    /// It has to go (again).
    pub(super) due: bool,
    /// Packets that came since it went last, and how many bring the next: ever more (§10.2.1).
    came: u32,
    answers_at: u32,
}

impl Closing {
    pub(super) fn new(said: Said, reason: Bytes) -> Closing {
        Closing { said, reason, due: true, came: 0, answers_at: 1 }
    }

    /// A datagram came although the peer should know.
    pub(super) fn came(&mut self) {
        self.came += 1;
        if self.came >= self.answers_at {
            self.came = 0;
            self.answers_at = self.answers_at.saturating_mul(2);
            self.due = true;
        }
    }
}

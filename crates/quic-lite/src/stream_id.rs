//! Stream ids (RFC 9000 §2.1).

use core::fmt;

use wirelace_tls_glue::quic::Side;

/// Whether both sides send on a stream, or only the one that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both.
    Bidirectional,
    /// Only the side that opened it.
    Unidirectional,
}

/// The id of a stream. It says who opened the stream, of which kind it is, and how many of this kind were before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl StreamId {
    /// The stream of this kind behind `index` others.
    #[must_use]
    pub const fn new(initiator: Side, direction: Direction, index: u64) -> StreamId {
        let initiator = matches!(initiator, Side::Server) as u64;
        let direction = matches!(direction, Direction::Unidirectional) as u64;
        StreamId(index << 2 | direction << 1 | initiator)
    }

    /// Who opened it.
    #[must_use]
    pub const fn initiator(self) -> Side {
        if self.0 & 1 == 0 { Side::Client } else { Side::Server }
    }

    /// Its kind.
    #[must_use]
    pub const fn direction(self) -> Direction {
        if self.0 & 2 == 0 { Direction::Bidirectional } else { Direction::Unidirectional }
    }

    /// How many of this kind were opened before it.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.0 >> 2
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

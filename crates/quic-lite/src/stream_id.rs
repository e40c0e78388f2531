//! Stream ids (RFC 9000 §2.1).

use core::fmt;

use wirelace_tls_glue::quic::Side;

/// The kind of a stream: whether both sides send on it, or only the one that opened it (RFC 9000 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both sides.
    Bidirectional,
    /// Only the side that opened it.
    Unidirectional,
}

/// The id of a stream (RFC 9000 §2.1): below 2^62. It says who opened the stream, of which kind it is, and how many of
/// this kind were before it.
///
/// ```
/// use wirelace_quic_lite::tls::quic::Side;
/// use wirelace_quic_lite::{Direction, StreamId};
///
/// let id = StreamId::new(Side::Server, Direction::Unidirectional, 2);
/// assert_eq!((id.0, id.index(), id.direction()), (11, 2, Direction::Unidirectional));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl StreamId {
    /// The stream of this kind behind `index` others, which are fewer than 2^60.
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

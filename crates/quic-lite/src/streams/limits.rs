//! What each side allows the other.

use crate::stream_id::Direction;

/// What this side allows.
#[derive(Debug, Clone)]
pub(crate) struct StreamLimits {
    /// Octets of all streams that wait for the application.
    pub(crate) data_window: u64,
    /// Up to which it grows.
    pub(crate) max_data_window: u64,
    /// Octets of one stream that wait for the application.
    pub(crate) stream_window: u64,
    /// Up to which it grows.
    pub(crate) max_stream_window: u64,
    /// Streams of the peer that are open at once.
    pub(crate) bidirectional_streams: u64,
    pub(crate) unidirectional_streams: u64,
    /// Octets of one stream that are not acknowledged, before it takes no more.
    pub(crate) send_buffer: usize,
    /// Pieces of received data that were not read, of all streams. More end the connection.
    pub(crate) pieces: usize,
    /// Of them, those that stay in the buffer they came in, whatever its size; others are copied.
    pub(crate) shared_pieces: usize,
}

impl Default for StreamLimits {
    fn default() -> StreamLimits {
        StreamLimits {
            data_window: 1 << 20,
            max_data_window: 16 << 20,
            stream_window: 1 << 18,
            max_stream_window: 1 << 20,
            bidirectional_streams: 100,
            unidirectional_streams: 100,
            send_buffer: 1 << 20,
            pieces: 8192,
            shared_pieces: 128,
        }
    }
}

/// What the peer's transport parameters allow (RFC 9000 §18.2).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PeerLimits {
    pub(super) data: u64,
    pub(super) bidi_local: u64,
    pub(super) bidi_remote: u64,
    pub(super) uni: u64,
    pub(super) streams: Kinds<u64>,
}

impl PeerLimits {
    /// Of a stream, at first.
    pub(super) fn of_stream(&self, direction: Direction, own: bool) -> u64 {
        match (direction, own) {
            (Direction::Bidirectional, true) => self.bidi_remote,
            (Direction::Bidirectional, false) => self.bidi_local,
            (Direction::Unidirectional, _) => self.uni,
        }
    }
}

/// Something of each kind of stream.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kinds<T> {
    pub(super) bidi: T,
    pub(super) uni: T,
}

pub(super) const DIRECTIONS: [Direction; 2] = [Direction::Bidirectional, Direction::Unidirectional];

impl<T> Kinds<T> {
    pub(super) fn of(&self, direction: Direction) -> &T {
        match direction {
            Direction::Bidirectional => &self.bidi,
            Direction::Unidirectional => &self.uni,
        }
    }

    pub(super) fn of_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Bidirectional => &mut self.bidi,
            Direction::Unidirectional => &mut self.uni,
        }
    }
}

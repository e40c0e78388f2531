//! What the application sees of a stream.

use bytes::Bytes;

use crate::stream_id::{Direction, StreamId};

/// What happened to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamEvent {
    /// By the peer: each one, in the order of their numbers.
    Opened { id: StreamId },
    /// More has come, or the end.
    Readable { id: StreamId },
    /// It had no capacity, and has some.
    Writable { id: StreamId },
    /// The peer wants no more of it; it was reset with the same code.
    Stopped { id: StreamId, code: u64 },
    /// By the peer.
    Reset { id: StreamId, code: u64 },
    /// All that was sent, and its end, was acknowledged.
    Finished { id: StreamId },
    /// [`open`](super::Streams::open) failed, and can succeed again.
    Available { direction: Direction },
}

/// Data of a stream, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The data.
    pub data: Bytes,
    /// They are the last.
    pub fin: bool,
}

/// Why a stream takes no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Flow control or the send buffer lets nothing go now.
    #[error("the stream takes nothing now")]
    Blocked,
    /// The peer wants no more of it, with that code.
    #[error("the peer has stopped the stream with code {0:#x}")]
    Stopped(u64),
    /// There is no such stream, this side does not send on it, or has ended it.
    #[error("the stream is not open for sending")]
    Unknown,
    /// The connection is over.
    #[error("the connection is over")]
    Closed,
}

/// Why a stream cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The peer has reset it, with that code.
    #[error("the peer has reset the stream with code {0:#x}")]
    Reset(u64),
    /// There is no such stream, the peer does not send on it, or it was read to its end or stopped.
    #[error("the stream is not open for receiving")]
    Unknown,
}

//! What a packet carried, as far as its loss or its acknowledgement means something.

use crate::recovery::Space;
use crate::stream_id::{Direction, StreamId};

/// One frame of a sent packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SentFrame {
    Stream {
        id: StreamId,
        offset: u64,
        length: u32,
        fin: bool,
    },
    Crypto {
        space: Space,
        offset: u64,
        length: u32,
    },
    Ack {
        space: Space,
        largest: u64,
    },
    ResetStream {
        id: StreamId,
    },
    StopSending {
        id: StreamId,
    },
    MaxData,
    MaxStreamData {
        id: StreamId,
    },
    MaxStreams {
        direction: Direction,
    },
    DataBlocked,
    StreamDataBlocked {
        id: StreamId,
    },
    StreamsBlocked {
        direction: Direction,
    },
    NewConnectionId {
        sequence: u64,
    },
    RetireConnectionId {
        sequence: u64,
    },
    NewToken,
    HandshakeDone,
    PathChallenge,
    PathResponse,
    Datagram,
    Ping,
    /// A packet that is there for its size.
    MtuProbe {
        size: u16,
    },
}

//! Types of unidirectional streams (RFC 9114 §6.2, RFC 9204 §4.2).

use core::fmt;

/// What a unidirectional stream is for: the varint that it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamType(pub u64);

impl StreamType {
    /// Control: SETTINGS and what concerns the connection. One each way.
    pub const CONTROL: StreamType = StreamType(0x00);
    /// A response that was pushed.
    pub const PUSH: StreamType = StreamType(0x01);
    /// Instructions of the QPACK encoder. One each way.
    pub const QPACK_ENCODER: StreamType = StreamType(0x02);
    /// Instructions of the QPACK decoder. One each way.
    pub const QPACK_DECODER: StreamType = StreamType(0x03);
}

impl fmt::Display for StreamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            StreamType::CONTROL => f.write_str("control"),
            StreamType::PUSH => f.write_str("push"),
            StreamType::QPACK_ENCODER => f.write_str("QPACK encoder"),
            StreamType::QPACK_DECODER => f.write_str("QPACK decoder"),
            StreamType(kind) => write!(f, "{kind:#x}"),
        }
    }
}

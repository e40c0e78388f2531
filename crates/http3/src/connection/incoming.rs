//! What a unidirectional stream of the peer's is.

use bytes::BytesMut;

use crate::frame::Reader;

/// What a stream of the peer's is.
#[derive(Debug)]
pub(super) enum Unidirectional {
    /// Its type is not all there.
    New(Reader),
    Control(Reader),
    Encoder(BytesMut),
    Decoder(BytesMut),
    /// A push whose id is not all there.
    PushId(Reader),
    /// The exchange that is pushed.
    Push(u64),
}

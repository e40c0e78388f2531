//! Frames that a stream has to send, one bit each.

pub(super) const RESET_STREAM: u8 = 1;
pub(super) const STOP_SENDING: u8 = 2;
pub(super) const MAX_STREAM_DATA: u8 = 4;
pub(super) const STREAM_DATA_BLOCKED: u8 = 8;

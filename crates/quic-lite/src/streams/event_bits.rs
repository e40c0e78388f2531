//! Events of a stream that wait, one bit each.

pub(super) const STOPPED: u8 = 1;
pub(super) const RESET: u8 = 2;
pub(super) const READABLE: u8 = 4;
pub(super) const WRITABLE: u8 = 8;
pub(super) const FINISHED: u8 = 16;

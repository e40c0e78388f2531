//! One stream.

use super::priority::Priority;
use super::receive::Receive;
use super::send::Send;
use crate::stream_id::StreamId;

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    pub(super) send: Option<Send>,
    pub(super) receive: Option<Receive>,
    pub(super) priority: Priority,
    /// In the schedule of what no window holds back.
    pub(super) in_free: bool,
    /// In the schedule of what was never sent.
    pub(super) in_fresh: bool,
    /// Frames that it has to send, bits of [`frame_bits`](super::frame_bits).
    pub(super) frames: u8,
    /// In the queue of those with frames; it may have none any more.
    pub(super) frames_queued: bool,
    /// Events that wait, bits of [`event_bits`](super::event_bits).
    pub(super) events: u8,
    /// In the queue of those with events.
    pub(super) events_queued: bool,
}

impl Stream {
    pub(super) fn new(id: StreamId, send: Option<Send>, receive: Option<Receive>) -> Stream {
        Stream {
            id,
            send,
            receive,
            priority: Priority::default(),
            in_free: false,
            in_fresh: false,
            frames: 0,
            frames_queued: false,
            events: 0,
            events_queued: false,
        }
    }

    /// Nothing will happen to it any more, and the application knows all that did.
    pub(super) fn is_over(&self) -> bool {
        self.events == 0
            && self.send.as_ref().is_none_or(Send::is_over)
            && self.receive.as_ref().is_none_or(Receive::is_over)
    }
}

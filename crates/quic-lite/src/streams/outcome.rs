//! What became of frames that were sent.

use super::{Streams, event_bits, frame_bits};
use crate::sent_frame::SentFrame;
use crate::stream_id::StreamId;

impl Streams {
    /// The packet with this frame has arrived.
    pub(crate) fn on_acked(&mut self, frame: &SentFrame) {
        match *frame {
            SentFrame::Stream { id, offset, length, fin } => {
                let Some(slot) = self.table.slot(id) else { return };
                let Some(stream) = self.table.get_mut(slot) else { return };
                let Some(send) = stream.send.as_mut() else { return };
                let finished = send.on_acked(offset, u64::from(length), fin);
                // What was thought lost may have come after all.
                if stream.in_free && !send.has_free() {
                    self.reschedule(slot);
                }
                if finished {
                    self.notify(slot, event_bits::FINISHED);
                } else {
                    self.wake(slot);
                }
            }
            SentFrame::ResetStream { id } => {
                let Some(slot) = self.table.slot(id) else { return };
                if let Some(send) = self.table.get_mut(slot).and_then(|stream| stream.send.as_mut()) {
                    send.on_reset_acked();
                }
                self.unflag(slot, frame_bits::RESET_STREAM);
                self.settle(slot);
            }
            _ => {}
        }
    }

    /// The packet with this frame was lost. What is still of use goes again, as it is now (RFC 9000 §13.3).
    pub(crate) fn on_lost(&mut self, frame: &SentFrame) {
        match *frame {
            SentFrame::Stream { id, offset, length, fin } => {
                let Some(slot) = self.table.slot(id) else { return };
                if let Some(send) = self.table.get_mut(slot).and_then(|stream| stream.send.as_mut()) {
                    send.on_lost(offset, u64::from(length), fin);
                    self.reschedule(slot);
                }
            }
            SentFrame::ResetStream { id } => {
                self.again(id, frame_bits::RESET_STREAM, |stream| {
                    stream.send.as_ref().is_some_and(|send| send.reset_frame().is_some())
                });
            }
            SentFrame::StopSending { id } => {
                self.again(id, frame_bits::STOP_SENDING, |stream| {
                    stream.receive.as_ref().is_some_and(|receive| receive.stop_code().is_some())
                });
            }
            SentFrame::MaxStreamData { id } => {
                self.again(id, frame_bits::MAX_STREAM_DATA, |stream| {
                    let Some(receive) = &mut stream.receive else { return false };
                    receive.window_mut().on_lost();
                    receive.needs_credit() && receive.window().is_due()
                });
            }
            SentFrame::StreamDataBlocked { id } => {
                let Some(slot) = self.table.slot(id) else { return };
                if let Some(send) = self.table.get_mut(slot).and_then(|stream| stream.send.as_mut()) {
                    send.window_mut().on_blocked_lost();
                    self.reschedule(slot);
                }
            }
            SentFrame::MaxData => self.data_in.on_lost(),
            SentFrame::MaxStreams { direction } => self.peers.of_mut(direction).window.on_lost(),
            SentFrame::DataBlocked => self.data_out.on_blocked_lost(),
            SentFrame::StreamsBlocked { direction } => self.own.of_mut(direction).window.on_blocked_lost(),
            _ => {}
        }
    }

    fn again(&mut self, id: StreamId, bit: u8, still: impl FnOnce(&mut super::Stream) -> bool) {
        let Some(slot) = self.table.slot(id) else { return };
        if self.table.get_mut(slot).is_some_and(still) {
            self.flag(slot, bit);
        }
    }
}

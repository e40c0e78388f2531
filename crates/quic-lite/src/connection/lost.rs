//! What becomes of frames that arrived, and of those that did not.

use std::time::Instant;

use super::Connection;
use crate::sent_frame::SentFrame;

impl Connection {
    /// Takes note of `self.acked`.
    pub(super) fn on_acked(&mut self) {
        let acked = core::mem::take(&mut self.acked);
        for frame in &acked {
            match *frame {
                SentFrame::Crypto { space, offset, length } => {
                    self.space(space).crypto_out.on_acked(offset, u64::from(length));
                }
                SentFrame::Ack { space, largest } => self.space(space).acks.acknowledged(largest),
                SentFrame::RetireConnectionId { sequence } => self.remote_ids.acknowledged(sequence),
                SentFrame::HandshakeDone => self.handshake_done = false,
                SentFrame::MtuProbe { size } => {
                    if self.path.mtu.on_acked(size) {
                        self.recovery.on_mtu_changed(size);
                    }
                }
                SentFrame::Ping
                | SentFrame::Datagram
                | SentFrame::PathChallenge
                | SentFrame::PathResponse
                | SentFrame::NewToken
                | SentFrame::NewConnectionId { .. } => {}
                _ => self.streams.on_acked(frame),
            }
        }
        self.acked = acked;
        self.acked.clear();
    }

    /// Takes note of `self.lost`.
    pub(super) fn on_lost(&mut self, now: Instant) {
        let lost = core::mem::take(&mut self.lost);
        for frame in &lost {
            match *frame {
                SentFrame::NewConnectionId { sequence } => self.local_ids.lost(sequence),
                SentFrame::RetireConnectionId { sequence } => self.remote_ids.lost(sequence),
                SentFrame::HandshakeDone => self.handshake_done = true,
                SentFrame::MtuProbe { size } => self.path.mtu.on_lost(now, size),
                SentFrame::Crypto { space, offset, length } => {
                    self.space(space).crypto_out.on_lost(offset, u64::from(length));
                }
                SentFrame::Ping
                | SentFrame::Ack { .. }
                | SentFrame::Datagram
                | SentFrame::PathChallenge
                | SentFrame::PathResponse
                | SentFrame::NewToken => {}
                _ => self.streams.on_lost(frame),
            }
        }
        self.lost = lost;
        self.lost.clear();
    }
}

//! What goes into a packet, but for the frames of streams (RFC 9000 §19).

use std::time::Instant;

use super::path::MIN_DATAGRAM;
use super::{Connection, local_ids};
use crate::frame::Frame;
use crate::octets::put_varint;
use crate::recovery::Space;
use crate::sent_frame::SentFrame;

impl Connection {
    /// ACK (RFC 9000 §19.3), where there is something to say.
    pub(super) fn write_ack(&mut self, out: &mut Vec<u8>, space: Space, now: Instant, end: usize) {
        let state = match space {
            Space::Initial => &mut self.spaces[0],
            Space::Handshake => &mut self.spaces[1],
            Space::Data => &mut self.spaces[2],
        };
        // A probe says again what may not have arrived: the peer may wait for nothing else.
        let again = state.ping || state.probes > 0;
        if !(state.acks.is_due(now) || state.acks.has_news() || again) {
            return;
        }
        let seen = *state.acks.seen();
        let delay = state.acks.delay(now).as_micros() as u64 >> 3;
        let delay = if space == Space::Data { delay } else { 0 };
        let received = state.acks.received();
        let mut ranges = received.iter();
        let Some(first) = ranges.next() else { return };
        let start = out.len();
        out.push(if seen.any() { 0x03 } else { 0x02 });
        put_varint(out, *first.end());
        put_varint(out, delay);
        // Patched when it is known how many fit; 32 are one octet.
        let count_at = out.len();
        out.push(0);
        put_varint(out, first.end() - first.start());
        let ecn = if seen.any() { 24 } else { 0 };
        let (mut count, mut lowest) = (0_u8, *first.start());
        for range in ranges {
            if out.len() + 16 + ecn > end || count >= 63 {
                break;
            }
            put_varint(out, lowest - range.end() - 2);
            put_varint(out, range.end() - range.start());
            lowest = *range.start();
            count += 1;
        }
        if let Some(place) = out.get_mut(count_at) {
            *place = count;
        }
        if seen.any() {
            [seen.ect0, seen.ect1, seen.ce].into_iter().for_each(|value| {
                put_varint(out, value);
            });
        }
        if out.len() > end {
            out.truncate(start);
            return;
        }
        let largest = *first.end();
        state.acks.written();
        self.building.push(SentFrame::Ack { space, largest });
    }

    pub(super) fn write_crypto(&mut self, out: &mut Vec<u8>, space: Space, end: usize) {
        let state = match space {
            Space::Initial => &mut self.spaces[0],
            Space::Handshake => &mut self.spaces[1],
            Space::Data => &mut self.spaces[2],
        };
        // Type, offset, length.
        const HEAD: usize = 1 + 8 + 2;
        while out.len() + HEAD < end {
            let Some((offset, length)) = state.crypto_out.next_range(end - out.len() - HEAD) else { return };
            out.push(0x06);
            put_varint(out, offset);
            put_varint(out, length as u64);
            state.crypto_out.copy_range(offset, length, out);
            self.building.push(SentFrame::Crypto { space, offset, length: length as u32 });
        }
    }

    /// Frames of the connection. True when the datagram has to be of full size.
    pub(super) fn write_control(&mut self, out: &mut Vec<u8>, now: Instant, end: usize) -> bool {
        let mut pads = false;
        if self.handshake_done && out.len() < end {
            self.handshake_done = false;
            Frame::HandshakeDone.write(out);
            self.building.push(SentFrame::HandshakeDone);
        }
        if let Some(data) = self.path.response_due().filter(|_| out.len() + 9 <= end) {
            self.path.response_sent();
            Frame::PathResponse(data).write(out);
            self.building.push(SentFrame::PathResponse);
            pads = true;
        }
        if let Some(data) = self.path.challenge_due().filter(|_| out.len() + 9 <= end) {
            let patience = self.recovery.probe_timeout();
            self.path.challenge_sent(now, patience);
            Frame::PathChallenge(data).write(out);
            self.building.push(SentFrame::PathChallenge);
            pads = true;
        }
        while let Some(sequence) = self.remote_ids.to_announce().filter(|_| out.len() + 9 <= end) {
            self.remote_ids.announced(sequence);
            Frame::RetireConnectionId { sequence }.write(out);
            self.building.push(SentFrame::RetireConnectionId { sequence });
        }
        if self.confirmed {
            while let Some((sequence, id)) = self.local_ids.to_announce().filter(|_| out.len() + 64 <= end) {
                self.local_ids.announced(sequence);
                let token = *local_ids::reset_token(&self.reset_key, &id).octets();
                Frame::NewConnectionId { sequence, retire_prior_to: 0, id, token }.write(out);
                self.building.push(SentFrame::NewConnectionId { sequence });
            }
            if let Some(token) = self.new_token.take_if(|token| out.len() + 9 + token.len() <= end) {
                Frame::NewToken { token: &token }.write(out);
                self.building.push(SentFrame::NewToken);
            }
        }
        // Answers must not be larger than what they answer allows (RFC 9000 §8.2.2).
        pads && self.path.room() >= usize::from(MIN_DATAGRAM)
    }

    pub(super) fn write_datagram_frames(&mut self, out: &mut Vec<u8>, end: usize) {
        while let Some(data) = self.datagrams.outgoing.front() {
            if out.len() + 3 + data.len() > end {
                // One that will never fit (the path has become narrower) is dropped.
                if data.len() + 64 > usize::from(self.path.mtu.current()) {
                    self.datagrams.outgoing_bytes -= data.len();
                    self.datagrams.outgoing.pop_front();
                    continue;
                }
                return;
            }
            let Some(data) = self.datagrams.outgoing.pop_front() else { return };
            self.datagrams.outgoing_bytes -= data.len();
            Frame::Datagram { data: &data }.write(out);
            self.building.push(SentFrame::Datagram);
        }
    }
}

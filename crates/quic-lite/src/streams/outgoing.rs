//! Frames that go (RFC 9000 §19.4 to §19.14).

use wirelace_wire::varint::{varint_len, write_varint};

use super::limits::DIRECTIONS;
use super::{Streams, frame_bits};
use crate::sent_frame::SentFrame;
use crate::stream_id::{Direction, StreamId};

/// Fewer octets of a stream are not worth a frame of their own where more wait.
const WORTH: usize = 16;

/// Writes a frame of a type and integers, if it ends within `end`.
fn put(out: &mut Vec<u8>, end: usize, kind: u8, values: &[u64]) -> bool {
    let start = out.len();
    out.push(kind);
    // Our values are within 62 bits.
    let written = values.iter().all(|value| write_varint(out, *value));
    if !written || out.len() > end {
        out.truncate(start);
        return false;
    }
    true
}

fn of_kind(kind: u8, direction: Direction) -> u8 {
    kind | u8::from(direction == Direction::Unidirectional)
}

impl Streams {
    /// Whether something could go.
    pub(crate) fn wants_to_send(&self) -> bool {
        self.frames_count > 0
            || !self.free.is_empty()
            || !self.fresh.is_empty() && self.data_out.left() > 0
            || self.data_in.is_due()
            || self.is_blocked_news()
            || DIRECTIONS.iter().any(|direction| {
                self.peers.of(*direction).window.is_due() || self.is_out_of_streams_news(*direction)
            })
    }

    fn is_blocked_news(&self) -> bool {
        self.data_out.left() == 0 && !self.fresh.is_empty() && self.data_out.is_blocked_news()
    }

    fn is_out_of_streams_news(&self, direction: Direction) -> bool {
        let own = self.own.of(direction);
        own.wanted && own.window.left() == 0 && own.window.is_blocked_news()
    }

    /// Appends at most `room` octets of frames, those that tell something first, then STREAM frames by priority, and
    /// notes each in `sent`. `last`: nothing follows in the packet, so that a frame that fills it needs no length.
    pub(crate) fn write_frames(
        &mut self,
        out: &mut Vec<u8>,
        room: usize,
        last: bool,
        sent: &mut impl FnMut(SentFrame),
    ) {
        let end = out.len() + room;
        if self.write_limits(out, end, sent) && self.write_of_streams(out, end, sent) {
            self.write_data(out, end, last, sent);
            // It may block now.
            if self.is_blocked_news() {
                self.write_limits(out, end, sent);
            }
        }
    }

    /// What concerns all streams; whether there was room.
    fn write_limits(&mut self, out: &mut Vec<u8>, end: usize, sent: &mut impl FnMut(SentFrame)) -> bool {
        // Larger than any of these frames.
        let fits = |out: &Vec<u8>| out.len() + 9 <= end;
        if self.data_in.is_due() {
            if !fits(out) {
                return false;
            }
            let limit = self.data_in.update(self.clock);
            put(out, end, 0x10, &[limit]);
            sent(SentFrame::MaxData);
        }
        if self.is_blocked_news() {
            if !fits(out) {
                return false;
            }
            let limit = self.data_out.tell_blocked();
            put(out, end, 0x14, &[limit]);
            sent(SentFrame::DataBlocked);
        }
        for direction in DIRECTIONS {
            if self.peers.of(direction).window.is_due() {
                if !fits(out) {
                    return false;
                }
                let limit = self.peers.of_mut(direction).window.update(self.clock);
                put(out, end, of_kind(0x12, direction), &[limit]);
                sent(SentFrame::MaxStreams { direction });
            }
            if self.is_out_of_streams_news(direction) {
                if !fits(out) {
                    return false;
                }
                let limit = self.own.of_mut(direction).window.tell_blocked();
                put(out, end, of_kind(0x16, direction), &[limit]);
                sent(SentFrame::StreamsBlocked { direction });
            }
        }
        true
    }

    /// What streams have to say beside their data; whether there was room.
    fn write_of_streams(&mut self, out: &mut Vec<u8>, end: usize, sent: &mut impl FnMut(SentFrame)) -> bool {
        while let Some((slot, id)) = self.frames.front().copied() {
            for bit in [
                frame_bits::RESET_STREAM,
                frame_bits::STOP_SENDING,
                frame_bits::MAX_STREAM_DATA,
                frame_bits::STREAM_DATA_BLOCKED,
            ] {
                let named =
                    self.table.get(slot).is_some_and(|stream| stream.id == id && stream.frames & bit != 0);
                if named {
                    // Larger than any of these frames.
                    if out.len() + 25 > end {
                        return false;
                    }
                    self.write_of_stream(slot, id, bit, out, end, sent);
                    self.unflag(slot, bit);
                }
            }
            if let Some(stream) = self.table.get_mut(slot).filter(|stream| stream.id == id) {
                stream.frames_queued = false;
            }
            self.frames.pop_front();
        }
        true
    }

    fn write_of_stream(
        &mut self,
        slot: u32,
        id: StreamId,
        bit: u8,
        out: &mut Vec<u8>,
        end: usize,
        sent: &mut impl FnMut(SentFrame),
    ) {
        let clock = self.clock;
        let Some(stream) = self.table.get_mut(slot) else { return };
        match (bit, &mut stream.send, &mut stream.receive) {
            (frame_bits::RESET_STREAM, Some(send), _) => {
                if let Some((code, size)) = send.reset_frame()
                    && put(out, end, 0x04, &[id.0, code, size])
                {
                    sent(SentFrame::ResetStream { id });
                }
            }
            (frame_bits::STOP_SENDING, _, Some(receive)) => {
                if let Some(code) = receive.stop_code()
                    && put(out, end, 0x05, &[id.0, code])
                {
                    sent(SentFrame::StopSending { id });
                }
            }
            (frame_bits::MAX_STREAM_DATA, _, Some(receive)) => {
                let limit = receive.window_mut().update(clock);
                let size = receive.window().size();
                // All streams together need room for one that grows.
                self.data_in.ensure(size.saturating_add(size / 2));
                put(out, end, 0x11, &[id.0, limit]);
                sent(SentFrame::MaxStreamData { id });
            }
            (frame_bits::STREAM_DATA_BLOCKED, Some(send), _) if send.is_blocked() => {
                let limit = send.window_mut().tell_blocked();
                put(out, end, 0x15, &[id.0, limit]);
                sent(SentFrame::StreamDataBlocked { id });
            }
            _ => {}
        }
    }

    fn write_data(&mut self, out: &mut Vec<u8>, end: usize, last: bool, sent: &mut impl FnMut(SentFrame)) {
        loop {
            let left = self.data_out.left();
            let urgency = if left > 0 { self.fresh.urgency() } else { 8 };
            let fresh = urgency < self.free.urgency();
            let schedule = if fresh { &mut self.fresh } else { &mut self.free };
            let Some(slot) = schedule.front() else { return };
            let Some(stream) = self.table.get_mut(slot) else {
                schedule.pop();
                continue;
            };
            let id = stream.id;
            let Some(send) = &mut stream.send else {
                schedule.pop();
                continue;
            };
            let mut next = send.next(fresh);
            if fresh {
                next.octets = next.octets.min(left);
            }
            let available = usize::try_from(next.octets).unwrap_or(usize::MAX);
            let Some((octets, with_length)) = fit(end - out.len(), id, next.offset, available, last) else {
                return;
            };
            let fin = send.ends(next, octets);
            let kind = 0x08 | u8::from(next.offset > 0) << 2 | u8::from(with_length) << 1 | u8::from(fin);
            out.push(kind);
            // All of them are within 62 bits.
            let _ = write_varint(out, id.0);
            if next.offset > 0 {
                let _ = write_varint(out, next.offset);
            }
            if with_length {
                let _ = write_varint(out, octets as u64);
            }
            send.take(next, octets, out);
            sent(SentFrame::Stream { id, offset: next.offset, length: octets as u32, fin });
            if fresh {
                self.data_out.used += octets as u64;
                self.stats.bytes_sent += octets as u64;
            } else {
                self.stats.bytes_sent_again += octets as u64;
            }
            let more = if fresh { send.has_fresh() } else { send.has_free() };
            if more {
                schedule.rotate();
                continue;
            }
            schedule.pop();
            if fresh {
                stream.in_fresh = false;
                if send.is_blocked() {
                    self.reschedule(slot);
                }
            } else {
                stream.in_free = false;
            }
        }
    }
}

/// How many octets a STREAM frame has, and whether it says so; `None`: too little room.
fn fit(room: usize, id: StreamId, offset: u64, available: usize, last: bool) -> Option<(usize, bool)> {
    let head = 1 + varint_len(id.0)? + if offset > 0 { varint_len(offset)? } else { 0 };
    let room = room.checked_sub(head)?;
    if last && available >= room && room > 0 {
        return (available == room || room >= WORTH).then_some((room, false));
    }
    let length = |octets: usize| varint_len(octets as u64).unwrap_or(8);
    let mut octets = available.min(room.checked_sub(1)?);
    if length(octets) + octets > room {
        octets = octets.min(room.saturating_sub(length(octets)));
    }
    (octets == available || octets >= WORTH).then_some((octets, true))
}

//! Data that come, and the credit for them (RFC 9113 §5.2, §6.1).

use std::time::{Duration, Instant};

use bytes::Bytes;
use wirelace_http_semantics::{Event, Reason, StreamId};
use wirelace_http2_frames::{ErrorCode, Flags, FrameHeader, FrameType, write_window_update};

use super::Connection;
use super::closed::Gone;
use super::stream::Receive;
use super::streams::Key;
use crate::error::Error;
use crate::message::Malformed;

impl Connection {
    /// Every byte of a DATA frame, padding too, is taken from both windows and given back to both exactly once.
    pub(super) fn on_data(
        &mut self,
        now: Instant,
        header: FrameHeader,
        data: Bytes,
    ) -> Result<Option<Event>, Error> {
        let (id, flow) = (header.stream, header.length);
        if !self.window.take(flow) {
            return Err(Error::FlowControl);
        }
        let end = header.flags.contains(Flags::END_STREAM);
        let Some((key, stream)) = self.streams.by_id_mut(id) else {
            self.give_connection(flow);
            return self.on_data_without_stream(now, id, flow);
        };
        self.rates.moved();
        match stream.receive {
            Receive::Body => {}
            Receive::Head => {
                self.give_connection(flow);
                return self.malformed(now, id, Malformed::DataBeforeHead);
            }
            Receive::Ended => {
                self.give_connection(flow);
                return self.stream_error(now, id, ErrorCode::STREAM_CLOSED);
            }
        }
        if !stream.window.take(flow) {
            self.give_connection(flow);
            return self.fail_stream(now, id, ErrorCode::FLOW_CONTROL_ERROR, Reason::Protocol);
        }
        let len = data.len() as u32; // A frame has less than 2^24.
        if !stream.count(u64::from(len), end) {
            self.give_connection(flow);
            return self.malformed(now, id, Malformed::BodyLength);
        }
        stream.expects_continue = false;
        if stream.received > self.limits.body && !stream.tunnel {
            self.give_connection(flow);
            return self.fail_stream(now, id, ErrorCode::CANCEL, Reason::Limit);
        }
        let ignores = stream.ignores;
        // Padding is never handed out; of what nobody wants the connection gets all back, the stream nothing.
        let unseen = if ignores { flow } else { flow - len };
        stream.window.give(flow - len);
        if !ignores {
            stream.unconsumed += len;
        }
        if end {
            stream.receive = Receive::Ended;
        }
        self.stats.body_received += u64::from(len);
        if unseen > 0 {
            self.give_connection(unseen);
        }
        if flow > len && !end {
            self.grant(now, key);
        }
        let event = if ignores || len == 0 && !end {
            None
        } else {
            Some(Event::Data { stream: StreamId(id.into()), data, end })
        };
        if end {
            self.settle(key);
        } else if len == 0 {
            self.rates.empty_data(now)?;
        }
        Ok(event)
    }

    fn on_data_without_stream(&mut self, now: Instant, id: u32, flow: u32) -> Result<Option<Event>, Error> {
        self.check_not_idle(FrameType::DATA, id)?;
        // What was on its way is a window full at most; small frames could go on for ever.
        if flow < SMALL && !self.closed.spend(id, flow.max(LEAST)) {
            self.rates.control(now)?;
        }
        let beyond = !self.is_own(id) && id > self.last_peer;
        match self.closed.what(id) {
            _ if beyond => Ok(None),
            Gone::Reset => Ok(None),
            Gone::Skipped | Gone::Closed => Err(Error::Closed { frame: FrameType::DATA, stream: id }),
        }
    }

    /// The application has taken `bytes` of a stream's data.
    pub(super) fn take_consumed(&mut self, id: StreamId, bytes: usize) {
        let Ok(id) = u32::try_from(id.0) else { return };
        let Some((key, stream)) = self.streams.by_id_mut(id) else { return };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(stream.unconsumed);
        stream.unconsumed -= bytes;
        stream.window.give(bytes);
        let over = stream.receive == Receive::Ended;
        self.give_connection(bytes);
        if over {
            self.settle_consumed(key);
        } else {
            self.grant(self.timers.now, key);
        }
    }

    /// Bytes of the connection's window come back.
    pub(super) fn give_connection(&mut self, bytes: u32) {
        self.window.give(bytes);
        if self.window.is_due() && !self.finished {
            let increment = self.window.update();
            write_window_update(self.output.inline(), 0, increment);
        }
    }

    /// Grants a stream's window again where it is time. One that is used up within two round trips is too small for
    /// the path: it grows, out of the connection's reserve.
    pub(super) fn grant(&mut self, now: Instant, key: Key) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        if stream.ignores || stream.receive == Receive::Ended || !stream.window.is_due() {
            return;
        }
        let fast = self
            .stats
            .round_trip
            .is_some_and(|trip| now.saturating_duration_since(stream.granted) < trip.max(TICK) * 2);
        if fast && stream.unconsumed < stream.window.size() / 2 {
            let size = stream.window.size();
            let more = size.min(self.limits.window_max.saturating_sub(size)).min(self.reserve);
            stream.window.grow(more);
            stream.borrowed += more;
            self.reserve -= more;
        }
        stream.granted = now;
        let increment = stream.window.update();
        write_window_update(self.output.inline(), stream.id, increment);
    }
}

/// Data frames below this count as frames that move nothing where nobody wants them.
const SMALL: u32 = 1024;
/// What a frame counts at least of the window that it may have been sent in.
const LEAST: u32 = 16;

/// Round trips that are shorter count as this: on one machine nearly every window is used up in two of them.
const TICK: Duration = Duration::from_micros(200);

//! Frames as they come (RFC 9113 §4, §6).

use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use wirelace_http_semantics::{Event, Priority, Reason, StreamId};
use wirelace_http2_frames::{
    ErrorCode, FRAME_HEADER_LEN, Frame, FrameHeader, FrameType, PREFACE, SettingId, Settings, data_range,
    write_ping, write_settings_ack,
};

use super::state::{Ending, Stage, Step};
use super::{Connection, UNREAD};
use crate::error::{Error, Flood, reason};
use crate::settings::{self, MAX_WINDOW, Role};

impl Connection {
    /// Takes one frame from `input`.
    #[inline]
    pub(super) fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step, Error> {
        self.held = false;
        if self.stage == Stage::Preface {
            let len = input.len().min(PREFACE.len());
            if input.get(..len) != PREFACE.get(..len) {
                return Err(Error::Preface);
            }
            if len < PREFACE.len() {
                return Ok(Step::Wait);
            }
            input.advance(PREFACE.len());
            self.stage = Stage::Settings;
        }
        let Some(header) = FrameHeader::read(input) else { return Ok(Step::Wait) };
        let limit = settings::frame(&self.limits);
        if header.length > limit {
            return Err(Error::FrameSize { length: header.length, limit });
        }
        self.check_order(header)?;
        let len = FRAME_HEADER_LEN + header.length as usize;
        if input.len() < len {
            input.reserve(len - input.len());
            return Ok(Step::Wait);
        }
        if self.output.room() == 0 && self.opens_stream(header) {
            // Its answer would have no place.
            self.held = true;
            return Ok(Step::Wait);
        }
        self.timers.heard(now);
        if header.frame_type == FrameType::DATA {
            let payload = input.get(FRAME_HEADER_LEN..len).unwrap_or_default();
            let range = data_range(header, payload)?;
            let frame = input.split_to(len).freeze();
            let data = frame.slice(FRAME_HEADER_LEN + range.start..FRAME_HEADER_LEN + range.end);
            return self.on_data(now, header, data).map(Step::from);
        }
        let payload = input.get(FRAME_HEADER_LEN..len).unwrap_or_default();
        let step = match Frame::parse(header, payload) {
            Ok(frame) => self.on_frame(now, frame),
            // A server ignores it, whatever it says (RFC 7838 §4).
            Err(_) if header.frame_type == FrameType::ALTSVC && self.is_server() => {
                self.rates.control(now).map(|()| Step::Nothing)
            }
            Err(error) if error.is_stream_error() && error.stream() != 0 => {
                self.stream_error(now, error.stream(), error.code()).map(Step::from)
            }
            Err(error) => Err(error.into()),
        };
        input.advance(len);
        step
    }

    /// What may come when.
    #[inline]
    fn check_order(&self, header: FrameHeader) -> Result<(), Error> {
        let frame = header.frame_type;
        if self.stage == Stage::Settings && (frame != FrameType::SETTINGS || header.flags.0 & 1 == 1) {
            return Err(Error::FirstFrame { frame });
        }
        let continues = frame == FrameType::CONTINUATION;
        let expected = match &self.partial {
            Some(partial) => continues && header.stream == partial.stream(),
            None => !continues,
        };
        if expected { Ok(()) } else { Err(Error::Interrupted { frame, stream: header.stream }) }
    }

    /// Whether a frame begins a request.
    #[inline]
    fn opens_stream(&self, header: FrameHeader) -> bool {
        header.frame_type == FrameType::HEADERS && self.is_server() && header.stream > self.last_peer
    }

    #[inline]
    fn on_frame(&mut self, now: Instant, frame: Frame<'_>) -> Result<Step, Error> {
        match frame {
            Frame::Headers { stream, fragment, dependency, end_stream, end_headers } => {
                let depends_on_itself = dependency.is_some_and(|dependency| dependency.stream == stream);
                self.on_headers(now, stream, fragment, end_stream, end_headers, depends_on_itself)
                    .map(Step::from)
            }
            Frame::Continuation { fragment, end_headers, .. } => {
                self.rates.control(now)?;
                self.on_continuation(now, fragment, end_headers).map(Step::from)
            }
            Frame::PushPromise { stream, promised, fragment, end_headers } => {
                self.on_push_promise(now, stream, promised, fragment, end_headers).map(Step::from)
            }
            Frame::WindowUpdate { stream, increment } => {
                self.on_window_update(now, stream, increment).map(Step::from)
            }
            Frame::RstStream { stream, code } => self.on_reset(now, stream, code).map(Step::from),
            Frame::Settings { ack: true, .. } => {
                self.rates.control(now)?;
                self.on_settings_ack(now);
                Ok(Step::Nothing)
            }
            Frame::Settings { ack: false, settings } => {
                self.rates.settings(now)?;
                self.on_settings(&settings)?;
                Ok(Step::Nothing)
            }
            Frame::Ping { ack, data } => {
                self.rates.control(now)?;
                self.on_ping(now, ack, data)?;
                Ok(Step::Nothing)
            }
            Frame::GoAway { last_stream, code, debug } => {
                self.rates.control(now)?;
                self.on_go_away(last_stream, code, debug);
                Ok(Step::Nothing)
            }
            Frame::Priority { stream, dependency } => {
                // RFC 7540's scheme is not used (RFC 9113 §5.3.2).
                self.rates.control(now)?;
                if dependency.stream == stream {
                    return self.stream_error(now, stream, ErrorCode::PROTOCOL_ERROR).map(Step::from);
                }
                Ok(Step::Nothing)
            }
            Frame::PriorityUpdate { stream, value } => {
                self.rates.control(now)?;
                self.on_priority_update(stream, value)?;
                Ok(Step::Nothing)
            }
            Frame::AltSvc { stream, origin, value } => {
                self.rates.control(now)?;
                // One that is for a stream and for an origin, or for none, is ignored (RFC 7838 §4).
                if self.is_server() || (stream == 0) == origin.is_empty() {
                    return Ok(Step::Nothing);
                }
                Ok(Step::Event(Event::AltSvc {
                    stream: (stream != 0).then(|| StreamId(stream.into())),
                    origin: Bytes::copy_from_slice(origin),
                    value: Bytes::copy_from_slice(value),
                }))
            }
            Frame::Origin { origins } => {
                self.rates.control(now)?;
                if self.is_server() {
                    return Ok(Step::Nothing);
                }
                let origins = origins.iter().map(Bytes::copy_from_slice).collect();
                Ok(Step::Event(Event::Origin { origins }))
            }
            // Data come another way; other types are ignored (RFC 9113 §5.5).
            _ => {
                self.rates.control(now)?;
                Ok(Step::Nothing)
            }
        }
    }

    fn on_settings(&mut self, settings: &Settings<'_>) -> Result<(), Error> {
        let before = self.peer;
        self.peer.apply(settings, self.role)?;
        if self.stage == Stage::Settings {
            self.stage = Stage::Open;
            self.timers.settings_came();
        }
        for (_, table) in settings.iter().filter(|(setting, _)| *setting == SettingId::HEADER_TABLE_SIZE) {
            // Each counts: the peer wants to hear of the smallest (RFC 7541 §4.2).
            self.encoder.set_peer_limit(table as usize);
        }
        if self.peer.window != before.window {
            self.shift_send_windows(i64::from(self.peer.window) - i64::from(before.window))?;
        }
        write_settings_ack(self.output.inline());
        self.check_unread()
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE changes the windows of all streams (RFC 9113 §6.9.2).
    fn shift_send_windows(&mut self, by: i64) -> Result<(), Error> {
        for key in self.streams.keys() {
            let Some(stream) = self.streams.get_mut(key) else { continue };
            stream.send_window += by;
            if stream.send_window > i64::from(MAX_WINDOW) {
                return Err(Error::WindowOverflow);
            }
            self.sending_changed(key);
        }
        Ok(())
    }

    fn on_ping(&mut self, now: Instant, ack: bool, data: [u8; 8]) -> Result<(), Error> {
        if !ack {
            write_ping(self.output.inline(), true, data);
            return self.check_unread();
        }
        if let Some(round_trip) = self.timers.pong(now, data) {
            self.stats.round_trip = Some(round_trip);
            if let Ending::Announced = self.ending {
                self.end_intake();
            }
        }
        Ok(())
    }

    /// The peer makes this side answer and does not read the answers.
    pub(super) fn check_unread(&self) -> Result<(), Error> {
        if self.output.len() > self.output.limit() + UNREAD {
            return Err(Error::Flood(Flood::Unread));
        }
        Ok(())
    }

    fn on_window_update(&mut self, now: Instant, id: u32, increment: u32) -> Result<Option<Event>, Error> {
        self.rates.control(now)?;
        if id == 0 {
            self.send_window += i64::from(increment);
            if self.send_window > i64::from(MAX_WINDOW) {
                return Err(Error::WindowOverflow);
            }
            return Ok(None);
        }
        let Some((key, stream)) = self.streams.by_id_mut(id) else {
            self.check_not_idle(FrameType::WINDOW_UPDATE, id)?;
            return Ok(None);
        };
        stream.send_window += i64::from(increment);
        if stream.send_window > i64::from(MAX_WINDOW) {
            return self.stream_error(now, id, ErrorCode::FLOW_CONTROL_ERROR);
        }
        self.sending_changed(key);
        Ok(None)
    }

    fn on_reset(&mut self, now: Instant, id: u32, code: ErrorCode) -> Result<Option<Event>, Error> {
        let Some((key, stream)) = self.streams.by_id_mut(id) else {
            self.check_not_idle(FrameType::RST_STREAM, id)?;
            self.rates.control(now)?;
            return Ok(None);
        };
        self.stats.resets_received += 1;
        if stream.is_closed() {
            self.rates.control(now)?;
            return Ok(None);
        }
        if self.is_server() {
            // Work was begun for it (Rapid Reset, CVE-2023-44487).
            self.rates.reset(now)?;
        }
        self.release(key);
        self.peer_said.reset = Some((StreamId(id.into()), code));
        Ok(Some(Event::Reset { stream: StreamId(id.into()), reason: reason(code) }))
    }

    /// Only PRIORITY may come on a stream that is idle (RFC 9113 §5.1).
    pub(super) fn check_not_idle(&self, frame: FrameType, id: u32) -> Result<(), Error> {
        let idle = if self.is_own(id) { id >= self.next_own } else { id > self.last_peer };
        // What is beyond the last GOAWAY was not opened for this side.
        if idle && (self.is_own(id) || self.ending != Ending::Final) {
            return Err(Error::Idle { frame, stream: id });
        }
        Ok(())
    }

    fn on_go_away(&mut self, last: u32, code: ErrorCode, debug: &[u8]) {
        self.peer_said.go_away(code, debug);
        self.peer_ending = Some(self.peer_ending.map_or(last, |before| before.min(last)));
        if self.is_server() {
            // It says nothing of the client's own streams: some may be on their way (RFC 9113 §6.8).
            self.begin_end();
        }
        // What it will not process may be tried elsewhere (RFC 9113 §6.8).
        let refused = self.streams.iter().filter(|stream| self.is_own(stream.id) && stream.id > last);
        let mut refused: Vec<u32> =
            refused.filter(|stream| !stream.is_closed()).map(|stream| stream.id).collect();
        refused.sort_unstable();
        for id in refused {
            if let Some(key) = self.streams.find(id) {
                self.release(key);
            }
            self.closed.remember_reset(id, self.stream_window);
            self.events.push_back(Event::Reset { stream: StreamId(id.into()), reason: Reason::Refused });
        }
        self.events.push_back(Event::GoAway { last: StreamId(last.into()), reason: reason(code) });
    }

    /// A client changes its mind about a stream, open or to come (RFC 9218 §7.1).
    fn on_priority_update(&mut self, id: u32, value: &[u8]) -> Result<(), Error> {
        if self.role == Role::Client {
            return Err(Error::PriorityUpdate { stream: id });
        }
        let priority = Priority::parse(value);
        if let Some((key, _)) = self.streams.by_id_mut(id) {
            self.reprioritise(key, priority);
            return Ok(());
        }
        if self.is_own(id) {
            // A promised stream may be prioritised, an idle one of the server's not (RFC 9218 §7.1).
            if id >= self.next_own {
                return Err(Error::PriorityUpdate { stream: id });
            }
        } else if id > self.last_peer {
            self.early_priorities.retain(|&(other, _)| other != id);
            if self.early_priorities.len() >= self.own.streams as usize {
                self.early_priorities.pop_front();
            }
            self.early_priorities.push_back((id, priority));
        }
        Ok(())
    }
}

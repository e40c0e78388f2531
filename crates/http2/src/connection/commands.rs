//! What the application does.

use bytes::Bytes;
use http::{Method, StatusCode};
use wirelace_http_semantics::{
    Fields, Head, HttpMachine, Priority, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http2_frames::{ErrorCode, Frame, write_ping};
use wirelace_wire::field::is_field_value;

use super::Connection;
use super::state::Ending;
use super::stream::{Send, Stream};
use crate::error::code;
use crate::message;
use crate::settings::{MAX_WINDOW, Role};

impl Connection {
    /// The priority of a stream (RFC 9218); the default one where there is no such stream.
    #[must_use]
    pub fn priority(&self, stream: StreamId) -> Priority {
        self.stream(stream).map_or_else(Priority::default, |stream| stream.priority)
    }

    /// Server: overrides the priority that the client gave (RFC 9218 §8). Client: tells the server
    /// (PRIORITY_UPDATE, §7.1). Nothing happens where there is no such stream.
    pub fn set_priority(&mut self, stream: StreamId, priority: Priority) {
        let Some((key, id)) = self.key(stream) else { return };
        self.reprioritise(key, priority);
        if self.role == Role::Client {
            let mut value = Vec::new();
            priority.write(&mut value);
            Frame::PriorityUpdate { stream: id, value: &value }.write(self.output.inline());
        }
    }

    /// Client: how many requests more may be sent now.
    #[must_use]
    pub fn available(&self) -> usize {
        if self.is_server() || self.takes_nothing_new() {
            return 0;
        }
        let most = self.peer.streams.min(self.own.streams);
        most.saturating_sub(self.streams.open(true)) as usize
    }

    /// True when nothing new is taken any more: one of both sides is leaving, or all identifiers are used up.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.takes_nothing_new()
    }

    /// Client: whether the server takes extended CONNECT (RFC 8441); `None` before its settings have come.
    #[must_use]
    pub fn connect_protocol(&self) -> Option<bool> {
        self.peer.received.then_some(self.peer.connect_protocol)
    }

    /// True after 2xx to CONNECT: data are the tunnel's.
    #[must_use]
    pub fn is_tunnel(&self, stream: StreamId) -> bool {
        self.stream(stream).is_some_and(|stream| stream.tunnel)
    }

    /// Server: the client waits for 100 (Continue) before it sends the body.
    #[must_use]
    pub fn expects_continue(&self, stream: StreamId) -> bool {
        self.stream(stream).is_some_and(|stream| stream.expects_continue)
    }

    /// Server: names alternative services (RFC 7838 §4): for the origin of `stream`, or for `origin`.
    ///
    /// # Errors
    /// It is no server (`Head`), the stream is gone (`Closed`), or the value is not a field value.
    pub fn send_alt_svc(
        &mut self,
        stream: Option<StreamId>,
        origin: &[u8],
        value: &[u8],
    ) -> Result<(), SendError> {
        if !self.is_server() || stream.is_some() != origin.is_empty() || origin.len() > 1024 {
            return Err(SendError::Head);
        }
        if !is_field_value(value) || !is_field_value(origin) || value.len() > 8192 {
            return Err(SendError::Field(wirelace_http_semantics::FieldError::Value));
        }
        let stream = match stream {
            Some(stream) => self.key(stream).ok_or(SendError::Closed)?.1,
            None => 0,
        };
        Frame::AltSvc { stream, origin, value }.write(self.output.inline());
        Ok(())
    }

    /// Server: lists the origins that the connection serves (RFC 8336 §2).
    ///
    /// # Errors
    /// It is no server, or they do not fit into a frame (`Head`).
    pub fn send_origin(&mut self, origins: &[&[u8]]) -> Result<(), SendError> {
        let len: usize = origins.iter().map(|origin| origin.len() + 2).sum();
        let fit = origins.iter().all(|origin| origin.is_ascii() && origin.len() <= 1024);
        if !self.is_server() || !fit || len > 16_384 {
            return Err(SendError::Head);
        }
        wirelace_http2_frames::write_origin(self.output.inline(), origins);
        Ok(())
    }

    /// Measures the round-trip time, unless a measurement is under way: see
    /// [`Stats::round_trip`](crate::Stats::round_trip).
    pub fn ping(&mut self, now: std::time::Instant) {
        if let Some(data) = self.timers.ping(now) {
            write_ping(self.output.inline(), false, data);
        }
    }

    fn stream(&self, id: StreamId) -> Option<&Stream> {
        self.streams.get(self.streams.find(u32::try_from(id.0).ok()?)?)
    }

    pub(super) fn key(&mut self, id: StreamId) -> Option<(super::streams::Key, u32)> {
        let id = u32::try_from(id.0).ok()?;
        Some((self.streams.find(id)?, id))
    }

    pub(super) fn takes_nothing_new(&self) -> bool {
        self.ending != Ending::No
            || self.peer_ending.is_some()
            || self.finished
            || self.failed.is_some()
            || self.input_closed
            || self.next_own > MAX_WINDOW
    }

    fn is_over(&self) -> bool {
        self.finished || self.failed.is_some()
    }

    /// Sends a response's head; `message`: the length of the body that follows at once.
    #[inline]
    fn respond(
        &mut self,
        id: StreamId,
        head: &ResponseHead,
        end: bool,
        message: Option<u64>,
    ) -> Result<(), SendError> {
        if self.is_over() || !self.is_server() {
            return Err(SendError::Closed);
        }
        let Some((key, stream)) = self.stream_for_head(id) else { return Err(SendError::Closed) };
        let id = stream.id;
        if stream.send != Send::Head {
            return Err(SendError::Order);
        }
        let interim = head.is_interim();
        if interim && end {
            return Err(SendError::Head);
        }
        let to_head = stream.to_head;
        let tunnel = stream.to_connect && head.status.is_success();
        let bodiless =
            to_head || interim || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let no_length = interim || tunnel || head.status == StatusCode::NO_CONTENT;
        self.encoded.clear();
        let length = message.filter(|_| !no_length && head.status != StatusCode::NOT_MODIFIED);
        // An empty body to HEAD says nothing about the one that GET would have.
        let length = length.filter(|&length| !(to_head && length == 0));
        let written = message::write_response(&mut self.encoder, &mut self.encoded, head, length)?;
        let ends = !interim && (end || !tunnel && (bodiless || message == Some(0)));
        self.write_block(id, ends);
        let Some(stream) = self.streams.get_mut(key) else { return Err(SendError::Closed) };
        if interim {
            if head.status == StatusCode::CONTINUE {
                stream.expects_continue = false;
            }
            return Ok(());
        }
        stream.expects_continue = false;
        if tunnel {
            stream.tunnel = true;
            stream.to_come = None;
        } else if !bodiless {
            stream.to_send = written;
        }
        let complete = end || message == Some(0) || message.is_some() && bodiless;
        if ends && complete {
            self.sent_all(key);
        } else if ends {
            // The body that the caller will send has no place in this message.
            stream.send = Send::Dropped;
        } else {
            stream.send = Send::Body;
            self.note_blocked(key);
        }
        Ok(())
    }
}

impl HttpMachine for Connection {
    fn send_request(&mut self, head: RequestHead, end: bool) -> Result<StreamId, SendError> {
        if self.is_server() {
            return Err(SendError::Head);
        }
        if self.takes_nothing_new() {
            return Err(SendError::ShuttingDown);
        }
        if self.available() == 0 {
            return Err(SendError::Blocked);
        }
        // RFC 8441 §3: not before the server's SETTINGS have offered it.
        if head.protocol.is_some() && !self.peer.connect_protocol {
            return Err(if self.peer.received { SendError::Head } else { SendError::Blocked });
        }
        let connect = head.method == Method::CONNECT;
        let end = end && !connect;
        self.encoded.clear();
        let written = message::write_request(&mut self.encoder, &mut self.encoded, &head, self.secure)?;
        let id = self.next_own;
        self.next_own += 2;
        self.write_block(id, end);
        let now = self.timers.now;
        let mut stream = Stream::new(id, self.stream_window, self.peer.window, now);
        stream.send = if end { Send::Ended } else { Send::Body };
        stream.to_head = head.method == Method::HEAD;
        stream.to_connect = connect;
        stream.to_send = written.filter(|_| !end && !connect);
        self.timers.stream_opened();
        let key = self.streams.insert(stream);
        self.stats.exchanges += 1;
        self.note_blocked(key);
        Ok(StreamId(id.into()))
    }

    fn send_head(&mut self, stream: StreamId, head: Head, end: bool) -> Result<(), SendError> {
        let Head::Response(head) = head else { return Err(SendError::Head) };
        self.respond(stream, &head, end, None)
    }

    fn send_message(&mut self, stream: StreamId, head: ResponseHead, body: Bytes) -> Result<(), SendError> {
        if head.is_interim() {
            return Err(SendError::Order);
        }
        let length = body.len() as u64;
        self.respond(stream, &head, false, Some(length))?;
        let Some((key, _)) = self.key(stream) else { return Ok(()) };
        match self.streams.get_mut(key) {
            Some(stream) if stream.send == Send::Body => {
                stream.to_send = None;
                self.stats.body_sent += length;
                self.enqueue(key, body, true);
            }
            _ => {}
        }
        Ok(())
    }

    fn capacity(&self, stream: StreamId) -> usize {
        if self.is_over() {
            return 0;
        }
        self.stream(stream).map_or(0, |stream| self.capacity_of(stream))
    }

    fn send_data(&mut self, stream: StreamId, data: Bytes, end: bool) -> Result<(), SendError> {
        let Some((key, _)) = self.key(stream).filter(|_| !self.is_over()) else {
            return Err(SendError::Closed);
        };
        let Some(stream) = self.streams.get_mut(key) else { return Err(SendError::Closed) };
        match stream.send {
            Send::Head => return Err(SendError::Order),
            Send::Ended => return Err(SendError::Closed),
            Send::Dropped => {
                if end {
                    self.sent_all(key);
                }
                return Ok(());
            }
            Send::Body if stream.end_queued || stream.trailers.is_some() => return Err(SendError::Order),
            Send::Body => {}
        }
        let len = data.len() as u64;
        if let Some(left) = &mut stream.to_send {
            let rest = left.checked_sub(len).ok_or(SendError::BodyLength)?;
            if end && rest > 0 {
                return Err(SendError::BodyLength);
            }
            *left = rest;
        }
        self.stats.body_sent += len;
        self.enqueue(key, data, end);
        Ok(())
    }

    fn send_trailers(&mut self, stream: StreamId, fields: Fields) -> Result<(), SendError> {
        let Some((key, id)) = self.key(stream).filter(|_| !self.is_over()) else {
            return Err(SendError::Closed);
        };
        let Some(stream) = self.streams.get_mut(key) else { return Err(SendError::Closed) };
        match stream.send {
            Send::Head => return Err(SendError::Order),
            Send::Ended => return Err(SendError::Closed),
            Send::Dropped => {
                self.sent_all(key);
                return Ok(());
            }
            Send::Body if stream.end_queued || stream.trailers.is_some() || stream.tunnel => {
                return Err(SendError::Order);
            }
            Send::Body => {}
        }
        if stream.to_send.is_some_and(|left| left > 0) {
            return Err(SendError::BodyLength);
        }
        message::check_trailers(&fields)?;
        if fields.is_empty() {
            self.enqueue(key, Bytes::new(), true);
            return Ok(());
        }
        if stream.queued > 0 {
            stream.trailers = Some(Box::new(fields));
            return Ok(());
        }
        self.encoded.clear();
        message::write_trailers(&mut self.encoder, &mut self.encoded, &fields);
        self.write_block(id, true);
        self.sent_all(key);
        Ok(())
    }

    fn consumed(&mut self, stream: StreamId, bytes: usize) {
        if !self.is_over() {
            self.take_consumed(stream, bytes);
        }
    }

    fn stop_receiving(&mut self, stream: StreamId) {
        if let Some((key, _)) = self.key(stream).filter(|_| !self.is_over()) {
            self.ignore(key);
        }
    }

    fn reset(&mut self, stream: StreamId, reason: Reason) {
        let Some((key, id)) = self.key(stream).filter(|_| !self.is_over()) else { return };
        let open = self.streams.get(key).is_some_and(|stream| !stream.is_closed());
        if open {
            let code = if reason == Reason::PeerClosed { ErrorCode::CANCEL } else { code(reason) };
            self.write_reset(id, code);
        }
        self.release(key);
    }

    fn shut_down(&mut self) {
        self.begin_end();
    }
}

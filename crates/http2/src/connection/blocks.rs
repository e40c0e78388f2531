//! Field blocks: heads, trailers, promises (RFC 9113 §4.3, §6.2, §6.10).

use std::time::Instant;

use http::{Method, StatusCode};
use wirelace_http_semantics::{Event, Head, Reason, ResponseHead, StreamId};
use wirelace_http2_frames::{ErrorCode, FrameType};

use super::Connection;
use super::closed::Gone;
use super::state::{Ending, Owner, Partial};
use super::stream::{Receive, Send, Stream};
use super::streams::Key;
use crate::error::Error;
use crate::message::{self, Malformed};

/// Bytes that a block in parts may have above the limit of the list: it may be refused politely.
const SLACK: usize = 16 * 1024;

impl Connection {
    #[inline]
    pub(super) fn on_headers(
        &mut self,
        now: Instant,
        stream: u32,
        fragment: &[u8],
        end_stream: bool,
        end_headers: bool,
        depends_on_itself: bool,
    ) -> Result<Option<Event>, Error> {
        let owner = Owner::Headers { stream, end_stream, depends_on_itself };
        self.on_fragment(now, owner, fragment, end_headers)
    }

    pub(super) fn on_fragment(
        &mut self,
        now: Instant,
        owner: Owner,
        fragment: &[u8],
        end_headers: bool,
    ) -> Result<Option<Event>, Error> {
        if end_headers {
            return self.on_block(now, owner, fragment);
        }
        self.partial = Some(Partial { owner, bytes: fragment.to_vec(), continuations: 0 });
        self.timers.block_began(now);
        self.check_partial()?;
        Ok(None)
    }

    pub(super) fn on_continuation(
        &mut self,
        now: Instant,
        fragment: &[u8],
        end_headers: bool,
    ) -> Result<Option<Event>, Error> {
        let Some(partial) = &mut self.partial else { return Ok(None) };
        partial.bytes.extend_from_slice(fragment);
        partial.continuations += 1;
        self.check_partial()?;
        if !end_headers {
            return Ok(None);
        }
        let Some(partial) = self.partial.take() else { return Ok(None) };
        self.timers.block_ended();
        self.on_block(now, partial.owner, &partial.bytes)
    }

    fn check_partial(&self) -> Result<(), Error> {
        let Some(partial) = &self.partial else { return Ok(()) };
        let bytes = (self.limits.header_list as usize).saturating_add(SLACK);
        if partial.bytes.len() > bytes || partial.continuations > self.limits.continuations {
            return Err(Error::BlockTooLarge);
        }
        Ok(())
    }

    #[inline]
    fn on_block(&mut self, now: Instant, owner: Owner, bytes: &[u8]) -> Result<Option<Event>, Error> {
        let on = match owner {
            Owner::Headers { stream, .. } => stream,
            Owner::Promise { parent, .. } => parent,
        };
        self.block.clear();
        // Whatever becomes of the message, the tables of both sides stay the same (RFC 9113 §4.3).
        self.decoder
            .decode(bytes, &self.block_limits, &mut self.block)
            .map_err(|error| Error::Compression { stream: on, error })?;
        match owner {
            Owner::Promise { parent, promised } => self.on_promise(now, parent, promised),
            Owner::Headers { stream, end_stream, depends_on_itself } => {
                let known = self.streams.find(stream);
                match known {
                    Some(_) if depends_on_itself => self.stream_error(now, stream, ErrorCode::PROTOCOL_ERROR),
                    Some(key) if self.is_server() => self.on_trailers(now, key, end_stream),
                    Some(key) => self.on_response(now, key, end_stream),
                    None if self.is_server() && !self.is_own(stream) && stream > self.last_peer => {
                        self.on_request(now, stream, end_stream, depends_on_itself)
                    }
                    None => self.on_block_without_stream(now, stream),
                }
            }
        }
    }

    /// HEADERS on a stream that is not there.
    fn on_block_without_stream(&mut self, now: Instant, id: u32) -> Result<Option<Event>, Error> {
        let opened = if self.is_own(id) { id < self.next_own } else { id <= self.last_peer };
        if !opened {
            return Err(Error::StreamId { stream: id });
        }
        match self.closed.what(id) {
            Gone::Reset => {
                // At most one trailer section was on its way.
                self.rates.fault(now)?;
                Ok(None)
            }
            Gone::Skipped => Err(Error::StreamId { stream: id }),
            Gone::Closed => Err(Error::Closed { frame: FrameType::HEADERS, stream: id }),
        }
    }

    #[inline]
    fn on_request(
        &mut self,
        now: Instant,
        id: u32,
        end: bool,
        depends_on_itself: bool,
    ) -> Result<Option<Event>, Error> {
        if self.ending == Ending::Final {
            self.rates.fault(now)?;
            return Ok(None); // Beyond the last stream that GOAWAY named.
        }
        if id != self.last_peer + if self.last_peer == 0 { 1 } else { 2 } {
            self.closed.remember_gap(self.last_peer, id);
        }
        self.last_peer = id;
        if depends_on_itself {
            return self.stream_error(now, id, ErrorCode::PROTOCOL_ERROR);
        }
        if self.streams.open(true) >= self.own.streams {
            return self.stream_error(now, id, ErrorCode::REFUSED_STREAM);
        }
        if self.block.exceeded().is_some() {
            return self.refuse(now, id, end, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let received = match message::request(&mut self.block, self.limits.connect_protocol) {
            Ok(received) => received,
            Err(malformed) => return self.malformed(now, id, malformed),
        };
        let connect = received.head.method == Method::CONNECT;
        if end && received.content_length.is_some_and(|length| length > 0) {
            return self.malformed(now, id, Malformed::BodyLength);
        }
        if received.content_length.is_some_and(|length| length > self.limits.body) {
            return self.refuse(now, id, end, StatusCode::PAYLOAD_TOO_LARGE);
        }
        let mut stream = Stream::new(id, self.stream_window, self.peer.window, now);
        stream.receive = if end { Receive::Ended } else { Receive::Body };
        stream.to_head = received.head.method == Method::HEAD;
        stream.to_connect = connect;
        stream.expects_continue = received.expect_continue && !end;
        stream.to_come = if connect { None } else { received.content_length };
        stream.priority = received.priority;
        if !self.early_priorities.is_empty()
            && let Some(at) = self.early_priorities.iter().position(|&(early, _)| early == id)
            && let Some((_, priority)) = self.early_priorities.remove(at)
        {
            // It was sent later than what the request says (RFC 9218 §7).
            stream.priority = priority;
        }
        self.timers.stream_opened();
        self.streams.insert(stream);
        self.stats.exchanges += 1;
        Ok(Some(Event::Head { stream: StreamId(id.into()), head: Head::Request(received.head), end }))
    }

    /// Answers a request that the application does not see.
    fn refuse(
        &mut self,
        now: Instant,
        id: u32,
        end: bool,
        status: StatusCode,
    ) -> Result<Option<Event>, Error> {
        self.rates.fault(now)?;
        self.encoded.clear();
        let head = ResponseHead::new(status);
        if message::write_response(&mut self.encoder, &mut self.encoded, &head, Some(0)).is_ok() {
            self.write_block(id, true);
        }
        if !end {
            // The rest of the request is not wanted (RFC 9113 §8.1).
            self.write_reset(id, ErrorCode::NO_ERROR);
        }
        self.check_unread()?;
        Ok(None)
    }

    fn on_trailers(&mut self, now: Instant, key: Key, end: bool) -> Result<Option<Event>, Error> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        let id = stream.id;
        if stream.receive == Receive::Ended {
            return self.stream_error(now, id, ErrorCode::STREAM_CLOSED);
        }
        if !end {
            return self.malformed(now, id, Malformed::SectionWithoutEnd);
        }
        if self.block.exceeded().is_some() {
            return self.fail_stream(now, id, ErrorCode::ENHANCE_YOUR_CALM, Reason::Limit);
        }
        if stream.tunnel || !stream.count(0, true) {
            return self.malformed(now, id, Malformed::BodyLength);
        }
        let fields = match message::trailers(&mut self.block) {
            Ok(fields) => fields,
            Err(malformed) => return self.malformed(now, id, malformed),
        };
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        stream.receive = Receive::Ended;
        stream.expects_continue = false;
        let event = Event::Trailers { stream: StreamId(id.into()), fields };
        let wanted = !stream.ignores;
        self.settle(key);
        Ok(wanted.then_some(event))
    }

    fn on_response(&mut self, now: Instant, key: Key, end: bool) -> Result<Option<Event>, Error> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        let id = stream.id;
        match stream.receive {
            Receive::Head => {}
            Receive::Body | Receive::Ended => return self.on_trailers(now, key, end),
        }
        if self.block.exceeded().is_some() {
            return self.fail_stream(now, id, ErrorCode::ENHANCE_YOUR_CALM, Reason::Limit);
        }
        let received = match message::response(&mut self.block) {
            Ok(received) => received,
            Err(malformed) => return self.malformed(now, id, malformed),
        };
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        let head = received.head;
        if head.is_interim() {
            if end {
                return self.malformed(now, id, Malformed::InterimEnd);
            }
            stream.interim += 1;
            if stream.interim > self.limits.interim {
                return self.fail_stream(now, id, ErrorCode::ENHANCE_YOUR_CALM, Reason::Limit);
            }
            if head.status == StatusCode::CONTINUE {
                stream.expects_continue = false;
            }
            return Ok(Some(Event::Informational { stream: StreamId(id.into()), head }));
        }
        stream.expects_continue = false;
        stream.tunnel = stream.to_connect && head.status.is_success();
        let bodiless =
            stream.to_head || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        stream.to_come = match received.content_length {
            _ if stream.tunnel => None,
            // What it would be for GET (RFC 9110 §8.6).
            _ if bodiless => Some(0),
            length => length,
        };
        if !stream.count(0, end) {
            return self.malformed(now, id, Malformed::BodyLength);
        }
        if stream.to_come.is_some_and(|length| length > self.limits.body) {
            return self.fail_stream(now, id, ErrorCode::CANCEL, Reason::Limit);
        }
        stream.receive = if end { Receive::Ended } else { Receive::Body };
        let event = Event::Head { stream: StreamId(id.into()), head: Head::Response(head), end };
        if end {
            self.settle(key);
        }
        Ok(Some(event))
    }

    /// A message breaks a rule: its stream ends, and whoever waits for it is told.
    pub(super) fn malformed(
        &mut self,
        now: Instant,
        id: u32,
        malformed: Malformed,
    ) -> Result<Option<Event>, Error> {
        self.malformed = Some((StreamId(id.into()), malformed));
        self.stats.malformed += 1;
        self.fail_stream(now, id, ErrorCode::PROTOCOL_ERROR, Reason::Protocol)
    }

    /// Appends the block in `encoded` as HEADERS.
    #[inline]
    pub(super) fn write_block(&mut self, id: u32, end: bool) {
        let frame = self.peer.frame as usize;
        wirelace_http2_frames::write_headers(self.output.inline(), id, &self.encoded, end, frame);
    }

    /// A stream whose sending side has just begun, for those that write heads.
    pub(super) fn stream_for_head(&mut self, id: StreamId) -> Option<(Key, &mut Stream)> {
        let id = u32::try_from(id.0).ok()?;
        let (key, stream) = self.streams.by_id_mut(id)?;
        (stream.send != Send::Ended).then_some((key, stream))
    }
}

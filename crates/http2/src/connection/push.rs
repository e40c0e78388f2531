//! Server push (RFC 9113 §8.4).

use std::time::Instant;

use http::Method;
use wirelace_http_semantics::{Event, Head, HttpMachine, Reason, RequestHead, SendError, StreamId};
use wirelace_http2_frames::{ErrorCode, write_push_promise};

use super::Connection;
use super::closed::Gone;
use super::state::Owner;
use super::stream::{Receive, Send, Stream};
use crate::error::Error;
use crate::message;

impl Connection {
    /// Server: promises an exchange that the client did not ask for (RFC 9113 §8.4): a GET or HEAD without a body, of
    /// an authority that this server may answer for. It is answered like one that the client asked for, by the
    /// `StreamId` that is returned.
    ///
    /// # Errors
    /// The client wants none, or the parent has ended (`Closed`); as many as the client takes are under way (`Blocked`);
    /// the head is not fit (`Head`).
    pub fn push(&mut self, parent: StreamId, head: RequestHead) -> Result<StreamId, SendError> {
        if !self.may_push() {
            return Err(SendError::Closed);
        }
        let Some((key, parent)) = self.key(parent) else { return Err(SendError::Closed) };
        let fit =
            self.streams.get(key).is_some_and(|stream| stream.send != Send::Ended && stream.id & 1 == 1);
        if !fit {
            return Err(SendError::Closed);
        }
        if !matches!(head.method, Method::GET | Method::HEAD) || head.protocol.is_some() {
            return Err(SendError::Head);
        }
        let most = self.peer.streams.min(self.own.streams);
        if self.streams.open(false) >= most {
            return Err(SendError::Blocked);
        }
        self.encoded.clear();
        message::write_request(&mut self.encoder, &mut self.encoded, &head, self.secure)?;
        let id = self.next_own;
        self.next_own += 2;
        let frame = self.peer.frame as usize;
        write_push_promise(self.output.inline(), parent, id, &self.encoded, frame);
        let mut stream = Stream::new(id, 0, self.peer.window, self.timers.now);
        stream.receive = Receive::Ended;
        stream.to_head = head.method == Method::HEAD;
        self.timers.stream_opened();
        self.streams.insert(stream);
        self.stats.exchanges += 1;
        Ok(StreamId(id.into()))
    }

    /// Server: whether the client takes pushes.
    #[must_use]
    pub fn may_push(&self) -> bool {
        self.is_server() && self.peer.received && self.peer.push && !self.takes_nothing_new()
    }

    pub(super) fn on_push_promise(
        &mut self,
        now: Instant,
        parent: u32,
        promised: u32,
        fragment: &[u8],
        end_headers: bool,
    ) -> Result<Option<Event>, Error> {
        // Whoever said ENABLE_PUSH 0 and was heard gets none (RFC 9113 §8.4).
        if self.is_server() || !self.limits.push && self.timers.settings_are_known() {
            return Err(Error::Promise);
        }
        if self.is_own(promised) || promised <= self.last_peer {
            return Err(Error::StreamId { stream: promised });
        }
        self.on_fragment(now, Owner::Promise { parent, promised }, fragment, end_headers)
    }

    pub(super) fn on_promise(
        &mut self,
        now: Instant,
        parent: u32,
        promised: u32,
    ) -> Result<Option<Event>, Error> {
        self.last_peer = promised;
        match self.streams.find(parent).and_then(|key| self.streams.get(key)) {
            Some(stream) if stream.receive != Receive::Ended && self.is_own(parent) => {}
            Some(_) => return Err(Error::Promise),
            None if self.is_own(parent)
                && parent < self.next_own
                && self.closed.what(parent) == Gone::Reset =>
            {
                // Sent before the server knew that nobody waits (RFC 9113 §8.4).
                self.rates.fault(now)?;
                self.write_reset(promised, ErrorCode::CANCEL);
                return Ok(None);
            }
            None => return Err(Error::Promise),
        }
        if !self.limits.push {
            self.write_reset(promised, ErrorCode::CANCEL);
            return Ok(None);
        }
        if self.streams.open(false) >= self.limits.pushes || self.takes_nothing_new() {
            self.write_reset(promised, ErrorCode::REFUSED_STREAM);
            return Ok(None);
        }
        if self.block.exceeded().is_some() {
            return self.fail_stream(now, promised, ErrorCode::ENHANCE_YOUR_CALM, Reason::Limit);
        }
        let received = match message::promised(&mut self.block) {
            Ok(received) => received,
            Err(malformed) => return self.malformed(now, promised, malformed),
        };
        let mut stream = Stream::new(promised, self.stream_window, 0, now);
        stream.send = Send::Ended;
        stream.to_head = received.head.method == Method::HEAD;
        self.timers.stream_opened();
        self.streams.insert(stream);
        self.stats.exchanges += 1;
        Ok(Some(Event::Promise {
            stream: StreamId(parent.into()),
            promised: StreamId(promised.into()),
            head: Head::Request(received.head),
        }))
    }

    /// Client: refuses a promised exchange; the same as resetting it (RFC 9113 §8.4).
    pub fn refuse_push(&mut self, promised: StreamId) {
        self.reset(promised, Reason::Cancel);
    }
}

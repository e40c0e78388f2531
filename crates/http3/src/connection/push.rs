//! Server push (RFC 9114 §4.6).

use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, Instant};

use http::{Method, Version};
use wirelace_http_messages::{self as message, RequestLines};
use wirelace_http_semantics::{Event, Head, Reason, RequestHead, SendError, StreamId};
use wirelace_quic_lite::{Connection as Quic, Direction, StreamId as QuicStream};

use super::Connection;
use super::exchange::{Exchange, PUSH, Receive, Send};
use super::incoming::Unidirectional;
use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::frame::{FrameType, Reader, put_varint, write_id};
use crate::stream_type::StreamType;

/// How long a pushed stream waits for its promise.
const PATIENCE: Duration = Duration::from_secs(5);

impl Connection {
    /// Server: whether the client takes a push now.
    #[must_use]
    pub fn may_push(&self) -> bool {
        self.is_server()
            && !self.finished
            && self.ending != super::Ending::Final
            && self.pushes.is_allowed(self.pushes.next)
            && self.peer_ending.is_none_or(|end| self.pushes.next < end)
    }

    /// Server: promises an exchange that the client did not ask for: a GET or HEAD without a body, of an authority that
    /// this server may answer for. It is answered like one that the client asked for, by the `StreamId` that is
    /// returned, whose number is that of the push above 2^62.
    ///
    /// # Errors
    /// The client wants none, or the parent has ended (`Closed`); no stream is left for it (`Blocked`); the head is not
    /// fit (`Head`).
    pub fn push(
        &mut self,
        quic: &mut Quic,
        parent: StreamId,
        head: &RequestHead,
    ) -> Result<StreamId, SendError> {
        let Some(exchange) = self.exchanges.get(&parent.0).filter(|_| self.may_push()) else {
            return Err(SendError::Closed);
        };
        if exchange.send == Send::Ended
            || exchange.send == Send::Dropped
            || parent.0 >= PUSH
            || exchange.tunnel
        {
            return Err(SendError::Closed);
        }
        let Some(carrier) = exchange.stream else { return Err(SendError::Closed) };
        if !matches!(head.method, Method::GET | Method::HEAD) || head.protocol.is_some() {
            return Err(SendError::Head);
        }
        let lines = RequestLines::new(head, true)?;
        let Some(stream) = quic.open(Direction::Unidirectional) else { return Err(SendError::Blocked) };
        let push = self.pushes.next;
        self.pushes.next += 1;
        let mut out = Vec::new();
        self.write_section(quic, carrier, Some(push), &mut out, |section| lines.write(section));
        self.put(quic, parent.0, out.into(), false);
        let id = PUSH | push;
        let mut exchange = Exchange::new(id, Some(stream), self.now);
        exchange.told = true;
        exchange.receive = Receive::Ended;
        exchange.to_head = head.method == Method::HEAD;
        self.exchanges.insert(id, exchange);
        self.pushes.sent.insert(stream, push);
        self.stats.exchanges += 1;
        let mut front = Vec::new();
        put_varint(&mut front, StreamType::PUSH.0);
        put_varint(&mut front, push);
        self.put(quic, id, front.into(), false);
        self.apply_priority(quic, id);
        Ok(StreamId(id))
    }

    /// Client: a promise may have that id (RFC 9114 §7.2.5).
    pub(super) fn check_promise(&self, id: u64) -> Result<(), Error> {
        if self.pushes.is_allowed(id) {
            Ok(())
        } else {
            Err(Error::Id { frame: FrameType::PUSH_PROMISE, id })
        }
    }

    /// Client: a promise is there, its fields in the block.
    pub(super) fn on_promise(
        &mut self,
        quic: &mut Quic,
        parent: u64,
        id: u64,
    ) -> Result<Option<Event>, Error> {
        let mut hasher = self.pushes.hash.build_hasher();
        for field in self.block.iter() {
            hasher.write_usize(field.name.len());
            hasher.write(field.name);
            hasher.write_usize(field.value.len());
            hasher.write(field.value);
        }
        let hash = hasher.finish();
        if self.pushes.is_known(id) {
            // The same push may be promised on several streams, with the same fields.
            let same = self.pushes.promised.get(&id).copied().flatten().is_none_or(|before| before == hash);
            return if same { Ok(None) } else { Err(Error::PromiseChanged { id }) };
        }
        self.pushes.remember(id, Some(hash));
        let received = match self.block.exceeded() {
            None => message::promised(&mut self.block, Version::HTTP_3).ok(),
            Some(_) => None,
        };
        let ignored = self.exchanges.get(&parent).is_none_or(|exchange| exchange.ignores);
        let Some(received) = received.filter(|_| !ignored && self.ending == super::Ending::No) else {
            self.rates.fault(self.now)?;
            write_id(&mut self.control.pending, FrameType::CANCEL_PUSH, id);
            self.drop_arrived(quic, id);
            self.pushes_allow();
            return Ok(None);
        };
        let key = PUSH | id;
        let mut exchange = Exchange::new(key, None, self.now);
        exchange.told = true;
        exchange.send = Send::Ended;
        exchange.to_head = received.head.method == Method::HEAD;
        if let Some((stream, reader, _)) = self.pushes.arrived.remove(&id) {
            exchange.stream = Some(stream);
            exchange.reader = reader;
            self.ready.push_back(stream);
        }
        self.exchanges.insert(key, exchange);
        self.stats.exchanges += 1;
        let head = Head::Request(received.head);
        Ok(Some(Event::Promise { stream: StreamId(parent), promised: StreamId(key), head }))
    }

    /// Client: the stream of a push, whose id may not be all there.
    pub(super) fn on_push_stream(
        &mut self,
        quic: &mut Quic,
        stream: QuicStream,
        mut reader: Reader,
    ) -> Result<(), Error> {
        let id = reader.varint();
        let taken = reader.take_taken();
        quic.consumed(stream, taken);
        let Some(id) = id else {
            if reader.fin {
                return Err(Error::Truncated { stream: stream.0 });
            }
            self.incoming.insert(stream.0, Unidirectional::PushId(reader));
            return Ok(());
        };
        let wrong = Error::Id { frame: FrameType::PUSH_PROMISE, id };
        let key = PUSH | id;
        let carried = self.exchanges.get(&key).is_some_and(|exchange| exchange.stream.is_some());
        if !self.pushes.is_allowed(id) || carried || self.pushes.arrived.contains_key(&id) {
            return Err(wrong);
        }
        if let Some(exchange) = self.exchanges.get_mut(&key) {
            exchange.stream = Some(stream);
            exchange.reader = reader;
            self.ready.push_back(stream);
        } else if self.pushes.is_known(id) {
            // It was cancelled.
            let rest = reader.take_rest();
            quic.consumed(stream, rest.len());
            quic.stop(stream, ErrorCode::H3_REQUEST_CANCELLED.0);
            return Ok(());
        } else {
            self.pushes.arrived.insert(id, (stream, reader, self.now));
        }
        self.incoming.insert(stream.0, Unidirectional::Push(key));
        Ok(())
    }

    /// Client: streams whose promise does not come, perhaps for good, as it was on a stream that nobody reads. They would
    /// keep credit that others need (RFC 9114 §4.6).
    pub(super) fn drop_unpromised(&mut self, quic: &mut Quic) {
        let late = |(_, _, since): &(QuicStream, Reader, Instant)| {
            self.now.saturating_duration_since(*since) >= PATIENCE
        };
        let mut late: Vec<u64> =
            self.pushes.arrived.iter().filter(|(_, one)| late(one)).map(|(id, _)| *id).collect();
        late.sort_unstable();
        for id in late {
            self.pushes.remember(id, None);
            self.drop_arrived(quic, id);
            self.pushes_allow();
        }
    }

    /// Client: a pushed stream was reset before its promise came, which then means nothing any more.
    pub(super) fn push_is_lost(&mut self, id: u64) {
        if self.pushes.arrived.remove(&id).is_some() {
            self.pushes.remember(id, None);
            self.pushes_allow();
        }
    }

    fn drop_arrived(&mut self, quic: &mut Quic, id: u64) {
        if let Some((stream, mut reader, _)) = self.pushes.arrived.remove(&id) {
            self.incoming.remove(&stream.0);
            let rest = reader.take_rest();
            quic.consumed(stream, rest.len());
            quic.stop(stream, ErrorCode::H3_REQUEST_CANCELLED.0);
        }
    }

    /// CANCEL_PUSH (RFC 9114 §7.2.3).
    pub(super) fn on_cancel_push(&mut self, quic: &mut Quic, id: u64) -> Result<(), Error> {
        let wrong = Error::Id { frame: FrameType::CANCEL_PUSH, id };
        let key = PUSH | id;
        if self.is_server() {
            if !self.pushes.was_promised(id) {
                return Err(wrong);
            }
        } else {
            if !self.pushes.is_allowed(id) {
                return Err(wrong);
            }
            if !self.pushes.is_known(id) {
                self.pushes.remember(id, None);
                self.drop_arrived(quic, id);
                self.pushes_allow();
            }
            if self.exchanges.get(&key).is_none_or(|exchange| exchange.stream.is_some()) {
                return Ok(()); // Its stream says how it ends.
            }
        }
        if self.exchanges.contains_key(&key) {
            self.abandon(quic, key, ErrorCode::H3_REQUEST_CANCELLED);
            self.events.push_back(Event::Reset { stream: StreamId(key), reason: Reason::Cancel });
        }
        Ok(())
    }

    /// An exchange has left; where it was a push, another may come.
    pub(super) fn push_is_over(&mut self, exchange: &Exchange) {
        if exchange.id < PUSH {
            return;
        }
        if self.is_server() {
            if let Some(stream) = exchange.stream {
                self.pushes.sent.remove(&stream);
            }
        } else {
            self.pushes_allow();
        }
    }

    fn pushes_allow(&mut self) {
        self.pushes.over += 1;
        if let Some(most) = self.pushes.allow(self.limits.pushes) {
            write_id(&mut self.control.pending, FrameType::MAX_PUSH_ID, most);
        }
    }

    /// Client: refuses a promised exchange; the same as resetting it.
    pub fn cancel_push(&mut self, quic: &mut Quic, promised: StreamId) {
        self.reset(quic, promised, Reason::Cancel);
    }
}

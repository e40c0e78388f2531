//! Streams that carry messages: their frames, and the end (RFC 9114 §4.1).

use bytes::Bytes;
use wirelace_http_semantics::{Event, Reason, StreamId};
use wirelace_quic_lite::Connection as Quic;
use wirelace_wire::varint::decode_varint;

use super::Connection;
use super::exchange::{Exchange, PUSH, Receive, Waiting};
use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::extension::ExtensionEvent;
use crate::frame::{FrameHeader, FrameType};
use crate::stream_type::StreamType;
use wirelace_http_messages::Malformed;

/// Bytes of a body that are thrown away before the peer is asked to stop.
const DRAIN: u64 = 64 * 1024;

/// Tells the transport what was taken off a stream and is not the application's to give back.
#[inline]
pub(super) fn account(exchange: &mut Exchange, quic: &mut Quic, kept: usize) {
    let taken = exchange.reader.take_taken() - kept;
    if taken > 0
        && let Some(stream) = exchange.stream
    {
        quic.consumed(stream, taken);
    }
}

/// Nothing follows what is there. Looks at what the transport has.
#[inline]
pub(super) fn ends(exchange: &mut Exchange, quic: &mut Quic) -> bool {
    if exchange.reader.is_empty()
        && !exchange.reader.fin
        && let Some(stream) = exchange.stream
        && let Ok(Some(chunk)) = quic.read(stream, usize::MAX)
    {
        exchange.reader.feed(chunk.data, chunk.fin);
    }
    exchange.reader.fin && exchange.reader.is_done()
}

impl Connection {
    /// Reads a message, as far as the next event.
    pub(super) fn read_exchange(&mut self, quic: &mut Quic, id: u64) -> Result<Option<Event>, Error> {
        loop {
            let Some(exchange) = self.exchanges.get_mut(&id) else { return Ok(None) };
            let Some(stream) = exchange.stream else { return Ok(None) };
            if exchange.waiting.is_some() || exchange.receive == Receive::Ended {
                return Ok(None);
            }
            if exchange.reader.is_empty() && !exchange.reader.fin {
                match quic.read(stream, usize::MAX) {
                    Ok(Some(chunk)) => exchange.reader.feed(chunk.data, chunk.fin),
                    _ => return Ok(None),
                }
            }
            if let Some(event) = self.read_frame(quic, id)? {
                return Ok(Some(event));
            }
        }
    }

    /// Takes what can be taken of one frame.
    fn read_frame(&mut self, quic: &mut Quic, id: u64) -> Result<Option<Event>, Error> {
        let server = self.is_server();
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Ok(None) };
        let Some(stream) = exchange.stream else { return Ok(None) };
        if exchange.ignores {
            self.throw_away(quic, id);
            return Ok(None);
        }
        if !exchange.begun {
            if id < PUSH && !self.registered.bidirectional.is_empty() && stream.initiator() != quic.side() {
                match exchange.reader.peek_varint() {
                    Some(kind) if self.registered.bidirectional.contains(&kind) => {
                        self.hand_over(quic, id, kind);
                        return Ok(None);
                    }
                    Some(_) if !server => {
                        return Err(Error::StreamCreation { kind: StreamType(0), stream: stream.0 });
                    }
                    Some(_) => exchange.begun = true,
                    None if exchange.reader.fin => exchange.begun = true,
                    None => {
                        account(exchange, quic, 0);
                        return Ok(None);
                    }
                }
            } else {
                exchange.begun = true;
            }
        }
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Ok(None) };
        let Some(header) = exchange.reader.header() else {
            account(exchange, quic, 0);
            return match exchange.reader.fin {
                false => Ok(None),
                true if exchange.reader.is_done() => self.on_end(quic, id),
                true => Err(Error::Truncated { stream: stream.0 }),
            };
        };
        if header.kind == FrameType::DATA {
            return self.on_data(quic, id, header);
        }
        if !Connection::is_for_messages(header) {
            return Err(Error::FrameUnexpected { frame: header.kind, stream: stream.0 });
        }
        match header.kind {
            FrameType::HEADERS | FrameType::PUSH_PROMISE => self.on_section_frame(quic, id, header),
            _ => {
                let mut reader = core::mem::take(&mut exchange.reader);
                let fin = reader.fin;
                let over = self.discard(&mut reader)?;
                if let Some(exchange) = self.exchanges.get_mut(&id) {
                    exchange.reader = reader;
                    account(exchange, quic, 0);
                    if !over && fin {
                        return Err(Error::Truncated { stream: stream.0 });
                    }
                }
                Ok(None)
            }
        }
    }

    /// Nobody wants what comes.
    fn throw_away(&mut self, quic: &mut Quic, id: u64) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        exchange.ignored += exchange.reader.take_rest().len() as u64;
        account(exchange, quic, 0);
        if exchange.reader.fin {
            exchange.receive = Receive::Ended;
        } else if exchange.ignored > DRAIN
            && let Some(stream) = exchange.stream
        {
            exchange.receive = Receive::Ended;
            quic.stop(stream, ErrorCode::H3_NO_ERROR.0);
        }
        self.settle(id);
    }

    /// An extension takes the stream.
    fn hand_over(&mut self, quic: &mut Quic, id: u64, kind: u64) {
        let Some(mut exchange) = self.exchanges.remove(&id) else { return };
        let Some(stream) = exchange.stream else { return };
        exchange.reader.drop_peeked();
        account(&mut exchange, quic, 0);
        let (data, end) = (exchange.reader.take_rest(), exchange.reader.fin);
        self.extension_events.push_back(ExtensionEvent::Stream { stream, kind, data, end });
    }

    fn on_data(&mut self, quic: &mut Quic, id: u64, header: FrameHeader) -> Result<Option<Event>, Error> {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Ok(None) };
        let stream = exchange.stream.map_or(id, |stream| stream.0);
        if exchange.receive != Receive::Body {
            return Err(Error::FrameUnexpected { frame: header.kind, stream });
        }
        let data = exchange.reader.part();
        let length = data.len();
        if length == 0 {
            account(exchange, quic, 0);
            if exchange.reader.frame().is_none() {
                self.rates.empty_data(self.now)?;
                return Ok(None);
            }
            return if exchange.reader.fin { Err(Error::Truncated { stream }) } else { Ok(None) };
        }
        // Part of it may be framing, the rest is given back when it was taken.
        account(exchange, quic, length);
        exchange.unconsumed += length;
        exchange.expects_continue = false;
        let end = exchange.reader.frame().is_none() && ends(exchange, quic);
        if !exchange.count(length as u64, end) {
            return self.on_malformed(quic, id, Malformed::BodyLength);
        }
        if exchange.received > self.limits.body && !exchange.tunnel {
            return self.fail_exchange(quic, id, ErrorCode::H3_EXCESSIVE_LOAD, Reason::Limit);
        }
        self.stats.body_received += length as u64;
        if end {
            exchange.receive = Receive::Ended;
            account(exchange, quic, 0);
        }
        Ok(Some(Event::Data { stream: StreamId(id), data, end }))
    }

    fn on_section_frame(
        &mut self,
        quic: &mut Quic,
        id: u64,
        header: FrameHeader,
    ) -> Result<Option<Event>, Error> {
        let server = self.is_server();
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Ok(None) };
        let Some(stream) = exchange.stream else { return Ok(None) };
        let promise = header.kind == FrameType::PUSH_PROMISE;
        let misplaced = if promise {
            server || id >= PUSH || exchange.tunnel
        } else {
            exchange.tunnel || exchange.receive == Receive::Trailers
        };
        if misplaced {
            return Err(Error::FrameUnexpected { frame: header.kind, stream: stream.0 });
        }
        // No section is longer encoded than decoded, but by a Huffman code that nobody has to use.
        let most = self.limits.field_section.saturating_add(64);
        if header.length > most {
            if promise {
                let (frame, length) = (header.kind, header.length);
                return Err(Error::FrameSize { frame, stream: stream.0, length, limit: most });
            }
            self.decoder.cancel(stream.0);
            account(exchange, quic, 0);
            return self.on_too_large(quic, id);
        }
        let whole = exchange.reader.whole();
        account(exchange, quic, 0);
        let Some(mut payload) = whole else {
            return if exchange.reader.fin { Err(Error::Truncated { stream: stream.0 }) } else { Ok(None) };
        };
        let mut waiting = Waiting::Message;
        if promise {
            let Some((push, taken)) = decode_varint(&payload) else {
                return Err(Error::Frame { frame: header.kind, stream: stream.0 });
            };
            payload = payload.split_off(taken);
            self.check_promise(push)?;
            waiting = Waiting::Promise(push);
        }
        self.decode(quic, id, stream.0, waiting, payload)
    }

    fn decode(
        &mut self,
        quic: &mut Quic,
        id: u64,
        stream: u64,
        waiting: Waiting,
        payload: Bytes,
    ) -> Result<Option<Event>, Error> {
        use wirelace_qpack::Section;
        match self.decoder.section(stream, payload, &self.block_limits, &mut self.block)? {
            Section::Decoded => self.on_section(quic, id, waiting),
            Section::Blocked => {
                self.stats.blocked_sections += 1;
                if let Some(exchange) = self.exchanges.get_mut(&id) {
                    exchange.waiting = Some(waiting);
                }
                Ok(None)
            }
        }
    }

    /// The peer's encoder stream has brought something: sections that waited for it.
    pub(super) fn unblock(&mut self, quic: &mut Quic) -> Result<(), Error> {
        while let Some(decoded) = self.decoder.unblocked(&self.block_limits, &mut self.block) {
            let stream = wirelace_quic_lite::StreamId(decoded?);
            let Some(id) = self.exchange_of(stream) else { continue };
            let waiting = self.exchanges.get_mut(&id).and_then(|exchange| exchange.waiting.take());
            if let Some(waiting) = waiting {
                let event = self.on_section(quic, id, waiting)?;
                self.events.extend(event);
                // What is behind it.
                self.ready.push_back(stream);
            }
        }
        Ok(())
    }

    /// The peer has ended its side, between two frames.
    fn on_end(&mut self, quic: &mut Quic, id: u64) -> Result<Option<Event>, Error> {
        let server = self.is_server();
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Ok(None) };
        match exchange.receive {
            Receive::Head if server => {
                self.fail_exchange(quic, id, ErrorCode::H3_REQUEST_INCOMPLETE, Reason::Protocol)
            }
            Receive::Head => self.fail_exchange(quic, id, ErrorCode::H3_MESSAGE_ERROR, Reason::Protocol),
            Receive::Body => {
                if !exchange.count(0, true) {
                    return self.on_malformed(quic, id, Malformed::BodyLength);
                }
                exchange.receive = Receive::Ended;
                exchange.expects_continue = false;
                self.settle(id);
                Ok(Some(Event::Data { stream: StreamId(id), data: Bytes::new(), end: true }))
            }
            Receive::Trailers | Receive::Ended => {
                exchange.receive = Receive::Ended;
                self.settle(id);
                Ok(None)
            }
        }
    }
}

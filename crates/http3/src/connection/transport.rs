//! What the transport tells.

use wirelace_http_semantics::{Event, StreamId};
use wirelace_quic_lite::tls::quic::Side;
use wirelace_quic_lite::{
    CloseReason, Connection as Quic, Direction, Event as QuicEvent, StreamId as QuicStream,
    TransportErrorCode,
};

use super::Connection;
use super::exchange::{Exchange, PUSH, Send};
use super::incoming::Unidirectional;
use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::frame::Reader;
use crate::settings::Role;
use crate::stream_type::StreamType;

impl Connection {
    /// Takes what the transport tells, and gives back what is not for HTTP/3: of streams that an extension has, and of
    /// the connection as a whole.
    pub fn on_quic_event(&mut self, quic: &mut Quic, event: QuicEvent) -> Option<QuicEvent> {
        if self.finished {
            return Some(event);
        }
        match event {
            QuicEvent::Opened { stream } => self.on_opened(quic, stream, event),
            QuicEvent::Readable { stream } => {
                if !self.receives(stream) {
                    return Some(event);
                }
                self.ready.push_back(stream);
                None
            }
            QuicEvent::Writable { stream } => self.on_writable(quic, stream).then_some(event),
            QuicEvent::Reset { stream, code } => self.on_reset(quic, stream, code).then_some(event),
            QuicEvent::Stopped { stream, code } => self.on_stopped(quic, stream, code).then_some(event),
            QuicEvent::Finished { stream } => (!self.unacknowledged.remove(&stream.0)).then_some(event),
            QuicEvent::Datagram(data) if self.limits.datagrams => {
                self.on_datagram(data);
                None
            }
            QuicEvent::Closed(reason) => {
                self.on_closed(&reason);
                Some(QuicEvent::Closed(reason))
            }
            event => Some(event),
        }
    }

    /// The exchange that a stream carries.
    pub(super) fn exchange_of(&self, stream: QuicStream) -> Option<u64> {
        if stream.direction() == Direction::Bidirectional {
            return self.exchanges.contains_key(&stream.0).then_some(stream.0);
        }
        match self.incoming.get(&stream.0) {
            Some(Unidirectional::Push(id)) => Some(*id),
            _ => self.pushes.sent_on(stream),
        }
    }

    fn receives(&self, stream: QuicStream) -> bool {
        match stream.direction() {
            Direction::Bidirectional => self.exchanges.contains_key(&stream.0),
            Direction::Unidirectional => self.incoming.contains_key(&stream.0),
        }
    }

    fn on_opened(&mut self, quic: &mut Quic, stream: QuicStream, event: QuicEvent) -> Option<QuicEvent> {
        let peer = if self.role == Role::Server { Side::Client } else { Side::Server };
        if stream.initiator() != peer {
            return Some(event);
        }
        if stream.direction() == Direction::Unidirectional {
            self.incoming.insert(stream.0, Unidirectional::New(Reader::default()));
            return None;
        }
        if self.role == Role::Client {
            // RFC 9114 §6.1: none, unless an extension takes them.
            if self.registered.bidirectional.is_empty() {
                self.fail(Error::StreamCreation { kind: StreamType(0), stream: stream.0 });
                return None;
            }
        } else {
            self.next_peer = self.next_peer.max(stream.0 + 4);
            if self.own_ending.is_some_and(|end| stream.0 >= end) {
                quic.reset(stream, ErrorCode::H3_REQUEST_REJECTED.0);
                quic.stop(stream, ErrorCode::H3_REQUEST_REJECTED.0);
                if let Err(error) = self.rates.fault(self.now) {
                    self.fail(error);
                }
                return None;
            }
        }
        let mut exchange = Exchange::new(stream.0, Some(stream), self.now);
        let early = self.early_priorities.iter().position(|&(id, _)| id == stream.0);
        if let Some((_, priority)) = early.and_then(|at| self.early_priorities.remove(at)) {
            exchange.priority = priority;
            exchange.told_priority = true;
        }
        self.exchanges.insert(stream.0, exchange);
        None
    }

    /// True where the stream is none of ours.
    fn on_writable(&mut self, quic: &mut Quic, stream: QuicStream) -> bool {
        for own in [&mut self.control, &mut self.encoder_stream, &mut self.decoder_stream] {
            if own.stream == Some(stream) {
                own.flush(quic);
                return false;
            }
        }
        let Some(id) = self.exchange_of(stream) else { return true };
        self.flush_exchange(quic, id);
        let Some(exchange) = self.exchanges.get(&id) else { return false };
        if exchange.send == Send::Body && exchange.pending.is_empty() && quic.capacity(stream) > 0 {
            self.events.push_back(Event::Capacity { stream: StreamId(id) });
        }
        false
    }

    fn critical(&self, stream: QuicStream) -> Option<StreamType> {
        let own = [&self.control, &self.encoder_stream, &self.decoder_stream];
        let own = own.into_iter().find(|own| own.stream == Some(stream)).map(|own| own.kind);
        let peers = [
            (self.peer_control, StreamType::CONTROL),
            (self.peer_encoder, StreamType::QPACK_ENCODER),
            (self.peer_decoder, StreamType::QPACK_DECODER),
        ];
        own.or_else(|| peers.into_iter().find(|(peers, _)| *peers == Some(stream)).map(|(_, kind)| kind))
    }

    /// The peer gives up what it sends on a stream. True where the stream is none of ours.
    fn on_reset(&mut self, quic: &mut Quic, stream: QuicStream, code: u64) -> bool {
        if let Some(kind) = self.critical(stream) {
            self.fail(Error::ClosedCriticalStream { kind, stream: stream.0 });
            return false;
        }
        if !self.receives(stream) {
            return true;
        }
        // So that the transport knows that it was heard.
        let _ = quic.read(stream, 0);
        let id = self.exchange_of(stream);
        self.incoming.remove(&stream.0);
        let Some(id) = id else { return false };
        self.stats.resets_received += 1;
        if let Err(error) = self.rates.reset(self.now) {
            self.fail(error);
        }
        let Some(exchange) = self.exchanges.get_mut(&id) else {
            self.push_is_lost(id & !PUSH);
            return false;
        };
        // The transport has given back all credit.
        exchange.unconsumed = 0;
        let told = exchange.told && !exchange.ignores;
        self.abandon(quic, id, ErrorCode::H3_REQUEST_CANCELLED);
        if told {
            self.events.push_back(Event::Reset { stream: StreamId(id), reason: ErrorCode(code).reason() });
        }
        false
    }

    /// The peer wants no more of a stream. True where the stream is none of ours.
    fn on_stopped(&mut self, quic: &mut Quic, stream: QuicStream, code: u64) -> bool {
        if let Some(kind) = self.critical(stream) {
            self.fail(Error::ClosedCriticalStream { kind, stream: stream.0 });
            return false;
        }
        let sent = self.unacknowledged.remove(&stream.0);
        let Some(id) = self.exchange_of(stream) else { return !sent };
        let Some(exchange) = self.exchanges.get_mut(&id) else { return !sent };
        if self.role == Role::Client && !exchange.tunnel {
            // The answer may come all the same: with H3_NO_ERROR it does (RFC 9114 §4.1).
            exchange.pending.clear();
            exchange.pending_end = false;
            if exchange.send != Send::Ended {
                exchange.send = Send::Dropped;
                exchange.to_send = None;
                self.events.push_back(Event::Capacity { stream: StreamId(id) });
            }
            return false;
        }
        self.stats.resets_received += 1;
        if let Err(error) = self.rates.reset(self.now) {
            self.fail(error);
        }
        let told = self.exchanges.get(&id).is_some_and(|exchange| exchange.told);
        self.abandon(quic, id, ErrorCode::H3_REQUEST_CANCELLED);
        if told {
            self.events.push_back(Event::Reset { stream: StreamId(id), reason: ErrorCode(code).reason() });
        }
        false
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        match reason {
            CloseReason::Local => {}
            // Not as RFC 9114 §5.2 has it, but meant so.
            CloseReason::Peer { code, .. } if *code == TransportErrorCode::NO_ERROR => {}
            CloseReason::Application { code, .. } if *code == ErrorCode::H3_NO_ERROR.0 => {}
            CloseReason::Application { code, .. } => self.fail(Error::Peer { code: ErrorCode(*code) }),
            reason => self.fail(Error::Transport(reason.clone())),
        }
        self.leave();
    }
}

//! What goes out: field sections, data, and what had to wait.

use bytes::Bytes;
use http::StatusCode;
use wirelace_http_messages::{FieldLines, ResponseLines};
use wirelace_http_semantics::{Fields, ResponseHead, SendError};
use wirelace_qpack::FieldWriter;
use wirelace_qpack::hpack::{Indexing, Name};
use wirelace_quic_lite::{Connection as Quic, StreamId as QuicStream, WriteError};

use super::Connection;
use super::exchange::{Exchange, Send};
use crate::frame::{FrameHeader, FrameType, put_varint};

/// Data up to this go into one piece with what is in front of them.
const SMALL: usize = 1024;

/// Octets of a pseudo-header field, without its value, at most; of `:status` with its value.
pub(super) const PSEUDO: usize = 32 + 10;

/// A section of QPACK that is being written.
pub(super) struct Lines<'a, 'b>(pub(super) &'a mut FieldWriter<'b>);

impl FieldLines for Lines<'_, '_> {
    #[inline(always)]
    fn field(&mut self, name: Name<'_>, value: &[u8], indexing: Indexing) {
        self.0.field(name, value, indexing);
    }
}

/// The header of a DATA frame, and its data where they are few; what is left has to follow.
fn data_frame(out: &mut Vec<u8>, data: Bytes) -> Bytes {
    FrameHeader { kind: FrameType::DATA, length: data.len() as u64 }.write(out);
    if data.len() > SMALL {
        return data;
    }
    out.extend_from_slice(&data);
    Bytes::new()
}

impl Connection {
    /// Encodes a section for a stream as a frame, behind what is in `out`. `push`: as a promise of that push.
    pub(super) fn write_section(
        &mut self,
        quic: &mut Quic,
        stream: QuicStream,
        push: Option<u64>,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Lines<'_, '_>),
    ) {
        if self.peer_settings.as_ref().is_some_and(|peer| peer.qpack_max_table_capacity > 0) {
            // What cannot be sent whole is not to be referred to (RFC 9204 §2.1.3).
            let credit = self.encoder_stream.capacity(quic);
            self.encoder.set_credit(credit);
        }
        self.encoded.clear();
        if let Some(push) = push {
            put_varint(&mut self.encoded, push);
        }
        self.encoder.section(stream.0, &mut self.encoded, |writer| write(&mut Lines(writer)));
        let output = self.encoder.output();
        if !output.is_empty() {
            self.encoder_stream.pending.append(output);
            self.encoder_stream.flush(quic);
        }
        let kind = if push.is_some() { FrameType::PUSH_PROMISE } else { FrameType::HEADERS };
        out.reserve(self.encoded.len() + 16);
        FrameHeader { kind, length: self.encoded.len() as u64 }.write(out);
        out.extend_from_slice(&self.encoded);
    }

    /// Whether the peer takes a section with these fields, and `more` octets of others (RFC 9114 §4.2.2).
    pub(super) fn fits(&self, fields: &Fields, more: usize) -> bool {
        let most = self.peer_settings.as_ref().and_then(|peer| peer.max_field_section_size);
        most.is_none_or(|most| (fields.section_size() + more) as u64 <= most)
    }

    /// Sends a response's head; `message`: the body that follows, all of it.
    pub(super) fn respond(
        &mut self,
        quic: &mut Quic,
        id: u64,
        head: &ResponseHead,
        end: bool,
        message: Option<Bytes>,
    ) -> Result<(), SendError> {
        if self.finished || !self.is_server() {
            return Err(SendError::Closed);
        }
        let Some(exchange) = self.exchanges.get(&id) else { return Err(SendError::Closed) };
        let Some(stream) = exchange.stream else { return Err(SendError::Closed) };
        match exchange.send {
            Send::Head => {}
            Send::Ended => return Err(SendError::Closed),
            _ => return Err(SendError::Order),
        }
        let interim = head.is_interim();
        if interim && end {
            return Err(SendError::Head);
        }
        let to_head = exchange.to_head;
        let tunnel = exchange.to_connect && head.status.is_success();
        let bodiless =
            to_head || interim || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let no_length = interim || tunnel || head.status == StatusCode::NO_CONTENT;
        let length = message.as_ref().map(|body| body.len() as u64);
        let length = length.filter(|_| !no_length && head.status != StatusCode::NOT_MODIFIED);
        // An empty body to HEAD says nothing about the one that GET would have.
        let length = length.filter(|&length| !(to_head && length == 0));
        let lines = ResponseLines::new(head, length)?;
        if !self.fits(&head.fields, PSEUDO) {
            return Err(SendError::Head);
        }
        if let (Some(body), Some(length)) = (&message, lines.content_length())
            && !bodiless
            && !tunnel
            && body.len() as u64 != length
        {
            return Err(SendError::BodyLength);
        }
        let announced = lines.content_length();
        let mut out = Vec::new();
        self.write_section(quic, stream, None, &mut out, |section| lines.write(section));
        let empty = message.as_ref().is_some_and(Bytes::is_empty);
        let ends = !interim && (end || !tunnel && (bodiless || empty));
        let mut rest = Bytes::new();
        let whole = message.is_some();
        if let Some(body) = message
            && !ends
            && !interim
        {
            self.stats.body_sent += body.len() as u64;
            rest = data_frame(&mut out, body);
        }
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Err(SendError::Closed) };
        if interim {
            if head.status == StatusCode::CONTINUE {
                exchange.expects_continue = false;
            }
        } else {
            exchange.expects_continue = false;
            if tunnel {
                exchange.tunnel = true;
                exchange.to_come = None;
            } else if !bodiless {
                exchange.to_send = announced;
            }
            exchange.send = if end || whole {
                Send::Ended
            } else if ends {
                // The body that the caller will send has no place in this message.
                Send::Dropped
            } else {
                Send::Body
            };
        }
        let ends = ends || whole && !tunnel;
        let last = rest.is_empty();
        self.put(quic, id, out.into(), ends && last);
        if !last {
            self.put(quic, id, rest, ends);
        }
        Ok(())
    }

    /// Sends a part of a body.
    pub(super) fn put_data(&mut self, quic: &mut Quic, id: u64, data: Bytes, end: bool) {
        if data.is_empty() {
            if end {
                self.put(quic, id, data, true);
            }
            return;
        }
        self.stats.body_sent += data.len() as u64;
        let mut out = Vec::with_capacity(if data.len() > SMALL { 9 } else { data.len() + 9 });
        let rest = data_frame(&mut out, data);
        let last = rest.is_empty();
        self.put(quic, id, out.into(), end && last);
        if !last {
            self.put(quic, id, rest, end);
        }
    }

    /// Hands bytes of a stream to the transport, or keeps them until it takes some.
    pub(super) fn put(&mut self, quic: &mut Quic, id: u64, data: Bytes, end: bool) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        exchange.pending.push_back(data);
        exchange.pending_end |= end;
        self.flush_exchange(quic, id);
    }

    /// Sends what waits in an exchange, as far as it goes.
    pub(super) fn flush_exchange(&mut self, quic: &mut Quic, id: u64) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let Some(stream) = exchange.stream else { return };
        if flush(exchange, stream, quic) {
            self.unacknowledged.insert(stream.0);
            self.settle(id);
        }
    }
}

/// True when the end has gone.
fn flush(exchange: &mut Exchange, stream: QuicStream, quic: &mut Quic) -> bool {
    while let Some(mut data) = exchange.pending.pop_front() {
        // No more than goes: what the peer gives no credit for is seen to wait here.
        let room = quic.capacity(stream);
        if room > 0 && room < data.len() {
            exchange.pending.push_front(data.split_off(room));
        }
        let end = exchange.pending_end && exchange.pending.is_empty();
        match quic.write(stream, data.clone(), end) {
            Ok(()) if end => {
                exchange.pending_end = false;
                return true;
            }
            Ok(()) => {}
            Err(WriteError::Blocked) => {
                exchange.pending.push_front(data);
                return false;
            }
            Err(_) => {
                // Stopped, or the connection is over: an event says so.
                exchange.pending.clear();
                return false;
            }
        }
    }
    false
}

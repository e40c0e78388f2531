//! Field sections that were decoded, and what they mean (RFC 9114 §4.1 to §4.4).

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use wirelace_http_messages::{self as message, Malformed};
use wirelace_http_semantics::{Event, Head, Reason, ResponseHead, StreamId};
use wirelace_quic_lite::Connection as Quic;

use super::Connection;
use super::exchange::{PUSH, Receive, Waiting};
use super::reading::{account, ends};
use crate::error::Error;
use crate::error_code::ErrorCode;

impl Connection {
    /// The section in `block` is whole.
    pub(super) fn on_section(
        &mut self,
        quic: &mut Quic,
        id: u64,
        waiting: Waiting,
    ) -> Result<Option<Event>, Error> {
        if let Waiting::Promise(push) = waiting {
            return self.on_promise(quic, id, push);
        }
        let Some(exchange) = self.exchanges.get(&id) else { return Ok(None) };
        if self.block.exceeded().is_some() {
            return self.on_too_large(quic, id);
        }
        match exchange.receive {
            Receive::Head if self.is_server() => self.on_request(quic, id),
            Receive::Head => self.on_response(quic, id),
            _ => self.on_trailers(quic, id),
        }
    }

    fn on_request(&mut self, quic: &mut Quic, id: u64) -> Result<Option<Event>, Error> {
        let protocol = self.limits.connect_protocol;
        let received = match message::request(&mut self.block, Version::HTTP_3, protocol) {
            Ok(received) => received,
            Err(malformed) => return self.on_malformed(quic, id, malformed),
        };
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Ok(None) };
        let end = ends(exchange, quic);
        if end && received.content_length.is_some_and(|length| length > 0) {
            return self.on_malformed(quic, id, Malformed::BodyLength);
        }
        if received.content_length.is_some_and(|length| length > self.limits.body) {
            return self.refuse(quic, id, StatusCode::PAYLOAD_TOO_LARGE);
        }
        exchange.to_connect = received.head.method == Method::CONNECT;
        exchange.receive = if end { Receive::Ended } else { Receive::Body };
        exchange.told = true;
        exchange.to_head = received.head.method == Method::HEAD;
        exchange.expects_continue = received.expect_continue && !end;
        exchange.to_come = if exchange.to_connect { None } else { received.content_length };
        if !exchange.told_priority {
            exchange.priority = received.priority;
        }
        account(exchange, quic, 0);
        self.apply_priority(quic, id);
        self.stats.exchanges += 1;
        Ok(Some(Event::Head { stream: StreamId(id), head: Head::Request(received.head), end }))
    }

    fn on_response(&mut self, quic: &mut Quic, id: u64) -> Result<Option<Event>, Error> {
        let received = match message::response(&mut self.block, Version::HTTP_3) {
            Ok(received) => received,
            Err(malformed) => return self.on_malformed(quic, id, malformed),
        };
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Ok(None) };
        let head = received.head;
        if head.is_interim() {
            if ends(exchange, quic) {
                return self.on_malformed(quic, id, Malformed::InterimEnd);
            }
            exchange.interim += 1;
            if exchange.interim > self.limits.interim {
                return self.fail_exchange(quic, id, ErrorCode::H3_EXCESSIVE_LOAD, Reason::Limit);
            }
            return Ok(Some(Event::Informational { stream: StreamId(id), head }));
        }
        let end = ends(exchange, quic);
        exchange.tunnel = exchange.to_connect && head.status.is_success();
        let bodiless =
            exchange.to_head || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        exchange.to_come = match received.content_length {
            _ if exchange.tunnel => None,
            // What it would be for GET (RFC 9110 §8.6).
            _ if bodiless => Some(0),
            length => length,
        };
        if exchange.tunnel {
            exchange.to_send = None;
        }
        if !exchange.count(0, end) {
            return self.on_malformed(quic, id, Malformed::BodyLength);
        }
        if exchange.to_come.is_some_and(|length| length > self.limits.body) {
            return self.fail_exchange(quic, id, ErrorCode::H3_REQUEST_CANCELLED, Reason::Limit);
        }
        exchange.receive = if end { Receive::Ended } else { Receive::Body };
        account(exchange, quic, 0);
        self.settle(id);
        Ok(Some(Event::Head { stream: StreamId(id), head: Head::Response(head), end }))
    }

    fn on_trailers(&mut self, quic: &mut Quic, id: u64) -> Result<Option<Event>, Error> {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Ok(None) };
        if !exchange.count(0, true) {
            return self.on_malformed(quic, id, Malformed::BodyLength);
        }
        let fields = match message::trailers(&mut self.block) {
            Ok(fields) => fields,
            Err(malformed) => return self.on_malformed(quic, id, malformed),
        };
        exchange.receive = if ends(exchange, quic) { Receive::Ended } else { Receive::Trailers };
        account(exchange, quic, 0);
        exchange.expects_continue = false;
        let wanted = !exchange.ignores;
        self.settle(id);
        Ok(wanted.then_some(Event::Trailers { stream: StreamId(id), fields }))
    }

    /// A section is larger than this side takes: a request is answered (RFC 6585 §5), anything else ends.
    pub(super) fn on_too_large(&mut self, quic: &mut Quic, id: u64) -> Result<Option<Event>, Error> {
        let request =
            self.is_server() && self.exchanges.get(&id).is_some_and(|exchange| !exchange.told) && id < PUSH;
        if request {
            return self.refuse(quic, id, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        self.fail_exchange(quic, id, ErrorCode::H3_EXCESSIVE_LOAD, Reason::Limit)
    }

    /// Answers a request that the application does not see.
    fn refuse(&mut self, quic: &mut Quic, id: u64, status: StatusCode) -> Result<Option<Event>, Error> {
        self.rates.fault(self.now)?;
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            // What still comes of the request is not read.
            exchange.ignores = true;
            exchange.receive = if exchange.reader.fin { Receive::Ended } else { Receive::Body };
        }
        if self.respond(quic, id, &ResponseHead::new(status), false, Some(Bytes::new())).is_err() {
            self.abandon(quic, id, ErrorCode::H3_INTERNAL_ERROR);
        }
        Ok(None)
    }
}

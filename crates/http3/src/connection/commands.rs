//! What the application does.

use bytes::Bytes;
use http::Method;
use wirelace_http_messages::{RequestLines, TrailerLines};
use wirelace_http_semantics::{Fields, Head, Reason, RequestHead, ResponseHead, SendError, StreamId};
use wirelace_quic_lite::{Connection as Quic, Direction};

use super::Connection;
use super::exchange::{Exchange, PUSH, Receive, Send};
use super::sending::PSEUDO;
use crate::error_code::ErrorCode;
use crate::frame::{FrameType, write_id};

impl Connection {
    /// Client: how many requests more may be sent now. 0 before the handshake of QUIC has said so.
    #[must_use]
    pub fn available(&self, quic: &Quic) -> usize {
        if self.is_server() || self.takes_nothing_new() {
            return 0;
        }
        usize::try_from(quic.available(Direction::Bidirectional)).unwrap_or(usize::MAX)
    }

    /// True when nothing new is taken any more: one of both sides is leaving.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.takes_nothing_new()
    }

    /// Client: whether the server takes extended CONNECT (RFC 9220); `None` before its settings have come.
    #[must_use]
    pub fn connect_protocol(&self) -> Option<bool> {
        self.peer_settings.as_ref().map(|peer| peer.enable_connect_protocol)
    }

    /// True after 2xx to CONNECT: data are the tunnel's.
    #[must_use]
    pub fn is_tunnel(&self, stream: StreamId) -> bool {
        self.exchanges.get(&stream.0).is_some_and(|exchange| exchange.tunnel)
    }

    /// Server: the client waits for 100 (Continue) before it sends the body.
    #[must_use]
    pub fn expects_continue(&self, stream: StreamId) -> bool {
        self.exchanges.get(&stream.0).is_some_and(|exchange| exchange.expects_continue)
    }

    /// Client: starts an exchange. `end`: there is no body.
    ///
    /// # Errors
    /// The head cannot be sent, is larger than the server takes (both `Head`), or the connection takes no new exchange now (`Blocked`) or ever (`ShuttingDown`).
    pub fn send_request(
        &mut self,
        quic: &mut Quic,
        head: &RequestHead,
        end: bool,
    ) -> Result<StreamId, SendError> {
        if self.is_server() {
            return Err(SendError::Head);
        }
        if self.takes_nothing_new() {
            return Err(SendError::ShuttingDown);
        }
        // RFC 9220 §3: not before the server's SETTINGS have offered it.
        if head.protocol.is_some() {
            match self.connect_protocol() {
                None => return Err(SendError::Blocked),
                Some(false) => return Err(SendError::Head),
                Some(true) => {}
            }
        }
        let lines = RequestLines::new(head, true)?;
        // Method, scheme, authority and path.
        if !self.fits(&head.fields, 4 * PSEUDO + head.method.as_str().len() + head.target.len()) {
            return Err(SendError::Head);
        }
        let Some(stream) = quic.open(Direction::Bidirectional) else { return Err(SendError::Blocked) };
        let connect = head.method == Method::CONNECT;
        let end = end && !connect;
        let mut exchange = Exchange::new(stream.0, Some(stream), self.now);
        exchange.told = true;
        exchange.send = if end { Send::Ended } else { Send::Body };
        exchange.to_head = head.method == Method::HEAD;
        exchange.to_connect = connect;
        exchange.to_send = lines.content_length().filter(|_| !end && !connect);
        self.exchanges.insert(stream.0, exchange);
        self.stats.exchanges += 1;
        let mut out = Vec::new();
        self.write_section(quic, stream, None, &mut out, |section| lines.write(section));
        self.put(quic, stream.0, out.into(), end);
        Ok(StreamId(stream.0))
    }

    /// Server: sends the head of a response; interim (1xx) ones may come before the final one.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written.
    pub fn send_head(
        &mut self,
        quic: &mut Quic,
        stream: StreamId,
        head: &Head,
        end: bool,
    ) -> Result<(), SendError> {
        let Head::Response(head) = head else { return Err(SendError::Head) };
        self.respond(quic, stream.0, head, end, None)
    }

    /// Server: sends a whole final response at once, `body` being all of it. Content-Length is added where the head has
    /// none and the message may have one; a head that has one must be right.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written.
    pub fn send_message(
        &mut self,
        quic: &mut Quic,
        stream: StreamId,
        head: &ResponseHead,
        body: Bytes,
    ) -> Result<(), SendError> {
        if head.is_interim() {
            return Err(SendError::Order);
        }
        self.respond(quic, stream.0, head, false, Some(body))
    }

    /// How many bytes [`send_data`](Connection::send_data) wants now. 0 for an exchange that has to wait; the event
    /// `Capacity` tells when to ask again.
    #[must_use]
    pub fn capacity(&self, quic: &Quic, stream: StreamId) -> usize {
        let Some(exchange) = self.exchanges.get(&stream.0).filter(|_| !self.finished) else { return 0 };
        match (exchange.send, exchange.stream) {
            (Send::Body, Some(stream)) if exchange.pending.is_empty() => quic.capacity(stream),
            // Whatever comes is dropped.
            (Send::Dropped, _) => usize::MAX,
            _ => 0,
        }
    }

    /// Sends a part of the body. More than the capacity is taken too, once: it is the caller's memory either way.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written.
    pub fn send_data(
        &mut self,
        quic: &mut Quic,
        stream: StreamId,
        data: Bytes,
        end: bool,
    ) -> Result<(), SendError> {
        let exchange = self.exchanges.get_mut(&stream.0).filter(|_| !self.finished);
        let exchange = exchange.ok_or(SendError::Closed)?;
        match exchange.send {
            Send::Head => return Err(SendError::Order),
            Send::Ended => return Err(SendError::Closed),
            Send::Dropped => {
                if end {
                    exchange.send = Send::Ended;
                    self.settle(stream.0);
                }
                return Ok(());
            }
            Send::Body => {}
        }
        let length = data.len() as u64;
        if let Some(left) = &mut exchange.to_send {
            let rest = left.checked_sub(length).ok_or(SendError::BodyLength)?;
            if end && rest > 0 {
                return Err(SendError::BodyLength);
            }
            *left = rest;
        }
        if end {
            exchange.send = Send::Ended;
        }
        self.put_data(quic, stream.0, data, end);
        Ok(())
    }

    /// Ends the body with a trailer section.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written.
    pub fn send_trailers(
        &mut self,
        quic: &mut Quic,
        stream: StreamId,
        fields: &Fields,
    ) -> Result<(), SendError> {
        let exchange = self.exchanges.get_mut(&stream.0).filter(|_| !self.finished);
        let exchange = exchange.ok_or(SendError::Closed)?;
        match exchange.send {
            Send::Head => return Err(SendError::Order),
            Send::Ended => return Err(SendError::Closed),
            Send::Dropped => {
                exchange.send = Send::Ended;
                self.settle(stream.0);
                return Ok(());
            }
            Send::Body if exchange.tunnel => return Err(SendError::Order),
            Send::Body => {}
        }
        if exchange.to_send.is_some_and(|left| left > 0) {
            return Err(SendError::BodyLength);
        }
        let Some(carrier) = exchange.stream else { return Err(SendError::Closed) };
        let lines = TrailerLines::new(fields)?;
        if !self.fits(fields, 0) {
            return Err(SendError::Head);
        }
        if let Some(exchange) = self.exchanges.get_mut(&stream.0) {
            exchange.send = Send::Ended;
        }
        let mut out = Vec::new();
        if !fields.is_empty() {
            self.write_section(quic, carrier, None, &mut out, |section| lines.write(section));
        }
        self.put(quic, stream.0, out.into(), true);
        Ok(())
    }

    /// The application took `bytes` of the exchange's data: credit goes back to the peer.
    pub fn consumed(&mut self, quic: &mut Quic, stream: StreamId, bytes: usize) {
        let Some(exchange) = self.exchanges.get_mut(&stream.0) else { return };
        let bytes = bytes.min(exchange.unconsumed);
        exchange.unconsumed -= bytes;
        if let Some(carrier) = exchange.stream.filter(|_| bytes > 0) {
            quic.consumed(carrier, bytes);
            self.settle(stream.0);
        }
    }

    /// The application wants no more of the exchange's incoming body: no `Data` and no `Trailers` follow, and what
    /// still comes is thrown away within limits, then refused.
    pub fn stop_receiving(&mut self, quic: &mut Quic, stream: StreamId) {
        self.ignore(quic, stream.0);
    }

    /// Ends an exchange early, both directions.
    pub fn reset(&mut self, quic: &mut Quic, stream: StreamId, reason: Reason) {
        let server = self.is_server();
        let Some(exchange) = self.exchanges.get(&stream.0) else { return };
        let code = match reason {
            Reason::PeerClosed if exchange.tunnel => ErrorCode::H3_CONNECT_ERROR,
            reason => ErrorCode::of(reason, server),
        };
        if stream.0 >= PUSH && exchange.stream.is_none() && exchange.receive != Receive::Ended {
            // There is no stream yet that could be stopped (RFC 9114 §7.2.3).
            write_id(&mut self.control.pending, FrameType::CANCEL_PUSH, stream.0 & !PUSH);
        }
        self.abandon(quic, stream.0, code);
    }
}

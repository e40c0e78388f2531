//! The server's commands: responses in the order of their requests.

use bytes::Bytes;
use http::StatusCode;
use wirelace_http_semantics::{
    Fields, Head, HttpMachine, Reason, RequestHead, ResponseHead, SendError, StreamId,
};

use super::super::body_send::BodySender;
use super::super::error::Error;
use super::super::exchange::{Exchange, Progress};
use super::super::head_send::{Answered, write_interim, write_response};
use super::{Receive, ServerConnection};

impl ServerConnection {
    /// Sends a final head; `length`: the whole body follows at once and has so many bytes.
    fn send_final(&mut self, head: &ResponseHead, end: bool, length: Option<u64>) -> Result<(), SendError> {
        // The last response says so, unless the answer to a broken request follows it.
        let followed = matches!(self.receive, Receive::Failed { answer: true, .. });
        let closing = self.closing && self.exchanges.len() == 1 && !followed;
        let Some(front) = self.exchanges.front_mut() else { return Err(SendError::Closed) };
        // Whether the rest of this request (not of a later one) is unwanted, and too much to read for the sake of
        // the connection.
        let unread = match &self.receive {
            Receive::Body(body) if !front.requested && (front.ignore_body || end) => {
                body.remaining().is_some_and(|left| left > self.limits.drain)
            }
            _ => false,
        };
        let request = Answered {
            http10: front.http10,
            to_head: front.to_head,
            to_connect: front.to_connect,
            upgrade: front.upgrade,
            // A client that waited for 100 and got a final status may send its body or not: nobody can tell
            // where the next request would begin (RFC 9110 §10.1.1).
            persists: front.persists && !closing && !front.expects_continue && !unread,
        };
        let tunnel =
            head.status == StatusCode::SWITCHING_PROTOCOLS || request.to_connect && head.status.is_success();
        // The switch comes after the request's end (RFC 9110 §7.8), and that must have been seen.
        if tunnel && !(front.requested && matches!(self.receive, Receive::Head)) {
            return Err(SendError::Order);
        }
        let written = write_response(self.output.inline(), head, request, end, length)?;
        self.sender = written.body;
        front.response = Progress::Head;
        if tunnel {
            self.receive = Receive::Tunnel;
            self.closing = true;
            front.requested = false;
            front.persists = false;
            // That was about the request's body.
            front.ignore_body = false;
        } else if !written.persists {
            front.persists = false;
            self.closing = true;
            // The client may send its body after all, and the application may still want it.
            front.expects_continue = false;
        }
        if self.sender == BodySender::Idle {
            self.response_over();
        } else {
            self.note_full();
        }
        Ok(())
    }

    fn response_over(&mut self) {
        if let Some(front) = self.exchanges.front_mut() {
            front.response = Progress::All;
            front.blocked = false;
            // A response that ends the connection leaves no reason to read on.
            if !front.persists && !front.requested && !matches!(self.receive, Receive::Tunnel) {
                front.requested = true;
                self.receive = Receive::Nothing;
            }
        }
        self.settle();
    }

    /// A full output owes the exchange a `Capacity`.
    fn note_full(&mut self) {
        if self.output.room() == 0
            && let Some(front) = self.exchanges.front_mut()
        {
            front.blocked = true;
        }
    }

    /// The exchange whose response may be sent now.
    fn front(&mut self, stream: StreamId) -> Result<&mut Exchange, SendError> {
        if self.takes_no_response() {
            return Err(SendError::Closed);
        }
        let is_front = self.exchanges.front().is_some_and(|front| front.id == stream);
        if !is_front {
            return Err(match self.exchange_mut(stream) {
                Some(exchange) => {
                    exchange.blocked = true;
                    SendError::Blocked
                }
                None => SendError::Closed,
            });
        }
        self.exchanges.front_mut().ok_or(SendError::Closed)
    }
}

impl HttpMachine for ServerConnection {
    fn send_request(&mut self, _head: RequestHead, _end: bool) -> Result<StreamId, SendError> {
        Err(SendError::Head)
    }

    fn send_head(&mut self, stream: StreamId, head: Head, end: bool) -> Result<(), SendError> {
        let Head::Response(head) = head else { return Err(SendError::Head) };
        let front = self.front(stream)?;
        if front.response != Progress::Nothing {
            return Err(SendError::Order);
        }
        if !head.is_interim() {
            return self.send_final(&head, end, None);
        }
        if head.status == StatusCode::CONTINUE {
            front.expects_continue = false;
        }
        if front.http10 {
            return Ok(()); // An HTTP/1.0 client does not know them (RFC 9110 §15.2).
        }
        write_interim(self.output.inline(), &head)
    }

    fn send_message(&mut self, stream: StreamId, head: ResponseHead, body: Bytes) -> Result<(), SendError> {
        if self.front(stream)?.response != Progress::Nothing || head.is_interim() {
            return Err(SendError::Order);
        }
        let length = body.len() as u64;
        self.send_final(&head, length == 0, Some(length))?;
        match self.sender {
            BodySender::Idle => Ok(()),
            _ => self.send_data(stream, body, true),
        }
    }

    fn capacity(&self, stream: StreamId) -> usize {
        match self.exchanges.front() {
            Some(front)
                if front.id == stream && front.response != Progress::All && !self.takes_no_response() =>
            {
                self.output.room()
            }
            _ => 0,
        }
    }

    fn send_data(&mut self, stream: StreamId, data: Bytes, end: bool) -> Result<(), SendError> {
        if self.front(stream)?.response != Progress::Head {
            return Err(SendError::Order);
        }
        self.stats.body_sent += self.sender.data(&mut self.output, data, end)?;
        if end {
            self.response_over();
        } else {
            self.note_full();
        }
        Ok(())
    }

    fn send_trailers(&mut self, stream: StreamId, fields: Fields) -> Result<(), SendError> {
        if self.front(stream)?.response != Progress::Head {
            return Err(SendError::Order);
        }
        self.sender.trailers(&mut self.output, &fields)?;
        self.response_over();
        Ok(())
    }

    fn consumed(&mut self, stream: StreamId, bytes: usize) {
        if let Some(exchange) = self.exchange_mut(stream) {
            exchange.unconsumed = exchange.unconsumed.saturating_sub(bytes);
        }
    }

    fn stop_receiving(&mut self, stream: StreamId) {
        if let Some(exchange) = self.exchange_mut(stream) {
            exchange.ignore_body = true;
        }
    }

    fn reset(&mut self, stream: StreamId, _reason: Reason) {
        if self.exchange(stream).is_none() {
            return;
        }
        // Nothing but the end of the connection tells the peer.
        self.exchanges.retain(|exchange| exchange.id != stream);
        self.closing = true;
        self.receive = Receive::Failed { error: Error::Reset, answer: false };
    }

    fn shut_down(&mut self) {
        self.closing = true;
        if self.exchanges.is_empty() && !matches!(self.receive, Receive::Failed { .. }) {
            self.receive = Receive::Nothing;
            self.finished = true;
        }
    }
}

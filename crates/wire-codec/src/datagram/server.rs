//! The side that answers.

mod answers;
mod events;
mod heartbeats;
mod receive;
mod requests;

use core::hash::Hash;
use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::time::Instant;

use bytes::Bytes;
use wirelace_wire::Budget;

use self::answers::{Answer, Answers};
use self::events::{Events, Queued};
use self::heartbeats::Heartbeats;
use self::requests::{Key, Request, Requests};
use super::event::{RequestId, SendError, ServerEvent, ServerStats, Transmit};
use super::frame;
use super::options::ServerOptions;
use crate::base::FrameType;
use crate::error::ErrorCode;
use crate::extended::Frame;

/// A server: it takes requests of both forms from any number of addresses over one socket, and has each answered
/// once. `A` is an address, such as [`SocketAddr`](std::net::SocketAddr).
///
/// A request of the extended form is known by its address and id. While it is under way, repeats are ignored;
/// afterwards its answer (or refusal) is kept for a time, and sent again for each repeat: its effects happen once. Of the
/// payload only a hash of 64 bits is kept (with a key that nobody knows), to tell another request with the same id.
/// In the base form a request equal to one under way from the same address is a repeat, and after that a new request:
/// its effects may happen more than once.
///
/// A request without a deadline, as all of the base form are, is under way until it is answered: the application has
/// to do that, with [`fail`](DatagramServer::fail) if there is nothing else.
#[derive(Debug)]
pub struct DatagramServer<A> {
    options: ServerOptions,
    control: Budget,
    heartbeats: Heartbeats,
    hasher: RandomState,
    requests: Requests<A>,
    answers: Answers<(A, Key)>,
    events: Events<A>,
    output: VecDeque<Transmit<A>>,
    /// Of `output`.
    output_octets: usize,
    shutting_down: bool,
    stats: ServerStats,
}

impl<A: Copy + Eq + Hash> DatagramServer<A> {
    /// A server.
    #[must_use]
    pub fn new(options: ServerOptions) -> DatagramServer<A> {
        let options = options.checked();
        let limits = &options.limits;
        DatagramServer {
            control: Budget::new(limits.control.0, limits.control.1),
            heartbeats: Heartbeats::default(),
            hasher: RandomState::new(),
            requests: Requests::new(),
            answers: Answers::new(limits.cached, limits.cached_octets, options.keep),
            events: Events::new(),
            output: VecDeque::new(),
            output_octets: 0,
            shutting_down: false,
            stats: ServerStats::default(),
            options,
        }
    }

    /// What came, one after the other.
    pub fn poll_event(&mut self, now: Instant) -> Option<ServerEvent<A>> {
        self.on_deadline(now);
        loop {
            match self.events.pop()? {
                // Over before anybody heard of it.
                Queued::Cancelled { told: false, .. } => {}
                Queued::Request { id, from, payload } => {
                    let Some(request) = self.requests.tell(id) else { continue };
                    let timeout = request.deadline.map(|at| at.saturating_duration_since(now));
                    return Some(ServerEvent::Request { id, from, payload, timeout });
                }
                Queued::Message { from, payload } => return Some(ServerEvent::Message { from, payload }),
                Queued::Cancelled { id, .. } => return Some(ServerEvent::Cancelled { id }),
            }
        }
    }

    /// Answers a request. Nothing happens when it is over already.
    ///
    /// # Errors
    ///
    /// [`SendError::TooLong`]: the answer does not fit into a datagram. The request is still open then, for a shorter
    /// answer or for [`fail`](DatagramServer::fail).
    pub fn respond(&mut self, now: Instant, id: RequestId, payload: Bytes) -> Result<(), SendError> {
        self.on_deadline(now);
        let Some(request) = self.requests.told(id) else { return Ok(()) };
        let limit = self.options.limits.datagram;
        let datagram = match request.key {
            Key::Payload(_) => frame::encode_base(FrameType::RESPONSE, &payload, limit)?,
            Key::Id(id) => {
                let frame = Frame::Response { id, end: true, payload: &payload[..] };
                frame::encode_extended(frame, request.checksum, limit)?
            }
        };
        self.finish(now, id, datagram);
        Ok(())
    }

    /// Answers a request with an error; `text` is cut to what a datagram takes. In the base form only the text
    /// travels. Nothing happens when the request is over already.
    pub fn fail(&mut self, now: Instant, id: RequestId, code: ErrorCode, text: &str) {
        self.on_deadline(now);
        let Some(request) = self.requests.told(id) else { return };
        // That it fits is sure: the least limit takes an ERROR without text.
        if let Ok(datagram) = error(request, code, text, self.options.limits.datagram) {
            self.finish(now, id, datagram);
        }
    }

    /// The next datagram to send; to be asked until there is none after each of the other calls.
    pub fn poll_transmit(&mut self, _now: Instant) -> Option<Transmit<A>> {
        let transmit = self.output.pop_front()?;
        self.output_octets -= transmit.datagram.len();
        Some(transmit)
    }

    /// False while more waits to be sent than should; what is received then is dropped.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.output_octets <= self.options.limits.output
    }

    /// When [`on_deadline`](DatagramServer::on_deadline) has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        [self.requests.deadline(), self.answers.deadline()].into_iter().flatten().min()
    }

    /// Cancels requests whose time is over at `now`, and forgets answers that were kept long enough.
    pub fn on_deadline(&mut self, now: Instant) {
        self.answers.expire(now);
        while let Some(id) = self.requests.due(now) {
            self.cancel(now, id, ErrorCode::DEADLINE);
        }
    }

    /// Takes no new requests and messages from now on. Those requests are answered with an ERROR, in the extended
    /// form with [`ErrorCode::REFUSED`]: they are safe to send elsewhere. Those under way go on, and repeats get the
    /// answers that are kept.
    pub fn shut_down(&mut self) {
        self.shutting_down = true;
    }

    /// Whether no request is under way, no event waits to be taken, and nothing waits to be sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.requests.len() == 0 && self.events.len() == 0 && self.output.is_empty()
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        ServerStats {
            under_way: self.requests.len(),
            addresses: self.requests.addresses(),
            events: self.events.len(),
            kept: self.answers.len(),
            kept_octets: self.answers.octets(),
            output: self.output_octets,
            ..self.stats
        }
    }

    /// Sends the answer of a request, and keeps it.
    fn finish(&mut self, now: Instant, id: RequestId, datagram: Bytes) {
        let Some(request) = self.requests.close(id) else { return };
        self.put(request.from, datagram.clone());
        self.keep(now, &request, datagram);
    }

    /// Nobody waits for this one any more. A repeat that is late does not start it again.
    fn cancel(&mut self, now: Instant, id: RequestId, code: ErrorCode) {
        let Some(request) = self.requests.close(id) else { return };
        self.stats.cancelled += 1;
        self.events.push(Queued::Cancelled { id, told: request.told });
        if let Ok(datagram) = error(&request, code, "", self.options.limits.datagram) {
            self.keep(now, &request, datagram);
        }
    }

    fn keep(&mut self, now: Instant, request: &Request<A>, datagram: Bytes) {
        if let Key::Id(_) = request.key {
            self.answers.keep(now, (request.from, request.key), Answer { hash: request.hash, datagram });
        }
    }

    fn put(&mut self, to: A, datagram: Bytes) {
        self.stats.sent += 1;
        self.output_octets += datagram.len();
        self.output.push_back(Transmit { to, datagram });
    }
}

/// The ERROR that answers a request.
fn error<A>(request: &Request<A>, code: ErrorCode, text: &str, limit: usize) -> Result<Bytes, SendError> {
    match request.key {
        Key::Payload(_) => frame::error_base(text, limit),
        Key::Id(id) => frame::error_extended(id, code, text, request.checksum, limit),
    }
}

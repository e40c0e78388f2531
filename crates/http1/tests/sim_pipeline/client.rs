//! The application at the client: sends what is planned, notes what comes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use wirelace_http_semantics::{Event, Head, HttpMachine as _, Reason, SendError, StreamId};
use wirelace_http1::{ClientConnection, Error};
use wirelace_sim::Peer;

use super::plan::{Body, Plan, fields_of};
use super::support::{self, Message, lines, response_message};

/// How long the client waits for 100 (Continue).
const PATIENCE: Duration = Duration::from_millis(300);

/// What came for one request.
#[derive(Debug, Default, Clone)]
pub(crate) struct Answer {
    pub(crate) hints: Vec<Message>,
    pub(crate) response: Option<Message>,
    pub(crate) resets: Vec<Reason>,
}

#[derive(Debug)]
struct Sending {
    stream: StreamId,
    rest: Bytes,
    /// Not before 100 (Continue), or then.
    waits_until: Option<Instant>,
    /// The machine has no room: not before `Capacity`.
    blocked: bool,
}

#[derive(Debug)]
pub(crate) struct Client {
    plan: Arc<Plan>,
    machine: ClientConnection,
    pub(crate) answers: Vec<Answer>,
    sending: Option<Sending>,
    /// The next request is not sent before.
    next_at: Instant,
    unconsumed: Vec<(StreamId, usize)>,
    gave_up: bool,
    shut_down: bool,
    pub(crate) error: Option<Error>,
    pub(crate) was_reset: bool,
}

impl Client {
    pub(crate) fn new(plan: &Arc<Plan>, now: Instant) -> Client {
        Client {
            plan: Arc::clone(plan),
            machine: ClientConnection::new(plan.client_limits.clone(), now),
            answers: Vec::new(),
            sending: None,
            next_at: now + plan.exchanges[0].pause,
            unconsumed: Vec::new(),
            gave_up: false,
            shut_down: false,
            error: None,
            was_reset: false,
        }
    }

    fn answer(&mut self, stream: StreamId) -> &mut Answer {
        &mut self.answers[stream.0 as usize]
    }

    fn all_sent(&self) -> bool {
        self.gave_up || self.answers.len() == self.plan.exchanges.len()
    }

    fn send_next(&mut self, now: Instant) -> bool {
        if self.all_sent() || self.sending.is_some() || now < self.next_at {
            return false;
        }
        if self.machine.is_closing() {
            self.gave_up = true;
            return true;
        }
        if !self.machine.is_ready() {
            return false;
        }
        let index = self.answers.len();
        let exchange = &self.plan.exchanges[index];
        let end = exchange.request_body == Body::None;
        let sent = self.machine.send_request(exchange.request_head(index), end);
        let stream = sent.expect("a ready machine takes a request");
        assert_eq!(stream, StreamId(index as u64));
        if !end {
            self.sending = Some(Sending {
                stream,
                rest: Bytes::copy_from_slice(exchange.request_body.bytes()),
                waits_until: exchange.expect.then(|| now + PATIENCE),
                blocked: false,
            });
        }
        self.answers.push(Answer::default());
        if let Some(next) = self.plan.exchanges.get(index + 1) {
            self.next_at = now + next.pause;
        }
        true
    }

    fn send_body(&mut self, now: Instant) -> bool {
        let Some(sending) = &mut self.sending else { return false };
        if sending.blocked || sending.waits_until.is_some_and(|at| now < at) {
            return false;
        }
        sending.waits_until = None;
        let trailers = self.plan.exchanges[sending.stream.0 as usize].request_body.trailers();
        let result = if sending.rest.is_empty() && !trailers.is_empty() {
            let result = self.machine.send_trailers(sending.stream, fields_of(trailers));
            self.finish_body(result);
            return true;
        } else if sending.rest.is_empty() {
            let result = self.machine.send_data(sending.stream, Bytes::new(), true);
            self.finish_body(result);
            return true;
        } else {
            let capacity = self.machine.capacity(sending.stream);
            if capacity == 0 {
                // Either there is no exchange any more, or `Capacity` will come.
                let probe = self.machine.send_data(sending.stream, Bytes::new(), false);
                sending.blocked = probe != Err(SendError::Closed);
                if !sending.blocked {
                    self.sending = None;
                }
                return true;
            }
            let len = sending.rest.len().min(capacity).min(self.plan.piece);
            self.machine.send_data(sending.stream, sending.rest.split_to(len), false)
        };
        if result.is_err() {
            self.finish_body(result);
        }
        true
    }

    fn finish_body(&mut self, result: Result<(), SendError>) {
        // The response, or the end of the connection, may have come first.
        assert!(matches!(result, Ok(()) | Err(SendError::Closed)), "{result:?}");
        self.sending = None;
    }
}

impl Peer for Client {
    type Machine = ClientConnection;

    fn machine(&mut self) -> &mut ClientConnection {
        &mut self.machine
    }

    fn on_event(&mut self, _: Instant, event: Event) {
        match event {
            Event::Head { stream, head: Head::Response(head), end } => {
                if let Some(sending) = self.sending.as_mut().filter(|sending| sending.stream == stream) {
                    sending.waits_until = None;
                }
                let answer = self.answer(stream);
                assert!(answer.response.is_none(), "two responses to {stream}");
                answer.response = Some(Message { complete: end, ..response_message(&head) });
            }
            Event::Informational { stream, head } => {
                if head.status == StatusCode::CONTINUE {
                    if let Some(sending) = self.sending.as_mut().filter(|sending| sending.stream == stream) {
                        sending.waits_until = None;
                    }
                    return;
                }
                self.answer(stream).hints.push(response_message(&head));
            }
            Event::Data { stream, data, end } => {
                self.unconsumed.push((stream, data.len()));
                let response = self.answer(stream).response.as_mut().expect("a head comes before data");
                assert!(!response.complete, "nothing comes after the end");
                response.body.extend_from_slice(&data);
                response.complete = end;
            }
            Event::Trailers { stream, fields } => {
                let response = self.answer(stream).response.as_mut().expect("a head comes before trailers");
                assert!(!response.complete, "nothing comes after the end");
                response.trailers = lines(&fields);
                response.complete = true;
            }
            Event::Capacity { stream } => {
                if let Some(sending) = self.sending.as_mut().filter(|sending| sending.stream == stream) {
                    sending.blocked = false;
                }
            }
            Event::Reset { stream, reason } => {
                self.answer(stream).resets.push(reason);
                self.sending.take_if(|sending| sending.stream == stream);
            }
            event => panic!("a client has no {event:?}"),
        }
    }

    fn on_error(&mut self, _: Instant, error: Error) {
        self.error = Some(error);
    }

    fn on_reset(&mut self, _: Instant) {
        self.was_reset = true;
    }

    fn act(&mut self, now: Instant) -> bool {
        let mut acted = !self.unconsumed.is_empty();
        for (stream, len) in self.unconsumed.drain(..) {
            self.machine.consumed(stream, len);
        }
        acted |= self.send_body(now) || self.send_next(now);
        if self.all_sent() && self.sending.is_none() && !self.shut_down {
            self.shut_down = true;
            self.machine.shut_down();
            acted = true;
        }
        acted
    }

    fn wakes_at(&self) -> Option<Instant> {
        if let Some(sending) = &self.sending {
            return sending.waits_until;
        }
        (!self.all_sent()).then_some(self.next_at)
    }

    fn is_done(&self) -> bool {
        self.shut_down
    }

    fn describe_event(event: &Event) -> String {
        support::describe(event)
    }

    fn describe_error(error: &Error) -> String {
        error.to_string()
    }
}

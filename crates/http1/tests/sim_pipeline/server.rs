//! The application at the server: checks the requests and answers as planned.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use wirelace_http_semantics::{Event, Head, HttpMachine as _, Reason, ResponseHead, SendError, StreamId};
use wirelace_http1::{Error, ServerConnection};
use wirelace_sim::Peer;

use super::plan::{Body, Plan, fields_of};
use super::support::{self, Message, lines, request_message};

/// One request and how far its answer is.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) request: Message,
    pub(crate) resets: Vec<Reason>,
    pub(crate) answered: bool,
    ready_at: Instant,
    continued: bool,
    hints: usize,
    /// What is left of the response's body, once the head is out.
    rest: Option<Bytes>,
    /// Not before `Capacity`.
    blocked: bool,
}

#[derive(Debug)]
pub(crate) struct Server {
    plan: Arc<Plan>,
    pub(crate) machine: ServerConnection,
    pub(crate) handlers: BTreeMap<u64, Handler>,
    unconsumed: Vec<(StreamId, usize)>,
    last_act: Instant,
    pub(crate) error: Option<Error>,
    pub(crate) was_reset: bool,
}

impl Server {
    pub(crate) fn new(plan: &Arc<Plan>, now: Instant) -> Server {
        Server {
            plan: Arc::clone(plan),
            machine: ServerConnection::new(plan.server_limits.clone(), now),
            handlers: BTreeMap::new(),
            unconsumed: Vec::new(),
            last_act: now,
            error: None,
            was_reset: false,
        }
    }

    fn handler(&mut self, stream: StreamId) -> &mut Handler {
        self.handlers.get_mut(&stream.0).expect("a head comes first")
    }

    /// One step of one handler; false when it has to wait.
    fn step(&mut self, index: u64, now: Instant) -> bool {
        let Server { plan, machine, handlers, .. } = self;
        let stream = StreamId(index);
        let plan_of = &plan.exchanges[index as usize];
        let handler = handlers.get_mut(&index).expect("it is there");
        if handler.answered || handler.blocked || !handler.resets.is_empty() {
            return false;
        }
        let result = if machine.expects_continue(stream) && !plan_of.early && !handler.continued {
            let result = send(machine, stream, StatusCode::CONTINUE, 0);
            handler.continued = result.is_ok();
            result
        } else if now < handler.ready_at || !(handler.request.complete || plan_of.early) {
            return false;
        } else if handler.hints < plan_of.hints {
            let result = send(machine, stream, StatusCode::EARLY_HINTS, handler.hints);
            handler.hints += usize::from(result.is_ok());
            result
        } else if let Some(rest) = &mut handler.rest {
            let trailers = plan_of.response_body.trailers();
            if rest.is_empty() && !trailers.is_empty() {
                handler.answered = true;
                machine.send_trailers(stream, fields_of(trailers))
            } else if rest.is_empty() {
                handler.answered = true;
                machine.send_data(stream, Bytes::new(), true)
            } else {
                let capacity = machine.capacity(stream);
                if capacity == 0 {
                    handler.blocked = true;
                    return true;
                }
                let piece = rest.split_to(rest.len().min(capacity).min(plan.piece));
                // The end with the last piece, or by itself.
                let end = rest.is_empty() && trailers.is_empty() && piece.len().is_multiple_of(2);
                handler.answered = end;
                machine.send_data(stream, piece, end)
            }
        } else {
            let end = plan_of.response_body == Body::None;
            let head = Head::Response(plan_of.response_head(index as usize));
            let result = machine.send_head(stream, head, end);
            if result.is_ok() {
                if plan_of.early {
                    machine.stop_receiving(stream);
                }
                handler.rest = Some(Bytes::copy_from_slice(plan_of.response_body.bytes()));
                handler.answered = end;
            }
            result
        };
        match result {
            Ok(()) => {}
            Err(SendError::Blocked) => handler.blocked = true,
            // An earlier answer has just ended the connection: the reset is on its way.
            Err(SendError::Closed) if handler.rest.is_none() => handler.blocked = true,
            Err(error) => panic!("answer to {stream}: {error}"),
        }
        true
    }
}

fn send(
    machine: &mut ServerConnection,
    stream: StreamId,
    status: StatusCode,
    number: usize,
) -> Result<(), SendError> {
    let mut head = ResponseHead::new(status);
    head.fields.push("x-number", number.to_string())?;
    machine.send_head(stream, Head::Response(head), true)
}

impl Peer for Server {
    type Machine = ServerConnection;

    fn machine(&mut self) -> &mut ServerConnection {
        &mut self.machine
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Head { stream, head: Head::Request(head), end } => {
                let in_flight = self.handlers.values().filter(|handler| !handler.answered).count();
                assert!(in_flight < self.plan.server_limits.in_flight, "too many requests at once");
                let handler = Handler {
                    request: Message { complete: end, ..request_message(&head) },
                    resets: Vec::new(),
                    answered: false,
                    ready_at: now + self.plan.exchanges[stream.0 as usize].thinking,
                    continued: false,
                    hints: 0,
                    rest: None,
                    blocked: false,
                };
                assert_eq!(stream.0, self.handlers.len() as u64, "streams are numbered in order");
                self.handlers.insert(stream.0, handler);
            }
            Event::Data { stream, data, end } => {
                self.unconsumed.push((stream, data.len()));
                let handler = self.handler(stream);
                assert!(!handler.request.complete, "nothing comes after the end");
                handler.request.body.extend_from_slice(&data);
                handler.request.complete = end;
            }
            Event::Trailers { stream, fields } => {
                let handler = self.handler(stream);
                assert!(!handler.request.complete, "nothing comes after the end");
                handler.request.trailers = lines(&fields);
                handler.request.complete = true;
            }
            Event::Capacity { stream } => self.handler(stream).blocked = false,
            Event::Reset { stream, reason } => self.handler(stream).resets.push(reason),
            event => panic!("a server has no {event:?}"),
        }
    }

    fn on_error(&mut self, _: Instant, error: Error) {
        self.error = Some(error);
    }

    fn on_reset(&mut self, _: Instant) {
        self.was_reset = true;
    }

    fn act(&mut self, now: Instant) -> bool {
        self.last_act = now;
        let mut acted = !self.unconsumed.is_empty();
        for (stream, len) in self.unconsumed.drain(..) {
            self.machine.consumed(stream, len);
        }
        let indices: Vec<u64> = self.handlers.keys().copied().collect();
        for index in indices {
            acted |= self.step(index, now);
        }
        acted
    }

    fn wakes_at(&self) -> Option<Instant> {
        self.handlers.values().map(|handler| handler.ready_at).filter(|at| *at > self.last_act).min()
    }

    fn is_done(&self) -> bool {
        self.handlers.values().all(|handler| handler.answered || !handler.resets.is_empty())
    }

    fn describe_event(event: &Event) -> String {
        support::describe(event)
    }

    fn describe_error(error: &Error) -> String {
        error.to_string()
    }
}

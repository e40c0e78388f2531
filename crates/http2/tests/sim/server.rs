//! The server of a run.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use http::{Method, StatusCode};
use wirelace_http_semantics::{
    Event, FieldId, Head, HttpMachine, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http2::{Connection, Error};
use wirelace_sim::Peer;

use super::plan::Plan;
use super::side::{Sender, Side};

#[derive(Debug)]
struct State {
    number: usize,
    request_over: bool,
    answered: bool,
    over: bool,
}

pub(crate) struct Server {
    pub(crate) side: Side,
    plan: Plan,
    states: BTreeMap<StreamId, State>,
    requests: usize,
    left: bool,
}

impl Server {
    pub(crate) fn new(machine: Connection, plan: Plan) -> Server {
        let most = plan.server_limits.window.max(65_535).max(plan.server_limits.window_max) as usize;
        Server {
            side: Side::new(machine, plan.piece, plan.credit_share, most, plan.server_changes.clone()),
            plan,
            states: BTreeMap::new(),
            requests: 0,
            left: false,
        }
    }

    fn push(&mut self, parent: StreamId, number: usize, len: usize) {
        let path = Bytes::from(format!("/{number}/pushed"));
        let mut head = RequestHead::new(Method::GET, path).expect("valid");
        head.fields.push(FieldId::HOST, "a.example").expect("valid");
        match self.side.machine.push(parent, head) {
            Ok(promised) => {
                let head = ResponseHead::new(StatusCode::OK);
                let body = Bytes::from(vec![b'p'; len]);
                if let Err(error) = self.side.machine.send_message(promised, head, body) {
                    self.side.faults.push(format!("{promised}: {error}"));
                }
            }
            Err(SendError::Closed | SendError::Blocked) => {}
            Err(error) => self.side.faults.push(format!("push: {error}")),
        }
    }

    pub(crate) fn state(&self) -> String {
        format!("server {:?} {:?}", self.states, self.side.describe())
    }

    fn answer(&mut self, stream: StreamId) {
        let Some(state) = self.states.get_mut(&stream) else { return };
        if state.answered || state.over {
            return;
        }
        state.answered = true;
        let number = state.number;
        let exchange = self.plan.exchanges[number].clone();
        if let Some(len) = exchange.push {
            self.push(stream, number, len);
        }
        let response = &exchange.response;
        if response.interim {
            let interim = Head::Response(ResponseHead::new(StatusCode::EARLY_HINTS));
            if let Err(error) = self.side.machine.send_head(stream, interim, false) {
                self.side.faults.push(format!("{stream}: {error}"));
            }
        }
        let head = ResponseHead::new(StatusCode::OK);
        let sent = if response.whole && !response.trailers {
            self.side.machine.send_message(stream, head, response.body.clone())
        } else {
            let sender = Sender::new(response.body.clone(), response.trailers);
            self.side.senders.insert(stream, sender);
            self.side.machine.send_head(stream, Head::Response(head), false)
        };
        if let Err(error) = sent {
            self.side.faults.push(format!("{stream}: {error}"));
        }
    }
}

impl Peer for Server {
    type Machine = Connection;

    fn machine(&mut self) -> &mut Connection {
        &mut self.side.machine
    }

    fn on_event(&mut self, _: Instant, event: Event) {
        match event {
            Event::Head { stream, head: Head::Request(head), end } => {
                let number: usize = head.path().trim_start_matches('/').parse().expect("a number");
                self.requests += 1;
                self.states.insert(stream, State { number, request_over: end, answered: false, over: false });
                let exchange = &self.plan.exchanges[number];
                if exchange.server_ignores && !end {
                    self.side.machine.stop_receiving(stream);
                }
                if !exchange.response.after_request || end || exchange.server_ignores {
                    self.answer(stream);
                }
            }
            Event::Data { stream, data, end } => {
                self.side.take(stream, &data);
                let Some(state) = self.states.get_mut(&stream) else { return };
                let exchange = &self.plan.exchanges[state.number];
                if state.request_over || exchange.server_ignores {
                    self.side.faults.push(format!("{stream}: data out of place"));
                }
                state.request_over = end;
                let enough = exchange.server_resets;
                let received = self.side.received(stream).len();
                if end && self.side.received(stream) != &exchange.request[..] {
                    self.side.faults.push(format!("{stream}: the request has other bytes"));
                }
                if !end && enough.is_some_and(|enough| received >= enough) {
                    state.over = true;
                    self.side.machine.reset(stream, Reason::Internal);
                    self.side.forget(stream);
                } else if end {
                    self.answer(stream);
                }
            }
            Event::Trailers { stream, fields } => {
                if let Some(state) = self.states.get_mut(&stream) {
                    state.request_over = true;
                    let exchange = &self.plan.exchanges[state.number];
                    let whole = self.side.received(stream) == &exchange.request[..];
                    if !whole || fields.get("x-check") != Some(b"end") || !exchange.request_trailers {
                        self.side.faults.push(format!("{stream}: trailers out of place"));
                    }
                }
                self.answer(stream);
            }
            Event::Capacity { stream } => {
                if let Some(sender) = self.side.senders.get_mut(&stream) {
                    sender.blocked = false;
                }
            }
            Event::Reset { stream, .. } => {
                self.side.forget(stream);
                if let Some(state) = self.states.get_mut(&stream) {
                    state.over = true;
                }
            }
            Event::GoAway { .. } => {}
            other => self.side.faults.push(format!("unexpected {other:?}")),
        }
    }

    fn on_error(&mut self, _: Instant, error: Error) {
        self.side.error = Some(error);
    }

    fn on_reset(&mut self, _: Instant) {
        self.side.was_reset = true;
    }

    fn act(&mut self, now: Instant) -> bool {
        let mut moved = self.side.send();
        moved |= self.side.give_back();
        moved |= self.side.change_settings(now);
        if !self.left && self.plan.server_leaves.is_some_and(|after| self.requests >= after) {
            self.left = true;
            self.side.machine.shut_down();
            return true;
        }
        moved
    }

    fn is_done(&self) -> bool {
        true
    }

    fn describe_event(event: &Event) -> String {
        format!("{event:?}")
    }
}

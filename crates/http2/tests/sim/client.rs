//! The client of a run.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use wirelace_http_semantics::{
    Event, FieldId, Head, HttpMachine, Priority, Reason, RequestHead, SendError, StreamId,
};
use wirelace_http2::{Connection, Error};
use wirelace_sim::Peer;

use super::plan::Plan;
use super::side::{Sender, Side};

#[derive(Debug, Default, Clone)]
struct State {
    stream: Option<StreamId>,
    head: bool,
    trailers: bool,
    complete: bool,
    /// Reset by the server, or by this side.
    reset: Option<Reason>,
    own_reset: bool,
    refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Complete,
    Reset,
    Lost,
}

pub(crate) struct Client {
    pub(crate) side: Side,
    plan: Plan,
    states: Vec<State>,
    by_stream: BTreeMap<StreamId, usize>,
    /// Promised streams, with the exchange that they belong to.
    pushes: BTreeMap<StreamId, (usize, bool)>,
    pub(crate) pushes_taken: u64,
    next: usize,
    going: bool,
    said_goodbye: bool,
}

impl Client {
    pub(crate) fn new(machine: Connection, plan: Plan) -> Client {
        let most = plan.client_limits.window.max(65_535).max(plan.client_limits.window_max) as usize;
        Client {
            side: Side::new(machine, plan.piece, plan.credit_share, most, plan.client_changes.clone()),
            states: vec![State::default(); plan.exchanges.len()],
            plan,
            by_stream: BTreeMap::new(),
            pushes: BTreeMap::new(),
            pushes_taken: 0,
            next: 0,
            going: false,
            said_goodbye: false,
        }
    }

    fn request(&self, number: usize) -> RequestHead {
        let exchange = &self.plan.exchanges[number];
        let mut head = RequestHead::new(Method::POST, Bytes::from(format!("/{number}"))).expect("valid");
        head.fields.push(FieldId::HOST, "a.example").expect("valid");
        if exchange.announce_length {
            head.fields.push(FieldId::CONTENT_LENGTH, exchange.request.len().to_string()).expect("valid");
        }
        let priority = Priority::new(exchange.urgency, exchange.incremental);
        let mut value = Vec::new();
        priority.write(&mut value);
        if !value.is_empty() {
            head.fields.push(FieldId::PRIORITY, value).expect("valid");
        }
        head
    }

    /// Whether the exchange came out as it must.
    pub(crate) fn verdict(&self, number: usize) -> Result<Verdict, String> {
        let (state, exchange) = (&self.states[number], &self.plan.exchanges[number]);
        let Some(stream) = state.stream else {
            return Ok(if self.going { Verdict::Reset } else { Verdict::Lost });
        };
        if state.complete {
            if self.side.received(stream) != &exchange.response.body[..] {
                return Err("the response has other bytes".into());
            }
            if state.trailers != exchange.response.trailers {
                return Err("trailers are missing, or there are some too many".into());
            }
            return Ok(Verdict::Complete);
        }
        if state.own_reset || state.refused {
            return Ok(Verdict::Reset);
        }
        match state.reset {
            Some(Reason::PeerClosed) => Ok(Verdict::Lost),
            Some(_) if exchange.server_resets.is_some() => Ok(Verdict::Reset),
            // The server had answered, and did not want the rest of the request.
            Some(reason) => Err(format!("reset although nobody planned it: {reason:?}")),
            None => Ok(Verdict::Lost),
        }
    }

    pub(crate) fn state(&self) -> String {
        format!("client {:?} {:?} {:?}", self.states, self.pushes, self.side.describe())
    }

    fn is_settled(&self) -> bool {
        let all = self.states.iter().all(|state| {
            state.complete
                || state.own_reset
                || state.refused
                || state.reset.is_some()
                || state.stream.is_none() && self.going
        });
        let uploads = self.side.senders.values().all(|sender| sender.ended);
        all && uploads && self.pushes.values().all(|&(_, over)| over)
    }
}

impl Peer for Client {
    type Machine = Connection;

    fn machine(&mut self) -> &mut Connection {
        &mut self.side.machine
    }

    fn on_event(&mut self, _: Instant, event: Event) {
        match event {
            Event::Promise { stream, promised, head: Head::Request(head) } => {
                let Some(&number) = self.by_stream.get(&stream) else {
                    return self.side.faults.push(format!("{stream} promises, unknown"));
                };
                if head.path() != format!("/{number}/pushed") {
                    self.side.faults.push(format!("promised {}", head.path()));
                }
                let refuse = self.plan.exchanges[number].refuse_push;
                if refuse {
                    self.side.machine.reset(promised, Reason::Cancel);
                }
                self.pushes.insert(promised, (number, refuse));
            }
            Event::Head { stream, end, .. } => {
                if let Some((_, over)) = self.pushes.get_mut(&stream) {
                    *over |= end;
                    return;
                }
                let Some(&number) = self.by_stream.get(&stream) else {
                    return self.side.faults.push(format!("{stream} has a head, unknown"));
                };
                self.states[number].head = true;
                self.states[number].complete = end;
            }
            Event::Informational { stream, .. } => {
                if let Some(&number) = self.by_stream.get(&stream)
                    && (self.states[number].head || !self.plan.exchanges[number].response.interim)
                {
                    self.side.faults.push(format!("{stream}: interim response out of place"));
                }
            }
            Event::Data { stream, data, end } => {
                self.side.take(stream, &data);
                if let Some((number, over)) = self.pushes.get_mut(&stream) {
                    let length = self.plan.exchanges[*number].push;
                    if end {
                        *over = true;
                        self.pushes_taken += 1;
                        if Some(self.side.received(stream).len()) != length {
                            self.side.faults.push(format!("{stream}: pushed another length"));
                        }
                    }
                    return;
                }
                let Some(&number) = self.by_stream.get(&stream) else {
                    return self.side.faults.push(format!("{stream} has data, unknown"));
                };
                let (state, exchange) = (&mut self.states[number], &self.plan.exchanges[number]);
                if state.complete || state.own_reset || !state.head {
                    self.side.faults.push(format!("{stream}: data out of place"));
                }
                state.complete = end;
                let enough = exchange.client_resets;
                if !end && enough.is_some_and(|enough| self.side.received(stream).len() >= enough) {
                    state.own_reset = true;
                    self.side.machine.reset(stream, Reason::Cancel);
                    self.side.forget(stream);
                }
            }
            Event::Trailers { stream, .. } => {
                if let Some(&number) = self.by_stream.get(&stream) {
                    self.states[number].trailers = true;
                    self.states[number].complete = true;
                }
            }
            Event::Capacity { stream } => {
                if let Some(sender) = self.side.senders.get_mut(&stream) {
                    sender.blocked = false;
                }
            }
            Event::Reset { stream, reason } => {
                self.side.forget(stream);
                if let Some((_, over)) = self.pushes.get_mut(&stream) {
                    *over = true;
                    return;
                }
                let Some(&number) = self.by_stream.get(&stream) else { return };
                let state = &mut self.states[number];
                if state.complete {
                    return; // The server did not want the rest of the request.
                }
                state.reset = Some(reason);
                state.refused = reason == Reason::Refused;
            }
            Event::GoAway { .. } => self.going = true,
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
        let mut moved = false;
        while self.next < self.plan.exchanges.len() && !self.going {
            let exchange = &self.plan.exchanges[self.next];
            let end = exchange.request.is_empty() && !exchange.request_trailers;
            match self.side.machine.send_request(self.request(self.next), end) {
                Ok(stream) => {
                    if !end {
                        let sender = Sender::new(exchange.request.clone(), exchange.request_trailers);
                        self.side.senders.insert(stream, sender);
                    }
                    self.states[self.next].stream = Some(stream);
                    self.by_stream.insert(stream, self.next);
                    self.next += 1;
                    moved = true;
                }
                Err(SendError::Blocked) => break,
                Err(SendError::ShuttingDown) => {
                    self.going = true;
                    break;
                }
                Err(error) => {
                    self.side.faults.push(format!("request {}: {error}", self.next));
                    break;
                }
            }
        }
        moved |= self.side.send();
        moved |= self.side.give_back();
        moved |= self.side.change_settings(now);
        if !self.said_goodbye && self.is_settled() {
            self.said_goodbye = true;
            self.side.machine.shut_down();
            return true;
        }
        moved
    }

    fn is_done(&self) -> bool {
        self.said_goodbye
    }

    fn describe_event(event: &Event) -> String {
        format!("{event:?}")
    }
}

//! An application that asks and answers.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use wirelace_sim::{Peer, Rng};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Error, Event, ExchangeId, Form, SendError, Session};

use crate::plan::{Request, SidePlan};

/// How an own request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Complete,
    Failed,
    Cancelled,
    Unsent,
}

/// An own request.
#[derive(Debug)]
struct Call {
    request: Request,
    id: Option<ExchangeId>,
    unsent: Bytes,
    blocked: bool,
    answer: BytesMut,
    ending: Option<Ending>,
}

/// A request of the peer.
#[derive(Debug)]
struct Handler {
    received: VecDeque<Bytes>,
    received_all: bool,
    begun: bool,
    blocked: bool,
    /// Answers when all of the request is there.
    whole: bool,
    /// Ends with an error.
    refuses: bool,
}

pub(crate) struct Side {
    pub(crate) session: Session,
    plan: SidePlan,
    is_client: bool,
    rng: Rng,
    calls: Vec<Call>,
    by_id: BTreeMap<ExchangeId, usize>,
    handlers: BTreeMap<ExchangeId, Handler>,
    /// Handed out and not yet given back.
    owed: Vec<(ExchangeId, usize)>,
    owed_messages: Vec<usize>,
    messages_sent: usize,
    messages_blocked: bool,
    requests_blocked: bool,
    peer_going: bool,
    rests_until: Option<Instant>,
    shut_down: bool,
    pub(crate) form: Option<Form>,
    pub(crate) error: Option<Error>,
    pub(crate) was_reset: bool,
    pub(crate) wrong: Vec<String>,
}

fn turned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

impl Side {
    pub(crate) fn new(session: Session, plan: &SidePlan, is_client: bool) -> Side {
        let calls = plan.requests.iter().map(|request| Call {
            request: request.clone(),
            id: None,
            unsent: request.body.clone(),
            blocked: false,
            answer: BytesMut::new(),
            ending: None,
        });
        Side {
            session,
            calls: calls.collect(),
            plan: plan.clone(),
            is_client,
            rng: Rng::new(plan.seed),
            by_id: BTreeMap::new(),
            handlers: BTreeMap::new(),
            owed: Vec::new(),
            owed_messages: Vec::new(),
            messages_sent: 0,
            messages_blocked: false,
            requests_blocked: false,
            peer_going: false,
            rests_until: None,
            shut_down: false,
            form: None,
            error: None,
            was_reset: false,
            wrong: Vec::new(),
        }
    }

    pub(crate) fn endings(&self) -> Vec<Option<Ending>> {
        let unsent = |call: &Call| call.id.is_none().then_some(Ending::Unsent);
        self.calls.iter().map(|call| call.ending.or(unsent(call))).collect()
    }

    pub(crate) fn summary(&self) -> String {
        format!(
            "form {:?} error {:?} reset {} endings {:?} handlers {:?} stats {:?}",
            self.form,
            self.error,
            self.was_reset,
            self.endings(),
            self.handlers.keys(),
            self.session.stats()
        )
    }

    fn complain(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    fn check(&mut self, holds: bool, what: &str) {
        if !holds {
            self.complain(what);
        }
    }

    fn end(&mut self, id: ExchangeId, ending: Ending) {
        let Some(&index) = self.by_id.get(&id) else {
            return self.complain(format!("an ending of exchange {id:?}, which is not ours"));
        };
        if let Some(before) = self.calls[index].ending {
            return self.complain(format!("{id:?} ended as {before:?} and as {ending:?}"));
        }
        self.calls[index].ending = Some(ending);
    }

    fn on_part(&mut self, id: ExchangeId, data: Bytes, end: bool) {
        self.owed.push((id, data.len()));
        if let Some(handler) = self.handlers.get_mut(&id) {
            handler.received.push_back(data);
            handler.received_all |= end;
            return;
        }
        let Some(&index) = self.by_id.get(&id) else {
            return self.complain(format!("a part of {id:?}, which nobody knows"));
        };
        let call = &mut self.calls[index];
        call.answer.extend_from_slice(&data);
        if end {
            if call.answer != turned(&call.request.body) {
                self.complain(format!("{id:?} got a wrong answer"));
            }
            self.end(id, Ending::Complete);
        }
    }

    fn start_calls(&mut self, now: Instant) -> bool {
        if self.requests_blocked || self.form.is_none() {
            return false;
        }
        let base = self.form == Some(Form::Base);
        let Some(index) = self.calls.iter().position(|call| call.id.is_none() && call.ending.is_none())
        else {
            return false;
        };
        let piece = self.plan.piece;
        let capacity = self.session.request_capacity();
        let call = &mut self.calls[index];
        let len = if base { call.unsent.len() } else { call.unsent.len().min(piece).min(capacity) };
        let data = call.unsent.slice(..len);
        let end = len == call.unsent.len();
        match self.session.send_request(now, data, end, call.request.timeout) {
            Ok(id) => {
                call.unsent = call.unsent.slice(len..);
                call.id = Some(id);
                self.by_id.insert(id, index);
                true
            }
            Err(SendError::Full) => {
                self.requests_blocked = true;
                false
            }
            Err(
                SendError::Unsupported
                | SendError::ShuttingDown
                | SendError::Closed
                | SendError::TooLong { .. },
            ) => {
                call.ending = Some(Ending::Unsent);
                true
            }
            Err(error) => {
                self.complain(format!("a request was refused: {error}"));
                false
            }
        }
    }

    fn go_on_with_calls(&mut self) -> bool {
        for index in 0..self.calls.len() {
            let call = &mut self.calls[index];
            let Some(id) = call.id.filter(|_| call.ending.is_none()) else { continue };
            if call
                .request
                .cancel_after
                .is_some_and(|after| call.answer.len() >= after && call.unsent.is_empty())
            {
                self.session.cancel(id, ErrorCode::CANCELLED);
                self.end(id, Ending::Cancelled);
                return true;
            }
            if call.unsent.is_empty() || call.blocked {
                continue;
            }
            let capacity = self.session.capacity(id);
            if capacity == 0 {
                call.blocked = true;
                continue;
            }
            let len = call.unsent.len().min(self.plan.piece).min(capacity);
            let data = call.unsent.split_to(len);
            let end = call.unsent.is_empty();
            if let Err(error) = self.session.send_data(id, data, end) {
                self.complain(format!("{id:?} could not go on: {error}"));
            }
            return true;
        }
        false
    }

    fn answer(&mut self) -> bool {
        let base = self.form == Some(Form::Base);
        for (&id, handler) in &mut self.handlers {
            if handler.blocked || !handler.received_all && (handler.whole || base) {
                continue;
            }
            if handler.refuses && handler.received_all {
                let sent = self.session.respond_error(id, ErrorCode::APPLICATION, "no");
                if let Err(error) = sent {
                    self.wrong.push(format!("{id:?} could not be refused: {error}"));
                }
                self.handlers.remove(&id);
                return true;
            }
            if handler.refuses {
                continue;
            }
            let waiting: usize = handler.received.iter().map(Bytes::len).sum();
            if waiting == 0 && !handler.received_all {
                continue;
            }
            let capacity = self.session.capacity(id);
            if capacity == 0 && (waiting > 0 || base) {
                handler.blocked = true;
                continue;
            }
            let most = if base { waiting } else { waiting.min(self.plan.piece).min(capacity) };
            let mut data = BytesMut::new();
            while data.len() < most {
                let Some(mut part) = handler.received.pop_front() else { break };
                let len = part.len().min(most - data.len());
                data.extend_from_slice(&turned(&part.split_to(len)));
                if !part.is_empty() {
                    handler.received.push_front(part);
                }
            }
            let end = handler.received_all && handler.received.iter().all(Bytes::is_empty);
            let begun = std::mem::replace(&mut handler.begun, true);
            let data = data.freeze();
            let sent = match begun {
                false => self.session.respond(id, data, end),
                true => self.session.send_data(id, data, end),
            };
            if let Err(error) = sent {
                self.wrong.push(format!("{id:?} could not be answered: {error}"));
            }
            if end {
                self.handlers.remove(&id);
            }
            return true;
        }
        false
    }

    fn give_back(&mut self) -> bool {
        if let Some((id, octets)) = self.owed.pop() {
            let part = self.rng.within(octets.min(1)..=octets);
            self.session.consumed(id, part);
            if part < octets {
                self.owed.push((id, octets - part));
            }
            return true;
        }
        let Some(octets) = self.owed_messages.pop() else { return false };
        self.session.message_consumed(octets);
        true
    }

    fn send_messages(&mut self) -> bool {
        if self.messages_blocked
            || self.messages_sent == self.plan.messages
            || !matches!(self.form, Some(Form::Extended { .. }))
        {
            return false;
        }
        let len = self.rng.below(30);
        match self.session.send_message(Bytes::from(vec![7; len])) {
            Ok(()) => self.messages_sent += 1,
            Err(SendError::Full) => self.messages_blocked = true,
            // The peer's window may be smaller than this message.
            Err(_) => self.messages_sent = self.plan.messages,
        }
        true
    }

    fn all_ended(&self) -> bool {
        self.calls.iter().all(|call| call.ending.is_some())
    }
}

impl Peer for Side {
    type Machine = Session;

    fn machine(&mut self) -> &mut Session {
        &mut self.session
    }

    fn on_event(&mut self, _: Instant, event: Event) {
        match event {
            Event::Ready { form } => {
                let before = self.form.replace(form);
                self.check(before.is_none(), "ready twice");
            }
            Event::Request { id, data, end, .. } => {
                let handler = Handler {
                    received: VecDeque::new(),
                    received_all: false,
                    begun: false,
                    blocked: false,
                    // Whoever waits for all of it must take it meanwhile, or there is no more credit.
                    whole: self.rng.percent(30),
                    refuses: self.rng.percent(5),
                };
                if self.handlers.insert(id, handler).is_some() {
                    self.complain(format!("{id:?} came twice"));
                }
                self.on_part(id, data, end);
            }
            Event::Response { id, data, end } | Event::Data { id, data, end } => self.on_part(id, data, end),
            Event::Failed { id, .. } => self.end(id, Ending::Failed),
            Event::Cancelled { id, .. } => {
                let handler = self.handlers.remove(&id);
                self.check(handler.is_some(), "cancelled and not open");
            }
            Event::Capacity { id } => {
                if let Some(handler) = self.handlers.get_mut(&id) {
                    handler.blocked = false;
                } else if let Some(&index) = self.by_id.get(&id) {
                    self.calls[index].blocked = false;
                }
            }
            Event::RequestCapacity => self.requests_blocked = false,
            Event::MessageCapacity => self.messages_blocked = false,
            Event::Message { data } => self.owed_messages.push(data.len()),
            Event::GoAway { .. } => {
                self.peer_going = true;
                self.requests_blocked = false;
            }
            _ => {}
        }
    }

    fn on_error(&mut self, _: Instant, error: Error) {
        self.error = Some(error);
    }

    fn on_reset(&mut self, _: Instant) {
        self.was_reset = true;
    }

    fn act(&mut self, now: Instant) -> bool {
        if self.rests_until.is_some_and(|until| now < until) {
            return false;
        }
        self.rests_until = None;
        if self.rng.percent(self.plan.rests) {
            self.rests_until = Some(now + Duration::from_millis(self.rng.within(1..=20) as u64));
            return false;
        }
        let did = self.give_back()
            | self.start_calls(now)
            | self.go_on_with_calls()
            | self.answer()
            | self.send_messages();
        if !did && self.all_ended() && self.handlers.is_empty() && !self.shut_down && self.form.is_some() {
            // The server waits until the client has had all it wanted.
            if self.is_client || self.peer_going {
                self.shut_down = true;
                self.session.shut_down(now);
                return true;
            }
        }
        did
    }

    fn wakes_at(&self) -> Option<Instant> {
        self.rests_until
    }

    fn is_done(&self) -> bool {
        self.all_ended()
    }

    fn describe_event(event: &Event) -> String {
        let mut text = format!("{event:?}");
        text.truncate(100);
        text
    }

    fn describe_error(error: &Error) -> String {
        error.to_string()
    }
}

//! What runs above a caller's session.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use bytes::Bytes;
use wirelace_wire::Machine as _;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Error, Event, ExchangeId, Form, SendError, Session};

use super::body::{Collected, go_on};
use super::error::CallError;
use super::id_map::IdMap;
use super::mailbox::{NewCall, Shared, Slot};
use crate::timer::Timer;
use crate::{Application, Outcome, Step};

/// A call that was sent, or is being sent.
struct Active {
    slot: Arc<Slot>,
    /// Where one frame each way is not enough.
    parts: Option<Box<Parts>>,
}

#[derive(Default)]
struct Parts {
    rest: Bytes,
    answer: Collected,
}

pub(super) struct CallerApp {
    shared: Arc<Shared>,
    max_response: usize,
    /// Calls for which there was no room yet.
    waiting: VecDeque<NewCall>,
    /// No call that waits has less time.
    earliest: Option<Instant>,
    active: IdMap<Active>,
    /// Waits for room for a request.
    blocked: bool,
    timer: Timer,
    /// The task that the timer wakes.
    task: Option<Waker>,
    shutting_down: bool,
}

impl CallerApp {
    pub(super) fn new(shared: Arc<Shared>, max_response: usize) -> CallerApp {
        CallerApp {
            shared,
            max_response,
            waiting: VecDeque::new(),
            earliest: None,
            active: IdMap::default(),
            blocked: false,
            timer: Timer::default(),
            task: None,
            shutting_down: false,
        }
    }

    fn end(&mut self, id: ExchangeId, answer: Result<Bytes, CallError>) {
        if let Some(active) = self.active.remove(&id) {
            active.slot.fill(answer);
        }
    }

    fn on_part(&mut self, session: &mut Session, id: ExchangeId, data: Bytes, end: bool) {
        let Some(active) = self.active.get_mut(&id) else { return };
        // What is kept here is bounded by the limit below.
        session.consumed(id, data.len());
        let parts = active.parts.get_or_insert_default();
        parts.answer.push(data);
        if parts.answer.len() > self.max_response {
            session.cancel(id, ErrorCode::LIMIT);
            self.end(id, Err(CallError::ResponseTooLong { limit: self.max_response }));
        } else if end {
            let answer = std::mem::take(&mut parts.answer).finish();
            self.end(id, Ok(answer));
        }
    }

    /// Sends what there is room for; true when anything was.
    fn start_calls(&mut self, session: &mut Session, now: Instant) -> bool {
        let mut started = false;
        while !self.blocked && session.is_ready() {
            let Some(call) = self.waiting.pop_front() else { break };
            if call.slot.is_over() {
                continue;
            }
            started = true;
            let timeout = call.until.map(|until| until.saturating_duration_since(now));
            let capacity = session.request_capacity();
            let mut rest = call.payload.clone();
            // The base form takes a request whole, or says that it is too long.
            let most = if session.form() == Some(Form::Base) { usize::MAX } else { capacity };
            let first = rest.split_to(most.min(rest.len()));
            match session.send_request(now, first, rest.is_empty(), timeout) {
                Ok(id) => {
                    // What is left waits for its capacity.
                    let _ = go_on(session, id, &mut rest);
                    let parts = (!rest.is_empty()).then(|| Box::new(Parts { rest, ..Parts::default() }));
                    self.active.insert(id, Active { slot: call.slot, parts });
                }
                Err(SendError::Full | SendError::NotReady) => {
                    self.waiting.push_front(call);
                    self.blocked = true;
                    return started;
                }
                Err(SendError::TooLong { length, limit }) => {
                    call.slot.fill(Err(CallError::RequestTooLong { length, limit }));
                }
                Err(_) => call.slot.fill(Err(CallError::Refused)),
            }
        }
        started
    }

    /// Calls whose callers have left are cancelled, those whose time is over while they wait end.
    fn tidy(&mut self, session: &mut Session, abandoned: bool, now: Instant) {
        if abandoned {
            self.waiting.retain(|call| !call.slot.is_over());
            self.active.retain(|id, active| {
                let over = active.slot.is_over();
                if over {
                    session.cancel(*id, ErrorCode::CANCELLED);
                }
                !over
            });
        }
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return;
        }
        self.waiting.retain(|call| {
            let late = call.until.is_some_and(|until| until <= now);
            if late {
                call.slot.fill(Err(CallError::Timeout));
            }
            !late
        });
        self.earliest = self.waiting.iter().filter_map(|call| call.until).min();
    }
}

impl CallerApp {
    /// Wakes the task when the first call that waits has waited long enough.
    fn arm(&mut self, cx: &mut Context<'_>, now: Instant) {
        if self.earliest.is_none() {
            return;
        }
        // One that has fired would pass for armed.
        self.timer.due(now);
        let fresh = !self.task.as_ref().is_some_and(|known| known.will_wake(cx.waker()));
        if fresh {
            self.task = Some(cx.waker().clone());
        }
        if self.timer.arm(cx, self.earliest, now, fresh) {
            cx.waker().wake_by_ref();
        }
    }
}

impl Application<Session> for CallerApp {
    fn on_event(&mut self, _: &mut Context<'_>, session: &mut Session, event: Event, _: Instant) {
        match event {
            // All of it; the session is through with it.
            Event::Response { id, data, end: true } => {
                let fits = data.len() <= self.max_response;
                let limit = self.max_response;
                self.end(id, if fits { Ok(data) } else { Err(CallError::ResponseTooLong { limit }) });
            }
            Event::Response { id, data, end } | Event::Data { id, data, end } => {
                self.on_part(session, id, data, end)
            }
            Event::Failed { id, code, text, by_peer } => {
                let error = match code {
                    ErrorCode::DEADLINE => CallError::Timeout,
                    ErrorCode::REFUSED => CallError::Refused,
                    _ if by_peer => CallError::Peer { code, text },
                    _ => CallError::Lost(text),
                };
                self.end(id, Err(error));
            }
            Event::Capacity { id } => {
                if let Some(Active { parts: Some(parts), .. }) = self.active.get_mut(&id) {
                    let _ = go_on(session, id, &mut parts.rest);
                }
            }
            Event::RequestCapacity | Event::Ready { .. } => self.blocked = false,
            Event::GoAway { .. } => {
                self.blocked = false;
                let mut mail = self.shared.mail();
                mail.closed = Some(CallError::Refused);
                self.waiting.extend(mail.calls.drain(..));
            }
            Event::Message { data } => session.message_consumed(data.len()),
            // Nothing is offered to the peer of a caller.
            Event::Request { id, .. } => {
                let _ = session.respond_error(id, ErrorCode::REFUSED, "requests are not taken here");
            }
            _ => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, session: &mut Session, now: Instant) -> Step {
        let shared = Arc::clone(&self.shared);
        let (abandoned, left) = {
            let mut mail = shared.look(cx);
            let known = self.waiting.len();
            self.waiting.append(&mut mail.calls);
            for call in self.waiting.range_mut(known..) {
                call.until = call.timeout.and_then(|timeout| now.checked_add(timeout));
                self.earliest = self.earliest.into_iter().chain(call.until).min();
            }
            (std::mem::take(&mut mail.abandoned) > 0, mail.callers == 0)
        };
        if abandoned || self.blocked || !session.is_ready() {
            self.tidy(session, abandoned, now);
        }
        let mut worked = abandoned | self.start_calls(session, now);
        if self.waiting.is_empty() {
            self.earliest = None;
        }
        if (left || self.shutting_down) && self.waiting.is_empty() && self.active.is_empty() && !worked {
            let finished = session.is_finished();
            session.shut_down(now);
            worked = !finished && session.is_finished();
        }
        self.arm(cx, now);
        if worked { Step::Again } else { Step::Wait }
    }

    fn shut_down(&mut self, _: &mut Session, _: Instant) {
        self.shutting_down = true;
    }

    fn on_close(&mut self, outcome: Outcome<Error>) {
        let lost = match outcome {
            Outcome::Finished => CallError::Lost("the connection was closed".into()),
            Outcome::Protocol(error) => CallError::Lost(error.to_string()),
            Outcome::Io(error) => CallError::Lost(error.to_string()),
            _ => CallError::Lost("the connection was given up".into()),
        };
        {
            let mut mail = self.shared.mail();
            mail.closed.get_or_insert_with(|| lost.clone());
            self.waiting.append(&mut mail.calls);
        }
        for (_, active) in self.active.drain() {
            active.slot.fill(Err(lost.clone()));
        }
        for call in self.waiting.drain(..) {
            call.slot.fill(Err(CallError::Refused));
        }
    }
}

/// The connection may be dropped without having been told that it is over.
impl Drop for CallerApp {
    fn drop(&mut self) {
        self.on_close(Outcome::Aborted);
    }
}

//! What runs above a caller's session.

mod streams;
mod wishes;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use bytes::Bytes;
use wirelace_wire::Machine as _;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Error, Event, ExchangeId, Form, SendError, Session};

use self::wishes::Wishes;
use super::body::{Collected, go_on};
use super::error::CallError;
use super::flow::send;
use super::id_map::IdMap;
use super::mailbox::{NewCall, Reply, Shared};
use crate::timer::Timer;
use crate::{Application, Outcome, Step};

/// A call that was sent, or is being sent.
struct Active {
    reply: Reply,
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
    /// Octets of a request in the base form, at most.
    max_frame: usize,
    /// Calls for which there was no room yet.
    waiting: VecDeque<NewCall>,
    /// No call that waits has less time.
    earliest: Option<Instant>,
    active: IdMap<Active>,
    /// Calls that the base form can send when their payloads are whole.
    gathering: Vec<NewCall>,
    /// Calls that the peer has not processed: their callers are told after all else that came with them.
    refused: Vec<Reply>,
    wishes: Wishes,
    /// There has been a call in parts.
    streams: bool,
    /// Waits for room for a request.
    blocked: bool,
    timer: Timer,
    /// The task that the timer wakes.
    task: Option<Waker>,
    shutting_down: bool,
}

impl CallerApp {
    pub(super) fn new(shared: Arc<Shared>, max_response: usize, max_frame: usize) -> CallerApp {
        CallerApp {
            shared,
            max_response,
            max_frame,
            waiting: VecDeque::new(),
            earliest: None,
            active: IdMap::default(),
            gathering: Vec::new(),
            refused: Vec::new(),
            wishes: Wishes::default(),
            streams: false,
            blocked: false,
            timer: Timer::default(),
            task: None,
            shutting_down: false,
        }
    }

    /// The response is complete, and this is all of it, or the rest.
    fn end(&mut self, id: ExchangeId, data: Bytes) {
        let Some(active) = self.active.remove(&id) else { return };
        match active.reply {
            Reply::Slot(slot) if data.len() <= self.max_response => slot.fill(Ok(data)),
            Reply::Slot(slot) => slot.fill(Err(CallError::ResponseTooLong { limit: self.max_response })),
            Reply::Pipe(pipe) => {
                pipe.deliver(data, true);
                pipe.close(&CallError::Answered);
            }
        }
    }

    fn fail(&mut self, id: ExchangeId, error: CallError) {
        let Some(active) = self.active.remove(&id) else { return };
        if matches!(error, CallError::Refused) {
            self.refused.push(active.reply);
        } else {
            active.reply.fail(error);
        }
    }

    fn on_part(&mut self, session: &mut Session, id: ExchangeId, data: Bytes, end: bool) {
        let Some(active) = self.active.get_mut(&id) else { return };
        if let Reply::Pipe(pipe) = &active.reply {
            if end {
                return self.end(id, data);
            }
            // Whoever reads it says so.
            let unread = pipe.deliver(data, false);
            return session.consumed(id, unread);
        }
        // What is kept here is bounded by the limit below.
        session.consumed(id, data.len());
        let parts = active.parts.get_or_insert_default();
        parts.answer.push(data);
        if parts.answer.len() > self.max_response {
            session.cancel(id, ErrorCode::LIMIT);
            self.fail(id, CallError::ResponseTooLong { limit: self.max_response });
        } else if end {
            let answer = std::mem::take(&mut parts.answer).finish();
            self.end(id, answer);
        }
    }

    /// Sends what there is room for; true when anything was.
    fn start_calls(&mut self, session: &mut Session, now: Instant) -> bool {
        let mut started = false;
        while !self.blocked && session.is_ready() {
            let Some(call) = self.waiting.pop_front() else { break };
            if !call.reply.is_wanted() {
                continue;
            }
            started = true;
            if let Reply::Pipe(pipe) = &call.reply {
                let pipe = Arc::clone(pipe);
                self.open(session, call, &pipe, now);
                continue;
            }
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
                    self.active.insert(id, Active { reply: call.reply, parts });
                }
                Err(SendError::Full | SendError::NotReady) => {
                    self.waiting.push_front(call);
                    self.blocked = true;
                    return started;
                }
                Err(SendError::TooLong { length, limit }) => {
                    call.reply.fail(CallError::RequestTooLong { length, limit });
                }
                Err(_) => call.reply.fail(CallError::Refused),
            }
        }
        started
    }

    /// Calls whose callers have left are cancelled, those whose time is over while they wait end.
    fn tidy(&mut self, session: &mut Session, abandoned: bool, now: Instant) {
        if abandoned {
            self.waiting.retain(|call| call.reply.is_wanted());
            self.gathering.retain(|call| call.reply.is_wanted());
            self.active.retain(|id, active| {
                let wanted = active.reply.is_wanted();
                if !wanted {
                    session.cancel(*id, ErrorCode::CANCELLED);
                }
                wanted
            });
        }
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return;
        }
        let in_time = |call: &NewCall| {
            let late = call.until.is_some_and(|until| until <= now);
            if late {
                call.reply.fail(CallError::Timeout);
            }
            !late
        };
        self.waiting.retain(in_time);
        self.gathering.retain(in_time);
        self.earliest = self.waiting.iter().chain(&self.gathering).filter_map(|call| call.until).min();
    }

    /// Takes the mail; whether calls were abandoned, and whether all callers have left.
    fn take_mail(&mut self, cx: &Context<'_>, now: Instant) -> (bool, bool) {
        let shared = Arc::clone(&self.shared);
        let mut mail = shared.look(cx);
        let known = self.waiting.len();
        self.waiting.append(&mut mail.calls);
        for call in self.waiting.range_mut(known..) {
            call.until = call.timeout.and_then(|timeout| now.checked_add(timeout));
            self.earliest = self.earliest.into_iter().chain(call.until).min();
            self.streams |= matches!(call.reply, Reply::Pipe(_));
        }
        if !mail.wishes.is_empty() {
            self.wishes.add(&mut mail.wishes);
        }
        (std::mem::take(&mut mail.abandoned) > 0, mail.callers == 0)
    }

    /// Nothing is under way, and nothing waits.
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.active.is_empty() && self.gathering.is_empty()
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
            Event::Response { id, data, end: true } => self.end(id, data),
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
                self.fail(id, error);
            }
            Event::Capacity { id } => match self.active.get_mut(&id) {
                Some(Active { reply: Reply::Pipe(pipe), .. }) => {
                    let pipe = Arc::clone(pipe);
                    send(session, id, &pipe, &mut true);
                }
                Some(Active { parts: Some(parts), .. }) => {
                    let _ = go_on(session, id, &mut parts.rest);
                }
                _ => {}
            },
            Event::RequestCapacity | Event::Ready { .. } => self.blocked = false,
            Event::MessageCapacity => self.wishes.blocked = false,
            Event::Pong { round_trip } => self.wishes.pong(round_trip),
            Event::GoAway { .. } => {
                self.blocked = false;
                let mut mail = self.shared.mail();
                mail.closed = true;
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
        let (mut abandoned, left) = self.take_mail(cx, now);
        if !self.refused.is_empty() {
            self.refused.drain(..).for_each(|reply| reply.fail(CallError::Refused));
        }
        let mut worked = false;
        if self.streams {
            (worked, abandoned) = self.hear(cx, session, abandoned);
        }
        if abandoned || self.blocked || !self.gathering.is_empty() || !session.is_ready() {
            self.tidy(session, abandoned, now);
        }
        worked |= abandoned | self.start_calls(session, now);
        worked |= self.wishes.grant(session, now);
        if self.waiting.is_empty() && self.gathering.is_empty() {
            self.earliest = None;
        }
        if (left || self.shutting_down) && self.is_idle() && !worked {
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
            mail.closed = true;
            self.waiting.append(&mut mail.calls);
            self.wishes.add(&mut mail.wishes);
        }
        self.shared.bell.silence();
        for (_, active) in self.active.drain() {
            active.reply.fail(lost.clone());
        }
        let unsent = self.waiting.drain(..).chain(self.gathering.drain(..)).map(|call| call.reply);
        for reply in unsent.chain(self.refused.drain(..)) {
            reply.fail(CallError::Refused);
        }
        self.wishes.clear();
    }
}

/// The connection may be dropped without having been told that it is over.
impl Drop for CallerApp {
    fn drop(&mut self) {
        self.on_close(Outcome::Aborted);
    }
}

//! What runs above a server's session.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tower_service::Service;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Error, Event, ExchangeId, SendError, Session};

use super::body::{Collected, go_on};
use super::handlers::{Handlers, Stop, Work};
use super::id_map::IdMap;
use super::service::Request;
use crate::{Application, Outcome, Step};

/// What a handler is for.
enum Task {
    Answer(ExchangeId),
    /// A message of so many octets.
    Message(usize),
}

/// How far the answer to a request has come.
enum Exchange {
    /// More of the request comes.
    Receiving {
        request: Collected,
        timeout: Option<Duration>,
    },
    Running(Stop),
    /// No room for the answer, or not its turn.
    Ready(Bytes),
    /// The rest of an answer that has begun.
    Sending(Bytes),
}

pub(super) struct ServerApp<S: Service<Request>> {
    service: S,
    peer: SocketAddr,
    max_request: usize,
    exchanges: IdMap<Exchange>,
    handlers: Handlers<Task, S::Future>,
    /// Something woke the task: handlers that were woken are asked again.
    woken: bool,
}

impl<S, E> ServerApp<S>
where
    S: Service<Request, Response = Bytes, Error = E> + Clone + Send + 'static,
    S::Future: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    pub(super) fn new(service: S, peer: SocketAddr, max_request: usize) -> ServerApp<S> {
        ServerApp {
            service,
            peer,
            max_request,
            exchanges: IdMap::default(),
            handlers: Handlers::new(),
            woken: false,
        }
    }

    /// Calls the service and asks the handler at once; it is kept when it has to wait.
    fn call(&mut self, cx: &mut Context<'_>, request: Request) -> Result<Result<Bytes, E>, Work<S::Future>> {
        match self.service.poll_ready(cx) {
            Poll::Ready(Ok(())) => self.handlers.begin(cx, self.service.call(request)),
            Poll::Ready(Err(error)) => Ok(Err(error)),
            Poll::Pending => {
                let fresh = self.service.clone();
                let mut service = std::mem::replace(&mut self.service, fresh);
                Err(Work::Boxed(Box::pin(async move {
                    poll_fn(|cx| service.poll_ready(cx)).await?;
                    service.call(request).await
                })))
            }
        }
    }

    /// A handler waits; the set has to ask it once.
    fn keep(&mut self, task: Task, work: Work<S::Future>) -> Stop {
        self.woken = true;
        self.handlers.keep(task, work)
    }

    fn start(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        id: ExchangeId,
        payload: Bytes,
        timeout: Option<Duration>,
    ) {
        let request = Request::new(payload, self.peer, timeout, false);
        match self.call(cx, request) {
            Ok(answer) => self.answer(session, id, answer),
            Err(work) => {
                let stop = self.keep(Task::Answer(id), work);
                self.exchanges.insert(id, Exchange::Running(stop));
            }
        }
    }

    fn answer(&mut self, session: &mut Session, id: ExchangeId, answer: Result<Bytes, E>) {
        match answer {
            Ok(payload) => self.respond(session, id, payload),
            Err(error) => {
                let _ = session.respond_error(id, ErrorCode::APPLICATION, &error.to_string());
            }
        }
    }

    fn respond(&mut self, session: &mut Session, id: ExchangeId, mut payload: Bytes) {
        let capacity = session.capacity(id);
        if capacity == 0 && !payload.is_empty() {
            self.exchanges.insert(id, Exchange::Ready(payload));
            return;
        }
        let first = payload.split_to(payload.len().min(capacity));
        match session.respond(id, first.clone(), payload.is_empty()) {
            Ok(()) if payload.is_empty() => {}
            Ok(()) => self.send_rest(session, id, payload),
            Err(SendError::Full) => {
                self.exchanges.insert(id, Exchange::Ready(first));
            }
            // More than a frame of the base form may carry.
            Err(error) => {
                let _ = session.respond_error(id, ErrorCode::FRAME_TOO_LONG, &error.to_string());
            }
        }
    }

    fn send_rest(&mut self, session: &mut Session, id: ExchangeId, mut rest: Bytes) {
        if !go_on(session, id, &mut rest) {
            self.exchanges.insert(id, Exchange::Sending(rest));
        }
    }

    fn on_part(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        id: ExchangeId,
        data: Bytes,
        end: bool,
    ) {
        session.consumed(id, data.len());
        let Some(Exchange::Receiving { request, timeout }) = self.exchanges.get_mut(&id) else { return };
        request.push(data);
        if request.len() > self.max_request {
            self.exchanges.remove(&id);
            let text = format!("the request is longer than {} octets", self.max_request);
            let _ = session.respond_error(id, ErrorCode::FRAME_TOO_LONG, &text);
        } else if end {
            let (payload, timeout) = (std::mem::take(request).finish(), *timeout);
            self.exchanges.remove(&id);
            self.start(cx, session, id, payload, timeout);
        }
    }
}

impl<S, E> Application<Session> for ServerApp<S>
where
    S: Service<Request, Response = Bytes, Error = E> + Clone + Send + 'static,
    S::Future: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    fn on_event(&mut self, cx: &mut Context<'_>, session: &mut Session, event: Event, _: Instant) {
        match event {
            Event::Request { id, data, end: true, timeout } => {
                session.consumed(id, data.len());
                self.start(cx, session, id, data, timeout);
            }
            Event::Request { id, data, timeout, .. } => {
                self.exchanges.insert(id, Exchange::Receiving { request: Collected::default(), timeout });
                self.on_part(cx, session, id, data, false);
            }
            Event::Data { id, data, end } => self.on_part(cx, session, id, data, end),
            Event::Cancelled { id, .. } => {
                if let Some(Exchange::Running(stop)) = self.exchanges.remove(&id) {
                    self.woken = true;
                    self.handlers.cancel(cx, &stop);
                }
            }
            Event::Capacity { id } => match self.exchanges.remove(&id) {
                Some(Exchange::Ready(payload)) => self.respond(session, id, payload),
                Some(Exchange::Sending(rest)) => self.send_rest(session, id, rest),
                Some(other) => {
                    self.exchanges.insert(id, other);
                }
                None => {}
            },
            Event::Message { data } => {
                let octets = data.len();
                match self.call(cx, Request::new(data, self.peer, None, true)) {
                    // Its credit comes back when it is done.
                    Err(work) => {
                        self.keep(Task::Message(octets), work);
                    }
                    Ok(_) => session.message_consumed(octets),
                }
            }
            _ => {}
        }
    }

    fn woken(&mut self) {
        self.woken = true;
    }

    fn poll(&mut self, cx: &mut Context<'_>, session: &mut Session, _: Instant) -> Step {
        if !std::mem::take(&mut self.woken) {
            return Step::Wait;
        }
        let mut worked = false;
        let mut answers = Vec::new();
        while let Some((task, answer)) = self.handlers.poll(cx) {
            worked = true;
            match task {
                Task::Answer(id) => answers.push((id, answer)),
                Task::Message(octets) => session.message_consumed(octets),
            }
        }
        // In the order of the requests: the base form can send no other.
        answers.sort_unstable_by_key(|(id, _)| *id);
        for (id, answer) in answers {
            // Unless it was cancelled when it was through.
            if let Some(Exchange::Running(_)) = self.exchanges.remove(&id) {
                self.answer(session, id, answer);
            }
        }
        if worked { Step::Again } else { Step::Wait }
    }

    fn shut_down(&mut self, session: &mut Session, now: Instant) {
        session.shut_down(now);
    }

    fn on_close(&mut self, _: Outcome<Error>) {
        self.exchanges.clear();
        self.handlers.clear();
    }
}

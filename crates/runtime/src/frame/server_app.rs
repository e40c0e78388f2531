//! What runs above a server's session.

mod answers;
mod streams;

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tower_service::Service;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Error, Event, ExchangeId, Session};

use super::answer::Writer;
use super::bell::Bell;
use super::body::Collected;
use super::error::CallError;
use super::handlers::{Handlers, Stop, Work};
use super::id_map::IdMap;
use super::pipe::Pipe;
use super::service::{Mode, Request};
use crate::{Application, Outcome, Step};

/// What a handler is for.
enum Task {
    Answer(ExchangeId),
    /// A message of so many octets.
    Message(usize),
}

/// A request that is under way.
struct Exchange {
    state: State,
    /// Where the request is read, or the answer written, in parts.
    pipe: Option<Arc<Pipe>>,
}

/// How far the answer to a request has come.
enum State {
    /// More of the request comes, all of which is needed first.
    Receiving {
        request: Collected,
        timeout: Option<Duration>,
    },
    Running(Stop),
    /// No room for the answer, or not its turn.
    Ready(Bytes),
    /// The rest of an answer that has begun.
    Sending(Bytes),
    /// The answer comes through the pipe.
    Writing {
        writer: Option<Stop>,
        begun: bool,
    },
}

pub(super) struct ServerApp<S: Service<Request<M::Payload>>, M: Mode> {
    service: S,
    peer: SocketAddr,
    max_request: usize,
    /// Octets of an answer in the base form, at most.
    max_frame: usize,
    exchanges: IdMap<Exchange>,
    handlers: Handlers<Task, S::Future>,
    writers: Handlers<ExchangeId, Writer>,
    bell: Arc<Bell<Arc<Pipe>>>,
    /// There has been a pipe.
    streams: bool,
    /// Something woke the task: handlers that were woken are asked again.
    woken: bool,
    mode: PhantomData<fn() -> M>,
}

impl<S, M, E> ServerApp<S, M>
where
    M: Mode,
    S: Service<Request<M::Payload>, Response = M::Reply, Error = E> + Clone + Send + 'static,
    S::Future: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    pub(super) fn new(service: S, peer: SocketAddr, max_request: usize, max_frame: usize) -> Self {
        ServerApp {
            service,
            peer,
            max_request,
            max_frame,
            exchanges: IdMap::default(),
            handlers: Handlers::new(),
            writers: Handlers::new(),
            bell: Arc::default(),
            streams: false,
            woken: false,
            mode: PhantomData,
        }
    }

    /// Calls the service and asks the handler at once; it is kept when it has to wait.
    fn call(
        &mut self,
        cx: &mut Context<'_>,
        payload: M::Payload,
        timeout: Option<Duration>,
        one_way: bool,
    ) -> Result<Result<M::Reply, E>, Work<S::Future>> {
        let request = Request::new(payload, self.peer, timeout, one_way);
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
        payload: M::Payload,
        timeout: Option<Duration>,
        pipe: Option<Arc<Pipe>>,
    ) {
        match self.call(cx, payload, timeout, false) {
            Ok(answer) => self.answer(cx, session, id, answer, pipe),
            Err(work) => {
                let stop = self.keep(Task::Answer(id), work);
                self.exchanges.insert(id, Exchange { state: State::Running(stop), pipe });
            }
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
        let octets = data.len();
        let Some(exchange) = self.exchanges.get_mut(&id) else { return session.consumed(id, octets) };
        let State::Receiving { request, timeout } = &mut exchange.state else {
            // Whoever reads it says so.
            let unread = exchange.pipe.as_ref().map_or(octets, |pipe| pipe.deliver(data, end));
            return session.consumed(id, unread);
        };
        session.consumed(id, octets);
        request.push(data);
        if request.len() > self.max_request {
            self.exchanges.remove(&id);
            let text = format!("the request is longer than {} octets", self.max_request);
            let _ = session.respond_error(id, ErrorCode::FRAME_TOO_LONG, &text);
        } else if end {
            let (payload, timeout) = (std::mem::take(request).finish(), *timeout);
            self.exchanges.remove(&id);
            self.start(cx, session, id, M::whole(payload), timeout, None);
        }
    }

    /// Nobody waits for the answer any more.
    fn on_cancelled(&mut self, cx: &mut Context<'_>, id: ExchangeId) {
        let Some(Exchange { state, pipe }) = self.exchanges.remove(&id) else { return };
        if let Some(pipe) = pipe {
            pipe.close(&CallError::Cancelled);
        }
        self.woken = true;
        match state {
            State::Running(stop) => self.handlers.cancel(cx, &stop),
            State::Writing { writer: Some(stop), .. } => self.writers.cancel(cx, &stop),
            _ => {}
        }
    }

    /// Handlers that were woken and are through; true when there was one.
    fn run_handlers(&mut self, cx: &mut Context<'_>, session: &mut Session) -> bool {
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
            if let Some(Exchange { state: State::Running(_), pipe }) = self.exchanges.remove(&id) {
                self.answer(cx, session, id, answer, pipe);
            }
        }
        worked
    }
}

impl<S, M, E> Application<Session> for ServerApp<S, M>
where
    M: Mode,
    S: Service<Request<M::Payload>, Response = M::Reply, Error = E> + Clone + Send + 'static,
    S::Future: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    fn on_event(&mut self, cx: &mut Context<'_>, session: &mut Session, event: Event, _: Instant) {
        match event {
            Event::Request { id, data, end: true, timeout } => {
                session.consumed(id, data.len());
                self.start(cx, session, id, M::whole(data), timeout, None);
            }
            Event::Request { id, data, timeout, .. } => {
                if let Some(data) = self.start_streamed(cx, session, id, data, timeout) {
                    let state = State::Receiving { request: Collected::default(), timeout };
                    self.exchanges.insert(id, Exchange { state, pipe: None });
                    self.on_part(cx, session, id, data, false);
                }
            }
            Event::Data { id, data, end } => self.on_part(cx, session, id, data, end),
            Event::Cancelled { id, .. } => self.on_cancelled(cx, id),
            Event::Capacity { id } => self.on_capacity(session, id),
            Event::Message { data } => {
                let octets = data.len();
                match self.call(cx, M::whole(data), None, true) {
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
        let mut worked = self.run_handlers(cx, session);
        if self.streams {
            worked |= self.run_streams(cx, session);
        }
        if worked { Step::Again } else { Step::Wait }
    }

    fn shut_down(&mut self, session: &mut Session, now: Instant) {
        session.shut_down(now);
    }

    fn on_close(&mut self, _: Outcome<Error>) {
        self.bell.silence();
        for (_, exchange) in self.exchanges.drain() {
            if let Some(pipe) = exchange.pipe {
                pipe.close(&CallError::Lost("the connection is over".into()));
            }
        }
        self.handlers.clear();
        self.writers.clear();
    }
}

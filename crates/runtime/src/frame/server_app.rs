//! What runs above a server's session.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tower_service::Service;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Error, Event, ExchangeId, SendError, Session};

use super::body::{Collected, go_on};
use super::id_map::IdMap;
use super::service::Request;
use crate::{Application, Outcome, Step};

/// A handler at work.
type Running<E> = Pin<Box<dyn Future<Output = Result<Bytes, E>> + Send>>;

/// How far the answer to a request has come.
enum Exchange<E> {
    /// More of the request comes.
    Receiving {
        request: Collected,
        timeout: Option<Duration>,
    },
    Running(Running<E>),
    /// No room for the answer, or not its turn.
    Ready(Bytes),
    /// The rest of an answer that has begun.
    Sending(Bytes),
}

pub(super) struct ServerApp<S, E> {
    service: S,
    peer: SocketAddr,
    max_request: usize,
    exchanges: IdMap<Exchange<E>>,
    /// Handlers for messages.
    messages: Vec<(usize, Running<E>)>,
    /// Something woke the task: handlers are asked again.
    woken: bool,
}

impl<S, E> ServerApp<S, E>
where
    S: Service<Request, Response = Bytes, Error = E> + Clone + Send + 'static,
    S::Future: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    pub(super) fn new(service: S, peer: SocketAddr, max_request: usize) -> ServerApp<S, E> {
        ServerApp {
            service,
            peer,
            max_request,
            exchanges: IdMap::default(),
            messages: Vec::new(),
            woken: false,
        }
    }

    /// Calls the service and asks the handler at once; it is kept when it has to wait.
    fn call(&mut self, cx: &mut Context<'_>, request: Request) -> Result<Result<Bytes, E>, Running<E>> {
        let mut running: Running<E> = match self.service.poll_ready(cx) {
            Poll::Ready(Ok(())) => Box::pin(self.service.call(request)),
            Poll::Ready(Err(error)) => return Ok(Err(error)),
            Poll::Pending => {
                let fresh = self.service.clone();
                let mut service = std::mem::replace(&mut self.service, fresh);
                Box::pin(async move {
                    poll_fn(|cx| service.poll_ready(cx)).await?;
                    service.call(request).await
                })
            }
        };
        match running.as_mut().poll(cx) {
            Poll::Ready(answer) => Ok(answer),
            Poll::Pending => Err(running),
        }
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
            Err(running) => {
                self.exchanges.insert(id, Exchange::Running(running));
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

impl<S, E> Application<Session> for ServerApp<S, E>
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
                self.exchanges.remove(&id);
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
                    Err(running) => self.messages.push((octets, running)),
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
        for (id, exchange) in &mut self.exchanges {
            if let Exchange::Running(running) = exchange
                && let Poll::Ready(answer) = running.as_mut().poll(cx)
            {
                answers.push((*id, answer));
            }
        }
        // In the order of the requests: the base form can send no other.
        answers.sort_unstable_by_key(|(id, _)| *id);
        for (id, answer) in answers {
            self.exchanges.remove(&id);
            self.answer(session, id, answer);
            worked = true;
        }
        self.messages.retain_mut(|(octets, running)| {
            let done = running.as_mut().poll(cx).is_ready();
            if done {
                session.message_consumed(*octets);
                worked = true;
            }
            !done
        });
        if worked { Step::Again } else { Step::Wait }
    }

    fn shut_down(&mut self, session: &mut Session, now: Instant) {
        session.shut_down(now);
    }

    fn on_close(&mut self, _: Outcome<Error>) {
        self.exchanges.clear();
        self.messages.clear();
    }
}

//! Requests that are read, and answers that are written, in parts.

use std::fmt;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use tower_service::Service;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{ExchangeId, Form, Session};

use super::answers::ended;
use super::{Exchange, ServerApp, State};
use crate::frame::answer::Writer;
use crate::frame::error::CallError;
use crate::frame::flow::send;
use crate::frame::parts::{Body, BodySender};
use crate::frame::pipe::{Pipe, Whole};
use crate::frame::service::{Mode, Request};

impl<S, M, E> ServerApp<S, M>
where
    M: Mode,
    S: Service<Request<M::Payload>, Response = M::Reply, Error = E> + Clone + Send + 'static,
    S::Future: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    fn pipe(&mut self, id: ExchangeId) -> Arc<Pipe> {
        // The bell has to be listened to.
        (self.streams, self.woken) = (true, true);
        let pipe = Pipe::new(&self.bell);
        pipe.set_id(id);
        pipe
    }

    /// A request that the service reads as it comes; gives its first part back when the service does not do that.
    pub(super) fn start_streamed(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        id: ExchangeId,
        data: Bytes,
        timeout: Option<Duration>,
    ) -> Option<Bytes> {
        let mut pipe = None;
        let Some(payload) = M::parts(|| Body::new(pipe.insert(self.pipe(id)))) else { return Some(data) };
        if let Some(pipe) = &pipe {
            pipe.deliver(data, false);
        }
        self.start(cx, session, id, payload, timeout, pipe);
        None
    }

    pub(super) fn start_writer(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        id: ExchangeId,
        write: Box<dyn FnOnce(BodySender) -> Writer + Send>,
        pipe: Option<Arc<Pipe>>,
    ) {
        let pipe = pipe.unwrap_or_else(|| self.pipe(id));
        let writer = match self.writers.begin(cx, write(BodySender::new(&pipe))) {
            Ok(Err(text)) => return self.fail_answer(session, id, &text, Some(pipe)),
            Ok(Ok(())) => None,
            Err(work) => {
                self.woken = true;
                Some(self.writers.keep(id, work))
            }
        };
        let state = State::Writing { writer, begun: false };
        self.exchanges.insert(id, Exchange { state, pipe: Some(pipe) });
        self.write(session, id);
    }

    fn fail_answer(&mut self, session: &mut Session, id: ExchangeId, text: &str, pipe: Option<Arc<Pipe>>) {
        let _ = session.respond_error(id, ErrorCode::APPLICATION, text);
        ended(pipe);
    }

    /// Sends what was written, as far as there is capacity.
    pub(super) fn write(&mut self, session: &mut Session, id: ExchangeId) {
        let base = session.form() == Some(Form::Base);
        let limit = self.max_frame;
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let (State::Writing { begun, .. }, Some(pipe)) = (&mut exchange.state, &exchange.pipe) else {
            return;
        };
        if base {
            let whole = pipe.whole(limit);
            match whole {
                Whole::NotYet => return,
                Whole::Here(payload) => {
                    let pipe = self.exchanges.remove(&id).and_then(|exchange| exchange.pipe);
                    return self.respond(session, id, payload, pipe);
                }
                Whole::TooLong(_) => {
                    let text = format!("the answer is longer than {limit} octets");
                    let _ = session.respond_error(id, ErrorCode::FRAME_TOO_LONG, &text);
                }
            }
        } else if !send(session, id, pipe, begun) {
            return;
        }
        // A writer that is not through yet may go on; nobody listens to it.
        ended(self.exchanges.remove(&id).and_then(|exchange| exchange.pipe));
    }

    /// Writers that were woken, and pipes in which something was done; true when anything came of it.
    pub(super) fn run_streams(&mut self, cx: &mut Context<'_>, session: &mut Session) -> bool {
        let mut worked = false;
        while let Some((id, written)) = self.writers.poll(cx) {
            worked = true;
            if let Err(text) = written
                && let Some(Exchange { pipe, .. }) = self.exchanges.remove(&id)
            {
                self.fail_answer(session, id, &text, pipe);
            }
        }
        for pipe in self.bell.listen(cx) {
            worked = true;
            let changes = pipe.changes();
            let Some(id) = changes.id else { continue };
            session.consumed(id, changes.taken);
            if changes.sender_gone && self.exchanges.remove(&id).is_some() {
                session.cancel(id, ErrorCode::CANCELLED);
                pipe.close(&CallError::Cancelled);
            } else {
                self.write(session, id);
            }
        }
        worked
    }
}

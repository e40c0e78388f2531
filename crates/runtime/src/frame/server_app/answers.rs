//! Answers on their way out.

use std::fmt;
use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use tower_service::Service;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{ExchangeId, SendError, Session};

use super::{Exchange, ServerApp, State};
use crate::frame::answer::{Answer, Kind};
use crate::frame::body::go_on;
use crate::frame::error::CallError;
use crate::frame::pipe::Pipe;
use crate::frame::service::{Mode, Request};

/// The exchange has ended: what was not read of the request does not come any more.
pub(super) fn ended(pipe: Option<Arc<Pipe>>) {
    if let Some(pipe) = pipe {
        pipe.close(&CallError::Answered);
    }
}

impl<S, M, E> ServerApp<S, M>
where
    M: Mode,
    S: Service<Request<M::Payload>, Response = M::Reply, Error = E> + Clone + Send + 'static,
    S::Future: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    pub(super) fn answer(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        id: ExchangeId,
        answer: Result<M::Reply, E>,
        pipe: Option<Arc<Pipe>>,
    ) {
        match answer.map(Into::into) {
            Ok(Answer(Kind::Whole(payload))) => self.respond(session, id, payload, pipe),
            Ok(Answer(Kind::Written(write))) => self.start_writer(cx, session, id, write, pipe),
            Err(error) => {
                let _ = session.respond_error(id, ErrorCode::APPLICATION, &error.to_string());
                ended(pipe);
            }
        }
    }

    /// Answers with a payload that is there.
    pub(super) fn respond(
        &mut self,
        session: &mut Session,
        id: ExchangeId,
        mut payload: Bytes,
        pipe: Option<Arc<Pipe>>,
    ) {
        let capacity = session.capacity(id);
        if capacity == 0 && !payload.is_empty() {
            self.exchanges.insert(id, Exchange { state: State::Ready(payload), pipe });
            return;
        }
        let first = payload.split_to(payload.len().min(capacity));
        match session.respond(id, first.clone(), payload.is_empty()) {
            Ok(()) if payload.is_empty() => ended(pipe),
            Ok(()) => self.send_rest(session, id, payload, pipe),
            Err(SendError::Full) => {
                self.exchanges.insert(id, Exchange { state: State::Ready(first), pipe });
            }
            // More than a frame of the base form may carry.
            Err(error) => {
                let _ = session.respond_error(id, ErrorCode::FRAME_TOO_LONG, &error.to_string());
                ended(pipe);
            }
        }
    }

    fn send_rest(&mut self, session: &mut Session, id: ExchangeId, mut rest: Bytes, pipe: Option<Arc<Pipe>>) {
        if go_on(session, id, &mut rest) {
            ended(pipe);
        } else {
            self.exchanges.insert(id, Exchange { state: State::Sending(rest), pipe });
        }
    }

    /// There is room for more of an answer, or it is its turn.
    pub(super) fn on_capacity(&mut self, session: &mut Session, id: ExchangeId) {
        match self.exchanges.remove(&id) {
            Some(Exchange { state: State::Ready(payload), pipe }) => self.respond(session, id, payload, pipe),
            Some(Exchange { state: State::Sending(rest), pipe }) => self.send_rest(session, id, rest, pipe),
            Some(exchange) => {
                let writing = matches!(exchange.state, State::Writing { .. });
                self.exchanges.insert(id, exchange);
                if writing {
                    self.write(session, id);
                }
            }
            None => {}
        }
    }
}

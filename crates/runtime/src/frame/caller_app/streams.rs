//! Calls in parts.

use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use bytes::Bytes;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Form, SendError, Session};

use super::{Active, CallerApp};
use crate::frame::error::CallError;
use crate::frame::flow::send;
use crate::frame::mailbox::{NewCall, Reply};
use crate::frame::pipe::{Next, Pipe, Whole};

impl CallerApp {
    /// Sends the beginning of a request, or puts it back where calls wait.
    pub(super) fn open(&mut self, session: &mut Session, call: NewCall, pipe: &Arc<Pipe>, now: Instant) {
        let timeout = call.until.map(|until| until.saturating_duration_since(now));
        let (first, end) = if session.form() == Some(Form::Base) {
            match pipe.whole(self.max_frame) {
                Whole::NotYet => return self.gathering.push(call),
                Whole::Here(payload) => (payload, true),
                Whole::TooLong(length) => {
                    return pipe.close(&CallError::RequestTooLong { length, limit: self.max_frame });
                }
            }
        } else {
            match pipe.next(session.request_capacity()) {
                Next::Part(part, end) => (part, end),
                // The peer may have something to say before.
                Next::Nothing => (Bytes::new(), false),
            }
        };
        match session.send_request(now, first.clone(), end, timeout) {
            Ok(id) => {
                pipe.set_id(id);
                self.active.insert(id, Active { reply: call.reply, parts: None });
                if !end {
                    send(session, id, pipe, &mut true);
                }
            }
            Err(SendError::Full | SendError::NotReady) => {
                pipe.put_back(first);
                self.waiting.push_front(call);
                self.blocked = true;
            }
            Err(SendError::TooLong { length, limit }) => {
                pipe.close(&CallError::RequestTooLong { length, limit });
            }
            Err(_) => pipe.close(&CallError::Refused),
        }
    }

    /// Pipes in which something was done; whether there was one, and whether calls were abandoned.
    pub(super) fn hear(
        &mut self,
        cx: &Context<'_>,
        session: &mut Session,
        mut abandoned: bool,
    ) -> (bool, bool) {
        let mut worked = false;
        for pipe in Arc::clone(&self.shared).bell.listen(cx) {
            worked = true;
            let changes = pipe.changes();
            let left = changes.sender_gone || changes.reader_gone;
            let Some(id) = changes.id else {
                abandoned |= left;
                let same = |call: &NewCall| matches!(&call.reply, Reply::Pipe(of) if Arc::ptr_eq(of, &pipe));
                if let Some(index) = self.gathering.iter().position(same) {
                    self.waiting.push_back(self.gathering.swap_remove(index));
                }
                continue;
            };
            if left && self.active.remove(&id).is_some() {
                session.cancel(id, ErrorCode::CANCELLED);
                pipe.close(&CallError::Cancelled);
                continue;
            }
            session.consumed(id, changes.taken);
            send(session, id, &pipe, &mut true);
        }
        (worked, abandoned)
    }
}

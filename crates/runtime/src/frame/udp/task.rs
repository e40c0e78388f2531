//! One socket for many calls: the task that has it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::datagram::{CallId, ClientEvent, SendError};

use super::link::Link;
use crate::frame::error::CallError;
use crate::timer::clock;

/// What is to be sent.
pub(super) enum Ask {
    Request(Bytes),
    Heartbeat,
}

/// What came back.
pub(super) enum Answer {
    Response(Bytes),
    Alive(Duration),
}

pub(super) type Answered = Result<Answer, CallError>;

pub(super) enum Command {
    Call {
        /// The handle's number for it.
        key: u64,
        ask: Ask,
        until: Instant,
        answer: oneshot::Sender<Answered>,
        /// Bounds what is under way, and what waits in the channel.
        permit: OwnedSemaphorePermit,
    },
    /// Its future was dropped.
    Cancel(u64),
    Message {
        payload: Bytes,
        /// Says what came of it.
        sent: oneshot::Sender<Result<(), CallError>>,
        permit: OwnedSemaphorePermit,
    },
}

/// A call that was not answered yet.
struct Active {
    key: u64,
    answer: oneshot::Sender<Answered>,
    _permit: OwnedSemaphorePermit,
}

/// Owns the socket and the machine until the last handle is gone.
pub(super) struct CallerTask {
    link: Link,
    commands: mpsc::UnboundedReceiver<Command>,
    active: HashMap<CallId, Active>,
    ids: HashMap<u64, CallId>,
    left: bool,
}

impl CallerTask {
    pub(super) fn new(link: Link, commands: mpsc::UnboundedReceiver<Command>) -> CallerTask {
        CallerTask { link, commands, active: HashMap::new(), ids: HashMap::new(), left: false }
    }

    /// Ends when all is answered and nobody can ask any more.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            while !self.left {
                match self.commands.poll_recv(cx) {
                    Poll::Ready(Some(command)) => self.obey(command),
                    Poll::Ready(None) => self.left = true,
                    Poll::Pending => break,
                }
            }
            match self.link.poll(cx) {
                Poll::Ready(event) => self.finish(event),
                Poll::Pending if self.left && self.active.is_empty() && self.link.is_flushed() => {
                    return Poll::Ready(());
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Call { key, ask, until, answer, permit } => match send(&mut self.link, ask, until) {
                Ok(id) => {
                    self.ids.insert(key, id);
                    self.active.insert(id, Active { key, answer, _permit: permit });
                }
                Err(error) => drop(answer.send(Err(error))),
            },
            Command::Message { payload, sent, permit } => {
                let octets = payload.len();
                let result = self.link.machine.send_message(clock(), payload);
                // Who has left does not want to know.
                let _ = sent.send(result.map_err(|error| failed(error, octets)));
                drop(permit);
            }
            Command::Cancel(key) => {
                if let Some(id) = self.ids.remove(&key) {
                    self.active.remove(&id);
                    self.link.machine.cancel(clock(), id);
                }
            }
        }
    }

    fn finish(&mut self, event: ClientEvent) {
        let Some((id, answer)) = answer(&event, &self.link) else { return };
        if let Some(active) = self.active.remove(&id) {
            self.ids.remove(&active.key);
            // Who has left does not want it.
            let _ = active.answer.send(answer);
        }
    }
}

/// Hands a call to the machine.
pub(super) fn send(link: &mut Link, ask: Ask, until: Instant) -> Result<CallId, CallError> {
    let now = clock();
    let left = until.saturating_duration_since(now);
    if left.is_zero() {
        return Err(CallError::Timeout);
    }
    let (octets, sent) = match ask {
        Ask::Request(payload) => (payload.len(), link.machine.call(now, payload, Some(left))),
        Ask::Heartbeat => (0, link.machine.heartbeat(now, Some(left))),
    };
    sent.map_err(|error| failed(error, octets))
}

/// Why something with a payload of so many octets was not sent.
fn failed(error: SendError, octets: usize) -> CallError {
    match error {
        // Of the payload alone, without what goes around it.
        SendError::TooLong { length, limit } => CallError::RequestTooLong {
            length: octets,
            limit: limit.saturating_sub(length.saturating_sub(octets)),
        },
        _ => CallError::Refused,
    }
}

/// Which call an event ends, and how.
pub(super) fn answer(event: &ClientEvent, link: &Link) -> Option<(CallId, Answered)> {
    Some(match event {
        ClientEvent::Response { id, payload } => (*id, Ok(Answer::Response(payload.clone()))),
        ClientEvent::Alive { id, round_trip } => (*id, Ok(Answer::Alive(*round_trip))),
        ClientEvent::Failed { id, code: ErrorCode::DEADLINE, .. } => (*id, Err(CallError::Timeout)),
        ClientEvent::Failed { id, code: ErrorCode::REFUSED, .. } => (*id, Err(CallError::Refused)),
        ClientEvent::Failed { id, code, text } => {
            (*id, Err(CallError::Peer { code: *code, text: text.clone() }))
        }
        ClientEvent::TimedOut { id, .. } => (*id, Err(late(link.trouble()))),
        _ => return None,
    })
}

fn late(trouble: Option<Arc<io::Error>>) -> CallError {
    match trouble {
        Some(error) => CallError::Unreachable(error),
        None => CallError::Timeout,
    }
}

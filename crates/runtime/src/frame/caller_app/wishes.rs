//! What callers want beside calls: pings, messages, and to know the form.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use wirelace_wire_codec::session::{Form, SendError, Session};

use crate::frame::error::CallError;
use crate::frame::mailbox::Wish;

/// Messages that wait, above which those are sorted out that nobody waits for.
const MANY: usize = 64;

/// What is wanted and not done yet.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    forms: Vec<oneshot::Sender<Form>>,
    /// To be sent, and sent.
    pings: Vec<oneshot::Sender<Duration>>,
    pinged: Vec<oneshot::Sender<Duration>>,
    messages: VecDeque<(Bytes, oneshot::Sender<Result<(), CallError>>)>,
    /// So many were left when it was last looked who had gone.
    kept: usize,
    /// Waits for room for a message.
    pub(super) blocked: bool,
}

impl Wishes {
    pub(super) fn add(&mut self, wishes: &mut Vec<Wish>) {
        for wish in wishes.drain(..) {
            match wish {
                Wish::Form(answer) => self.forms.push(answer),
                Wish::Ping(answer) => self.pings.push(answer),
                Wish::Message(message, answer) => self.messages.push_back((message, answer)),
            }
        }
        if self.messages.len() > MANY + 2 * self.kept {
            self.messages.retain(|(_, answer)| !answer.is_closed());
            self.kept = self.messages.len();
        }
    }

    /// Does what can be done now; true when anything was.
    pub(super) fn grant(&mut self, session: &mut Session, now: Instant) -> bool {
        if self.forms.is_empty() && self.pings.is_empty() && self.messages.is_empty() {
            return false;
        }
        let Some(form) = session.form() else { return false };
        let mut granted = false;
        for answer in self.forms.drain(..) {
            let _ = answer.send(form);
        }
        if !self.pings.is_empty() {
            granted = true;
            match session.ping(now) {
                Ok(()) => self.pinged.append(&mut self.pings),
                Err(_) => self.pings.clear(),
            }
        }
        while !self.blocked
            && let Some((message, answer)) = self.messages.pop_front()
        {
            // Nobody waits for it any more: then it is not sent.
            if answer.is_closed() {
                continue;
            }
            granted = true;
            let sent = match session.send_message(message.clone()) {
                Ok(()) => Ok(()),
                Err(SendError::Full) => {
                    self.messages.push_front((message, answer));
                    self.blocked = true;
                    break;
                }
                Err(SendError::Unsupported) => Err(CallError::Unsupported("messages")),
                Err(SendError::TooLong { length, limit }) => Err(CallError::RequestTooLong { length, limit }),
                Err(_) => Err(CallError::Refused),
            };
            let _ = answer.send(sent);
        }
        granted
    }

    pub(super) fn pong(&mut self, round_trip: Duration) {
        for answer in self.pinged.drain(..) {
            let _ = answer.send(round_trip);
        }
    }

    /// The connection is over: whoever waits learns it.
    pub(super) fn clear(&mut self) {
        *self = Wishes::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_nobody_waits_for_do_not_pile_up() {
        let mut wishes = Wishes::default();
        let mut kept = Vec::new();
        for number in 0..10_000 {
            let (answer, answered) = oneshot::channel();
            wishes.add(&mut vec![Wish::Message(Bytes::new(), answer)]);
            if number % 100 == 0 {
                kept.push(answered);
            }
            // The newest waits, too.
            assert!(wishes.messages.len() <= MANY + 2 * (kept.len() + 1), "{}", wishes.messages.len());
        }
        assert!(wishes.messages.iter().filter(|(_, answer)| !answer.is_closed()).count() == kept.len());
    }
}

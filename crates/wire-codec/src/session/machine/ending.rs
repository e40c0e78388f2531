//! How a connection ends.

use std::time::Instant;

use bytes::Bytes;

use super::{Phase, Session};
use crate::base::FrameType;
use crate::error::ErrorCode;
use crate::extended::{Frame, Role};
use crate::session::{Error, Event, ExchangeId};

impl Session {
    /// Ends everything, with one event for each exchange.
    pub(super) fn abandon(&mut self, code: ErrorCode, text: &str) {
        for id in self.exchanges.ids(|_, _| true) {
            self.exchanges.remove(id);
            self.events.push_back(if self.is_own(id) {
                Event::Failed { id: ExchangeId(id), code, text: text.into(), by_peer: false }
            } else {
                Event::Cancelled { id: ExchangeId(id), code }
            });
        }
        self.order.clear();
    }

    pub(super) fn fail(&mut self, error: Error) {
        if self.over {
            return;
        }
        let (code, text) = (error.code(), error.to_string());
        let lost = matches!(error, Error::Peer { .. } | Error::UnexpectedEnd { .. } | Error::WriteStalled);
        match (self.phase, self.role) {
            _ if lost => {}
            // Not an error of the peer: what it has just asked was not processed, and it can tell.
            (Phase::Extended, _) if error == Error::Idle => self.put_go_away(),
            _ if error == Error::Idle => {}
            (Phase::Extended, _) => {
                self.put(Frame::Error { id: 0, code, text: Bytes::from(text.clone()) });
            }
            (_, Role::Acceptor) => self.put_base(FrameType::ERROR, Bytes::from(text.clone())),
            // Nobody asks the initiator.
            (_, Role::Initiator) => {}
        }
        self.abandon(code, &text);
        self.finish();
        self.failure = Some(error);
    }

    pub(super) fn finish(&mut self) {
        self.over = true;
        self.run = Bytes::new();
    }

    /// The peer sends nothing more, and all it sent was taken.
    pub(super) fn input_over(&mut self) {
        for id in self.exchanges.ids(|_, _| true) {
            let own = self.is_own(id);
            // Whoever speaks the extended form says when it goes; and there will be no more credit.
            let cut = self.phase == Phase::Extended;
            if own {
                self.exchanges.remove(id);
                let text = String::from("the connection was closed");
                self.events.push_back(Event::Failed {
                    id: ExchangeId(id),
                    code: ErrorCode::CLOSED,
                    text,
                    by_peer: false,
                });
            } else if cut {
                self.exchanges.remove(id);
                self.events.push_back(Event::Cancelled { id: ExchangeId(id), code: ErrorCode::CLOSED });
            }
        }
        if self.role == Role::Initiator {
            self.order.clear();
        }
    }

    /// After all that could be done was done.
    pub(super) fn settle(&mut self, now: Instant) {
        let quiet = self.run.is_empty() && self.partial == 0;
        let idle = self.exchanges.is_empty() && self.order.is_empty();
        if idle && (self.eof && quiet || self.shutting_down) {
            self.finish();
        }
        self.timers.idle(now, idle && quiet);
        // While this side does not read, it is not the peer that stalls.
        self.timers.frame(now, if self.may_take() { self.partial } else { 0 });
        self.timers.output(now, !self.output.is_empty());
    }
}

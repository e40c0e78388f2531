//! Agreeing on a form.

use std::time::Instant;

use bytes::Bytes;

use super::{Phase, Session, settings};
use crate::base::{self, FrameType};
use crate::extended::{Hello, Role, VERSION};
use crate::session::options::Offer;
use crate::session::{Error, Event};

impl Session {
    fn hello(&self) -> Bytes {
        let hello = Hello {
            role: self.role,
            min_version: VERSION,
            max_version: VERSION,
            checksum: self.wants_checksum,
            settings: settings(&self.limits, self.heartbeat_ms),
        };
        hello.encode().into()
    }

    pub(super) fn send_hello(&mut self, now: Instant) {
        let hello = self.hello();
        self.put_base(FrameType::HEARTBEAT, hello);
        self.timers.hello_sent(now);
    }

    fn extend(&mut self, now: Instant, hello: &Hello) {
        self.checksum = self.wants_checksum && hello.checksum;
        self.peer = hello.settings;
        self.credit = hello.settings.connection_window;
        self.ready(now, Phase::Extended);
    }

    /// The first frame that answers our hello.
    pub(super) fn on_hello_answer(
        &mut self,
        now: Instant,
        frame: base::Frame<Bytes>,
    ) -> Result<Option<Event>, Error> {
        match (frame.kind, Hello::decode(&frame.payload)) {
            (FrameType::HEARTBEAT, Some(Ok(hello))) if hello.role == Role::Acceptor => {
                if (hello.min_version, hello.max_version) != (VERSION, VERSION) {
                    return Err(Error::UnexpectedHello);
                }
                self.extend(now, &hello);
            }
            // An answer that is not understood, from a peer that may have switched.
            (FrameType::HEARTBEAT, Some(Err(error))) => {
                return Err(Error::Decode { error, offset: self.offset });
            }
            // Any heartbeat, our own hello as an echo, or that nobody knows such a thing.
            (FrameType::HEARTBEAT | FrameType::ERROR, _) => self.ready(now, Phase::Base),
            (kind, _) => return Err(Error::UnexpectedFrame(kind)),
        }
        Ok(None)
    }

    /// Nobody answered: the peer has never heard of heartbeats.
    pub(super) fn hello_unanswered(&mut self, now: Instant) {
        self.heartbeats = 1;
        self.silent_hello = true;
        self.ready(now, Phase::Base);
        self.timers.may_ask = false;
    }

    /// The first frame that the acceptor sees.
    pub(super) fn on_first(
        &mut self,
        now: Instant,
        frame: base::Frame<Bytes>,
    ) -> Result<Option<Event>, Error> {
        let hello = match frame.kind {
            FrameType::HEARTBEAT => Hello::decode(&frame.payload),
            _ => None,
        };
        match hello {
            Some(Ok(hello)) if hello.role == Role::Initiator => {
                let shared = (hello.min_version..=hello.max_version).contains(&VERSION);
                if shared && self.offer == Offer::Extended {
                    let answer = self.hello();
                    self.put_base(FrameType::HEARTBEAT, answer);
                    self.extend(now, &hello);
                } else {
                    self.put_base(FrameType::HEARTBEAT, Bytes::new());
                    self.ready(now, Phase::Base);
                }
                Ok(None)
            }
            Some(Ok(_)) => Err(Error::UnexpectedHello),
            Some(Err(error)) => Err(Error::Decode { error, offset: self.offset }),
            None => {
                self.ready(now, Phase::Base);
                self.on_base(now, frame)
            }
        }
    }
}
